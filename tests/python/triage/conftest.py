"""What the tests of the triage share: generated histories, and what is true of them."""

from __future__ import annotations

import csv
import datetime
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "make_history.py"


@dataclass(frozen=True)
class History:
    """A folder that scripts/make_history.py wrote."""

    folder: Path

    @property
    def configuration(self) -> Path:
        """The path of its configuration."""
        return self.folder / "tallylint.toml"

    @property
    def truth(self) -> list[dict[str, Any]]:
        """What is true of each processor."""
        found: list[dict[str, Any]] = json.loads((self.folder / "truth.json").read_text())
        return found

    def classes(self) -> list[tuple[Any, ...]]:
        """Processor, date, class, reason and number of runs, in order."""
        import duckdb

        rows = duckdb.connect().execute("select * from read_parquet(?)", [str(self.folder / "truth.parquet")])
        return sorted(rows.fetchall())


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., History]:
    """Generate a history with so many runs, once for each form."""
    made: dict[tuple[object, ...], History] = {}

    def make(runs: int, form: str = "parquet", seed: int = 1) -> History:
        key = (runs, form, seed)
        if key not in made:
            folder = tmp_path_factory.mktemp("history")
            options = ["--runs", str(runs), "--form", form, "--seed", str(seed)]
            subprocess.run([sys.executable, str(SCRIPT), str(folder), *options], check=True)
            made[key] = History(folder)
        return made[key]

    return make


def write_csv(path: Path, head: str, rows: Iterable[Iterable[object]]) -> None:
    """Write a table."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head.split(","))
        writer.writerows(rows)


#: The first date of the incident, and that on which it was put right.
START, REPAIRED = datetime.date(2025, 10, 1), datetime.date(2026, 1, 24)
#: Of these processors somebody looked at so many dates, that have so many zero-record runs; on so many there were rows.
CHECKED = {"OddsProcessor": (28, 28, 28), "InjuryReportProcessor": (28, 41, 27), "PlayByPlayProcessor": (14, 14, 11)}


def _programs() -> Path | None:
    """The folder of PostgreSQL's programs."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[Path], str]]:
    """A server of PostgreSQL; a function fills it with the tables of a folder with CSV, and returns the URL."""
    psycopg = pytest.importorskip("psycopg")
    programs = _programs()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("there is no PostgreSQL")
        pytest.skip("there is no PostgreSQL")
    # It refuses to run as root.
    user: dict[str, Any] = {"user": "nobody"} if os.getuid() == 0 else {}
    # Not below the folder of pytest, which only its user may enter.
    with tempfile.TemporaryDirectory(prefix="triage-pg-") as name:
        folder = Path(name)
        if user:
            shutil.chown(folder, "nobody")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]

        def run(program: str, *options: str) -> None:
            command = [str(programs / program), "-D", str(folder / "data"), *options]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **user)
            assert done.returncode == 0, done.stdout + done.stderr

        run("initdb", "-U", "triage", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale", "C.UTF-8")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "start", "-w", "-l", str(folder / "log"), "-o", options)
        url = f"postgres://triage@127.0.0.1:{port}/postgres"

        def fill(tables: Path) -> str:
            with psycopg.connect(f"host=127.0.0.1 port={port} user=triage dbname=postgres") as con:
                con.execute("drop schema if exists ops cascade")
                con.execute("create schema ops")
                con.execute(
                    "create table ops.runs (processor text, run_id text, date date, status text, records bigint,"
                    " summary json, started timestamp, finished timestamptz)"
                )
                con.execute("create table ops.actual (processor text, date date, rows numeric)")
                con.execute("create table ops.expected (processor text, date date, units int)")
                for table in ("runs", "actual", "expected"):
                    with con.cursor().copy(f"copy ops.{table} from stdin (format csv, header)") as copy:
                        copy.write((tables / f"{table}.csv").read_bytes())
            return url

        try:
            yield fill
        finally:
            run("pg_ctl", "stop", "-m", "immediate")


@pytest.fixture(scope="session")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The incident that this tool comes from: 2,346 zero-record runs in 115 days, 70 dates looked at; then 8 in 5 days.

    Returns its configuration.
    """
    folder = tmp_path_factory.mktemp("incident")
    days = [START + datetime.timedelta(days=number) for number in range(120)]
    runs: list[tuple[object, ...]] = []
    actual: list[tuple[object, ...]] = []
    expected: list[tuple[object, ...]] = []

    def run(processor: str, date: datetime.date, records: int) -> None:
        runs.append((processor, f"run-{len(runs):05}", date, "success", records))

    for processor, (dates, zeros, data) in CHECKED.items():
        for number in range(zeros):
            run(processor, days[30 + number % dates], 0)
        for number, date in enumerate(days[30 : 30 + dates]):
            actual.append((processor, date, 120 if number < data else 0))
            # An injury report may have nothing to report; a game has plays.
            expected.append((processor, date, 0 if processor == "InjuryReportProcessor" and number >= data else 6))
    rest = 2346 - sum(zeros for _, zeros, _ in CHECKED.values())
    for number in range(rest):
        run("BoxScoreProcessor", days[number % 115], 0)
    for number in range(8):
        run("BoxScoreProcessor", days[115 + number % 5], 0)
    for date in days[60:]:
        run("OddsProcessor", date, 512)
    write_csv(folder / "runs.csv", "processor,run_id,date,status,records", runs)
    write_csv(folder / "actual.csv", "processor,date,rows", actual)
    write_csv(folder / "expected.csv", "processor,date,units", expected)
    report = {"version": 1, "findings": [], "checklist": []}
    lines = {"InjuryReportProcessor": ("injuries.py", 41, "warning"), "OddsProcessor": ("odds.py", 58, "error"),
             "PlayByPlayProcessor": ("play_by_play.py", 44, "error")}  # fmt: skip
    report["findings"] = [
        {
            "rule": "untracked-return", "kind": "unset", "severity": severity, "message": "the count is not set",
            "path": f"processors/sports/{path}", "line": line, "symbol": f"{name}.save_data", "exits": [line],
            "notes": [], "fingerprint": f"{line:016x}",
        }
        for name, (path, line, severity) in lines.items()
    ]  # fmt: skip
    (folder / "report.json").write_text(json.dumps(report))
    configuration = folder / "tallylint.toml"
    configuration.write_text(
        f"""
        [triage]
        runs = "runs.csv"
        actual = "actual.csv"
        expected = "expected.csv"
        findings = "report.json"
        as-of = 2026-02-01
        before = "{START}..{REPAIRED - datetime.timedelta(days=1)}"
        after = "{REPAIRED}..{days[-1]}"
        """
    )
    return configuration
