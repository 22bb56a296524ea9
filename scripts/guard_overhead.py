#!/usr/bin/env python3
"""Measure what the guard costs for each call, beyond a wrapper that only passes the call on.

Usage: guard_overhead.py [options of pyperf, such as --fast or --rigorous]

Needs pyperf (.ci/requirements.txt). The table at the end has, for each kind of call, the time in the bare wrapper, the
time in the guarded function, and the difference: in microseconds, and in calls of an empty function, which hardly depends
on the machine. They are the least of all values: whatever else runs on the machine only adds to them. docs/guard.md has
the figures of one machine.
"""

import asyncio
import functools
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))

import pyperf  # noqa: E402

from tallylint import guard  # noqa: E402


def bare(function):
    """The wrapper that the guard is compared with."""
    if asyncio.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapper(*args, **kwargs):
            return await function(*args, **kwargs)

    else:

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)

    return wrapper


class Processor:
    """What a method is called on: its key or attribute is left over from the call before."""

    def __init__(self):
        self.stats, self.rows = {}, 0


def sets_new_key(self):
    self.stats.clear()
    self.stats["rows"] = 1


def sets_key(self):
    self.stats["rows"] = 1


def sets_attribute(self):
    self.rows = 1


def returns(self):
    return 1


async def sets_later(self):
    self.stats["rows"] = 1


def is_inner(self):
    return None


def empty():
    return None


KEY, ATTRIBUTE = {"sets": "self.stats['rows']"}, {"sets": "self.rows"}
CASES = {
    "sets a key that was not there": (sets_new_key, KEY),
    "sets a key that was there": (sets_key, KEY),
    "sets an attribute": (sets_attribute, ATTRIBUTE),
    "returns a value": (returns, {"returns": True}),
    "a coroutine sets a key": (sets_later, KEY),
    "is called by super()": (is_inner, KEY),
}


def repeat(loops, function, is_coroutine, is_inside):
    """The time of so many calls."""
    processor = Processor()
    if is_coroutine:

        def call():
            try:
                function(processor).send(None)
            except StopIteration:
                pass

    else:
        call = functools.partial(function, processor)
    if not is_inside:
        return timed(loops, call)
    found = []

    @guard.contract(**KEY)
    def outer(self):
        found.append(timed(loops, functools.partial(function, self)))
        self.stats["rows"] = 1

    outer(processor)
    return found[0]


def timed(loops, call):
    rounds = range(loops)
    start = pyperf.perf_counter()
    for _ in rounds:
        call()
    return pyperf.perf_counter() - start


def least(bench):
    return min(bench.get_values())


def main():
    guard.configure(mode="count")
    # Many short values, so that some of them are undisturbed.
    runner = pyperf.Runner(processes=10, values=20, min_time=0.005)
    unit = runner.bench_time_func("an empty function", timed, empty)
    rows = []
    for name, (function, keys) in CASES.items():
        is_coroutine, is_inside = asyncio.iscoroutinefunction(function), function is is_inner
        pair = [
            runner.bench_time_func(f"{name}, {kind}", repeat, wrapped, is_coroutine, is_inside)
            for kind, wrapped in (("bare", bare(function)), ("guarded", guard.contract(**keys)(function)))
        ]
        rows.append((name, pair))
    if runner.args.worker or unit is None or not all(bench for _, pair in rows for bench in pair):
        return
    one = least(unit)
    print(f"\nPython {platform.python_version()}\n")
    print("| a call that … | bare | guarded | more | in empty calls |\n|---|---|---|---|---|")
    for name, (before, after) in rows:
        more = least(after) - least(before)
        micro = [f"{seconds * 1e6:.2f} µs" for seconds in (least(before), least(after), more)]
        print(f"| {name} | {' | '.join(micro)} | {more / one:.0f} |")


if __name__ == "__main__":
    main()
