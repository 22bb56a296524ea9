#!/usr/bin/env python3
"""Executes generated programs again, after they were changed.

Usage: rejudge.py FOLDER

FOLDER is what `generate.py` wrote.  Prints a JSON list like that of `truth.json`, with the exits
that lack the key now; `null` for a class that has too many paths.  A program that no longer parses
is an error.
"""

import ast
import json
import sys
import warnings
from pathlib import Path

import execute

PATH_LIMIT = 2000


def main(args):
    warnings.simplefilter("ignore")
    folder = Path(args[0]).resolve()
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    programs, out = {}, []
    for entry in truth:
        programs.setdefault(tuple(entry["files"]), []).append(entry["class"])
    for files, names in programs.items():
        for name in files:
            ast.parse((folder / name).read_text(encoding="utf-8"), name)
        program = execute.Program([folder / name for name in files])
        for name in names:
            try:
                bad, _, _ = program.judge(name, PATH_LIMIT)
                if bad:
                    plain, _, _ = program.judge(name, PATH_LIMIT, plain=True)
                    bad = plain or bad
                exits = sorted([str(Path(p).relative_to(folder)), line] for p, line in bad)
            except execute.TooManyPaths:
                exits = None
            out.append({"class": name, "exits": exits})
    print(json.dumps(out))


if __name__ == "__main__":
    main(sys.argv[1:])
