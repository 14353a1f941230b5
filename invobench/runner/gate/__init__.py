"""A gate's measuring: two sides in interpreters of their own, interleaved, until it is clear (no torch)."""
