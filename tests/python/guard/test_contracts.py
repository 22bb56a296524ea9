"""What a contract says, and where it is read."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tallylint.guard import BUILT_IN, Contract, InvalidContract, contract, load

FULL = """
[[contract]]
method = ["load_*", "store"]
bases = ["LoaderBase"]
sets = "self.rows_loaded"
also-when-raising = true

[[contract]]
function = "jobs::*::run_*"
returns = ["['rows']", ".rows"]

[[contract]]
decorator = ["@task", "celery.shared_task"]
calls = "metrics.record_rows"
returns = true
"""
WORDS = [
    "save_data sets self.stats['rows_inserted']",
    "load_*, store sets self.rows_loaded",
    "jobs.*.run_* returns a value with ['rows'] or returns a value with .rows",
    "@task, @celery.shared_task calls metrics.record_rows or returns a value",
]
needs_toml = pytest.mark.skipif(sys.version_info < (3, 11), reason="needs tomllib")


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ({"sets": "self"}, "is a variable; add what to set"),
        ({"sets": "self.stats[rows]"}, "`[rows]` is unexpected"),
        ({"sets": "self.stats['rows'"}, "`['rows'` is unexpected"),
        ({"sets": "self.stats['']"}, "is unexpected"),
        ({"sets": "self.stats()"}, "`()` is unexpected"),
        ({"sets": ".rows"}, "must start with a name"),
        ({"sets": 3}, "`sets` must be a text or a list of texts, not 3"),
        ({"sets": []}, "`sets` must be a text"),
        ({"calls": "self"}, "the last part must be the name"),
        ({"calls": "self.hooks['rows']"}, "the last part must be the name"),
        ({"returns": False}, "demands nothing"),
        ({"returns": ""}, "names the part of a value"),
        ({}, "this contract demands nothing"),
        ({"returns": True, "method": "a", "function": "b"}, "by one of `method`, `function` and `decorator`"),
        ({"returns": True, "method": "jobs.run"}, "must be one name, without dots"),
        ({"returns": True, "function": "jobs..run"}, "is not a name or a path of names"),
        ({"returns": True, "function": "run?"}, "is not a name or a path of names"),
        ({"returns": True, "function": "run", "bases": ["Base"]}, "`bases` belongs to a contract about a `method`"),
        ({"returns": True, "also-when-raising": True}, "what ends in an exception returns nothing"),
        ({"sets": "self.rows", "also-when-raising": "yes"}, "must be true or false"),
        ({"set": "self.rows"}, "unknown key `set` in a contract; there are method, "),
    ],
)
def test_what_is_wrong_is_told(keys: dict[str, Any], wrong: str) -> None:
    with pytest.raises(InvalidContract) as raised:
        Contract.from_table(keys)
    assert wrong in str(raised.value)


@pytest.mark.parametrize(
    "text", ["self.stats['rows']", "self.rows", "self.stat.condition['k']", "context['rows']", 'self.a["it\'s"]']
)
def test_places_are_shown_as_they_are_written(text: str) -> None:
    assert str(contract(sets=text)) == f"sets {text}"
    assert str(contract(sets=text.replace("[", " [ ").replace("]", " ] "))) == f"sets {text}"


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("jobs.*.run_*", "jobs.daily.run_prices", True),
        ("jobs.*.run_*", "shop.jobs.daily.run_prices", True),
        ("jobs.*.run_*", "jobs.daily.old.run_prices", False),
        ("jobs.*.run_*", "jobs.daily.rerun_prices", False),
        ("jobs.**.run", "jobs.a.b.run", True),
        ("jobs.**.run", "jobs.run", True),
        ("jobs.**", "jobs.a.b", True),
        ("jobs.**", "jobs", False),
        ("run", "jobs.run", True),
        ("run", "jobs.rerun", False),
    ],
)
def test_patterns_stop_at_dots(pattern: str, name: str, fits: bool) -> None:
    assert contract(function=pattern, returns=True).names_it(name) is fits


def test_a_contract_with_an_unknown_mode() -> None:
    with pytest.raises(InvalidContract, match="unknown mode `loud`; there are raise, warn, log, count, off"):
        contract(returns=True, mode="loud")


@needs_toml
@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("tallylint.toml", ""),
        ("pyproject.toml", "tool.tallylint"),
        ("Cargo.toml", "workspace.metadata.tallylint"),
        ("Cargo.toml", "package.metadata.tallylint"),
    ],
)
def test_a_configuration(tmp_path: Path, name: str, table: str) -> None:
    file = tmp_path / name
    file.write_text(
        FULL.replace("[[contract]]", f"[[{table}.contract]]" if table else "[[contract]]"), encoding="utf-8"
    )
    found = load(file)
    assert [str(each) for each in found] == WORDS
    assert found[0] == BUILT_IN
    assert found[1].bases == ("LoaderBase",)
    assert [each.also_when_raising for each in found] == [False, True, False, False]


@needs_toml
def test_a_configuration_that_extends_another(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/base.toml").write_text("extend = '../tallylint.toml'\n" + FULL, encoding="utf-8")
    file = tmp_path / "tallylint.toml"
    file.write_text("extend = 'shared/base.toml'\n[[contract]]\nmethod = 'x'\nreturns = true\n", encoding="utf-8")
    assert [str(each) for each in load(file)] == [WORDS[0], "x returns a value", *WORDS[1:]]
    file.write_text("[[contract]]\nmethod = 'x'\nreturns = false\n", encoding="utf-8")
    with pytest.raises(InvalidContract, match=r"tallylint\.toml: `returns = false` demands nothing"):
        load(file)


def test_a_configuration_without_a_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tallylint.toml"
    file.touch()
    for name in ("tomllib", "tomli"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InvalidContract, match=r"Python 3\.11 or the package tomli is needed"):
        load(file)


def listed(**changes: Any) -> dict[str, Any]:
    """A contract as `tallylint contracts --format json` lists it."""
    found = {
        "who": "save_data",
        "kind": "method",
        "bases": None,
        "demands": [{"kind": "sets", "what": "self.stats['rows_inserted']"}],
        "also_when_raising": False,
        "processors": [{"class": "Orders", "path": "shop/orders.py"}, {"class": None, "path": "shop/jobs.py"}],
    }
    return {**found, **changes}


def test_the_list_of_the_linter(tmp_path: Path) -> None:
    file = tmp_path / "contracts.json"
    each = [
        listed(),
        listed(who="load_*, store", bases=["LoaderBase"], demands=[{"kind": "sets", "what": "self.rows_loaded"}]),
        listed(
            who="jobs.*.run_*",
            kind="function",
            demands=[{"kind": "returns", "what": f"a value with {part}"} for part in ("['rows']", ".rows")],
        ),
        listed(
            who="@task, @celery.shared_task",
            kind="decorator",
            demands=[{"kind": "calls", "what": "metrics.record_rows"}, {"kind": "returns", "what": "a value"}],
        ),
    ]
    file.write_text(json.dumps({"version": 2, "contracts": each}), encoding="utf-8")
    found = load(file)
    assert [str(contract) for contract in found] == WORDS
    assert found[0] == BUILT_IN
    assert found[0].processors == {("Orders", "shop/orders.py")}
    assert found[1].bases == ("LoaderBase",)
    for wrong in ('{"version": 1, "contracts": []}', '{"version": 2}', "[]"):
        file.write_text(wrong, encoding="utf-8")
        with pytest.raises(InvalidContract, match="is not what this version"):
            load(file)


def test_a_decorator_needs_something_to_guard() -> None:
    with pytest.raises(InvalidContract, match="a contract of the class int names its `method`"):
        contract(returns=True)(int)
    with pytest.raises(InvalidContract, match="it lacks the parameter"):
        contract(sets="context['rows']")(lambda day: None)
    with pytest.raises(InvalidContract, match="or is no function"):
        contract(returns=True)(3)
