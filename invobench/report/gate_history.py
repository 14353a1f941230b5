"""What a gate leaves in the history, and what an earlier self-test there says of its thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from invobench import units
from invobench.baselines.spec_hash import spec_hash
from invobench.baselines.store import Resolution, Store, timestamp
from invobench.errors import StoreError
from invobench.judging.verdicts import Judgement

if TYPE_CHECKING:
    from invobench.runner.gate.request import GateSelftest

Say = Callable[[str], None]


class History:
    """The store of a gate's specs. None of what goes wrong with it changes how a gate ends: it is a warning."""

    def __init__(self, store: Store, specs: Sequence[Path], say: Say) -> None:
        self._store = store
        self._specs = [str(path) for path in specs]
        self._say = say

    def told(self, judgement: Judgement) -> Judgement:
        """The judgement with a note for each threshold below what a self-test found that this machine supports."""
        try:
            found = self._store.resolution(judgement.candidate.fingerprint, self._hash())
        except StoreError as error:
            self._warn(error)
            return judgement
        notes = tuple(_below(judgement, found)) if found is not None else ()
        return replace(judgement, notes=(*judgement.notes, *notes))

    def add(self, judgement: Judgement, mode: str) -> None:
        """Append the gate. `mode`: where its base comes from."""
        try:
            self._store.append(judgement, self._specs, mode)
        except StoreError as error:
            self._warn(error)

    def keep(self, found: GateSelftest) -> None:
        """Keep what a self-test found, unless it found nothing."""
        thresholds = {cell.label: cell.smallest for cell in found.cells}
        if not thresholds:
            return
        try:
            self._store.keep_resolution(
                Resolution(found.environment.fingerprint, self._hash(), thresholds, timestamp())
            )
        except StoreError as error:
            self._warn(error)

    def _hash(self) -> str:
        return spec_hash(self._specs, ()).value

    def _warn(self, error: StoreError) -> None:
        self._say(f"warning: {error}")


def _below(judgement: Judgement, found: Resolution) -> Iterator[str]:
    for cell in judgement.cells:
        latency = cell.check("latency")
        label = cell.identity.label
        if latency is None or latency.threshold is None or label not in found.thresholds:
            continue
        smallest = found.thresholds[label]
        if smallest is None or smallest > latency.threshold:
            supported = "no threshold" if smallest is None else f"{units.percent(smallest)} or more"
            yield (
                f"Warning: {label}: the threshold of {units.percent(latency.threshold)} is below what this machine "
                f"supports ({supported}, by gate --self-test of {found.at})."
            )
