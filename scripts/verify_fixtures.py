#!/usr/bin/env python3
"""Check the expectations in the Python fixtures by executing them.

Usage: verify_fixtures.py [-v] [FILE ...]
Without files: tests/fixtures/untracked-return/**/*.py, then the example project fixtures/pipeline,
whose modules import each other and whose marks read `# planted: KIND`.

Every processor class of a fixture is run in CPython under every choice of what it cannot know
(truth, None-ness, length and equality of unknown values; which calls raise).  The exits that
some execution takes without the key in `self.stats` must be exactly the marked ones:

    # expect: KIND            on the line of a `return`, or on the `def` line for falling off the
                              end and for never-set
    # expect: KIND|KIND       either is right
    # expect: KIND low        a reporter may lower the severity
    # no-exec: REASON         on the `class` (or alias) line: policy decides, execution cannot
    # with-init               on the `class` line: run __init__ first
    # exit-in: NAME           on the `class` line: the blamed function is NAME, not save_data

KIND is never-set, unset-after-write, dropped, unset or unverified.  Nothing here analyses the
code to reach a verdict: it reports what the interpreter did.  Standard library only, 3.9+.
"""

import ast
import builtins
import contextlib
import enum
import inspect
import itertools
import operator
import re
import sys
import types
import warnings
from pathlib import Path

METHOD, KEY = "save_data", "rows_inserted"
KINDS = ("never-set", "unset-after-write", "dropped", "unset", "unverified")
WHILE_BOUND, PATH_LIMIT = 3, 30000
WRITE_WORDS = {"load", "insert", "merge", "execute", "executemany", "commit", "save", "upload", "write", "upsert"}
REAL_MODULES = {"__future__", "abc", "collections", "contextlib", "dataclasses", "datetime", "enum",
                "functools", "itertools", "math", "operator", "sys", "typing", "uuid"}
KNOWN_ERRORS = {"NotFound", "Conflict", "Forbidden", "BadRequest", "TooManyRequests", "ServiceUnavailable"}
ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "fixtures/pipeline"
CONTRACTS = (("save_data", "rows_inserted"), ("save_analytics", "rows_processed"))
WORLD = None
LOADED = {}  # path -> fixture, for the modules of the example project


class Cut(BaseException):
    """Gives the current path up."""


class World:
    """One execution: follows a tape of choices and extends it with zeros."""

    def __init__(self, tape, kinds, numbers):
        self.tape, self.kinds, self.numbers = tape, kinds, numbers
        self.trail, self.story, self.rounds, self.exits = [], [], {}, {}
        self.wrote = self.unverified = self.cut = self.was_set = False
        self.subject = None

    def choose(self, options, told):
        if self.cut:
            raise Cut
        if options < 2:
            return 0
        at = len(self.trail)
        pick = self.tape[at] if at < len(self.tape) else 0
        self.trail.append((pick, options))
        if pick:
            self.story.append("{}: {}".format(told, pick))
        return pick

    def may_raise(self, name, kinds=None):
        kinds = self.kinds if kinds is None else kinds
        pick = self.choose(1 + len(kinds), name + " raises")
        if pick:
            raise external_error(kinds[pick - 1], name)


def public(lookup):
    def get(self, name):
        if name.startswith(("__", "o_")):
            raise AttributeError(name)
        return lookup(self, name)
    return get


