"""What an execution of a fixture may do: choices, unknown values, exceptions, imports.

`verify_fixtures.py` runs each class many times.  Every run is a `World` that follows a tape of
choices; whatever the fixture asks of a value nobody knows is a choice that is then kept.
"""

import builtins
import enum
import inspect
import operator
import re
import sys
import types

WHILE_BOUND = 3
WRITE_WORDS = {"load", "insert", "merge", "execute", "executemany", "commit", "save", "upload", "write", "upsert"}
STAGES = {"add", "add_all"}
FINISHES = {"commit", "flush"}
SINKS = {"send": "producer", "update": "objects", "update_or_create": "objects", "parquet": "write"}
WAITS = {"result", "wait", "join"}
READS = {"select", "with", "show", "describe", "explain", "pragma"}
REMOVALS = {"delete", "drop", "truncate", "create", "alter"}
STATEMENTS = {"insert", "merge", "update", "replace", "copy", "load", "export"}
REAL_MODULES = {"__future__", "abc", "collections", "contextlib", "dataclasses", "datetime", "enum",
                "functools", "itertools", "math", "operator", "sys", "typing", "uuid"}
KNOWN_ERRORS = {"NotFound", "AlreadyExists", "Conflict", "Forbidden", "BadRequest", "TooManyRequests", "ServiceUnavailable"}
WORLD = None


def begin(tape, kinds, numbers):
    """Starts an execution."""
    global WORLD
    WORLD = World(tape, kinds, numbers)
    return WORLD


def find_module(name, importer):
    """The namespace of a module that is executed as well, or None; replaced by the verifier."""
    return None


class Cut(BaseException):
    """Gives the current path up."""


class World:
    """One execution: follows a tape of choices and extends it with zeros."""

    def __init__(self, tape, kinds, numbers):
        self.tape, self.kinds, self.numbers = tape, kinds, numbers
        self.trail, self.story, self.rounds, self.exits = [], [], {}, {}
        self.wrote = self.unverified = self.cut = self.was_set = False
        self.failure = self.failed_at = None  # the write that failed last, unless another try of it worked
        self.raised = None  # the exception with which it failed
        self.written = False  # something was written: there is something to commit
        self.staged = set()  # units of work into which something was put
        self.regular, self.met, self.made_up = set(), set(), set()  # places of writes, see `attempt`
        self.through = []  # the activations that the write which failed was made in, see `returning`
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
        self.__dict__.update(o_name=name, o_kids={}, o_cands=cands, o_equal=None, o_asked={}, o_pairs=False,
                             o_parent=None, o_write=None)

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
        cands = [c for c in self.o_cands if c is not None]
        if not cands:  # what is None has none, so no path goes on
            WORLD.cut = True
            raise Cut
        pick = cands[WORLD.choose(len(cands), self.o_name + " is one of {}".format(cands))]
        self.o_cands = [pick]
        return pick

    def child(self, key, label):
        if key not in self.o_kids:
            self.o_kids[key] = Opaque(self.o_name + label)
            self.o_kids[key].o_parent = self
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
            sized = len(self.o_cands) == 1 and self.o_cands[0] is not None
            return Opaque(self.o_name + "[:]", [len(range(self.o_cands[0])[key])] if sized else None)
        if ("item", repr(key)) not in self.o_kids:
            WORLD.may_raise("{}[{!r}]".format(self.o_name, key), (IndexError if isinstance(key, int) else KeyError,))
        return self.child(("item", repr(key)), "[{!r}]".format(key))

    def __setitem__(self, key, value):
        self.o_kids["item", repr(key)] = value

    def __call__(self, *args, **kwargs):
        result = call(self.o_name, args, self.o_parent)
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
        some = [c for c in self.o_cands if c]
        if not some or not self.ask("contains {!r}".format(item)):
            return False
        self.o_cands = some
        return True

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
        attempt(self.o_write, "await " + self.o_name, waits=True)
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


def write_of(name, args, receiver):
    """The write that a call is, or waits for: its name and what it was given."""
    owner, _, last = name.rpartition(".")
    last = last.lower()
    if last in STAGES:
        WORLD.staged.add(owner)
        return None
    if last in FINISHES and owner in WORLD.staged or SINKS.get(last) in re.split(r"\W+", owner):
        return (last, args, place())
    if last == "commit" and not WORLD.written:
        return None
    if last in WAITS and getattr(receiver, "o_write", None):
        return receiver.o_write
    if last in ("query", "execute", "executemany", "sql"):
        words = str(next((a for a in args if isinstance(a, str)), "")).lower().split()
        if words and words[0] in READS | REMOVALS:
            return None
        if words and words[0] in STATEMENTS:
            return (last, args, place())
    return (last, args, place()) if WRITE_WORDS & set(last.split("_")) else None


