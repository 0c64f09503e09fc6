"""Estimators on the values of layers, for networks of any activation: what others measure."""
