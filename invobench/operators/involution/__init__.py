"""Involution (Li et al., CVPR 2021): spatial-specific, channel-agnostic kernels generated from the input."""
