"""What is read and by which names: the table `[triage]` of the configuration, and options that replace its values."""

from __future__ import annotations

import dataclasses
import datetime
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tallylint.triage.errors import TriageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: What the configuration and the options call the columns of each input, and which column is taken without a word.
RUN_COLUMNS = ("processor", "run-id", "date", "status", "records", "summary", "started", "finished")
ACTUAL_COLUMNS = ("processor", "table", "date", "rows")
EXPECTED_COLUMNS = ("processor", "date", "units")

#: Suffixes of files; any other name is a table of the backend.
FILE_SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class Words:
    """Which statuses mean what, in lower case. A status in none of these lists is reported as unknown."""

    success: tuple[str, ...] = ("success", "succeeded", "complete", "completed", "done", "ok", "finished")
    failed: tuple[str, ...] = ("failed", "failure", "error", "errored", "aborted", "cancelled", "timeout", "timed_out")
    running: tuple[str, ...] = ("running", "started", "pending", "queued", "in_progress", "retrying")
    other: tuple[str, ...] = ("skipped", "partial", "no_data", "warning")


@dataclass(frozen=True)
class SummaryKeys:
    """Keys of the summary JSON, wherever in it they stand."""

    #: A number above 0, a list with something in it, or true: rows failed.
    failed: tuple[str, ...] = ("rows_failed", "failed_rows", "records_failed", "failed_records", "rows_rejected")
    #: A text or true: the run says why it did nothing.
    skipped: tuple[str, ...] = ("skip_reason", "skipped_reason", "skipped")


@dataclass(frozen=True)
class Period:
    """Dates from the first to the last, both included."""

    first: datetime.date
    last: datetime.date

    @property
    def days(self) -> int:
        """How many dates it has."""
        return (self.last - self.first).days + 1

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read `FROM..TO`."""
        first, dots, last = text.partition("..")
        try:
            period = cls(datetime.date.fromisoformat(first), datetime.date.fromisoformat(last))
        except ValueError:
            dots = ""
        if not dots or period.days < 1:
            raise TriageError(f"`{text}` is no period; write FROM..TO, such as 2026-01-01..2026-01-31")
        return period


@dataclass(frozen=True)
class Settings:
    """Everything that a triage can be told."""

    #: The history: a file (or a pattern of Parquet files), or a table of the backend.
    runs: str
    #: How many rows are really there, by processor or table and date.
    actual: str | None = None
    #: How many units were scheduled, by date, or by processor and date.
    expected: str | None = None
    #: The linter's report in the format json.
    findings: str | None = None
    #: The Ibis URL of where the tables are; DuckDB in memory if there is none.
    backend: str | None = None
    #: How many megabytes DuckDB may take for rows, where it runs in memory.
    memory: int = 250
    #: Dates after this one are in the future; today by default.
    as_of: datetime.date = field(default_factory=datetime.date.today)
    #: How many hours the dates are ahead of the clock of `started`, which counts as UTC.
    utc_offset_hours: float = 0
    #: Whether a date that `actual` or `expected` does not have means 0 there, or that nobody knows.
    missing_actual: str = "unknown"
    missing_expected: str = "unknown"
    columns: Mapping[str, str] = field(default_factory=dict)
    actual_columns: Mapping[str, str] = field(default_factory=dict)
    expected_columns: Mapping[str, str] = field(default_factory=dict)
    words: Words = Words()
    summary: SummaryKeys = SummaryKeys()
    #: Names in the history and the class or function that each stands for.
    aliases: Mapping[str, str] = field(default_factory=dict)
    #: The tables that a processor writes, where `actual` is by table; without an entry, the name of the processor.
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Two periods to compare.
    before: Period | None = None
    after: Period | None = None


def is_file(name: str) -> bool:
    """Whether an input is a file, by its name; `.gz` behind it does not count."""
    return name.lower().removesuffix(".gz").endswith(FILE_SUFFIXES)


def load(path: Path | None, options: Mapping[str, Any]) -> Settings:
    """Put the settings together: those of a configuration file, replaced by options, which have the same keys.

    Without a path, the nearest file that has a table for it, upwards from the working folder, if there is one. Tables
    are merged key by key. Paths in the file are relative to its folder.
    """
    found = read(path) if path else nearest(Path.cwd())
    values = _checked(*found) if found else {}
    for key, value in options.items():
        if value is None:
            continue
        values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) else value
    if "runs" not in values:
        raise TriageError("where is the history? Pass `--runs`, or set `runs` below `[triage]` in tallylint.toml")
    if ("before" in values) != ("after" in values):
        raise TriageError("two periods are compared: `before` and `after` go together")
    return Settings(**{key.replace("-", "_"): value for key, value in values.items()})


def nearest(folder: Path) -> tuple[Path, Mapping[str, Any]] | None:
    """The first configuration file with a table for this command, in the folder or above it, and that table."""
    for parent in [folder, *folder.parents]:
        for name in ("tallylint.toml", "pyproject.toml"):
            path = parent / name
            if path.is_file() and _table(path) is not None:
                return read(path)
    return None


def read(path: Path) -> tuple[Path, Mapping[str, Any]]:
    """The path of a configuration file, and its table for this command."""
    table = _table(path)
    if table is None:
        where = "[tool.tallylint.triage]" if path.name == "pyproject.toml" else "[triage]"
        raise TriageError(f"{path} has no table `{where}`")
    return path, table


def _table(path: Path) -> Mapping[str, Any] | None:
    try:
        table: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TriageError(f"{path} cannot be read: {error}") from error
    keys = ("tool", "tallylint", "triage") if path.name == "pyproject.toml" else ("triage",)
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    if table is not None and not isinstance(table, dict):
        raise TriageError(f"{path}: `triage` is no table")
    return table


def _checked(path: Path, table: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a file, with its keys, as `Settings` has them; unknown keys and wrong types are errors."""
    values = {}
    for key, value in table.items():
        if key not in READERS:
            raise TriageError(f"{path}: unknown key `{key}` in `[triage]`; known are {', '.join(READERS)}")
        try:
            values[key] = READERS[key](value, path.parent)
        except ValueError as error:
            raise TriageError(f"{path}: `{key}` {error}") from error
    return values


