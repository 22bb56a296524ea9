"""Which columns each input has, and how their values are read; what cannot be read is a problem of its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis

from tallylint.triage.errors import TriageError

#: The column that says what is wrong with a row; null where nothing is.
PROBLEM = "problem"


@dataclass(frozen=True)
class Column:
    """A column of an input."""

    #: What the configuration calls it.
    name: str
    #: `text`, `date`, `time` or `count` (a whole number that is not negative).
    kind: str
    #: Whether the input must have it.
    needed: bool = True
    #: Whether a row without a value is malformed.
    filled: bool = True

    @property
    def key(self) -> str:
        """What the expressions call it."""
        return self.name.replace("-", "_")


RUNS = (
    Column("processor", "text"),
    Column("run-id", "text", needed=False),
    Column("date", "date"),
    Column("status", "text"),
    # A run that does not know how many records it had is what this is about.
    Column("records", "count", filled=False),
    Column("summary", "text", needed=False, filled=False),
    Column("started", "time", needed=False, filled=False),
    Column("finished", "time", needed=False, filled=False),
)
ACTUAL = (
    Column("processor", "text", needed=False),
    Column("table", "text", needed=False),
    Column("date", "date"),
    Column("rows", "count"),
)
EXPECTED = (Column("processor", "text", needed=False), Column("date", "date"), Column("units", "count"))

_TYPES = {"text": "string", "date": "date", "time": "timestamp", "count": "int64"}


def typed(raw: Any, columns: Sequence[Column], names: Mapping[str, str], what: str, **more: Any) -> Any:
    """The rows of a table with the columns that are wanted, with PROBLEM, and with `more` expressions.

    `names` says what the table calls them; a column that it does not name is called as in the configuration, with `_`
    for `-`. A column that need not be there is missing in the result if it is missing in the table.
    """
    tolerant = _tolerant(raw)
    values, problems = {}, []
    for column in columns:
        name = names.get(column.name, column.key)
        if name not in raw.columns:
            if column.needed or column.name in names:
                raise TriageError(
                    f"{what} has no column `{name}` (for {column.name}); it has {', '.join(raw.columns) or 'none'}"
                )
            continue
        value, wrong = _read(raw[name], column.kind, tolerant)
        values[column.key] = value
        if wrong is not None:
            said = ibis.literal(f"{name} is `") + raw[name].cast("string") + ibis.literal("`")
            problems.append(ibis.ifelse(wrong, said, ibis.null("string")))
        if column.filled:
            empty = value.isnull() if column.kind != "text" else value.isnull() | (value == "")
            if wrong is not None:
                empty &= ~wrong
            problems.append(ibis.ifelse(empty, ibis.literal(f"{name} is empty"), ibis.null("string")))
    return raw.select(**values, **{PROBLEM: ibis.coalesce(*problems)}, **more)


def missing(columns: Sequence[Column], table: Any) -> dict[str, Any]:
    """Nulls for the columns that a table need not have and does not have."""
    return {one.key: ibis.null(_TYPES[one.kind]) for one in columns if one.key not in table.columns}


def _tolerant(table: Any) -> bool:
    """Whether the backend of a table can try a cast, so that a wrong text is no error of the whole query."""
    import ibis.expr.operations as ops

    return bool(ibis.get_backend(table).has_operation(ops.TryCast))


def _read(raw: Any, kind: str, tolerant: bool) -> tuple[Any, Any]:
    """The value of a column, and whether the value is there but wrong; None where it cannot be."""
    dtype = raw.type()
    if kind == "text":
        # The words of a nested summary are looked for in its JSON.
        nested = dtype.is_struct() or dtype.is_map() or dtype.is_array()
        return (raw.cast("json").cast("string") if nested else raw if dtype.is_string() else raw.cast("string")), None
    if not dtype.is_string():
        return _convert(raw, kind)
    text = raw.strip().nullif("")
    if not tolerant:
        # Whoever keeps dates and numbers as text has a backend that says which of them are none.
        return _convert(text.cast({"date": "date", "time": "timestamp", "count": "int64"}[kind]), kind)
    if kind == "count":
        value, whole = text.try_cast("int64"), text.try_cast("float64")
        # A cast rounds; half a record is none.
        wrong = value.isnull() | (value.cast("float64") != whole) | (value < 0)
    elif kind == "date":
        value = text.try_cast("date")
        wrong = value.isnull()
    else:
        value = text.try_cast("timestamp('UTC')").cast("timestamp")
        wrong = value.isnull()
    wrong = text.notnull() & wrong.fill_null(True)
    return ibis.ifelse(wrong, ibis.null(_TYPES[kind]), value), wrong


def _convert(value: Any, kind: str) -> tuple[Any, Any]:
    """A value that is no text, as what is wanted."""
    dtype = value.type()
    if kind == "count":
        number = value if dtype.is_int64() else value.cast("int64")
        wrong = value < 0
        if not dtype.is_integer():
            wrong |= number.cast("float64") != value.cast("float64")
        wrong = wrong.fill_null(False)
        return ibis.ifelse(wrong, ibis.null("int64"), number), wrong
    if kind == "date":
        return (value if dtype.is_date() else value.cast("date")), None
    return (value if dtype.is_timestamp() and dtype.timezone is None else value.cast("timestamp")), None
