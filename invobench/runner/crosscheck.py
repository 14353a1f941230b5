"""`invobench crosscheck`: cells, or a module of the user's own, through every counter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from pydantic import ValidationError

from invobench.complexity.counters import COUNTERS
from invobench.complexity.counters.ours import count
from invobench.complexity.crosscheck import Crosscheck, crosscheck
from invobench.complexity.reading import OURS, Reading, reading_of
from invobench.complexity.subject import Subject
from invobench.cost import Cost
from invobench.errors import EXIT_FAILED, InvobenchError, MeasurementError, UnknownName, UsageError, worst_exit
from invobench.operators.user_module.module import build
from invobench.operators.user_module.spec import Fields
from invobench.runner.cases import Case, build_case
from invobench.runner.steps import STEPS
from invobench.runner.subjects import subject_of
from invobench.runner.worker import failure
from invobench.spec import read
from invobench.spec.cells import Cell
from invobench.table import unknown

#: where the tensors may be that our counter counts on
STORAGES = ("meta", "cpu")


@dataclass(frozen=True)
class Checked:
    """What was cross-checked: its name, input `[N, C, H, W]` and how it ran; and what was found."""

    label: str
    shape: tuple[int, ...]
    dtype: str
    mode: str
    backend: str
    found: Crosscheck


@dataclass(frozen=True)
class How:
    """Which counters are asked beside ours, and on which device the tensors are that ours counts on."""

    counters: tuple[str, ...] = tuple(COUNTERS)
    storage: str = "meta"


def counting_case(cell: Cell, storage: str = "meta") -> Case:
    """`cell` built to be counted: on `meta`, as it would run on its device (`auto`: the CPU)."""
    device = torch.device(cell.device.replace("auto", "cpu"))
    return build_case(cell, device, torch.device(storage))


@dataclass(frozen=True)
class Asked:
    """What a command line asked for: cells of specs, or a module with the shape of its input."""

    specs: Sequence[Path]
    overrides: Sequence[str]
    module: str | None
    size: str | None
    mode: str | None
    counters: str | None
    storage: str


@dataclass(frozen=True)
class Outcome:
    """What was checked, and what our counter could not count."""

    checked: tuple[Checked, ...]
    errors: tuple[InvobenchError, ...]

    @property
    def exit_code(self) -> int:
        """1 where a formula and our count differ, 4 where one could not be counted."""
        differ = any(not checked.found.agrees for checked in self.checked)
        return worst_exit([EXIT_FAILED] * differ + [error.exit_code for error in self.errors])


def check(asked: Asked) -> Outcome:
    """Cross-check what was `asked` for. Raises UsageError and SpecError for what cannot be."""
    how = How(_counters(asked.counters), _one_of("storage", asked.storage, STORAGES))
    if asked.module is None:
        if asked.mode is not None:
            raise UsageError("--mode is for --module: --set mode=backward does it for a spec")
        if asked.size is not None or not asked.specs:
            raise UsageError("crosscheck takes SPEC files, or --module PACKAGE.MODULE:FACTORY with --input N,C,H,W")
        calls = [partial(check_cell, cell, how) for cell in read(asked.specs, asked.overrides)]
    else:
        if asked.specs or asked.overrides or asked.size is None:
            raise UsageError("--module needs --input N,C,H,W, and neither SPEC nor --set")
        mode = _one_of("mode", asked.mode or "forward", STEPS)
        fields = _fields(asked.module)
        calls = [partial(check_module, fields, _shape(asked.size), mode, how)]
    checked: list[Checked] = []
    errors: list[InvobenchError] = []
    for call in calls:
        try:
            checked.append(call())
        except MeasurementError as error:
            errors.append(error)
    return Outcome(tuple(checked), tuple(errors))


def _counters(names: str | None) -> tuple[str, ...]:
    """Names of the table, as given with commas; `ours` is always asked."""
    given = [name.strip() for name in (names or "").split(",") if name.strip()]
    chosen = [_one_of("counter", name, (OURS, *COUNTERS)) for name in given]
    return tuple(name for name in COUNTERS if names is None or name in chosen)


def _one_of(noun: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    if name not in names:
        raise UnknownName(unknown(noun, name, names))
    return name


def _shape(text: str) -> tuple[int, ...]:
    """`8,64,56,56` as numbers."""
    try:
        shape = tuple(int(part) for part in text.split(","))
    except ValueError:
        shape = ()
    if len(shape) < 2 or min(shape) < 1:
        raise UsageError(f"--input: must be sizes such as 8,64,56,56, not '{text}'")
    return shape


def check_cell(cell: Cell, how: How) -> Checked:
    """Cross-check `cell`. Raises MeasurementError where our counter cannot count it."""
    try:
        case = counting_case(cell, how.storage)
        found = _check(subject_of(case), cell.cost(), how.counters)
    except Exception as error:
        raise _explained(error, cell.label, how) from error
    return Checked(cell.label, cell.shape.dims, cell.dtype, cell.mode, case.backends, found)


def check_module(fields: Fields, shape: tuple[int, ...], mode: str, how: How) -> Checked:
    """Cross-check the module that a factory makes, on one float32 input of `shape`: there is no formula."""
    try:
        with torch.device(how.storage):
            module = build(fields, shape[1])
            inputs = (torch.zeros(shape),)
        module = module.to(how.storage)
        step = STEPS[mode](module, inputs, "layer")
        subject = Subject(
            module, mode, step.prepare, step.run, lambda: (build(fields, shape[1]).eval(), (torch.zeros(shape),))
        )
        found = _check(subject, None, how.counters)
    except Exception as error:
        raise _explained(error, fields.module, how) from error
    return Checked(fields.module, shape, "float32", mode, "own", found)


def _fields(target: str) -> Fields:
    """Where the factory is. Raises UsageError for what names none."""
    try:
        return Fields(module=target)
    except ValidationError:
        raise UsageError(f"--module: must be package.module:factory, not '{target}'") from None


def _check(subject: Subject, cost: Cost | None, counters: Sequence[str]) -> Crosscheck:
    counted = count(subject)
    readings = [reading_of(counted)]
    for name in counters:
        try:
            readings.append(COUNTERS[name].load()(subject, counted))
        except Exception as error:  # another's counter informs; that it fails is worth knowing and no more
            first = (str(error).splitlines() or [""])[0]
            readings.append(Reading(name, problem=f"{type(error).__name__}: {first}"))
    return crosscheck(cost, subject.mode, counted, readings)


def _explained(error: Exception, label: str, how: How) -> InvobenchError:
    """`error` as one line that names the cell, with what helps where `meta` tensors are the cause.

    A module that cannot be imported stays bad usage.
    """
    on_meta = how.storage == "meta" and any(word in f"{error} {error.__cause__}" for word in _OF_META)
    if isinstance(error, UsageError) and not on_meta:
        return error
    message = failure(error)["message"]
    hint = "; it needs values, which meta tensors do not have: --storage cpu counts on real ones" if on_meta else ""
    return MeasurementError(f"{label}: {message}{hint}")


#: what PyTorch's messages say where a `meta` tensor's values were asked for
_OF_META = ("meta tensor", "Meta tensor", "'meta'", "device meta", "aten::_local_scalar_dense")
