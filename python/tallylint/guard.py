"""A contract is checked while the program runs: what a call promises, that call must have done.

This is one file without dependencies, for Python 3.9 and later. Import it as `tallylint.guard`, or copy it into a
project with `tallylint guard --write PATH`. A contract has the keys of a `[[contract]]` table:

    from tallylint.guard import contract

    @contract(method="save_data", sets="self.stats['rows_inserted']")
    class ProcessorBase: ...           # its `save_data`, and that of every class below it

    @contract(returns="['rows']")
    def run_prices(day): ...           # this function

`Guarded` is the same as a mixin. `install(load("contracts.json"))` guards what `tallylint contracts --format json`
lists, or what the `[[contract]]` tables of a configuration declare, without a change to the code.

What counts
-----------
A call is checked when it returns; one that ends in an exception is not, unless the contract has `also_when_raising`.
Only the outermost call on one object is checked: what `super()` leaves out, the override may do. A coroutine is checked
when it was awaited, a generator when it is exhausted: closing one is no return, and one that is never iterated never
runs.

*Returned* is a value that is not None and has the key or attribute. *Called* is a call of that name on the object that
the path names at that moment, made by this call or below it. *Set* is a place that, when the call returns, holds a
value that it did not hold before:

* A key or attribute that was not there before and is there now was set, whatever its value.
* A left-over number or text is replaced by an equal one with an identity of its own while the call runs (an instance of
  a subclass of int, float or str). So `=`, `+=` and `update` are seen although the value is equal, and whatever reads
  the old value gets it. If it is still there in the end, the call did not set it, and the original is put back.
  `setdefault` that finds a left-over value, and a copy of the dict, set nothing.
* A left-over None that is still None was not set.
* Any other left-over object that is still the same one, such as True, may have been set or not. That call is `unsure`:
  it is counted, and never reported. So is a left-over value behind a property or in a mapping that is no dict, and a
  call of what cannot be observed. The guard accuses only where it is sure.

Since Python 3.10, and but for free threads, the replacement loses no value that another thread stores at the same time:
it is a compare-and-swap. Calls that run at the same time on the same object are told apart by these marks; where they
cannot be, the place counts as set.

Modes
-----
`raise` raises `ContractBroken` in place of the return. `warn` warns with `ContractWarning`, `log` logs an error to the
logger `tallylint.guard`, `count` only counts, `off` does not even look. A call that ends in an exception keeps it:
`raise` adds a note to it and warns. The mode of a contract comes before the one of `configure`, and that before the
environment variable `TALLYLINT_GUARD`; `warn` is the default. `counts()` has the numbers. If `opentelemetry-api` is
there, they are the metric `tallylint.guard.calls`, and every break is an event of the current span.
"""

from __future__ import annotations

import contextvars
import dataclasses
import functools
import importlib.abc
import importlib.machinery
import inspect
import json
import logging
import operator
import os
import re
import sys
import threading
import types
import warnings
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar, Union, cast

__all__ = [
    "BUILT_IN",
    "Break",
    "Contract",
    "ContractBroken",
    "ContractWarning",
    "Count",
    "Guarded",
    "Installed",
    "InvalidContract",
    "configure",
    "contract",
    "counts",
    "get_mode",
    "install",
    "listen",
    "load",
    "reset_counts",
]

T = TypeVar("T")
Names = Union[str, Sequence[str], None]
Step = tuple[bool, str]  # whether it is a key; its name

MODES = ("raise", "warn", "log", "count", "off")
_LOG = logging.getLogger("tallylint.guard")


class InvalidContract(ValueError):
    """A contract is written wrongly, or it cannot be checked while the program runs."""


class ContractBroken(Exception):
    """A call returned without having done what its contract demands; `what` says which."""

    def __init__(self, what: Break) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return str(self.what)


class ContractWarning(UserWarning):
    """A call returned without having done what its contract demands."""


@dataclasses.dataclass(frozen=True)
class Break:
    """One call that broke its contract."""

    processor: str
    """The class of the object that it was made on, with its module; for a function, the function."""
    function: str
    """The function that was called: its module and qualified name."""
    contract: str
    """The contract, in the words of `tallylint contracts`."""
    reason: str
    """What is missing."""
    path: str
    """The file of the function."""
    line: int
    """The line of its `def`."""
    raised: bool = False
    """Whether the call ended in an exception."""

    def __str__(self) -> str:
        end = "ended in an exception" if self.raised else "returned"
        on = "" if self.function.startswith(self.processor) else f" of {self.processor}"
        return f"{self.function}{on} {end}, but {self.reason} ({self.path}:{self.line})"


@dataclasses.dataclass(frozen=True)
class Count:
    """How many calls of one processor kept and broke one contract."""

    processor: str
    contract: str
    kept: int
    broken: int
    unsure: int
    """Calls of which nobody can tell: see the module."""


# ---- what a contract says

_IDENTIFIER = r"[^\W\d]\w*"
_STEP = re.compile(rf"\s*(?:\.\s*({_IDENTIFIER})|\[\s*(?:'([^'\\]+)'|\"([^\"\\]+)\")\s*\])\s*")
_SPELLINGS = ("method", "function", "decorator", "bases", "sets", "calls", "returns", "also-when-raising")


def _steps(text: str, rest: str) -> tuple[Step, ...]:
    """The `.name` and `['key']` that a text consists of."""
    steps, at = [], 0
    while at < len(rest):
        found = _STEP.match(rest, at)
        if found is None:
            raise InvalidContract(f"`{text}`: `{rest[at:]}` is unexpected; go on with `.name` or `['key']`")
        steps.append((found.group(1) is None, found.group(found.lastindex or 0)))
        at = found.end()
    return tuple(steps)


def _shown(steps: Sequence[Step]) -> str:
    quote = {key: '"' if "'" in key else "'" for _, key in steps}
    return "".join(f"[{quote[name]}{name}{quote[name]}]" if is_key else f".{name}" for is_key, name in steps)


@dataclasses.dataclass(frozen=True)
class Demand:
    """One thing that keeps a contract: `sets`, `calls` or `returns`, and the way to it."""

    verb: str
    root: str
    """The variable that a place or a call starts with, `self` for the receiver; empty for what is returned."""
    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, verb: str, text: str) -> Demand:
        """Read what the configuration says behind `sets`, `calls` or `returns`."""
        if not isinstance(text, str):
            raise InvalidContract(f"`{verb}` must be a text or a list of texts, not {text!r}")
        if verb == "returns":
            steps = _steps(text, text)
            if not steps:
                raise InvalidContract("`returns` names the part of a value, such as `['rows']`, or is true")
            return cls(verb, "", steps)
        start = re.match(rf"\s*({_IDENTIFIER})\s*", text)
        if start is None:
            raise InvalidContract(f"`{text}` must start with a name: `self`, or that of a parameter or a function")
        root, steps = start.group(1), _steps(text, text[start.end() :])
        if verb == "sets" and not steps:
            raise InvalidContract(f"`{text}` is a variable; add what to set, such as `{text}.rows`")
        if verb == "calls" and (steps[-1][0] if steps else root == "self"):
            raise InvalidContract(f"`{text}`: the last part must be the name of what is called")
        return cls(verb, root, steps)

    def __str__(self) -> str:
        if self.verb == "returns":
            return f"returns a value with {_shown(self.steps)}" if self.steps else "returns a value"
        return f"{self.verb} {self.root}{_shown(self.steps)}"


