"""Where in a module an operation runs: the innermost submodule, and the part of an operator's own code.

In a backward pass an operation belongs to the place whose forward pass made its autograd node: nodes are numbered in
the order in which they are made, so that the number says in which place that was.
"""

from __future__ import annotations

from bisect import bisect_right
from contextlib import ExitStack
from typing import Any, Self

import torch
from torch import nn

from invobench.operators.parts import watched_by


class Places:
    """While it is entered, `current` is the place in `module` of what is dispatched, a dotted path ('' for its own)."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._stack: list[str] = [""]
        #: number of the first autograd node made from here on, and the place that makes it
        self._starts: list[int] = [0]
        self._places: list[str] = [""]

    @property
    def current(self) -> str:
        """The place of the operation that is being dispatched."""
        node = torch._C._current_autograd_node()
        if node is None:
            return self._stack[-1]
        return self._places[bisect_right(self._starts, node._sequence_nr()) - 1]

    def entered(self, name: str) -> None:
        """Part `name` of the current place begins."""
        self._push(f"{self._stack[-1]}.{name}".lstrip("."))

    def left(self) -> None:
        """The innermost submodule or part ends."""
        self._stack.pop()
        self._mark()

    def _push(self, place: str) -> None:
        self._stack.append(place)
        self._mark()

    def _mark(self) -> None:
        self._starts.append(torch._C._autograd._get_sequence_nr())
        self._places.append(self._stack[-1])

    def __enter__(self) -> Self:
        self._exit = ExitStack()
        for name, part in self._module.named_modules():
            if name:
                before = part.register_forward_pre_hook(lambda *_, name=name: self._push(name))
                # also where the forward pass raises, so that the stack stays what it is
                after = part.register_forward_hook(lambda *_: self.left(), always_call=True)
                self._exit.callback(before.remove)
                self._exit.callback(after.remove)
        self._exit.enter_context(watched_by(self))
        self._mark()
        return self

    def __exit__(self, *error: Any) -> None:
        self._exit.close()
