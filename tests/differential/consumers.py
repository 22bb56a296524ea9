#!/usr/bin/env python3
"""Writes random consumers and, by executing them, where the position moves past rows that are not stored.

Usage: consumers.py FOLDER SEED COUNT

Each program is executed with a store of which every call may fail, one to four rows to read, and settings
that say yes or no.  A row is lost if its write failed and it is at the end neither stored, nor parked, nor
given back, and the position covers it.  For each write that loses rows, `truth.json` has the lines at which
the position moved past them, and whether that always was after other rows had been stored.

What the truth leaves out: a position that covered the row before its write failed (it moved before the write,
which is another fault).  What parks rows does not fail.  The same seed gives the same programs, whatever the
counts are.  Python 3.9+, standard library only.
"""

import ast
import builtins
import json
import random
import sys
from pathlib import Path

from consumer_grammar import Consumer

PATH_LIMIT = 600
READS = 8  # how often one execution may read
FAULTS = (NameError, AttributeError, TypeError, KeyError, IndexError, UnboundLocalError)


class TooManyPaths(Exception):
    """The program has more paths than is worth the time."""


class End(BaseException):
    """The process is stopped: there is nothing more to read."""


class StoreError(Exception):
    """What the store raises."""


class OtherError(Exception):
    """An error that no program names."""


NAMED = {"StoreError": StoreError, "ConnectionError": ConnectionError, "TimeoutError": TimeoutError}


class Quiet:
    """An object all of whose methods do nothing."""

    def __getattr__(self, name):
        return lambda *args, **kwargs: Quiet()


class Settings:
    """Every setting is a choice that is then kept."""

    def __init__(self, run):
        self.run = run

    def __getattr__(self, name):
        value = self.__dict__[name] = self.run.choose(2) == 1
        return value


class Message:
    def __init__(self, run, number):
        self.run, self.number, self.offset, self.handle = run, number, number, number

    def value(self):
        return {"id": self.number}

    def ack(self):
        self.run.moves({self.number})

    delete = ack

    def nack(self):
        self.run.back.add(self.number)


def numbers(given):
    """The rows that something is or consists of."""
    if isinstance(given, Message):
        return {given.number}
    if isinstance(given, dict):
        return {given["id"]}
    return {n for item in given for n in numbers(item)}


class Store:
    def __init__(self, run):
        self.run = run

    def insert_rows(self, table, rows):
        if table == "dead_letters":
            self.run.parked |= numbers(rows)
        else:
            self.run.write(numbers(rows))

    def refresh(self):
        if self.run.choose(2):
            raise OtherError("gone")

    close = refresh


class DeadLetters:
    def __init__(self, run):
        self.run = run

    def send(self, rows):
        self.run.parked |= numbers(rows)

    put = send


class Source:
    """What is read: messages by offset, or rows by number."""

    def __init__(self, run):
        self.run, self.at = run, 0

    def take(self):
        self.run.reads += 1
        if self.run.reads > READS:
            raise End
        if self.at == self.run.size:
            self.run.reads += 2
            return None
        self.at += 1
        self.run.back.discard(self.at)  # it comes again
        return Message(self.run, self.at)

    def poll(self, timeout):
        return self.take()

    def get(self):
        return self.take()

    def consume(self, size):
        return [self.take() for _ in range(min(size, self.run.size - self.at))]

    def receive_messages(self):
        return [self.take() for _ in range(self.run.size - self.at)]

    def __iter__(self):
        return iter(self.take, None)

    def commit(self, message=None):
        self.run.moves_to(message.number if message else self.at)

    def seek(self, message):
        self.at = message.number - 1
        self.run.back.add(message.number)

    def ack(self, message):
        self.run.moves({message.number})

    def delete_message(self, handle):
        self.run.moves({handle})

    def reject(self, message):
        message.nack()

    requeue = reject

    def read_after(self, cursor):
        return [{"id": n} for n in range(cursor + 1, self.run.size + 1)]

    def fetch_page(self, cursor):
        self.run.reads += 1
        if self.run.reads > READS:
            raise End
        page = Quiet()
        page.rows = self.read_after(cursor)[:2]
        page.next_cursor = min(cursor + 2, self.run.size)
        return page


class State:
    def __init__(self, run):
        self.run = run

    def load_cursor(self):
        return 0

    def save_cursor(self, cursor):
        self.run.moves_to(cursor)

    def __setitem__(self, key, cursor):
        self.run.moves_to(cursor)

    def execute(self, statement, values):
        self.run.moves_to(values[0])


