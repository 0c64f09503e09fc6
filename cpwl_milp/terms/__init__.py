"""Linear terms of data: the affine map that a network is around each point, and what it tells.

`linear_terms` gives coefficients and bias of every output at every point, `tropical` the two convex
parts F and G whose difference the network is, `extracted` the classifier that the terms of a
training set make. After TropEx (Trimmel, Petzka and Sminchisescu, ICLR 2021).
"""
