"""A generated history is classified exactly, on every backend and from every kind of file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("ibis")

from tallylint.triage import pipeline, settings
from tallylint.triage.classify import Class
from tallylint.triage.errors import TriageError

#: How many runs the history has; scripts/test_python.sh makes it larger.
RUNS = int(os.environ.get("TALLYLINT_HISTORY_RUNS", "20000"))


def compare(history: Any, options: Mapping[str, Any] | None = None) -> Any:
    """Compare what a triage finds out with what was planned, run by run and processor by processor.

    Returns the numbers.
    """
    found = settings.load(history.configuration, options or {})
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
    return numbers


def test_parquet(history: Any) -> None:
    compare(history(RUNS))


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_text(history: Any, form: str) -> None:
    compare(history(20000, form))


def tables(backend: str) -> dict[str, str]:
    return {"backend": backend, "runs": "ops.runs", "actual": "ops.actual", "expected": "ops.expected"}


def test_postgres(history: Any, postgres: Any) -> None:
    made = history(RUNS, "csv")
    url = postgres(made.folder)
    there = compare(made, tables(url))
    # Inputs have other names there; all else is the same.
    assert replace(there, malformed={}) == replace(compare(made), malformed={})


def test_postgres_with_evidence_in_files(history: Any, postgres: Any) -> None:
    made = history(20000, "csv")
    compare(made, {"backend": postgres(made.folder), "runs": "ops.runs"})


def test_the_history_stays_where_it_is(history: Any, postgres: Any) -> None:
    made = history(20000, "csv")
    found = settings.load(made.configuration, {"backend": postgres(made.folder)})
    with pytest.raises(TriageError, match="is a file, but the backend is postgres"):
        pipeline.triage(found)


def test_what_postgres_says_is_one_sentence(history: Any, postgres: Any) -> None:
    made = history(20000, "csv")
    url = postgres(made.folder)
    columns = {"records": "summary"}
    found = settings.load(made.configuration, {**tables(url), "columns": columns})
    with pytest.raises(TriageError, match="postgres says: "):
        pipeline.triage(found)


def test_duckdb_in_a_file(history: Any, tmp_path: Any) -> None:
    import duckdb

    made = history(20000)
    path = tmp_path / "history.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("create schema ops")
        for name in ("runs", "actual", "expected"):
            con.execute(f"create table ops.{name} as select * from read_parquet('{made.folder / name}.parquet')")
    compare(made, tables(f"duckdb://{path}"))


def test_another_seed_is_another_history(history: Any) -> None:
    one, other = history(20000), history(20000, seed=2)
    assert one.classes() != other.classes()
    compare(other)


def test_in_parts_it_is_the_same(history: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Some parts have several processors, and with this size some processors have several parts.
    monkeypatch.setattr(pipeline, "ROWS_PER_MEGABYTE", 2)
    compare(history(20000), {"memory": 190})


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
