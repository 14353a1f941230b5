"""What the fork server imports before it forks jobs: everything slow. Nothing here may start CUDA or threads."""

import fvcore.nn  # noqa: F401
import torch  # noqa: F401

import invobench.runner.worker  # noqa: F401