class Run:
    """One execution: follows a tape of choices, and notes what becomes of each row."""

    def __init__(self, tape, kinds, path, batches):
        self.tape, self.kinds, self.path, self.trail = tape, kinds, path, []
        self.reads = 0
        self.stored, self.parked, self.back = set(), set(), set()
        self.works = 0        # how many writes worked
        self.failed = {}      # a row -> the line of the write of it that failed last, and what had worked then
        self.covered = set()  # what the position covers now
        self.early = set()    # what it covered before the write failed
        self.passed = {}      # a row -> where the position moved past it after its write had failed
        self.size = (2, 4 if batches else 3, 1)[self.choose(3)]

    def choose(self, options):
        at = len(self.trail)
        pick = self.tape[at] if at < len(self.tape) else 0
        self.trail.append((pick, options))
        return pick

    def lines(self):
        """Where the program is, the innermost place first."""
        out, frame = [], sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename == self.path:
                out.append(frame.f_lineno)
            frame = frame.f_back
        return tuple(out)

    def write(self, rows):
        pick = self.choose(1 + len(self.kinds))
        if not pick:
            self.stored |= rows
            self.works += 1
            return
        self.early |= rows & self.covered
        self.failed.update((row, (self.lines()[0], self.works)) for row in rows)
        raise self.kinds[pick - 1]("refused")

    def moves_to(self, last):
        """An offset or a cursor covers all up to the last."""
        self.covered = {n for n in self.covered if n <= last}
        self.moves(set(range(1, last + 1)))

    def moves(self, rows):
        self.covered |= rows
        for row in rows & set(self.failed) - self.stored - self.parked - self.back:
            write, works = self.failed[row]
            self.passed.setdefault(row, set()).add((write, self.lines(), works < self.works))

    def lost(self):
        """{(the write, the lines at which the position moved past its rows, whether other rows were stored meanwhile)}"""
        out = set()
        for row in (self.covered & set(self.failed)) - self.stored - self.parked - self.back - self.early:
            out |= self.passed.get(row, set())
        return out


def load(run, number, members):
    """The entry of a program, in a world of its own."""
    source = Source(run)
    world = {"store": Store(run), "dead_letters": DeadLetters(run), "settings": Settings(run), "state": State(run),
             "consumer": source, "queue": source, "source": source}
    return [world[name] for name in members]


def faked(name, *given):
    if name == "contextlib":
        return __import__(name)
    module = Quiet()
    module.StoreError = StoreError
    module.parse = lambda message: [message.value()]
    return module


def judge(path, source, consumer):
    """What each execution loses, see `Run.lost`."""
    code = compile(source, path, "exec")
    named = {n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name)}
    kinds = [kind for name, kind in NAMED.items() if name in named] + [OtherError]
    space = {"__name__": "program", "__builtins__": {**vars(builtins), "__import__": faked, "print": lambda *args: None}}
    exec(code, space)
    lost, paths, tape = set(), 0, []
    while tape is not None:
        if paths == PATH_LIMIT:
            raise TooManyPaths
        paths += 1
        run = Run(tape, kinds, path, "read-buffer" in consumer.features)
        given = load(run, consumer.number, consumer.members)
        entry = "run{}".format(consumer.number)
        try:
            if consumer.in_class:
                getattr(space["Worker{}".format(consumer.number)](*given), entry)()
            else:
                space[entry](*given)
        except End:
            pass
        except FAULTS:
            raise  # no choice explains it: the grammar is wrong
        except Exception:
            pass  # the failure stops the run
        lost |= run.lost()
        trail = run.trail
        while trail and trail[-1][0] + 1 == trail[-1][1]:
            trail.pop()
        tape = [p for p, _ in trail[:-1]] + [trail[-1][0] + 1] if trail else None
    return lost


def program(folder, seed, number):
    """Writes one program and returns its truth, or None if it has too many paths."""
    consumer = Consumer(random.Random("{}/{}".format(seed, number)), number)
    source = "\n".join(line.rstrip() for line in consumer.text()).rstrip() + "\n"
    path = folder / "c{:05}.py".format(number)
    try:
        lost = judge(str(path), source, consumer)
    except TooManyPaths:
        return None
    path.write_text(source, encoding="utf-8")
    writes = {}
    for write, lines, later in lost:
        entry = writes.setdefault(write, [set(), True])
        entry[0].update(lines)
        entry[1] &= later
    return {"file": path.name, "features": sorted(consumer.features),
            "lost": [[write, sorted(lines), later] for write, (lines, later) in sorted(writes.items())]}


def main(args):
    folder, seed, count = Path(args[0]).resolve(), args[1], int(args[2])
    folder.mkdir(parents=True, exist_ok=True)
    truth, number = [], 0
    while len(truth) < count:
        found = program(folder, seed, number)
        number += 1
        if found:
            truth.append(found)
    (folder / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")
    print("{} consumers of {}, {} lose rows".format(count, number, sum(1 for t in truth if t["lost"])))


if __name__ == "__main__":
    main(sys.argv[1:])
