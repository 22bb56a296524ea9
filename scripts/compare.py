#!/usr/bin/env python3
"""Measures tallylint beside other tools and prints tables in Markdown; scripts/compare.sh calls it.

usage: compare.py TALLYLINT

The working folder has a virtual environment `venv` with ruff and ripgrep, and gets the trees. The environment says what is
measured, see scripts/compare.sh. What compares is processor time, user and system.
"""

import math
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import trees

TALLYLINT = [os.path.abspath(sys.argv[1]), "check"] if len(sys.argv) == 2 else sys.exit(__doc__)
RUFF = ["venv/bin/ruff", "check", "--isolated", "-q", "--select", "RET,F,BLE"]
RULES = ["untracked-return", "swallowed-write", "success-as-proof"]
ROUNDS = int(os.environ.get("ROUNDS", "3"))
LIMIT = int(os.environ.get("RUN_LIMIT", "900"))


@dataclass
class Tree:
    """How a tree is made, whether its own configuration counts, and what other commands are run over it."""

    make: Callable
    configured: bool = False
    others: Optional[Callable] = None


def mixed_tools(folder):
    """What else is run over the mixed tree."""
    one = sorted(folder.joinpath("pipelines").rglob("*_processor.py"))[7]
    bare = [*TALLYLINT, "--isolated", "-q"]
    tools = {
        "tallylint --read everything": [*bare, "--no-cache", "--read", "everything", str(folder)],
        "tallylint, nothing changed": [*bare, "--cache-dir", "kept", str(folder)],
        "ruff, nothing changed": [*RUFF, "--cache-dir", "kept-ruff", str(folder)],
        "rg": ["venv/bin/rg", "-c", "save_data|success", str(folder)],
        "tallylint, one file": [*bare, "--no-cache", str(one)],
        "tallylint --version": [TALLYLINT[0], "--version"],
    }
    # What they keep is there before the first round.
    for name, command in tools.items():
        if name.endswith("nothing changed"):
            once(command)
    return tools


TREES = {
    "mixed": Tree(trees.mixed, others=mixed_tools),
    "realistic": Tree(trees.realistic),
    "field": Tree(trees.field, configured=True),
    "counted": Tree(trees.counted, configured=True),
}
# Trees that grow, where the environment says how far, and how far by default.
GROWTH = {
    "files": (trees.files, "FILES", "250 2500 25000"),
    "lines of a simple method": (trees.simple_method, "LINES", "200 2000 20000"),
    "lines of a real method": (trees.real_method, "LINES", "200 2000 20000"),
    "classes in a file": (trees.classes, "CLASSES", "10 100 1000"),
    "small classes in a file": (trees.wide_classes, "WIDE", "1000 4000 16000"),
    "small functions in a file": (trees.wide_functions, "WIDE", "1000 4000 16000"),
}
SEMGREP_RULE = """\
rules:
  - id: return-without-count
    languages: [python]
    severity: WARNING
    message: save_data returns without setting the count
    patterns:
      - pattern-inside: |
          def save_data(self, ...):
            ...
      - pattern: return
      - pattern-not-inside: |
          self.stats["rows_inserted"] = ...
          ...
"""


@dataclass
class Run:
    """What one run took: processor seconds and peak memory in MB."""

    cpu: float
    peak: float


def bound():
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))


