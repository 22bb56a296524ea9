"""A generated history is classified exactly, on every backend and from every kind of file."""

from __future__ import annotations

import os
from typing import Any

import pytest

pytest.importorskip("ibis")

from tallylint.triage import pipeline, settings
from tallylint.triage.classify import Class

#: How many runs the history has; scripts/test_python.sh makes it larger.
RUNS = int(os.environ.get("TALLYLINT_HISTORY_RUNS", "20000"))


def compare(history: Any, **options: Any) -> None:
    """Compare what a triage finds out with what was planned, run by run and processor by processor."""
    found = settings.load(history.configuration, options)
    with pipeline.opened(found) as (con, reader):
        tables = pipeline.classified(found, con, reader)
        zero = tables.zero
        counts = zero.group_by("processor", "date", "kind", "reason").agg(runs=zero.runs.sum())
        rows = [tuple(row.values()) for row in counts.to_pyarrow().to_pylist()]
        numbers = pipeline.add_up(found, tables)
    planned = history.classes()
    assert len({reason for *_, reason, _ in planned}) == 10, "the history has too few days for every trap"
    assert sorted(rows) == planned
    truth = {row["processor"]: row for row in history.truth}
    assert {one.name for one in numbers.processors} == truth.keys()
    for one in numbers.processors:
        assert {
            "processor": one.name,
            "runs": one.runs,
            "successes": one.successes,
            "failures": one.failures,
            "zero_runs": one.zero.runs,
            "zero_dates": one.zero.dates,
            "real_loss_dates": one.zero.dates_of(Class.REAL_LOSS),
            "dates_with_data": one.zero.dates_with_data,
            "phantom_failures": one.phantom_failures,
        } == truth[one.name]
    assert numbers.never_succeeded == ("Processor58", "Processor59")
    assert numbers.unmatched == ()
    assert all(not malformed.count for malformed in numbers.malformed.values())
    inherited = next(one for one in numbers.findings if one.finding.symbol == "BaseProcessor.save_data")
    assert inherited.processors == ("Processor00", "Processor01", "Processor02")
    assert inherited.zero.runs == sum(truth[name]["zero_runs"] for name in inherited.processors)


def test_parquet(history: Any) -> None:
    compare(history(RUNS))


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_text(history: Any, form: str) -> None:
    compare(history(20000, form))


def test_another_seed_is_another_history(history: Any) -> None:
    one, other = history(20000), history(20000, seed=2)
    assert one.classes() != other.classes()
    compare(other)


def test_in_parts_it_is_the_same(history: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Some parts have several processors, and with this size some processors have several parts.
    monkeypatch.setattr(pipeline, "BATCH_ROWS", 380)
    compare(history(20000))


def test_parts_have_everything_once() -> None:
    rows = {"A": {"A": 3, "a": 2}, "B": {"B": 4}, "C": {"C": 25}, "D": {"D": 1}}
    assert pipeline.batches(rows, 10) == [
        pipeline.Batch(("A", "a", "B")),
        pipeline.Batch(("C",), 0, 3),
        pipeline.Batch(("C",), 1, 3),
        pipeline.Batch(("C",), 2, 3),
        pipeline.Batch(("D",)),
    ]
    assert pipeline.batches({}, 10) == [pipeline.Batch(())]
