"""Counters: what PyTorch dispatched, and what fvcore and torch report."""
