"""Rows become runs, and runs become facts about dates."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

ibis = pytest.importorskip("ibis")

from tallylint.triage import runs  # noqa: E402
from tallylint.triage.settings import SummaryKeys, Words  # noqa: E402

DATE = datetime.date(2026, 1, 5)
SCHEMA = ibis.schema(
    {
        "processor": "string",
        "run_id": "string",
        "date": "date",
        "status": "string",
        "records": "int64",
        "summary": "string",
        "started": "timestamp",
        "finished": "timestamp",
    }
)
STATUSES = runs.Statuses(("success",), ("failed",), ("running",), ())


def row(run: str, status: str, records: int | None = None, **more: Any) -> dict[str, Any]:
    empty = dict.fromkeys(SCHEMA.names)
    return {**empty, "processor": "P", "run_id": run, "date": DATE, "status": status, "records": records, **more}


def deduplicated(*rows: dict[str, Any], by_id: bool = True) -> list[dict[str, Any]]:
    table = ibis.memtable(list(rows), schema=SCHEMA)
    found = runs.deduplicate(table, STATUSES, SummaryKeys(), by_id=by_id)
    result: list[dict[str, Any]] = found.order_by("processor", "state", "zero").to_pyarrow().to_pylist()
    return result


def test_any_success_wins() -> None:
    (one,) = deduplicated(row("a", "running"), row("a", "success", 5), row("a", "failed"))
    assert (one["state"], one["zero"], one["phantom"], one["rows"]) == ("success", False, True, 3)


def test_a_failure_alone_is_a_failure() -> None:
    (one,) = deduplicated(row("a", "running"), row("a", "failed"))
    assert (one["state"], one["phantom"]) == ("failed", False)


def test_a_run_that_never_ended_is_running() -> None:
    (one,) = deduplicated(row("a", "running"))
    assert one["state"] == "running"


def test_the_success_with_records_counts() -> None:
    (one,) = deduplicated(row("a", "success", 0, summary='{"rows_failed": 3}'), row("a", "success", 7))
    assert (one["zero"], one["failed_rows"]) == (False, False)


def test_records_of_a_failure_are_none() -> None:
    (one,) = deduplicated(row("a", "failed", 9), row("a", "success", 0))
    assert one["zero"]


def test_a_missing_count_is_no_count() -> None:
    without, zero = deduplicated(row("a", "success"), row("b", "success", 0))
    assert sorted([without["counted"], zero["counted"]]) == [False, True]
    assert without["zero"]
    assert zero["zero"]


def test_one_id_of_two_processors_is_two_runs() -> None:
    found = deduplicated(row("a", "success", 1), row("a", "failed", processor="Q"))
    assert [one["state"] for one in found] == ["success", "failed"]


def test_without_ids_each_row_is_a_run() -> None:
    assert len(deduplicated(row("a", "success", 0), row("a", "success", 0), by_id=False)) == 2


def test_the_date_is_that_of_the_success() -> None:
    other = DATE + datetime.timedelta(days=1)
    (one,) = deduplicated(row("a", "running", date=other), row("a", "success", 0))
    assert one["date"] == DATE


def test_a_run_started_when_its_first_row_says_so() -> None:
    at = datetime.datetime(2026, 1, 5, 6)
    later = at + datetime.timedelta(hours=1)
    (one,) = deduplicated(row("a", "success", 0, started=later), row("a", "running", started=at))
    assert one["started"] == at
    (one,) = deduplicated(row("a", "success", 0, finished=later))
    assert one["started"] == later


def test_runs_of_which_the_same_is_known_are_one_fact() -> None:
    at = datetime.datetime(2026, 1, 5, 6)
    rows = [row(f"good{n}", "success", 3, started=at + datetime.timedelta(hours=n)) for n in range(4)]
    rows += [row(f"zero{n}", "success", 0, started=at + datetime.timedelta(hours=n)) for n in range(2)]
    table = ibis.memtable(rows, schema=SCHEMA)
    found = runs.facts(runs.deduplicate(table, STATUSES, SummaryKeys())).order_by("zero", "zero_started")
    good, first, second = found.to_pyarrow().to_pylist()
    assert (good["runs"], good["zero_started"]) == (4, None)
    assert good["last_started"] == at + datetime.timedelta(hours=3)
    assert [first["runs"], second["runs"]] == [1, 1]
    assert second["zero_started"] == at + datetime.timedelta(hours=1)


@pytest.mark.parametrize(
    ("summary", "failed"),
    [
        ('{"rows_failed": 3}', True),
        ('{"rows_failed":0}', False),
        ('{"rows_failed": 0.0}', False),
        ('{"rows_failed": "12"}', True),
        ('{"rows_failed": 10}', True),
        ('{"rows_failed": true}', True),
        ('{"rows_failed": false}', False),
        ('{"rows_failed": null}', False),
        ('{"rows_failed": []}', False),
        ('{"rows_failed": [ ]}', False),
        ('{"rows_failed": [17]}', True),
        ('{"rows_failed": {}}', False),
        ('{"rows_failed": {"odds": 2}}', True),
        ('{"stats": {"rows_failed": 3}}', True),
        ('{"rows_failed_before": 3}', False),
        ('{"message": "\\"rows_failed\\": 3"}', False),
        ('{"rows_failed": 3', True),
        (None, None),
    ],
)
def test_a_summary_says_that_rows_failed(summary: str | None, failed: bool | None) -> None:
    said = runs.says_failed(ibis.literal(summary, "string"), SummaryKeys().failed)
    assert ibis.duckdb.connect().to_pyarrow(said).as_py() is failed


@pytest.mark.parametrize(
    ("summary", "skipped"),
    [
        ('{"skip_reason": "off season"}', True),
        ('{"skip_reason": ""}', False),
        ('{"skip_reason": "  "}', False),
        ('{"skip_reason": null}', False),
        ('{"skipped": true}', True),
        ('{"skipped": 3}', False),
        ('{"message": "\\"skip_reason\\": \\"x\\""}', False),
    ],
)
def test_a_summary_says_why_there_was_nothing_to_do(summary: str, skipped: bool) -> None:
    said = runs.says_skipped(ibis.literal(summary), SummaryKeys().skipped)
    assert ibis.duckdb.connect().to_pyarrow(said).as_py() is skipped


def test_statuses_are_sorted_whatever_their_case() -> None:
    found = runs.Statuses.sort(["Success", " OK ", "FAILED", "running", "skipped", "exploded"], Words())
    assert found == runs.Statuses((" OK ", "Success"), ("FAILED",), ("running",), ("exploded",))


def test_keys_are_no_patterns() -> None:
    said = runs.says_failed(ibis.literal('{"rows.failed": 1, "rowsXfailed": 0}'), ["rows.failed"])
    other = runs.says_failed(ibis.literal('{"rowsXfailed": 1}'), ["rows.failed"])
    con = ibis.duckdb.connect()
    assert con.to_pyarrow(said).as_py()
    assert not con.to_pyarrow(other).as_py()