class Opaque:
    """A value nobody knows.  `o_cands` are the values still possible: None or a size."""

    o_self_method = False

    def __init__(self, name, cands=None):
        cands = [1, 0, 2, None, *WORLD.numbers] if cands is None else cands
        self.__dict__.update(o_name=name, o_kids={}, o_cands=cands, o_equal=None, o_asked={}, o_pairs=False)

    def part(self, told, test):
        """Answers a question about the value and keeps the answer."""
        yes = [c for c in self.o_cands if test(c)]
        no = [c for c in self.o_cands if not test(c)]
        answer = bool(yes) if not (yes and no) else WORLD.choose(2, self.o_name + " not " + told) == 0
        self.o_cands = yes if answer else no
        return answer

    def ask(self, told):
        if told not in self.o_asked:
            self.o_asked[told] = WORLD.choose(2, self.o_name + " not " + told) == 0
        return self.o_asked[told]

    def value(self):
        """The number itself, or the size of a collection."""
        cands = [c for c in self.o_cands if c is not None] or [0]
        pick = cands[WORLD.choose(len(cands), self.o_name + " is one of {}".format(cands))]
        self.o_cands = [pick]
        return pick

    def child(self, key, label):
        if key not in self.o_kids:
            self.o_kids[key] = Opaque(self.o_name + label)
        return self.o_kids[key]

    @public
    def __getattr__(self, name):
        return self.child("." + name, "." + name)

    def __setattr__(self, name, value):
        if name.startswith("o_"):
            self.__dict__[name] = value
        else:
            self.o_kids["." + name] = value

    def __getitem__(self, key):
        if isinstance(key, slice):
            return Opaque(self.o_name + "[:]")
        if ("item", repr(key)) not in self.o_kids:
            WORLD.may_raise("{}[{!r}]".format(self.o_name, key), (KeyError,))
        return self.child(("item", repr(key)), "[{!r}]".format(key))

    def __setitem__(self, key, value):
        self.o_kids["item", repr(key)] = value

    def __call__(self, *args, **kwargs):
        result = call(self.o_name)
        if self.o_self_method or any(a is WORLD.subject for a in (*args, *kwargs.values())):
            WORLD.unverified = True
        result.o_pairs = self.o_name.endswith(".items")
        return result

    def __bool__(self):
        return self.part("true", bool)

    def is_none(self):
        return self.part("None", lambda c: c is None)

    def __iter__(self):
        items = self.o_kids.get("items")
        if items is None:
            names = ["{}[{}]".format(self.o_name, i) for i in range(min(2, self.value()))]
            items = [(Opaque(n + ".0"), Opaque(n + ".1")) if self.o_pairs else Opaque(n) for n in names]
            self.o_kids["items"] = items
        return iter(list(items))

    def __contains__(self, item):
        return self.ask("contains {!r}".format(item))

    def __eq__(self, other):
        if other is self or isinstance(other, Opaque):
            return other is self or self.ask("== " + other.o_name)
        if other is None:
            return self.is_none()
        if isinstance(other, (int, float)) and not isinstance(other, bool):
            return self.part("== {}".format(other), lambda c: c == other)
        if self.o_equal is not None:
            return self.o_equal == repr(other)
        fits = [c for c in self.o_cands if c is not None and bool(c) == bool(other)]
        if fits and self.ask("== {!r}".format(other)):
            self.o_equal, self.o_cands = repr(other), fits
            return True
        return False

    def __hash__(self):
        if sys._getframe(1).f_code.co_filename == enum.__file__:
            raise TypeError("makes Enum(value) compare with each member instead")
        return id(self)

    def compare(self, sign, test, other):
        if isinstance(other, Opaque):
            other = other.value()
        if not isinstance(other, (int, float)):
            return self.ask("{} {!r}".format(sign, other))
        self.o_cands = [c for c in self.o_cands if c is not None] or [0]
        return self.part("{} {}".format(sign, other), lambda c: test(c, other))

    def __index__(self):
        return self.value()

    __int__ = __index__

    def __format__(self, spec):
        return repr(self)

    def __repr__(self):
        return "<{}>".format(self.o_name)

    def __enter__(self):
        return self.child("enter", ".__enter__()")

    def __exit__(self, *exc_info):
        return False

    async def __aenter__(self):
        return self.child("enter", ".__aenter__()")

    async def __aexit__(self, *exc_info):
        return False

    async def __aiter__(self):
        for item in self:
            yield item

    def __await__(self):
        WORLD.may_raise("await " + self.o_name)
        return self.child("await", ".awaited")
        yield


