"""Import and build a layer of the user's own."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

from torch import nn

from invobench.errors import UsageError, one_line
from invobench.operators.user_module.spec import Fields
from invobench.table import suggestion


def own(module: nn.Module) -> nn.Module:
    """The module as it is: its own forward is the implementation."""
    return module


def build(
    fields: Fields, in_channels: int, implementation: Callable[[nn.Module], nn.Module] = own, scope: str = "module"
) -> nn.Module:
    """`Class(**kwargs)`, at a place in a network `Class(channels, stride=…, **kwargs)`.

    Raises UsageError where the class cannot be imported or called, or makes something else than a module.
    """
    factory = _load(fields.module)
    try:
        if fields.place is None:
            built = factory(**fields.kwargs)
        else:
            channels, stride = fields.place
            built = factory(channels, stride=stride, **fields.kwargs)
    except (Exception, SystemExit) as error:
        raise UsageError(f"module '{fields.module}': calling it raised {one_line(error)}") from error
    if not isinstance(built, nn.Module):
        raise UsageError(f"module '{fields.module}': made a {type(built).__name__}, not a torch.nn.Module")
    return implementation(built)


def _load(target: str) -> Callable[..., Any]:
    """What `package.module:Attribute` names; the current directory is on the path."""
    name, _, attribute = target.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
            message = f"there is no module '{error.name}' in {here} or on Python's path"
            raise UsageError(f"module '{target}': {message}") from error
        raise UsageError(f"module '{target}': importing '{name}' raised {one_line(error)}") from error
    try:
        found = reduce(getattr, attribute.split("."), module)
    except AttributeError as error:
        message = f"'{name}' has no '{attribute}'{suggestion(attribute, dir(module))}"
        raise UsageError(f"module '{target}': {message}") from error
    if not callable(found):
        raise UsageError(f"module '{target}': is a {type(found).__name__}, which cannot be called")
    return found
