"""Each success without records has a class, and evidence for it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import pytest

ibis = pytest.importorskip("ibis")

from tallylint.triage import classify  # noqa: E402
from tallylint.triage.classify import CLASS_OF, Class, Reason  # noqa: E402

DATE = datetime.date(2026, 1, 5)
FACTS = ibis.schema(
    {
        "processor": "string",
        "date": "date",
        "state": "string",
        "zero": "boolean",
        "zero_started": "timestamp",
        "failed_rows": "boolean",
        "skipped": "boolean",
        "runs": "int64",
        "last_started": "timestamp",
        "rows": "int64",
        "uncounted": "int64",
        "phantoms": "int64",
    }
)


def at(hour: int) -> datetime.datetime:
    return datetime.datetime(2026, 1, 5, hour)


def fact(zero: bool, started: datetime.datetime | None, **more: Any) -> dict[str, Any]:
    return {
        "processor": "P", "date": DATE, "state": "success", "zero": zero, "zero_started": started if zero else None,
        "failed_rows": False, "skipped": False, "runs": 1, "last_started": started, "rows": 1, "uncounted": 0,
        "phantoms": 0, **more,
    }  # fmt: skip


def evidence(value: str, *rows: tuple[str, datetime.date, int | None]) -> Any:
    schema = ibis.schema({"processor": "string", "date": "date", value: "int64"})
    return ibis.memtable([dict(zip(schema.names, row)) for row in rows], schema=schema)


def classes(
    *facts: dict[str, Any],
    there: Any = None,
    scheduled: Any = None,
    missing_actual: str = "unknown",
    missing_expected: str = "unknown",
    as_of: datetime.date = datetime.date(2026, 2, 1),
    utc_offset_hours: float = 0,
) -> list[tuple[str, str, bool | None]]:
    found = classify.classified(
        ibis.memtable(list(facts), schema=FACTS), there, scheduled, as_of=as_of, missing_actual=missing_actual,
        utc_offset_hours=utc_offset_hours, missing_expected=missing_expected,
    )  # fmt: skip
    rows = found.order_by("processor", "date", "reason").to_pyarrow().to_pylist()
    for one in rows:
        assert CLASS_OF[Reason(one["reason"])] is Class(one["kind"])
    return [(one["kind"], one["reason"], one["has_data"]) for one in rows]


def rows(count: int | None) -> Any:
    return evidence("rows", ("P", DATE, count))


def units(count: int) -> Any:
    return evidence("units", ("P", DATE, count))


def test_rows_that_exist_are_a_tracking_bug() -> None:
    assert classes(fact(True, at(6)), there=rows(5)) == [("tracking-bug", "rows-exist", True)]


def test_nothing_there_and_something_scheduled_is_lost() -> None:
    assert classes(fact(True, at(6)), there=rows(0), scheduled=units(1)) == [("real-loss", "nothing-there", False)]


@pytest.mark.parametrize(
    ("there", "scheduled", "reason"),
    [
        (None, None, "rows-unknown"),
        (None, 9, "rows-unknown"),
        (0, None, "schedule-unknown"),
    ],
)
def test_without_evidence_there_is_no_loss(there: int | None, scheduled: int | None, reason: str) -> None:
    found = classes(
        fact(True, at(6)),
        there=None if there is None else rows(there),
        scheduled=None if scheduled is None else units(scheduled),
    )
    assert found == [("unclassified", reason, None if there is None else False)]


def test_a_table_that_was_not_counted_is_not_empty() -> None:
    assert classes(fact(True, at(6)), there=rows(None), scheduled=units(1)) == [("unclassified", "rows-unknown", None)]


def test_nothing_scheduled_is_legitimate_whether_or_not_somebody_looked() -> None:
    expected = [("legitimate-zero", "nothing-scheduled", None)]
    assert classes(fact(True, at(6)), scheduled=units(0)) == expected


def test_rows_of_an_unscheduled_day_are_a_tracking_bug() -> None:
    found = classes(fact(True, at(6)), there=rows(5), scheduled=units(0))
    assert found == [("tracking-bug", "rows-exist", True)]


def test_a_skip_reason_comes_before_the_rows() -> None:
    assert classes(fact(True, at(6), skipped=True), there=rows(5)) == [("legitimate-zero", "skip-reason", True)]


def test_a_failed_row_comes_before_a_skip_reason_and_the_rows() -> None:
    found = classes(fact(True, at(6), skipped=True, failed_rows=True), there=rows(5))
    assert found == [("swallowed-write", "rows-failed", True)]


def test_a_later_run_recovers_even_failed_rows() -> None:
    found = classes(fact(True, at(6), failed_rows=True), fact(False, at(7)), there=rows(5))
    assert found == [("recovered", "later-run", True)]


def test_an_earlier_run_recovers_nothing() -> None:
    found = classes(fact(True, at(8), failed_rows=True), fact(False, at(7)), there=rows(5))
    assert found == [("swallowed-write", "rows-failed", True)]


def test_what_an_earlier_run_counted_is_no_tracking_bug() -> None:
    found = classes(fact(True, at(8)), fact(False, at(7)), there=rows(5))
    assert found == [("legitimate-zero", "counted-before", True)]


def test_without_times_any_run_with_records_recovers() -> None:
    assert classes(fact(True, None), fact(False, at(7))) == [("recovered", "later-run", None)]
    assert classes(fact(True, at(8)), fact(False, None)) == [("recovered", "later-run", None)]


def test_a_run_of_the_same_time_recovers() -> None:
    assert classes(fact(True, at(7)), fact(False, at(7))) == [("recovered", "later-run", None)]


def test_a_run_of_another_date_or_processor_recovers_nothing() -> None:
    other = DATE + datetime.timedelta(days=1)
    found = classes(
        fact(True, at(6)),
        fact(False, at(7), date=other),
        fact(False, at(7), processor="Q"),
        fact(False, at(7), state="failed"),
        there=rows(0),
        scheduled=units(3),
    )
    assert found == [("real-loss", "nothing-there", False)]


def test_a_date_that_was_in_the_future_is_legitimate() -> None:
    early = datetime.datetime(2026, 1, 4, 20)
    assert classes(fact(True, early), there=rows(0), scheduled=units(3)) == [("legitimate-zero", "future-date", False)]


def test_the_clock_of_the_dates_may_be_ahead() -> None:
    early = datetime.datetime(2026, 1, 4, 20)
    found = classes(fact(True, early), there=rows(0), scheduled=units(3), utc_offset_hours=9)
    assert found == [("real-loss", "nothing-there", False)]


def test_a_date_that_is_in_the_future_is_legitimate() -> None:
    found = classes(fact(True, None), there=rows(0), scheduled=units(3), as_of=datetime.date(2026, 1, 4))
    assert found == [("legitimate-zero", "future-date", False)]
    found = classes(fact(True, None), there=rows(0), scheduled=units(3), as_of=DATE)
    assert found == [("real-loss", "nothing-there", False)]


def test_a_schedule_may_be_for_all_processors() -> None:
    schedule = ibis.memtable([{"date": DATE, "units": 2}], schema=ibis.schema({"date": "date", "units": "int64"}))
    assert classes(fact(True, at(6)), there=rows(0), scheduled=schedule) == [("real-loss", "nothing-there", False)]


def test_a_missing_date_can_mean_zero_within_what_the_evidence_reaches() -> None:
    first, last = DATE - datetime.timedelta(days=1), DATE + datetime.timedelta(days=1)
    beyond = last + datetime.timedelta(days=1)
    there = evidence("rows", ("P", first, 1), ("P", last, 1))
    scheduled = evidence("units", ("P", DATE, 3), ("P", beyond, 3))
    facts = [fact(True, None), fact(True, None, date=beyond), fact(True, None, processor="Q")]
    found = classes(*facts, there=there, scheduled=scheduled, missing_actual="zero")
    assert found == [
        ("real-loss", "nothing-there", False),
        ("unclassified", "rows-unknown", None),
        ("unclassified", "rows-unknown", None),
    ]


def test_a_missing_date_of_the_schedule_can_mean_nothing_scheduled() -> None:
    first, last = DATE - datetime.timedelta(days=1), DATE + datetime.timedelta(days=1)
    scheduled = evidence("units", ("P", first, 3), ("P", last, 3))
    assert classes(fact(True, None), scheduled=scheduled) == [("unclassified", "rows-unknown", None)]
    found = classes(fact(True, None), scheduled=scheduled, missing_expected="zero")
    assert found == [("legitimate-zero", "nothing-scheduled", None)]


def tables(*rows: tuple[str, int], owners: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, int | None]:
    schema = ibis.schema({"table": "string", "date": "date", "rows": "int64"})
    actual = ibis.memtable([{"table": table, "date": DATE, "rows": count} for table, count in rows], schema=schema)
    found = classify.rows_there(actual, owners or {}, ["P", "Q"], by_table=True)
    return {one["processor"]: one["rows"] for one in found.to_pyarrow().to_pylist()}


def test_a_table_belongs_to_the_processor_of_its_name() -> None:
    assert tables(("P", 4), ("P", 3), ("other", 1)) == {"P": 7}


def test_a_table_may_belong_to_several_processors() -> None:
    assert tables(("odds", 4), owners={"P": ("odds",), "Q": ("odds",)}) == {"P": 4, "Q": 4}


def test_that_nothing_is_there_takes_all_tables() -> None:
    owners = {"P": ("odds", "lines")}
    assert tables(("odds", 0), owners=owners) == {"P": None}
    assert tables(("odds", 0), ("lines", 0), owners=owners) == {"P": 0}
    assert tables(("odds", 2), owners=owners) == {"P": 2}
