#!/usr/bin/env python3
"""Check the expectations in the Python fixtures by executing them.

Usage: verify_fixtures.py [-v] [FILE ...]
Without files: tests/fixtures/untracked-return/**/*.py and inferred, the same of swallowed-write (which keep the
contract, but for `# expect-other: untracked-return/KIND`), then the example project
fixtures/pipeline, whose modules import each other and whose marks read `# planted: KIND`.

Every processor class of a fixture is run in CPython under every choice of what it cannot know
(truth, None-ness, length and equality of unknown values; which calls raise).  The exits that
some execution takes without the key in `self.stats` must be exactly the marked ones:

    # expect: KIND            on the line of a `return`, or on the `def` line for falling off the
                              end and for never-set
    # expect: KIND|KIND       either is right
    # expect: KIND low        a reporter may lower the severity
    # no-exec: REASON         on the `class` (or alias) line: policy decides, execution cannot
    # with-init               on the `class` line: run __init__ first
    # others-set: NAME, NAME  on the `class` line: these attributes hold what others gave them
    # exit-in: NAME           on the `class` line: the blamed function is NAME, not save_data
    # contracts: NAME sets KEY, NAME returns, NAME returns ['KEY'], NAME returns .NAME
                              once in a file: which methods are run, and what they must have done

KIND is never-set, unset-after-write, dropped, unset or unverified.  A class whose code has a mark
`certified` or `swallowed` must return on some path on which a write failed, and no other class may,
but for one with `# may-fail: REASON` on its `class` line: somebody hears of the failure, or the
write is beside the point.  Marks with the kinds of other rules are passed over.  Nothing here analyses the code to reach a verdict: it reports what the
interpreter did.  Standard library only, 3.9+.
"""

import ast
import contextlib
import inspect
import itertools
import re
import sys
import warnings
from pathlib import Path

import fixture_world as world
from fixture_world import PROBES, SANDBOX, ErrorMixin, ExternalError, Opaque, Subject, error_class

METHOD, KEY = "save_data", "rows_inserted"
KINDS = ("never-set", "unset-after-write", "dropped", "unset", "unverified")
OTHER_KINDS = ("certified", "swallowed", "marks-done", "answers-done", "skips-work")  # of other rules
PATH_LIMIT = 30000
ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "fixtures/pipeline"
CONTRACTS = (("save_data", "rows_inserted"), ("save_analytics", "rows_processed"))
LOADED = {}  # path -> fixture, for the modules of the example project


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
        first = first_line(node)
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


def first_line(node):
    return min([node.lineno] + [d.lineno for d in getattr(node, "decorator_list", [])])


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
        elif getattr(called, "id", getattr(called, "attr", "")) in ("suppress", "isinstance", "issubclass"):
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
    """Runs a coroutine to its end; nothing in here really waits.  (whether it runs later, its value)"""
    if inspect.iscoroutine(result):
        try:
            while True:
                result.send(None)
        except StopIteration as stop:
            return False, stop.value
    if inspect.isgenerator(result) or isinstance(result, contextlib.AbstractContextManager) \
            and not isinstance(result, Opaque) or inspect.isasyncgen(result):
        return True, None
    return False, result


def has_part(value, part):
    """Whether a returned value is not None, and has a key or an attribute."""
    if value is None or isinstance(value, Opaque):
        return value is not None
    name = part.strip("[].'")
    return not part or (hasattr(value, name) if part.startswith(".") else isinstance(value, dict) and name in value)


def contracts_of(source):
    """The methods and what each must do: a key to store, or `returns` and a part."""
    found = re.search(r"^# contracts: (.*)$", source, re.M)
    each = re.findall(r"(\w+) (?:sets (\w+)|(returns ?[^,]*))", found.group(1)) if found else []
    return tuple((method, key or returns) for method, key, returns in each)


class Regular:
    """The writes that are made also where nothing failed."""

    def __init__(self):
        self.known, self.met, self.made_up = set(), set(), set()


def settled(judge):
    """Judges until it is known which writes are regular."""
    regular = Regular()
    for _ in range(3):
        # What was met while too little was known to be regular counts for nothing.
        regular.met.clear()
        regular.made_up.clear()
        verdict = judge(regular)
        mistaken = (regular.met & regular.made_up) - regular.known
        if not mistaken:
            break
        regular.known |= mistaken
    return verdict


