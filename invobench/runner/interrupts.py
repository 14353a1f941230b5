"""Ctrl-C and SIGTERM at chosen places only, so that no row, request or process is left half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class _State:
    """What the process has heard: signals are the process's, so there is one of these."""

    held: bool = False
    waiting: bool = False
    pending: list[int] = field(default_factory=list)


_state = _State()


def _heard(number: int, frame: Any) -> None:
    """End a wait, or note the signal for the next one."""
    if _state.waiting:
        _state.waiting = False
        raise KeyboardInterrupt
    _state.pending.append(number)


@contextmanager
def held_back() -> Iterator[None]:
    """Within it, a signal raises KeyboardInterrupt in `waiting()` and `check()` alone.

    One that nothing there has heard is sent again at its end. Signals are the main thread's: elsewhere, and within
    another `held_back()`, this does nothing.
    """
    if _state.held or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) or signal.SIG_DFL for number in NUMBERS}
    _state.pending.clear()
    _state.held = True
    try:
        for number in NUMBERS:
            signal.signal(number, _heard)
        yield
    finally:
        _state.held = False
        for number, handler in before.items():
            signal.signal(number, handler)
    for pending in _state.pending:
        signal.raise_signal(pending)


@contextmanager
def waiting() -> Iterator[None]:
    """A wait that a signal ends, one that came before it too."""
    if not _state.held or threading.current_thread() is not threading.main_thread():
        yield
        return
    _state.waiting = True
    try:
        if take():
            raise KeyboardInterrupt
        yield
    finally:
        _state.waiting = False


def check() -> None:
    """Raise KeyboardInterrupt where a signal has come."""
    if take():
        raise KeyboardInterrupt


def take() -> bool:
    """Whether a signal has come since the last that was heard; it counts as heard then."""
    asked = bool(_state.pending)
    _state.pending.clear()
    return asked
