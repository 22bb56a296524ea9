"""Tables, CSV, Parquet and JSON lines become typed rows. Malformed rows are left out, counted, and named by line.

A text file is read once, into a Parquet file of a scratch folder; from there on it is like any other. So its lines are
looked at once, and nothing is kept in memory.
"""

from __future__ import annotations

import bisect
import itertools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import ibis
from ibis.common.exceptions import IbisError

from tallylint.triage.columns import PROBLEM, Column, missing, typed
from tallylint.triage.errors import TriageError, said
from tallylint.triage.settings import is_file

#: How many malformed rows are named; all are counted.
NAMED = 20


#: In how many lines of JSON the names of columns are looked for.
SAMPLE = 10_000


@dataclass(frozen=True)
class Problem:
    """What is wrong with a row."""

    #: `line 17`, `row 17`, or what else tells which one it is.
    where: str
    what: str


@dataclass(frozen=True)
class Malformed:
    """The rows of an input that are left out, and those that are used although something in them cannot be read."""

    count: int = 0
    named: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Input:
    """The rows of an input that are well formed."""

    name: str
    table: Any
    malformed: Malformed
    #: The columns that it has, in the words of the configuration; the others are null.
    has: frozenset[str]


def connect(url: str | None, scratch: Path, memory: int) -> Any:
    """The backend: what an Ibis URL leads to, or DuckDB in memory.

    DuckDB takes at most `memory` megabytes for rows, and keeps the others in the scratch folder.
    """
    try:
        if url is None:
            # Each thread takes its part.
            threads = max(1, min(os.cpu_count() or 1, memory // 64))
            con = ibis.duckdb.connect(temp_directory=str(scratch), memory_limit=f"{memory}MB", threads=threads)
        else:
            con = ibis.connect(url)
        if con.name == "duckdb":
            con.raw_sql("set timezone = 'UTC'")
        elif con.name == "postgres":
            con.raw_sql("set timezone = 'UTC'").close()
    except Exception as error:
        # A message may end in a log, where no password belongs.
        message = f"there is no way to {url or 'DuckDB'}: {said(error)}"
        raise TriageError(re.sub(r"(//[^:/@]*):[^@/]*@", r"\1@", message)) from error
    return con


class Reader:
    """Reads the inputs of one backend."""

    def __init__(self, con: Any, scratch: Path, memory: int) -> None:
        self._con = con
        self._scratch = scratch
        self._memory = memory
        # Files are read here. Their rows are uploaded if the tables are elsewhere.
        self._local = con if con.name == "duckdb" else None
        self._count = 0

    def read(self, name: str, columns: Sequence[Column], names: Mapping[str, str], *, may_move: bool) -> Input:
        """Read an input. `may_move` says that it is small enough to be uploaded."""
        if not is_file(name):
            return self._finish(name, typed(self._table(name), columns, names, name), columns, _by_content)
        files = _files_of(name)
        if not files:
            raise TriageError(f"there is no file {name}")
        if len(files) > 1 and not name.lower().endswith(".parquet"):
            raise TriageError(f"{name} means {len(files)} files, which only those of Parquet can be")
        moves = self._con.name != "duckdb"
        if moves and not may_move:
            raise TriageError(f"{name} is a file, but the backend is {self._con.name}: name a table of it")
        suffix = name.lower().removesuffix(".gz").rpartition(".")[2]
        read = {"parquet": self._parquet, "csv": self._csv, "tsv": self._csv}.get(suffix, self._json)
        try:
            found = read(name, columns, names)
        except duckdb.OutOfMemoryException:
            raise
        except (IbisError, OSError, duckdb.Error) as error:
            raise TriageError(f"{name} cannot be read: {said(error)}") from error
        return replace(found, table=ibis.memtable(found.table.to_pyarrow())) if moves else found

    def _table(self, name: str) -> Any:
        database, _, table = name.rpartition(".")
        try:
            return self._con.table(table, database=database or None)
        except Exception as error:
            raise TriageError(f"there is no table {name}: {said(error)}") from error

    def _finish(self, name: str, table: Any, columns: Sequence[Column], where: Any) -> Input:
        """Count and name what is malformed, and leave it out."""
        count = int(table[PROBLEM].notnull().sum().to_pyarrow().as_py() or 0)
        named = tuple(where(table)) if count else ()
        has = frozenset(one.name for one in columns if one.key in table.columns)
        good = table.filter(table[PROBLEM].isnull()) if count else table
        good = good.mutate(**missing(columns, table)).select(*(one.key for one in columns))
        return Input(name, good, Malformed(count, named), has)

    def _parquet(self, name: str, columns: Sequence[Column], names: Mapping[str, str]) -> Input:
        table = typed(self._files().read_parquet(name), columns, names, name)

        def where(table: Any) -> list[Problem]:
            return [Problem(f"row {row + 1}", what) for row, what in _first(table.mutate(row=ibis.row_number()))]

        return self._finish(name, table, columns, where)

    def _csv(self, name: str, columns: Sequence[Column], names: Mapping[str, str]) -> Input:
        separator = "\t" if ".tsv" in Path(name).name.lower() else ","
        raw, rejects = self._records(name, all_varchar=True, header=True, sep=separator, quote='"', escape='"')
        breaks = sum((_breaks(raw[one].fill_null("")) for one in raw.columns), ibis.literal(0))
        table = typed(raw, columns, names, name, row=ibis.row_number(), breaks=breaks)
        table = self._keep(table)
        return self._text(name, Lines(table, self._files().table(rejects), header=1), columns)

    def _json(self, name: str, columns: Sequence[Column], names: Mapping[str, str]) -> Input:
        # What a text of JSON cannot have on a line parts columns, so that each line is one.
        raw, rejects = self._records(
            name, columns={"line": "VARCHAR"}, header=False, sep="\x01", quote="", escape="", auto_detect=False
        )
        # A key that only later lines have is none.
        keys = self._files().raw_sql(
            "select distinct unnest(json_keys(try_cast(line as json))) as key from"
            f" (select line from {raw.get_name()} limit {SAMPLE}) order by key"
        )
        document = raw.line.try_cast("json")
        fields = {key: _json_text(document[key]) for (key,) in keys.fetchall()}
        raw = raw.select(document.isnull().name("broken"), "line", row=ibis.row_number(), **fields)
        raw = raw.filter(raw.line.strip() != "")
        table = typed(raw, columns, names, name, row=raw.row, broken=raw.broken, breaks=ibis.literal(0))
        problem = ibis.ifelse(table.broken, ibis.literal("no JSON"), table[PROBLEM])
        table = self._keep(table.mutate(**{PROBLEM: problem}).drop("broken"))
        return self._text(name, Lines(table, self._files().table(rejects), header=0), columns)

    def _records(self, name: str, **how: Any) -> tuple[Any, str]:
        """The records of a text file, and the name of the table that has those which are none once they are read."""
        rejects = f"rejects_{self._next()}"
        table = self._files().read_csv(
            name, ignore_errors=True, store_rejects=True, rejects_table=rejects, rejects_scan=f"{rejects}_scan", **how
        )
        return table, rejects

    def _text(self, name: str, lines: Lines, columns: Sequence[Column]) -> Input:
        found = self._finish(name, lines.table, columns, lambda _: lines.named())
        if not lines.rejected:
            return found
        count = found.malformed.count + len(lines.rejected)
        return replace(found, malformed=Malformed(count, tuple(lines.named())))

    def _files(self) -> Any:
        self._local = self._local or connect(None, self._scratch, self._memory)
        return self._local

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _keep(self, table: Any) -> Any:
        """The same table, read once and kept in a file."""
        path = self._scratch / f"input-{self._next()}.parquet"
        table.to_parquet(path)
        return self._files().read_parquet(path)


class Lines:
    """Which line of a text file a malformed row is on.

    DuckDB numbers records. Those that have no right shape are rejects; a record may have line breaks in its quotes.
    """

    def __init__(self, table: Any, rejects: Any, header: int) -> None:
        #: The rows of the right shape, with `row` from 0 and `breaks`.
        self.table = table
        self._before = header + 1
        records = rejects.group_by("line").agg(
            what=rejects.error_message.min(), breaks=_breaks(rejects.csv_line.fill_null("").rstrip()).max()
        )
        #: The number of each rejected record (the first of the file is 1), its line breaks, and what is wrong with it.
        self.rejected: list[tuple[int, int, str]] = [
            (row["line"], row["breaks"], row["what"]) for row in records.order_by("line").to_pyarrow().to_pylist()
        ]

    def named(self) -> list[Problem]:
        """The first malformed rows."""
        # How many rows of the right shape stand before each reject.
        before = [record - self._before - index for index, (record, _, _) in enumerate(self.rejected)]
        found = [(rows, record, what) for rows, (record, _, what) in zip(before[:NAMED], self.rejected)]
        for row, what in _first(self.table):
            found.append((row, row + self._before + bisect.bisect_right(before, row), what))
        found = sorted(found)[:NAMED]
        sums = {f"before {row}": self.table.breaks.sum(where=self.table.row < row) for row, _, _ in found}
        breaks = self.table.aggregate(**sums).to_pyarrow().to_pylist()[0]
        # How many line breaks the first so many rejects have.
        rejected = [0, *itertools.accumulate(more for _, more, _ in self.rejected)]
        numbers = [record for record, _, _ in self.rejected]
        problems = []
        for row, record, what in found:
            further = (breaks[f"before {row}"] or 0) + rejected[bisect.bisect_left(numbers, record)]
            problems.append(Problem(f"line {record + further}", what))
        return problems


def _breaks(text: Any) -> Any:
    """How many line breaks a text has."""
    return text.length() - text.replace("\n", "").length()


def _files_of(pattern: str) -> list[Path]:
    path = Path(pattern)
    return list(Path(path.anchor).glob(str(path.relative_to(path.anchor))))


def _first(table: Any) -> list[tuple[int, str]]:
    """The numbers of the first malformed rows of a table with `row`, and what is wrong with them."""
    bad = table.filter(table[PROBLEM].notnull()).order_by("row").limit(NAMED).select("row", PROBLEM)
    return [(row["row"], row[PROBLEM]) for row in bad.to_pyarrow().to_pylist()]


def _by_content(table: Any) -> list[Problem]:
    """The first malformed rows of a table of a database, where rows have no number: by what else they have."""
    keys = [one for one in ("processor", "table", "run_id", "date") if one in table.columns]
    bad = table.filter(table[PROBLEM].notnull()).order_by([*keys, PROBLEM]).limit(NAMED).select(*keys, PROBLEM)
    return [
        Problem(", ".join(f"{key.replace('_', ' ')} {row[key]}" for key in keys), row[PROBLEM])
        for row in bad.to_pyarrow().to_pylist()
    ]


def _json_text(value: Any) -> Any:
    """A value in JSON as a text: that of a text without its quotes."""
    return ibis.coalesce(value.unwrap_as("string"), value.cast("string").nullif("null"))
