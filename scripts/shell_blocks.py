#!/usr/bin/env python3
"""Write the shell scripts of YAML files (`run:`, `script:`) into files of their own, for shellcheck.

shell_blocks.py FOLDER FILE…    FOLDER/FILE-NUMBER.sh, with a first line that tells shellcheck the shell
"""

import sys
from pathlib import Path

import yaml


def blocks(node, shell):
    """Yield (shell, script) of what a runner would give to a shell."""
    if isinstance(node, list):
        for entry in node:
            yield from blocks(entry, shell)
    if not isinstance(node, dict):
        return
    shell = node.get("defaults", {}).get("run", {}).get("shell", node.get("shell", shell))
    for key, value in node.items():
        if key in ("run", "script") and isinstance(value, str):
            yield shell, value
        elif key == "script" and isinstance(value, list):
            yield shell, "\n".join(value)
        else:
            yield from blocks(value, shell)


def main(folder, files):
    count = 0
    for file in files:
        # GitHub runs bash; GitLab and Azure run what their image has.
        with open(file, encoding="utf-8") as text:
            document = yaml.safe_load(text)
        for shell, script in blocks(document, "sh" if "gitlab" in file else "bash"):
            count += 1
            name = f"{file.replace('/', '_')}-{count}.sh"
            Path(folder, name).write_text(f"#!/usr/bin/env {shell}\n{script}\n", encoding="utf-8")
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
