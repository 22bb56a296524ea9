"""The numbers as a page in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import IO

from tallylint.triage import words
from tallylint.triage.classify import Class
from tallylint.triage.numbers import Numbers, Processor


def write(numbers: Numbers, out: IO[str], *, top: int) -> None:
    """Write the page, with the `top` processors and findings."""
    parts = ["# Triage\n", "\n".join(f"* {escaped(line)}" for line in words.summary(numbers)), ""]
    zero = numbers.total.zero
    if zero.runs:
        rows = [
            [label, words.number(zero.runs_of(kind)), words.number(zero.dates_of(kind)),
             words.percent(zero.runs_of(kind) / zero.runs)]
            for kind, label in words.LABELS.items()
        ]  # fmt: skip
        parts += ["## Zero-record runs\n", _table(["class", "runs", "dates", "of all"], rows), ""]
        shown = [one for one in numbers.processors if one.zero.runs][:top]
        head = ["processor", "zero runs", "dates", "with data", "lost", "legitimate", "false positives", "cumulative"]
        rows = [_cells(one) for one in [*shown, numbers.total]]
        parts += ["## Processors by what they cost\n", _table(head, rows), ""]
    if numbers.findings:
        head = ["", "finding", "in", "what it cost"]
        rows = [
            [str(index), f"{found.finding.path}:{found.finding.line} {found.finding.rule}", words.owners(found),
             words.annotation(found)]
            for index, found in enumerate(numbers.findings[:top], 1)
        ]  # fmt: skip
        parts += ["## Findings by what they cost\n", _table(head, rows), ""]
    periods = words.periods(numbers)
    if periods:
        parts += ["## Before and after\n", "\n".join(f"* {line}" for line in periods), ""]
    remarks = words.remarks(numbers)
    if remarks:
        parts += ["## Remarks\n", "\n".join(_item(line) for line in remarks), ""]
    out.write("\n".join(parts))


def escaped(text: str) -> str:
    """A text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", words.visible(" ".join(text.split())))


def _item(line: str) -> str:
    indent = "  " if line.startswith("  ") else ""
    return f"{indent}* {escaped(line)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rules = ["---" if title in ("", "processor", "finding", "in", "what it cost", "class") else "--:" for title in head]
    lines = [head, rules, *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(one: Processor) -> list[str]:
    zero = one.zero
    return [
        one.name, words.number(zero.runs), words.number(zero.dates), words.with_data(zero),
        words.number(zero.dates_of(Class.REAL_LOSS)), words.number(zero.dates_of(Class.LEGITIMATE_ZERO)),
        words.false_positives(zero), words.percent(one.cumulative_share),
    ]  # fmt: skip
