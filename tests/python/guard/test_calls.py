"""Which calls are checked, and when: kinds of functions, chains, recursion, exceptions."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import functools
import inspect
import pickle
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from tallylint.guard import Break, Guarded, contract, counts

ROWS = contract(method="save", sets="self.rows")


@contract(sets="context['rows']")
def run_prices(day: str, context: dict[str, int], *, limit: int = 3) -> str:
    """Load the prices of a day."""
    return f"{day} {limit}"


@ROWS
class Base:
    def __init__(self, rows: object = None) -> None:
        if rows is not None:
            self.rows = rows


class Heir(Base):
    def save(self) -> None:
        self.rows = 1


class Forgets(Base):
    def save(self) -> None:
        pass


def names(breaks: list[Break]) -> list[str]:
    return [found.function.rpartition(".")[0].rpartition(".")[2] for found in breaks]


def test_what_it_looks_like(breaks: list[Break]) -> None:
    assert run_prices.__name__ == "run_prices"
    assert run_prices.__doc__ == "Load the prices of a day."
    assert str(inspect.signature(run_prices)) == "(day: 'str', context: 'dict[str, int]', *, limit: 'int' = 3) -> 'str'"
    assert run_prices("today", {}, limit=1) == "today 1"
    assert inspect.unwrap(run_prices) is not run_prices
    assert pickle.loads(pickle.dumps(run_prices)) is run_prices
    clone = pickle.loads(pickle.dumps(Heir(5)))
    assert vars(clone) == {"rows": 5}
    assert vars(copy.deepcopy(clone)) == {"rows": 5}


def test_pickling_while_a_call_runs(breaks: list[Break]) -> None:
    found: list[Any] = []
    subject = Pickles(5)
    subject.found = found
    subject.save()
    assert [(clone.rows, type(clone.rows)) for clone in found] == [(5, int)]
    assert names(breaks) == ["Pickles"]


class Pickles(Base):
    found: list[Any]

    def save(self) -> None:
        found = vars(self).pop("found")
        found.append(pickle.loads(pickle.dumps(self)))


def test_heirs_are_guarded(breaks: list[Break]) -> None:
    Heir().save()
    Forgets().save()
    assert names(breaks) == ["Forgets"]
    assert breaks[0].processor.endswith("Forgets")
    assert breaks[0].path == __file__
    assert breaks[0].line == inspect.getsourcelines(Forgets.save)[1]


def test_an_heir_that_inherits_is_told_by_its_own_name(breaks: list[Break]) -> None:
    class Lowest(Forgets):
        pass

    Lowest().save()
    assert breaks[0].processor.endswith("<locals>.Lowest")
    assert breaks[0].function.endswith(".Forgets.save")


def test_only_the_outermost_of_a_chain(breaks: list[Break]) -> None:
    class Sets(Forgets):
        def save(self) -> None:
            super().save()
            self.rows = 1

    class Delegates(Heir):
        def save(self) -> None:
            super().save()

    class Loses(Heir):
        def save(self) -> None:
            super().save()
            del self.rows

    Sets().save()
    Delegates().save()
    assert not breaks
    Loses().save()
    assert names(breaks) == ["Loses"]
    assert sum(c.kept + c.broken for c in counts()) == 3


def test_recursion_and_another_object_in_a_call(breaks: list[Break]) -> None:
    class Nested(Base):
        def __init__(self, depth: int) -> None:
            self.depth = depth

        def save(self) -> None:
            if self.depth:
                self.depth -= 1
                self.save()
            else:
                Forgets().save()
                self.rows = 1

    Nested(3).save()
    assert names(breaks) == ["Forgets"]
    assert sum(c.kept for c in counts()) == 1


def test_recursion_of_functions(breaks: list[Break]) -> None:
    @contract(returns=True)
    def total(depth: int) -> int | None:
        if depth:
            total(depth - 1)
            return depth
        return None

    assert total(3) == 3
    assert not breaks
    total(0)
    assert len(breaks) == 1


def test_an_exception_is_no_return(breaks: list[Break]) -> None:
    class Fails(Base):
        def save(self) -> None:
            raise ValueError(self.rows)

    subject = Fails(5)
    with pytest.raises(ValueError, match="5"):
        subject.save()
    assert not breaks
    assert not counts()
    assert type(subject.rows) is int
    with pytest.raises(ValueError, match="5"):  # nothing of the first call goes on
        subject.save()


def test_also_when_raising(breaks: list[Break]) -> None:
    @contract(sets="self.rows", also_when_raising=True)
    def save(self: Any, error: BaseException, rows: int | None = None) -> None:
        if rows is not None:
            self.rows = rows
        raise error

    for error in (ValueError(), KeyboardInterrupt(), GeneratorExit()):
        with pytest.raises(type(error)):
            save(SimpleNamespace(), error)
    assert [b.raised for b in breaks] == [True]
    assert "ended in an exception, but did not set self.rows" in str(breaks[0])
    with pytest.raises(ValueError, match="late"):
        save(SimpleNamespace(), ValueError("late"), 1)
    assert len(breaks) == 1


def test_coroutines(breaks: list[Break]) -> None:
    class Waits(Base):
        def __init__(self, sets: bool) -> None:
            self.sets = sets

        async def save(self) -> str:
            await asyncio.sleep(0)
            if self.sets:
                self.rows = 1
            return "done"

    class Below(Waits):
        async def save(self) -> str:
            await super().save()
            await asyncio.sleep(0)
            self.rows = 1
            return "below"

    async def main() -> list[str]:
        return list(await asyncio.gather(*(k(sets).save() for k in (Waits, Below) for sets in (True, False))))

    assert inspect.iscoroutinefunction(Waits.save)
    assert asyncio.run(main()) == ["done", "done", "below", "below"]
    assert names(breaks) == ["Waits"]
    assert sum(c.kept for c in counts()) == 3


def test_a_coroutine_that_is_cancelled(breaks: list[Break]) -> None:
    @contract(sets="self.rows")
    async def save(self: Any) -> None:
        await asyncio.sleep(60)

    subject = SimpleNamespace(rows=5)

    async def main() -> None:
        task = asyncio.ensure_future(save(subject))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert not breaks
    assert type(subject.rows) is int


def test_tasks_on_one_object(breaks: list[Break]) -> None:
    @contract(sets="self.rows")
    async def save(self: Any, sets: bool, first: bool = True) -> None:
        if first:  # a task that a call starts is a call of its own, and may outlive it
            self.task = asyncio.ensure_future(save(self, False, False))
        await asyncio.sleep(0.001 if first else 0.01)
        if sets:
            self.rows = 1

    async def main() -> None:
        subject = SimpleNamespace()
        await save(subject, True)
        await subject.task
        await save(subject, False, False)

    asyncio.run(main())
    assert len(breaks) == 1


def test_a_plain_function_that_gives_a_coroutine(breaks: list[Break]) -> None:
    async def inner(self: Any, sets: bool) -> None:
        await asyncio.sleep(0)
        if sets:
            self.rows = 5

    @contract(sets="self.rows")
    def save(self: Any, sets: bool) -> Awaitable[None]:
        return inner(self, sets)

    @contract(sets="self.rows")
    def submit(self: Any) -> Awaitable[None]:
        return asyncio.ensure_future(inner(self, True))

    async def main() -> None:
        await save(SimpleNamespace(rows=5), True)
        assert not breaks
        await save(SimpleNamespace(rows=5), False)
        assert len(breaks) == 1
        await submit(SimpleNamespace())

    asyncio.run(main())
    assert len(breaks) == 1
    assert sum(c.unsure for c in counts()) == 1


def test_generators(breaks: list[Break]) -> None:
    class Yields(Base):
        def save(self, sets: bool) -> Iterator[Any]:
            got = yield 1
            try:
                yield got
            except KeyError:
                yield 3
            if sets:
                self.rows = 1

    assert inspect.isgeneratorfunction(Yields.save)
    for sets in (True, False):
        steps = Yields().save(sets)
        assert next(steps) == 1
        assert steps.send(2) == 2  # type: ignore[attr-defined]
        assert steps.throw(KeyError()) == 3  # type: ignore[attr-defined]
        assert len(breaks) == 0
        assert list(steps) == []
    assert names(breaks) == ["Yields"]
    subject = Yields(5)
    steps = subject.save(False)
    assert next(steps) == 1
    assert subject.rows == 5
    steps.close()  # type: ignore[attr-defined]
    assert type(subject.rows) is int
    Yields().save(False)  # nobody iterates it
    assert len(breaks) == 1


def test_generators_that_take_turns(breaks: list[Break]) -> None:
    class Turns(Base):
        def save(self) -> Iterator[int]:
            yield 1
            yield 2

    subject = Turns()
    one, other = subject.save(), subject.save()
    assert [next(one), next(other), next(one), next(other)] == [1, 1, 2, 2]
    assert list(one) == []
    assert list(other) == []
    assert list(subject.save()) == [1, 2]
    assert len(breaks) == 3


def test_a_generator_returns_a_value(breaks: list[Break]) -> None:
    @contract(returns=True)
    def rows() -> Iterator[int]:
        yield 1

    @contract(returns="['rows']")
    def parts() -> Iterator[int]:
        yield 1

    assert [*rows(), *parts()] == [1, 1]
    assert not breaks
    assert sorted((c.kept, c.unsure) for c in counts()) == [(0, 1), (1, 0)]


def test_asynchronous_generators(breaks: list[Break]) -> None:
    class Yields(Base):
        async def save(self, sets: bool) -> AsyncIterator[int]:
            yield 1
            try:
                await asyncio.sleep(0)
                yield 2
            except KeyError:
                yield 3
            if sets:
                self.rows = 1

    async def main() -> None:
        assert [n async for n in Yields().save(True)] == [1, 2]
        assert not breaks
        steps: Any = Yields().save(False)
        assert await steps.__anext__() == 1
        assert await steps.__anext__() == 2
        assert await steps.athrow(KeyError()) == 3
        with pytest.raises(StopAsyncIteration):
            await steps.__anext__()
        assert len(breaks) == 1
        subject = Yields(5)
        steps = subject.save(False)
        await steps.__anext__()
        await steps.aclose()
        assert type(subject.rows) is int

    assert inspect.isasyncgenfunction(Yields.save)
    asyncio.run(main())
    assert len(breaks) == 1


def test_threads_have_chains_of_their_own(breaks: list[Break]) -> None:
    @contract(sets="self.rows")
    def save(self: Any, depth: int) -> None:
        if depth:
            thread = threading.Thread(target=save, args=(self, 0))
            thread.start()
            thread.join()
        self.rows = 1 if depth else self.rows

    subject = SimpleNamespace(rows=5)
    save(subject, 1)
    assert len(breaks) == 1
    assert subject.rows == 1


def test_many_threads(breaks: list[Break]) -> None:
    def work() -> None:
        for _ in range(50):
            Heir(5).save()
            Forgets(5).save()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(breaks) == ["Forgets"] * 400
    assert sum(c.broken for c in counts()) == 400


def test_kinds_of_methods(breaks: list[Break]) -> None:
    def wrapped(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        return wrapper

    class Kinds(Guarded):
        __contracts__ = (contract(method=["save*"], sets="self.rows"), contract(method="made", sets="cls.rows"))

        @wrapped
        def save(self) -> None:
            pass

        @staticmethod
        def save_nothing() -> None:
            pass

        save_is_a_value = 3

        @classmethod
        def made(cls, sets: bool) -> None:
            if sets:
                setattr(cls, "rows", 1)  # noqa: B010

    Kinds().save()
    Kinds.save_nothing()
    Kinds.made(True)
    assert len(breaks) == 1
    Kinds.made(False)  # the value is the same object, so nobody can tell
    assert len(breaks) == 1
    assert sum(c.unsure for c in counts()) == 1


def test_calls_that_have_to_be_made(breaks: list[Break]) -> None:
    class Metrics:
        def record(self, rows: int) -> int:
            return rows

    @contract(method="save", calls=["self.metrics.record", "self.skip"])
    class Processor:
        def __init__(self) -> None:
            self.metrics, self.other = Metrics(), Metrics()

        def save(self, how: str) -> object:
            if how == "records":
                return self.metrics.record(3)
            if how == "by an alias":
                record = self.metrics.record
                return record(3)
            if how == "raises":
                with contextlib.suppress(TypeError):
                    self.metrics.record()  # type: ignore[call-arg]
            if how == "on another":
                self.other.record(3)
            if how == "skips":
                self.skip()
            return None

        def skip(self) -> None:
            pass

    assert Processor().save("records") == 3
    assert Processor().save("by an alias") == 3
    for how in ("raises", "skips"):
        Processor().save(how)
    assert not breaks
    for how in ("on another", "not at all"):
        Processor().save(how)
    assert [b.reason for b in breaks] == ["did not call self.metrics.record or did not call self.skip"] * 2
    Metrics().record(3)
    replaced = Processor()
    replaced.metrics = SimpleNamespace(record=None)  # type: ignore[assignment]
    replaced.save("not at all")
    assert len(breaks) == 2
    assert sum(c.unsure for c in counts()) == 1


def record_rows(rows: int) -> None:
    """Is what a contract below wants called."""


def tell(rows: int) -> None:
    record_rows(rows)


@contract(calls="record_rows")
def load(rows: int) -> None:
    if rows:
        tell(rows)


@contract(calls="metrics.record")
async def load_later(rows: int) -> None:
    if rows:
        metrics.record(rows)


class _Metrics:
    def record(self, rows: int) -> None:
        pass


metrics = _Metrics()


def test_functions_that_have_to_be_called(breaks: list[Break]) -> None:
    load(1)
    asyncio.run(load_later(1))
    assert not breaks
    load(0)
    asyncio.run(load_later(0))
    assert [b.reason for b in breaks] == ["did not call record_rows", "did not call metrics.record"]


def test_a_mock_that_has_to_be_called(breaks: list[Break]) -> None:
    from unittest.mock import Mock

    @contract(calls="self.metrics.record")
    def save(self: Any, sets: bool) -> None:
        if sets:
            self.metrics.record(3)

    subject = Mock()
    save(subject, True)
    subject.metrics.record.assert_called_once_with(3)
    subject.metrics.record.return_value = 4
    assert subject.metrics.record() == 4
    assert not breaks
    save(subject, False)
    assert len(breaks) == 1


def test_returned_values(breaks: list[Break]) -> None:
    @contract(returns=["['rows']", ".rows"])
    def job(value: object) -> object:
        return value

    for value in ({"rows": None}, SimpleNamespace(rows=0)):
        assert job(value) is value
    assert not breaks
    others: tuple[object, ...] = (None, {}, 3, [1])
    for other in others:
        job(other)
    assert len(breaks) == 4


def test_two_contracts_on_one_function(breaks: list[Break]) -> None:
    @contract(returns=True)
    @contract(sets="self.rows")
    @contract(sets="self.rows")
    def save(self: Any, rows: int | None) -> int | None:
        if rows:
            self.rows = rows
        return rows

    save(SimpleNamespace(), 1)
    assert not breaks
    save(SimpleNamespace(), None)
    assert [b.reason for b in breaks] == ["did not set self.rows", "did not return a value"]
