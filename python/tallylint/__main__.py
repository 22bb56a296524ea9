"""`python -m tallylint` runs the program that was installed together with this package."""

import os
import subprocess
import sys

from tallylint._find import find_tallylint


def main() -> int:
    """Hand over to the program with the arguments of this process.

    Returns its exit code, or 2 where the program is missing; does not return at all where a process can be replaced.
    """
    try:
        program = find_tallylint()
    except FileNotFoundError as missing:
        print(f"error: {missing}", file=sys.stderr)
        return 2
    command = [program, *sys.argv[1:]]
    if sys.platform == "win32":
        # `execv` there starts a second process, and the shell does not wait for it.
        try:
            return subprocess.run(command, check=False).returncode
        except KeyboardInterrupt:
            return 130
    os.execv(program, command)


if __name__ == "__main__":
    sys.exit(main())
