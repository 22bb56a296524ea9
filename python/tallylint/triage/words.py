"""How numbers are said; the same in all formats."""

from __future__ import annotations

from tallylint.triage.classify import Class
from tallylint.triage.numbers import Numbers, PeriodRuns, RankedFinding, ZeroRuns

#: What the classes are called, those that cost most first.
LABELS = {
    Class.REAL_LOSS: "real loss",
    Class.SWALLOWED_WRITE: "swallowed write",
    Class.TRACKING_BUG: "tracking bug",
    Class.UNCLASSIFIED: "unclassified",
    Class.RECOVERED: "recovered",
    Class.LEGITIMATE_ZERO: "legitimate",
}
_PICTURES = {**{code: 0x2400 + code for code in range(32)}, 127: 0x2421, **dict.fromkeys(range(128, 160), 0xFFFD)}
#: The classes that somebody has to do something about.
_COSTLY = (Class.REAL_LOSS, Class.SWALLOWED_WRITE, Class.TRACKING_BUG)


def visible(text: str) -> str:
    """A text in which a terminal finds nothing to obey: pictures stand for control characters."""
    return text.translate(_PICTURES)


def number(value: int) -> str:
    """A number with commas between thousands."""
    return f"{value:,}"


def several(value: int, word: str, plural: str = "") -> str:
    """A number and what it counts."""
    return f"{number(value)} {word if value == 1 else plural or word + 's'}"


def percent(share: float) -> str:
    """A share in whole percent; neither 0 nor 100 unless it is that."""
    rounded = round(share * 100)
    if rounded == 100 and share < 1:
        return "> 99 %"
    if rounded == 0 and share > 0:
        return "< 1 %"
    return f"{rounded} %"


def false_positives(zero: ZeroRuns) -> str:
    """The false-positive rate, with its interval if it is an estimate: `94 % (86–98 %)`."""
    rate = zero.false_positive_rate
    if rate is None:
        return "–"
    if zero.interval is None:
        return percent(rate)
    low, high = (round(bound * 100) for bound in zero.interval)
    return f"{percent(rate)} ({low}–{high} %)"


def with_data(zero: ZeroRuns) -> str:
    """On how many of the dates that were looked at there are rows: `27 of 28`."""
    return f"{number(zero.dates_with_data)} of {number(zero.checked_dates)}" if zero.checked_dates else "–"


def annotation(found: RankedFinding) -> str:
    """What a finding has cost: `41 zero-record runs on 28 dates, 27 with data: tracking bug`."""
    zero = found.zero
    if not found.processors:
        return "not in the history"
    if not zero.runs:
        return "no zero-record runs"
    data = f"{number(zero.dates_with_data)} with data"
    if not zero.checked_dates:
        data = "none checked"
    elif zero.sampled:
        data = f"{number(zero.checked_dates)} checked, {data}"
    return f"{several(zero.runs, 'zero-record run')} on {several(zero.dates, 'date')}, {data}: {verdict(zero)}"


def verdict(zero: ZeroRuns) -> str:
    """What the zero-record runs are: the classes that cost something, with their dates if there are several."""
    costly = [kind for kind in _COSTLY if zero.dates_of(kind)]
    if len(costly) == 1:
        return LABELS[costly[0]]
    if costly:
        return ", ".join(f"{LABELS[kind]} on {number(zero.dates_of(kind))}" for kind in costly)
    return " or ".join(label for kind, label in LABELS.items() if zero.dates_of(kind))


def owners(found: RankedFinding) -> str:
    """Which processors run the code of a finding."""
    names = found.processors or found.finding.owners
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def period(name: str, runs: PeriodRuns) -> str:
    """The zero-record runs of a period: `before (2026-01-01 to 2026-01-31): 2,346 zero-record runs, 20.4 a day`."""
    dates = f"{runs.period.first} to {runs.period.last}"
    return f"{name} ({dates}): {several(runs.runs, 'zero-record run')}, {runs.a_day:,.1f} a day"


def periods(numbers: Numbers) -> list[str]:
    """The two periods, the second with what changed; empty if there are none."""
    before, after = numbers.before, numbers.after
    if before is None or after is None:
        return []
    lines = [period("Before", before), period("After", after)]
    if before.runs:
        by = after.a_day / before.a_day - 1
        lines[1] += f" ({'−' if by < 0 else '+'}{percent(abs(by))})"
    return lines


def summary(numbers: Numbers) -> list[str]:
    """The first sentences of a report."""
    total, history = numbers.total, numbers.history
    if history is None:
        return ["The history has no runs."]
    lines = [
        f"{several(total.runs, 'run')} of {several(len(numbers.processors), 'processor')}"
        f" from {history.first} to {history.last}: {several(total.successes, 'success', 'successes')},"
        f" {several(total.failures, 'failure')}, {number(total.unfinished)} unfinished."
    ]
    if total.further_rows:
        lines.append(
            f"{several(total.further_rows, 'further row')} of the same runs; a row calls"
            f" {several(total.phantom_failures, 'success', 'successes')} a failure."
        )
    zero = total.zero
    lines.append(
        f"{several(zero.runs, 'zero-record run')} on {several(zero.dates, 'date')}; of"
        f" {number(zero.checked_dates)} checked, {number(zero.dates_with_data)} have data:"
        f" {false_positives(zero)} false positives."
        if zero.checked_dates
        else f"{several(zero.runs, 'zero-record run')} on {several(zero.dates, 'date')}; nobody looked for their data."
    )
    if zero.uncounted:
        lines.append(f"{number(zero.uncounted)} of them have no count at all.")
    return lines


def remarks(numbers: Numbers) -> list[str]:
    """What is to be known about the inputs, and who needs attention; most of it is empty on a good day."""
    lines = []
    if numbers.never_succeeded:
        lines.append(f"Never succeeded: {', '.join(numbers.never_succeeded)}.")
    if numbers.unmatched:
        names = ", ".join(numbers.unmatched)
        lines.append(f"Not known to the linter's report (aliases can tell which classes they are): {names}.")
    for status, rows in numbers.unknown_statuses.items():
        lines.append(f"Unknown status `{status}` on {several(rows, 'row')}: neither a success nor a failure.")
    for name, malformed in numbers.malformed.items():
        if not malformed.count:
            continue
        lines.append(f"{name}: {several(malformed.count, 'malformed row')} left out.")
        lines.extend(f"  {problem.where}: {problem.what}" for problem in malformed.named[:5])
        if malformed.count > 5:
            lines.append(f"  and {number(malformed.count - 5)} more")
    return lines
