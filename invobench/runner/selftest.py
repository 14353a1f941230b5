"""`invobench selftest`: the ladder, the agreement with other tools and the overhead, on the real clock of a device."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from invobench.errors import EXIT_INCONCLUSIVE, EXIT_OK, MeasurementError, UsageError
from invobench.measure.clock import Run, clock_for
from invobench.measure.interval import Interval
from invobench.measure.sampling import sample
from invobench.measure.selftest.aims import Overhead, Verdict, Word, verdicts
from invobench.measure.selftest.kernels import busy, operands
from invobench.measure.selftest.ladder import EXACT, RATIOS, REPLICATES, Look, Rung, climb, smallest_told
from invobench.measure.selftest.overhead import Watched
from invobench.measure.selftest.peers import PEER_TIME_S, PEERS, Agreement, callables, compare
from invobench.operators import OPERATORS
from invobench.operators.base import LayerShape, LayerSpec
from invobench.runner import worker
from invobench.runner.processes import Processes
from invobench.runner.session import resolve_device
from invobench.spec.cells import Cell, Measure

#: seconds of samples of a cell of the ladder at most
_RUNG_TIME_S = 0.2
_PROBE_TIMEOUT_S = 300.0
_LAYER = "convolution 3×3, 8×64×56×56"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """Seconds for the ladder, and for the comparison with each other tool."""

    ladder_s: float
    peers_s: float


QUICK = Plan(ladder_s=9.0, peers_s=3.0)
FULL = Plan(ladder_s=100.0, peers_s=30.0)


@dataclass(frozen=True)
class Selftest:
    """What was measured; `load` is the machine's load average (1 minute) before and after, where it has one."""

    device: str
    cpu: str
    threads: int
    load: tuple[float, float] | None
    rungs: tuple[Rung, ...]
    agreements: tuple[Agreement, ...]
    overheads: tuple[Overhead, ...]

    @property
    def replicates(self) -> int:
        """Cells a side of the ladder's second look."""
        return REPLICATES

    @property
    def exact(self) -> float:
        """What the ladder's ratios are exact to."""
        return EXACT

    def smallest(self, look: Callable[[Rung], Look]) -> float | None:
        """The smallest ratio that `look` tells apart from 1; None where it tells none."""
        return smallest_told(self.rungs, look)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Every aim, and whether it is met."""
        return verdicts(self.rungs, self.agreements, self.overheads)

    @property
    def exit_code(self) -> int:
        """0 where every aim is met, 3 where one is not."""
        met = all(verdict.word is Word.MET for verdict in self.verdicts)
        return EXIT_OK if met else EXIT_INCONCLUSIVE


def selftest(requested: str, plan: Plan, say: Say = lambda text: None) -> Selftest:
    """Measure what is known on a device. Raises UsageError for a device that is not here.

    `requested`: `auto`, `cpu`, `cuda` or `cuda:N`. `say` is told what takes its time.
    """
    processes = Processes()
    probed = processes.run(worker.probe, timeout_s=_PROBE_TIMEOUT_S, told=lambda fields: None)
    if probed.value is None:
        raise MeasurementError(f"cannot start a worker: {probed.reason or 'no answer'}; does `import torch` work?")
    name = resolve_device(requested, probed.value)
    before = _load()
    say("a cell as `invobench profile` measures it")
    cells = whole_cell(name, processes)  # before CUDA starts here, so that processes can still be forked
    device = torch.device(name)
    say(f"ladder of known ratios, {plan.ladder_s:g} s")
    rungs = ladder(device, plan)
    say(f"agreement with other tools, {plan.peers_s:g} s each")
    agreements = agreement(device, plan)
    after = _load()
    return Selftest(
        name,
        probed.value.environment.cpu if device.type == "cpu" else torch.cuda.get_device_name(device),
        torch.get_num_threads(),
        (before, after) if before is not None and after is not None else None,
        rungs,
        agreements,
        (loop_overhead(device), *cells),
    )


def _load() -> float | None:
    """The load average of the last minute; None where the system has none."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None


def ladder(device: torch.device, plan: Plan) -> tuple[Rung, ...]:
    """The ladder of RATIOS on `device`, through its clock and the sampling loop."""
    memory = operands(device)
    rungs = {ratio: (busy(memory, 1.0), busy(memory, ratio)) for ratio in RATIOS}
    return climb(rungs, partial(_median, device, "hot", _RUNG_TIME_S), plan.ladder_s)


