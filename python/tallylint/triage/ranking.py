"""Adds up what was classified, and puts first what costs most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tallylint.triage.classify import Class
from tallylint.triage.findings import Finding
from tallylint.triage.numbers import DayRuns, PeriodRuns, Processor, RankedFinding, ZeroRuns
from tallylint.triage.runs import FAILED, RUNNING, SUCCESS
from tallylint.triage.settings import Period

_SEVERITIES = ("error", "warning", "note")


def run_counts(facts: Any) -> Any:
    """An Ibis expression: the runs of each processor by how they ended."""
    return facts.group_by("processor").agg(
        runs=facts.runs.sum(),
        successes=facts.runs.sum(where=facts.state == SUCCESS).fill_null(0),
        failures=facts.runs.sum(where=facts.state == FAILED).fill_null(0),
        unfinished=facts.runs.sum(where=facts.state == RUNNING).fill_null(0),
        phantoms=facts.phantoms.sum(),
        rows=facts.rows.sum(),
    )


def zero_counts(classified: Any) -> Any:
    """An Ibis expression: the zero-record runs of each processor by class."""
    of, dates = classified, classified.date
    sums = {}
    for kind in Class:
        sums[f"runs {kind.value}"] = of.runs.sum(where=of.kind == kind.value).fill_null(0)
        sums[f"dates {kind.value}"] = dates.nunique(where=of.kind == kind.value)
    return of.group_by("processor").agg(
        runs=of.runs.sum(),
        uncounted=of.uncounted.sum(),
        dates=dates.nunique(),
        checked_dates=dates.nunique(where=of.has_data.notnull()),
        dates_with_data=dates.nunique(where=of.has_data),
        **sums,
    )


def day_counts(classified: Any) -> Any:
    """An Ibis expression: the zero-record runs of each date and class."""
    return classified.group_by("date", "kind").agg(runs=classified.runs.sum())


def zero_runs(row: Mapping[str, Any]) -> ZeroRuns:
    """A row of `zero_counts` as numbers."""
    return ZeroRuns(
        runs=int(row["runs"]),
        uncounted=int(row["uncounted"]),
        dates=int(row["dates"]),
        checked_dates=int(row["checked_dates"]),
        dates_with_data=int(row["dates_with_data"]),
        runs_by_class={kind: int(row[f"runs {kind.value}"]) for kind in Class},
        dates_by_class={kind: int(row[f"dates {kind.value}"]) for kind in Class},
    )


def processors(runs: Sequence[Mapping[str, Any]], zeros: Sequence[Mapping[str, Any]]) -> list[Processor]:
    """The processors, ranked, from the rows of `run_counts` and `zero_counts`."""
    by_name = {row["processor"]: zero_runs(row) for row in zeros}
    found = [
        Processor(
            row["processor"], int(row["runs"]), int(row["successes"]), int(row["failures"]), int(row["unfinished"]),
            int(row["phantoms"]), int(row["rows"]) - int(row["runs"]), by_name.get(row["processor"], ZeroRuns()),
        )
        for row in runs
    ]  # fmt: skip
    found.sort(key=lambda one: ([-cost for cost in one.zero.cost], one.name))
    total, seen, ranked = sum(one.zero.runs for one in found), 0, []
    for one in found:
        seen += one.zero.runs
        ranked.append(replace(one, cumulative_share=seen / total if total else 0.0))
    return ranked


def total(parts: Sequence[Processor]) -> Processor:
    """The sum of all processors."""
    return Processor(
        "total",
        sum(one.runs for one in parts),
        sum(one.successes for one in parts),
        sum(one.failures for one in parts),
        sum(one.unfinished for one in parts),
        sum(one.phantom_failures for one in parts),
        sum(one.further_rows for one in parts),
        ZeroRuns.total(one.zero for one in parts),
        1.0,
    )


def findings(found: Iterable[Finding], history: Sequence[Processor]) -> list[RankedFinding]:
    """The findings, ranked by what the processors that run their code have cost, then by their severity."""
    by_name = {one.name: one for one in history}
    joined = []
    for finding in found:
        owners = tuple(name for name in finding.owners if name in by_name)
        joined.append(RankedFinding(finding, owners, ZeroRuns.total(by_name[name].zero for name in owners)))
    joined.sort(key=_rank)
    runs, seen, ranked = sum(one.zero.runs for one in history), set[str](), []
    for one in joined:
        seen.update(one.processors)
        covered = sum(by_name[name].zero.runs for name in seen)
        ranked.append(replace(one, cumulative_share=covered / runs if runs else 0.0))
    return ranked


def _rank(one: RankedFinding) -> Any:
    finding = one.finding
    severity = _SEVERITIES.index(finding.severity) if finding.severity in _SEVERITIES else len(_SEVERITIES)
    return [-cost for cost in one.zero.cost], severity, finding.path, finding.line, finding.rule


def days(rows: Iterable[Mapping[str, Any]]) -> list[DayRuns]:
    """The dates in order, from the rows of `day_counts`."""
    by_date: dict[Any, dict[Class, int]] = {}
    for row in rows:
        by_date.setdefault(row["date"], {})[Class(row["kind"])] = int(row["runs"])
    return [DayRuns(date, {kind: by_date[date].get(kind, 0) for kind in Class}) for date in sorted(by_date)]


def in_period(period: Period, found: Iterable[DayRuns]) -> PeriodRuns:
    """The zero-record runs of a period."""
    inside = [one for one in found if period.first <= one.date <= period.last]
    by_class = {kind: sum(one.runs_by_class[kind] for one in inside) for kind in Class}
    return PeriodRuns(period, sum(by_class.values()), by_class)
