"""`invobench tables`: what was asked for, and the sheets that answer it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from invobench.conventions import Convention
from invobench.errors import UsageError
from invobench.report.sheet import Sheet

#: what belongs to `--spec` alone
_OF_SPECS = ("overrides", "results", "group_by", "columns", "sort", "baseline")
_OPTIONS = {"overrides": "--set"}


@dataclass(frozen=True)
class Asked:
    """The command line of `invobench tables`; None or empty for what was not given."""

    names: Sequence[str] = ()
    published: Path | None = None
    convention: str | None = None
    specs: Sequence[Path] = ()
    overrides: Sequence[str] = ()
    results: Path | None = None
    group_by: str | None = None
    columns: str | None = None
    sort: str | None = None
    baseline: str | None = None


def sheets_of(asked: Asked, say: Callable[[str], None]) -> tuple[Sheet, ...]:
    """The published tables, or with `specs` the table of the user's cells. `say` is told what takes its time.

    Raises UsageError for options of the one that were given for the other.
    """
    _check(asked)
    convention = None if asked.convention is None else Convention.named(asked.convention)
    return _own(asked, convention) if asked.specs else _published(asked, convention, say)


def _check(asked: Asked) -> None:
    """Raises UsageError for options that do not belong together."""
    if asked.specs and asked.names:
        raise UsageError(f"'{asked.names[0]}' names a published table and --spec asks for your own: give one of them")
    if asked.specs and asked.published is not None:
        raise UsageError("--published holds published tables and --spec asks for your own: give one of them")
    for item in fields(asked):
        if not asked.specs and item.name in _OF_SPECS and getattr(asked, item.name):
            option = _OPTIONS.get(item.name, f"--{item.name.replace('_', '-')}")
            raise UsageError(f"{option} is for tables of your own: give --spec SPEC too")


def _published(asked: Asked, convention: Convention | None, say: Callable[[str], None]) -> tuple[Sheet, ...]:
    from invobench.report.provenance import made_by
    from invobench.report.published import Extras, published_sheets

    conventions = tuple(Convention) if convention is None else (convention,)
    footnote = f"multiply-adds under {', '.join(conventions)}; {made_by()}"
    return published_sheets(asked.names, asked.published, Extras(conventions, (footnote,), say))


def _own(asked: Asked, convention: Convention | None) -> tuple[Sheet, ...]:
    from invobench.report.spec_table import TableOptions, spec_sheet
    from invobench.spec import read

    columns = tuple(name.strip() for name in asked.columns.split(",")) if asked.columns else ()
    options = TableOptions(
        convention=convention or Convention.FORMULA,
        columns=columns,
        group_by=asked.group_by,
        sort=asked.sort,
        baseline=asked.baseline,
    )
    return (spec_sheet(read(asked.specs, asked.overrides), asked.results, options),)
