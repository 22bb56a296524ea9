"""Where an installer put the program."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator


def find_tallylint() -> str:
    """Return the path of the program that was installed together with this package.

    Raises FileNotFoundError, which names the folders that were looked into.
    """
    name = "tallylint" + (sysconfig.get_config_var("EXE") or "")
    looked = []
    for folder in _folders():
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
        looked.append(folder)
    raise FileNotFoundError(f"the program {name} is in none of: {', '.join(looked)}; install tallylint again")


def _folders() -> Iterator[str]:
    """Folders with programs, from the likeliest on."""
    # A virtual environment, or the Python itself.
    yield sysconfig.get_path("scripts")
    # `pip install --prefix`, and the environments in which packages are built: programs lie beside the `lib` that
    # has this package.
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    parents = 1 if sys.platform == "win32" else 2
    prefix = here
    for _ in range(parents + 1):
        prefix = os.path.dirname(prefix)
        yield os.path.join(prefix, scripts)
    # `pip install --target`.
    yield os.path.join(here, "bin")
    # `pip install --user`.
    user = "nt_user" if os.name == "nt" else "posix_user"
    if sys.platform == "darwin" and sysconfig.get_config_var("PYTHONFRAMEWORK"):
        user = "osx_framework_user"
    yield sysconfig.get_path("scripts", scheme=user)
