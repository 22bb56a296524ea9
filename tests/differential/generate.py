#!/usr/bin/env python3
"""Writes random processor programs and, by executing them, the truth about each.

Usage: generate.py FOLDER SEED COUNT [SHAPED]

FOLDER gets single files and small packages (base, mixins, helpers and processors in modules of
their own), and `truth.json`: for every class the exits of `save_data` that some execution takes
without the key, and where failed writes are caught and forgotten.  SHAPED more programs are made
around the shapes of `shapes.py`, in turn.  The same seed gives the same programs, whatever the counts
are.  Python 3.9+, standard library only.
"""

import ast
import itertools
import json
import random
import shutil
import sys
import warnings
from pathlib import Path

import execute
from grammar import Scope, Writer, ind
from shapes import SHAPES, ShapeWriter

PATH_LIMIT = 250
HEADER = """import asyncio
import functools
import logging
from abc import abstractmethod
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

import vendor
from vendor.sink import send

if TYPE_CHECKING:
    from vendor.types import Rows

logger = logging.getLogger(__name__)
"""
SHAPED_HEADER = HEADER.replace("from datetime", "from dataclasses import dataclass\nfrom datetime").replace(
    "import TYPE_CHECKING", "import TYPE_CHECKING, ClassVar, Final")
SHAPED_NUMBERS = 50000  # the number of the first program with a shape


def method(name, body, is_async=False, decorators=()):
    return [*decorators, "{}def {}(self):".format("async " if is_async else "", name), *ind(body)]


def cls(name, bases, members, head=()):
    lines = list(head)
    for member in members:
        lines += ([""] if lines else []) + member
    return ["class {}{}:".format(name, "({})".format(", ".join(bases)) if bases else ""), *ind(lines or ["pass"])]


