"""Layers of Acme."""