def agreement(device: torch.device, plan: Plan) -> tuple[Agreement, ...]:
    """Our medians against those of the tools that there are for `device`, in turn.

    Threads are set to what they are, as torch's timer does: that alone changes what some operations take.
    """
    torch.set_num_threads(torch.get_num_threads())
    runs = callables(device, busy(operands(device), 1.0))
    found: list[Agreement] = []
    for peer in PEERS[device.type]:
        found += compare(peer, partial(_median_s, device, peer.cache), runs, plan.peers_s)
    return tuple(found)


def _median(device: torch.device, cache: str, max_time_s: float, run: Run) -> Interval:
    clock = clock_for(device, cache=cache)
    return sample(clock, run, target_ci=Measure().target_ci, max_time_s=max_time_s).interval


def _median_s(device: torch.device, cache: str, run: Run) -> float:
    return _median(device, cache, PEER_TIME_S, run).median


def loop_overhead(device: torch.device) -> Overhead:
    """Of the sampling loop with default settings, on the ladder's base."""
    run = busy(operands(device), 1.0)
    start = time.perf_counter()
    clock = Watched(clock_for(device))
    # a target that is not met: the loop looks at its samples until the time is up, as in a noisy cell
    sample(clock, run, target_ci=0.0, max_time_s=Measure().max_time_s)
    return Overhead("sampling loop to the end of its time, short calls", time.perf_counter() - start, clock.inside_s)


def whole_cell(device: str, processes: Processes) -> tuple[Overhead, Overhead]:
    """Of a cell with default settings and `--metrics latency`, in a process of its own: without its check, and whole.

    The check is that of the module's values against the float64 reference, which comes before every timing.
    """
    fields_of_layer: dict[str, Any] = {"out_channels": 64, "kernel_size": 3}
    cell = Cell(
        spec="selftest",
        name="conv3x3",
        coordinates=(),
        what=LayerSpec("conv", OPERATORS["conv"].fields()(**fields_of_layer)),
        shape=LayerShape(8, 64, 56, 56),
        dtype="float32",
        mode="forward",
        scope="module",
        backend="auto",
        device=device,
        measure=Measure(),
    )
    fields: dict[str, Any] = {}
    ended = processes.run(_timed_cell, cell, device, timeout_s=cell.measure.timeout_s, told=fields.update)
    if "check_s" not in fields or "sampling_time_s" not in fields:
        raise MeasurementError(f"{_LAYER}: not timed: {ended.reason or fields.get('message') or 'no answer'}")
    inside_s, total_s = fields["sampling_time_s"] + fields["warmup_time_s"], fields["cell_time_s"]
    return (
        Overhead(f"a cell without its check, {_LAYER}", total_s - fields["check_s"], inside_s),
        Overhead(f"the whole cell, its check against float64 too, {_LAYER}", total_s, inside_s, aimed=False),
    )


def _timed_cell(cell: Cell, device: str, tell: worker.Tell) -> None:
    """Measure `cell`, and tell the seconds that its check took: from when it is built to when the error is known."""
    stamps: dict[str, float] = {}

    def stamped(news: dict[str, Any]) -> None:
        for name in news:
            stamps.setdefault(name, time.perf_counter())
        tell(news)

    worker.measure_cell(cell, device, ("latency",), stamped)
    if "backend" in stamps and "max_error" in stamps:
        tell({"check_s": stamps["max_error"] - stamps["backend"]})


def raw(found: Selftest) -> str:
    """Every pair and every ratio as JSON lines, seconds; the first says where, and how busy the machine was."""
    lines: list[dict[str, Any]] = [
        {"kind": "selftest", "device": found.device, "cpu": found.cpu, "threads": found.threads, "load": found.load}
    ]
    for rung in found.rungs:
        lines += [{"kind": "pair", "ratio": rung.ratio, "repeat": at, **asdict(p)} for at, p in enumerate(rung.pairs)]
    lines += [{"kind": "agreement", **asdict(item)} for item in found.agreements]
    lines += [{"kind": "overhead", **asdict(item)} for item in found.overheads]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def write(path: Path, text: str) -> None:
    """Write `text` to `path`, with the folders that it needs. Raises UsageError where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot write: {error.strerror or error}; choose another --out FILE") from None
