"""Backends of involution: `aggregate(x, weight, kernel_size, stride, dilation) -> y`."""