def _arithmetic(name):
    apply = getattr(operator, name)

    def combine(left, right):
        if all(isinstance(x, (int, float, Opaque)) for x in (left, right)):
            left, right = (x.value() if isinstance(x, Opaque) else x for x in (left, right))
            try:
                return apply(left, right)
            except ArithmeticError:
                return 0
        return Opaque("{}({!r}, {!r})".format(name, left, right))
    return combine, lambda right, left: combine(left, right)


for _sign in ("lt", "le", "gt", "ge"):
    setattr(Opaque, "__{}__".format(_sign),
            lambda self, other, s=_sign: self.compare(s, getattr(operator, s), other))
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod"):
    for _prefix, _method in zip(("__", "__r"), _arithmetic(_name)):
        setattr(Opaque, "{}{}__".format(_prefix, _name), _method)


def call(name):
    if WRITE_WORDS & set(name.rpartition(".")[2].lower().split("_")):
        WORLD.wrote = True
    WORLD.may_raise(name + "()")
    return Opaque(name + "()")


class ExternalError(Exception):
    """An external failure of no special kind."""


class ErrorMixin:
    @public
    def __getattr__(self, name):
        return self.__dict__.setdefault(name, Opaque("error." + name))


_ERRORS, _RAISED = {}, {}


def error_class(name):
    known = getattr(builtins, name, None)
    if isinstance(known, type) and issubclass(known, BaseException):
        return known
    if name in KNOWN_ERRORS or re.search("(Error|Exception|Timeout)$", name):
        return _ERRORS.setdefault(name, type(name, (Exception,), {}))
    return None


def external_error(kind, name):
    if kind not in _RAISED:
        _RAISED[kind] = type(kind.__name__, (ErrorMixin, kind), {})
    return _RAISED[kind](name)


class Subject:
    """What an unresolved processor base is: unknown attributes, unknown methods."""

    def __init__(self, *args, **kwargs):
        pass

    @public
    def __getattr__(self, name):
        for owner in type(self).__mro__:
            kind = owner.__dict__.get("__annotations__", {}).get(name)
            if isinstance(kind, type) and issubclass(kind, enum.Enum):
                self.__dict__[name] = typed(kind, Opaque("self." + name))
                return self.__dict__[name]
        value = self.__dict__[name] = Opaque("self." + name)
        value.o_self_method = True
        return value

    def save_data(self):
        WORLD.unverified = True
        return call("super().save_data")

    save_analytics = save_data


class External:
    """An imported name or module."""

    def __init__(self, name):
        self.__dict__["_name"] = name

    @public
    def __getattr__(self, name):
        return error_class(name) or External(self._name + "." + name)

    def __call__(self, *args, **kwargs):
        if WORLD.subject is None:  # on import: an unknown decorator keeps what it decorates
            return args[0] if args and inspect.isfunction(args[0]) else External(self._name + "()")
        if any(a is WORLD.subject or a is getattr(WORLD.subject, "stats", 0) for a in (*args, *kwargs.values())):
            WORLD.unverified = True
        return call(self._name)

    def __mro_entries__(self, bases):
        return (Subject,) if re.search("(Base|Processor|Exporter)$", self._name) else ()


class Quiet:
    @public
    def __getattr__(self, name):
        return self

    def __call__(self, *args, **kwargs):
        return self


async def _gather(*jobs, return_exceptions=False):
    results = []
    for job in jobs:
        try:
            results.append(await job)
        except Exception as error:
            if not return_exceptions:
                raise
            results.append(error)
    return results


async def _wait_for(job, timeout=None):
    WORLD.may_raise("wait_for()")
    return await job


async def _sleep(seconds):
    return None


STUBS = {
    "logging": Quiet(), "atexit": Quiet(),
    "time": types.SimpleNamespace(time=lambda: 0.0, monotonic=lambda: 0.0, perf_counter=lambda: 0.0,
                                  sleep=lambda seconds: None),
    "asyncio": types.SimpleNamespace(gather=_gather, sleep=_sleep, wait_for=_wait_for,
                                     TimeoutError=TimeoutError)}


