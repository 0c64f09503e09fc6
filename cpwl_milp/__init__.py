"""Exact enumeration of the linear regions of ReLU-like networks, from ONNX."""

__version__ = "0.1.0"