@functools.cache
def _pattern(text: str) -> re.Pattern[str]:
    """A name or a dotted path in which `*` stands for any characters but dots, and `**` for any parts."""
    parts = text.split(".")
    if not all(set(part) == {"*"} or re.fullmatch(_IDENTIFIER, part.replace("*", "x")) for part in parts):
        raise InvalidContract(f"`{text}` is not a name or a path of names; `*` stands for any characters of a name")
    out = ""
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            out += r"\w+(?:\.\w+)*" if last else r"(?:\w+\.)*"
        else:
            out += re.sub(r"\*+", r"\\w*", part) + ("" if last else r"\.")
    return re.compile(out)


def _texts(key: str, value: Any) -> tuple[str, ...]:
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, (list, tuple)) or not found or not all(isinstance(text, str) for text in found):
        raise InvalidContract(f"`{key}` must be a text or a list of texts, not {value!r}")
    return tuple(found)


@dataclasses.dataclass(frozen=True)
class Contract:
    """Who must do what whenever it returns. As a decorator, it guards a function, or a class and those below it."""

    kind: str
    """`method`, `function` or `decorator`, or empty for what it is applied to."""
    names: tuple[str, ...]
    bases: tuple[str, ...] | None
    demands: tuple[Demand, ...]
    """Any one of these is enough."""
    also_when_raising: bool = False
    mode: str | None = dataclasses.field(default=None, compare=False)
    processors: frozenset[tuple[str, str]] = dataclasses.field(default=frozenset(), compare=False)
    """Classes that the linter found to be under the contract, whatever their bases: the name and the file."""

    @classmethod
    def from_table(cls, table: Mapping[str, Any], mode: str | None = None) -> Contract:
        """Read a `[[contract]]` table of tallylint's configuration."""
        for key in table:
            if key not in _SPELLINGS:
                raise InvalidContract(f"unknown key `{key}` in a contract; there are {', '.join(_SPELLINGS)}")
        given = [key for key in ("method", "function", "decorator") if table.get(key) is not None]
        if len(given) > 1:
            raise InvalidContract("a contract says by one of `method`, `function` and `decorator` who must keep it")
        kind = given[0] if given else ""
        names = _texts(kind, table[kind]) if kind else ()
        names = tuple(name.lstrip("@").replace("::", ".") for name in names)
        for name in names:
            if kind == "method" and "." in name:
                raise InvalidContract(f"`{name}` must be one name, without dots; `*` stands for any characters")
            _pattern(name)
        bases = table.get("bases")
        if bases is not None and kind != "method":
            raise InvalidContract("`bases` belongs to a contract about a `method`")
        given = [key for key in ("sets", "calls") if table.get(key) is not None]
        demands = [Demand.parse(key, text) for key in given for text in _texts(key, table[key])]
        returns = table.get("returns")
        if returns is False:
            raise InvalidContract("`returns = false` demands nothing; leave it out")
        if returns is True:
            demands.append(Demand("returns", "", ()))
        elif returns is not None:
            demands += [Demand.parse("returns", text) for text in _texts("returns", returns)]
        raising = table.get("also-when-raising", False)
        if not isinstance(raising, bool):
            raise InvalidContract(f"`also-when-raising` must be true or false, not {raising!r}")
        return cls(kind, names, bases if bases is None else _texts("bases", bases), tuple(demands), raising, mode)

    @classmethod
    def from_json(cls, listed: Mapping[str, Any], mode: str | None = None) -> Contract:
        """Read one of the `contracts` that `tallylint contracts --format json` lists."""
        table: dict[str, Any] = {
            listed["kind"]: listed["who"].split(", "),
            "also-when-raising": listed["also_when_raising"],
        }
        if listed["bases"] is not None:
            table["bases"] = listed["bases"]
        for demand in listed["demands"]:
            verb, what = demand["kind"], demand["what"]
            if what == "a value":
                table[verb] = True
            elif table.get(verb) is not True:
                table.setdefault(verb, []).append(what[len("a value with ") :] if verb == "returns" else what)
        found = cls.from_table(table, mode)
        classes = {(p["class"], p["path"]) for p in listed.get("processors", ()) if p["class"] is not None}
        return dataclasses.replace(found, processors=frozenset(classes))

    def __post_init__(self) -> None:
        if not self.demands:
            raise InvalidContract(
                "this contract demands nothing; say by `sets`, `calls` or `returns` what must be done"
            )
        if self.also_when_raising and all(demand.verb == "returns" for demand in self.demands):
            raise InvalidContract("what ends in an exception returns nothing; remove `also-when-raising`")
        if self.mode is not None and self.mode not in MODES:
            raise InvalidContract(f"unknown mode `{self.mode}`; there are {', '.join(MODES)}")

    def __str__(self) -> str:
        sign = "@" if self.kind == "decorator" else ""
        who = ", ".join(sign + name for name in self.names)
        return f"{who} {' or '.join(str(demand) for demand in self.demands)}".lstrip()

    def __call__(self, target: T) -> T:
        """Guard a function, or the methods of this name of a class and of all classes below it."""
        if isinstance(target, type):
            self.check_of(target)
            _guard_family(target, (self,))
            return target
        guarded = _guarded(target, self, is_method=False, applies=None)
        if guarded is None:
            raise InvalidContract(
                f"`{self}` cannot be checked on {target!r}: it lacks the parameter, or is no function"
            )
        return cast(T, guarded)

    def check_of(self, cls: type) -> None:
        """Raise InvalidContract unless the contract can be one of a class."""
        if self.kind != "method":
            raise InvalidContract(f"a contract of the class {cls.__name__} names its `method`")

    def names_it(self, name: str) -> bool:
        """Whether the contract is about a method of this name, or about a function with this dotted path."""
        if self.kind == "method":
            return any(_pattern(pattern).fullmatch(name) for pattern in self.names)
        ends = [name] + [name[at + 1 :] for at, sign in enumerate(name) if sign == "."]
        return any(_pattern(pattern).fullmatch(end) for pattern in self.names for end in ends)

    def is_about(self, cls: type, owner: type, method: str) -> bool:
        """Whether objects of a class must keep the contract by the method that `owner` defines.

        As for the linter: the class is below one of the bases, or else the definition overrides another one.
        """
        mro = cls.__mro__
        if self.bases is not None:
            return "*" in self.bases or any(
                base in (k.__name__, k.__qualname__, f"{k.__module__}.{k.__qualname__}")
                for k in mro
                for base in self.bases
            )
        if owner in mro and any(method in vars(k) for k in mro[mro.index(owner) + 1 :]):
            return True
        return any(_is_listed(k, name, path) for k in (cls, owner) for name, path in self.processors)