class Fixture:
    """A fixture file: its classes, its marks, and what execution found."""

    def __init__(self, path):
        self.path, source = path, path.read_text(encoding="utf-8")
        self.lines = source.splitlines()
        self.tree = ast.parse(source)
        self.nodes = {n.lineno: n for n in ast.walk(self.tree) if isinstance(n, ast.ClassDef)}
        self.instrument = Instrument(path)
        code = ast.fix_missing_locations(self.instrument.visit(ast.parse(source)))
        world.begin((), (ExternalError,), [])
        self.space = {"__builtins__": SANDBOX, "__name__": str(path), "__file__": str(path), **PROBES}
        exec(compile(code, str(path), "exec"), self.space)

    def marks(self):
        found = {}
        for number, line in enumerate(self.lines, 1):
            line = re.sub(r"\s+# expect-other: (?!untracked-return/)\S+", "", line)
            match = re.search(r"# (?:(?:expect|planted): |expect-other: untracked-return/)(\S+)(?: low| \(needs [\w ]+\))?(?:$|\s+#)", line)
            if match and set(match.group(1).split("|")) <= set(OTHER_KINDS):
                continue
            if re.search("# (expect|planted|expect-other: untracked-return)", line) and not (match and set(match.group(1).split("|")) <= set(KINDS)):
                raise SystemExit("{}:{}: malformed mark".format(self.path, number))
            if match:
                found[number] = set(match.group(1).split("|"))
        return found

    def swallows(self, node):
        """The lines that swallow the failure of a write, as marked in the code that a class reaches."""
        return [number for s in reachable(self.tree, node) for number in range(first_line(s), s.end_lineno + 1)
                if re.search(r"# (expect|planted|expect-other): (swallowed-write/)?[|]?(certified|swallowed)", self.lines[number - 1])]

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
        function = inspect.unwrap(function, stop=lambda f: f.__code__.co_filename == str(self.path))
        return self.instrument.defs[function.__code__.co_firstlineno].lineno

    def judge(self, cls, node):
        return settled(lambda regular: self.judge_once(cls, node, regular))

    def judge_once(self, cls, node, regular):
        """{exit line: kinds} over all paths, the number of paths, and a way to each exit."""
        kinds, numbers = class_facts(self.tree, node)
        blamed = self.directive(node, "exit-in") or METHOD
        line = self.entry(cls, blamed)
        bad, ways, good, ever_set, paths, tape = {}, {}, 0, False, 0, []
        forgotten = None  # a way on which a write fails and the method returns
        while tape is not None and paths < PATH_LIMIT:
            run, paths = world.begin(tape, kinds, numbers), paths + 1
            run.regular, run.met, run.made_up = regular.known, regular.met, regular.made_up
            exit_line, stays = self.run(run, cls, node, line)
            if exit_line and not run.cut and run.failure and forgotten is None:
                forgotten = [*run.story, "{} failed".format(run.failure[0])]
            if exit_line and not run.cut:
                if stays:
                    good += 1
                else:
                    kind = ("dropped" if run.was_set else "unverified" if run.unverified
                            else "unset-after-write" if run.wrote else "unset")
                    bad.setdefault(exit_line, set()).add(kind)
                    ways.setdefault((exit_line, kind), run.story)
                ever_set = ever_set or run.was_set or bool(stays)
            trail = run.trail
            while trail and trail[-1][0] + 1 == trail[-1][1]:
                trail.pop()
            tape = [p for p, _ in trail[:-1]] + [trail[-1][0] + 1] if trail else None
        if tape is not None:
            raise SystemExit("{}: {}: more than {} paths".format(self.path, cls.__name__, PATH_LIMIT))
        certain = all("unverified" not in found for found in bad.values())
        if bad and not ever_set and certain:
            bad = {line: {"never-set"}}
        return bad, "{} paths, {} good".format(paths, good), ways, forgotten

    def run(self, run, cls, node, line):
        """One execution: the exit it took (None if it raised) and whether the key is there."""
        subject = object.__new__(cls)
        if self.directive(node, "with-init"):
            subject.__init__()
        subject.__dict__.setdefault("stats", {})
        for name in re.findall(r"\w+", self.directive(node, "others-set") or ""):
            subject.__getattr__(name)
        run.subject = subject

        returns = KEY.startswith("returns")

        def there():
            if returns:
                return False
            try:
                return KEY in subject.stats
            except TypeError:
                return False

        def trace(frame, event, arg):
            if frame.f_code.co_filename != str(self.path):
                return None
            if event in ("line", "return") and there():
                run.was_set = True
            return trace

        sys.settrace(trace)
        try:
            deferred, value = drive(getattr(subject, METHOD)())
        except BaseException as error:
            wrong = (NameError, AttributeError, TypeError)
            # A variable that a failure left unbound is what some fixtures are about.
            if isinstance(error, wrong) and not isinstance(error, (ErrorMixin, UnboundLocalError)):
                sys.settrace(None)
                raise SystemExit("{}: {}: the fixture is broken: {!r} after {}".format(
                    self.path, cls.__name__, error, run.story))
            return None, False
        finally:
            sys.settrace(None)
        stays = has_part(value, KEY[len("returns"):].strip()) if returns else there()
        run.was_set = run.was_set or stays
        return (line if deferred else run.exits.get((str(self.path), line))), stays


