"""The numbers for a terminal."""

from __future__ import annotations

import io
import re
import shutil
from typing import IO, Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tallylint.triage import words
from tallylint.triage.classify import Class
from tallylint.triage.numbers import Numbers, Processor

#: The width where nobody says how wide a terminal is.
WIDTH = 100
#: From this width on, tables have all their columns.
WIDE = 100


def write(numbers: Numbers, out: IO[str], *, top: int, width: int | None = None) -> None:
    """Write the report, with the `top` processors and findings."""
    width = width or shutil.get_terminal_size((WIDTH, 24)).columns
    page = io.StringIO()
    console = Console(file=page, highlight=False, markup=False, emoji=False, width=width, force_terminal=out.isatty())
    _page(numbers, console, top)
    # Rich fills lines up, and parts of a page may be empty.
    lines = [line.rstrip() for line in page.getvalue().splitlines()]
    out.write(re.sub(r"\n{3,}", "\n\n", "\n".join(lines).rstrip("\n") + "\n"))


def _page(numbers: Numbers, console: Console, top: int) -> None:
    for line in words.summary(numbers):
        console.print(Text(line))
    console.print()
    if numbers.total.zero.runs:
        console.print(_classes(numbers))
        console.print()
        console.print(Text("Processors by what they cost", style="bold"))
        console.print(_processors(numbers, top, console.width))
        console.print()
    if numbers.findings:
        _findings(numbers, console, top)
        console.print()
    for line in words.periods(numbers):
        console.print(Text(line))
    console.print()
    for line in words.remarks(numbers):
        text = line.lstrip()
        console.print(Padding(_text(text), (0, 0, 0, len(line) - len(text))))


def _findings(numbers: Numbers, console: Console, top: int) -> None:
    console.print(Text("Findings by what they cost", style="bold"))
    for index, found in enumerate(numbers.findings[:top], 1):
        finding = found.finding
        console.print(_text(f"{index:>3}. {finding.symbol}: {finding.severity}[{finding.rule}]"))
        # Terminals make a link of it if it is on one line.
        console.print(_text(f"     {finding.path}:{finding.line}"), soft_wrap=True)
        lines = [_text(words.annotation(found), _style(found.zero.dates_of(Class.REAL_LOSS)))]
        if found.processors not in ((), (finding.symbol.rpartition(".")[0],)):
            lines.append(_text(f"in {words.owners(found)}"))
        for line in lines:
            console.print(Padding(line, (0, 0, 0, 5)))
    if len(numbers.findings) > top:
        console.print(Text(f"     and {words.number(len(numbers.findings) - top)} more"))


def _text(line: str, style: str = "") -> Text:
    return Text(words.visible(line), style=style)


def _style(loss: int) -> str:
    return "red" if loss else ""


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))


def _classes(numbers: Numbers) -> Table:
    table = _table()
    table.add_column("class")
    for title in ("runs", "dates", "of all"):
        table.add_column(title, justify="right")
    zero = numbers.total.zero
    for kind, label in words.LABELS.items():
        runs, dates = zero.runs_of(kind), zero.dates_of(kind)
        table.add_row(label, words.number(runs), words.number(dates), words.percent(runs / zero.runs))
    return table


def _processors(numbers: Numbers, top: int, width: int) -> Table:
    table = _table()
    with_zeros = [one for one in numbers.processors if one.zero.runs]
    shown, rest = with_zeros[:top], len(with_zeros) - top
    rows = [_cells(one, wide=width >= WIDE) for one in shown]
    total = _cells(numbers.total, wide=width >= WIDE)
    widths = {title: max(len(row[title]) for row in [*rows, total, {title: title}]) for title in total}
    # Names give way to numbers.
    rest_of_line = sum(columns + 2 for title, columns in widths.items() if title != "processor")
    widths["processor"] = max(8, min(widths["processor"], width - rest_of_line))
    for title, columns in widths.items():
        side: Literal["left", "right"] = "left" if title == "processor" else "right"
        table.add_column(title, justify=side, no_wrap=True, overflow="ellipsis", width=columns)
    for one, row in zip(shown, rows):
        table.add_row(*row.values(), style=_style(one.zero.dates_of(Class.REAL_LOSS)))
    if rest > 0:
        table.add_row(f"({rest} more)")
    table.add_row(*total.values(), style="bold")
    return table


def _cells(one: Processor, *, wide: bool) -> dict[str, str]:
    """The cells of a processor by the titles of their columns."""
    zero = one.zero
    rate = zero.false_positive_rate
    cells = {
        "processor": words.visible(one.name),
        "runs": words.number(zero.runs),
        "dates": words.number(zero.dates),
        "with data": words.with_data(zero),
        "lost": words.number(zero.dates_of(Class.REAL_LOSS)),
        "legitimate": words.number(zero.dates_of(Class.LEGITIMATE_ZERO)),
        "false positives": words.false_positives(zero),
        "cumulative": words.percent(one.cumulative_share),
    }
    if wide:
        return cells
    return {
        **{title: cells[title] for title in ("processor", "runs", "with data", "lost")},
        "legit.": cells["legitimate"],
        "false": "–" if rate is None else words.percent(rate),
        "cumul.": cells["cumulative"],
    }