def _is_listed(cls: type, name: str, path: str) -> bool:
    """Whether a class is the one of this name in the file with this path, which may be relative to anything."""
    if name not in (cls.__name__, cls.__qualname__):
        return False
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return file is not None and ("/" + file.replace(os.sep, "/")).endswith("/" + path.lstrip("./"))


BUILT_IN = Contract.from_table({"method": "save_data", "sets": "self.stats['rows_inserted']"})
"""The contract that tallylint has without any configuration."""


def contract(
    *,
    method: Names = None,
    function: Names = None,
    decorator: Names = None,
    bases: Names = None,
    sets: Names = None,
    calls: Names = None,
    returns: bool | Names = None,
    also_when_raising: bool = False,
    mode: str | None = None,
) -> Contract:
    """Make a contract with the keys of a `[[contract]]` table. It is a decorator, and `install` takes it.

    Raises InvalidContract, which says what is wrong.
    """
    given = {"method": method, "function": function, "decorator": decorator, "bases": bases}
    given.update({"sets": sets, "calls": calls, "returns": returns})  # type: ignore[dict-item]
    table: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    return Contract.from_table({**table, "also-when-raising": also_when_raising}, mode)


def load(path: str | os.PathLike[str]) -> list[Contract]:
    """Read contracts: what `tallylint contracts --format json` printed, or a configuration of tallylint.

    A configuration (`tallylint.toml`, or another file with `[tool.tallylint]` or `metadata.tallylint`) gives the
    built-in contract and those that it and the files that it extends declare; only the JSON has those that the code
    implies.
    """
    file = Path(path)
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".json":
        document = json.loads(text)
        if not isinstance(document, dict) or document.get("version") != 2 or "contracts" not in document:
            raise InvalidContract(f"{file} is not what this version of `tallylint contracts --format json` prints")
        return [Contract.from_json(listed) for listed in document["contracts"]]
    found = [BUILT_IN]
    seen: set[Path] = set()
    while file.resolve() not in seen:
        seen.add(file.resolve())
        settings = _settings_of(file)
        for table in settings.get("contract", ()):
            try:
                found.append(Contract.from_table(table))
            except InvalidContract as wrong:
                raise InvalidContract(f"{file}: {wrong}") from None
        file = file.parent / settings.get("extend", file.name)
    return found


def _settings_of(file: Path) -> dict[str, Any]:
    try:
        import tomllib as toml  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        try:
            import tomli as toml  # type: ignore[no-redef, unused-ignore]
        except ImportError:
            raise InvalidContract(f"to read {file}, Python 3.11 or the package tomli is needed") from None
    settings: dict[str, Any] = toml.loads(file.read_text(encoding="utf-8"))
    for table, name in (("tool", "tallylint"), ("package", "metadata"), ("workspace", "metadata")):
        inner = settings.get(table, {}).get(name, {})
        inner = inner.get("tallylint", {}) if name == "metadata" else inner
        if inner:
            return cast("dict[str, Any]", inner)
    return settings if file.name not in ("pyproject.toml", "Cargo.toml") else {}


# ---- what a call left in its place

_NOTHING: Any = object()
_LOCK = threading.Lock()
KEPT, BROKEN, UNSURE = "kept", "broken", "unsure"


class _Mark:
    """Stands in for a left-over value: equal to it, known by its identity. Copies and pickles are the plain value."""

    plain: ClassVar[Any]

    def __reduce__(self) -> tuple[type, tuple[Any]]:
        return self.plain, (self.plain(self),)


class _Int(_Mark, int):
    plain = int


class _Float(_Mark, float):
    plain = float


class _Str(_Mark, str):
    plain = str


_MARKS: dict[type, Any] = {kind.plain: kind for kind in (_Int, _Float, _Str)}


class _View:
    """A dict with a part of an object that is none, as far as a mark needs it: what is read-only gets no mark."""

    __slots__ = ("get", "put")

    def __init__(self, get: Callable[[str, Any], Any], put: Callable[[str, Any], None] | None = None) -> None:
        self.get, self.put = get, put

    def __getitem__(self, name: str) -> Any:
        return self.get(name, None)

    def __setitem__(self, name: str, value: Any) -> None:
        if self.put is None:
            raise TypeError("read-only")
        self.put(name, value)


@functools.lru_cache(maxsize=1024)
def _attribute_of(cls: type, name: str) -> Any:
    """How instances hold an attribute: True for their dict, a descriptor of slots, or False for who knows how."""
    found = next((vars(k)[name] for k in cls.__mro__ if name in vars(k)), None)
    if isinstance(found, types.MemberDescriptorType):
        return found
    return not (hasattr(type(found), "__set__") or issubclass(cls, type)) and cls.__dictoffset__ != 0


def _box(holder: Any, is_key: bool, name: str) -> Any:
    """The dict that holds a key or an attribute of an object, or a view that does as if."""
    if is_key:
        if type(holder) is dict:
            return holder
        if isinstance(holder, dict):
            return _View(functools.partial(dict.get, holder), functools.partial(dict.__setitem__, holder))
        return _View(lambda key, default: holder[key] if key in holder else default)  # noqa: SIM401 - it may lack `get`
    how = _attribute_of(cast(Any, type(holder)), name)
    if how is True:
        return holder.__dict__
    if how is False:
        return _View(lambda name, default: getattr(holder, name, default))

    def get(_: str, default: Any) -> Any:
        try:
            return how.__get__(holder)
        except AttributeError:
            return default

    return _View(get, lambda _, value: how.__set__(holder, value))


class _Check:
    """What tells whether a call did something: `before` gives what `after` needs, and `after` the verdict."""

    __slots__ = ("after", "before")

    def __init__(self, before: Callable[[Any], Any], after: Callable[[Any, Any, Any], str]) -> None:
        self.before, self.after = before, after


