"""From rows of the history to runs, and from runs to what is known of each date. All are Ibis expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis

from tallylint.triage.settings import SummaryKeys, Words

#: How a run ended.
SUCCESS, FAILED, RUNNING, OTHER = "success", "failed", "running", "other"


@dataclass(frozen=True)
class Statuses:
    """The statuses of a history as they are written there, by what they mean."""

    success: tuple[str, ...]
    failed: tuple[str, ...]
    running: tuple[str, ...]
    #: Those that no list of words has; they count as neither success nor failure.
    unknown: tuple[str, ...]

    @classmethod
    def sort(cls, written: Iterable[str], words: Words) -> Statuses:
        """Sort statuses by the words for them, whatever their case and the blanks around them."""
        found: dict[str, list[str]] = {SUCCESS: [], FAILED: [], RUNNING: [], OTHER: [], "unknown": []}
        lists = {SUCCESS: words.success, FAILED: words.failed, RUNNING: words.running, OTHER: words.other}
        for status in sorted(written):
            kinds = [kind for kind, list_ in lists.items() if status.strip().lower() in list_]
            found[kinds[0] if kinds else "unknown"].append(status)
        return cls(tuple(found[SUCCESS]), tuple(found[FAILED]), tuple(found[RUNNING]), tuple(found["unknown"]))


def renamed(table: Any, names: Mapping[str, str], column: str = "processor") -> Any:
    """The table with resolved names of processors, `names` from those that are written."""
    changed = {written: name for written, name in names.items() if written != name}
    return table.mutate(**{column: table[column].substitute(changed)}) if changed else table


def says_failed(summary: Any, keys: Sequence[str]) -> Any:
    """Whether a summary in JSON says that rows failed: one of the keys has a number above 0, true, or a list of them.

    It is read as text, because not every backend can try whether a text is JSON. A key in a quoted text does not count:
    there, a backslash stands before its last quote.
    """
    return summary.re_search(_key(keys) + r"(\"?0*[1-9]|\"?0*[.]0*[1-9]|true|\[\s*[^\]\s]|\{\s*\")")


def says_skipped(summary: Any, keys: Sequence[str]) -> Any:
    """Whether a summary in JSON says why there was nothing to do: one of the keys has a text, or true."""
    return summary.re_search(_key(keys) + r"(true|\"\s*[^\"\s])")


def _key(keys: Sequence[str]) -> str:
    return r"\"(" + "|".join(re.escape(key) for key in keys) + r")\"\s*:\s*"


def deduplicate(rows: Any, statuses: Statuses, keys: SummaryKeys, *, by_id: bool = True) -> Any:
    """One row for each run: those of a processor with the same id are one, if they have an id.

    Any success wins: a row that says `running`, even one that something took for dead and turned into a failure, says
    nothing of a run that ended well. Of several successes, that with the most records counts. `phantom` is a failure
    that was none. Only a success without records has `failed_rows` and `skipped`.
    """
    success = rows.status.isin(statuses.success)
    empty = success & (rows.records.fill_null(0) == 0)
    summary = ibis.ifelse(empty, rows.summary, ibis.null("string"))
    rows = rows.select(
        "processor", "run_id", "date", "records", success=success, failed=rows.status.isin(statuses.failed),
        running=rows.status.isin(statuses.running), started=ibis.coalesce(rows.started, rows.finished),
        failed_rows=says_failed(summary, keys.failed), skipped=says_skipped(summary, keys.skipped),
    )  # fmt: skip
    if by_id:
        good = rows.success
        runs = rows.group_by("processor", "run_id").agg(
            date=rows.date.max(where=good).fill_null(rows.date.max()),
            success=good.any(), failed=rows.failed.any(), running=rows.running.any(),
            records=rows.records.max(where=good),
            # When it started is told by any of its rows.
            started=rows.started.min(),
            failed_rows=rows.failed_rows.any(), skipped=rows.skipped.any(), rows=rows.count(),
        )  # fmt: skip
    else:
        runs = rows.mutate(rows=ibis.literal(1, "int64"))
    state = ibis.cases((runs.success, SUCCESS), (runs.failed, FAILED), (runs.running, RUNNING), else_=OTHER)
    zero = runs.success & (runs.records.fill_null(0) == 0)
    return runs.select(
        "processor", "date", "started", "rows", state=state, zero=zero, counted=runs.records.notnull(),
        phantom=runs.success & runs.failed,
        failed_rows=zero & runs.failed_rows.fill_null(False), skipped=zero & runs.skipped.fill_null(False),
    )  # fmt: skip


def facts(runs: Any) -> Any:
    """What is known of the runs of each processor and date, as few rows: runs of which the same is known are one.

    Only successes without records keep when they started; whether a later run recovered them depends on that.
    """
    key = runs.select(
        "processor", "date", "state", "zero", "failed_rows", "skipped", "rows", "counted", "phantom",
        zero_started=ibis.ifelse(runs.zero, runs.started, ibis.null("timestamp")), started=runs.started,
    )  # fmt: skip
    return key.group_by("processor", "date", "state", "zero", "zero_started", "failed_rows", "skipped").agg(
        runs=key.count(),
        last_started=key.started.max(),
        rows=key.rows.sum(),
        uncounted=(key.zero & ~key.counted).sum(),
        phantoms=key.phantom.sum(),
    )
