"""Executes a generated program in CPython under every choice and says which exits lack the key.

Shares the world of choices (`scripts/fixture_world.py`) and its instrumentation with the
verifier of the fixtures.  Nothing here analyses code: it reports what the interpreter did.
"""

import ast
import inspect
import sys
import types
import typing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "scripts"))

import fixture_world as world  # noqa: E402
import verify_fixtures as verifier  # noqa: E402

METHOD, KEY = "save_data", "rows_inserted"
ROOT_CLASS = "RootProcessor"
DEFAULTS = (bool, int, str, tuple, list, dict, type(None))


class TooManyPaths(Exception):
    """The program has more paths than is worth the time."""


class Faulty(Exception):
    """The program does what no real one should: an error that no choice explains."""


class Instrument(verifier.Instrument):
    """Also gives the root of a hierarchy unknown attributes."""

    def visit_ClassDef(self, node):
        self.generic_visit(node)
        if node.name.startswith(ROOT_CLASS):
            node.bases.append(ast.copy_location(ast.Name("__base__", ast.Load()), node))
        return node

    def visit_ExceptHandler(self, node):
        self.generic_visit(node)
        seen = ast.Expr(verifier.probe("__caught__", str(self.path), node.lineno))
        node.body.insert(0, ast.copy_location(seen, node))
        return node


class Unit:
    """One executed module."""

    def __init__(self, path):
        self.path = path
        source = path.read_text(encoding="utf-8")
        self.tree = ast.parse(source)
        self.instrument = Instrument(path)
        code = ast.fix_missing_locations(self.instrument.visit(ast.parse(source)))
        name = "{}.{}".format(path.parent.name, path.stem)
        self.space = {"__name__": name, "__file__": str(path), **world.PROBES, "__caught__": caught}
        self.code = compile(code, str(path), "exec")


def behind(error):
    """An exception, and those that the program put it in place of.

    What a call of a handler raises is a failure of its own.
    """
    seen = []
    while error is not None and error not in seen:
        seen.append(error)
        own = not isinstance(error, world.ErrorMixin)
        error = error.__cause__ or (error.__context__ if own else None)
    return seen


def caught(path, line):
    """A handler begins: what it catches may be the failure of a write."""
    run = world.WORLD
    if run.failure and run.raised in behind(sys.exc_info()[1]):
        run.caught_by[run.raised] = (path, line)


class Run(world.World):
    """An execution in which what an unresolved call may have set is gone with the dict."""

    given = None

    def __init__(self, *given):
        super().__init__(*given)
        self.caught_by = {}  # the failure of a write -> the handler that caught it last

    @property
    def unverified(self):
        return self.given is not None and self.given is getattr(self.subject, "stats", None)

    @unverified.setter
    def unverified(self, value):
        self.given = self.subject.stats if value else None


class Stats(dict):
    """The first dict: losing the key settles what an unresolved call may have set."""

    def clear(self):
        super().clear()
        world.WORLD.unverified = False

    def pop(self, key, *default):
        if key == KEY:
            world.WORLD.unverified = False
        return super().pop(key, *default)

    def __delitem__(self, key):
        super().__delitem__(key)
        world.WORLD.unverified = False


