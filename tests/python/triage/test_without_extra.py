"""The package without what the extra installs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run(code: str) -> subprocess.CompletedProcess[str]:
    # Nothing that is installed is found.
    command = [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT / 'python')!r}); {code}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_package_needs_nothing() -> None:
    assert run("import tallylint, tallylint.triage, tallylint.triage.names").stderr == ""


def test_the_command_says_what_to_install() -> None:
    found = run("from tallylint.triage import __main__ as m; sys.exit(m.main())")
    assert found.returncode == 2
    assert found.stdout == ""
    assert found.stderr.startswith("error: ")
    assert found.stderr.endswith("is not installed: pip install 'tallylint[triage]'\n")
    assert found.stderr.count("\n") == 1
