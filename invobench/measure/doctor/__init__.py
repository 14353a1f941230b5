"""`invobench doctor`: what hurts measuring on a machine, and how to mend it."""
