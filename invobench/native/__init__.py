"""C++ kernels that are built on the machine that runs them, once, and kept in the user's cache folder."""

from __future__ import annotations

from invobench.native.library import Sources, load, missing

__all__ = ["Sources", "load", "missing"]
