"""Backends of conv: `convolve(x, weight, bias, stride, padding, dilation, groups) -> y`."""
