"""The ceilings of a machine: what was measured, and the file that keeps it for one environment (no torch).

A ceiling is the best that was reached here, not a data sheet's figure: bytes a second of a copy, operations a second
of a matrix product (`flops = 2 * macs`), seconds of a call that does next to nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from invobench.errors import UsageError
from invobench.files import replace_file
from invobench.measure.cache_folder import cache_folder

#: `copy` of buffers far beyond the last-level cache, `cached_copy` of buffers within it
Quantity = Literal["copy", "cached_copy", "matmul", "launch"]
_POSITIVE = Field(gt=0, allow_inf_nan=False)


class Ceiling(BaseModel):
    """One ceiling of one device, the best median of several sizes.

    `value`, `low`, `high`: the median and its 95 % interval in bytes/s (`copy`, `cached_copy`), flops/s (`matmul`) or
    seconds (`launch`). `size`: bytes of the buffer, or rows of the square matrix. `threads`: of the CPU, None
    elsewhere. `reached`: whether the interval is as narrow as was asked. `created`: when it was measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str
    quantity: Quantity
    value: float = _POSITIVE
    low: float | None = None
    high: float | None = None
    dtype: str | None = None
    tf32: bool = False
    threads: int | None = None
    size: int | None = None
    samples: int
    reached: bool
    created: str | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What there is one ceiling of."""
        return (self.device, self.quantity, self.dtype, self.tf32, self.threads)


class Ceilings(BaseModel):
    """Every ceiling that was measured in the environment of `fingerprint`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    fingerprint: str
    invobench: str
    created: str
    ceilings: tuple[Ceiling, ...] = ()

    def find(
        self, quantity: Quantity, device: str, threads: int | None, dtype: str | None = None, tf32: bool = False
    ) -> Ceiling | None:
        """The ceiling of a device; of the CPU with just as many `threads`, which count for nothing elsewhere."""
        at = threads if device == "cpu" else None
        wanted = (device, quantity, dtype, tf32 and device != "cpu" and dtype == "float32", at)
        return next((ceiling for ceiling in self.ceilings if ceiling.key == wanted), None)

    def of(self, device: str, threads: int | None) -> tuple[Ceiling, ...]:
        """Every ceiling of a device; of the CPU with just as many `threads`."""
        at = threads if device == "cpu" else None
        return tuple(item for item in self.ceilings if item.device == device and item.threads == at)

    def renewed(self, new: Iterable[Ceiling]) -> Ceilings:
        """The same with `new` in place of what was known of the same keys."""
        return self.model_copy(update={"ceilings": tuple({item.key: item for item in (*self.ceilings, *new)}.values())})


def ceilings_path(fingerprint: str) -> Path:
    """The file that keeps the ceilings of an environment."""
    return cache_folder() / f"ceilings-{fingerprint}.json"


def read_ceilings(fingerprint: str) -> tuple[Ceilings | None, str]:
    """What was measured in this environment, and a note; None where nothing was, or where the file is of no use.

    The note is empty but for a file that is damaged or holds another environment's ceilings.
    """
    path = ceilings_path(fingerprint)
    try:
        found = Ceilings.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"{path}: cannot read ceilings: {error.strerror}; set XDG_CACHE_HOME to a folder of yours"
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return None, f"{path}: not a whole file of ceilings ({f'{where}: ' if where else ''}{first['msg']})"
    if found.fingerprint != fingerprint:
        return None, f"{path}: ceilings of another environment ({found.fingerprint})"
    return found, ""


def write_ceilings(ceilings: Ceilings) -> Path:
    """Keep `ceilings`: the file is replaced as a whole or not at all. Raises UsageError where it cannot be written."""
    path = ceilings_path(ceilings.fingerprint)
    try:
        replace_file(path, ceilings.model_dump_json(indent=1, exclude_none=True) + "\n")
    except OSError as error:
        raise unwritable(path.parent, error) from None
    return path


def require_writable() -> None:
    """Raises UsageError where ceilings could not be kept, before they are measured."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise unwritable(folder, error) from None


def unwritable(folder: Path, error: OSError) -> UsageError:
    """The error for a cache folder that takes nothing."""
    return UsageError(f"{folder}: cannot keep ceilings: {error.strerror}; set XDG_CACHE_HOME to a folder of yours")
