"""Peak memory of a call above inputs and parameters, and how many feature maps that is."""

from __future__ import annotations

import math
from typing import Any

from invobench.measure.memory import peak_memory_bytes
from invobench.runner.cases import Case
from invobench.spec.cells import DTYPE_BYTES


def measure(case: Case) -> dict[str, Any]:
    """`peak_memory_bytes` of the cell's step with what it prepares, and `materialised`.

    `materialised` is the peak over the bytes of the feature map that enters: batch * in_channels * height * width
    numbers of the cell's dtype, whatever the operator has for other inputs. An elementwise layer that writes its
    output and nothing else has 1; unfold, which holds K*K copies of the map twice, 2K² and a little. In `backward` and
    `train_step` the peak has the forward pass's saved tensors and the gradients in it.

    The call is made once before, so that what libraries allocate at their first call and keep is not the cell's.
    """
    case.step().whole()
    _drop_gradients(case)
    peak = peak_memory_bytes(case.device, case.step().whole)
    _drop_gradients(case)
    entering = math.prod(case.cell.shape.dims) * DTYPE_BYTES[case.cell.dtype]
    return {"peak_memory_bytes": peak, "materialised": peak / entering}


def _drop_gradients(case: Case) -> None:
    """Gradients of an earlier call would be there before, and not count."""
    for tensor in (*case.module.parameters(), *case.inputs):
        tensor.grad = None
