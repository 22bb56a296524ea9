#!/usr/bin/env python3
"""Check every entry of rules/presets/*.toml against the package that it is about.

Each preset names packages and versions. This script downloads them (with pip and cargo), unpacks them, and reads
their sources: that each class, method, parameter, exception and decorator of the preset exists there. It imports
nothing, except packages marked `compiled = true`, whose classes have no source.

It prints one line for each entry that fails, and exits with 1 if there is one. `--offline-cache DIR` keeps what was
downloaded, and takes from there what is there already. `--only NAME` checks one preset.
"""

import argparse
import collections
import pathlib
import sys
import tempfile
import tomllib

from presets import downloads, python_sources, rust_sources, shape

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "rules" / "presets"


def places(preset):
    """Every claim of a preset: (where it stands, what has to be proved, its arguments)."""
    for table, entries in preset.items():
        if table not in shape.TABLES:
            continue
        for entry in entries:
            yield from claims_of(table, entry)


def claims_of(table, entry):
    """What one entry claims."""
    if table == "package":
        return
    call = entry.get("call")
    for of in entry.get("of", []):
        where = f"{table} {of} {call or ''}".strip()
        yield where, "exists", (of,)
        for method in [call, *(m for key in ("adds", "commits", "discards", "blocks", "calls") for m in entry.get(key, []))]:
            if method:
                yield f"{table} {of} {method}", "method", (of, method)
        for parameter in [p for key in ("statement", "rows", "needs", "unless") for p in entry.get(key, [])]:
            # A statement that the receiver was made of.
            if parameter != "self":
                yield where, "parameter", (of, call, parameter)
        how, _, name = entry.get("at", "").partition(":")
        # With a call, the attribute is one of its result, whose class the entry does not name.
        if how == "attribute" and call is None:
            yield f"{where} .{name}", "attribute", (of, name)
        if how == "key":
            yield f"{where} [{name}]", "key", (of, call, name)
    for key in ("exceptions", "duplicate"):
        for name in entry.get(key, []):
            yield f"{table} {name}", "exception", (name,)
    if "gives" in entry:
        yield f"{table} {call}", "exists", (entry["gives"],)
    yield from claims_of_entry(entry)


def claims_of_entry(entry):
    """What says where a framework calls the code of a program."""
    if "decorator" in entry:
        yield f"entry {entry['decorator']}", "exists", (entry["decorator"],)
    if "override" in entry:
        owner, _, method = entry["override"].rpartition(".")
        yield f"entry {entry['override']}", "method", (owner, method)
    if "passed_to" in entry:
        owner, _, name = entry["passed_to"].rpartition(".")
        yield f"entry {entry['passed_to']}", "parameter", (owner, name, entry["parameter"])
    if "function" in entry:
        yield f"entry {entry['function']}", "mentions", (entry["read_by"], entry["function"])


def variants(packages):
    """The packages of a preset, once for each version that is listed: the first of each, the second of each, …"""
    versions = collections.defaultdict(list)
    for package in packages:
        versions[package["name"]].append(package)
    for index in range(max(map(len, versions.values()))):
        yield [listed[min(index, len(listed) - 1)] for listed in versions.values()]


def read(packages, language, cache):
    """What is asked about the names of some packages."""
    roots = [downloads.fetch(package, cache) for package in packages]
    compiled = [package["import"] for package in packages if package.get("compiled")]
    kind = rust_sources.Crates if language == "rust" else python_sources.Packages
    return kind(roots, [package["import"] for package in packages], compiled)


def check(path, preset, cache):
    """The failures of one preset, each as a line, and how many claims it makes."""
    failures = [f"{path.name}: {problem}" for problem in shape.problems(preset)]
    try:
        sources = [read(packages, preset["language"], cache) for packages in variants(preset["package"])]
    except downloads.Missing as error:
        return [*failures, f"{path.name}: {error}"], 0
    for name in dict.fromkeys([*preset["imports"], *(package["import"] for package in preset["package"])]):
        if not any(source.exists(name) is True for source in sources):
            failures.append(f"{path.name}: {name} cannot be imported")
    count = 0
    for where, claim, arguments in places(preset):
        count += 1
        # It is enough if one of the versions has it.
        answers = [getattr(source, claim)(*arguments) for source in sources]
        if True not in answers:
            failures.append(f"{path.name}: {where}: {answers[0] or 'not found'}")
    return failures, count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offline-cache", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--only", metavar="NAME")
    options = parser.parse_args()
    paths = [p for p in sorted(FOLDER.glob("*.toml")) if options.only in (None, p.stem)]
    if not paths:
        sys.exit(f"no preset {options.only}")
    failures, totals = [], collections.Counter()
    with tempfile.TemporaryDirectory() as temporary:
        cache = options.offline_cache or pathlib.Path(temporary)
        for path in paths:
            preset = tomllib.loads(path.read_text(encoding="utf-8"))
            failed, count = check(path, preset, cache)
            failures += failed
            totals["claims"] += count
            totals["entries"] += sum(len(preset.get(t, [])) for t in shape.TABLES if t != "package")
    for failure in failures:
        print(failure)
    print(f"{len(paths)} presets, {totals['entries']} entries, {totals['claims']} facts, {len(failures)} failures")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
