"""Tests of specs: what a spec means, and what is said of one that is wrong."""
