"""Names in the history become classes, and findings are about all classes that run their code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tallylint.triage import findings
from tallylint.triage.errors import TriageError
from tallylint.triage.names import Names


@pytest.mark.parametrize(
    "name",
    [
        "OddsProcessor",
        " OddsProcessor ",
        "etl.sports.odds.OddsProcessor",
        "etl/odds.py:OddsProcessor",
        "etl::odds::OddsProcessor",
        "odds_processor",
        "odds",
        "ODDS",
        "etl.odds",
    ],
)
def test_a_name_is_found_whatever_the_convention(name: str) -> None:
    assert Names(["OddsProcessor", "LinesProcessor"], {}).resolve(name) == "OddsProcessor"


def test_an_alias_comes_first() -> None:
    names = Names(["OddsProcessor", "LinesProcessor"], {"odds": "LinesProcessor", "x1": "GoneProcessor"})
    assert names.resolve("odds") == "LinesProcessor"
    assert names.resolve("x1") == "GoneProcessor"
    assert names.knows("GoneProcessor")


def test_what_is_not_known_or_ambiguous_stands_for_itself() -> None:
    names = Names(["OddsProcessor", "Odds_Processor"], {})
    assert names.resolve("odds") == "odds"
    assert not names.knows("odds")
    assert names.resolve(" weather ") == "weather"
    assert names.resolve("Odds_Processor") == "Odds_Processor"


def test_processor_alone_is_no_name_of_everything() -> None:
    assert Names(["Processor"], {}).resolve("processor") == "Processor"
    assert Names(["OddsProcessor"], {}).resolve("processor") == "processor"


def finding(symbol: str, **more: Any) -> dict[str, Any]:
    return {
        "rule": "untracked-return", "kind": "unset", "severity": "error", "message": "m", "path": "base.py", "line": 8,
        "symbol": symbol, "exits": [8], "notes": [], "fingerprint": "f", **more,
    }  # fmt: skip


def duty(name: str | None, line: int, path: str = "base.py", **more: Any) -> dict[str, Any]:
    exits = [{"path": path, "line": line + 2}]
    return {"class": name, "method": "save_data", "path": path, "line": line, "inherits": None, "exits": exits, **more}


def load(folder: Path, found: list[dict[str, Any]], duties: list[dict[str, Any]], version: int = 1) -> findings.Report:
    path = folder / "report.json"
    path.write_text(json.dumps({"version": version, "findings": found, "checklist": duties}))
    return findings.load(path)


def test_a_finding_is_about_all_heirs(tmp_path: Path) -> None:
    duties = [duty("Base", 6), duty("A", 6), duty("B", 6), duty("Own", 21), duty("Other", 6, "other.py")]
    report = load(tmp_path, [finding("Base.save_data")], duties)
    assert report.findings[0].owners == ("A", "B", "Base")
    assert report.names == {"Base", "A", "B", "Own", "Other"}


def test_heirs_of_an_abstract_base_are_known_by_the_exits(tmp_path: Path) -> None:
    report = load(tmp_path, [finding("Mixin.save_data")], [duty("A", 6), duty("B", 6), duty("C", 30)])
    assert report.findings[0].owners == ("A", "B", "Mixin")


def test_the_checklist_may_name_the_class_that_is_inherited_from(tmp_path: Path) -> None:
    report = load(tmp_path, [finding("Base.save_data", exits=[])], [duty("A", 40, inherits="Base"), duty("B", 50)])
    assert report.findings[0].owners == ("A", "Base")


def test_a_note_names_classes_that_come_through_a_helper(tmp_path: Path) -> None:
    note = "several classes run this: `A`, `B` and `C`"
    report = load(tmp_path, [finding("Base._write", notes=["x `Nobody`", note])], [duty("A", 6)])
    assert report.findings[0].owners == ("A", "B", "Base", "C")


def test_a_function_is_its_own_owner(tmp_path: Path) -> None:
    report = load(tmp_path, [finding("run_odds"), finding("", line=1)], [])
    assert [one.owners for one in report.findings] == [("run_odds",), ()]
    assert report.names == {"run_odds"}


def test_another_version_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(TriageError, match="has version 2"):
        load(tmp_path, [], [], version=2)


@pytest.mark.parametrize(
    "text", ["no json", "[]", '{"version": 1}', '{"version": 1, "findings": [1], "checklist": []}']
)
def test_what_is_no_report_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(TriageError, match="is no report"):
        findings.load(path)
