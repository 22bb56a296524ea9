"""Names in the sources of Python packages, found without importing them."""

import ast
import builtins
import functools
import json
import pathlib
import subprocess
import sys
from typing import NamedTuple

from . import cython, services

PROBE = pathlib.Path(__file__).with_name("probe.py")


class Found(NamedTuple):
    """A definition, and the module in which its names are looked up."""

    node: ast.AST | None
    module: str


class Packages:
    """The packages of one preset."""

    def __init__(self, roots, _imports, compiled):
        self.roots = roots
        self.compiled = compiled
        self.known = {}
        self.services = services.Services(self.roots)

    # What a preset can claim.

    def exists(self, dotted):
        return bool(self.services.knows(dotted) or self.find(dotted) or self.probe(dotted))

    def method(self, of, name):
        if self.services.knows(of):
            return self.services.parameters(of, name) is not None
        return bool(self.members(of, name) or self.probe(f"{of}.{name}"))

    def parameter(self, of, call, parameter):
        """That a call has a parameter, at the place that is told: see `shape.py`."""
        known = self.places(of, call)
        return parameter in known or f"no parameter {parameter} among {sorted(known)}"

    def places(self, of, call):
        """The parameters of a call with their places."""
        if self.services.knows(of):
            return set(self.services.parameters(of, call) or [])
        known = {p for found in self.members(of, call) for p in self.parameters(found)}
        probed = self.probe(f"{of}.{call}")
        return known | set(numbered(probed["parameters"]) if probed else [])

    def attribute(self, of, name):
        return bool(self.members(of, name))

    def key(self, of, call, name):
        if self.services.knows(of):
            return name in self.services.answers(of, call)
        return bool(self.members(of, call))

    def exception(self, dotted):
        if self.services.is_exception(dotted):
            return True
        probed = self.probe(dotted)
        return bool(probed and probed["exception"]) or any(self.raisable(f) for f in self.find(dotted))

    def mentions(self, dotted, word):
        """That a definition contains a word, as a text or a name."""
        return any(
            word == getattr(node, key, None)
            for found in self.find(dotted)
            if found.node
            for node in ast.walk(found.node)
            for key in ("value", "attr", "id", "name")
        )

    # How names are found.

    @functools.cache
    def module(self, dotted):
        """The trees of a module: its stub and its source."""
        trees = []
        for root in self.roots:
            base = root.joinpath(*dotted.split("."))
            inside = (base / "__init__.pyi", base / "__init__.py")
            for path in (*inside, base.with_suffix(".pyi"), base.with_suffix(".py")):
                if path.is_file():
                    trees.append((ast.parse(path.read_text(encoding="utf-8")), path.name.startswith("__init__")))
            if base.with_suffix(".pyx").is_file():
                trees.append((ast.parse(cython.stub(base.with_suffix(".pyx"))), False))
        return trees

    def find(self, dotted):
        """Definitions of a dotted name. A name that is looked for while it is looked for has none."""
        if dotted not in self.known:
            self.known[dotted] = []
            self.known[dotted] = self.search(dotted)
        return self.known[dotted]

    def search(self, dotted):
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            name = ".".join(parts[:length])
            if not self.module(name):
                continue
            found = [Found(None, name)]
            for part in parts[length:]:
                found = [inner for outer in found for inner in self.member(outer, part)]
            if found:
                return found
        return []

    def members(self, of, name):
        return [m for found in self.find(of) for m in self.member(found, name)]

    def member(self, found, name):
        """Definitions of a name in a module or a class, or in what the class inherits from."""
        if found.node is None:
            return self.in_module(found.module, name)
        if not isinstance(found.node, ast.ClassDef):
            return []
        own = []
        for node in definitions(found.node.body, name):
            own += [Found(node, found.module)]
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
                own += self.member(found, node.value.id) if node.value.id != name else []
        own += [Found(node, found.module) for node in own_attributes(found.node, name)]
        if own:
            return own
        bases = [b for base in found.node.bases for b in self.value(base, found.module)]
        return [m for b in bases if b.node is not found.node for m in self.member(b, name)]

    def in_module(self, module, name):
        found = []
        for tree, is_package in self.module(module):
            for node in definitions(tree.body, name):
                if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                    found.append(Found(node, module))
                elif isinstance(node, ast.ImportFrom):
                    found += self.find(imported(node, name, module, is_package))
                elif isinstance(node, ast.Import):
                    found += [f for a in node.names if a.asname == name for f in self.find(a.name)]
                elif isinstance(node, ast.Assign):
                    found += self.value(node.value, module) or [Found(node, module)]
                else:
                    found.append(Found(node, module))
            for target in lazy(tree, name, module, is_package):
                found += self.find(target)
        return found

    def value(self, node, module):
        """Classes that an expression can stand for."""
        match node:
            case ast.Name(id=name):
                return self.find(f"{module}.{name}") or self.builtin(name)
            case ast.Attribute(value=value, attr=name):
                found = [m for f in self.value(value, module) for m in self.member(f, name)]
                # `import a.b` makes `a.b.C` a name.
                return found or self.find(ast.unparse(node))
            case ast.Subscript(value=value):
                return self.value(value, module)
            case ast.Call(func=func, args=args):
                # `Manager(BaseManager.from_queryset(QuerySet))`
                inner = [func.value] if isinstance(func, ast.Attribute) else []
                return [f for a in [*inner, *args] for f in self.value(a, module)]
        return []

    @staticmethod
    def builtin(name):
        kind = getattr(builtins, name, None)
        return [Found(ast.Constant(name), "builtins")] if isinstance(kind, type) else []

    def parameters(self, found):
        match found.node:
            case ast.FunctionDef(args=args) | ast.AsyncFunctionDef(args=args):
                return [*numbered([a.arg for a in [*args.posonlyargs, *args.args]], args.vararg), *keywords(args)]
            case ast.ClassDef():
                own = [p for f in self.member(found, "__init__") for p in self.parameters(f)]
                if not any(p.endswith(":**") for p in own):
                    return own
                # What `**kwargs` of a constructor takes are the parameters of its base.
                above = [b for base in found.node.bases for b in self.value(base, found.module)]
                inherited = [p for b in above if b.node is not found.node for p in self.parameters(b)]
                return own + [p.partition(":")[0] for p in inherited]
        return []

    def raisable(self, found):
        if isinstance(found.node, ast.Constant):
            kind = getattr(builtins, found.node.value)
            return issubclass(kind, Exception)
        if not isinstance(found.node, ast.ClassDef):
            return False
        bases = [b for base in found.node.bases for b in self.value(base, found.module)]
        return any(self.raisable(b) for b in bases if b.node is not found.node)

    @functools.cache
    def probe(self, dotted):
        """What a compiled package says of a name when it is imported."""
        if dotted.split(".")[0] not in self.compiled:
            return None
        command = [sys.executable, str(PROBE), dotted, *map(str, self.roots)]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def numbered(names, rest=None):
    """Parameters that can be given by position: `name:0`; those that take all that follow: `name:0+`."""
    names = names[1:] if names and names[0] in ("self", "cls") else names
    found = [f"{name}:{index}" for index, name in enumerate(names)]
    return [*found, f"{rest.arg}:{len(names)}+"] if rest else found


