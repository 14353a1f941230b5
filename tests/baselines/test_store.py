"""The history: what gates said, oldest first, by name or label, and what self-tests found."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from invobench.baselines.store import Resolution, Store, timestamp
from invobench.errors import StoreError, UnknownName
from invobench.judging.verdicts import Verdict
from tests.baselines.builders import check, identity, judged, judgement

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
KERNELS = (identity(kernel_size=3), identity(kernel_size=7))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "new" / "history.sqlite")


def gate(store: Store, candidate: float = 0.0101, at: datetime = NOON) -> int:
    """A gate over two kernels, of which the larger takes twice `candidate`."""
    cells = [judged(one, check(candidate=candidate * factor)) for factor, one in enumerate(KERNELS, start=1)]
    return store.append(judgement(*cells), ["a.yaml"], "base-ref", at)


def test_what_was_appended_is_there(store: Store) -> None:
    shapes = check(
        "output_shape",
        field="output_shape",
        base=[[1, 64, 56, 56]],
        candidate=[[1, 64, 28, 28]],
        verdict=Verdict.REGRESSED,
        ratio=None,
        low=None,
        high=None,
    )
    one = identity(kernel_size=7, activation="gelu", bias=True, note=None)
    assert store.append(judgement(judged(one, check(), shapes)), ["a.yaml"], "baseline", NOON) == 1
    (point,) = store.history("involution")
    assert (point.gate, point.at, point.mode) == (1, "2026-11-24T12:00:00+00:00", "baseline")
    assert point.identity == one
    assert (point.quantity, point.field, point.base, point.candidate) == ("latency", "latency_s", 0.01, 0.0101)
    assert (point.ratio, point.low, point.high, point.verdict) == (1.01, 0.99, 1.03, Verdict.PASS)
    assert (point.base_label, point.candidate_label) == ("main", "working tree")
    assert (point.revision, point.fingerprint, point.spec_hash) == ("b" * 40, "fedcba9876543210", "5pec")
    (shape,) = store.history("involution", "output_shape")
    assert (shape.base, shape.candidate) == ([[1, 64, 56, 56]], [[1, 64, 28, 28]])
    assert (shape.ratio, shape.low, shape.high, shape.verdict) == (None, None, None, Verdict.REGRESSED)


def test_what_a_gate_was_is_kept(store: Store) -> None:
    failed = judgement(judged(KERNELS[0], check()), verdict=Verdict.FAILED, exit_code=4)
    store.append(failed, ["a.yaml", "ü.yaml"], "against-python", NOON)
    connection = sqlite3.connect(store.path)
    columns = "specs, mode, base_label, base_revision, base_fingerprint, verdict, exit_code"
    kept = connection.execute(f"SELECT {columns} FROM gates").fetchone()
    assert kept == ('["a.yaml", "ü.yaml"]', "against-python", "main", "a" * 40, "0123456789abcdef", "failed", 4)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_an_absent_value_stays_absent_and_no_integer_is_too_large(store: Store) -> None:
    exact = check("macs", field="macs_formula", base=None, candidate=2**70)
    store.append(judgement(judged(KERNELS[0], exact)), [], "baseline")
    (point,) = store.history("involution", "macs")
    assert (point.base, point.candidate) == (None, 2**70)


def test_oldest_first_by_name_and_by_label(store: Store) -> None:
    for candidate in (1.0, 2.0, 3.0):
        gate(store, candidate)
    both = store.history("involution")
    assert [(point.gate, point.candidate) for point in both] == [(1, 1), (1, 2), (2, 2), (2, 4), (3, 3), (3, 6)]
    large = store.history("involution kernel_size=7")
    assert [point.candidate for point in large] == [2.0, 4.0, 6.0]
    assert {point.identity for point in large} == {KERNELS[1]}


def test_a_limit_is_of_each_cell_and_keeps_the_newest(store: Store) -> None:
    for candidate in (1.0, 2.0, 3.0):
        gate(store, candidate)
    points = store.history("involution", limit=2)
    assert [(point.gate, point.candidate) for point in points] == [(2, 2), (2, 4), (3, 3), (3, 6)]
    assert store.history("involution", limit=99) == store.history("involution")
    assert store.history("involution", limit=0) == []


def test_a_clock_that_goes_back_changes_no_order(store: Store) -> None:
    for hour, candidate in enumerate((1.0, 2.0, 3.0)):
        gate(store, candidate, NOON - timedelta(hours=hour))
    points = store.history("involution kernel_size=3")
    assert [point.candidate for point in points] == [1.0, 2.0, 3.0]
    assert [point.at[11:13] for point in points] == ["12", "11", "10"]


def test_times_are_utc() -> None:
    assert timestamp(datetime(2026, 11, 24, 14, tzinfo=timezone(timedelta(hours=2)))) == "2026-11-24T12:00:00+00:00"
    assert abs(datetime.fromisoformat(timestamp()) - datetime.now(UTC)) < timedelta(seconds=60)


def test_cells_of_one_label_on_two_devices_are_two(store: Store) -> None:
    for device in ("cpu", "cuda"):
        store.append(judgement(judged(identity(device=device), check())), [], "baseline")
    assert [point.identity.device for point in store.history("involution")] == ["cpu", "cuda"]
    assert len(store.history("involution", limit=1)) == 2


def test_names(store: Store) -> None:
    assert store.names() == []
    assert not store.path.exists()
    gate(store)
    unmeasured = judged(identity("gone"), verdict=Verdict.MISSING)
    store.append(judgement(judged(identity("conv"), check()), unmeasured), [], "baseline")
    assert store.names() == ["conv", "involution"]


@pytest.mark.parametrize(
    ("name", "quantity", "told"),
    [
        ("involutoin", "latency", "unknown cell 'involutoin' (did you mean 'involution'?); there are: involution"),
        (
            "involution kernel_size=8",
            "latency",
            "unknown cell 'involution kernel_size=8' (did you mean 'involution kernel_size=7'?); "
            "there are: involution kernel_size=3, involution kernel_size=7",
        ),
        (
            "involution",
            "latancy",
            "involution: unknown quantity 'latancy' (did you mean 'latency'?); there are: latency",
        ),
    ],
)
def test_names_that_are_not_there(store: Store, name: str, quantity: str, told: str) -> None:
    gate(store)
    with pytest.raises(UnknownName) as caught:
        store.history(name, quantity)
    assert str(caught.value) == f"{store.path}: {told}"


def test_no_history_yet(store: Store) -> None:
    with pytest.raises(StoreError) as caught:
        store.history("involution")
    told = "no history yet: `invobench gate` adds to it; or name one with --store FILE"
    assert str(caught.value) == f"{store.path}: {told}"
    store.append(judgement(), [], "baseline")
    with pytest.raises(UnknownName, match="no cell yet"):
        store.history("involution")


def test_a_gate_is_kept_whole_or_not_at_all(store: Store) -> None:
    gate(store)
    unfit = check(ratio=object())
    with pytest.raises(StoreError, match="history: "):
        store.append(judgement(judged(KERNELS[0], check()), judged(KERNELS[1], unfit)), [], "baseline")
    assert len(store.history("involution")) == 2
    assert gate(store) == 2


def test_resolutions(store: Store) -> None:
    assert store.resolution("f", "s") is None
    assert not store.path.exists()
    first = Resolution("f", "s", {"b": 0.05, "a": None}, timestamp(NOON))
    other = Resolution("f", "t", {"b": 0.01}, timestamp(NOON))
    store.keep_resolution(first)
    store.keep_resolution(other)
    assert store.resolution("f", "s") == first
    assert store.resolution("f", "t") == other
    assert store.resolution("g", "s") is None
    newer = Resolution("f", "s", {"c": 0.02}, timestamp(NOON + timedelta(days=1)))
    store.keep_resolution(newer)
    assert store.resolution("f", "s") == newer
    assert store.resolution("f", "t") == other


def test_a_verdict_of_no_known_kind_is_told(store: Store) -> None:
    gate(store)
    connection = sqlite3.connect(store.path)
    connection.execute("UPDATE checks SET verdict = 'fine'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="history: gate 1: 'fine' is not a valid Verdict: move the file away, or name"):
        store.history("involution")
