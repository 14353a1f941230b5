"""Our counter: multiply-adds of what PyTorch dispatched, without knowledge of the operator.

`macs` are products that are later summed: convolutions and matrix products, `addcmul`, and elementwise
products of two tensors whose result a sum, an addition or `col2im` takes in, be it through views, copies or
padding. So a layer counts the same as an unfold, as shifted slices or as an einsum. Other arithmetic is
counted in elements under kinds of its own; an operation without a rule is named, never taken for 0.

A sum over one element is often not dispatched at all: where kernel_size or group_channels is 1, a gradient can
be a bare product, which is no multiply-add here although the formula counts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from invobench.complexity.rules import CARRY, CONTRACTIONS, ELEMENT_KINDS, FREE, PUTS, SUMMING


@dataclass
class Count:
    """Multiply-adds, elements by kind, and the operations that had no rule (name -> calls)."""

    macs: int = 0
    elements: Counter[str] = field(default_factory=Counter)
    uncounted: Counter[str] = field(default_factory=Counter)


@dataclass(eq=False)
class _Product:
    """Products of one elementwise multiplication that nothing has summed yet."""

    remaining: int


class DispatchCounter(TorchDispatchMode):
    """Counts what is dispatched while it is active; the outcome is `count`."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = Count()
        # the weak reference keeps the storage's address from being given to another one
        self._products: dict[int, tuple[StorageWeakRef, list[_Product]]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if _is_composite(func):  # under inference_mode: elsewhere its parts come here instead
            with self:
                return func.decompose(*args, **kwargs)
        out = func(*args, **kwargs)
        self._account(func, args, kwargs, out)
        return out

    def _account(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        name = base_name(func)
        if name in CONTRACTIONS:
            self.count.macs += CONTRACTIONS[name](args, kwargs, out)
            if name.startswith(("add", "badd")):
                self._take(args[:1])
        elif name == "mul":
            self._multiply(func, args, out)
        elif name in SUMMING or (name in PUTS and _accumulates(args)):
            self.count.elements["elementwise"] += _elements(out)
            self._take(args)
        elif name in CARRY or name in PUTS:
            # what is copied over does not stay
            self._carry(func, args[1:] if name == "copy" else (args, kwargs), out)
        else:
            self._count_elements(func, name, out)

    def _count_elements(self, func: Any, name: str, out: Any) -> None:
        """Operations whose results are no products."""
        if func._schema.is_mutable:
            self._forget(out)
        if name in ELEMENT_KINDS:
            self.count.elements[ELEMENT_KINDS[name]] += _elements(out)
        elif name in FREE or _is_view(func):
            return
        elif torch.Tag.pointwise in func.tags:
            self.count.elements["elementwise"] += _elements(out)
        else:
            self.count.uncounted[name] += 1

    def _multiply(self, func: Any, args: tuple[Any, ...], out: Tensor) -> None:
        factors = [arg for arg in args[:2] if isinstance(arg, Tensor) and arg.dim() > 0]
        self.count.elements["elementwise"] += out.numel()
        if len(factors) == 2:
            self._replace(func, out, [_Product(out.numel())])
        else:  # a scale leaves products what they are
            self._carry(func, factors, out)

    def _take(self, args: tuple[Any, ...]) -> None:
        """Products among `args` are summed."""
        for tensor in _tensors(args):
            left = tensor.numel()
            for product in self._tags(tensor):
                taken = min(left, product.remaining)
                product.remaining -= taken
                self.count.macs += taken
                left -= taken

    def _carry(self, func: Any, sources: Any, out: Any) -> None:
        """Products among `sources` are in `out` now."""
        products = [product for source in _tensors(sources) for product in self._tags(source)]
        self._replace(func, out, products)

    def _replace(self, func: Any, out: Any, products: list[_Product]) -> None:
        """`out` holds `products`, beside what was in the rest of its memory."""
        if func._schema.is_mutable:
            self._forget(out)
        for tensor in _tensors(out):
            if products:
                self._tag(tensor, products)

    def _forget(self, out: Any) -> None:
        """Memory that was overwritten from end to end holds no products of before."""
        for tensor in _tensors(out):
            storage = tensor.untyped_storage()
            if tensor.numel() * tensor.element_size() == storage.nbytes():
                self._products.pop(storage._cdata, None)

    def _tags(self, tensor: Tensor) -> list[_Product]:
        storage = tensor.untyped_storage()._cdata
        return [product for product in self._products.get(storage, (None, []))[1] if product.remaining]

    def _tag(self, tensor: Tensor, products: list[_Product]) -> None:
        storage = tensor.untyped_storage()
        kept = [product for product in self._tags(tensor) if product not in products]
        self._products[storage._cdata] = (StorageWeakRef(storage), kept + products)


def base_name(func: Any) -> str:
    """`aten::addcmul_.default` -> `addcmul`; operations of other namespaces keep theirs."""
    namespace, _, name = func.name().partition("::")
    name = name.partition(".")[0]
    if name.endswith("_") and not name.endswith("__"):
        name = name[:-1]
    return name if namespace == "aten" else f"{namespace}::{name}"


def count_dispatched(run: Callable[[], Any]) -> Count:
    """Count what `run` dispatches."""
    counter = DispatchCounter()
    with counter:
        run()
    return counter.count


def _tensors(values: Any) -> Iterator[Tensor]:
    return (value for value in tree_leaves(values) if isinstance(value, Tensor))


def _elements(out: Any) -> int:
    first = next(_tensors(out), None)
    return first.numel() if first is not None else 0


def _accumulates(args: tuple[Any, ...]) -> bool:
    """Whether an `index_put` adds to what is there; the flag is its fourth argument."""
    return len(args) > 3 and bool(args[3])


def _is_composite(func: Any) -> bool:
    """Whether PyTorch itself runs the operation as others."""
    return torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd")


def _is_view(func: Any) -> bool:
    """Whether the result shares its argument's memory without writing to it."""
    returns = func._schema.returns
    return any(item.alias_info is not None and not item.alias_info.is_write for item in returns)