def _import(name, namespace=None, local=None, wanted=(), level=0):
    if WORLD.subject is not None:
        WORLD.may_raise("import " + name, (ImportError,))
    if name in REAL_MODULES:
        return __import__(name, namespace, local, wanted, level)
    if str(PROJECT) in (namespace or {}).get("__file__", ""):
        path = PROJECT / (name.replace(".", "/") + ".py")
        if path.exists():
            return types.SimpleNamespace(**load(path).space)
    return STUBS.get(name) or External(name if wanted else name.partition(".")[0])


def is_in(item, box):
    if isinstance(item, Opaque) and isinstance(box, (set, frozenset, dict)):
        return any(item == other for other in box)
    return item in box


def typed(kind, value):
    """An unknown value annotated with an enum is one of its members."""
    if isinstance(value, Opaque) and isinstance(kind, type) and issubclass(kind, enum.Enum):
        return list(kind)[WORLD.choose(len(kind), value.o_name + " is the member")]
    return value


def returning(owner, line, value):
    WORLD.exits[owner] = line
    return value


def entering(loop):
    WORLD.rounds[loop] = 0


def loop_round(loop):
    WORLD.rounds[loop] += 1
    if WORLD.rounds[loop] > WHILE_BOUND or WORLD.cut:
        WORLD.cut = True
        raise Cut


def text(value=""):
    if isinstance(value, ErrorMixin):
        return value.__dict__.setdefault("_text", Opaque("str(error)", [1, 0]))
    return Opaque("str({})".format(value.o_name), [1, 0]) if isinstance(value, Opaque) else str(value)


PROBES = {
    "__none__": lambda x: x.is_none() if isinstance(x, Opaque) else x is None,
    "__subject__": lambda x: None if isinstance(x, Opaque) and x.is_none() else x,
    "__unpack__": lambda n, x: [x.child(("part", i), ".{}".format(i)) for i in range(n)] if isinstance(x, Opaque) else x,
    "__base__": Subject, "__in__": is_in, "__typed__": typed, "__ret__": returning, "__round__": loop_round, "__loop__": entering,
    "__b_len__": lambda x: x.value() if isinstance(x, Opaque) else len(x),
    "__b_str__": text,
    "__b_isinstance__": lambda x, k: x.ask("isinstance {}".format(k)) if isinstance(x, Opaque) else isinstance(x, k),
    "__b_print__": lambda *args, **kwargs: None}
SANDBOX = {**vars(builtins), "__import__": _import, "open": External("open")}


def probe(name, *args):
    args = [a if isinstance(a, ast.AST) else ast.Constant(a) for a in args]
    return ast.Call(ast.Name(name, ast.Load()), args, [])


