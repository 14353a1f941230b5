"""Timers, stopping rules, memory and environment. Nothing here knows what it measures."""
