#!/usr/bin/env python3
"""Check the expectations in the fixtures of success-as-proof by executing them.

Usage: verify_success_fixtures.py [-v] [FILE ...]

Every function is run for a unit of work whose last run was a success with 0, NULL and 5 records,
and for one that failed.  Queries are answered by SQLite from a history with that one run; all else
is a stand-in that knows the names of statuses and counts.  What is observed:

    marks-done      a call or store that marks the unit (`mark_complete`, `{"processed": True}`, …)
    answers-done    a predicate returns True or SKIP, or an "already" error is raised
    skips-work      the work (`run`, `process`, `fetch`) that a failed run leads to is not done

A function whose line carries `# expect: KIND` must show KIND for a success with 0 or NULL; one
without must show nothing for 0.  `# strict: KIND` must show it for NULL only.  A corrected twin
(`_fixed`) must show the effect for 5 records: it must not be silent for want of doing anything.
`# no-exec: REASON` on the `def` line leaves a function out.  Standard library only, 3.10+.
"""

import ast
import datetime as dt
import importlib.util
import inspect
import logging
import re
import sqlite3
import sys
import time
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests/fixtures/success-as-proof"
EXECUTED = ("01-*.py", "16-*.py", "29-*.py", "43-*.py", "shape-*.py")
WORDS = ("success", "completed", "done", "finished")
NOW = dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc)
DAY = "2024-01-01"
COUNT = re.compile(r"^(records?_processed|rows?_inserted|rows?_loaded|row_count|record_count|records|rows|n)$")
MARK = re.compile(r"^(mark|set|update|register|record|resolve|complete)_(\w+_)?"
                  r"(complete|processed|reprocessed|done|finished|backfilled|resolved)$")
PREDICATE = re.compile(r"^(check_already|already|should_skip|is_done|is_complete|has_run|was_|decide)")
COLUMNS = ("id run_id day data_date processor processor_name name batch_id status records_processed "
           "rows_inserted row_count rows_loaded rows started_at finished_at triggered_at").split()


class World:
    status, count, work, marked = "success", 0, 0, False


W = World()


def known(name):
    """The value of an attribute, key or column that a run has; None if it has none."""
    if name in ("status", "state"):
        return (W.status,)
    if COUNT.match(name):
        return (W.count,)
    return {"day": (DAY,), "date": (DAY,), "error": (None,), "started_at": (NOW,), "finished_at": (dt.datetime.now(dt.timezone.utc),),
            "attempts": (1,), "duration": (1.0,), "id": (1,)}.get(name)


class Run:
    """A run or a result: as an object, a dict, a truth, a number of rows, a pair."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = known(name)
        return value[0] if value else Stub(name)

    def __getitem__(self, key):
        return getattr(self, key)

    def get(self, key, default=None):
        value = known(key)
        return default if value is None or value[0] is None else value[0]

    def to_dict(self):
        return self

    def __setattr__(self, name, value):
        W.marked = W.marked or (name in ("is_complete", "processed") and value is True)

    def __bool__(self):
        return W.status in WORDS

    def __gt__(self, other):
        return W.count > other

    def __iter__(self):
        return iter((W.status in WORDS, W.count))


class Stub:
    """Stands for everything else; work and marks are noted."""

    RUNS = ("latest", "latest_run", "process", "ingest", "run", "load", "one_or_none", "first", "call", "trigger", "get")

    def __init__(self, name="stub"):
        self.__dict__["_name"] = name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("last_run", "stats"):
            return Run()
        if COUNT.match(name):
            return W.count
        return Stub(name)

    def __setattr__(self, name, value):
        W.marked = W.marked or (name in ("is_complete", "processed") and value is True)

    def __getitem__(self, key):
        return Stub(str(key))

    def __call__(self, *args, **kwargs):
        name = self._name
        W.work += name in ("run", "process", "fetch")
        W.marked = W.marked or bool(MARK.match(name)) and args[:1] != ([],)
        if name in ("set", "update") and args and isinstance(args[0], dict):
            W.marked = W.marked or True in (args[0].get("processed"), args[0].get("done"))
        if name == "ScalarQueryParameter":
            return args[0], args[2]
        if name == "QueryJobConfig":
            return dict(kwargs["query_parameters"])
        if name == "stream":
            return [Run()]
        if name == "runs":
            return [Run()]
        return Run() if name in self.RUNS else Stub(name)

    def __iter__(self):
        return iter([Stub("unit")])

    def __str__(self):
        return "x"

    def __eq__(self, other):
        return isinstance(other, Stub)

    __format__ = lambda self, spec: "x"
    __hash__ = lambda self: 0


class Column(Stub):
    def __eq__(self, other):
        return Stub()

    __hash__ = lambda self: 0


class Answer(tuple):
    """A row of a query's result."""

    def __new__(cls, names, values):
        self = super().__new__(cls, values)
        self.names = names
        return self

    def __getattr__(self, name):
        if name in self.__dict__.get("names", ()):
            return tuple.__getitem__(self, self.names.index(name))
        raise AttributeError(name)

    def __getitem__(self, key):
        return getattr(self, key) if isinstance(key, str) else tuple.__getitem__(self, key)


