"""What the operating system says of processor, memory and limits: files of /proc and /sys (no torch).

Every reading is None where the system does not show it: other systems have no such files, virtual machines hide some.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from invobench.units import KIB

_CPU = "sys/devices/system/cpu"
_CGROUP = "sys/fs/cgroup"
#: where the memory limit stands in version 1 and 2 of control groups
_MEMORY_LIMITS = ("memory.limit_in_bytes", "memory.max")
#: version 1 writes a number near 2**63 where there is no limit
_NO_LIMIT = 2**60


def available_cpu_numbers() -> tuple[int, ...]:
    """The processors that this process may run on, by number."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


@dataclass(frozen=True)
class System:
    """The system whose files lie under `root`."""

    root: Path = Path("/")

    def text(self, path: str) -> str | None:
        """A file without the space around it, None where there is none or it may not be read."""
        try:
            return (self.root / path).read_text(errors="replace").strip()
        except OSError:
            return None

    def number(self, path: str) -> int | None:
        """A file that holds a whole number."""
        text = self.text(path) or ""
        return int(text) if re.fullmatch(r"-?\d+", text) else None

    def governor(self) -> str | None:
        """The frequency governors of the processors in use: `performance`, or several joined by `+`."""
        paths = (f"{_CPU}/cpu{number}/cpufreq/scaling_governor" for number in available_cpu_numbers())
        found = {text for path in paths if (text := self.text(path))}
        return "+".join(sorted(found)) or None

    def turbo(self) -> bool | None:
        """Whether the processor may exceed its base clock."""
        no_turbo = self.number(f"{_CPU}/intel_pstate/no_turbo")
        if no_turbo is not None:
            return no_turbo == 0
        boost = self.number(f"{_CPU}/cpufreq/boost")
        return None if boost is None else boost == 1

    def smt(self) -> bool | None:
        """Whether processors share cores."""
        active = self.number(f"{_CPU}/smt/active")
        return None if active is None else active == 1

    def numa_nodes(self) -> int | None:
        """Memory nodes."""
        folder = self.root / "sys/devices/system/node"
        return len(list(folder.glob("node[0-9]*"))) or None

    def load(self) -> float | None:
        """Processes that ran or wanted to, on average over the last minute."""
        text = self.text("proc/loadavg")
        return float(text.split()[0]) if text else None

    def steal_share(self) -> float | None:
        """Share of busy processor time since the start that the hypervisor gave to others."""
        text = self.text("proc/stat") or ""
        times = [int(field) for field in text.partition("\n")[0].split()[1:9]]
        if len(times) < 8:
            return None
        user, nice, kernel, _, _, irq, softirq, steal = times
        busy = user + nice + kernel + irq + softirq + steal
        return steal / busy if busy else 0.0

    def virtual(self) -> bool | None:
        """Whether this is a virtual machine, as the processor tells it."""
        text = self.text("proc/cpuinfo")
        flags = re.search(r"^flags\s*:(.*)$", text or "", re.MULTILINE)
        return "hypervisor" in flags[1].split() if flags else None

    def memory(self, key: str) -> int | None:
        """A figure of /proc/meminfo in bytes: `MemAvailable`, `SwapTotal` ..."""
        found = re.search(rf"^{key}:\s+(\d+) kB$", self.text("proc/meminfo") or "", re.MULTILINE)
        return int(found[1]) * KIB if found else None

    def available_memory_bytes(self) -> int | None:
        """What a process may still take: free memory, or the limit of its control group where that is less."""
        known = [self.memory("MemAvailable"), self._memory_limit()]
        return min((value for value in known if value is not None), default=None)

    def huge_pages(self) -> str | None:
        """Transparent huge pages: `always`, `madvise` or `never`."""
        chosen = re.search(r"\[(\w+)\]", self.text("sys/kernel/mm/transparent_hugepage/enabled") or "")
        return chosen[1] if chosen else None

    def driver(self) -> str | None:
        """Version of the NVIDIA driver."""
        return self.text("sys/module/nvidia/version")

    def last_level_cache_bytes(self) -> int | None:
        """The last-level caches of the processors in use, those that several of them share counted once."""
        caches: dict[tuple[int, str], int] = {}
        for number in available_cpu_numbers():
            for folder in sorted((self.root / f"{_CPU}/cpu{number}/cache").glob("index*")):
                here = folder.relative_to(self.root).as_posix()
                level, size = self.number(f"{here}/level"), self.text(f"{here}/size")
                shared = self.text(f"{here}/shared_cpu_list") or str(number)
                if level is not None and size and self.text(f"{here}/type") != "Instruction":
                    caches[level, shared] = _size(size)
        last = max((level for level, _ in caches), default=None)
        return sum(size for (level, _), size in caches.items() if level == last) or None

    def cpu_quota(self) -> float | None:
        """Processors' worth of time that the control group allows, None where it sets no limit."""
        quotas = []
        for folder in self._groups("cpu"):
            words = (self.text(f"{folder}/cpu.max") or "").split()
            if not words:
                words = [self.text(f"{folder}/cpu.cfs_{name}_us") or "" for name in ("quota", "period")]
            if len(words) == 2 and all(word.isdigit() for word in words) and int(words[1]):
                quotas.append(int(words[0]) / int(words[1]))
        return min(quotas, default=None)

    def _memory_limit(self) -> int | None:
        paths = (f"{folder}/{name}" for folder in self._groups("memory") for name in _MEMORY_LIMITS)
        found = [value for path in paths if (value := self.number(path)) is not None and value < _NO_LIMIT]
        return min(found, default=None)

    def _groups(self, controller: str) -> Iterator[str]:
        """Folders of the process's control group and those above it, version 1 and 2; the last is the container's."""
        for line in (self.text("proc/self/cgroup") or "0::/").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            top = f"{_CGROUP}/{controllers}" if controllers else _CGROUP
            parts = [part for part in path.split("/") if part]
            yield from ("/".join([top, *parts[:count]]) for count in range(len(parts), -1, -1))
            if controllers != controller and controllers:
                yield f"{_CGROUP}/{controller}"


def _size(text: str) -> int:
    """`32768K` in bytes."""
    digits = re.match(r"\d+", text)
    factor = {"K": KIB, "M": KIB**2, "G": KIB**3}.get(text[-1:], 1)
    return int(digits[0]) * factor if digits else 0