class Layout:
    """One program: its classes and in which file each thing is."""

    def __init__(self, rng, number, shape=None):
        self.rng, self.number = rng, number
        self.w = ShapeWriter(rng, number, shape) if shape else Writer(rng)
        self.header = SHAPED_HEADER if shape else HEADER
        self.is_async = self.w.one_in(6)
        self.resolved = not self.w.one_in(3)
        self.package = self.w.package = self.resolved and self.w.one_in(2)
        self.checked = []  # classes to judge
        self.make()

    def named(self, stem):
        return "{}{}".format(stem, self.number)

    def body(self, size, parent=False):
        """The body of `save_data`."""
        w = self.w
        s = Scope(is_async=self.is_async)
        above = "{}super().save_data()".format("await " if self.is_async else "")
        before = w.body(s, size)
        body = ["rows = self.transformed_data", *before]
        if parent and self.rng.random() < 0.8:
            call = w.pick([above], [above], ["if {}:".format(w.test(s)), "    return " + above], ["try:", "    " + above, *w.handler(s)],
                          ["if {}:".format(w.test(s)), "    " + above])
            body = body[:1] + w.pick(call + before, before + call)
        if w.one_in(3):
            body += w.setting(s)
        return body

    def inside(self, where):
        """The helpers of what is written next go to these classes, all of which it inherits from."""
        w = self.w
        root = [w.top] if self.resolved else []
        w.homes = {"root": [w.top], "middle": [w.base, *root], "side": [w.side, *root],
                   "last": [w.own, w.own, w.mixin, w.base, *root]}[where]
        if self.rng.random() < 0.03:
            w.homes = [w.own]  # a hook that only the last class has

    def make(self):
        w = self.w
        root, middle, mixin, last = (self.named(n) for n in ("RootProcessor", "Middle", "StepMixin", "Proc"))
        shape = w.pick("plain", "plain", "plain", "diamond", "chain", "hook")
        w.features.add(shape)
        outer = root if self.resolved else "ProcessorBase"
        decorators = []
        if w.one_in(6) and not self.is_async:
            decorators = [w.decorator(self.is_async) for _ in range(w.pick(1, 1, 2))]
        self.inside("root")
        kind = w.pick("missing", "abstract", "sets", "block")
        if kind == "missing":
            top = method("save_data", ["raise NotImplementedError"], self.is_async)
        elif kind == "abstract":
            top = method("save_data", ['"""Saves the rows."""'], self.is_async, ["@abstractmethod"])
        elif kind == "sets":
            top = method("save_data", ["self.stats['rows_inserted'] = 0"], self.is_async)
        else:
            top = method("save_data", self.body(2), self.is_async)
        call = "asyncio.run(self.save_data())" if self.is_async else "self.save_data()"
        run = method("run", [call, "return self.stats.get('rows_inserted', 0)"])
        members, middles, sides = [], [], []
        bases = [middle]
        self.inside("last")
        if shape == "plain":
            members.append(method("save_data", self.body(w.size), self.is_async, decorators))
        elif shape == "chain":
            self.inside("middle")
            middles.append(method("save_data", self.body(2, self.resolved or w.one_in(3)), self.is_async))
            self.inside("last")
            members.append(method("save_data", self.body(2, True), self.is_async, decorators))
        elif shape == "diamond":
            self.inside("middle")
            middles.append(method("save_data", self.body(1, True), self.is_async))
            self.inside("side")
            sides.append(method("save_data", self.body(1, True), self.is_async))
            self.inside("last")
            members.append(method("save_data", self.body(1, True), self.is_async))
        else:
            self.inside("middle")
            leave = w.pick("bare", "bool")
            start = "await " if self.is_async else ""
            s = Scope(is_async=self.is_async, depth=2)
            call = start + "self.write_rows()"
            rest = [call] if leave == "bare" else w.pick(
                ["if {}:".format(call), *ind(w.block(s, 1))], ["done = " + call, *w.branch(s.but(kept=("done",)))])
            middles.append(method("save_data", ["rows = self.transformed_data", *w.block(s, 1), *rest], self.is_async))
            for where in (middles, members):
                self.inside("middle" if where is middles else "last")
                inner = Scope(is_async=self.is_async, leave=leave)
                lines = ["rows = self.transformed_data", *w.body(inner, 2), *w.returning(inner)]
                where.append(method("write_rows", lines, self.is_async))
        head = []
        if w.one_in(8) and "super()" not in str(members) and shape == "plain":
            w.features.add("stats-property")
            members.append(["@property", "def stats(self):", "    return self._stats", "", "@stats.setter",
                            "def stats(self, value):", "    self._stats = value"])
        if w.constants & {"class"}:
            head.append("ROWS = 'rows_inserted'")
        if "enum" in w.constants:
            head.append("kind: Kind")
        head += w.presets["base"]
        side = self.named("Side")
        parents = [middle]
        if sides:
            parents.append(side)
        if w.mixin:
            parents.insert(0, mixin)
        blocks = {"base": [], "mixins": [], "helpers": [], "main": []}
        helpers = [["class PipelineError(Exception):", "    pass"], ["ROWS_KEY = 'rows_inserted'"], ["MISSING = object()"],
                   cls("Kind", ["Enum"], [], ["FULL = 1", "DELTA = 2", "NONE = 3"]), *w.module]
        blocks["helpers"] = helpers
        top_head = head if self.resolved else []
        if self.resolved:
            blocks["base"].append(cls(root, [], [top, run, *w.top], top_head))
        blocks["base"].append(cls(middle, [outer], middles + w.base, [] if self.resolved else head))
        if w.mixin:
            blocks["mixins"].append(cls(mixin, [], w.mixin))
        if sides:
            blocks["base"].append(cls(side, [outer], sides + w.side, [] if self.resolved else head))
        blocks["main"].append(cls(last, parents, members + w.own, w.presets["last"]))
        if self.resolved and kind in ("sets", "block"):
            self.checked.append(root)
        self.checked += [c for c, m in ((middle, middles), (side, sides)) if m]
        self.checked.append(last)
        self.inherits = {last: middle} if shape == "hook" else {}
        self.blocks, self.names = blocks, (root, middle, mixin, side, last)

    def files(self):
        """{path relative to the folder: text}."""
        outside = "" if self.resolved else "from pipeline.base import ProcessorBase\n"
        stem = "p{:05}".format(self.number)
        if not self.package:
            parts = [b for where in ("helpers", "base", "mixins", "main") for b in self.blocks[where]]
            return {stem + ".py": self.header + outside + text(parts)}
        w = self.w
        own = ["PipelineError", "ROWS_KEY", "MISSING", "Kind"] + [
            line.split()[-1 if line.startswith("class") else 1].split("(")[0].rstrip(":")
            for b in w.module for line in b if line.startswith(("def ", "class "))]
        style = w.pick(".helpers", stem + ".helpers", ".")
        out = {"__init__.py": ""}
        if style == ".":
            style = "." if w.one_in(2) else stem
            out["__init__.py"] = "from .helpers import {}\n".format(", ".join(own))
        helping = "from {} import {}\n".format(style, ", ".join(own))
        if w.one_in(4):
            helping = "from .helpers import *\n"
        root, middle, mixin, side, last = self.names
        based = "from {} import {}\n".format(w.pick(".base", stem + ".base"), middle + (", " + side if len(self.blocks["base"]) > 2 else ""))
        mixed = "from .mixins import {}\n".format(mixin) if self.blocks["mixins"] else ""
        if w.one_in(3):
            based = "from . import base\n"
            fix = {middle: "base." + middle, side: "base." + side}
            first = self.blocks["main"][0]
            for name, new in fix.items():
                first[0] = first[0].replace(name, new)
        out["helpers.py"] = self.header + text(self.blocks["helpers"])
        out["base.py"] = self.header + outside + helping + text(self.blocks["base"])
        if mixed:
            out["mixins.py"] = self.header + helping + text(self.blocks["mixins"])
        out["main.py"] = self.header + helping + based + mixed + text(self.blocks["main"])
        return {stem + "/" + name: body for name, body in out.items()}


