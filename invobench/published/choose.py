"""Which of the published tables: by name, or by the head that several share (`ablation` of `ablation_…`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from invobench.errors import UnknownName
from invobench.published.rows import PublishedRow
from invobench.table import unknown

#: a table, or several of one head -> the tables
Groups = Mapping[str, tuple[str, ...]]


def groups(rows: Sequence[PublishedRow]) -> Groups:
    """The tables of `rows` in their order; two or more whose names begin alike, up to a `_`, are one group."""
    tables = list(dict.fromkeys(row.table for row in rows))
    found: dict[str, tuple[str, ...]] = {}
    for table in tables:
        head = table.partition("_")[0]
        alike = tuple(other for other in tables if other.partition("_")[0] == head)
        found |= {head: alike} if len(alike) > 1 else {table: alike}
    return found


def chosen(rows: Sequence[PublishedRow], names: Sequence[str]) -> Groups:
    """The groups that `names` ask for, all without a name; of a group that is asked for in part, its tables alone.

    Raises UnknownName for a name that is neither a table's nor a group's.
    """
    known = groups(rows)
    tables = [table for group in known.values() for table in group]
    for name in names:
        if name not in known and name not in tables:
            raise UnknownName(unknown("table", name, {*known, *tables}))
    wanted = {table for name in names or known for table in known.get(name, (name,))}
    found: dict[str, tuple[str, ...]] = {}
    for group, members in known.items():
        asked = tuple(table for table in members if table in wanted)
        found |= {group: asked} if asked == members else {table: (table,) for table in asked}
    return found
