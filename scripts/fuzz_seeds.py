#!/usr/bin/env python3
"""Write seeds for fuzzing: the configurations and the queries that tests and fixtures contain.

Usage: fuzz_seeds.py (toml|sql) FOLDER
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def toml():
    """String literals of the tests of the configuration."""
    for path in [ROOT / "src/config/tests.rs", ROOT / "tests/it/config.rs"]:
        for literal in re.findall(r'"((?:[^"\\]|\\.)*=(?:[^"\\]|\\.)*)"', path.read_text()):
            yield re.sub(r"\\\n\s*", "", literal).replace("\\n", "\n").replace('\\"', '"')


def sql():
    """Strings of the Python fixtures that look like queries."""
    for path in sorted((ROOT / "tests/fixtures/success-as-proof").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if re.search(r"\b(select|update|insert|merge)\b", node.value, re.I):
                    yield node.value


def main():
    kind, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate({"toml": toml, "sql": sql}[kind]()):
        (folder / f"seed-{number}").write_text(text)


if __name__ == "__main__":
    main()
