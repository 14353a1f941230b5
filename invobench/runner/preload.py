"""What the fork server imports before it forks jobs: everything slow. Nothing here may start CUDA or threads."""

import gc
from contextlib import suppress

# what the first gradient, optimiser step, counted convolution and profile of a process would import, in over a second
import torch._dynamo  # noqa: F401

import invobench.runner.gate.measuring
import invobench.runner.worker  # noqa: F401
from invobench.runner.metrics import METRICS

for metric in METRICS.values():
    with suppress(ImportError):  # a metric whose library is missing says so in its row
        metric.load()

gc.collect()
gc.freeze()  # a collection in a job would write to, and so copy, every page that it shares with the server
