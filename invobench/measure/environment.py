"""Where a measurement is taken: versions, processor, GPUs, and a fingerprint of what decides timings."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from invobench import __version__
from invobench.measure.system import System, available_cpu_numbers
from invobench.results import Environment, digest


def environment() -> Environment:
    """This process's environment.

    The fingerprint is of what decides timings and stays until somebody changes it: versions, processors and GPUs,
    threads, driver, governor. Load, clocks and temperature are not in it.
    """
    system = System()
    cuda = torch.cuda.is_available()
    gpus = tuple(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())) if cuda else ()
    here = Environment(
        fingerprint="",
        invobench=__version__,
        python=platform.python_version(),
        torch=torch.__version__,
        platform=f"{platform.system()} {platform.machine()}",
        cpu=cpu_name(),
        cpu_count=available_cpus(),
        threads=torch.get_num_threads(),
        gpus=gpus,
        cuda=torch.version.cuda if cuda else None,
        driver=system.driver() if cuda else None,
        governor=system.governor(),
    )
    deciding = here.model_dump(exclude={"fingerprint", "invobench"})
    return here.model_copy(update={"fingerprint": digest({**deciding, "gpus": list(gpus)})})


def available_cpus() -> int:
    """Processors that this process may run on."""
    return len(available_cpu_numbers())


def cpu_name() -> str:
    """The processor's model as the system names it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