def once(command, told=subprocess.DEVNULL):
    """Runs a command. Findings are no failure; neither are files that cannot be parsed or end in an internal error."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=told, preexec_fn=bound)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in ((0, 1, 2, 101) if command[0] == TALLYLINT[0] else (0, 1)):
        raise RuntimeError(f"failed with {child.returncode}: {' '.join(command)}")
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def alternately(commands):
    """The medians of the rounds, by name."""
    seen = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            seen[name].append(once(command))
    return {
        name: Run(statistics.median(run.cpu for run in runs), statistics.median(run.peak for run in runs))
        for name, runs in seen.items()
    }


def check(folder, configured=False, *arguments):
    """The command that checks a tree cold: what an earlier run found must not help."""
    config = ["--config", str(folder / "tallylint.toml")] if configured else ["--isolated"]
    return [*TALLYLINT, *config, "-q", "--no-cache", *arguments, str(folder)]


def ruff(folder):
    return [*RUFF, "--no-cache", str(folder)]


def row(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def table(title, *columns):
    print(f"\n### {title}\n")
    row(*columns)
    row(*("---" for _ in columns))


def size(folder):
    files = list(folder.rglob("*.py"))
    return f"{len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.1f} MB"


def tools(name, tree, folder):
    """Time and memory of each tool on a tree."""
    commands = {"ruff": ruff(folder)}
    commands.update({f"tallylint, {rule}": check(folder, tree.configured, "--select", rule) for rule in RULES})
    commands["tallylint, all rules"] = check(folder, tree.configured, "--select", "all")
    if tree.others:
        commands.update(tree.others(folder))
    took = alternately(commands)
    if tree.others:
        took.update(semgrep(folder))
    table(f"The {name} tree: {size(folder)}", "run", "processor s", "ratio to ruff", "peak MB", "ratio to ruff")
    of_ruff = took["ruff"]
    for command, run in took.items():
        row(command, f"{run.cpu:.3f}", f"{run.cpu / of_ruff.cpu:.2f}", f"{run.peak:.0f}", f"{run.peak / of_ruff.peak:.1f}")


def semgrep(folder):
    """Semgrep, once: it takes long. It is a stranger: where it does not run, the others still count."""
    if os.environ.get("SEMGREP") == "0" or not Path("venv/bin/semgrep").exists():
        return {}
    Path("rule.yml").write_text(SEMGREP_RULE)
    command = ["venv/bin/semgrep", "scan", "--metrics=off", "--quiet", "--config", "rule.yml", str(folder)]
    try:
        return {"semgrep": once(command)}
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return {}


def told(folder, configured):
    """What `--statistics=engine` says: the counters by name, with the internal errors, and lines of the slowest methods."""
    with tempfile.TemporaryFile("w+") as file:
        once(check(folder, configured, "--select", "all", "--statistics=engine"), file)
        file.seek(0)
        text = file.read()
    counters = re.findall(r"^ *(\d+)  (\S.*)$", text, re.MULTILINE)
    found = {name: int(count) for count, name in counters}
    found["internal errors"] = len(re.findall("^internal error:", text, re.MULTILINE))
    return found, re.findall(r"^ *slowest: (.+?) +(\d+) steps(.*)$", text, re.MULTILINE)


def followed(chosen):
    """How far the methods and functions of the trees were followed, and what that took."""
    found = {name: told(Path(f"tree-{name}"), tree.configured) for name, tree in chosen.items()}
    not_methods, not_functions = "methods not followed to the end", "functions not followed to the end"
    columns = ["methods checked", not_methods, "functions followed", not_functions, "functions given up",
               "exits without a single path", "internal errors", "basic blocks followed", "block executions"]
    table("How far it was followed", "tree", *columns, "steps per block")
    for name, (counters, _) in found.items():
        blocks, steps = counters.get("basic blocks followed"), counters.get("block executions")
        share = {not_methods: counters.get("methods checked"), not_functions: counters.get("functions followed")}
        cells = [with_share(counters.get(column), share.get(column)) for column in columns]
        row(name, *cells, f"{steps / blocks:.1f}" if blocks else "")
    for name, (_, slowest) in found.items():
        if slowest:
            table(f"The slowest methods of the {name} tree", "method", "steps", "")
            for method, steps, more in slowest[:10]:
                row(f"`{method}`", steps, more.lstrip(", "))


def with_share(count, total):
    """A counter as it is printed: nothing where there is none, and its share of the total."""
    if count is None:
        return ""
    return f"{count} ({100 * count / total:.2f} %)" if total else str(count)


def small():
    """All rules on small packages, each alone: the ratios to ruff, the worst and the median."""
    folder = trees.make(Path("tree-small"), trees.small)
    table("Small packages without a contract, all rules", "package", "size", "processor s", "ratio to ruff", "peak MB", "ratio to ruff")
    times, peaks = [], []
    for package in sorted(path for path in folder.iterdir() if path.is_dir()):
        took = alternately({"ruff": ruff(package), "tallylint": check(package, False, "--select", "all")})
        times.append(took["tallylint"].cpu / took["ruff"].cpu)
        peaks.append(took["tallylint"].peak / took["ruff"].peak)
        row(package.name, size(package), f"{took['tallylint'].cpu:.3f}", f"{times[-1]:.2f}", f"{took['tallylint'].peak:.0f}", f"{peaks[-1]:.1f}")
    for name, of in (("worst", max), ("median", statistics.median)):
        row(name, "", "", f"{of(times):.2f}", "", f"{of(peaks):.1f}")


def growth(what, make, sizes):
    """How time and memory grow with the size of what is checked."""
    table(f"Growth: {what}", what, "processor s", "peak MB", "exponent")
    last = None
    for count in sizes:
        folder = trees.make(Path(f"grow-{what.replace(' ', '-')}-{count}"), make, count)
        try:
            run = alternately({"": check(folder, False, "--select", "all")})[""]
        except RuntimeError as error:
            row(count, f"more than {LIMIT} s or failed", "", "")
            print(error, file=sys.stderr)
            return
        exponent = f"{math.log(run.cpu / last[1]) / math.log(count / last[0]):.2f}" if last else ""
        row(count, f"{run.cpu:.3f}", f"{run.peak:.0f}", exponent)
        last = count, run.cpu


def main():
    wanted = os.environ.get("TREES", " ".join([*TREES, "small", "growth"])).split()
    unknown = set(wanted) - {*TREES, "small", "growth"}
    if unknown:
        sys.exit(f"no such tree: {' '.join(sorted(unknown))}")
    print(f"{os.cpu_count()} processors, medians of {ROUNDS} rounds")
    chosen = {name: tree for name, tree in TREES.items() if name in wanted}
    for name, tree in chosen.items():
        tools(name, tree, trees.make(Path(f"tree-{name}"), tree.make))
    if chosen:
        followed(chosen)
    if "small" in wanted:
        small()
    if "growth" in wanted:
        for what, (make, variable, sizes) in GROWTH.items():
            growth(what, make, [int(count) for count in os.environ.get(variable, sizes).split()])


if __name__ == "__main__":
    main()