def _store(steps: Sequence[Step]) -> _Check:
    """Tells whether a place was set."""
    reach, (is_key, name) = _way(steps[:-1]), steps[-1]
    in_dict: dict[Any, bool] = {}  # whether the instances of a class have the attribute in their dict

    def other(holder: Any) -> Any:
        """What holds the place if that is no plain dict, and what looks like that from now on."""
        if not is_key:
            in_dict[type(holder)] = _attribute_of(cast(Any, type(holder)), name) is True
        return _box(holder, is_key, name)

    def before(root: Any) -> Any:
        """Mark what is left over: where it is, what it was, and the mark, if there can be one. None if nothing is."""
        try:
            holder = reach(root)
            if is_key:
                box = holder if type(holder) is dict else other(holder)
            else:
                box = holder.__dict__ if in_dict.get(type(holder)) else other(holder)
            found = box.get(name, _NOTHING)
        except Exception:  # there is no such place yet
            return None
        if found is _NOTHING:
            return None
        if type(found) is int:
            mark: Any = _Int(found)
        elif type(found) in _MARKS:
            mark = _MARKS[type(found)](found)
        elif isinstance(found, _Mark):  # of a call that is still going on; whoever put it takes it away
            return box, found, found
        else:
            return box, found, None
        try:
            # Nothing is called between the look and the store, so CPython 3.10 and later with the GIL does not switch
            # threads there.
            if box[name] is found:
                box[name] = mark
                return box, found, mark
        except Exception:  # it is gone, or read-only
            pass
        return box, found, None

    def after(root: Any, left: Any, _: Any) -> str:
        """Whether this call set the place. Puts back what was left over: where it was, and where the place is now."""
        box = None
        missing = BROKEN
        try:
            holder = reach(root)
            if is_key:
                box = holder if type(holder) is dict else other(holder)
            else:
                box = holder.__dict__ if in_dict.get(type(holder)) else other(holder)
            found = box.get(name, _NOTHING)
        except (AttributeError, LookupError, TypeError):
            found = _NOTHING
        except Exception:
            found, missing = _NOTHING, UNSURE
        if left is None:
            return missing if found is _NOTHING else KEPT
        at, old, mark = left
        if mark is None:
            if found is not old:
                return missing if found is _NOTHING else KEPT
            return BROKEN if found is None else UNSURE
        if found is mark or at is not box:
            for each in (at, box):
                try:
                    if each is not None and each[name] is mark:
                        each[name] = old
                except Exception:  # it is nothing with such a place any more
                    pass
        return missing if found is _NOTHING else BROKEN if found is mark else KEPT

    return _Check(before, after)


def _way(steps: Sequence[Step]) -> Callable[[Any], Any]:
    """What goes some steps from an object to a part of it."""
    if not steps:
        return _itself
    if not any(is_key for is_key, _ in steps):
        return operator.attrgetter(".".join(name for _, name in steps))
    return functools.partial(_go, tuple(steps))


def _itself(value: Any) -> Any:
    return value


def _given(value: Any, *_: Any) -> Any:
    return value


def _go(steps: Sequence[Step], value: Any) -> Any:
    for is_key, name in steps:
        value = value[name] if is_key else getattr(value, name)
    return value


def _result(steps: Sequence[Step]) -> _Check:
    """Tells whether a value other than None was returned that has a part."""
    reach = _way(steps) if steps else None

    def after(_: Any, __: Any, result: Any) -> str:
        try:
            if reach is not None:
                reach(result)
        except (AttributeError, LookupError, TypeError):
            return BROKEN
        return BROKEN if result is None else KEPT

    return _Check(functools.partial(_given, None), after)


def _any(checks: Sequence[_Check]) -> _Check:
    """Tells whether one of several things was done. Each has its own root."""

    def before(roots: Sequence[Any]) -> list[Any]:
        return [check.before(root) for check, root in zip(checks, roots)]

    def after(roots: Sequence[Any], lefts: Sequence[Any], result: Any) -> str:
        found = [check.after(root, left, result) for check, root, left in zip(checks, roots, lefts)]
        return KEPT if KEPT in found else UNSURE if UNSURE in found else BROKEN

    return _Check(before, after)


# ---- what was called


