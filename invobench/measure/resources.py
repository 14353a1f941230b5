"""What the system did to this process, page faults and context switches, and what Python is kept from doing."""

from __future__ import annotations

import gc
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """Counts of all threads of the process.

    `page_faults`: minor and major. `switches`: context switches of both kinds; `involuntary`: those among them where
    the system took the processor away, which a thread that waits for another does not count.
    """

    page_faults: int = 0
    switches: int = 0
    involuntary: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.page_faults + other.page_faults,
            self.switches + other.switches,
            self.involuntary + other.involuntary,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            self.page_faults - other.page_faults,
            self.switches - other.switches,
            self.involuntary - other.involuntary,
        )


def usage() -> Usage:
    """The counts since the process started."""
    now = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(now.ru_minflt + now.ru_majflt, now.ru_nvcsw + now.ru_nivcsw, now.ru_nivcsw)


@contextmanager
def paused_gc() -> Iterator[None]:
    """No garbage collection meanwhile; afterwards it is as it was."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
