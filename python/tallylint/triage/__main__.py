"""`python -m tallylint.triage`: findings beside the run history."""

import sys


def main() -> int:
    """Run the command, or say in one sentence what it needs. Returns the exit code."""
    try:
        from tallylint.triage import cli
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] not in ("duckdb", "ibis", "pyarrow", "rich", "tomli"):
            raise
        print(f"error: {missing.name} is not installed: pip install 'tallylint[triage]'", file=sys.stderr)
        return 2
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
