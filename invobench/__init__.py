"""invobench: what a vision layer really costs, and whether it is worth it."""

__version__ = "0.1.0"