def text(blocks):
    return "".join("\n\n" + "\n".join(b) + "\n" for b in blocks)


def judge(folder, files, layout):
    """The truth about each class: {class: (exits, its owner's exits or None)}."""
    program = execute.Program([folder / f for f in files])
    out = {}
    for name in layout.checked:
        bad, good, _ = program.judge(name, PATH_LIMIT)
        if bad and program.is_wrapped(name):
            plain, _, _ = program.judge(name, PATH_LIMIT, plain=True)
            bad = plain or bad
        out[name] = bad
    layout.swallowed, layout.catches = program.swallowed, program.catches
    return out


def repair(folder, truth, rng, inherits):
    """Sets the key before some of the bad exits; says whether anything changed."""
    wanted = {}
    for name, bad in truth.items():
        if name not in inherits:
            for path, line in bad:
                if rng.random() < 0.6:
                    wanted.setdefault(path, set()).add(line)
    for path, numbers in wanted.items():
        source = Path(path).read_text(encoding="utf-8")
        lines = source.splitlines()
        ends = {n.lineno: n for n in ast.walk(ast.parse(source)) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
        edits = []
        for number in numbers:
            node = ends.get(number)
            indent = node.col_offset + 4 if node else len(lines[number - 1]) - len(lines[number - 1].lstrip())
            edits.append((node.end_lineno if node else number - 1, indent))
        for at, indent in sorted(edits, reverse=True):
            lines.insert(at, " " * indent + "self.stats['rows_inserted'] = 0")
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return bool(wanted)


def write(folder, files):
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")


def remove(folder, files):
    for name in files:
        if "/" in name:
            shutil.rmtree(folder / name.split("/")[0], ignore_errors=True)
        else:
            (folder / name).unlink()


def program(folder, seed, number):
    """Writes one program and returns its truth, or None if it has too many paths."""
    shape = SHAPES[(number - SHAPED_NUMBERS) % len(SHAPES)] if number >= SHAPED_NUMBERS else None
    rng = random.Random("{}/{}".format(seed, number))
    layout = Layout(rng, number, shape)
    files = layout.files()
    write(folder, files)
    try:
        truth = judge(folder, files, layout)
        for _ in range(rng.choice([0, 0, 1, 2, 4])):
            if not repair(folder, truth, rng, layout.inherits):
                break
            truth = judge(folder, files, layout)
    except execute.TooManyPaths:
        remove(folder, files)
        return None
    except execute.Faulty as error:
        print("{}: {}".format(files and sorted(files)[-1], error), file=sys.stderr)
        remove(folder, files)
        return None
    return [{"class": name, "owner": layout.inherits.get(name),
             "files": sorted(files), "features": sorted(layout.w.features),
             "swallowed": sorted([str(Path(p).relative_to(folder)), line] for p, line in layout.swallowed[name]),
             "catches": catches(folder, layout.catches[name], layout.w.features),
             "exits": sorted([str(Path(p).relative_to(folder)), line, certain] for (p, line), certain in bad.items())}
            for name, bad in truth.items()]


def catches(folder, found, features):
    """The handlers that lose a failure; None if something else may, too."""
    if None in found or features & {"with", "decorator", "except*"}:
        return None
    return sorted([str(Path(p).relative_to(folder)), line] for p, line in found)


def main(args):
    warnings.simplefilter("ignore")  # coroutines that are never awaited
    folder, seed, count = Path(args[0]).resolve(), args[1], int(args[2])
    shaped = int(args[3]) if len(args) > 3 else 0
    folder.mkdir(parents=True, exist_ok=True)
    plain = itertools.count()
    turns = [itertools.count(SHAPED_NUMBERS + i, len(SHAPES)) for i in range(len(SHAPES))]
    truth, tried = [], 0
    for numbers in [plain] * count + [turns[i % len(SHAPES)] for i in range(shaped)]:
        found = None
        while found is None:
            found = program(folder, seed, next(numbers))
            tried += 1
        truth += found
    (folder / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")
    bad = sum(1 for t in truth if t["exits"])
    print("{} programs of {}, {} classes, {} bad".format(count + shaped, tried, len(truth), bad))


if __name__ == "__main__":
    main(sys.argv[1:])
