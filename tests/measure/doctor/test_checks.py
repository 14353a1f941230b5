"""Every check on snapshots in which it is well, in which it hurts, and in which the system does not tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from invobench.measure.doctor.base import Finding, Gpu, Snapshot
from invobench.measure.doctor.checks import CHECKS, diagnose

GPU = Gpu(
    "Some GPU",
    sm_clock_hz=1.2e9,
    max_sm_clock_hz=1.98e9,
    temperature_c=41.0,
    persistence=True,
    others=0,
    cache_bytes=50 * 2**20,
)
QUIET = Snapshot(
    fingerprint="0123456789abcdef",
    versions={"invobench": "0.1.0", "torch": "2.13.0", "triton": None},
    cpu="Some CPU",
    cpu_count=8,
    processors=8,
    threads=8,
    governor="performance",
    turbo=False,
    smt=False,
    numa_nodes=1,
    virtual=False,
    steal_share=0.0,
    load=0.1,
    swap_total_bytes=0,
    swap_used_bytes=0,
    memory_bytes=2**33,
    huge_pages="madvise",
    cache_bytes=2**25,
    compiler="/usr/bin/g++",
    gpus=(GPU,),
)


def finding(check: str, **changes: Any) -> Finding | None:
    return diagnose(replace(QUIET, **changes)).get(check)


def test_a_quiet_machine_is_well() -> None:
    found = diagnose(QUIET)
    assert list(found) == list(CHECKS)
    assert {name: item.text for name, item in found.items() if item.verdict != "ok"} == {}
    assert {item.text for item in found.values()} == {"ok"}
    assert all(item.found for item in found.values())


#: check -> what hurts, and words of why and how
HURTS: dict[str, list[tuple[dict[str, Any], str, str]]] = {
    "processor": [({"virtual": True}, "a virtual machine", "measure.processes: 10")],
    "governor": [
        ({"governor": "powersave"}, "the clock follows the load", "cpupower frequency-set -g performance"),
        ({"governor": "performance+schedutil"}, "the clock follows the load", "cpupower"),
    ],
    "turbo": [({"turbo": True}, "the clock falls as the processor warms up", "no_turbo")],
    "SMT": [({"smt": True}, "two threads on a core", "measure: {threads: 4, affinity: true}")],
    "NUMA": [({"numa_nodes": 2}, "memory of another node is slower", "numactl --cpunodebind=0 --membind=0")],
    "threads": [
        ({"threads": 9}, "threads wait for each other's processor", "measure: {threads: 8}"),
        ({"variables": {"OMP_DYNAMIC": "TRUE"}}, "may change the number of threads", "unset OMP_DYNAMIC"),
    ],
    "CPU quota": [
        ({"cpu_quota": 2.5}, "stopped whenever it has used up its share", "measure: {threads: 2}"),
        ({"cpu_quota": 0.5}, "stopped whenever", "measure: {threads: 1}"),
    ],
    "load": [({"load": 2.1}, "others compute at the same time", "see top")],
    "stolen time": [({"steal_share": 0.05}, "gives the processors to others", "processors of its own")],
    "last-level cache": [({"cache_bytes": None}, "cache: cold cannot be measured", "cache: hot")],
    "swap": [({"swap_total_bytes": 2**30, "swap_used_bytes": 2**20}, "come back from a disk", "sudo swapoff -a")],
    "huge pages": [({"huge_pages": "always"}, "how torn memory is", "echo madvise | sudo tee")],
    "compiler": [({"compiler": None}, "execution: compiled fails on the CPU", "install a C++ compiler")],
    "deterministic": [({"deterministic": True}, "are slower", "use_deterministic_algorithms(False)")],
    "cuDNN benchmark": [({"cudnn_benchmark": True}, "cuDNN chooses by timing", "benchmark = False")],
    "GPU": [({"gpus": (GPU, Gpu("Other", watched=False))}, "NVML is not there", "pip install 'invobench[gpu]'")],
    "GPU throttling": [({"gpus": (replace(GPU, throttles=("thermal slowdown",)),)}, "the clock is below", "cool it")],
    "GPU heat": [({"gpus": (replace(GPU, temperature_c=80.0),)}, "slows itself down", "wait, or cool it")],
    "GPU persistence": [({"gpus": (GPU, replace(GPU, persistence=False))}, "waits for the driver", "nvidia-smi -pm 1")],
    "GPU processes": [({"gpus": (replace(GPU, others=2),)}, "others compute", "--device cuda:N")],
}
#: checks that only inform
INFORM = {"versions", "memory", "tf32", "GPU clocks"}
CASES = [(name, *case) for name, cases in HURTS.items() for case in cases]


def test_every_check_is_tested() -> None:
    assert set(HURTS) | INFORM == set(CHECKS)


@pytest.mark.parametrize(("check", "changes", "why", "how"), CASES)
def test_what_hurts_says_why_and_how_to_mend_it(check: str, changes: dict[str, Any], why: str, how: str) -> None:
    found = finding(check, **changes)
    assert found is not None
    assert found.verdict == "hurts"
    assert why in found.hurts
    assert how in found.mend
    assert found.text == f"hurts: {found.hurts}; mend: {found.mend}"
    others = {name: item for name, item in diagnose(replace(QUIET, **changes)).items() if name != check}
    assert {item.verdict for item in others.values()} <= {"ok", "unknown"}, "one thing is wrong, and one check says so"


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        ("SMT", {"smt": True, "threads": 4}),
        ("CPU quota", {"cpu_quota": 8.0}),
        ("load", {"load": 2.0}),
        ("stolen time", {"steal_share": 0.01}),
        ("swap", {"swap_total_bytes": 2**30, "swap_used_bytes": 0}),
        ("huge pages", {"huge_pages": "never"}),
        ("GPU heat", {"gpus": (replace(GPU, temperature_c=79.0),)}),
        ("threads", {"variables": {"OMP_NUM_THREADS": "8"}}),
        ("processor", {"virtual": None}),
    ],
)
def test_what_is_just_well_enough(check: str, changes: dict[str, Any]) -> None:
    assert finding(check, **changes).verdict == "ok"


@pytest.mark.parametrize(
    ("check", "field"),
    [
        ("governor", "governor"),
        ("turbo", "turbo"),
        ("SMT", "smt"),
        ("NUMA", "numa_nodes"),
        ("load", "load"),
        ("stolen time", "steal_share"),
        ("swap", "swap_total_bytes"),
        ("memory", "memory_bytes"),
        ("huge pages", "huge_pages"),
    ],
)
def test_what_the_system_does_not_tell_is_not_called_well(check: str, field: str) -> None:
    found = finding(check, **{field: None})
    assert (found.verdict, found.found, found.hurts) == ("unknown", "not shown by this system", "")


@pytest.mark.parametrize("check", ["GPU clocks", "GPU throttling", "GPU heat", "GPU persistence", "GPU processes"])
def test_without_nvml_a_gpu_tells_nothing(check: str) -> None:
    assert finding(check, gpus=(Gpu("Blind", watched=False),)).verdict == "unknown"


def test_without_a_gpu_there_is_nothing_to_check() -> None:
    found = diagnose(replace(QUIET, gpus=()))
    assert [name for name in found if name.startswith("GPU")] == ["GPU"]
    assert found["GPU"].text == "ok"


def test_what_is_found() -> None:
    at = replace(QUIET, variables={"OMP_NUM_THREADS": "8"}, cudnn_tf32=True)
    found = {name: item.found for name, item in diagnose(at).items()}
    assert found["tf32"] == (
        "off for matrix products and on for convolutions by default; every row has its own (key tf32)"
    )
    assert found["versions"] == "invobench 0.1.0, torch 2.13.0, triton not installed"
    assert found["processor"] == "Some CPU, 8 of 8 processors usable"
    assert found["threads"] == "8 of PyTorch on 8 processors, OMP_NUM_THREADS=8"
    assert found["load"] == "0.10 over the last minute, 8 processors"
    assert found["last-level cache"] == "32.0 MiB in all of the processors used"
    assert found["GPU"] == "Some GPU (L2 50.0 MiB)"
    assert found["GPU clocks"] == "1.200 GHz now, 1.980 GHz at most"
    assert found["GPU heat"] == "41 °C"
    assert found["compiler"] == "g++", "its name, and no path of the machine"
