"""Learned networks: ONNX models over a window of two dates, on the CPU, the same in threads and processes."""

from .network import Network
from .options import NetworkOptions

__all__ = ["Network", "NetworkOptions"]