class Instrument(ast.NodeTransformer):
    """Adds probes that leave behaviour and line numbers alone."""

    def __init__(self, path):
        self.path, self.owners, self.loops, self.defs = path, [], 0, {}

    def visit_ClassDef(self, node):
        self.generic_visit(node)
        if PROJECT in self.path.parents and self.path.name == "base.py":
            node.bases.append(ast.copy_location(ast.Name("__base__", ast.Load()), node))
        return node

    def function(self, node):
        first = min([node.lineno] + [d.lineno for d in node.decorator_list])
        self.defs[first] = node
        self.owners.append((str(self.path), node.lineno))
        self.generic_visit(node)
        self.owners.pop()
        own = [n for s in node.body for n in own_nodes(s)]
        if not (isinstance(node, ast.AsyncFunctionDef) and any(isinstance(n, ast.Yield) for n in own)):
            end = ast.Return(probe("__ret__", (str(self.path), node.lineno), node.lineno, None))
            node.body.append(ast.copy_location(end, node))
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = function

    def visit_Return(self, node):
        self.generic_visit(node)
        value = probe("__ret__", self.owners[-1], node.lineno, node.value or ast.Constant(None))
        return ast.copy_location(ast.Return(value), node)

    def visit_Compare(self, node):
        self.generic_visit(node)
        op, right = node.ops[0], node.comparators[0]
        if len(node.ops) == 1 and isinstance(op, (ast.In, ast.NotIn)):
            new = probe("__in__", node.left, right)
        elif isinstance(op, (ast.Is, ast.IsNot)) and isinstance(right, ast.Constant) and right.value is None:
            new = probe("__none__", node.left)
        else:
            return node
        new = ast.UnaryOp(ast.Not(), new) if isinstance(op, (ast.IsNot, ast.NotIn)) else new
        return ast.copy_location(new, node)

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and "__b_{}__".format(node.func.id) in PROBES:
            node.func.id = "__b_{}__".format(node.func.id)
        return node

    def visit_Assign(self, node):
        self.generic_visit(node)
        target = node.targets[0]
        if isinstance(target, ast.Tuple) and not any(isinstance(e, ast.Starred) for e in target.elts):
            node.value = ast.copy_location(probe("__unpack__", len(target.elts), node.value), node)
        return node

    def visit_AnnAssign(self, node):
        self.generic_visit(node)
        if node.value is not None and self.owners and isinstance(node.annotation, ast.Name):
            annotation = ast.Name(node.annotation.id, ast.Load())
            node.value = ast.copy_location(probe("__typed__", annotation, node.value), node)
        return node

    def visit_Match(self, node):
        none = any(isinstance(p, ast.MatchSingleton) and p.value is None for c in node.cases for p in ast.walk(c.pattern))
        self.generic_visit(node)
        if none:
            node.subject = ast.copy_location(probe("__subject__", node.subject), node)
        return node

    def visit_While(self, node):
        self.generic_visit(node)
        self.loops += 1
        node.body.insert(0, ast.copy_location(ast.Expr(probe("__round__", self.loops)), node))
        return [ast.copy_location(ast.Expr(probe("__loop__", self.loops)), node), node]


def own_nodes(node):
    """The nodes of a statement without those of nested functions and classes."""
    yield node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
        for child in ast.iter_child_nodes(node):
            yield from own_nodes(child)


def reachable(tree, start):
    """The top-level statements that a class refers to, directly or not."""
    named = {}
    for statement in tree.body:
        targets = [statement.name] if hasattr(statement, "name") else [
            n.id for t in getattr(statement, "targets", []) for n in ast.walk(t) if isinstance(n, ast.Name)]
        for name in targets:
            named.setdefault(name, []).append(statement)
    todo, seen = [start], []
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.append(node)
            names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            todo += [s for name in names for s in named.get(name, [])]
    return seen


def class_facts(tree, node):
    """The exceptions that a class deals with by name, and the sizes it compares with."""
    places, numbers, own = [], set(), set()
    for part in (n for s in reachable(tree, node) for n in ast.walk(s)):
        called = getattr(part, "func", None)
        if isinstance(part, ast.ExceptHandler) and part.type:
            places.append(part.type)
        elif getattr(called, "id", getattr(called, "attr", "")) in ("suppress", "isinstance"):
            places += part.args
        elif isinstance(part, ast.Compare):
            numbers |= {c.value for c in part.comparators
                        if isinstance(c, ast.Constant) and type(c.value) is int and c.value > 2}
        elif isinstance(part, ast.ClassDef):
            own.add(part.name)
    names = {getattr(n, "id", getattr(n, "attr", "")) for p in places for n in ast.walk(p)}
    kinds = [error_class(n) for n in sorted(names - own - {"Exception"})]
    kinds = [k for k in kinds if k and issubclass(k, Exception)]
    return (ExternalError, *kinds), [n + d for n in sorted(numbers)[:2] for d in (0, 1)]


def drive(result):
    """Runs a coroutine to its end; nothing in here really waits."""
    if inspect.iscoroutine(result):
        try:
            while True:
                result.send(None)
        except StopIteration:
            pass
    elif inspect.isgenerator(result) or isinstance(result, contextlib.AbstractContextManager) \
            and not isinstance(result, Opaque) or inspect.isasyncgen(result):
        return True
    return False


