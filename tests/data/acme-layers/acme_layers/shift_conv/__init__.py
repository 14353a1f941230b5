"""Shift convolution: a quarter of the channels moves each way, then a 1×1 convolution mixes them."""
