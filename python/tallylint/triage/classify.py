"""Why a success has no records: a class for each, and the evidence for it. All are Ibis expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Any

import ibis

from tallylint.triage.runs import SUCCESS


class Class(str, Enum):
    """What became of the data of a success without records."""

    RECOVERED = "recovered"
    SWALLOWED_WRITE = "swallowed-write"
    TRACKING_BUG = "tracking-bug"
    LEGITIMATE_ZERO = "legitimate-zero"
    REAL_LOSS = "real-loss"
    UNCLASSIFIED = "unclassified"


class Reason(str, Enum):
    """The evidence for a class."""

    LATER_RUN = "later-run"
    ROWS_FAILED = "rows-failed"
    SKIP_REASON = "skip-reason"
    COUNTED_BEFORE = "counted-before"
    ROWS_EXIST = "rows-exist"
    FUTURE_DATE = "future-date"
    NOTHING_SCHEDULED = "nothing-scheduled"
    NOTHING_THERE = "nothing-there"
    SCHEDULE_UNKNOWN = "schedule-unknown"
    ROWS_UNKNOWN = "rows-unknown"


#: The class that each reason stands for.
CLASS_OF = {
    Reason.LATER_RUN: Class.RECOVERED,
    Reason.ROWS_FAILED: Class.SWALLOWED_WRITE,
    Reason.SKIP_REASON: Class.LEGITIMATE_ZERO,
    Reason.COUNTED_BEFORE: Class.LEGITIMATE_ZERO,
    Reason.ROWS_EXIST: Class.TRACKING_BUG,
    Reason.FUTURE_DATE: Class.LEGITIMATE_ZERO,
    Reason.NOTHING_SCHEDULED: Class.LEGITIMATE_ZERO,
    Reason.NOTHING_THERE: Class.REAL_LOSS,
    Reason.SCHEDULE_UNKNOWN: Class.UNCLASSIFIED,
    Reason.ROWS_UNKNOWN: Class.UNCLASSIFIED,
}


def rows_there(actual: Any, tables: Mapping[str, Sequence[str]], processors: Sequence[str], *, by_table: bool) -> Any:
    """How many rows are there for each processor and date; null where that is not known of all of its tables.

    A table that nothing is said of belongs to the processor of the same name.
    """
    if not by_table:
        return actual.group_by("processor", "date").agg(rows=actual.rows.sum())
    pairs = [(processor, table) for processor in processors for table in tables.get(processor, (processor,))]
    owners = ibis.memtable(
        [{"processor": processor, "table": table, "tables": len(tables.get(processor, (processor,)))}
         for processor, table in pairs],
        schema=ibis.schema({"processor": "string", "table": "string", "tables": "int64"}),
    )  # fmt: skip
    by_day = actual.group_by("table", "date").agg(rows=actual.rows.sum())
    known = by_day.join(owners, "table")
    sums = known.group_by("processor", "date").agg(
        rows=known.rows.sum(), known=known.rows.count(), tables=known.tables.max()
    )
    # Rows in one table are rows; that there are none takes all of them.
    sure = (sums.known == sums.tables) | (sums.rows > 0)
    return sums.select("processor", "date", rows=ibis.ifelse(sure, sums.rows, ibis.null("int64")))


def classified(
    facts: Any, there: Any | None, scheduled: Any | None, *, as_of: date, utc_offset_hours: float,
    missing_actual: str, missing_expected: str,
) -> Any:  # fmt: skip
    """The facts about successes without records, with `reason`, `class` and `has_data` (null where nobody looked).

    `there` has processor, date and rows; `scheduled` has date, units, and maybe processor.
    """
    counted = facts.filter((facts.state == SUCCESS) & ~facts.zero)
    counted = counted.group_by("processor", "date").agg(
        last_counted=counted.last_started.max(), others=counted.runs.sum()
    )
    zero = facts.filter(facts.zero)
    zero = zero.left_join(counted, ["processor", "date"]).drop("processor_right", "date_right")
    zero = _joined(zero, there, "rows", "rows_there", missing_actual)
    zero = _joined(zero, scheduled, "units", "units", missing_expected)

    others = zero.others.fill_null(0) > 0
    # If nobody knows which was first, the day has its records all the same.
    later = (zero.last_counted >= zero.zero_started).fill_null(True)
    local = zero.zero_started + ibis.interval(minutes=round(utc_offset_hours * 60))
    future = (zero.date > local.cast("date")).fill_null(False) | (zero.date > ibis.literal(as_of))
    reason = ibis.cases(
        (others & later, Reason.LATER_RUN.value),
        (zero.failed_rows, Reason.ROWS_FAILED.value),
        (zero.skipped, Reason.SKIP_REASON.value),
        (others, Reason.COUNTED_BEFORE.value),
        (zero.rows_there > 0, Reason.ROWS_EXIST.value),
        (future, Reason.FUTURE_DATE.value),
        (zero.units == 0, Reason.NOTHING_SCHEDULED.value),
        ((zero.rows_there == 0) & (zero.units > 0), Reason.NOTHING_THERE.value),
        (zero.rows_there == 0, Reason.SCHEDULE_UNKNOWN.value),
        else_=Reason.ROWS_UNKNOWN.value,
    )
    kinds = {reason.value: kind.value for reason, kind in CLASS_OF.items()}
    zero = zero.mutate(reason=reason, has_data=zero.rows_there > 0)
    return zero.select(
        "processor", "date", "reason", "has_data", "runs", "uncounted", kind=zero.reason.substitute(kinds)
    )


def _joined(zero: Any, evidence: Any | None, value: str, name: str, missing: str) -> Any:
    """The rows with a value from the evidence for their processor (if it has that) and date."""
    if evidence is None:
        return zero.mutate(**{name: ibis.null("int64")})
    keys = [key for key in ("processor", "date") if key in evidence.columns]
    evidence = evidence.select(*keys, **{f"{name}_found": evidence[value]})
    joined = zero.left_join(evidence, keys).drop(*(f"{key}_right" for key in keys))
    found = joined[f"{name}_found"]
    if missing == "zero":
        # Only where somebody could have looked: dates that the evidence reaches, processors that it knows.
        reach = evidence.aggregate(first=evidence.date.min(), last=evidence.date.max())
        joined = joined.cross_join(reach)
        within = joined.date.between(joined.first, joined.last)
        if "processor" in keys:
            within &= joined.processor.isin(evidence.processor)
        found = ibis.ifelse(
            joined[f"{name}_found"].isnull() & within, ibis.literal(0, "int64"), joined[f"{name}_found"]
        )
        joined = joined.mutate(**{name: found}).drop("first", "last")
    else:
        joined = joined.mutate(**{name: found})
    return joined.drop(f"{name}_found")
