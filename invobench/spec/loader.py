"""From YAML text to located values, by the parser's events and without recursion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from invobench.errors import Problem
from invobench.spec.located import Located, Place, Scalar, key_step, printable, shortened, shown
from invobench.spec.scalars import plain_scalar, shown_tag, tagged_scalar
from invobench.spec.source import Stop, check_characters, position, read_text

DEEPEST = 32
MOST_NODES = 100_000
_SEQUENCE, _MAPPING = "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"

#: what to do about messages of the YAML parser that do not say it
_ADVICE = {
    "found character that cannot start any token": "indent with spaces, and quote a value that starts with @ ` or %",
    "mapping values are not allowed in this context": "quote a value that has ': ' in it, and check the indentation",
    "could not find expected ':'": "a key needs ': ' after it",
    "did not find expected key": "check the indentation and the brackets",
    "did not find expected ',' or ']'": "a list in brackets needs ',' between items and ']' at its end",
    "did not find expected ',' or '}'": "a mapping in braces needs ',' between keys and '}' at its end",
}


@dataclass
class _Open:
    """A list or mapping whose end has not come. `name` is the key that waits for its value."""

    node: Located
    anchor: str | None
    #: the key before the value that comes next, None where a key comes next
    key: Place | None = None
    #: None where the value is to be dropped
    name: str | None = None


@dataclass(frozen=True)
class Loaded:
    """The root of a spec, None where it cannot be used; (line, column) of values that are null as they cannot be."""

    root: Located | None
    lost: frozenset[tuple[int, int]] = frozenset()


def load(path: Path, report: set[Problem]) -> Loaded:
    """The located values of the file at `path`; problems go to `report`."""
    try:
        return parse(read_text(path), Place(printable(str(path)), 1, 1), report)
    except Stop as stop:
        report.add(stop.problem)
        return Loaded(None)


def parse(text: str, start: Place, report: set[Problem]) -> Loaded:
    """The located values of `text`, which begins at `start`. Raises Stop where it cannot be read to its end."""
    check_characters(text, start)
    builder = _Builder(start, report)
    events: Any = yaml.parse(text, Loader=yaml.CSafeLoader)
    try:
        for event in events:
            if not builder.take(event):
                break
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = builder.place(mark) if mark else builder.last
        end = position(text.rstrip(), start)
        if (place.line, place.column) > (end.line, end.column):
            place = end
        raise Stop(place.problem(_syntax(error))) from None
    except (yaml.YAMLError, UnicodeError):
        raise Stop(builder.last.problem("is not valid YAML here")) from None
    finally:
        events.close()
    if builder.lost and builder.nodes == 1:
        return Loaded(None)
    if builder.root is None or builder.root.value is None:
        content = "holds no keys" if text.strip() else "is empty"
        raise Stop(start.problem(f"{content}: a spec starts with 'version: 1'"))
    return Loaded(builder.root, frozenset(builder.lost))


def _syntax(error: yaml.MarkedYAMLError) -> str:
    """The YAML parser's complaint, with what to do about it."""
    complaint = error.problem or error.context or "syntax error"
    advice = _ADVICE.get(complaint)
    return f"is not valid YAML: {complaint}" + (f" ({advice})" if advice else "")


