#!/usr/bin/env python3
"""Write seeds for fuzzing: the configurations and the queries that tests and fixtures contain, and messages of an editor.

Usage: fuzz_seeds.py (toml|sql|messages) FOLDER
"""

import ast
import json
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


def messages():
    """A conversation about a document for each question that the language server answers."""
    source = (ROOT / "src/server/requests.rs").read_text()
    uri, start = {"uri": "file:///fuzzed/a.py"}, {"line": 3, "character": 12}
    text = "class A(Base):\n    def save_data(self):\n        if self.x:\n            return\n"
    opened = {"textDocument": {**uri, "languageId": "python", "version": 1, "text": text}}
    change = {"range": {"start": start, "end": start}, "text": "self.y()\n            "}
    changed = {"textDocument": {**uri, "version": 2}, "contentChanges": [change]}
    params = {
        **{"textDocument": uri, "position": start, "range": {"start": start, "end": start}},
        **{"context": {"diagnostics": []}, "previousResultIds": [], "title": "x"},
        **{"command": "tallylint.explainExit", "arguments": [{**uri, "position": start}]},
    }
    for number, method in enumerate(re.findall(r'^        "(\w+/\w+)" =>', source, re.M)):
        lines = [
            {"method": "textDocument/didOpen", "params": opened},
            {"id": number + 2, "method": method, "params": params},
            {"method": "textDocument/didChange", "params": changed},
            {"method": "$/cancelRequest", "params": {"id": number + 2}},
        ]
        yield "\n".join(map(json.dumps, lines))


def main():
    kind, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate({"toml": toml, "sql": sql, "messages": messages}[kind]()):
        (folder / f"seed-{number}").write_text(text)


if __name__ == "__main__":
    main()