def keywords(args):
    """Parameters that can be given only by name: `name`; the one that takes all others: `name:**`."""
    return [*(a.arg for a in args.kwonlyargs), *([f"{args.kwarg.arg}:**"] if args.kwarg else [])]


def definitions(body, name):
    """The statements of a body, also below `if`, `try` and `with`, that bind a name."""
    for node in body:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                if node.name == name:
                    yield node
            case ast.ImportFrom() | ast.Import():
                if any(name == (a.asname or a.name) or a.name == "*" for a in node.names):
                    yield node
            case ast.Assign():
                names = [t for target in node.targets for t in ast.walk(target)]
                if any(isinstance(t, ast.Name) and t.id == name for t in names):
                    yield node
            case ast.AnnAssign(target=ast.Name(id=target)):
                if target == name:
                    yield node
            case ast.If() | ast.Try() | ast.With():
                for key in ("body", "orelse", "finalbody"):
                    yield from definitions(getattr(node, key, []), name)
                for handler in getattr(node, "handlers", []):
                    yield from definitions(handler.body, name)


def own_attributes(node, name):
    """Assignments to `self.name` in the methods of a class."""
    for inner in ast.walk(node):
        match inner:
            case ast.Attribute(value=ast.Name(id="self"), attr=attribute, ctx=ast.Store()) if attribute == name:
                yield inner


def absolute(node_module, level, module, is_package):
    """The module that a relative import names."""
    if not level:
        return node_module or ""
    parts = module.split(".")
    parts = parts[: len(parts) - level + is_package]
    return ".".join([*parts, *([node_module] if node_module else [])])


def imported(node, name, module, is_package):
    """What a name from `from … import …` stands for."""
    source = absolute(node.module, node.level, module, is_package)
    for alias in node.names:
        if name == (alias.asname or alias.name):
            return f"{source}.{alias.name}"
    return f"{source}.{name}"


def lazy(tree, name, module, is_package):
    """Where a package that imports lazily says that a name comes from: `{"name": ".module"}`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == name and isinstance(value, ast.Constant):
                text = str(value.value)
                dots = len(text) - len(text.lstrip("."))
                source = absolute(text[dots:], dots, module, is_package)
                yield f"{source}.{name}"
