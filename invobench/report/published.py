"""`invobench tables`: the sheets of published tables beside what their networks count to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from invobench.conventions import RULES, Convention
from invobench.published.build import described
from invobench.published.choose import chosen
from invobench.published.compare import Comparison, compare
from invobench.published.rows import PublishedRow, read_published
from invobench.published.verdict import Verdict, by_operator, digits_note, fit_note
from invobench.report.published_rows import WITHIN, columns, digits, folded, line, record
from invobench.report.sheet import Column, Line, Sheet

_LEGEND = (
    "MACs are multiply-adds of one image under each convention (flops = 2 × MACs; the sources print MACs as FLOPs). "
    f"{WITHIN} within the row's tolerance."
)
_A_FIT = (
    "A convention that reproduces a table is a fit to its printed figures, not a statement of its authors; of several "
    "that reproduce as many, the first of the columns is named."
)

#: table -> its rows
Part = Mapping[str, Sequence[Comparison]]


@dataclass(frozen=True)
class Extras:
    """What every sheet shows: columns of `conventions`, and `footnote` as its last notes.

    `say` is told what takes its time.
    """

    conventions: Sequence[Convention] = tuple(Convention)
    footnote: Sequence[str] = ()
    say: Callable[[str], None] = lambda text: None


def published_sheets(names: Sequence[str], path: Path | None, extras: Extras) -> tuple[Sheet, ...]:
    """A sheet for each table that `names` ask for (all without), then one on which convention reproduces which.

    `path`: published figures of the user's, the package's own without it. Raises UsageError for a file that cannot
    be read, UnknownName for a table that there is not, SpecError for settings that cannot be.
    """
    rows = read_published(path)
    groups = chosen(rows, names)
    tables = {table for members in groups.values() for table in members}
    compared = compare([row for row in rows if row.table in tables], extras.conventions, say=extras.say)
    parts = {
        group: {table: [item for item in compared if item.row.table == table] for table in members}
        for group, members in groups.items()
    }
    shown = [_table_sheet(table, items, extras) for members in parts.values() for table, items in members.items()]
    return (*shown, _verdict_sheet(parts, extras))


def _table_sheet(table: str, items: Sequence[Comparison], extras: Extras) -> Sheet:
    """One published table: a line a row, named by its setting where all are settings of one model."""
    verdict, places = Verdict.on(items), digits(items)
    models = {item.row.model for item in items}
    by_setting = len(models) == 1 and all(item.row.setting for item in items)
    return Sheet(
        title=f"{table}: {models.pop()}" if by_setting else table,
        columns=columns(by_setting, extras.conventions),
        lines=tuple(line(item, by_setting, extras.conventions, verdict.best, places) for item in items),
        legend=_LEGEND,
        notes=(*_notes(table, items, verdict, extras), *extras.footnote),
        records=tuple(record(item) for item in items),
    )


def _notes(table: str, items: Sequence[Comparison], verdict: Verdict, extras: Extras) -> Iterator[str]:
    """The summary, what to know of it, what was built, and the sources, each once."""
    yield f"{table}: {verdict.summary()}"
    by_part = {f"rows of {operator}": part for operator, part in by_operator(items).items()}
    yield from (f"{name}: {part.summary()}" for name, part in by_part.items())
    for name, part in (by_part or {table: verdict}).items():
        yield from (f"{name}: {note}" for note in (fit_note(part), digits_note(part)) if note)
    if any(item.built and item.row.flops_g and not item.reproduced_by for item in items):
        compared = verdict.best or extras.conventions[0]
        yield f"Δ of multiply-adds that no convention reproduces is that of {compared}"
    built: dict[str, dict[str, None]] = {}
    for item in items:
        if item.built is not None:
            names = built.setdefault(described(item.row, item.built.network), {})
            names[item.built.network.network] = None
    yield from (f"built: {', '.join(names)}{description}" for description, names in built.items())
    yield from dict.fromkeys(_source(item.row) for item in items)


def _source(row: PublishedRow) -> str:
    return f"published: {row.source}" + (f"; {row.precision}" if row.precision else "")


def _verdict_sheet(parts: Mapping[str, Part], extras: Extras) -> Sheet:
    """Which convention reproduces which table: a line for each, and for the parts of one that has several."""
    lines: list[Line] = []
    notes: list[str] = []
    for group, part in parts.items():
        items = [item for members in part.values() for item in members]
        verdict = Verdict.on(items)
        inner = {table: Verdict.on(members) for table, members in part.items()} if len(part) > 1 else by_operator(items)
        lines.append(_verdict_line(group, verdict, extras.conventions, "strong" if inner else "plain"))
        lines += [_verdict_line(f"· {name}", found, extras.conventions, "plain") for name, found in inner.items()]
        notes.append(f"{group}: {verdict.summary()}")
        notes += [f"{group}: {note}" for note in (fit_note(verdict),) if note and len(part) > 1]
    return Sheet(
        title="Which convention reproduces which table",
        columns=(
            Column("table", text=True),
            Column("distinct\nnetworks"),
            Column("params"),
            *(Column(folded(item)) for item in extras.conventions),
            Column("reproduced\nby", text=True),
        ),
        lines=tuple(lines),
        legend="How many figures of distinct networks are reproduced: parameters, and multiply-adds by convention.",
        notes=(*notes, _A_FIT, *(f"{item}: {RULES[item].summary}" for item in extras.conventions), *extras.footnote),
    )


def _verdict_line(name: str, verdict: Verdict, conventions: Sequence[Convention], style: str) -> Line:
    scores = [str(verdict.macs[item]) if item in verdict.macs else "" for item in conventions]
    cells = (name, str(len(verdict.comparisons)), str(verdict.params), *scores, verdict.best or "none")
    return Line(cells, style)  # type: ignore[arg-type]
