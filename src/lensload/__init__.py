"""Coherent LENS events at a controlled rate, and latency that can be defended."""

__version__ = "0.1.0"