def load(path):
    if path not in LOADED:
        LOADED[path] = Fixture(path)
    return LOADED[path]


def find_module(name, importer):
    """Modules of the example project import each other."""
    path = PROJECT / (name.replace(".", "/") + ".py")
    return load(path).space if str(PROJECT) in importer and path.exists() else None


world.find_module = find_module


def verify(path, verbose, contracts=CONTRACTS[:1]):
    """(classes verified, classes skipped, problems) of one file."""
    global METHOD, KEY
    fixture = load(path)
    marks, found, ways, exempt, verified, skipped = fixture.marks(), {}, {}, set(), 0, 0
    problems = []
    skipping = [n for n in fixture.nodes.values() if fixture.directive(n, "no-exec")]
    for node in skipping:
        exempt |= set(range(node.lineno, node.end_lineno + 1))
    for (METHOD, KEY), (cls, node) in itertools.product(contracts, list(fixture.classes())):
        own = Subject.__dict__.get(METHOD)
        if not issubclass(cls, Subject) or inspect.getattr_static(cls, METHOD, own) is own:
            continue
        if node in skipping:
            skipped += 1
            continue
        bad, paths, how, forgotten = fixture.judge(cls, node)
        verified += 1
        if path.parent not in PROJECT.rglob("*"):
            marked = fixture.swallows(node)
            excused = fixture.directive(node, "may-fail")
            if bool(forgotten) != bool(marked or excused) or marked and excused:
                problems.append("{}:{}: {} {}, executed {}".format(
                    path.name, node.lineno, cls.__name__, "marked at {}".format(marked) if marked else
                    "excused" if excused else "not marked", forgotten or "no failure that is forgotten"))
        ways.update(how)
        if verbose:
            print("  {} {}: {}, {}".format(path.name, cls.__name__, paths, bad or "ok"))
        for line, kinds in bad.items():
            found.setdefault(line, set()).update(kinds)
    for line in sorted((set(marks) | set(found)) - exempt):
        want, have = marks.get(line, set()), found.get(line, set())
        severe = have & {"never-set", "dropped", "unset-after-write"} or have & {"unset"} or have
        if not want & severe:
            way = next((w for (n, _), w in ways.items() if n == line), [])
            problems.append("{}:{}: marked {}, executed {} {}".format(
                path.relative_to(ROOT) if ROOT in path.parents else path, line, sorted(want) or "nothing", sorted(have) or "nothing", way))
    return verified, skipped, problems


def needed(source):
    """The version of Python that the syntax of a fixture needs, if this one is older."""
    newer = [
        needs
        for needs, syntax in (((3, 10), r"^\s+match .*:$"), ((3, 11), r"^\s+except\*"))
        if sys.version_info < needs and re.search(syntax, source, re.M)
    ]
    return newer[-1] if newer else None


def main(args):
    warnings.simplefilter("ignore")  # coroutines that are never awaited are a case
    verbose = "-v" in args
    files = [Path(a).resolve() for a in args if a != "-v"]
    if not files:
        fixtures = ROOT / "tests/fixtures"
        files = [f for d in (fixtures / "untracked-return", fixtures / "inferred", fixtures / "swallowed-write", PROJECT) for f in sorted(d.rglob("*.py"))]
    total, skips, problems = 0, 0, []
    for path in files:
        source = path.read_text(encoding="utf-8")
        newer = needed(source)
        if newer:
            print("{}: needs Python {}.{}, not verified".format(path.name, *newer))
            continue
        if "# no-exec-file:" in source:
            continue
        verified, skipped, wrong = verify(path, verbose, contracts_of(source) or (CONTRACTS if PROJECT in path.parents else CONTRACTS[:1]))
        total, skips, problems = total + verified, skips + skipped, problems + wrong
    for problem in problems:
        print(problem)
    print("{} classes verified, {} skipped, {} problems".format(total, skips, len(problems)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
