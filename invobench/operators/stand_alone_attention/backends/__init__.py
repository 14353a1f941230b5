"""Backends of stand-alone attention: `attend(q, k, v, row, column, kernel_size) -> y`."""
