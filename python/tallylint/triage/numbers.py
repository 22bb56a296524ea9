"""The results of a triage as plain data. Everything that is shown or exported is made from these numbers alone."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tallylint.triage import wilson
from tallylint.triage.classify import Class
from tallylint.triage.findings import Finding
from tallylint.triage.inputs import Malformed
from tallylint.triage.settings import Period

#: The version of the JSON document; without a new one, fields are only added.
VERSION = 1


@dataclass(frozen=True)
class ZeroRuns:
    """Successes without records. A date counts once for each processor."""

    runs: int = 0
    #: Those that have no count at all, rather than 0.
    uncounted: int = 0
    dates: int = 0
    #: The dates of which it is known whether there are rows, and those on which there are.
    checked_dates: int = 0
    dates_with_data: int = 0
    runs_by_class: Mapping[Class, int] = field(default_factory=dict)
    dates_by_class: Mapping[Class, int] = field(default_factory=dict)

    @property
    def sampled(self) -> bool:
        """Whether only some of the dates were looked at."""
        return 0 < self.checked_dates < self.dates

    @property
    def false_positive_rate(self) -> float | None:
        """On which share of the dates that were looked at there are rows; None if none was."""
        return self.dates_with_data / self.checked_dates if self.checked_dates else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where that share lies for all dates, with 95 % confidence (Wilson); None if it is no estimate."""
        return wilson.interval(self.dates_with_data, self.checked_dates) if self.sampled else None

    def runs_of(self, kind: Class) -> int:
        """How many of the runs are of a class."""
        return self.runs_by_class.get(kind, 0)

    def dates_of(self, kind: Class) -> int:
        """How many of the dates have a run of a class."""
        return self.dates_by_class.get(kind, 0)

    @property
    def cost(self) -> tuple[int, int, int]:
        """What is compared to rank: dates of real loss, dates of tracking bugs, runs."""
        return self.dates_of(Class.REAL_LOSS), self.dates_of(Class.TRACKING_BUG), self.runs

    @classmethod
    def total(cls, parts: Iterable[ZeroRuns]) -> ZeroRuns:
        """The sum over different processors."""
        parts = list(parts)
        return cls(
            sum(part.runs for part in parts),
            sum(part.uncounted for part in parts),
            sum(part.dates for part in parts),
            sum(part.checked_dates for part in parts),
            sum(part.dates_with_data for part in parts),
            {kind: sum(part.runs_of(kind) for part in parts) for kind in Class},
            {kind: sum(part.dates_of(kind) for part in parts) for kind in Class},
        )


@dataclass(frozen=True)
class Processor:
    """A processor and its runs."""

    name: str
    runs: int
    successes: int
    failures: int
    #: Runs of which no row says how they ended.
    unfinished: int
    #: Successes of which some row says that they failed.
    phantom_failures: int
    #: Rows of the history beyond one for each run.
    further_rows: int
    zero: ZeroRuns
    #: The share of all zero-record runs that this processor and those ranked above it have.
    cumulative_share: float = 0.0


@dataclass(frozen=True)
class RankedFinding:
    """A finding, and what the processors that run its code have cost."""

    finding: Finding
    #: Those of its owners that are in the history.
    processors: tuple[str, ...]
    zero: ZeroRuns
    #: The share of all zero-record runs that processors of this finding and of those ranked above it have.
    cumulative_share: float = 0.0


@dataclass(frozen=True)
class PeriodRuns:
    """The zero-record runs of a period."""

    period: Period
    runs: int
    runs_by_class: Mapping[Class, int]

    @property
    def a_day(self) -> float:
        """How many there are a day."""
        return self.runs / self.period.days


@dataclass(frozen=True)
class DayRuns:
    """The zero-record runs of a date, by class."""

    date: datetime.date
    runs_by_class: Mapping[Class, int]


@dataclass(frozen=True)
class Numbers:
    """Everything that a triage found out."""

    as_of: datetime.date
    #: The first and the last date of the history; None if it has no rows.
    history: Period | None
    malformed: Mapping[str, Malformed]
    #: Statuses that no word stands for, and how many rows have them.
    unknown_statuses: Mapping[str, int]
    total: Processor
    #: Those that cost most come first.
    processors: tuple[Processor, ...]
    findings: tuple[RankedFinding, ...]
    #: Processors with runs and no success.
    never_succeeded: tuple[str, ...]
    #: Processors of the history that the report does not know; empty without a report.
    unmatched: tuple[str, ...]
    days: tuple[DayRuns, ...]
    before: PeriodRuns | None = None
    after: PeriodRuns | None = None


def document(numbers: Numbers) -> dict[str, Any]:
    """The numbers as a JSON document."""
    return {"version": VERSION, **_plain(numbers)}


def _plain(value: Any) -> Any:
    if isinstance(value, Period):
        return {"first": value.first.isoformat(), "last": value.last.isoformat(), "days": value.days}
    if dataclasses.is_dataclass(value):
        plain = {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
        if isinstance(value, ZeroRuns):
            plain.update(false_positive_rate=value.false_positive_rate, interval=_plain(value.interval))
        if isinstance(value, PeriodRuns):
            plain["a_day"] = value.a_day
        return plain
    if isinstance(value, Mapping):
        return {key.value if isinstance(key, Class) else key: _plain(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime.date) else value
