"""Convolution: standard, grouped, depthwise, 1×1, dilated, strided."""
