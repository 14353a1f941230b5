"""JSON outputs: Bencher Metric Format, github-action-benchmark, and our own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from invobench.judging.verdicts import Verdict
from invobench.report.gate_outputs import GATE_OUTPUTS
from tests.report.judgements import CELLS, EVERYTHING, FAILED, NOTHING, PASSED, SLOWER, cell, check, identity, judgement

SLOW = "involution kernel_size=7 (cpu, float32, forward, module)"


def loaded(output: str, *cells: Any, judged: Any = None) -> Any:
    text = GATE_OUTPUTS[output].load()(judged or judgement(*cells))
    assert text.endswith(("}\n", "]\n"))
    return json.loads(text)


def test_bencher_has_latency_in_nanoseconds_with_its_limits() -> None:
    found = loaded("bmf", PASSED, SLOWER)
    assert set(found) == {SLOW, "conv (cpu, float32, forward, module)"}
    assert found[SLOW]["latency"] == {
        "value": pytest.approx(0.0123 * 1.146 * 1e9),
        "lower_value": pytest.approx(0.0123 * 1.126 * 1e9),
        "upper_value": pytest.approx(0.0123 * 1.166 * 1e9),
    }
    assert found[SLOW]["params"] == {"value": 4400}
    assert set(found[SLOW]) == {"latency", "params", "macs-formula", "max-error"}, "a shape is no number"


def test_bencher_accepts_the_shape_of_it() -> None:
    """Name -> slug of a measure -> metric: numbers alone, limits on their side of the value."""
    for measures in loaded("bmf", judged=EVERYTHING).values():
        assert measures
        for slug, metric in measures.items():
            assert slug == slug.lower()
            assert "_" not in slug
            assert set(metric) in ({"value"}, {"value", "lower_value", "upper_value"})
            assert metric.get("lower_value", metric["value"]) <= metric["value"]
            assert metric["value"] <= metric.get("upper_value", metric["value"])


def test_a_value_that_is_missing_has_no_entry() -> None:
    assert loaded("bmf", FAILED) == {}
    assert loaded("github-benchmark", FAILED) == []
    lost = cell(identity(), check("params", 100, None, Verdict.INCONCLUSIVE))
    assert loaded("bmf", lost) == {}
    gained = cell(identity(), check("params", None, 100, Verdict.INCONCLUSIVE))
    assert loaded("bmf", gained) == {SLOW: {"params": {"value": 100}}}
    assert loaded("github-benchmark", gained)[0]["extra"] == "inconclusive; no value on main (9f2c9f2c9f2c)"


def test_github_action_benchmark() -> None:
    found = loaded("github-benchmark", SLOWER)
    assert found[0] == {
        "name": f"{SLOW}: latency",
        "unit": "s",
        "value": pytest.approx(0.0123 * 1.146),
        "range": "± 0.000246",
        "extra": "regressed; 12.3 ms on main (9f2c9f2c9f2c)",
    }
    assert found[1]["unit"] == "count"
    assert "range" not in found[1]
    assert len({entry["name"] for entry in found}) == len(found) == 4
    for entry in loaded("github-benchmark", judged=EVERYTHING):
        assert {"name", "unit", "value"} <= set(entry) <= {"name", "unit", "value", "range", "extra"}
        assert isinstance(entry["value"], int | float)
    memory = loaded("github-benchmark", cell(identity(), check("peak_memory", 10, 20)))
    assert memory[0]["unit"] == "B"


def test_json_has_all_of_it() -> None:
    found = loaded("json", judged=EVERYTHING)
    assert (found["verdict"], found["exit_code"], found["schema_version"]) == ("regressed", 1, 1)
    assert (found["mean_ratio"], found["mean_ratio_low"], found["time_s"]) == (1.021, 1.011, 48.2)
    assert found["base"]["revision"] == "9f2c" * 10
    assert "revision" not in found["candidate"]
    assert [one["verdict"] for one in found["cells"]] == [str(one.verdict) for one in CELLS]
    slow = found["cells"][1]
    assert (slow["spec"], slow["line"], slow["coordinates"]) == ("specs/gate.yaml", 4, {"kernel_size": 7})
    assert slow["checks"][0]["ratio_high"] == pytest.approx(1.166)
    assert "ratio_low" not in slow["checks"][1]
    nothing = loaded("json", judged=NOTHING)
    assert (nothing["cells"], nothing["exit_code"]) == ([], 4)
    assert "mean_ratio" not in nothing
