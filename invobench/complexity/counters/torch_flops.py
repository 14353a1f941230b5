"""`torch.utils.flop_counter`: half of its flops, as it comes and with our formulas for what it does not know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from invobench.complexity.count import Count, Key
from invobench.complexity.places import Places
from invobench.complexity.reading import Reading, without_rule
from invobench.complexity.rules import PRODUCT_RULES
from invobench.complexity.subject import Subject

Flops = Callable[..., int]


def read(subject: Subject, count: Count) -> Reading:
    """What it reports, by place."""
    return _read("torch", subject, count, {})


def read_with_ours(subject: Subject, count: Count) -> Reading:
    """What it reports with our rules, in place of its own too: those of grouped convolutions err backward.

    Rules see one operation at a time: a dropout's mask, which our counter knows again, multiplies here.
    """
    return _read("torch+ours", subject, count, _our_formulas())


def _read(counter: str, subject: Subject, count: Count, formulas: Mapping[Any, Flops]) -> Reading:
    found: Counter[Key] = Counter()
    places = Places(subject.module)

    def recorded(packet: Any, flops: Flops) -> Flops:
        """`flops`, which also notes where it was asked."""

        def counted(*args: Any, out_val: Any = None, **kwargs: Any) -> int:
            value = flops(*args, out_val=out_val, **kwargs)
            found[places.current, _name(packet)] += value
            return value

        setattr(counted, "_get_raw", True)  # noqa: B010 - tensors, not shapes: what is registered takes them
        return counted

    mapping = {packet: recorded(packet, flops) for packet, flops in {**flop_registry, **formulas}.items()}
    mode = FlopCounterMode(display=False, custom_mapping=mapping)
    with places:
        subject.prepare()
        with mode:
            subject.run()
    macs = {key: flops // 2 for key, flops in found.items() if flops}
    if sum(found.values()) != mode.get_total_flops():
        raise AssertionError("a formula was asked more than once for a call")
    return Reading(counter, macs, without_rule(count, found))


def _our_formulas() -> dict[Any, Flops]:
    """Our rules as flop formulas."""
    found: dict[Any, Flops] = {}
    for name, rule in PRODUCT_RULES.items():
        for spelling in (name, f"{name}_"):
            packet = getattr(torch.ops.aten, spelling, None)
            if packet is not None:
                found[packet] = lambda *args, out_val=None, rule=rule, **kwargs: 2 * (rule(args, kwargs, out_val) or 0)
    return found


def _name(packet: Any) -> str:
    """As our counter names operations."""
    name = str(packet).rpartition(".")[2]
    namespace = str(packet).partition(".")[0]
    name = name[:-1] if name.endswith("_") and not name.endswith("__") else name
    return name if namespace == "aten" else f"{namespace}::{name}"
