"""Guarding classes and functions that know nothing of it, imported before and after."""

from __future__ import annotations

import abc
import dataclasses
import importlib
import importlib.resources
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from tallylint import guard
from tallylint.guard import BUILT_IN, Break, Guarded, InvalidContract, contract, install

Make = Callable[[str], Any]
PROCESSORS = """
import abc

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
        pass

class Keeps(Base):
    def save_data(self):
        self.stats["rows_inserted"] = 1

class Saver:
    def save_data(self):
        pass

class Mixed(Saver, Base):
    pass

class Alone:
    stats = {}
    def save_data(self):
        pass

class Outer:
    class Inner(Base):
        def save_data(self):
            pass

def later():
    class Local(Base):
        def save_data(self):
            pass
    return Local
"""


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """What writes a module with this text and imports it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made: list[str] = []

    def make(text: str) -> Any:
        made.append(f"made_{uuid.uuid4().hex}")
        (tmp_path / f"{made[-1]}.py").write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        return importlib.import_module(made[-1])

    yield make
    for name in made:
        sys.modules.pop(name, None)


def broken_by(module: Any, breaks: list[Break]) -> set[str]:
    """The classes of the module above that break the contract if all are run."""
    breaks.clear()
    for cls in (module.Forgets, module.Keeps, module.Mixed, module.Outer.Inner, module.later()):
        cls().run()
    module.Saver.save_data(module.Alone())
    module.Alone().save_data()
    return {found.processor.rpartition(".")[2] for found in breaks}


@pytest.mark.parametrize("is_first", [True, False])
def test_classes(is_first: bool, make: Make, breaks: list[Break]) -> None:
    module = None if is_first else make(PROCESSORS)
    with install([BUILT_IN]):
        module = module or make(PROCESSORS)
        assert broken_by(module, breaks) == {"Forgets", "Mixed", "Inner", "Local"}

        class Here(module.Base):  # type: ignore[name-defined, misc]
            def save_data(self) -> None:
                pass

        Here().run()
        assert breaks[-1].processor.endswith(".Here")
    assert broken_by(module, breaks) == set()
    assert "__tallylint_watch__" not in vars(module.Forgets.save_data)
    assert "__init_subclass__" not in vars(module.Base)


@pytest.mark.parametrize(
    ("bases", "broken"),
    [
        (["*"], {"Forgets", "Mixed", "Inner", "Local", "Alone"}),
        (["Saver"], {"Mixed"}),
        (["Inner", "Keeps"], {"Inner"}),
        (["Other"], set()),
    ],
)
def test_bases(bases: list[str], broken: set[str], make: Make, breaks: list[Break]) -> None:
    with install([contract(method="save_*", bases=bases, sets="self.stats['rows_inserted']")]):
        assert broken_by(make(PROCESSORS), breaks) == broken


def test_classes_that_the_linter_lists(make: Make, breaks: list[Break]) -> None:
    module = make(PROCESSORS)
    for path, broken in ((module.__file__, True), (f"./{Path(module.__file__).name}", True), ("other.py", False)):
        listed = dataclasses.replace(BUILT_IN, processors=frozenset({("Alone", path)}))
        with install([listed]):
            assert ("Alone" in broken_by(module, breaks)) is broken


def test_classes_that_hold_each_other(make: Make, breaks: list[Break]) -> None:
    with install([BUILT_IN]):
        module = make(PROCESSORS + "\nForgets.other = Keeps\nKeeps.other = Forgets\nKeeps.own = Keeps\n")
        assert broken_by(module, breaks) == {"Forgets", "Mixed", "Inner", "Local"}


def test_where(make: Make, breaks: list[Break]) -> None:
    with install([BUILT_IN], where=lambda cls: cls.__name__ != "Forgets"):
        assert broken_by(make(PROCESSORS), breaks) == {"Mixed", "Inner", "Local"}


def test_functions(make: Make, breaks: list[Break]) -> None:
    text = "def run_prices(): pass\ndef other(): pass\nclass run_class: pass\n"
    before = make(text)
    wanted = [contract(function=["made_*.run_*"], returns=True)]
    with install(wanted):
        after = make(text + f"from {before.__name__} import run_prices as run_imported\n")
        for module in (before, after):
            module.run_prices()
            module.other()
            module.run_class()
        assert [found.processor for found in breaks] == [f"{m.__name__}.run_prices" for m in (before, after)]
        after.run_imported()
        assert breaks[-1].processor == breaks[0].processor
    del breaks[:]
    before.run_prices()
    after.run_imported()
    assert not breaks


def test_both_at_once_check_once(make: Make, breaks: list[Break]) -> None:
    with install([BUILT_IN], mode="count"), install([BUILT_IN], mode="count"):
        make(PROCESSORS).Forgets().run()
        assert len(breaks) == 1


@pytest.mark.parametrize(
    ("wanted", "wrong"),
    [
        (contract(decorator="task", returns=True), "what carries @task returns a value cannot be found while"),
        (contract(returns=True), "decorate it with the contract itself"),
    ],
)
def test_what_cannot_be_installed_is_refused(wanted: guard.Contract, wrong: str) -> None:
    before = list(sys.meta_path)
    with pytest.raises(InvalidContract, match=wrong):
        install([BUILT_IN, wanted])
    assert sys.meta_path == before


def test_imports_are_left_as_they_are(make: Make) -> None:
    plain = make("x = 1")
    with install([BUILT_IN]):
        guarded = make("x = 1")
        assert type(guarded.__spec__.loader) is type(plain.__spec__.loader)
        assert vars(guarded.__spec__.loader).keys() == vars(plain.__spec__.loader).keys()
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("made_by_nobody")
        with pytest.raises(ZeroDivisionError):
            make("1 / 0")


def test_what_is_no_processor(breaks: list[Break]) -> None:
    class Stub(abc.ABC):
        stats: dict[str, int] = {}  # noqa: RUF012

        @abc.abstractmethod
        def save_data(self) -> None: ...

    class Says(Protocol):
        def save_data(self) -> None: ...

    with install([contract(method="save_data", bases=["*"], sets="self.stats['rows_inserted']")]):
        for cls in (Stub, Says):
            assert "__tallylint_watch__" not in vars(cls.save_data)


def test_a_mixin(breaks: list[Break]) -> None:
    class Base(Guarded):
        __contracts__ = (BUILT_IN,)
        told: tuple[str, ...] = ()

        def __init_subclass__(cls, told: str = "", **kwargs: object) -> None:
            super().__init_subclass__(**kwargs)
            cls.told += (told,)

        def __init__(self) -> None:
            self.stats: dict[str, int] = {}

    class Heir(Base, told="me"):
        __contracts__ = (contract(method="load", returns=True),)

        def save_data(self) -> None:
            pass

    class Lower(Heir):
        def load(self) -> None:
            pass

    assert Heir.told == ("me",)
    Heir().save_data()
    Lower().save_data()
    Lower().load()
    assert [found.contract for found in breaks] == [str(BUILT_IN), str(BUILT_IN), "load returns a value"]
    with pytest.raises(InvalidContract, match="names its `method`"):
        type("Wrong", (Guarded,), {"__contracts__": (contract(returns=True),)})


def test_a_class_with_a_hook_of_its_own(breaks: list[Break]) -> None:
    @BUILT_IN
    class Base:
        told: tuple[str, ...] = ()

        def __init_subclass__(cls, told: str = "", **kwargs: object) -> None:
            super().__init_subclass__(**kwargs)
            cls.told += (told,)

        def __init__(self) -> None:
            self.stats: dict[str, int] = {}

    class Heir(Base, told="me"):
        def save_data(self) -> None:
            pass

    assert Heir.told == ("me",)
    Heir().save_data()
    assert len(breaks) == 1


def test_the_example_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its contracts are read, and its base classes found."""
    root = Path(__file__).resolve().parents[3] / "fixtures/pipeline"
    monkeypatch.syspath_prepend(str(root))
    names = [name for name in sys.modules if name.partition(".")[0] in ("pipeline", "processors")]
    assert not names
    try:
        with install([BUILT_IN], mode="raise"):
            module: Any = importlib.import_module("processors.finance.fx_rates")
            processor = module.FxRatesProcessor.__new__(module.FxRatesProcessor)
            assert "__tallylint_watch__" in vars(module.FxRatesProcessor.save_data)
            assert processor.table_name == module.FxRatesProcessor.table_name
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] in ("pipeline", "processors")]:
            del sys.modules[name]
