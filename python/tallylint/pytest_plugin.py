"""A plugin of pytest: every test run can tell which processors break their contracts.

`pytest --tallylint` guards what the nearest configuration of tallylint declares, or what `--tallylint-contracts FILE`
has. The tests run as ever; a section at the end tells who broke a contract, how often, and in which test first. With
`--tallylint-fail` such a run fails. Classes and functions of test files are left out: they are stand-ins.

The plugin does nothing without one of these options or `tallylint = true` in the configuration of pytest.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import os
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from tallylint import guard

CONFIGURATIONS = ("tallylint.toml", "pyproject.toml")
_KEY = pytest.StashKey["_Run"]()


@dataclasses.dataclass
class _Row:
    """What one processor did with one contract."""

    kept: int = 0
    broken: int = 0
    unsure: int = 0
    reason: str = ""
    place: str = ""
    test: str = ""


class _Run:
    """The guard during one run, and what it found; `rows` also has what other processes found."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.rows: dict[tuple[str, str], _Row] = {}
        self.files = config.getini("python_files")
        self.source, contracts = _contracts(config)
        self.left_out = [str(contract) for contract in contracts if contract.kind == "decorator"]
        wanted = [dataclasses.replace(contract, mode=None) for contract in contracts if contract.kind != "decorator"]
        self.mode = guard.get_mode()
        guard.configure(mode="count")
        guard.reset_counts()
        self.stop = guard.listen(self.told)
        self.installed = guard.install(wanted, where=self.is_tested)

    def is_tested(self, thing: Any) -> bool:
        """Whether a class or a function is none of the tests' own."""
        file = Path(getattr(sys.modules.get(thing.__module__), "__file__", None) or "")
        return file.name != "conftest.py" and not any(
            fnmatch.fnmatch(str(file) if os.sep in pattern else file.name, pattern) for pattern in self.files
        )

    def told(self, what: guard.Break) -> None:
        """Note the first break of each processor and contract."""
        row = self.rows.setdefault((what.processor, what.contract), _Row())
        if not row.test:
            row.reason, row.place = what.reason, f"{what.path}:{what.line}"
            row.test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0] or "outside of tests"

    def end(self) -> None:
        """Take the guard off, and add what was counted."""
        for count in guard.counts():
            row = self.rows.setdefault((count.processor, count.contract), _Row())
            row.kept, row.broken, row.unsure = count.kept, count.broken, count.unsure
        self.stop()
        self.installed.remove()
        guard.configure(mode=self.mode)

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Add what another process found."""
        for found in rows:
            row = self.rows.setdefault((found.pop("processor"), found.pop("contract")), _Row())
            other = _Row(**found)
            for name in ("kept", "broken", "unsure"):
                setattr(row, name, getattr(row, name) + getattr(other, name))
            if not row.test:
                row.reason, row.place, row.test = other.reason, other.place, other.test

    def data(self) -> list[dict[str, Any]]:
        """The rows as another process takes them."""
        return [
            {"processor": who, "contract": what, **dataclasses.asdict(row)} for (who, what), row in self.rows.items()
        ]

    @property
    def broken(self) -> list[tuple[tuple[str, str], _Row]]:
        """Who broke which contract."""
        return sorted((key, row) for key, row in self.rows.items() if row.broken)


def _contracts(config: pytest.Config) -> tuple[str, list[guard.Contract]]:
    """Where the contracts are, and what they are."""
    named = config.getoption("tallylint_contracts") or config.getini("tallylint_contracts")
    try:
        if named:
            return str(named), guard.load(config.rootpath / named)
        for folder in (config.rootpath, *config.rootpath.parents):
            for name in CONFIGURATIONS:
                file = folder / name
                if file.is_file() and (
                    name == "tallylint.toml" or "[tool.tallylint" in file.read_text(encoding="utf-8")
                ):
                    return str(file), guard.load(file)
    except (OSError, ValueError) as wrong:
        raise pytest.UsageError(f"tallylint: {wrong}") from wrong
    return "the built-in contract", [guard.BUILT_IN]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and the settings."""
    group = parser.getgroup("tallylint", "contracts of data pipelines")
    group.addoption(
        "--tallylint", action="store_true", default=None, dest="tallylint", help="check contracts while the tests run"
    )
    group.addoption(
        "--tallylint-contracts",
        metavar="FILE",
        dest="tallylint_contracts",
        help="the contracts: a configuration of tallylint, or what `tallylint contracts --format json` printed",
    )
    group.addoption(
        "--tallylint-fail",
        action="store_true",
        default=None,
        dest="tallylint_fail",
        help="the same, and the run fails if a contract is broken",
    )
    parser.addini("tallylint", "whether contracts are checked while the tests run", type="bool", default=False)
    parser.addini("tallylint_fail", "whether the run fails if a contract is broken", type="bool", default=False)
    parser.addini("tallylint_contracts", "the file with the contracts", default="")


def _fails(config: pytest.Config) -> bool:
    return bool(config.getoption("tallylint_fail") or config.getini("tallylint_fail"))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Put the guard on before anything of the project is imported."""
    if config.getoption("tallylint") or config.getini("tallylint") or _fails(config):
        config.stash[_KEY] = _Run(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the guard off, if the run ended before it began."""
    run = config.stash.get(_KEY, None)
    if run is not None and run.installed is not None:
        run.installed.remove()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Sum up. In a worker of pytest-xdist, hand the sum over."""
    run = session.config.stash.get(_KEY, None)
    if run is None:
        return
    run.end()
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["tallylint"] = run.data()
    elif run.broken and _fails(session.config) and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of pytest-xdist found."""
    run = node.config.stash.get(_KEY, None)
    if run is not None:
        run.add(cast("dict[str, Any]", getattr(node, "workeroutput", {})).get("tallylint", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell which processors break which contracts."""
    run = config.stash.get(_KEY, None)
    if run is None:
        return
    write = terminalreporter
    calls = sum(row.kept + row.broken + row.unsure for row in run.rows.values())
    write.section("tallylint", "=", red=bool(run.broken), green=not run.broken)
    for text in run.left_out:
        write.write_line(f"not checked, since decorators cannot be found while the tests run: {text}")
    if not calls:
        write.write_line(f"no call of a processor was made that {run.source} is about")
        return
    for (processor, contract), row in run.broken:
        write.write_line(
            f"{processor} broke `{contract}` in {row.broken} of {row.kept + row.broken + row.unsure} calls", red=True
        )
        write.write_line(f"  {row.reason} ({row.place})")
        write.write_line(f"  first in {row.test}")
    processors = {processor for processor, _ in run.rows}
    unsure = sum(row.unsure for row in run.rows.values())
    more = f", {unsure} cannot be told" if unsure else ""
    breaking = len({processor for (processor, _), _ in run.broken})
    write.write_line(
        f"{calls} calls of {len(processors)} processors checked, {breaking} of them broke a contract{more}"
    )
