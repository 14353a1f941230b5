"""The timing contract in titles, labels and notes."""

from __future__ import annotations

from invobench.report.contract import threads
from invobench.report.view import view
from tests.report.samples import backend
from tests.report.test_tables import marks
from tests.rows import row, run

USUAL = "cpu, float32, forward, module, hot, eager, contiguous"


def test_the_title_has_what_most_rows_have_and_rows_their_difference():
    items = [
        row("a"),
        row("b", cache="cold", execution="compiled", memory_format="channels_last", threads=1),
        row("c", tf32=True, autograd=True, affinity="0,1"),
        row("d"),
    ]
    shown = view(run(), items)
    assert shown.title.split(" · ")[0] == f"{USUAL}, 2 threads, perf_counter"
    assert [line.cells[0] for line in shown.lines] == [
        "a",
        "b cold compiled channels_last 1 thread",
        "c tf32 autograd pinned to CPU 0,1",
        "d",
    ]


def test_flags_that_most_rows_have_are_in_the_title_and_the_others_say_no():
    items = [row("a", tf32=True, autograd=True), row("b", tf32=True, autograd=True), row("c")]
    shown = view(run(), items)
    assert shown.title.split(" · ")[0].endswith("contiguous, tf32, autograd, 2 threads, perf_counter")
    assert [line.cells[0] for line in shown.lines] == ["a", "b", "c no tf32 no autograd"]


def test_clocks_and_processes_are_part_of_it():
    """A median of ten processes' medians is another thing than one of samples; one process goes without saying."""
    items = [row("a", processes=10), row("b", processes=10), row("c", processes=1, device="cuda:0", clock="cuda_event")]
    shown = view(run(), items)
    assert shown.title.split(" · ")[0] == f"{USUAL}, 2 threads, 10 processes, perf_counter"
    assert [line.cells[0] for line in shown.lines] == ["a", "b", "c cuda:0 1 process cuda_event"]
    assert view(run(), [row("a", processes=1)]).title.split(" · ")[0] == f"{USUAL}, 2 threads, perf_counter"


def test_recording_goes_without_saying_where_there_is_a_backward_pass():
    shown = view(run(), [row("a", mode="backward", autograd=True), row("b", mode="train_step", autograd=True)])
    assert "autograd" not in shown.title + "".join(line.cells[0] for line in shown.lines)


def test_a_swept_key_is_said_by_the_rows_alone():
    items = [row("a", execution=name, coordinates={"execution": name}) for name in ("eager", "compiled")]
    shown = view(run(), items)
    assert shown.title.split(" · ")[0] == "cpu, float32, forward, module, hot, contiguous, 2 threads, perf_counter"
    assert [line.cells[0] for line in shown.lines] == ["a execution=eager", "a execution=compiled"]


def test_rows_without_a_contract_claim_none():
    unknown = dict.fromkeys(("cache", "execution", "memory_format", "tf32", "autograd", "threads", "clock"))
    shown = view(run(), [row("a", **unknown)])
    assert shown.title.split(" · ")[0] == "cpu, float32, forward, module"


def test_backends_are_compared_under_one_contract_only():
    slow, fast = backend("unfold", 2.0), backend("shift", 1.0)
    assert marks([slow, fast]) == ["1.00 s*"]
    for change in (
        {"cache": "cold"},
        {"execution": "compiled"},
        {"memory_format": "channels_last"},
        {"tf32": True},
        {"autograd": True},
        {"threads": 1},
        {"affinity": "0"},
        {"processes": 10},
        {"clock": "cuda_event"},
    ):
        assert marks([slow, fast.model_copy(update=change)]) == [], change


def test_setting_up_is_a_note_and_no_part_of_the_latency():
    items = [
        row("a", execution="compiled", setup_s=12.3),
        row("b", execution="compiled", setup_s=3.1),
        row("c", execution="cuda_graph", setup_s=0.25),
        row("d"),
        row("e", setup_s=30.0),
    ]
    assert view(run(), items).notes == (
        "compiled: set up in 3.10 s to 12.3 s a row with its first calls, which is not in the latency (setup_s).",
        "cuda_graph: set up in 250 ms a row with its first calls, which is not in the latency (setup_s).",
        "kernels built or loaded in 30.0 s a row, which is not in the latency (setup_s).",
    )


def test_threads_are_named_as_many_ways_as_there_are():
    assert threads([row(), row(threads=1), row(), row(threads=None)]) == ["2 threads", "1 thread"]