class Program:
    """The modules of one program: a file, or the files of a package."""

    def __init__(self, paths):
        self.units, self.by_name = {}, {}
        self.swallowed = {}  # for each class, the exits at which a failed write is forgotten
        self.catches = {}  # the same for the handlers that catch it; None if none did
        self.known_facts = self.known_stores = None  # see `facts` and `stores`
        self.package = paths[0].parent.name if len(paths) > 1 else None
        world.begin((), (world.ExternalError,), [])
        self.sandbox = {**world.SANDBOX, "__import__": self.load}
        for path in paths:
            self.units[str(path)] = self.by_name[path.stem] = Unit(path)
        for path in paths:
            self.ensure(path.stem)

    def ensure(self, stem):
        unit = self.by_name[stem]
        if "__builtins__" not in unit.space:
            unit.space["__builtins__"] = self.sandbox
            exec(unit.code, unit.space)
        return types.SimpleNamespace(**unit.space)

    def load(self, name, namespace=None, local=None, wanted=(), level=0):
        """`import`: the package's own modules by every spelling, the rest from the world."""
        parts = name.split(".") if name else []
        if level == 0 and (self.package is None or parts[:1] != [self.package]):
            return world._import(name, namespace, local, wanted, level)
        if world.WORLD.subject is not None:
            world.WORLD.may_raise("import " + name, (ImportError,))
        rest = parts if level else parts[1:]
        if rest:
            found = self.ensure(rest[0])
            return found if wanted else types.SimpleNamespace(**{rest[0]: found})
        package = types.SimpleNamespace(**vars(self.ensure("__init__")))
        for stem in wanted or ():
            if stem in self.by_name:
                setattr(package, stem, self.ensure(stem))
        return package

    def is_wrapped(self, name):
        """Whether a decorator stands between a call of the method and the method."""
        function = inspect.getattr_static(self.find(name), METHOD)
        return inspect.unwrap(function) is not function

    def facts(self):
        """The exceptions that the program deals with by name, and the sizes it compares with."""
        if self.known_facts is None:
            self.known_facts = self.find_facts()
        return self.known_facts

    def find_facts(self):
        merged = ast.Module([s for u in self.units.values() for s in u.tree.body], [])
        everything = ast.Tuple([ast.Name(s.name, ast.Load()) for s in merged.body if hasattr(s, "name")], ast.Load())
        return verifier.class_facts(merged, everything)

    def filled_by_others(self, cls):
        """The attributes that a class body presets and others may give another value.

        That is what a falsy default, an annotation, or a store anywhere in the program means, but
        `Final`, `ClassVar` and capitals say that there is nothing but stores to fear.  What is mutable
        can be filled without a store.
        """
        stored, names = self.stores(), {}
        for owner in reversed(cls.__mro__):
            if owner.__module__ in {unit.space["__name__"] for unit in self.units.values()}:
                names.update({n: owner for n, v in vars(owner).items() if not n.startswith("__") and isinstance(v, DEFAULTS)})
        return [n for n, owner in names.items() if n in stored or self.is_slot(n, owner)]

    @staticmethod
    def is_slot(name, owner):
        value, kind = vars(owner)[name], owner.__dict__.get("__annotations__", {}).get(name)
        if isinstance(value, (list, dict)):
            return True
        if name.isupper() or (typing.get_origin(kind) or kind) in (typing.ClassVar, typing.Final):
            return False
        return kind is not None or not value

    def stores(self):
        """The attributes that some code of the program stores to."""
        if self.known_stores is not None:
            return self.known_stores
        self.known_stores = found = set()
        for node in (n for unit in self.units.values() for n in ast.walk(unit.tree)):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setattr":
                found.add(node.args[1].value)
        return found

    def find(self, name):
        for unit in self.units.values():
            value = unit.space.get(name)
            if isinstance(value, type) and value.__module__ == unit.space["__name__"]:
                return value
        raise KeyError(name)

    def place(self, function):
        """The module and the line of the `def` of a function; what stands before it from elsewhere is none."""
        code = inspect.unwrap(function, stop=lambda f: f.__code__.co_filename in self.units).__code__
        unit = self.units[code.co_filename]
        return code.co_filename, unit.instrument.defs[code.co_firstlineno].lineno

    def judge(self, name, limit, plain=False):
        return verifier.settled(lambda regular: self.judge_once(name, limit, plain, regular))

    def judge_once(self, name, limit, plain, regular):
        """{(file, line): whether some path there is certain} for a class, and the path count."""
        cls = self.find(name)
        function = inspect.getattr_static(cls, METHOD)
        if plain:
            function = inspect.unwrap(function)
        place = self.place(function)
        kinds, numbers = self.facts()
        filled = self.filled_by_others(cls)
        bad, good, paths, tape = {}, 0, 0, []
        if not plain:
            self.swallowed[name], self.catches[name] = set(), set()
        while tape is not None:
            if paths >= limit:
                raise TooManyPaths(name)
            paths += 1
            world.WORLD = run = Run(tape, kinds, numbers)
            run.regular, run.met, run.made_up = regular.known, regular.met, regular.made_up
            line, stays = self.run(run, cls, function, place, filled)
            if line and not run.cut and run.failure and not plain:
                self.swallowed[name].add((place[0], line))
                self.catches[name].add(run.caught_by.get(run.raised))
            if line and not run.cut:
                if stays:
                    good += 1
                else:
                    at = (place[0], line)
                    bad[at] = bad.get(at, False) or not run.unverified
            trail = run.trail
            while trail and trail[-1][0] + 1 == trail[-1][1]:
                trail.pop()
            tape = [p for p, _ in trail[:-1]] + [trail[-1][0] + 1] if trail else None
        return bad, good, paths

    def run(self, run, cls, function, place, filled):
        subject = object.__new__(cls)
        subject.__dict__["stats"] = subject.__dict__["_stats"] = Stats()
        run.subject = subject
        for name in filled:
            subject.__getattr__(name)
        try:
            result = function(subject)
            if verifier.drive(result)[0]:
                return place[1], KEY in subject.stats
        except world.Cut:
            return None, False
        except BaseException as error:
            fault = isinstance(error, (NameError, AttributeError, TypeError, SyntaxError, RecursionError))
            if fault and not isinstance(error, world.ErrorMixin):
                raise Faulty(repr(error)) from error
            return None, False
        return run.exits.get(place), KEY in subject.stats