class _Recorder:
    """Stands before what is called and is no plain function, and passes everything else on to it."""

    def __init__(self, target: Any) -> None:
        self.__dict__["_target"] = target

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        _was_called(self, None)
        return self._target(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_target"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._target, name, value)

    def __reduce__(self) -> tuple[Any, tuple[Any]]:
        return _itself, (self._target,)


def _recording(function: Any) -> Any:
    """A function that notes its calls."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def noted(*args: Any, **kwargs: Any) -> Any:
            _was_called(noted, args[0] if args else None)
            return await function(*args, **kwargs)
    else:

        @functools.wraps(function)
        def noted(*args: Any, **kwargs: Any) -> Any:
            _was_called(noted, args[0] if args else None)
            return function(*args, **kwargs)

    noted.__tallylint_notes__ = True  # type: ignore[attr-defined]
    return noted


def _was_called(recorder: Any, receiver: Any) -> None:
    call = _ACTIVE.get()
    while call is not None:
        call.notes(recorder, receiver)
        call = call.outer


class _Callee:
    """A call to make. What is to be called gets a recorder, which stays there and does nothing outside such calls."""

    __slots__ = ("is_key", "name", "reach")

    def __init__(self, steps: Sequence[Step]) -> None:
        self.reach, (self.is_key, self.name) = _way(steps[:-1]), steps[-1]

    def is_now(self, root: Any, recorder: Any, receiver: Any) -> bool:
        """Whether the path leads to this recorder, on this object if it is a method."""
        try:
            holder = self.reach(root)
            target = holder[self.name] if self.is_key else getattr(holder, self.name)
        except Exception:
            return False
        return target is recorder or (
            getattr(target, "__func__", None) is recorder and getattr(target, "__self__", None) is receiver
        )

    def observe(self, root: Any) -> bool:
        """Whether calls are noted from now on."""
        try:
            holder = self.reach(root)
            target = holder[self.name] if self.is_key else getattr(holder, self.name)
            inner = getattr(target, "__func__", target)
            if isinstance(inner, _Recorder) or "__tallylint_notes__" in getattr(inner, "__dict__", ()):
                return True
            if not callable(target) or isinstance(holder, type):
                return False
            names = holder if self.is_key else getattr(holder, "__dict__", {})
            owner = next((k for k in type(holder).__mro__ if self.name in vars(k)), None)
            if not self.is_key and self.name not in names and owner is not None:
                if not isinstance(vars(owner)[self.name], types.FunctionType):
                    return False
                setattr(owner, self.name, _recording(vars(owner)[self.name]))
            elif isinstance(target, types.FunctionType):
                recorder = _recording(target)
                names[self.name] = recorder
                for module in list(sys.modules.values()):  # who imported it by its name
                    for name, value in list(getattr(module, "__dict__", {}).items()):
                        if value is target:
                            vars(module)[name] = recorder
            else:
                names[self.name] = _Recorder(target)
        except Exception:
            return False
        return True


# ---- calls

_LATER = (types.CoroutineType, types.GeneratorType, types.AsyncGeneratorType)
_ACTIVE: contextvars.ContextVar[_Call | None] = contextvars.ContextVar("tallylint-guard", default=None)


class _Running(threading.local):
    """The objects on which calls run that end before anything else in this thread goes on."""

    def __init__(self) -> None:
        self.ids: set[int] = set()


@functools.cache
def _running(_: Contract) -> _Running:
    return _Running()


class _Call:
    """A call that may be interrupted, or that is to go on as one that may."""

    __slots__ = ("done", "left", "outer", "root", "subject", "tally", "watch")

    def __init__(self, watch: _Watch, subject: Any, root: Any, tally: _Tally, left: Any) -> None:
        self.watch, self.subject, self.root, self.tally, self.left = watch, subject, root, tally, left
        self.outer: _Call | None = None
        self.done = False

    def begin(self) -> None:
        """Start to look, once more if need be."""
        self.left = self.watch.check.before(self.root)
        self.done = False
        self.enter()

    def enter(self) -> None:
        """Go on."""
        self.outer = _ACTIVE.get()
        _ACTIVE.set(self)

    def leave(self) -> None:
        """Let something else go on."""
        _ACTIVE.set(self.outer)

    def notes(self, recorder: Any, receiver: Any) -> None:
        """Something was called that has a recorder."""

    def verdict(self, result: Any) -> str:
        """What was done; puts everything back."""
        return self.watch.check.after(self.root, self.left, result)

    def raised(self, error: BaseException) -> None:
        """The call ended in an exception."""
        self.done = True
        _ACTIVE.set(self.outer)
        self.watch.raised(self.tally, self.left, self.verdict(None), error)

    def returned(self, result: Any) -> Any:
        """Check the call, and give what it returned."""
        self.done = True
        _ACTIVE.set(self.outer)
        verdict = self.verdict(result)
        if verdict is KEPT:
            self.tally.kept += 1
            return result
        return self.watch.unkept(self, verdict, result)


class _CallToCall(_Call):
    """A call that can keep its contract by a call."""

    __slots__ = ("callees", "made", "noted")

    def __init__(self, watch: _Watch, subject: Any, root: Any, tally: _Tally, roots: Sequence[Any]) -> None:
        super().__init__(watch, subject, root, tally, None)
        self.callees, self.made = list(zip(watch.callees, roots)), False
        self.noted = self.observe()

    def observe(self) -> bool:
        """Whether all calls that could keep the contract are noted from now on."""
        noted = [callee.observe(root) for callee, root in self.callees]
        return all(noted)

    def notes(self, recorder: Any, receiver: Any) -> None:
        """Find out whether it is what had to be called."""
        self.made = self.made or any(callee.is_now(root, recorder, receiver) for callee, root in self.callees)

    def verdict(self, result: Any) -> str:
        """The same; the call is looked at last."""
        verdict = super().verdict(result)
        if verdict is KEPT or self.made:
            return KEPT
        return verdict if self.noted and self.observe() else UNSURE


class _Watch:
    """A contract on one function."""

    def __init__(
        self, function: Any, contract: Contract, is_method: bool, applies: Callable[[type], bool] | None
    ) -> None:
        self.function, self.contract, self.applies = function, contract, applies
        self.tallies: dict[Any, _Tally | None] = {}
        self.running = _running(contract)
        parameters = list(inspect.signature(function).parameters.values())
        positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self.has_receiver = bool(positional) and (is_method or positional[0] in ("self", "cls"))
        self.receiver, self.is_over = positional[0] if self.has_receiver else "", False
        names = [p.name for p in parameters]
        parts: list[_Check] = []
        roots: list[Callable[[Any, Any], Any]] = []
        callee_roots: list[Callable[[Any, Any], Any]] = []
        self.callees: list[_Callee] = []
        for demand in contract.demands:
            steps, root = demand.steps, self.root(demand.root, positional, parameters)
            if demand.verb == "returns":
                parts.append(_result(steps))
                roots.append(functools.partial(_given, None))
            elif demand.verb == "calls":
                if root is None:
                    space = getattr(inspect.unwrap(function), "__globals__", {})
                    root, steps = functools.partial(_given, space), ((True, demand.root), *steps)
                self.callees.append(_Callee(steps))
                callee_roots.append(root)
            elif root is not None:
                parts.append(_store(steps))
                roots.append(root)
        self.roots, self.callee_roots = tuple(roots), tuple(callee_roots)
        self.is_single = len(parts) == 1
        self.check = parts[0] if self.is_single else _any(parts)
        # Which argument is all that the check needs, as for most contracts. None: it needs none. Otherwise one that is
        # never there.
        self.position: int | None = sys.maxsize
        if self.is_single and not self.callees:
            first = next(d for d in contract.demands if d.verb == "returns" or d.root in ("self", *names))
            if self.has_receiver and (first.verb == "returns" or first.root == "self"):
                self.position = 0
            elif not self.has_receiver and first.verb == "returns":
                self.position = None
            elif not self.has_receiver and first.root in positional:
                self.position = positional.index(first.root)
        self.is_coroutine = inspect.iscoroutinefunction(function)
        self.is_generator = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
        code = getattr(inspect.unwrap(function), "__code__", None)
        self.path, self.line = getattr(code, "co_filename", "?"), getattr(code, "co_firstlineno", 0)
        self.name = f"{function.__module__}.{function.__qualname__}"

    def root(self, name: str, positional: list[str], parameters: list[inspect.Parameter]) -> Any:
        """What gets the variable that a path starts with out of the arguments; None if there is no such parameter."""
        if name == "self" and self.has_receiver:
            name = positional[0]
        found = next(
            (p for p in parameters if p.name == name and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)), None
        )
        if found is None:
            return None
        at = positional.index(name) if name in positional else sys.maxsize
        default = None if found.default is found.empty else found.default
        return lambda args, kwargs: args[at] if at < len(args) else kwargs.get(name, default)

    @property
    def is_possible(self) -> bool:
        """Whether the function has what a demand is about: what lacks the parameter need not keep the contract."""
        return bool(self.roots or self.callees)

    def look(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, _Tally | None]:
        """What a call is made on, what its check needs, and where it is counted; None if it is not to be checked."""
        roots = [root(args, kwargs) for root in self.roots]
        root = roots[0] if self.is_single else roots
        subject: Any = self
        key = None
        if self.has_receiver:
            subject = args[0] if args else kwargs.get(self.receiver)
            key = subject if isinstance(subject, type) else type(subject)
        elif roots and roots[0] is not None:
            subject = roots[0]
        try:
            return subject, root, self.tallies[key]
        except KeyError:
            return subject, root, self.enlist(key)

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Call | None:
        """Start to observe a call; None if it is not to be checked."""
        try:
            subject: Any = self if self.position is None else args[self.position]
            root = subject
            tally = self.tallies[type(subject) if self.has_receiver else None]
        except (IndexError, KeyError):
            subject, root, tally = self.look(args, kwargs)
        if tally is None or (_settings.is_off and self.contract.mode is None):
            return None
        if id(subject) in self.running.ids or (_ACTIVE.get() is not None and self.is_below(subject)):
            return None
        call = _Call(self, subject, root, tally, None)
        if self.callees:
            call = _CallToCall(self, subject, root, tally, [get(args, kwargs) for get in self.callee_roots])
        call.begin()
        return call

    def is_below(self, subject: Any) -> bool:
        """Whether a call on this object is going on that may be interrupted, and this is a part of it."""
        call = _ACTIVE.get()
        while call is not None:
            if call.subject is subject and not call.done and call.watch.contract == self.contract:
                return True
            call = call.outer
        return False

    def enlist(self, key: type | None) -> _Tally | None:
        """Find out whether objects of a class must keep the contract, and where to count that."""
        tally = None
        if (
            self.contract.mode != "off"
            and not self.is_over
            and (key is None or self.applies is None or self.applies(key))
        ):
            name = self.name if key is None else f"{key.__module__}.{key.__qualname__}"
            text = str(self.contract) if self.contract.names else f"{self.function.__name__} {self.contract}"
            with _LOCK:
                tally = _tallies.setdefault((name, text), _Tally(name, text))
            _telemetry()
        self.tallies[key] = tally
        return tally

    def end(self) -> None:
        """Check nothing more."""
        self.is_over = True
        self.tallies.clear()

    def raised(self, tally: _Tally, left: Any, verdict: str, error: BaseException) -> None:
        """A call ended in an exception."""
        if self.contract.also_when_raising and isinstance(error, Exception):
            tally.add(verdict)
            if verdict is BROKEN:
                self.report(tally, left, error)

    def unkept(self, call: _Call, verdict: str, result: Any) -> Any:
        """A call returned without having kept the contract for sure."""
        if self.is_generator:  # calling it gave the generator, whatever its code returns
            for demand in self.contract.demands:
                if demand.verb == "returns":
                    verdict = UNSURE if demand.steps else KEPT
        elif not self.is_coroutine and isinstance(result, _LATER):
            return _later(call, result)  # nothing of it ran yet
        elif not self.is_coroutine and hasattr(type(result), "__await__"):
            verdict = UNSURE
        call.tally.add(verdict)
        if verdict is BROKEN:
            self.report(call.tally, call.left, None)
        return result

    def report(self, tally: _Tally, left: Any, error: Exception | None) -> None:
        """Tell of a broken contract, in the way that the mode says."""
        mode = self.contract.mode or _settings.mode
        missing = " or ".join(
            re.sub("^(set|call|return)s", r"did not \1", str(demand)) for demand in self.contract.demands
        )
        lefts = [each for each in (left if isinstance(left, list) else [left]) if each is not None]
        reason = f"{missing}: {lefts[0][1]!r} is left over from before" if lefts else missing
        what = Break(tally.processor, self.name, tally.contract, reason, self.path, self.line, error is not None)
        for listener in tuple(_settings.listeners):
            listener(what)
        _event(what)
        if mode == "log":
            _LOG.error("%s", what, extra={"tallylint": dataclasses.asdict(what)})
        elif mode == "warn" or (mode == "raise" and error is not None):
            if error is not None and hasattr(error, "add_note"):
                error.add_note(str(what))
            warnings.warn(str(what), ContractWarning, stacklevel=4)
        elif mode == "raise":
            raise ContractBroken(what)


def _guarded(function: Any, contract: Contract, is_method: bool, applies: Callable[[type], bool] | None) -> Any:
    """A wrapper that checks a contract; None if the function cannot keep it. One contract is checked once."""
    if isinstance(function, classmethod):
        inner = _guarded(function.__func__, contract, True, applies)
        return None if inner is None else classmethod(inner)
    if not callable(function) or isinstance(function, type) or not hasattr(function, "__qualname__"):
        return None
    if any(watch.contract == contract and not watch.is_over for watch in _watches(function)):
        return function
    try:
        watch = _Watch(function, contract, is_method, applies)
    except ValueError:  # it has no signature
        return None
    if not watch.is_possible:
        return None
    kinds: list[tuple[Callable[[Any], bool], Callable[[Any, _Watch], Any]]] = [
        (inspect.iscoroutinefunction, _coroutine),
        (inspect.isgeneratorfunction, _generator),
        (inspect.isasyncgenfunction, _async_generator),
    ]
    make = next((make for is_kind, make in kinds if is_kind(function)), _plain)
    wrapper: Any = functools.wraps(function)(make(function, watch))
    wrapper.__tallylint_watch__ = watch
    return wrapper


def _watches(function: Any) -> Iterator[_Watch]:
    """The watches on a function that wrap each other, from the outside."""
    while (watch := getattr(function, "__dict__", {}).get("__tallylint_watch__")) is not None:
        yield watch
        function = watch.function


def _plain(function: Callable[..., Any], watch: _Watch) -> Callable[..., Any]:
    """What a function becomes that runs to its end. All that most calls need is in here: each call of another costs."""
    if watch.callees:
        return _observed(function, watch)
    tallies, running, settings, contract = watch.tallies, watch.running, _settings, watch.contract
    before, after, position, has_receiver = watch.check.before, watch.check.after, watch.position, watch.has_receiver

    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            subject = root = watch if position is None else args[position]
            tally = tallies[type(subject) if has_receiver else None]
        except (IndexError, KeyError):
            subject, root, tally = watch.look(args, kwargs)
        if tally is None or (settings.is_off and contract.mode is None):
            return function(*args, **kwargs)
        ids, me = running.ids, id(subject)
        if me in ids or (_ACTIVE.get() is not None and watch.is_below(subject)):
            return function(*args, **kwargs)
        left = before(root)
        ids.add(me)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            ids.discard(me)
            watch.raised(tally, left, after(root, left, None), error)
            raise
        ids.discard(me)
        verdict = after(root, left, result)
        if verdict is KEPT:
            tally.kept += 1
            return result
        return watch.unkept(_Call(watch, subject, root, tally, left), verdict, result)

    return guarded


def _observed(function: Callable[..., Any], watch: _Watch) -> Callable[..., Any]:
    """The same for one that has to make a call."""

    def guarded(*args: Any, **kwargs: Any) -> Any:
        call = watch.begin(args, kwargs)
        if call is None:
            return function(*args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            call.raised(error)
            raise
        return call.returned(result)

    return guarded


def _coroutine(function: Callable[..., Any], watch: _Watch) -> Callable[..., Any]:
    """What a coroutine function becomes; written like `_plain`."""
    if watch.callees:
        return _awaited(function, watch)
    tallies, running, settings, contract = watch.tallies, watch.running, _settings, watch.contract
    before, after, position, has_receiver = watch.check.before, watch.check.after, watch.position, watch.has_receiver

    async def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            subject: Any = watch if position is None else args[position]
            root = subject
            tally = tallies[type(subject) if has_receiver else None]
        except (IndexError, KeyError):
            subject, root, tally = watch.look(args, kwargs)
        if tally is None or (settings.is_off and contract.mode is None):
            return await function(*args, **kwargs)
        outer = _ACTIVE.get()
        if id(subject) in running.ids or (outer is not None and watch.is_below(subject)):
            return await function(*args, **kwargs)
        call = _Call(watch, subject, root, tally, before(root))
        call.outer = outer
        _ACTIVE.set(call)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            call.raised(error)
            raise
        call.done = True
        _ACTIVE.set(outer)
        verdict = after(root, call.left, result)
        if verdict is KEPT:
            tally.kept += 1
            return result
        return watch.unkept(call, verdict, result)

    return guarded


def _awaited(function: Callable[..., Any], watch: _Watch | _Again) -> Callable[..., Any]:
    """The same for one that has to make a call."""

    async def guarded(*args: Any, **kwargs: Any) -> Any:
        call = watch.begin(args, kwargs)
        if call is None:
            return await function(*args, **kwargs)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            call.raised(error)
            raise
        return call.returned(result)

    return guarded


def _generator(function: Callable[..., Any], watch: _Watch | _Again) -> Callable[..., Any]:
    """What a generator function becomes. The call goes on only while its own code runs."""

    def guarded(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        call = watch.begin(args, kwargs)
        inner = function(*args, **kwargs)
        if call is None:
            return (yield from inner)
        step: Callable[[], Any] = functools.partial(next, inner)
        while True:
            try:
                item = step()
            except StopIteration as stop:
                result = stop.value
                break
            except BaseException as error:
                call.raised(error)
                raise
            call.leave()
            try:
                step = functools.partial(inner.send, (yield item))
            except GeneratorExit as error:
                call.enter()
                try:
                    inner.close()
                finally:
                    call.raised(error)
                raise
            except BaseException as error:
                step = functools.partial(inner.throw, error)
            call.enter()
        return call.returned(result)

    return guarded


def _async_generator(function: Callable[..., Any], watch: _Watch | _Again) -> Callable[..., Any]:
    """The same for an asynchronous one."""

    async def guarded(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        call = watch.begin(args, kwargs)
        inner = function(*args, **kwargs)
        step = inner.__anext__
        while True:
            try:
                item = await step()
            except StopAsyncIteration:
                break
            except BaseException as error:
                if call is not None:
                    call.raised(error)
                raise
            if call is not None:
                call.leave()
            try:
                step = functools.partial(inner.asend, (yield item))
            except GeneratorExit as error:
                if call is not None:
                    call.enter()
                try:
                    await inner.aclose()
                finally:
                    if call is not None:
                        call.raised(error)
                raise
            except BaseException as error:
                step = functools.partial(inner.athrow, error)
            if call is not None:
                call.enter()
        if call is not None:
            call.returned(None)

    return guarded


class _Again:
    """Starts a call anew whose function gave a coroutine or a generator: its code only runs now."""

    def __init__(self, call: _Call) -> None:
        self.call = call

    def begin(self, *_: Any) -> _Call:
        """Start it."""
        self.call.begin()
        return self.call


def _later(call: _Call, result: Any) -> Any:
    make: Any = _awaited if isinstance(result, types.CoroutineType) else _generator
    if isinstance(result, types.AsyncGeneratorType):
        make = _async_generator
    return make(lambda: result, _Again(call))()


# ---- what is told


class _Tally:
    """The calls of one processor under one contract."""

    __slots__ = ("broken", "contract", "kept", "processor", "unsure")

    def __init__(self, processor: str, contract: str) -> None:
        self.processor, self.contract = processor, contract
        self.kept = self.broken = self.unsure = 0

    def add(self, verdict: str) -> None:
        with _LOCK:
            if verdict is KEPT:
                self.kept += 1
            elif verdict is BROKEN:
                self.broken += 1
            else:
                self.unsure += 1


class _Settings:
    """What holds for all contracts."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Break], None]] = []
        self.set_mode(os.environ.get("TALLYLINT_GUARD", "warn"))

    def set_mode(self, mode: str) -> None:
        if mode not in MODES:
            raise InvalidContract(f"unknown mode `{mode}` of the guard; there are {', '.join(MODES)}")
        self.mode, self.is_off = mode, mode == "off"


_settings = _Settings()
_tallies: dict[tuple[str, str], _Tally] = {}


def configure(*, mode: str) -> None:
    """Say what happens to a broken contract that has no mode of its own: see the module."""
    _settings.set_mode(mode)


def get_mode() -> str:
    """What `configure` said, or the environment."""
    return _settings.mode


def listen(listener: Callable[[Break], None]) -> Callable[[], None]:
    """Have every break told, in any mode but `off`; call what this returns to have no more told.

    What the listener raises, the call raises.
    """
    _settings.listeners.append(listener)
    return functools.partial(_settings.listeners.remove, listener)


def counts() -> list[Count]:
    """How often each processor kept and broke its contracts since the start, or since `reset_counts`."""
    with _LOCK:
        found = [Count(t.processor, t.contract, t.kept, t.broken, t.unsure) for t in _tallies.values()]
    return sorted((c for c in found if c.kept or c.broken or c.unsure), key=lambda c: (c.processor, c.contract))


def reset_counts() -> None:
    """Start to count from 0."""
    with _LOCK:
        for tally in _tallies.values():
            tally.kept = tally.broken = tally.unsure = 0


@functools.cache
def _telemetry() -> Any:
    """OpenTelemetry's traces, once the counts are announced as a metric; None without `opentelemetry-api`."""
    try:
        from opentelemetry import metrics, trace
    except Exception:  # it is not there, or broken
        return None

    def observe(_: Any) -> Iterable[Any]:
        for count in counts():
            for outcome in (KEPT, BROKEN, UNSURE):
                attributes = {"processor": count.processor, "contract": count.contract, "outcome": outcome}
                yield metrics.Observation(getattr(count, outcome), attributes)

    text = "Calls that a contract is about, by what they did"
    metrics.get_meter("tallylint").create_observable_counter("tallylint.guard.calls", [observe], "{call}", text)
    return trace


def _event(what: Break) -> None:
    trace = _telemetry()
    if trace is not None:
        attributes = {f"tallylint.{key}": value for key, value in dataclasses.asdict(what).items()}
        trace.get_current_span().add_event("tallylint.contract.broken", attributes)


# ---- classes and modules


class Guarded:
    """A mixin: what a class and the classes below it define is guarded by the `__contracts__` of the class."""

    __contracts__: ClassVar[Sequence[Contract]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Guard what the new class defines."""
        super().__init_subclass__(**kwargs)
        found = [contract for k in cls.__mro__ for contract in vars(k).get("__contracts__", ())]
        for contract in found:
            contract.check_of(cls)
        _guard_class(cls, [(contract, None) for contract in found], [])


Undo = list[Callable[[], None]]
Rule = tuple[Contract, Union[Callable[[type, type, str], bool], None]]


def _guard_class(cls: type, rules: Iterable[Rule], undo: Undo) -> None:
    """Guard the methods that a class itself defines."""
    if getattr(cls, "_is_protocol", False) and "_is_protocol" in vars(cls):
        return
    for contract, rule in rules:
        for name, found in list(vars(cls).items()):
            inner = getattr(found, "__func__", found)
            if (
                isinstance(found, staticmethod)
                or not contract.names_it(name)
                or getattr(inner, "__isabstractmethod__", False)
            ):
                continue
            applies = None if rule is None else functools.partial(_ask, rule, cls, name)
            guarded = _guarded(found, contract, True, applies)
            if guarded is None or guarded is found:
                continue
            setattr(cls, name, guarded)
            undo.append(functools.partial(_take_back, cls, name, found, guarded))


def _ask(rule: Callable[[type, type, str], bool], owner: type, method: str, cls: type) -> bool:
    return rule(cls, owner, method)


def _take_back(owner: Any, name: str, found: Any, guarded: Any) -> None:
    next(_watches(getattr(guarded, "__func__", guarded))).end()
    if vars(owner).get(name) is guarded:
        setattr(owner, name, found)


def _guard_family(base: type, contracts: Sequence[Contract]) -> None:
    """Guard a class and all classes below it, also those that are still to come."""
    rules: list[Rule] = [(contract, None) for contract in contracts]
    undo: Undo = []
    for cls in (base, *_below(base)):
        _guard_class(cls, rules, undo)
    _on_heirs(base, lambda cls: _guard_class(cls, rules, undo))


def _on_heirs(base: type, hook: Callable[[type], None]) -> Callable[[], None]:
    """Have every new class below a class told; returns what ends that."""
    own = vars(base).get("__init_subclass__")

    def tell(cls: Any, **kwargs: Any) -> None:
        if own is not None:
            own.__get__(None, cls)(**kwargs)
        else:
            cast(Any, super)(base, cls).__init_subclass__(**kwargs)
        hook(cls)

    told: Any = cast(Any, classmethod)(tell)
    setattr(base, "__init_subclass__", told)  # noqa: B010 - mypy takes no such assignment

    def end() -> None:
        if vars(base).get("__init_subclass__") is told:
            if own is None:
                del base.__init_subclass__
            else:
                setattr(base, "__init_subclass__", own)  # noqa: B010

    return end


class Installed:
    """What `install` did. `remove` takes it back; as a context manager, it does so at the end."""

    def __init__(self, contracts: Sequence[Contract], where: Callable[[Any], bool]) -> None:
        self.contracts, self.where = contracts, where
        self._undo: Undo = []
        self._hooked: set[type] = set()
        for cls in list(_below(object)):
            self._guard_class(cls)
        for module in list(sys.modules.values()):
            self._guard_functions(module)
        self._finder = _Finder(self)
        sys.meta_path.insert(0, self._finder)

    def remove(self) -> None:
        """Put back what was there before, and guard nothing more."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        while self._undo:
            self._undo.pop()()
        self._hooked.clear()

    def __enter__(self) -> Installed:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def _guard_class(self, cls: type) -> None:
        methods = [contract for contract in self.contracts if contract.kind == "method"]
        named = [c for c in methods if any(c.names_it(name) for name in vars(cls))]
        if not named or _is_standard(cls) or not self.where(cls):
            return
        _guard_class(cls, [(contract, contract.is_about) for contract in named], self._undo)
        if not any(k in self._hooked for k in cls.__mro__):
            self._hooked.add(cls)
            self._undo.append(_on_heirs(cls, self._guard_class))

    def _guard_functions(self, module: Any) -> None:
        functions = [contract for contract in self.contracts if contract.kind == "function"]
        if not functions or not isinstance(module, types.ModuleType):
            return
        for name, found in list(vars(module).items()):
            if getattr(found, "__module__", None) != module.__name__ or not isinstance(found, types.FunctionType):
                continue
            for contract in functions:
                if contract.names_it(f"{module.__name__}.{found.__qualname__}") and self.where(found):
                    before = vars(module)[name]
                    guarded = _guarded(before, contract, False, None)
                    if guarded is not None and guarded is not before:
                        setattr(module, name, guarded)
                        self._undo.append(functools.partial(_take_back, module, name, before, guarded))

    def _loaded(self, module: Any) -> None:
        todo: list[Any] = list(vars(module).values())
        seen: set[type] = set()  # classes may hold each other
        while todo:
            cls = todo.pop()
            if isinstance(cls, type) and cls.__module__ == module.__name__ and cls not in seen:
                seen.add(cls)
                self._guard_class(cls)
                todo += vars(cls).values()
        self._guard_functions(module)


_LIBRARY = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120


def _is_standard(cls: type) -> bool:
    """Whether a class is one of Python itself: those keep no contracts."""
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None) or ""
    is_library = file.startswith(_LIBRARY) and not re.search(r"[\\/](site|dist)-packages[\\/]", file)
    # What is compiled from C takes no attributes: bit 9 says that Python made the class, bit 8 that it is fixed.
    return is_library or cls.__flags__ & (3 << 8) != 1 << 9


def _below(top: type) -> Iterator[type]:
    """Every class below another one, each after one of its bases."""
    seen, todo = {top}, [top]
    for base in todo:
        for cls in type.__subclasses__(base):
            if cls not in seen:
                seen.add(cls)
                todo.append(cls)
                yield cls


class _Finder(importlib.abc.MetaPathFinder):
    """Sees every module that is imported, and has it guarded once it is loaded."""

    def __init__(self, installed: Installed) -> None:
        self.installed = installed

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """Find what the other finders find."""
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = None if find is None or isinstance(finder, _Finder) else find(name, path, target)
            if spec is not None:
                self.follow(spec.loader)
                return cast(importlib.machinery.ModuleSpec, spec)
        return None

    def follow(self, loader: Any) -> None:
        """Look at what a loader loads. Loaders that take no attribute load no code in Python."""
        load, own = getattr(loader, "exec_module", None), getattr(loader, "__dict__", None)
        if load is None or isinstance(loader, type) or not isinstance(own, dict) or "exec_module" in own:
            return

        def exec_module(module: types.ModuleType) -> None:
            own.pop("exec_module", None)
            load(module)
            for finder in list(sys.meta_path):
                if isinstance(finder, _Finder):
                    finder.installed._loaded(module)

        own["exec_module"] = exec_module


def install(
    contracts: Iterable[Contract], *, mode: str | None = None, where: Callable[[Any], bool] = lambda _: True
) -> Installed:
    """Guard all methods and functions that contracts are about, loaded already or still to be imported.

    `where` can leave classes and functions out; those of Python itself are. Functions that were imported by name before
    are not reached. Raises InvalidContract for a contract that only its own decorator can put in place: about what
    carries another decorator, or without a name.
    """
    found = list(contracts)
    for contract in found:
        if contract.kind not in ("method", "function"):
            what = f"what carries {contract}" if contract.kind else f"`{contract}`"
            raise InvalidContract(
                f"{what} cannot be found while the program runs; decorate it with the contract itself"
            )
    if mode is not None:
        found = [dataclasses.replace(contract, mode=contract.mode or mode) for contract in found]
    return Installed(found, where)
