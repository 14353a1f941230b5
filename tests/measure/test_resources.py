"""Page faults and context switches that a test causes."""

from __future__ import annotations

import mmap
import time

from invobench.measure.resources import Usage, usage


def test_touching_new_pages_faults() -> None:
    """A page each, unless the system hands out larger ones."""
    pages = 4096
    before = usage()
    with mmap.mmap(-1, pages * mmap.PAGESIZE) as memory:
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            memory.madvise(mmap.MADV_NOHUGEPAGE)
        for page in range(pages):
            memory[page * mmap.PAGESIZE] = 1
    assert (usage() - before).page_faults >= pages


def test_waiting_switches_but_not_against_our_will() -> None:
    before = usage()
    for _ in range(50):
        time.sleep(0.0001)
    spent = usage() - before
    assert spent.switches >= 50
    assert spent.switches - spent.involuntary >= 50


def test_counts_are_added_and_subtracted() -> None:
    assert Usage(1, 2, 3) + Usage(10, 20, 30) == Usage(11, 22, 33)
    assert Usage(11, 22, 33) - Usage(10, 20, 30) == Usage(1, 2, 3)