@dataclass
class _Builder:
    """Builds the tree from events; `stack` holds what is open."""

    start: Place
    report: set[Problem]
    root: Located | None = None
    stack: list[_Open] = field(default_factory=list)
    #: None while what the anchor names is still open, or cannot be used
    anchors: dict[str, Located | None] = field(default_factory=dict)
    lost: set[tuple[int, int]] = field(default_factory=set)
    nodes: int = 0
    documents: int = 0
    last: Place = field(init=False)

    def __post_init__(self) -> None:
        self.last = self.start

    def place(self, mark: Any) -> Place:
        """The place of a mark of the parser, without a path."""
        return Place(self.start.file, mark.line + self.start.line, mark.column + 1, self.start.step)

    def take(self, event: Any) -> bool:
        """Take the next event; false where the rest is not to be read."""
        handle = _HANDLERS.get(type(event))
        self.last = self.place(event.start_mark)
        return handle is None or handle(self, event)

    def next_place(self, mark: Any) -> Place:
        """The place of the node that comes next: an item, a value, or a key."""
        at = self.place(mark)
        if not self.stack:
            return at
        frame = self.stack[-1]
        if isinstance(frame.node.value, list):
            return replace(at, step=f"[{len(frame.node.value)}]", parent=frame.node.place)
        return replace(at, step=frame.key.step if frame.key else "", parent=frame.node.place)

    def count(self, nodes: int, place: Place) -> None:
        """Count nodes, aliases expanded. Raises Stop where they are too many."""
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            raise Stop(place.problem(f"has more than {MOST_NODES:,} values, aliases expanded"))

    def lose(self, place: Place, anchor: str | None, message: str) -> bool:
        """Report a value that cannot be used, and take null for it."""
        self.report.add(place.problem(message))
        self.lost.add((place.line, place.column))
        self.finish(Located(None, place, self.key_of(place)), None)
        if anchor:
            self.anchors[anchor] = None
        return True

    def document(self, event: Any) -> bool:
        """A spec is one document."""
        self.documents += 1
        if self.documents > 1:
            self.report.add(self.place(event.start_mark).problem("a second document starts here: a spec is one"))
        return self.documents == 1

    def scalar(self, event: Any) -> bool:
        """A scalar, resolved by the core schema."""
        place = self.next_place(event.start_mark)
        self.count(1, place)
        try:
            value = _resolved(event)
        except ValueError as error:
            return self.lose(place, event.anchor, str(error))
        self.finish(Located(value, place, self.key_of(place)), event.anchor)
        return True

    def opened(self, event: Any, empty: list[Located] | dict[str, Located], tag: str) -> bool:
        """The start of a list or mapping."""
        place = self.next_place(event.start_mark)
        self.count(1, place)
        if len(self.stack) >= DEEPEST:
            raise Stop(place.problem(f"is nested deeper than {DEEPEST}"))
        if event.tag not in (None, tag):
            self.report.add(place.problem(f"tag '{shown_tag(event.tag)}' is not supported here: remove it"))
        if event.anchor:
            self.anchors[event.anchor] = None
        self.stack.append(_Open(Located(empty, place, self.key_of(place)), event.anchor))
        return True

    def closed(self, event: Any) -> bool:
        """The end of a list or mapping."""
        frame = self.stack.pop()
        self.finish(frame.node, frame.anchor)
        return True

    def alias(self, event: Any) -> bool:
        """A copy of what the anchor names."""
        place = self.next_place(event.start_mark)
        target = self.anchors.get(event.anchor)
        if target is None:
            return self.lose(place, None, self._no_target(event.anchor))
        nodes, height = _extent(target)
        self.count(nodes, place)
        if len(self.stack) + height > DEEPEST:
            raise Stop(place.problem(f"is nested deeper than {DEEPEST}, aliases expanded"))
        self.finish(target.moved(place.step, place.parent, self.key_of(place)), None)
        return True

    def _no_target(self, anchor: str) -> str:
        """Why an alias cannot be followed."""
        if any(frame.anchor == anchor for frame in self.stack):
            return f"alias '*{shortened(anchor)}' stands within what it names"
        if anchor in self.anchors:
            return f"alias '*{shortened(anchor)}' names a value that cannot be used"
        return f"alias '*{shortened(anchor)}' has no anchor '&{shortened(anchor)}' before it"

    def key_of(self, place: Place) -> Place:
        """The place of the key of the node at `place`."""
        return (self.stack[-1].key or place) if self.stack else place

    def finish(self, node: Located, anchor: str | None) -> None:
        """Put a finished node where it belongs."""
        if anchor:
            self.anchors[anchor] = node
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        content = frame.node.value
        if isinstance(content, list):
            content.append(node)
        elif isinstance(content, dict):
            self._in_mapping(frame, content, node)

    def _in_mapping(self, frame: _Open, content: dict[str, Located], node: Located) -> None:
        """Take a node as the value of the key that waits for it, or as the next key."""
        if frame.key is None:
            frame.key, frame.name = self._key(frame, content, node)
            return
        if frame.name is not None:
            content[frame.name] = node
        frame.key = frame.name = None

    def _key(self, frame: _Open, content: dict[str, Located], node: Located) -> tuple[Place, str | None]:
        """The key's place, and its name where its value is to be kept."""
        name = node.value if isinstance(node.value, str) else shown(node.value)
        place = replace(node.place, step=key_step(name), parent=frame.node.place)
        if (place.line, place.column) in self.lost:
            return place, None
        problem = _key_problem(node, content)
        if problem:
            self.report.add(place.problem(problem))
        return place, None if problem else name


def _key_problem(node: Located, content: dict[str, Located]) -> str:
    """What is wrong with a key, or an empty string."""
    if not isinstance(node.value, str):
        quote = "" if isinstance(node.value, dict | list) else ": quote it"
        return f"a key must be text, not {shown(node.value)}{quote}"
    if node.value == "<<":
        return "merge keys are not supported: use defaults for what layers share, and matrix for what differs"
    if node.value in content:
        first = content[node.value].key
        return f"duplicate key (first at {first.line}:{first.column}): keep one"
    return ""


def _resolved(event: Any) -> Scalar:
    """A scalar event's value. Raises ValueError where its tag or its number cannot be used."""
    plain = event.implicit[0] and not event.style
    if event.tag is not None:
        return tagged_scalar(event.tag, event.value)
    return plain_scalar(event.value) if plain else str(event.value)


def _extent(node: Located) -> tuple[int, int]:
    """Nodes of a tree, keys too, and its height (0 for a scalar)."""
    children = node.value if isinstance(node.value, list) else list(node.mapping.values())
    extents = [_extent(child) for child in children]
    nodes = 1 + sum(nodes for nodes, _ in extents) + len(node.mapping)
    return nodes, max((height for _, height in extents), default=-1) + 1 if isinstance(node.value, dict | list) else 0


_HANDLERS: dict[type, Callable[[_Builder, Any], bool]] = {
    yaml.DocumentStartEvent: _Builder.document,
    yaml.ScalarEvent: _Builder.scalar,
    yaml.SequenceStartEvent: lambda builder, event: builder.opened(event, [], _SEQUENCE),
    yaml.MappingStartEvent: lambda builder, event: builder.opened(event, {}, _MAPPING),
    yaml.SequenceEndEvent: _Builder.closed,
    yaml.MappingEndEvent: _Builder.closed,
    yaml.AliasEvent: _Builder.alias,
}
