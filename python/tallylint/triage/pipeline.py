"""The steps of a triage in their order: read, deduplicate, classify, add up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import ibis
from ibis.common.exceptions import IbisError

from tallylint.triage import classify, columns, findings, ranking, runs
from tallylint.triage.errors import TriageError, said
from tallylint.triage.inputs import Input, Malformed, Reader, connect
from tallylint.triage.names import Names
from tallylint.triage.numbers import Numbers
from tallylint.triage.settings import Period, Settings

#: How many rows of the history are joined at once for each megabyte. What is kept of a run meanwhile takes some 250
#: bytes, and half of the memory is for the rest.
ROWS_PER_MEGABYTE = 2_000
#: What is told of each step: its name, and the backend that works on it.
Step = Callable[[str, Any], "AbstractContextManager[object]"]


def silent(_name: str, _con: Any) -> AbstractContextManager[object]:
    """Tell nobody."""
    return nullcontext()


def triage(settings: Settings, step: Step = silent) -> Numbers:
    """Do everything that the settings ask for, and return its numbers."""
    with opened(settings) as (con, reader):
        return add_up(settings, classified(settings, con, reader, step), step)


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Any, Reader]]:
    """The backend, and what reads inputs there."""
    with TemporaryDirectory(prefix="tallylint-triage-") as scratch:
        con = connect(settings.backend, Path(scratch), settings.memory)
        try:
            yield con, Reader(con, Path(scratch), settings.memory)
        except duckdb.OutOfMemoryException as error:
            message = f"DuckDB needs more than {settings.memory} MB, see `--memory`: {said(error)}"
            raise TriageError(message) from error
        except Exception as error:
            # What drivers of databases raise is below an `Error`, as PEP 249 wants it.
            if isinstance(error, IbisError) or any(kind.__name__ == "DatabaseError" for kind in type(error).__mro__):
                raise TriageError(f"{con.name} says: {said(error)}") from error
            raise
        finally:
            con.disconnect()


@dataclass(frozen=True)
class Classified:
    """The classified history, as tables of the backend, and what was learnt on the way."""

    con: Any
    #: What is known of each date, by `runs.facts`, and the successes without records, by `classify.classified`.
    facts: Any
    zero: Any
    names: Names
    report: findings.Report | None
    malformed: Mapping[str, Malformed]
    unknown_statuses: Mapping[str, int]


def classified(settings: Settings, con: Any, reader: Reader, step: Step = silent) -> Classified:
    """Read, deduplicate and classify."""
    report = findings.load(Path(settings.findings)) if settings.findings else None
    names = Names(report.names if report else (), settings.aliases)
    with step("reading the history", con):
        history = reader.read(settings.runs, columns.RUNS, settings.columns, may_move=False)
        written = Written.of(history.table, names)
    statuses = runs.Statuses.sort(written.by_status, settings.words)
    with step("reading the evidence", con):
        there = _there(settings, reader, names, sorted(written.by_processor))
        scheduled = _scheduled(settings, reader, names)
    by_id = "run-id" in history.has
    # An embedded engine shares the memory of this machine; a warehouse does as it likes.
    split = con.name == "duckdb" and by_id
    if con.name == "duckdb":
        # Nothing depends on the order of rows any more, and keeping it takes memory.
        con.raw_sql("set preserve_insertion_order = false")
    parts = []
    for batch in batches(written.by_processor, settings.memory * ROWS_PER_MEGABYTE) if split else [Batch()]:
        with step("joining rows to runs", con):
            rows = runs.renamed(batch.of(history.table), written.resolved)
            each = runs.deduplicate(rows, statuses, settings.summary, by_id=by_id)
            parts.append(_kept(con, "facts", runs.facts(each)))
    facts = parts[0] if len(parts) == 1 else ibis.union(*parts)
    with step("classifying", con):
        zero = classify.classified(
            facts, there.table if there else None, scheduled.table if scheduled else None, as_of=settings.as_of,
            utc_offset_hours=settings.utc_offset_hours, missing_actual=settings.missing_actual,
            missing_expected=settings.missing_expected,
        )  # fmt: skip
        zero = _kept(con, "zero_runs", zero)
    return Classified(
        con, facts, zero, names, report,
        malformed={one.name: one.malformed for one in (history, there, scheduled) if one},
        unknown_statuses={status: written.by_status[status] for status in statuses.unknown},
    )  # fmt: skip


def add_up(settings: Settings, found: Classified, step: Step = silent) -> Numbers:
    """The numbers of a classified history."""
    with step("adding up", found.con):
        processors = ranking.processors(_rows(ranking.run_counts(found.facts)), _rows(ranking.zero_counts(found.zero)))
        days = ranking.days(_rows(ranking.day_counts(found.zero)))
        dates = found.facts.date
        reach = _rows(found.facts.aggregate(first=dates.min(), last=dates.max()))[0]
    report = found.report
    return Numbers(
        as_of=settings.as_of,
        history=Period(reach["first"], reach["last"]) if reach["first"] else None,
        malformed=found.malformed,
        unknown_statuses=found.unknown_statuses,
        total=ranking.total(processors),
        processors=tuple(processors),
        findings=tuple(ranking.findings(report.findings, processors)) if report else (),
        never_succeeded=tuple(sorted(one.name for one in processors if not one.successes)),
        unmatched=tuple(sorted(one.name for one in processors if not found.names.knows(one.name))) if report else (),
        days=tuple(days),
        before=ranking.in_period(settings.before, days) if settings.before else None,
        after=ranking.in_period(settings.after, days) if settings.after else None,
    )


@dataclass(frozen=True)
class Written:
    """The names and statuses that a history has, as they are written there."""

    #: What each name of a processor stands for.
    resolved: Mapping[str, str]
    #: How many rows each processor has, by each of its names.
    by_processor: Mapping[str, Mapping[str, int]]
    #: How many rows each status has.
    by_status: Mapping[str, int]

    @classmethod
    def of(cls, history: Any, names: Names) -> Written:
        """Look through a history."""
        seen = _rows(history.group_by("processor", "status").agg(rows=history.count()))
        resolved = {row["processor"]: names.resolve(row["processor"]) for row in seen}
        by_processor: dict[str, Counter[str]] = defaultdict(Counter)
        by_status: Counter[str] = Counter()
        for row in seen:
            by_processor[resolved[row["processor"]]][row["processor"]] += int(row["rows"])
            by_status[row["status"]] += int(row["rows"])
        return cls(resolved, by_processor, by_status)


@dataclass(frozen=True)
class Batch:
    """A part of the history that has all rows of its runs."""

    #: Names of processors as they are written; None for all.
    names: tuple[str, ...] | None = None
    #: Which of how many parts by run id, from 0.
    part: int = 0
    parts: int = 1

    def of(self, rows: Any) -> Any:
        """The rows of the history that belong to it."""
        if self.names is not None:
            rows = rows.filter(rows.processor.isin(self.names))
        if self.parts > 1:
            # A hash may be negative, and so may its remainder.
            rows = rows.filter((rows.run_id.hash() % self.parts + self.parts) % self.parts == self.part)
        return rows


def batches(rows: Mapping[str, Mapping[str, int]], most: int) -> list[Batch]:
    """Parts of the history with about so many rows.

    `rows` has how many rows each processor has by each of its names. Rows of one run have one processor and one id.
    """
    found: list[Batch] = []
    names: list[str] = []
    size = 0
    for processor in sorted(rows):
        more = sum(rows[processor].values())
        if names and size + more > most:
            found.append(Batch(tuple(names)))
            names, size = [], 0
        if more > most:
            parts = -(-more // most)
            found.extend(Batch(tuple(sorted(rows[processor])), part, parts) for part in range(parts))
        else:
            names.extend(sorted(rows[processor]))
            size += more
    return [*found, Batch(tuple(names))] if names or not found else found


def _kept(con: Any, name: str, expression: Any) -> Any:
    """The result of an expression as a temporary table where the data are; the connection takes it with it."""
    return con.create_table(ibis.util.gen_name(f"tallylint_{name}"), expression, temp=True)


def _rows(expression: Any) -> list[dict[str, Any]]:
    """The rows of a result that is small enough for Python."""
    found: list[dict[str, Any]] = expression.to_pyarrow().to_pylist()
    return found


class Evidence:
    """An input that says something about dates, with the names of processors resolved."""

    def __init__(self, name: str, table: Any, malformed: Malformed) -> None:
        self.name = name
        self.table = table
        self.malformed = malformed


def _there(settings: Settings, reader: Reader, names: Names, processors: list[str]) -> Evidence | None:
    if settings.actual is None:
        return None
    found = reader.read(settings.actual, columns.ACTUAL, settings.actual_columns, may_move=True)
    by_table = "table" in found.has
    if by_table == ("processor" in found.has):
        raise TriageError(f"{found.name} must say either which processor or which table each of its rows is about")
    table = found.table if by_table else _resolved(found, names)
    sums = classify.rows_there(table, settings.tables, processors, by_table=by_table)
    return Evidence(found.name, sums, found.malformed)


def _scheduled(settings: Settings, reader: Reader, names: Names) -> Evidence | None:
    if settings.expected is None:
        return None
    found = reader.read(settings.expected, columns.EXPECTED, settings.expected_columns, may_move=True)
    keys = ["processor", "date"] if "processor" in found.has else ["date"]
    table = _resolved(found, names) if "processor" in found.has else found.table
    sums = table.group_by(*keys).agg(units=table.units.sum())
    return Evidence(found.name, sums, found.malformed)


def _resolved(found: Input, names: Names) -> Any:
    written = found.table.select("processor").distinct().to_pyarrow().to_pylist()
    resolved = {row["processor"]: names.resolve(row["processor"]) for row in written}
    return runs.renamed(found.table, resolved)
