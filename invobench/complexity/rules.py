"""What the dispatch counter knows of aten: which operations multiply tensors, and how often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from torch import Tensor

Args = tuple[Any, ...]
#: (positional arguments, keyword arguments, result) -> multiply-adds, None where no two tensors are multiplied
ProductRule = Callable[[Args, dict[str, Any], Any], int | None]


def _convolution(args: Args, kwargs: dict[str, Any], out: Any) -> int:
    """Each output element (of the transposed one: each input element) meets one filter's weights."""
    x, weight, transposed = args[0], args[1], args[6]
    positions = x if transposed else out
    return int(positions.numel() * prod(weight.shape[1:]))


def _convolution_backward(args: Args, kwargs: dict[str, Any], out: Any) -> int:
    """One product of the forward's size for the input's gradient, one for the weight's."""
    grad_out, x, weight, transposed, mask = args[0], args[1], args[2], args[7], args[10]
    positions = x if transposed else grad_out
    return int(positions.numel() * prod(weight.shape[1:]) * (mask[0] + mask[1]))


def _matmul(first: int) -> ProductRule:
    """A matrix product of arguments `first` and `first + 1`, batched or not."""

    def macs(args: Args, kwargs: dict[str, Any], out: Any) -> int:
        a, b = args[first], args[first + 1]
        return int(a.numel() * (b.shape[-1] if b.dim() > 1 else 1))

    return macs


def _attention(args: Args, kwargs: dict[str, Any], out: Any) -> int:
    """q·k and the weighted sum of v: `[N, heads, L, d]` each."""
    query, key, value = args[:3]
    length = key.shape[-2]
    return int(query.numel() * length + query.numel() // query.shape[-1] * length * value.shape[-1])


def _mul(args: Args, kwargs: dict[str, Any], out: Any) -> int | None:
    """Elementwise, of two tensors with axes. Masks select, and whole numbers are indices."""
    factors = [arg for arg in args[:2] if isinstance(arg, Tensor) and arg.dim() > 0 and _is_data(arg)]
    return int(out.numel()) if len(factors) == 2 else None


def _is_data(tensor: Tensor) -> bool:
    return tensor.dtype.is_floating_point or tensor.dtype.is_complex


def _elements(args: Args, kwargs: dict[str, Any], out: Any) -> int:
    """One product an element of the result."""
    return int(out.numel())


def _per_weight(args: Args, kwargs: dict[str, Any], out: Any) -> int | None:
    """One product an element of the result where the weight, the last argument, is a tensor with axes."""
    weight = args[2] if len(args) > 2 else kwargs.get("weight")
    return int(out.numel()) if isinstance(weight, Tensor) and weight.dim() > 0 else None


def _power(args: Args, kwargs: dict[str, Any], out: Any) -> int | None:
    """x·x for a square and x·x·x for a cube; another power is a function of its own."""
    return {2: 1, 3: 2}[args[1]] * int(out.numel()) if args[1] in (2, 3) else None


def _running(args: Args, kwargs: dict[str, Any], out: Any) -> int:
    """A product of n elements has n - 1."""
    x = args[0]
    length = x.shape[args[1]] if len(args) > 1 and isinstance(args[1], int) and x.dim() else x.numel()
    return int(x.numel() - x.numel() // max(1, length))


def _scatter(args: Args, kwargs: dict[str, Any], out: Any) -> int | None:
    """One product an element that is written, where it multiplies what is there."""
    multiplies = kwargs.get("reduce") == "multiply" or "multiply" in [arg for arg in args if isinstance(arg, str)]
    return int(args[2].numel()) if multiplies else None


def _trilinear(args: Args, kwargs: dict[str, Any], out: Any) -> int:
    """i1·i2·i3 over all their axes: two products each."""
    shapes = []
    for tensor, expanded in zip(args[:3], args[3:6], strict=True):
        shape = list(tensor.shape)
        for axis in expanded:
            shape.insert(axis, 1)
        shapes.append(shape)
    return 2 * prod(int(max(sizes)) for sizes in zip(*shapes, strict=True))


def _foreach(rule: Callable[[tuple[Any, ...]], bool]) -> ProductRule:
    """An operation on lists of tensors: one product an element where `rule` says so of its arguments."""

    def macs(args: Args, kwargs: dict[str, Any], out: Any) -> int | None:
        return sum(tensor.numel() for tensor in args[0]) if rule(args) else None

    return macs


def _lists(position: int) -> Callable[[tuple[Any, ...]], bool]:
    """Whether an argument is a list of tensors, not of numbers."""
    return lambda args: isinstance(args[position], list | tuple) and isinstance(args[position][0], Tensor)


def _attention_backward(args: Args, kwargs: dict[str, Any], out: Any) -> int:
    """Two products for each of the forward pass's; that it computes the scores anew is the kernel's own affair."""
    return 2 * _attention(args[1:4], kwargs, out)


#: operation -> multiply-adds of one call
PRODUCT_RULES: Mapping[str, ProductRule] = {
    "convolution": _convolution,
    "_convolution": _convolution,
    "convolution_backward": _convolution_backward,
    **dict.fromkeys(("mm", "bmm", "mv", "dot", "vdot", "_int_mm"), _matmul(0)),
    **dict.fromkeys(("addmm", "baddbmm", "addbmm", "addmv", "_addmm_activation"), _matmul(1)),
    **dict.fromkeys(("ger", "addr", "addcmul", "square", "xlogy", "special_xlog1py", "glu"), _elements),
    "glu_backward": lambda args, kwargs, out: 2 * int(args[0].numel()),
    "mul": _mul,
    "lerp": _per_weight,
    "pow": _power,
    "prod": _running,
    "cumprod": _running,
    "scatter": _scatter,
    "_trilinear": _trilinear,
    "_foreach_mul": _foreach(_lists(1)),
    "_foreach_lerp": _foreach(_lists(2)),
    "_foreach_addcmul": _foreach(lambda args: True),
    **dict.fromkeys(
        (
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_flash_attention",
            "_scaled_dot_product_efficient_attention",
            "_scaled_dot_product_cudnn_attention",
        ),
        _attention,
    ),
    **dict.fromkeys(
        (
            "_scaled_dot_product_flash_attention_for_cpu_backward",
            "_scaled_dot_product_flash_attention_backward",
            "_scaled_dot_product_efficient_attention_backward",
            "_scaled_dot_product_cudnn_attention_backward",
        ),
        _attention_backward,
    ),
}

#: operations on lists of tensors; those without a rule above are counted as elements
FOREACH = "_foreach_"
#: what makes a mask, whose products select
RANDOM_MASKS = frozenset({"bernoulli"})

#: operation with a bias -> the argument that holds it
_BIASED: Mapping[str, int] = {"convolution": 2, "_convolution": 2, "addmm": 0, "baddbmm": 0, "addmv": 0}


def bias_elements(name: str, args: Args, out: Any) -> int:
    """Elements to which a product's own bias, a vector, is added."""
    bias = args[_BIASED[name]] if name in _BIASED else None
    return int(out.numel()) if bias is not None and bias.dim() <= 1 else 0


def has_complex(args: Args) -> bool:
    """Whether complex numbers take part, of which one product is several."""
    return any(isinstance(arg, Tensor) and arg.dtype.is_complex for arg in args)
