"""Judging: two results -> ratios with intervals -> verdicts. Nothing here measures, and nothing needs torch."""
