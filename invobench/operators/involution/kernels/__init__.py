"""Involution's own operators of PyTorch, and the C++ kernels behind them."""
