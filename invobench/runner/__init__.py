"""Cells to rows: build, check, measure, each cell in a process of its own."""