class Fixture:
    """A fixture file: its classes, its marks, and what execution found."""

    def __init__(self, path):
        global WORLD
        self.path, source = path, path.read_text(encoding="utf-8")
        self.lines = source.splitlines()
        self.tree = ast.parse(source)
        self.nodes = {n.lineno: n for n in ast.walk(self.tree) if isinstance(n, ast.ClassDef)}
        self.instrument = Instrument(path)
        code = ast.fix_missing_locations(self.instrument.visit(ast.parse(source)))
        WORLD = World((), (ExternalError,), [])
        self.space = {"__builtins__": SANDBOX, "__name__": str(path), "__file__": str(path), **PROBES}
        exec(compile(code, str(path), "exec"), self.space)

    def marks(self):
        found = {}
        for number, line in enumerate(self.lines, 1):
            match = re.search(r"# (?:expect|planted): (\S+)(?: low| \(needs [\w ]+\))?(?:$|\s+#)", line)
            if re.search("# (expect|planted)", line) and not (match and set(match.group(1).split("|")) <= set(KINDS)):
                raise SystemExit("{}:{}: malformed mark".format(self.path, number))
            if match:
                found[number] = set(match.group(1).split("|"))
        return found

    def classes(self):
        """(class, its ClassDef), nested ones and those made by functions included."""
        by_name, todo, seen = {}, [self.space], []
        for node in self.nodes.values():
            by_name.setdefault(node.name, []).append(node)
        while todo:
            for value in list(vars(todo[0]).values() if isinstance(todo[0], type) else todo[0].values()):
                if isinstance(value, type) and value.__module__ == str(self.path) and value not in seen:
                    seen.append(value)
                    todo.append(value)
            todo.pop(0)
        for cls in seen:
            nodes = by_name[cls.__name__]
            yield cls, next((n for n in nodes if n.name == cls.__qualname__ or len(nodes) == 1), nodes[-1])

    def directive(self, node, name):
        match = re.search(r"# {}(?:: (.*))?$".format(name), self.lines[node.lineno - 1])
        return match and (match.group(1) or True)

    def entry(self, cls, name):
        function = inspect.getattr_static(cls, name)
        function = getattr(function, "__func__", function)
        if function.__code__.co_filename != str(self.path):
            function = inspect.unwrap(function)
        return self.instrument.defs[function.__code__.co_firstlineno].lineno

    def judge(self, cls, node):
        """{exit line: kinds} over all paths, the number of paths, and a way to each exit."""
        global WORLD
        kinds, numbers = class_facts(self.tree, node)
        blamed = self.directive(node, "exit-in") or METHOD
        line = self.entry(cls, blamed)
        bad, ways, good, ever_set, paths, tape = {}, {}, 0, False, 0, []
        while tape is not None and paths < PATH_LIMIT:
            WORLD, paths = World(tape, kinds, numbers), paths + 1
            exit_line, stays = self.run(cls, node, line)
            if exit_line and not WORLD.cut:
                if stays:
                    good += 1
                else:
                    kind = ("dropped" if WORLD.was_set else "unverified" if WORLD.unverified
                            else "unset-after-write" if WORLD.wrote else "unset")
                    bad.setdefault(exit_line, set()).add(kind)
                    ways.setdefault((exit_line, kind), WORLD.story)
                ever_set = ever_set or WORLD.was_set or bool(stays)
            trail = WORLD.trail
            while trail and trail[-1][0] + 1 == trail[-1][1]:
                trail.pop()
            tape = [p for p, _ in trail[:-1]] + [trail[-1][0] + 1] if trail else None
        if tape is not None:
            raise SystemExit("{}: {}: more than {} paths".format(self.path, cls.__name__, PATH_LIMIT))
        certain = all("unverified" not in found for found in bad.values())
        if bad and not ever_set and certain:
            bad = {line: {"never-set"}}
        return bad, "{} paths, {} good".format(paths, good), ways

    def run(self, cls, node, line):
        """One execution: the exit it took (None if it raised) and whether the key is there."""
        subject = object.__new__(cls)
        if self.directive(node, "with-init"):
            subject.__init__()
        subject.__dict__.setdefault("stats", {})
        WORLD.subject = subject

        def there():
            try:
                return KEY in subject.stats
            except TypeError:
                return False

        def trace(frame, event, arg):
            if frame.f_code.co_filename != str(self.path):
                return None
            if event in ("line", "return") and there():
                WORLD.was_set = True
            return trace

        sys.settrace(trace)
        try:
            deferred = drive(getattr(subject, METHOD)())
        except BaseException as error:
            if isinstance(error, (NameError, AttributeError, TypeError)) and not isinstance(error, ErrorMixin):
                sys.settrace(None)
                raise SystemExit("{}: {}: the fixture is broken: {!r} after {}".format(
                    self.path, cls.__name__, error, WORLD.story))
            return None, False
        finally:
            sys.settrace(None)
        stays = there()
        WORLD.was_set = WORLD.was_set or stays
        return (line if deferred else WORLD.exits.get((str(self.path), line))), stays


