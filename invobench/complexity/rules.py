"""What the dispatch counter knows of aten: which operations multiply tensors, map elements, or only move them."""

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
    """Elementwise: two tensors that are more than a number each. Masks select, and whole numbers are indices."""
    factors = [arg for arg in args[:2] if isinstance(arg, Tensor) and arg.dim() > 0 and _is_data(arg)]
    return int(out.numel()) if len(factors) == 2 else None


def _is_data(tensor: Tensor) -> bool:
    return tensor.dtype.is_floating_point or tensor.dtype.is_complex


def _elements(args: Args, kwargs: dict[str, Any], out: Any) -> int:
    """One product an element of the result."""
    return int(out.numel())


#: operation -> multiply-adds of one call
PRODUCT_RULES: Mapping[str, ProductRule] = {
    "convolution": _convolution,
    "_convolution": _convolution,
    "convolution_backward": _convolution_backward,
    "mm": _matmul(0),
    "bmm": _matmul(0),
    "mv": _matmul(0),
    "dot": _matmul(0),
    "vdot": _matmul(0),
    "addmm": _matmul(1),
    "baddbmm": _matmul(1),
    "addmv": _matmul(1),
    "ger": _elements,
    "addr": _elements,
    "addcmul": _elements,
    "mul": _mul,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "_scaled_dot_product_flash_attention": _attention,
    "_scaled_dot_product_efficient_attention": _attention,
    "_scaled_dot_product_cudnn_attention": _attention,
}

#: operation with a bias -> the argument that holds it
_BIASED: Mapping[str, int] = {"convolution": 2, "_convolution": 2, "addmm": 0}


def bias_elements(name: str, args: Args, out: Any) -> int:
    """Elements to which a product's own bias is added."""
    return int(out.numel()) if name in _BIASED and args[_BIASED[name]] is not None else 0


#: operations that make or move memory, or only look at it: copied, padded, selected, gathered, reordered
FREE = frozenset(
    """empty empty_like empty_strided new_empty new_empty_strided zeros zeros_like new_zeros ones ones_like
    new_ones full full_like new_full arange eye linspace scalar_tensor rand rand_like randn randn_like randint
    randperm bernoulli normal uniform random fill zero detach alias lift lift_fresh lift_fresh_copy set resize
    resize_as _local_scalar_dense equal is_same_size item _has_compatible_shallow_copy_type argsort argmax
    argmin argwhere nonzero embedding max_pool2d_with_indices_backward record_stream
    profiler::_record_function_enter_new profiler::_record_function_exit _assert_async _assert_scalar
    sym_size sym_numel clone _to_copy copy contiguous neg cat stack constant_pad_nd slice_backward
    select_backward _unsafe_view _reshape_copy index gather flip roll masked_fill where repeat tril triu
    diagonal_backward as_strided_copy permute_copy view_copy expand_copy slice_scatter select_scatter
    index_select scatter sort topk im2col reflection_pad2d replication_pad2d upsample_nearest2d pixel_shuffle
    pixel_unshuffle""".split()
)

_KINDS = {
    "normalisation": """native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training
        _native_batch_norm_legit_functional native_batch_norm_backward _batch_norm_with_update
        _batch_norm_no_update batch_norm_backward cudnn_batch_norm cudnn_batch_norm_backward
        native_layer_norm native_layer_norm_backward native_group_norm native_group_norm_backward
        _fused_rms_norm _fused_rms_norm_backward""",
    "activation": """relu threshold threshold_backward gelu gelu_backward silu silu_backward sigmoid
        sigmoid_backward tanh tanh_backward hardtanh hardtanh_backward hardswish hardswish_backward hardsigmoid
        hardsigmoid_backward leaky_relu leaky_relu_backward elu elu_backward softplus softplus_backward mish
        mish_backward native_dropout native_dropout_backward""",
    "pooling": """avg_pool2d avg_pool2d_backward max_pool2d_with_indices _adaptive_avg_pool2d
        _adaptive_avg_pool2d_backward adaptive_max_pool2d avg_pool1d avg_pool3d max_pool3d_with_indices""",
    "softmax": "_softmax _softmax_backward_data _log_softmax _log_softmax_backward_data _safe_softmax",
    "elementwise": """add sub rsub div sum mean cumsum col2im index_put _index_put_impl index_add scatter_add
        unfold_backward _foreach_add lerp amax amin max min var var_mean std norm linalg_vector_norm logsumexp prod
        cumprod any all count""",
}

#: operation -> the kind that its result's elements are counted under
ELEMENT_KINDS: Mapping[str, str] = {name: kind for kind, names in _KINDS.items() for name in names.split()}
