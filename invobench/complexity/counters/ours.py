"""Our own counter on a subject."""

from __future__ import annotations

from invobench.complexity.count import Count
from invobench.complexity.dispatch import DispatchCounter
from invobench.complexity.places import Places
from invobench.complexity.subject import Subject


def count(subject: Subject) -> Count:
    """What the subject's call dispatches, by place.

    The counter watches what is prepared too, since masks that are made there select in the call.
    """
    places = Places(subject.module)
    counter = DispatchCounter(places)
    with places, counter:
        subject.prepare()
        counter.count = Count()
        subject.run()
    return counter.count
