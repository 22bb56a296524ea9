"""What sets a place, and what is only left over."""

from __future__ import annotations

import copy
import json
import pickle
import sys
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from tallylint.guard import Break, contract, counts

Stats = dict[str, Any]
MISSING = object()


def run(body: Callable[[Any], object], stats: object, sets: str = "self.stats['rows']") -> Any:
    """Call a guarded method with this body on an object with these stats; returns the object."""

    @contract(method="save", sets=sets)
    class Base:
        pass

    class Processor(Base):
        def __init__(self) -> None:
            if stats is not MISSING:
                self.stats: Any = stats

        def save(self) -> object:
            return body(self)

    processor = Processor()
    processor.save()
    return processor


def put(value: object) -> Callable[[Any], None]:
    return lambda self: self.stats.__setitem__("rows", value)


SETS: dict[str, Callable[[Any], object]] = {
    "a store": put(7),
    "an equal store": put(5),
    "+=": lambda self: self.stats.__setitem__("rows", self.stats["rows"] + 2),
    "+= 0": lambda self: self.stats.__setitem__("rows", self.stats["rows"] + 0),
    "update": lambda self: self.stats.update(rows=5),
    "|=": lambda self: self.stats.__ior__({"rows": 5}),
    "a new dict": lambda self: setattr(self, "stats", {"rows": 5}),
    "after del": lambda self: (self.stats.pop("rows"), self.stats.setdefault("rows", 5)),
    "None": put(None),
}
LEAVES: dict[str, Callable[[Any], object]] = {
    "nothing": lambda self: None,
    "a sibling": lambda self: self.stats.update(rows_failed=1),
    "a read": lambda self: f"{self.stats.get('rows', 0)} {self.stats['rows']}",
    "setdefault": lambda self: self.stats.setdefault("rows", 0),
    "a copy": lambda self: setattr(self, "stats", dict(self.stats)),
}
LOSES: dict[str, Callable[[Any], object]] = {
    "del": lambda self: self.stats.__delitem__("rows"),
    "clear": lambda self: self.stats.clear(),
    "an empty dict": lambda self: setattr(self, "stats", {}),
    "no dict": lambda self: setattr(self, "stats", None),
    "no attribute": lambda self: delattr(self, "stats"),
}


@pytest.mark.parametrize("what", SETS)
def test_what_sets_a_left_over_key(what: str, breaks: list[Break]) -> None:
    processor = run(SETS[what], {"rows": 5})
    assert not breaks
    assert type(processor.stats["rows"]) in (int, type(None))


@pytest.mark.parametrize("old", [0, 5, 10**30, 0.5, "five", ""])
@pytest.mark.parametrize("what", LEAVES)
def test_what_leaves_it_over(what: str, old: object, breaks: list[Break]) -> None:
    stats: Stats = {"first": 1, "rows": old, "last": 2}
    processor = run(LEAVES[what], stats)
    assert [b.reason for b in breaks] == [f"did not set self.stats['rows']: {old!r} is left over from before"]
    # Everything is as it was, the order of the keys and the very object included.
    assert stats["rows"] is old
    assert processor.stats["rows"] is old
    assert list(stats)[:3] == ["first", "rows", "last"]


@pytest.mark.parametrize("what", LOSES)
def test_what_loses_it(what: str, breaks: list[Break]) -> None:
    stats: Stats = {"rows": 5}
    run(LOSES[what], stats)
    assert len(breaks) == 1
    assert stats.get("rows", 5) == 5
    assert type(stats.get("rows", 5)) is int


@pytest.mark.parametrize("stats", [{}, {"other": 1}, MISSING, None])
def test_a_place_that_was_not_there(stats: object, breaks: list[Break]) -> None:
    run(lambda self: setattr(self, "stats", {"rows": 0}), stats)
    assert not breaks
    run(lambda self: None, stats)
    assert [b.reason for b in breaks] == ["did not set self.stats['rows']"]


def test_a_left_over_value_is_what_it_was(breaks: list[Break]) -> None:
    seen: list[Any] = []

    def look(self: Any) -> None:
        rows = self.stats["rows"]
        seen.append(rows)
        assert isinstance(rows, int)
        assert (rows, f"{rows:03}", str(rows), repr(rows), hash(rows), bool(rows)) == (
            5,
            "005",
            "5",
            "5",
            hash(5),
            True,
        )
        assert json.dumps(self.stats) == '{"rows": 5}'
        for clean in (
            copy.copy(rows),
            copy.deepcopy(self.stats)["rows"],
            pickle.loads(pickle.dumps(rows)),
            rows + 0,
            int(rows),
        ):
            assert (clean, type(clean)) == (5, int)

    run(look, {"rows": 5})
    assert len(seen) == 1
    assert len(breaks) == 1


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (None, MISSING, "broken"),
        (True, MISSING, "unsure"),
        (True, True, "unsure"),
        (False, True, "kept"),
        (None, 0, "kept"),
    ],
)
def test_what_gets_no_mark(old: object, new: object, verdict: str, breaks: list[Break]) -> None:
    run((lambda self: None) if new is MISSING else put(new), {"rows": old})
    (count,) = [c for c in counts() if "run.<locals>" in c.processor]
    assert getattr(count, verdict) == 1
    assert count.kept + count.broken + count.unsure == 1
    assert len(breaks) == (verdict == "broken")


