#!/usr/bin/env python3
"""Shrinks a generated program on which linter and execution differ.

Usage: reduce.py TALLYLINT CLASS FILE|PACKAGE OUT

Statements are removed, and compound ones replaced by their bodies, as long as the two still
differ in the same way.  Writes the result to the folder OUT.
"""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import execute


def marked(tallylint, folder, name):
    """What the linter reports for a class: bad exits, and whether it swallows; None if a file is broken."""
    (folder / "tallylint.toml").write_text("[swallowed-write]\nstrict = true\n", encoding="utf-8")
    done = subprocess.run([tallylint, "check", "--pedantic", "--format", "json", "."], cwd=folder,
                          capture_output=True, text=True)
    if done.returncode > 1:
        return None
    found = [f for f in json.loads(done.stdout)["findings"] if f["symbol"] == name + ".save_data"]
    exits = {(f["path"], line, f["kind"] != "unverified") for f in found if f["rule"] == "untracked-return"
             for line in f["exits"]}
    return exits, any(f["rule"] == "swallowed-write" for f in found)


def executed(folder, files, name):
    try:
        program = execute.Program([folder / f for f in files])
        bad, _, _ = program.judge(name, 3000)
        if bad:
            bad = program.judge(name, 3000, plain=True)[0] or bad
    except Exception:
        return None
    exits = {(str(Path(p).relative_to(folder)), line, certain) for (p, line), certain in bad.items()}
    return exits, bool(program.swallowed[name])


def way(tallylint, folder, sources, name):
    """How the two differ: which of (missed, wrong) exits there are, by certainty, and who says it swallows."""
    for file, source in sources.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(source, encoding="utf-8")
    truth = executed(folder, list(sources), name)
    if truth is None:
        return None
    found = marked(tallylint, folder, name)
    if found is None or truth == found:
        return None
    return (bool({e[2] for e in truth[0] - found[0]}), bool({e[2] for e in found[0] - truth[0]}),
            truth[1] and not found[1], found[1] and not truth[1])


def variants(tree):
    """Edits of a tree, the biggest first: each is undone by the caller."""
    spots = []
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody", "handlers", "cases", "decorator_list"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                for i, child in enumerate(block):
                    inner = [s for f in ("body", "orelse", "finalbody") for s in getattr(child, f, [])]
                    scope = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler))
                    spots.append((len(list(ast.walk(child))), node, field, child, []))
                    if inner and not scope and isinstance(child, ast.stmt):
                        spots.append((len(list(ast.walk(child))) - 1, node, field, child, inner))
    for _, node, field, child, new in sorted(spots, key=lambda s: -s[0]):
        yield node, field, child, new


def main(args):
    tallylint, name, source, out = Path(args[0]).resolve(), args[1], Path(args[2]).resolve(), Path(args[3]).resolve()
    shutil.rmtree(out, ignore_errors=True)
    paths = sorted(source.glob("*.py")) if source.is_dir() else [source]
    trees = {str(p.relative_to(source.parent)): ast.parse(p.read_text(encoding="utf-8")) for p in paths}

    def difference():
        try:
            return way(tallylint, out, {f: ast.unparse(t) + "\n" for f, t in trees.items()}, name)
        except (SyntaxError, ValueError, AttributeError, IndexError):
            return None
    wanted = difference()
    if wanted is None:
        sys.exit("they do not differ")
    changed = True
    while changed:
        changed = False
        for tree in trees.values():
            for node, field, child, new in variants(tree):
                before = getattr(node, field)
                at = next((i for i, c in enumerate(before) if c is child), None)
                if at is None or isinstance(child, ast.Pass):
                    continue
                after = before[:at] + new + before[at + 1:]
                if not after and field == "body" and not isinstance(node, ast.Module):
                    after = [ast.Pass()]
                setattr(node, field, after)
                if difference() == wanted:
                    changed = True
                else:
                    setattr(node, field, before)
    difference()


if __name__ == "__main__":
    main(sys.argv[1:])
