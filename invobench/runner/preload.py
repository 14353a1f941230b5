"""What the fork server imports before it forks jobs: everything slow. Nothing here may start CUDA or threads."""

from contextlib import suppress

import torch  # noqa: F401

import invobench.runner.worker  # noqa: F401

with suppress(ImportError):  # one metric's library: without it that metric says so
    import fvcore.nn  # noqa: F401
