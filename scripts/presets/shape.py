"""The tables and keys of a preset.

What they mean is in rules/presets/README.md.
"""

HEAD = {"title": str, "language": str, "imports": list, "notes": str}
TABLES = {
    "package": {"registry": str, "name": str, "version": str, "import": str, "compiled": bool},
    "makes": {"of": list, "call": str, "given": str, "gives": str},
    "builds": {"of": list, "calls": list},
    "write": {
        "of": list,
        "call": str,
        "statement": list,
        "rows": list,
        "needs": list,
        "unless": list,
        "fails": list,
        "auxiliary": bool,
    },
    "unit": {"of": list, "adds": list, "commits": list, "discards": list, "blocks": list, "fails": list},
    "wait": {"of": list, "call": str, "fails": list},
    "position": {"of": list, "call": str, "kind": str, "gives_place": bool, "fails": list},
    "nack": {"of": list, "call": str},
    "mark": {"of": list, "call": str, "says": str},
    "failure": {
        "of": list,
        "call": str,
        "by": str,
        "at": str,
        "given": str,
        "unless": list,
        "command": str,
        "exceptions": list,
        "duplicate": list,
    },
    "entry": {
        "decorator": str,
        "override": str,
        "function": str,
        "read_by": str,
        "passed_to": str,
        "parameter": str,
        "given": str,
        "acknowledges": str,
        "hears": list,
    },
}
REQUIRED = {
    "package": ["registry", "name", "version", "import"],
    "makes": ["of", "call", "gives"],
    "builds": ["of", "calls"],
    "write": ["of", "call", "rows", "fails"],
    "unit": ["of", "adds", "commits", "discards", "fails"],
    "wait": ["of", "call", "fails"],
    "position": ["of", "kind", "fails"],
    "nack": ["of"],
    "mark": ["of", "says"],
    "failure": ["of", "by"],
    "entry": ["hears"],
}
VALUES = {
    "language": {"python", "rust"},
    "registry": {"pypi", "crates.io", "python"},
    "fails": {"raises", "returns", "callback", "future"},
    "hears": {"raises", "returns", "callback"},
    "acknowledges": {"return", "yield"},
    "kind": {"offset", "ack", "bookmark", "state", "watermark"},
    "says": {"success", "failure", "retry", "skip"},
    "by": {"returned-list", "returned-true", "returned-false", "returned-none", "returned-count", "returned-job", "exception", "err"},
    "at": {"attribute", "key", "element"},
}
# What tells where a framework calls the code of a program.
WHERE = {"decorator", "override", "function", "passed_to"}
# What tells the entries of a table apart.
IDENTITY = {"name", "version", "of", "call", "given", "by", "at", "says"} | WHERE


def problems(preset):
    """What is wrong with the tables and keys of a preset."""
    yield from wrong_keys("preset", {k: v for k, v in preset.items() if k not in TABLES}, HEAD)
    for table in TABLES:
        seen = set()
        for entry in preset.get(table, []):
            yield from wrong_keys(table, entry, TABLES[table] | {"notes": str})
            for key in REQUIRED[table]:
                if key not in entry:
                    yield f"{table} {entry}: no {key}"
            identity = str({k: v for k, v in entry.items() if k in IDENTITY})
            if identity in seen:
                yield f"{table} {identity}: twice"
            seen.add(identity)
            if table == "entry" and len(WHERE & entry.keys()) != 1:
                yield f"entry {entry}: needs one of {sorted(WHERE)}"
            if "function" in entry and "read_by" not in entry:
                yield f"entry {entry}: no read_by"
            if "passed_to" in entry and "parameter" not in entry:
                yield f"entry {entry}: no parameter"


def wrong_keys(table, entry, known):
    """Keys that are unknown, and values that are of the wrong type or none of those allowed."""
    for key, value in entry.items():
        if key not in known:
            yield f"{table}: unknown key {key}"
        elif not isinstance(value, known[key]):
            yield f"{table}: {key} is no {known[key].__name__}"
        elif key in VALUES:
            for one in value if isinstance(value, list) else [value]:
                how, _, name = one.partition(":")
                if how not in VALUES[key] or (key == "at") != bool(name):
                    yield f"{table}: {key} cannot be {one!r}"