def attempt(write, told, waits):
    """A write fails, or another try at the one that failed works.

    A write that is made also where nothing failed (a regular one) makes up for no other; what a handler
    writes is no regular one.  Who `waits` for a write makes none: both may stand in one line.
    """
    at = (*place(), waits)
    try:
        WORLD.may_raise(told)
    except Exception as error:
        if write:
            WORLD.failure, WORLD.failed_at, WORLD.through, WORLD.raised = write, at, activations(), error
        raise
    WORLD.written = WORLD.written or bool(write)
    if write and WORLD.failure is None:
        if sys.exc_info()[1] is None:
            WORLD.met.add(at)
    elif write and again(WORLD.failure, write):
        same_place = at in (WORLD.failed_at, (*WORLD.failure[2], False))
        if same_place or at not in WORLD.regular:
            WORLD.failure = None
            if not same_place:
                WORLD.made_up.add(at)


def place():
    """Where the program that is executed is."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def activations():
    """The functions of the program that run now: the code, the frame and the arguments of each."""
    out, frame = [], sys._getframe(1)
    while frame is not None:
        if frame.f_builtins is not vars(builtins):  # only the program runs in the sandbox
            out.append((frame.f_code, frame, arguments(frame)))
        frame = frame.f_back
    return out


def arguments(frame):
    code = frame.f_code
    return [frame.f_locals.get(name) for name in code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]]


def again(before, after):
    data = [a for a in before[1] if isinstance(a, (Opaque, list, tuple, dict))]
    if not data:
        return before[0] == after[0] and len(before[1]) == len(after[1])
    texts = [(a, b) for a, b in zip(before[1], after[1]) if isinstance(a, str) and isinstance(b, str)]
    if before[0] == after[0] and any(a != b for a, b in texts):
        return False
    return any(a is b or is_item(a, b) for a in data for b in after[1])


def is_item(value, box):
    """Whether a value came out of a loop over a collection that nobody knows."""
    return isinstance(box, Opaque) and any(value is item for item in box.o_kids.get("items", ()))


def call(name, args=(), receiver=None):
    if WRITE_WORDS & set(name.rpartition(".")[2].lower().split("_")):
        WORLD.wrote = True
    write = write_of(name, args, receiver)
    attempt(write, name + "()", waits=write is not None and write is getattr(receiver, "o_write", None))
    result = Opaque(name + "()")
    result.o_write = write
    return result


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
        return call(self._name, args)

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
    found = find_module(name, (namespace or {}).get("__file__", ""))
    if found is not None:
        return types.SimpleNamespace(**found)
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
    """A function returns.  The same call as one that a failure came through makes up for it."""
    WORLD.exits[owner] = line
    if WORLD.failure:
        frame = sys._getframe(1)
        for code, failed, given in WORLD.through:
            if frame.f_code is code and frame is not failed:
                now = arguments(frame)
                if len(now) == len(given) and all(map(operator.is_, now, given)):
                    WORLD.failure = None
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


def length(value):
    if not isinstance(value, Opaque):
        return len(value)
    if value.o_cands == [None]:
        raise external_error(error_class("TypeError"), "len()")
    return value.value()


PROBES = {
    "__none__": lambda x: x.is_none() if isinstance(x, Opaque) else x is None,
    "__subject__": lambda x: None if isinstance(x, Opaque) and x.is_none() else x,
    "__unpack__": lambda n, x: [x.child(("part", i), ".{}".format(i)) for i in range(n)] if isinstance(x, Opaque) else x,
    "__base__": Subject, "__in__": is_in, "__typed__": typed, "__ret__": returning, "__round__": loop_round, "__loop__": entering,
    "__b_len__": length,
    "__b_str__": text,
    "__b_isinstance__": lambda x, k: x.ask("isinstance {}".format(k)) if isinstance(x, Opaque) else isinstance(x, k),
    "__b_print__": lambda *args, **kwargs: None}
SANDBOX = {**vars(builtins), "__import__": _import, "open": External("open")}
