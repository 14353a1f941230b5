"""Baselines: what a gate compares with (a JSON file to commit), and what gates have said (a history); no torch."""
