"""The command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ibis")

from tallylint.triage import cli


def test_it_prints_the_report(incident: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--config", str(incident)]) == 0
    out, err = capsys.readouterr()
    assert "66 have data: 94 % (86–98 %) false positives" in out
    # A bar is for terminals.
    assert err == ""


def test_it_writes_a_file(incident: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "triage.json"
    assert cli.main(["--config", str(incident), "--format", "json", "--output", str(path)]) == 0
    assert json.loads(path.read_text())["total"]["zero"]["runs"] == 2354
    assert capsys.readouterr().out == ""


def test_options_say_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs.csv").write_text("job,day,state,n\nodds_v2,2026-01-05,success,0\nodds_v2,2026-01-06,success,0\n")
    (tmp_path / "actual.csv").write_text("job,day,n\nodds_v2,2026-01-04,9\nodds_v2,2026-01-06,9\n")
    (tmp_path / "plan.csv").write_text("day,games\n2026-01-05,3\n")
    found = run(
        capsys, "--runs", tmp_path / "runs.csv", "--actual", tmp_path / "actual.csv",
        "--expected", tmp_path / "plan.csv",
        "--column", "processor=job", "--column", "date=day", "--column", "status=state", "--column", "records=n",
        "--actual-column", "processor=job", "--actual-column", "date=day", "--actual-column", "rows=n",
        "--expected-column", "date=day", "--expected-column", "units=games", "--alias", "odds_v2=OddsProcessor",
        "--missing-actual", "zero", "--as-of", "2026-02-01", "--memory", "300", "--format", "json",
        "--before", "2026-01-05..2026-01-05", "--after", "2026-01-06..2026-01-06",
    )  # fmt: skip
    (one,) = found["processors"]
    assert one["name"] == "OddsProcessor"
    assert one["zero"]["dates_by_class"]["real-loss"] == 1
    assert one["zero"]["dates_by_class"]["tracking-bug"] == 1
    assert (found["before"]["runs"], found["after"]["runs"]) == (1, 1)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    assert cli.main([str(argument) for argument in arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_future_begins_after_the_given_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "runs.csv"
    path.write_text("processor,date,status,records,started\nP,2026-01-05,success,0,2026-01-04T20:00:00Z\n")
    future = {"legitimate-zero": 1}
    for options, of in (
        (["--as-of", "2026-01-04"], future),
        (["--as-of", "2026-01-05"], future),
        (["--as-of", "2026-01-05", "--utc-offset-hours", "9"], {"unclassified": 1}),
    ):
        found = run(capsys, "--runs", path, "--format", "json", *options)
        runs = found["total"]["zero"]["runs_by_class"]
        assert {kind: count for kind, count in runs.items() if count} == of


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--runs", "nowhere.csv"], "there is no file nowhere.csv"),
        (["--runs", "nowhere"], "there is no table nowhere"),
        (["--runs", "x", "--as-of", "soon"], "`--as-of soon` is no date"),
        (["--runs", "x", "--before", "2026"], "is no period"),
        (["--runs", "x", "--before", "2026-01-01..2026-01-02"], "go together"),
        (["--runs", "x", "--column", "date"], "`date` must be NAME=VALUE"),
        (["--runs", "x", "--column", "day=date"], "`columns` has no column `day`"),
        (["--runs", "x", "--config", "nowhere.toml"], "nowhere.toml cannot be read"),
        (["--runs", "x", "--backend", "nonsense://"], "there is no way to nonsense://"),
        (["--runs", "x", "--findings", "nowhere.json"], "nowhere.json is no report"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert message in err


def test_evidence_must_say_what_it_is_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs.csv").write_text("processor,date,status,records\nP,2026-01-05,success,0\n")
    (tmp_path / "actual.csv").write_text("date,rows\n2026-01-05,3\n")
    assert cli.main(["--runs", str(tmp_path / "runs.csv"), "--actual", str(tmp_path / "actual.csv")]) == 2
    assert "must say either which processor or which table" in capsys.readouterr().err


def test_too_little_memory_is_said(history: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--config", str(history(20000).configuration), "--memory", "1"]) == 2
    assert "see `--memory`" in capsys.readouterr().err


@pytest.mark.parametrize("top", ["0", "-1", "x"])
def test_a_number_must_be_positive(top: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--runs", "x", "--top", top])
    assert "--top" in capsys.readouterr().err


def test_whoever_has_read_enough_is_no_error(incident: Path) -> None:
    command = [sys.executable, "-m", "tallylint.triage", "--config", str(incident), "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
def test_a_terminal_gets_a_bar_on_standard_error_only(history: Any) -> None:
    import pty

    outer, inner = pty.openpty()
    command = [sys.executable, "-m", "tallylint.triage", "--config", str(history(20000).configuration)]
    environment = {**os.environ, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=inner, env=environment)
    os.close(inner)
    said = b""
    while True:
        try:
            more = os.read(outer, 1 << 16)
        except OSError:
            # Linux says so at the end.
            break
        if not more:
            break
        said += more
    os.close(outer)
    out, _ = process.communicate()
    assert process.returncode == 0
    assert b"reading the history" in said
    assert b"classifying" in said
    assert b"\x1b" not in out
    assert b"zero-record runs" in out
