"""What the dispatch counter knows of aten: operations that only move memory, and those counted in elements by kind."""

from __future__ import annotations

from collections.abc import Mapping

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
    index_select sort topk im2col reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d
    replication_pad2d replication_pad3d upsample_nearest1d upsample_nearest2d upsample_nearest3d
    _upsample_nearest_exact2d pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle unsafe_split
    unsafe_split_with_sizes rot90 trace_backward adaptive_max_pool2d_backward unsqueeze squeeze transpose t swapaxes
    swapdims _embedding_bag_forward_only one_hot bincount unique searchsorted bucketize tril_indices
    triu_indices""".split()
)

_KINDS = {
    "normalisation": """native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training
        _native_batch_norm_legit_functional native_batch_norm_backward _batch_norm_with_update
        _batch_norm_no_update batch_norm_backward cudnn_batch_norm cudnn_batch_norm_backward
        native_layer_norm native_layer_norm_backward native_group_norm native_group_norm_backward
        _fused_rms_norm _fused_rms_norm_backward""",
    "activation": """relu relu6 threshold threshold_backward gelu gelu_backward silu silu_backward sigmoid
        sigmoid_backward tanh tanh_backward hardtanh hardtanh_backward hardswish hardswish_backward hardsigmoid
        hardsigmoid_backward leaky_relu leaky_relu_backward elu elu_backward celu selu softplus softplus_backward mish
        mish_backward native_dropout native_dropout_backward _prelu_kernel _prelu_kernel_backward hardshrink
        hardshrink_backward softshrink softshrink_backward log_sigmoid_forward log_sigmoid_backward
        rrelu rrelu_with_noise rrelu_with_noise_backward logit logit_backward""",
    "pooling": """avg_pool2d avg_pool2d_backward max_pool2d_with_indices _adaptive_avg_pool2d
        _adaptive_avg_pool2d_backward adaptive_max_pool2d avg_pool1d avg_pool3d max_pool3d_with_indices
        _adaptive_avg_pool3d avg_pool3d_backward _adaptive_avg_pool3d_backward""",
    "softmax": "_softmax _softmax_backward_data _log_softmax _log_softmax_backward_data _safe_softmax",
    # sums, and functions of an element or of several: what a function multiplies inside is not counted
    "elementwise": """add sub rsub div true_divide sum nansum mean cumsum col2im index_put _index_put_impl index_add
        scatter_add scatter_reduce index_reduce embedding_dense_backward unfold_backward trace
        reflection_pad1d_backward reflection_pad2d_backward reflection_pad3d_backward replication_pad1d_backward
        replication_pad2d_backward replication_pad3d_backward upsample_nearest1d_backward upsample_nearest2d_backward
        upsample_nearest3d_backward upsample_linear1d upsample_linear1d_backward upsample_bilinear2d
        upsample_bilinear2d_backward upsample_bicubic2d upsample_bicubic2d_backward upsample_trilinear3d
        upsample_trilinear3d_backward amax amin max min aminmax var var_mean std std_mean norm linalg_vector_norm
        logsumexp any all count count_nonzero mse_loss mse_loss_backward smooth_l1_loss smooth_l1_loss_backward
        huber_loss huber_loss_backward binary_cross_entropy binary_cross_entropy_backward nll_loss_forward
        nll_loss_backward nll_loss2d_forward nll_loss2d_backward abs acos acosh addcdiv angle asin asinh atan atan2
        atanh bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor __ilshift__
        __ixor__ __lshift__ __rshift__ __xor__ __and__ __or__ __iand__ __ior__ ceil clamp clamp_max clamp_min clip
        copysign cos cosh deg2rad digamma eq erf erfc erfinv exp exp2 expm1 float_power floor floor_divide fmax fmin
        fmod frac frexp gcd ge gt heaviside hypot i0 igamma igammac isfinite isinf isnan isneginf isposinf lcm ldexp
        le lgamma log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor lt maximum
        minimum mvlgamma nan_to_num ne nextafter polygamma positive rad2deg reciprocal remainder round rsqrt sgn sign
        signbit sin sinc sinh sqrt tan trunc""",
}

#: operation -> the kind that its result's elements are counted under
ELEMENT_KINDS: Mapping[str, str] = {name: kind for kind, names in _KINDS.items() for name in names.split()}
