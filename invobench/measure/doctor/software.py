"""Checks of what is installed and how it is set."""

from __future__ import annotations

from pathlib import Path

from invobench.measure.doctor.base import Finding, Snapshot


def versions(at: Snapshot) -> Finding:
    """What is installed of what decides timings."""
    return Finding(", ".join(f"{name} {found or 'not installed'}" for name, found in at.versions.items()))


def compiler(at: Snapshot) -> Finding:
    """What `execution: compiled` needs on the CPU."""
    if at.compiler is None:
        return Finding("none", "execution: compiled fails on the CPU", "install a C++ compiler (g++), or set CXX")
    return Finding(Path(at.compiler).name)  # not where it is: what doctor prints is shown to others


def threads(at: Snapshot) -> Finding:
    """Threads against the processors that they run on."""
    said = " ".join(f"{name}={value}" for name, value in at.variables.items())
    found = f"{at.threads} of PyTorch on {at.cpu_count} processors{f', {said}' if said else ''}"
    if at.threads > at.cpu_count:
        return Finding(found, "threads wait for each other's processor", f"measure: {{threads: {at.cpu_count}}}")
    fixed = at.variables.get("OMP_DYNAMIC", "").lower() == "true"
    if fixed:
        return Finding(found, "OpenMP may change the number of threads between calls", "unset OMP_DYNAMIC")
    return Finding(found)


def deterministic(at: Snapshot) -> Finding:
    """Whether PyTorch is held to deterministic algorithms, or free to choose others from run to run."""
    if at.deterministic:
        why = "deterministic algorithms are slower, and some operations have none"
        return Finding("on", why, "torch.use_deterministic_algorithms(False), or unset it where it was set")
    return Finding("off")


def autotuning(at: Snapshot) -> Finding:
    """Whether cuDNN chooses its algorithm by a race, which another run may decide differently."""
    if at.cudnn_benchmark:
        why = "cuDNN chooses by timing, so that two processes may run different algorithms"
        return Finding("on", why, "torch.backends.cudnn.benchmark = False")
    return Finding("off")


def tf32(at: Snapshot) -> Finding:
    """Both defaults of this process, which PyTorch has apart; a row's own is in its contract and sets both."""
    products, convolutions = ("on" if flag else "off" for flag in (at.tf32, at.cudnn_tf32))
    found = f"{products} for matrix products and {convolutions} for convolutions by default"
    return Finding(f"{found}; every row has its own (key tf32)")
