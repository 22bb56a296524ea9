"""The plugin of pytest, in runs of its own."""

from __future__ import annotations

import json
import sys

import pytest

pytest_plugins = ["pytester"]

PROCESSORS = """
class Base:
    def __init__(self):
        self.stats = {}
    def run(self):
        self.save_data()
        return self.stats.get("rows_inserted", 0)
    def save_data(self):
        raise NotImplementedError

class Forgets(Base):
    def save_data(self):
        if self.stats:
            self.stats["rows_inserted"] = 1

class Keeps(Base):
    def save_data(self):
        self.stats["rows_inserted"] = 1
"""
TESTS = """
import pytest
from shop.processors import Base, Forgets, Keeps

class StandIn(Base):
    def save_data(self):
        pass

@pytest.mark.parametrize("number", range(3))
def test_run(number):
    assert Forgets().run() == 0
    Keeps().run()
    StandIn().run()
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with two processors and their tests."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    folder = pytester.mkpydir("shop")
    (folder / "processors.py").write_text(PROCESSORS, encoding="utf-8")
    pytester.makepyfile(test_shop=TESTS)
    return pytester


def run(project: pytest.Pytester, *args: str) -> pytest.RunResult:
    run = project.runpytest_subprocess if "-n" in args else project.runpytest_inprocess
    return run("-p", "tallylint.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:asyncio", *args)


def test_it_is_off_unless_asked(project: pytest.Pytester) -> None:
    result = run(project)
    result.assert_outcomes(passed=3)
    result.stdout.no_fnmatch_line("*tallylint*")
    assert result.ret == 0


BROKEN = [
    "=* tallylint =*",
    "shop.processors.Forgets broke `save_data sets self.stats*` in 3 of 3 calls",
    "  did not set self.stats* (*processors.py:12)",
    "  first in test_shop.py::test_run[[]0]",
    "6 calls of 2 processors checked, 1 of them broke a contract",
]


def test_a_section_tells_who_breaks_what(project: pytest.Pytester) -> None:
    result = run(project, "--tallylint")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(BROKEN)
    result.stdout.no_fnmatch_line("*StandIn*")
    assert result.ret == 0


def test_it_can_fail_the_run(project: pytest.Pytester) -> None:
    result = run(project, "--tallylint-fail")
    result.stdout.fnmatch_lines(BROKEN)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result = run(project, "--tallylint-fail", "-k", "nothing")
    result.stdout.fnmatch_lines(["no call of a processor was made that the built-in contract is about"])
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize(("settings", "code"), [("tallylint = true", 0), ("tallylint_fail = true", 1)])
def test_settings(settings: str, code: int, project: pytest.Pytester) -> None:
    project.makeini(f"[pytest]\n{settings}\n")
    result = run(project)
    result.stdout.fnmatch_lines(BROKEN)
    assert result.ret == code


def test_workers(project: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    result = run(project, "--tallylint-fail", "-p", "xdist", "-n", "2")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines([*BROKEN[:3], BROKEN[4]])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.skipif(sys.version_info < (3, 11), reason="needs tomllib")
@pytest.mark.parametrize("name", ["tallylint.toml", "pyproject.toml"])
def test_the_configuration_is_found(name: str, project: pytest.Pytester) -> None:
    table = "" if name == "tallylint.toml" else "tool.tallylint."
    (project.path / name).write_text(
        f"[[{table}contract]]\nmethod = 'run'\nbases = ['Base']\nsets = 'self.ran'\n"
        f"[[{table}contract]]\ndecorator = 'task'\nreturns = true\n",
        encoding="utf-8",
    )
    result = run(project, "--tallylint", "--rootdir", str(project.path))
    result.stdout.fnmatch_lines(
        [
            "not checked, since decorators cannot be found while the tests run: @task returns a value",
            "shop.processors.Forgets broke `run sets self.ran` in 3 of 3 calls",
            "shop.processors.Forgets broke `save_data sets *` in 3 of 3 calls",
            "shop.processors.Keeps broke `run sets self.ran` in 3 of 3 calls",
            "*calls of 3 processors checked, 3 of them broke a contract",
        ]
    )


def test_the_list_of_the_linter(project: pytest.Pytester) -> None:
    demands = [{"kind": "returns", "what": "a value with ['rows']"}]
    contract = {"who": "run", "kind": "method", "bases": ["Keeps"], "demands": demands, "also_when_raising": False}
    file = project.path / "contracts.json"
    file.write_text(json.dumps({"version": 2, "contracts": [contract]}), encoding="utf-8")
    result = run(project, "--tallylint", "--tallylint-contracts", file.name)
    result.stdout.fnmatch_lines(["*1 of them broke*"])
    result.stdout.no_fnmatch_line("*Forgets*")


@pytest.mark.parametrize("text", [None, "{}", "not JSON"])
def test_a_file_that_is_none(text: str | None, project: pytest.Pytester) -> None:
    if text is not None:
        (project.path / "contracts.json").write_text(text, encoding="utf-8")
    result = run(project, "--tallylint", "--tallylint-contracts", "contracts.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: tallylint: *"])