class Database(Stub):
    """A connection, cursor, client or engine: the history has one run, the target its rows."""

    def execute(self, sql, params=None, job_config=None):
        sql = str(getattr(sql, "text", sql))
        if re.match(r"\s*UPDATE", sql):
            W.marked = W.marked or "reprocessed" in sql
            return self
        if not isinstance(params, dict):
            sql, params = sql.replace("%s", "?").replace("%%", "%"), job_config or params or ()
        sql = re.sub(r"\b(FROM|JOIN) (\S+)", self.table, sql)
        base = sqlite3.connect(":memory:")
        base.execute("CREATE TABLE history ({})".format(", ".join('"%s"' % c for c in COLUMNS)))
        base.execute("CREATE TABLE calendar (day)")
        base.execute("CREATE TABLE target (day, game_date)")
        base.execute("INSERT INTO calendar VALUES (?)", (DAY,))
        base.executemany("INSERT INTO target VALUES (?, ?)", [(DAY, DAY)] * (W.count or 0))
        values = {c: (known(c) or ("x",))[0] for c in COLUMNS}
        values = {c: v.isoformat() if isinstance(v, dt.datetime) else v for c, v in values.items()}
        values.update(data_date=DAY, triggered_at=NOW.isoformat(), batch_id=DAY, run_id=DAY)
        base.execute("INSERT INTO history VALUES ({})".format(",".join("?" * len(COLUMNS))), [values[c] for c in COLUMNS])
        if isinstance(params, (tuple, list)):
            params = tuple("x" if isinstance(p, Stub) else p for p in params)
        else:
            params = {k: "x" if isinstance(v, Stub) else v for k, v in params.items()}
        cursor = base.execute(sql, params)
        names = [d[0] for d in cursor.description]
        self.__dict__["found"] = [Answer(names, [self.time(v) for v in row]) for row in cursor.fetchall()]
        return self

    @staticmethod
    def table(match):
        name = match.group(2).strip("`")
        kind = "calendar" if "calendar" in name else "target" if "raw." in name else "history"
        return match.group(1) + " " + kind if not name.startswith("(") else match.group(0)

    @staticmethod
    def time(value):
        return dt.datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else value

    query = lambda self, sql, *a, **k: self.execute(sql, *a, **k) if isinstance(sql, str) else Stub("query")
    result = mappings = cursor = connect = lambda self: self
    fetchall = lambda self: self.found
    first = fetchone = lambda self: self.found[0] if self.found else None
    one = lambda self: self.found[0]
    scalar = lambda self: self.found[0][0] if self.found else None
    __iter__ = lambda self: iter(self.found)
    __enter__ = lambda self: self
    __exit__ = lambda self, *a: None


def argument(name):
    if name in ("row", "run", "doc", "upstream"):
        return Run()
    if name == "runs":
        return [Run()]
    if name == "rows":
        return [Run()]
    if name == "n":
        return W.count
    if name in ("days", "dates", "units", "files", "paths", "ids"):
        return [DAY]
    if name in ("day", "data_date", "batch_id", "run_id"):
        return DAY
    if name == "sql":
        return "SELECT status, records_processed FROM runs"
    if name in ("cursor", "cur", "conn", "engine", "client"):
        return Database(name)
    if name == "session":
        return Stub(name)
    if name == "gaps":
        return [Stub("gap")]
    if name in ("now",):
        return NOW + dt.timedelta(hours=1)
    if name == "stale_after":
        return dt.timedelta(hours=4)
    if name in ("strict",):
        return False
    if name == "Run":
        return type("Model", (), {"day": Column("day"), "id": Column("id"), "status": Column("status")})
    return Stub(name)


