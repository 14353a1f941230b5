"""From a published row to the network that it names (no torch).

A family of models is a line in `FAMILIES`. What a row's `setting` says goes to the network as a spec's keys would:
`kernel_size=5` is `operator.kernel_size: 5`, `form=W` is the paper's word for `operator.form: linear`, and a dotted
key such as `stem.kernel_size=7` is the network's own; several are parted by `;`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from invobench.errors import Problem, SpecError
from invobench.networks import NETWORKS
from invobench.operators.base import LayerShape, LayerSpec
from invobench.published.rows import PublishedRow
from invobench.spec import networks
from invobench.spec.cells import NetworkSpec
from invobench.spec.keys import NetworkKeys
from invobench.spec.located import Place, located
from invobench.spec.scalars import plain_scalar

#: a model's name as published -> a name in NETWORKS, `{}` standing for what is in parentheses
FAMILIES: Mapping[str, str] = {
    r"ResNet-(\d+)": "resnet{}",
    r"RedNet-(\d+)": "rednet{}",
    r"SASA-ResNet-(\d+) \(conv-stem\)": "sasa_resnet{}",
}
#: the stem of an ablation, where the network's stem has an injected operator: 3×3, and as the row's setting otherwise
ABLATION_STEM: Mapping[str, int] = {"kernel_size": 3}
#: what every published figure is of
IMAGE = LayerShape(1, 3, 224, 224)

_FORM = re.compile(r"W1sW0 r=(\d+)")
_EXAMPLE = "settings are key=value, such as kernel_size=5, group_channels=C or form=W1sW0 r=4, parted by ';'"


@dataclass(frozen=True)
class Buildable:
    """A row's network and the images that its figures are of."""

    network: NetworkSpec
    shape: LayerShape


def buildable(row: PublishedRow) -> Buildable | None:
    """What to build for `row`, None where invobench has no such network ("published only").

    Raises SpecError, naming the row's line, for a setting that the network cannot have.
    """
    name = network_name(row.model)
    if name is None:
        return None
    report: set[Problem] = set()
    place = _place(row)
    point = {key: located(value, place.below(key)) for key, value in _point(row, name, place, report)}
    values = networks.put({"network": located(name, place)}, point)
    found = networks.target(values, NetworkKeys(), (), place, report)
    if report or found is None:
        raise SpecError(list(report))
    return Buildable(found, IMAGE)


def network_name(model: str) -> str | None:
    """The name in NETWORKS of a model as it was published, None where there is none."""
    for pattern, name in FAMILIES.items():
        match = re.fullmatch(pattern, model)
        if match and name.format(*match.groups()) in NETWORKS:
            return name.format(*match.groups())
    return None


def described(row: PublishedRow, network: NetworkSpec) -> str:
    """What is built beside the network's name: ` with the row's setting and a 3×3 stem operator`, or less of it."""
    stem = getattr(network.fields, "stem", None)
    parts = ["the row's setting"] if row.setting else []
    if isinstance(stem, LayerSpec):
        size = stem.fields.whole("kernel_size")
        parts.append("a stem operator" if size is None else f"a {size}×{size} stem operator")
    return f" with {' and '.join(parts)}" if parts else ""


def _place(row: PublishedRow) -> Place:
    """Where the row stands: `published.csv:3` is its file and line."""
    file, _, line = row.line.rpartition(":")
    return Place(file, int(line), 1)


def _point(row: PublishedRow, name: str, place: Place, report: set[Problem]) -> Iterator[tuple[str, object]]:
    """The network's keys that the row sets, dotted, with plain values."""
    if not row.setting:
        return
    if isinstance(NETWORKS[name].preset.get("stem"), Mapping):
        yield "stem", ABLATION_STEM
    for part in row.setting.split(";"):
        key, equals, text = (piece.strip() for piece in part.partition("="))
        if not (key and equals and text):
            report.add(place.below("setting").problem(f"cannot read '{part.strip()}': {_EXAMPLE}"))
            continue
        try:
            yield _key_value(key, text)
        except ValueError as error:
            report.add(place.below("setting").problem(f"{key}: {error}"))


def _key_value(key: str, text: str) -> tuple[str, object]:
    """A key of the network and its value for one setting; forms may be in the paper's words.

    Raises ValueError for a number that cannot be used.
    """
    form = _FORM.fullmatch(text)
    if key == "form" and form:
        return "operator.reduction_ratio", int(form[1])
    if key == "form" and text == "W":
        return "operator.form", "linear"
    return (key if "." in key else f"operator.{key}"), plain_scalar(text)
