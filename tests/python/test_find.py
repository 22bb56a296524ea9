"""`python -m tallylint` and where it finds the program."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest
from tallylint import __main__, _find

PROGRAM = "tallylint" + (sysconfig.get_config_var("EXE") or "")


def test_program_beside_the_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / PROGRAM
    program.parent.mkdir()
    program.touch()
    monkeypatch.setattr(_find, "__file__", str(tmp_path / "tallylint" / "_find.py"))
    monkeypatch.setattr(sysconfig, "get_path", lambda name, scheme=None: str(tmp_path / "nowhere"))
    assert _find.find_tallylint() == str(program)


def test_without_a_program_the_folders_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_find, "_folders", lambda: iter([str(tmp_path)]))
    monkeypatch.setattr(sys, "argv", ["tallylint", "--version"])
    assert __main__.main() == 2
    assert str(tmp_path) in capsys.readouterr().err
