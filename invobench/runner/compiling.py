"""`torch.compile` of a module, and what goes wrong with it as one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import torch
from torch import nn

from invobench.errors import BackendUnavailable, InvobenchError, MeasurementError

#: what a compiler says that lacks something -> what to do
_LACKS: Mapping[str, str] = {
    "InvalidCxxCompiler": "torch.compile finds no C++ compiler: install g++, or name one in CXX; or use eager",
    "TritonMissing": "torch.compile needs Triton on a GPU: pip install triton; or use eager",
    "GPUTooOldForTriton": "this GPU is too old for Triton: use eager",
}
#: where torch.compile hides what the module itself raised
_INNER = re.compile(r"got (\w+)\((['\"])(.*)\2\)")


def compiled(module: nn.Module) -> nn.Module:
    """`module` as torch.compile makes it for the shapes that it will see; it compiles when it is called.

    What was compiled before is forgotten: PyTorch keeps a few versions of a function and runs the next one eagerly.
    A network may have many layers of one function, so that there may be many; and one too many fails.
    """
    torch._dynamo.reset()
    torch._dynamo.config.recompile_limit = torch._dynamo.config.accumulated_recompile_limit
    torch._dynamo.config.fail_on_recompile_limit_hit = True
    # a gradient taken again from one forward pass is refused where buffers of that pass were given away
    torch._functorch.config.donated_buffer = False
    return cast(nn.Module, torch.compile(module, dynamic=False))


@contextmanager
def compiler_errors() -> Iterator[None]:
    """What the compiler raises, as BackendUnavailable where it lacks something, else as MeasurementError."""
    from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException
    from torch._inductor.exc import CppCompileError

    try:
        yield
    except (TorchDynamoException, FailOnRecompileLimitHit, CppCompileError) as error:
        raise _explained(error) from error


def _explained(error: Exception) -> InvobenchError:
    text = str(error)
    lacks = next((advice for name, advice in _LACKS.items() if name in f"{type(error).__name__} {text}"), None)
    if lacks is not None:
        return BackendUnavailable(f"execution compiled: {lacks}")
    inner = _INNER.search(text)
    first = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    reason = f"{inner[1]}: {inner[3]}" if inner else first
    return MeasurementError(f"execution compiled: torch.compile failed: {reason}; use eager")
