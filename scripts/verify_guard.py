#!/usr/bin/env python3
"""Check that the guard fires on exactly the exits that the linter reports.

Usage: verify_guard.py [--tallylint PROGRAM] [--programs COUNT] [--seed SEED] [-v]

1. The example project and all fixtures that can be executed: every class runs in CPython under every choice of what it
   cannot know (see verify_fixtures.py), with `tallylint.guard.install` and the contracts that the linter lists. In each
   single run, the guard must fire if and only if the method returned without the key. For the example project, the exits
   on which it fired must be those that `tallylint contracts --format json` names.
2. COUNT random programs, and as many again as there are shapes of real code (see tests/differential): the same for each
   run, and for each class the exits that `tallylint check --pedantic` reports.

Nobody but the linter analyses code here. Python 3.9+, standard library only.
"""

import argparse
import contextlib
import inspect
import json
import os
import subprocess
import sys
import tempfile
import types
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests/differential"), str(ROOT / "python")]

import execute  # noqa: E402
import fixture_world as world  # noqa: E402
import generate  # noqa: E402
import verify_fixtures as verifier  # noqa: E402

from tallylint import guard  # noqa: E402

SHOWN = 20


class Checked:
    """What the guard did, run by run."""

    def __init__(self):
        self.fired, self.problems = [], []
        self.runs = self.returns = self.breaks = self.generators = 0
        self.exits = set()  # where it fired, for the class that runs now
        self.kept = False  # whether it kept silent at some exit of that class
        guard.listen(self.fired.append)

    def begin(self):
        self.exits, self.kept = set(), False

    def judge(self, who, exit_at, stays, story):
        """One run ended: at an exit, or by an exception if there is none."""
        fired = len(self.fired)
        self.fired.clear()
        self.runs += 1
        self.returns += exit_at is not None
        self.breaks += fired
        wanted = int(exit_at is not None and not stays)
        if fired != wanted:
            self.problems.append("{}: fired {} times instead of {} at {} {}".format(who, fired, wanted, exit_at, story))
        if fired:
            self.exits.add(exit_at)
        elif exit_at is not None:
            self.kept = True


def lint(program, *args):
    """What the linter prints, as JSON."""
    run = subprocess.run([program, *args, "--format", "json", "--isolated"], capture_output=True, text=True, cwd=ROOT)
    if run.returncode > 1:
        raise SystemExit("{} {}: {}".format(program, " ".join(args), run.stderr))
    return json.loads(run.stdout)


def check_fixtures(checked, program, verbose):
    """The fixtures and the example project; the number of classes."""
    root, classes = ROOT / "tests/fixtures", 0
    for folder in (root / "untracked-return", root / "inferred", root / "swallowed-write", verifier.PROJECT):
        listed = lint(program, "contracts", str(folder))["contracts"]
        contracts = {(c["who"], does(c)): guard.Contract.from_json(c) for c in listed}
        exits = {(p["class"], p["method"]): p["findings"] for c in listed for p in c["processors"]}
        for path in sorted(folder.rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            if "# no-exec-file:" in source or verifier.needed(source):
                continue
            fixture = verifier.load(path)
            sys.modules[str(path)] = module = types.ModuleType(str(path))
            module.__file__ = str(path)
            default = verifier.CONTRACTS if folder == verifier.PROJECT else verifier.CONTRACTS[:1]
            for method, key in verifier.contracts_of(source) or default:
                verifier.METHOD, verifier.KEY = method, key
                part = key[len("returns ") :]
                wanted = key if key == "returns" else "returns " + part if key.startswith("returns") else "sets " + key
                for cls, node in processors(fixture, contracts[method, wanted]):
                    if inspect.isgeneratorfunction(getattr(cls, method)):
                        # Calling one runs nothing: the linter says so, and the guard has nothing to see.
                        checked.generators += 1
                        continue
                    classes += 1
                    check_class(checked, fixture, cls, node)
                    if folder == verifier.PROJECT:
                        compare(checked, cls.__name__, exits.pop((cls.__name__, method), ()))
                    if verbose:
                        print("  {} {}: {}".format(path.name, cls.__name__, sorted(checked.exits)))
            del sys.modules[str(path)]
        if folder == verifier.PROJECT:
            checked.problems += ["{}: the linter has it, and it was not run".format(name) for name in exits]
    return classes


def does(listed):
    """What a contract that the linter lists demands, in the words of the fixtures."""
    found = listed["demands"][0]
    what = found["what"]
    if found["kind"] == "sets":
        return "sets " + what.partition("['")[2].rstrip("']")
    return "returns" + what[len("a value with") :] if what != "a value" else "returns"


def processors(fixture, contract):
    """The classes of a fixture that have the method, and their nodes; the guard is on while they are looked at."""
    method = verifier.METHOD
    with guard.install([contract], where=lambda cls: cls is not world.Subject):
        for cls, node in list(fixture.classes()):
            own = vars(world.Subject).get(method)
            if issubclass(cls, world.Subject) and inspect.getattr_static(cls, method, own) is not own:
                if not fixture.directive(node, "no-exec"):
                    yield cls, node


@contextlib.contextmanager
def no_futures(cls, name):
    """What a plain method returns may be a future in truth, and then the guard is not sure; here it is none."""
    method = inspect.getattr_static(cls, name)
    awaited = world.Opaque.__await__
    if not inspect.iscoroutinefunction(method):
        del world.Opaque.__await__
    try:
        yield
    finally:
        world.Opaque.__await__ = awaited


def check_class(checked, fixture, cls, node):
    """All runs of one class."""
    run_once = type(fixture).run

    def run(run, cls, node, line):
        checked.fired.clear()
        exit_line, stays = run_once(fixture, run, cls, node, line)
        if not run.cut:
            checked.judge("{}: {}".format(fixture.path, cls.__name__), exit_line, stays, run.story)
        return exit_line, stays

    checked.begin()
    fixture.run = run
    try:
        with no_futures(cls, verifier.METHOD):
            fixture.judge(cls, node)
    finally:
        del fixture.run


def compare(checked, name, found):
    """The exits of a class of the example project with those that the linter lists."""
    reported = {problem["line"] for problem in found}
    if any(problem["kind"] == "never-set" for problem in found):
        if checked.kept or not checked.exits:
            checked.problems.append("{}: never set, and the guard keeps silent".format(name))
    elif reported != checked.exits:
        checked.problems.append("{}: reported {}, fired {}".format(name, sorted(reported), sorted(checked.exits)))


def check_programs(checked, program, seed, count):
    """Random programs; (how many, how many classes, those of which the linter found exits)."""
    turns = [generate.SHAPED_NUMBERS + i for i in range(len(generate.SHAPES))]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch).resolve() / "programs"
        folder.mkdir()
        truths, number = [], 0
        while sum(1 for t in truths if t[0]["number"] < generate.SHAPED_NUMBERS) < count:
            truths += made(folder, seed, number)
            number += 1
        for turn in turns:
            truths += made(folder, seed, turn)
        reported = reported_exits(lint(program, "check", str(folder), "--pedantic", "--select", "untracked-return"))
        guarded = {}
        for classes in truths:
            guarded.update(check_program(checked, folder, classes))
        for truth in (t for classes in truths for t in classes):
            compare_program(checked, truth, guarded, reported)
        return len(truths), len(guarded), len(reported)


