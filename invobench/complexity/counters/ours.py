"""Our own counter on a subject."""

from __future__ import annotations

from invobench.complexity.count import Count
from invobench.complexity.dispatch import count_dispatched
from invobench.complexity.places import Places
from invobench.complexity.subject import Subject


def count(subject: Subject) -> Count:
    """What the subject's call dispatches, by place."""
    with Places(subject.module) as places:
        subject.prepare()
        return count_dispatched(subject.run, places)