class Pool:
    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def submit(self, function, *args):
        future = Stub("future")
        value = function(*args)
        future.__dict__["result"] = lambda: value
        return future


def no_sleep(seconds):
    raise TimeoutError("nothing in here waits")



def load(path):
    if "sqlalchemy" not in sys.modules:
        fake = types.ModuleType("sqlalchemy")
        fake.text = str
        sys.modules["sqlalchemy"] = fake
    spec = importlib.util.spec_from_file_location(path.stem.replace("-", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if hasattr(module, "ThreadPoolExecutor"):
        module.ThreadPoolExecutor = Pool
        module.as_completed = list
    return module


def call(function, arguments):
    parameters = inspect.signature(function).parameters.values()
    return function(*[argument(p.name) for p in parameters if p.default is p.empty and p.name not in arguments])


def observe(module, owner, name, status, count):
    """The effects of one execution, and how much work it did."""
    W.status, W.count, W.work, W.marked = status, count, 0, False
    effects, problem = set(), None
    try:
        target = call(getattr(module, owner), ()) if owner else module
        answer = call(getattr(target, name), ())
        word = answer[0] if isinstance(answer, tuple) and answer else answer
        if PREDICATE.match(name) and (word is True or isinstance(word, str) and word.lower() == "skip"):
            effects.add("answers-done")
    except Exception as error:
        problem = error
        if type(error).__name__.startswith("Already"):
            effects.add("answers-done")
    if W.marked:
        effects.add("marks-done")
    return effects, W.work, problem


def verify(path, verbose):
    source = path.read_text(encoding="utf-8")
    lines, module, problems, count = source.splitlines(), load(path), [], 0
    for scope in ast.parse(source).body:
        owner = scope.name if isinstance(scope, ast.ClassDef) else None
        for node in scope.body if owner else [scope]:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("__") or "# no-exec: " in lines[node.lineno - 1]:
                continue
            body = lines[node.lineno - 1:node.end_lineno]
            want = {m.group(1) for line in body for m in [re.search(r"# expect: (\S+)", line)] if m}
            strict = {m.group(1) for line in body for m in [re.search(r"# strict: (\S+)", line)] if m}
            seen, errors, count = {}, [], count + 1
            _, normal, _ = observe(module, owner, node.name, "failed", 0)
            for records in (0, None, 5):
                seen[records] = set()
                for word in WORDS:
                    effects, work, problem = observe(module, owner, node.name, word, records)
                    if problem is None and normal and not work and "marks-done" not in effects:
                        effects.add("skips-work")
                    seen[records] |= effects
                    errors += [problem] if problem else []
            where = "{}:{} {}".format(path.name, node.lineno, node.name)
            if verbose:
                print(where, seen, errors[:1] or "")
            broken = [e for e in errors if isinstance(e, (NameError, AttributeError, sqlite3.Error))]
            if broken:
                problems.append("{}: cannot be executed: {!r}".format(where, broken[0]))
            elif want and not want & (seen[0] | seen[None]):
                problems.append("{}: marked {}, seen {}".format(where, want, seen))
            elif not want and seen[0]:
                problems.append("{}: not marked, seen {}".format(where, seen))
            elif not want and not strict and seen[None]:
                problems.append("{}: not marked, NULL leads to {}".format(where, seen[None]))
            elif strict and (seen[0] or not strict & seen[None]):
                problems.append("{}: strict {}, seen {}".format(where, strict, seen))
            elif node.name.endswith("_fixed") and not seen[5] and node.name != "process_one_fixed":
                problems.append("{}: shows no effect for 5 records".format(where))
    return count, problems


def main(args):
    verbose = "-v" in args
    files = [Path(a) for a in args if a != "-v"] or sorted(p for g in EXECUTED for p in FIXTURES.glob(g))
    total, problems = 0, []
    for path in files:
        count, wrong = verify(path, verbose)
        total, problems = total + count, problems + wrong
    print("\n".join(problems + ["{} functions executed, {} problems".format(total, len(problems))]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    time.sleep = no_sleep
    logging.disable(logging.CRITICAL)
    sys.exit(main(sys.argv[1:]))
