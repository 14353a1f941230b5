"""Checks of processor and memory."""

from __future__ import annotations

from invobench import units
from invobench.measure.doctor.base import Finding, Snapshot, not_shown

#: a load above this part of the processors leaves too little for what is measured
_BUSY = 0.25
#: what the hypervisor may take unnoticed
_STEAL = 0.01


def model(at: Snapshot) -> Finding:
    """The processor, and whether it is a whole one."""
    found = f"{at.cpu}, {at.cpu_count} of {at.processors} processors usable"
    if at.virtual:
        why = "a virtual machine: what else runs on the host is not seen and costs time"
        return Finding(f"{found}, virtual", why, "measure on the host, or in several processes (measure.processes: 10)")
    return Finding(found)


def governor(at: Snapshot) -> Finding:
    """Whether the clock is held up."""
    if at.governor is None:
        return not_shown("choose the performance governor on the host")
    if at.governor == "performance":
        return Finding(at.governor)
    why = "the clock follows the load, so that a sample depends on what ran before it"
    return Finding(at.governor, why, "sudo cpupower frequency-set -g performance")


def turbo(at: Snapshot) -> Finding:
    """Whether the clock depends on heat and on the other cores."""
    if at.turbo is None:
        return not_shown()
    if not at.turbo:
        return Finding("off")
    why = "the clock falls as the processor warms up and as more cores work"
    how = "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo (AMD: echo 0, cpufreq/boost)"
    return Finding("on", why, how)


def smt(at: Snapshot) -> Finding:
    """Whether threads share cores."""
    if at.smt is None:
        return not_shown()
    if not at.smt:
        return Finding("off")
    if at.threads <= at.cpu_count // 2:
        return Finding(f"on, {at.threads} threads for {at.cpu_count} processors")
    why = "two threads on a core take its units from each other"
    how = f"measure: {{threads: {max(1, at.cpu_count // 2)}, affinity: true}}"
    return Finding(f"on, {at.threads} threads for {at.cpu_count} processors", why, how)


def numa(at: Snapshot) -> Finding:
    """Whether memory is equally far from all processors."""
    if at.numa_nodes is None:
        return not_shown()
    if at.numa_nodes == 1:
        return Finding("1 node")
    why = "memory of another node is slower, and which a tensor gets is chance"
    return Finding(f"{at.numa_nodes} nodes", why, "numactl --cpunodebind=0 --membind=0 invobench ...")


def quota(at: Snapshot) -> Finding:
    """Whether the control group stops the process in the middle of a sample."""
    if at.cpu_quota is None:
        return Finding("none")
    found = f"{at.cpu_quota:g} processors' worth of time"
    if at.cpu_quota >= at.cpu_count:
        return Finding(found)
    why = "the process is stopped whenever it has used up its share of a period"
    threads = max(1, int(at.cpu_quota))
    how = f"give the container whole processors (docker --cpuset-cpus), or measure: {{threads: {threads}}}"
    return Finding(found, why, how)


def load(at: Snapshot) -> Finding:
    """Whether others compute."""
    if at.load is None:
        return not_shown()
    found = f"{at.load:.2f} over the last minute, {at.processors} processors"
    if at.load <= _BUSY * at.processors:
        return Finding(found)
    return Finding(found, "others compute at the same time", "stop them (see top), or wait")


def steal(at: Snapshot) -> Finding:
    """Whether the hypervisor gives processor time to others."""
    if at.steal_share is None:
        return not_shown()
    found = f"{units.percent(at.steal_share)} of busy time since the start"
    if at.steal_share <= _STEAL:
        return Finding(found)
    return Finding(found, "the host gives the processors to others too", "use a machine with processors of its own")


def cache(at: Snapshot) -> Finding:
    """The last-level cache: what `cache: cold` empties."""
    if at.cache_bytes is None:
        return Finding("not shown by this system", "cache: cold cannot be measured", "measure with cache: hot")
    return Finding(f"{units.size(at.cache_bytes)} in all of the processors used")


def swap(at: Snapshot) -> Finding:
    """Whether memory may be on a disk."""
    if at.swap_total_bytes is None:
        return not_shown()
    if not at.swap_total_bytes:
        return Finding("none")
    used = at.swap_used_bytes or 0
    found = f"{units.size(used)} of {units.size(at.swap_total_bytes)} used"
    if not used:
        return Finding(found)
    return Finding(found, "what is swapped out must come back from a disk first", "sudo swapoff -a, if memory suffices")


def memory(at: Snapshot) -> Finding:
    """Free memory."""
    return not_shown() if at.memory_bytes is None else Finding(f"{units.size(at.memory_bytes)} free")


def huge_pages(at: Snapshot) -> Finding:
    """Whether large tensors may get large pages behind the program's back."""
    if at.huge_pages is None:
        return not_shown()
    if at.huge_pages != "always":
        return Finding(at.huge_pages)
    why = "whether a tensor gets large pages depends on how torn memory is, and the kernel makes them meanwhile"
    return Finding(at.huge_pages, why, "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled")
