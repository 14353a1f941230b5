"""`invobench ceilings`: what is kept of this environment, and measuring what is missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import torch

from invobench import __version__
from invobench.errors import UsageError
from invobench.measure.ceiling_runs import Effort, measure_device
from invobench.measure.ceilings import Ceiling, Ceilings, read_ceilings, require_writable, write_ceilings
from invobench.measure.doctor.base import Snapshot
from invobench.measure.doctor.processor import load
from invobench.measure.environment import available_cpus, environment
from invobench.measure.system import System
from invobench.results import Environment

Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """Device (`cpu`, `cuda`, `cuda:N`, or None for the CPU and the first GPU), threads of the CPU, and whether anew."""

    device: str | None = None
    threads: int | None = None
    refresh: bool = False


@dataclass(frozen=True)
class Found:
    """The ceilings that were asked for, and the environment that they are of."""

    environment: Environment
    ceilings: tuple[Ceiling, ...]
    created: str


def ceilings_here(asked: Asked, say: Say, effort: Effort | None = None) -> Found:
    """The ceilings of this environment: those that are kept, and the missing ones measured and kept.

    Raises UsageError for a device that is not here and for a cache folder that takes nothing.
    """
    here = environment()
    devices = devices_of(asked.device)
    threads = _threads(asked.threads)
    kept, note = read_ceilings(here.fingerprint)
    if note:
        say(f"{note}: measured again")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    kept = kept or Ceilings(fingerprint=here.fingerprint, invobench=__version__, created=now)
    missing = [device for device in devices if asked.refresh or not kept.of(str(device), threads)]
    if missing:
        require_writable()
        _say_if_busy(say)  # once: after the first device the load is our own
    for device in missing:
        new = [item.model_copy(update={"created": now}) for item in _measured(device, threads, say, effort)]
        kept = kept.renewed(new).model_copy(update={"created": now, "invobench": __version__})
        write_ceilings(kept)
    wanted = tuple(item for device in devices for item in kept.of(str(device), threads))
    return Found(here, wanted, kept.created)


def _threads(asked: int | None) -> int:
    there = available_cpus()
    if asked is not None and asked > there:
        raise UsageError(f"--threads {asked}: this process may use {there} CPUs: ask for at most that")
    return asked or there


def _measured(device: torch.device, threads: int, say: Say, effort: Effort | None) -> Sequence[Ceiling]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return measure_device(device, say, effort)
    finally:
        torch.set_num_threads(before)


def _say_if_busy(say: Say) -> None:
    """Others at work take from what is measured as the machine's."""
    found = load(Snapshot("", processors=os.cpu_count() or 1, load=System().load()))
    if found.verdict == "hurts":
        say(f"the machine is busy (load {found.found}): ceilings come out too low; --refresh when it is quiet")


def devices_of(asked: str | None) -> list[torch.device]:
    """The devices that `asked` means: every kind of device by default. Raises UsageError where there is none."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    everything = [torch.device("cpu"), *([torch.device("cuda:0")] if count else [])]
    if asked is None:
        return everything
    if asked == "auto":
        return everything[-1:]
    known = {"cpu": torch.device("cpu"), **{f"cuda:{index}": torch.device(f"cuda:{index}") for index in range(count)}}
    name = "cuda:0" if asked == "cuda" else asked
    if name not in known:
        raise UsageError(f"--device {asked}: not here; there are: {', '.join(known)}")
    return [known[name]]