@pytest.mark.parametrize("kind", [OrderedDict, lambda pairs: defaultdict(int, pairs)])
def test_kinds_of_dicts(kind: Any, breaks: list[Break]) -> None:
    stats = kind({"rows": 5})
    run(lambda self: None, stats)
    assert len(breaks) == 1
    assert type(stats["rows"]) is int
    run(put(5), stats)
    assert len(breaks) == 1


class Slotted:
    __slots__ = ("rows",)
    rows: int


class Computed:
    held = 5

    @property
    def rows(self) -> int:
        return self.held

    @rows.setter
    def rows(self, value: int) -> None:
        self.held = value


class Preset:
    rows: Any = 5


@pytest.mark.parametrize("report", [SimpleNamespace(rows=5), Slotted(), Mock(rows=5), Preset()])
def test_attributes(report: Any, breaks: list[Break]) -> None:
    if isinstance(report, Slotted):
        report.rows = 5
    run(lambda self: None, report, "self.stats.rows")
    assert len(breaks) == 1
    assert type(report.rows) is int
    assert not isinstance(report, Preset) or not vars(report)
    run(lambda self: setattr(self.stats, "rows", 5), report, "self.stats.rows")
    assert len(breaks) == 1
    run(lambda self: setattr(self.stats, "rows", report.rows + 0), report, "self.stats.rows")
    assert len(breaks) == 1


def test_a_property_that_may_have_been_set(breaks: list[Break]) -> None:
    run(lambda self: None, Computed(), "self.stats.rows")
    run(lambda self: setattr(self.stats, "rows", 5), Computed(), "self.stats.rows")
    run(lambda self: setattr(self.stats, "rows", 6), Computed(), "self.stats.rows")
    assert not breaks
    found = [c for c in counts() if "run.<locals>" in c.processor]
    assert [(c.kept, c.unsure) for c in found] == [(1, 2)]


def test_keys_in_keys(breaks: list[Break]) -> None:
    stats: Stats = {"totals": {"rows": 5}}
    run(lambda self: None, stats, "self.stats['totals']['rows']")
    assert len(breaks) == 1
    assert stats == {"totals": {"rows": 5}}
    run(lambda self: stats["totals"].update(rows=5), stats, "self.stats['totals']['rows']")
    assert len(breaks) == 1


def test_an_alias_sees_what_is_set(breaks: list[Break]) -> None:
    stats: Stats = {"rows": 5}
    run(lambda self: stats.update(rows=5), stats)
    assert not breaks


def test_a_dict_that_is_no_longer_the_place_is_put_back(breaks: list[Break]) -> None:
    stats: Stats = {"rows": 5}
    run(lambda self: setattr(self, "stats", {"rows": 1}), stats)
    assert not breaks
    assert type(stats["rows"]) is int


def test_one_of_several(breaks: list[Break]) -> None:
    @contract(sets=["self.rows", "self.failed"], returns=".rows")
    def save(self: Any, what: str) -> Any:
        if what == "returns":
            return SimpleNamespace(rows=1)
        setattr(self, what, 1)
        return None

    for what in ("rows", "failed", "returns"):
        save(SimpleNamespace(), what)
    assert not breaks
    save(SimpleNamespace(), "other")
    assert breaks[0].reason == "did not set self.rows or did not set self.failed or did not return a value with .rows"


def test_parameters(breaks: list[Break]) -> None:
    @contract(sets="context['rows']")
    def load(day: str, context: Stats, *, is_empty: bool = False) -> None:
        if not is_empty:
            context["rows"] = 1

    @contract(sets="context['rows']")
    def by_name(*, context: Stats) -> None:
        pass

    load("today", {})
    load("today", context={"rows": 1})
    assert not breaks
    load("today", {}, is_empty=True)
    load("today", context={"rows": 1}, is_empty=True)
    by_name(context={"rows": 1})
    assert len(breaks) == 3


def test_two_calls_on_one_object_at_the_same_time(breaks: list[Break]) -> None:
    inside, go_on = threading.Barrier(2), threading.Event()
    stats: Stats = {"rows": 5}

    def body(self: Any) -> None:
        inside.wait(10)
        go_on.wait(10)

    @contract(sets="self.stats['rows']")
    def save(self: Any) -> None:
        body(self)

    subject = SimpleNamespace(stats=stats)
    threads = [threading.Thread(target=save, args=(subject,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join(10)
    # Who began first puts the value back, and the other one may take that for a store. It is never lost.
    assert type(stats["rows"]) is int
    assert stats == {"rows": 5}
    assert 1 <= len(breaks) <= 2


def test_a_contract_inside_of_another_one(breaks: list[Break]) -> None:
    @contract(sets="self.stats['rows']")
    def inner(self: Any) -> None:
        pass

    @contract(sets=["self.stats['rows']", "self.nothing"])
    def outer(self: Any) -> None:
        inner(self)

    subject = SimpleNamespace(stats={"rows": 5})
    outer(subject)
    assert [b.function.rpartition(".")[2] for b in breaks] == ["inner", "outer"]
    assert type(subject.stats["rows"]) is int


@pytest.mark.skipif(sys.version_info < (3, 10), reason="it switches threads anywhere")
def test_no_store_of_another_thread_is_lost(breaks: list[Break]) -> None:
    @contract(sets="self.stats['rows']")
    def save(self: Any) -> None:
        pass

    subject = SimpleNamespace(stats={"rows": 0})
    thread = threading.Thread(target=lambda: [save(subject) for _ in range(5000)])
    thread.start()
    number = 0
    while thread.is_alive() or number < 5000:
        number += 1
        subject.stats["rows"] = number
        assert subject.stats["rows"] == number
    thread.join()
    assert subject.stats["rows"] == number
