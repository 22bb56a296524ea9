"""The command line of `python -m tallylint.triage`."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from tallylint.triage import markdown, settings, text
from tallylint.triage.errors import TriageError
from tallylint.triage.numbers import Numbers, document
from tallylint.triage.pipeline import triage
from tallylint.triage.progress import Bar

_DESCRIPTION = "Tell from the run history which successes without records are lost data, and which are miscounted."
_EPILOG = """Everything can also be set below [triage] in tallylint.toml, or below [tool.tallylint.triage] in
pyproject.toml; options come first. An input is a file (.csv, .tsv, .parquet, .jsonl, .ndjson) or else a table of the
backend."""


def parser() -> argparse.ArgumentParser:
    """The parser of the options."""
    made = argparse.ArgumentParser(prog="python -m tallylint.triage", description=_DESCRIPTION, epilog=_EPILOG)
    inputs = made.add_argument_group("inputs")
    inputs.add_argument("--runs", metavar="INPUT", help="the run history")
    inputs.add_argument("--actual", metavar="INPUT", help="rows that are there, by processor or table and date")
    inputs.add_argument("--expected", metavar="INPUT", help="units that were scheduled, by date, or processor and date")
    inputs.add_argument("--findings", metavar="FILE", help="a report of `tallylint check --format json`")
    inputs.add_argument("--backend", metavar="URL", help="the Ibis URL of where the tables are (DuckDB in memory)")
    inputs.add_argument("--memory", metavar="MB", type=_positive, help="what DuckDB in memory may take for rows (250)")
    inputs.add_argument("--config", metavar="FILE", type=Path, help="the configuration (the nearest one)")
    for option, of in (
        ("--column", "the history"),
        ("--actual-column", "--actual"),
        ("--expected-column", "--expected"),
    ):
        inputs.add_argument(option, metavar="NAME=COLUMN", action="append", help=f"what {of} calls a column")
    inputs.add_argument("--alias", metavar="NAME=CLASS", action="append", help="a name in the history and its class")
    meaning = made.add_argument_group("meaning")
    meaning.add_argument("--as-of", metavar="DATE", help="later dates are in the future (today)")
    meaning.add_argument("--utc-offset-hours", metavar="HOURS", type=float, help="how far dates are ahead of UTC (0)")
    for name in ("actual", "expected"):
        meaning.add_argument(
            f"--missing-{name}", choices=["unknown", "zero"], help=f"a date that --{name} does not have"
        )
    meaning.add_argument("--before", metavar="FROM..TO", help="a period to compare, both dates included")
    meaning.add_argument("--after", metavar="FROM..TO", help="the period to compare it with")
    output = made.add_argument_group("output")
    output.add_argument("--format", choices=["text", "json", "markdown"], default="text")
    output.add_argument("--output", metavar="FILE", type=Path, help="where to write (standard output)")
    output.add_argument("--top", metavar="N", type=_positive, default=20, help="how many processors and findings (20)")
    return made


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise ValueError(value)
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns 0, or 2 if something has to be put right first."""
    args = parser().parse_args(arguments)
    try:
        found = settings.load(args.config, _options(args))
        with Bar() as bar:
            numbers = triage(found, bar.step)
        with _out(args.output) as out:
            _write(numbers, out, args)
    except BrokenPipeError:
        # Whoever reads has read enough; nor is there anything left to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (TriageError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """The options that were given, with the keys of the configuration."""
    keys = ("runs", "actual", "expected", "findings", "backend", "memory", "utc_offset_hours", "missing_actual",
            "missing_expected")  # fmt: skip
    options: dict[str, Any] = {key.replace("_", "-"): getattr(args, key) for key in keys}
    try:
        options["as-of"] = datetime.date.fromisoformat(args.as_of) if args.as_of else None
    except ValueError as error:
        raise TriageError(f"`--as-of {args.as_of}` is no date; write 2026-01-31") from error
    for key in ("before", "after"):
        value = getattr(args, key)
        options[key] = settings.Period.parse(value) if value else None
    for key, values, known in (
        ("columns", args.column, settings.RUN_COLUMNS), ("actual-columns", args.actual_column, settings.ACTUAL_COLUMNS),
        ("expected-columns", args.expected_column, settings.EXPECTED_COLUMNS), ("aliases", args.alias, None),
    ):  # fmt: skip
        options[key] = _pairs(values) if values else None
        if known and values:
            try:
                settings.check_columns(options[key], known)
            except ValueError as error:
                raise TriageError(f"`{key}` {error}") from error
    return options


def _pairs(values: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for value in values:
        name, equals, target = value.rpartition("=")
        if not equals or not name or not target:
            raise TriageError(f"`{value}` must be NAME=VALUE")
        pairs[name] = target
    return pairs


@contextlib.contextmanager
def _out(path: Path | None) -> Iterator[IO[str]]:
    if path is None:
        yield sys.stdout
    else:
        with path.open("w", encoding="utf-8") as out:
            yield out


def _write(numbers: Numbers, out: IO[str], args: argparse.Namespace) -> None:
    if args.format == "json":
        json.dump(document(numbers), out, indent=2, ensure_ascii=False)
        out.write("\n")
    elif args.format == "markdown":
        markdown.write(numbers, out, top=args.top)
    else:
        text.write(numbers, out, top=args.top)