def made(folder, seed, number):
    """The classes of a program that was written, in a list; empty if it has too many paths."""
    found = generate.program(folder, seed, number)
    return [[{**truth, "number": number} for truth in found]] if found else []


def check_program(checked, folder, classes):
    """All runs of the classes of a program: where the guard fired, and whether a decorator stands before it."""
    program, out = execute.Program([folder / name for name in classes[0]["files"]]), {}
    for truth in classes:
        name = truth["class"]
        cls = program.find(name)
        is_wrapped = program.is_wrapped(name)
        run_once = program.run

        def run(run, cls, function, place, filled, name=name, run_once=run_once):
            checked.fired.clear()
            line, stays = run_once(run, cls, function, place, filled)
            if not run.cut:
                exit_at = (str(Path(place[0]).relative_to(folder)), line) if line else None
                checked.judge(name, exit_at, stays, run.story)
            return line, stays

        checked.begin()
        with guard.install([guard.BUILT_IN], where=lambda cls: cls is not world.Subject):
            program.run = run
            with no_futures(cls, execute.METHOD):
                program.judge(name, generate.PATH_LIMIT)
            del program.run
        out[name] = (checked.exits, is_wrapped)
    return out


def reported_exits(document):
    """For each class, the exits that the linter reports."""
    out = {}
    for finding in document["findings"]:
        if not finding["symbol"].endswith(".save_data"):
            continue
        path = Path(finding["path"])
        names = {finding["symbol"][: -len(".save_data")]}
        for note in finding.get("notes", ()):
            if note.startswith("several classes"):
                names.update(note.split("`")[1::2])
        for name in names:
            out.setdefault(name, set()).update(("/".join(path.parts), line) for line in finding["exits"])
    return out


def compare_program(checked, truth, guarded, reported):
    """The exits of one class. Inherited code is reported with its owner, so only whether there are any counts there."""
    name = truth["class"]
    fired, is_wrapped = guarded[name]
    found = {(path.partition("/programs/")[2], line) for path, line in reported.get(name, ())}
    if truth["owner"] is not None:
        added = fired - guarded[truth["owner"]][0]
        wrong = added and not found or found and not fired
    else:
        # Where a decorator stands before the method, the linter names the exit behind it.
        wrong = bool(found) != bool(fired) if is_wrapped else found != fired
    if wrong:
        checked.problems.append("{}: reported {}, fired {}: {}".format(name, sorted(found), sorted(fired), truth["features"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tallylint", default=str(ROOT / "target/debug/tallylint"))
    parser.add_argument("--programs", type=int, default=500 if os.environ.get("TALLYLINT_ALL") else 100)
    parser.add_argument("--seed", default="1")
    parser.add_argument("-v", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # coroutines that are never awaited
    guard.configure(mode="count")
    checked = Checked()
    classes = check_fixtures(checked, args.tallylint, args.v)
    print("fixtures: {} classes ({} generators left out), {} runs, {} of them return, the guard fires in {}".format(
        classes, checked.generators, checked.runs, checked.returns, checked.breaks))
    before = (checked.runs, checked.returns, checked.breaks)
    programs, classes, bad = check_programs(checked, args.tallylint, args.seed, args.programs)
    now = (checked.runs, checked.returns, checked.breaks)
    print("programs: {}, {} classes, {} of them bad, {} runs, {} of them return, the guard fires in {}".format(
        programs, classes, bad, *(b - a for a, b in zip(before, now))))
    for problem in checked.problems[:SHOWN]:
        print(problem)
    print("{} differences".format(len(checked.problems)))
    return 1 if checked.problems or not checked.breaks else 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