def load(path):
    if path not in LOADED:
        LOADED[path] = Fixture(path)
    return LOADED[path]


def verify(path, verbose, contracts=CONTRACTS[:1]):
    """(classes verified, classes skipped, problems) of one file."""
    global METHOD, KEY
    fixture = load(path)
    marks, found, ways, exempt, verified, skipped = fixture.marks(), {}, {}, set(), 0, 0
    skipping = [n for n in fixture.nodes.values() if fixture.directive(n, "no-exec")]
    for node in skipping:
        exempt |= set(range(node.lineno, node.end_lineno + 1))
    for (METHOD, KEY), (cls, node) in itertools.product(contracts, list(fixture.classes())):
        if not issubclass(cls, Subject) or inspect.getattr_static(cls, METHOD) is Subject.__dict__[METHOD]:
            continue
        if node in skipping:
            skipped += 1
            continue
        bad, paths, how = fixture.judge(cls, node)
        verified += 1
        ways.update(how)
        if verbose:
            print("  {} {}: {}, {}".format(path.name, cls.__name__, paths, bad or "ok"))
        for line, kinds in bad.items():
            found.setdefault(line, set()).update(kinds)
    problems = []
    for line in sorted((set(marks) | set(found)) - exempt):
        want, have = marks.get(line, set()), found.get(line, set())
        severe = have & {"never-set", "dropped", "unset-after-write"} or have & {"unset"} or have
        if not want & severe:
            way = next((w for (n, _), w in ways.items() if n == line), [])
            problems.append("{}:{}: marked {}, executed {} {}".format(
                path.relative_to(ROOT) if ROOT in path.parents else path, line, sorted(want) or "nothing", sorted(have) or "nothing", way))
    return verified, skipped, problems


def main(args):
    warnings.simplefilter("ignore")  # coroutines that are never awaited are a case
    verbose = "-v" in args
    files = [Path(a).resolve() for a in args if a != "-v"]
    if not files:
        files = sorted((ROOT / "tests/fixtures/untracked-return").rglob("*.py")) + sorted(PROJECT.rglob("*.py"))
    total, skips, problems = 0, 0, []
    for path in files:
        source = path.read_text(encoding="utf-8")
        if sys.version_info < (3, 10) and re.search(r"^\s+match .*:$", source, re.M):
            print("{}: needs Python 3.10, not verified".format(path.name))
            continue
        if "# no-exec-file:" in source:
            continue
        verified, skipped, wrong = verify(path, verbose, CONTRACTS if PROJECT in path.parents else CONTRACTS[:1])
        total, skips, problems = total + verified, skips + skipped, problems + wrong
    for problem in problems:
        print(problem)
    print("{} classes verified, {} skipped, {} problems".format(total, skips, len(problems)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