def _text(value: Any, _folder: Path) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return value


def _path(value: Any, folder: Path) -> str:
    return str(folder / _text(value, folder))


def _place(value: Any, folder: Path) -> str:
    return _path(value, folder) if is_file(_text(value, folder)) else str(value)


def _date(value: Any, _folder: Path) -> datetime.date:
    if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
        raise ValueError("must be a date, such as 2026-01-31 without quotes")
    return value


def _number(value: Any, _folder: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("must be a number")
    return float(value)


def _megabytes(value: Any, _folder: Path) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("must be a number of megabytes")
    return int(value)


def _missing(value: Any, _folder: Path) -> str:
    if value not in ("unknown", "zero"):
        raise ValueError('must be "unknown" or "zero"')
    return str(value)


def _period(value: Any, folder: Path) -> Period:
    return Period.parse(_text(value, folder))


def _texts(value: Any, folder: Path) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError("must be a table")
    return {key: _text(one, folder) for key, one in value.items()}


def _columns(known: tuple[str, ...]) -> Any:
    def reader(value: Any, folder: Path) -> dict[str, str]:
        columns = _texts(value, folder)
        check_columns(columns, known)
        return columns

    return reader


def check_columns(columns: Mapping[str, str], known: tuple[str, ...]) -> None:
    """Raise ValueError if a column is none that an input has."""
    for key in columns:
        if key not in known:
            raise ValueError(f"has no column `{key}`; there are {', '.join(known)}")


def _list(value: Any, folder: Path) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list of texts")
    return tuple(_text(one, folder) for one in value)


def _tables(value: Any, folder: Path) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise ValueError("must be a table")
    return {key: (one,) if isinstance(one, str) else _list(one, folder) for key, one in value.items()}


def _lists(kind: Any) -> Any:
    """A reader of a table with a list for each field of a class; what it does not name keeps its default."""
    names = [one.name for one in dataclasses.fields(kind)]

    def reader(value: Any, folder: Path) -> Any:
        if not isinstance(value, dict) or not set(value) <= set(names):
            raise ValueError(f"must be a table of {', '.join(names)}")
        return kind(**{key: tuple(word.lower() for word in _list(one, folder)) if kind is Words else _list(one, folder)
                       for key, one in value.items()})  # fmt: skip

    return reader


#: What reads the value of each key of the table `[triage]`; the folder of the file is what paths are relative to.
READERS: Mapping[str, Callable[[Any, Path], Any]] = {
    "runs": _place, "actual": _place, "expected": _place, "findings": _path, "backend": _text, "memory": _megabytes,
    "as-of": _date, "utc-offset-hours": _number, "missing-actual": _missing, "missing-expected": _missing,
    "columns": _columns(RUN_COLUMNS), "actual-columns": _columns(ACTUAL_COLUMNS),
    "expected-columns": _columns(EXPECTED_COLUMNS), "words": _lists(Words), "summary": _lists(SummaryKeys),
    "aliases": _texts, "tables": _tables, "before": _period, "after": _period,
}  # fmt: skip
