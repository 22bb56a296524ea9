"""The configuration and the options."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path

import pytest

pytest.importorskip("ibis")

from tallylint.triage import settings
from tallylint.triage.errors import TriageError
from tallylint.triage.settings import Period, Settings, Words

ROOT = Path(__file__).parents[3]


def load(folder: Path, text: str, name: str = "tallylint.toml") -> Settings:
    path = folder / name
    path.write_text(text)
    return settings.load(path, {})


def test_everything_can_be_set(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        """
        select = ["all"]

        [triage]
        runs = "history/runs.csv"
        actual = "ops.actual"
        expected = "plan.parquet"
        findings = "report.json"
        backend = "postgres://db/ops"
        memory = 500
        as-of = 2026-01-31
        utc-offset-hours = -5
        missing-actual = "zero"
        missing-expected = "zero"
        before = "2026-01-01..2026-01-10"
        after = "2026-01-11..2026-01-20"
        columns = { processor = "job" }
        actual-columns = { rows = "n" }
        expected-columns = { units = "games" }
        aliases = { odds = "OddsProcessor" }
        tables = { OddsProcessor = ["odds", "lines"], Weather = "weather" }
        words = { success = ["Fine"] }
        summary = { failed = ["Bad"] }
        """,
    )
    assert found == Settings(
        runs=str(tmp_path / "history/runs.csv"),
        actual="ops.actual",
        expected=str(tmp_path / "plan.parquet"),
        findings=str(tmp_path / "report.json"),
        backend="postgres://db/ops",
        memory=500,
        as_of=datetime.date(2026, 1, 31),
        utc_offset_hours=-5,
        missing_actual="zero",
        missing_expected="zero",
        before=Period(datetime.date(2026, 1, 1), datetime.date(2026, 1, 10)),
        after=Period(datetime.date(2026, 1, 11), datetime.date(2026, 1, 20)),
        columns={"processor": "job"},
        actual_columns={"rows": "n"},
        expected_columns={"units": "games"},
        aliases={"odds": "OddsProcessor"},
        tables={"OddsProcessor": ("odds", "lines"), "Weather": ("weather",)},
        words=Words(success=("fine",)),
        summary=settings.SummaryKeys(failed=("Bad",)),
    )


def test_options_come_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "tallylint.toml"
    path.write_text('[triage]\nruns = "a.csv"\ncolumns = { date = "day", status = "state" }')
    found = settings.load(path, {"runs": "b.csv", "actual": None, "columns": {"date": "dt"}})
    assert found.runs == "b.csv"
    assert found.columns == {"date": "dt", "status": "state"}


def test_pyproject_has_it_below_tool(tmp_path: Path) -> None:
    assert load(tmp_path, '[tool.tallylint.triage]\nruns = "ops.runs"', "pyproject.toml").runs == "ops.runs"
    with pytest.raises(TriageError, match=r"has no table `\[tool\.tallylint\.triage\]`"):
        load(tmp_path, '[triage]\nruns = "ops.runs"', "pyproject.toml")


def test_the_nearest_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "tallylint.toml").write_text('[triage]\nruns = "far"')
    (tmp_path / "a" / "tallylint.toml").write_text('select = ["all"]')
    (tmp_path / "a" / "pyproject.toml").write_text('[tool.tallylint.triage]\nruns = "near"')
    monkeypatch.chdir(inner)
    assert settings.load(None, {}).runs == "near"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no table `\\[triage\\]`"),
        ("triage = 3", "`triage` is no table"),
        ("[triage", "cannot be read"),
        ("[triage]", "where is the history"),
        ("[triage]\nrun = 'x'", "unknown key `run`"),
        ("[triage]\nruns = 3", "`runs` must be a text"),
        ("[triage]\nas-of = '2026-01-31'", "`as-of` must be a date"),
        ("[triage]\nas-of = 2026-01-31T00:00:00", "`as-of` must be a date"),
        ("[triage]\nutc-offset-hours = true", "must be a number"),
        ("[triage]\nmemory = '1GB'", "must be a number of megabytes"),
        ("[triage]\nmissing-actual = 'none'", 'must be "unknown" or "zero"'),
        ("[triage]\nbefore = '2026-01-31'", "write FROM..TO"),
        ("[triage]\nbefore = '2026-01-31..2026-01-30'", "write FROM..TO"),
        ("[triage]\nruns = 'x'\nbefore = '2026-01-01..2026-01-30'", "`before` and `after` go together"),
        ("[triage]\ncolumns = { jobs = 'x' }", "`columns` has no column `jobs`; there are processor, run-id"),
        ("[triage]\nwords = { good = ['x'] }", "must be a table of success, failed, running, other"),
        ("[triage]\nwords = { success = 'x' }", "must be a list of texts"),
        ("[triage]\naliases = ['x']", "must be a table"),
        ("[triage]\ntables = { P = 3 }", "must be a list of texts"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TriageError, match=message):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("runs.csv", True),
        ("runs.CSV.gz", True),
        ("x/*.parquet", True),
        ("runs.ndjson", True),
        ("ops.runs", False),
        ("runs", False),
    ],
)
def test_a_file_is_known_by_its_name(name: str, file: bool) -> None:
    assert settings.is_file(name) is file


def test_the_page_has_every_key() -> None:
    page = (ROOT / "docs" / "triage.md").read_text(encoding="utf-8")
    table = page.partition("| key | |")[2].partition("\n\n")[0]
    keys = {key for line in table.splitlines()[2:] for key in re.findall("`([^`]+)`", line.split("|")[1])}
    assert keys == set(settings.READERS)


def test_the_linter_knows_the_table() -> None:
    schema = json.loads((ROOT / "docs" / "tallylint.schema.json").read_text())
    assert "triage" in schema["properties"]
