"""What is told, and that it is the same in all formats."""

from __future__ import annotations

import datetime
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ibis")

from tallylint.triage import markdown, pipeline, settings, text, words
from tallylint.triage.classify import Class
from tallylint.triage.findings import Finding
from tallylint.triage.inputs import Malformed, Problem
from tallylint.triage.numbers import Numbers, Processor, RankedFinding, ZeroRuns, document

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def numbers(incident: Path) -> Numbers:
    return pipeline.triage(settings.load(incident, {}))


def shown(numbers: Numbers, width: int, top: int = 20) -> str:
    out = io.StringIO()
    text.write(numbers, out, top=top, width=width)
    return out.getvalue()


def test_the_table_of_the_incident(numbers: Numbers) -> None:
    table = {one.name: (words.with_data(one.zero), words.false_positives(one.zero)) for one in numbers.processors}
    assert table == {
        "OddsProcessor": ("28 of 28", "100 %"),
        "InjuryReportProcessor": ("27 of 28", "96 %"),
        "PlayByPlayProcessor": ("11 of 14", "79 %"),
        "BoxScoreProcessor": ("–", "–"),
    }
    total = numbers.total.zero
    assert (words.with_data(total), words.false_positives(total)) == ("66 of 70", "94 % (86–98 %)")
    assert total.interval == pytest.approx((0.862, 0.978), abs=5e-4)


def test_before_and_after(numbers: Numbers) -> None:
    assert words.periods(numbers) == [
        "Before (2025-10-01 to 2026-01-23): 2,346 zero-record runs, 20.4 a day",
        "After (2026-01-24 to 2026-01-28): 8 zero-record runs, 1.6 a day (−92 %)",
    ]


def test_findings_are_ranked_by_what_they_cost(numbers: Numbers) -> None:
    assert [(one.finding.symbol, words.annotation(one)) for one in numbers.findings] == [
        (
            "PlayByPlayProcessor.save_data",
            "14 zero-record runs on 14 dates, 11 with data: real loss on 3, tracking bug on 11",
        ),
        ("OddsProcessor.save_data", "28 zero-record runs on 28 dates, 28 with data: tracking bug"),
        ("InjuryReportProcessor.save_data", "41 zero-record runs on 28 dates, 27 with data: tracking bug"),
    ]
    shares = [one.cumulative_share for one in numbers.findings]
    assert shares == pytest.approx([14 / 2354, 42 / 2354, 83 / 2354])


def test_processors_are_ranked_with_their_share(numbers: Numbers) -> None:
    assert [one.name for one in numbers.processors] == [
        "PlayByPlayProcessor",
        "OddsProcessor",
        "InjuryReportProcessor",
        "BoxScoreProcessor",
    ]
    assert numbers.processors[-1].cumulative_share == 1


def test_days_add_up(numbers: Numbers) -> None:
    assert sum(sum(day.runs_by_class.values()) for day in numbers.days) == numbers.total.zero.runs == 2354
    assert len(numbers.days) == 120


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_line_is_wider_than_the_terminal(numbers: Numbers, width: int) -> None:
    lines = shown(numbers, width).splitlines()
    assert max(map(len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)
    # Names are whole, and numbers are never cut.
    assert any(line.startswith("InjuryReportProcessor ") for line in lines)
    assert "…" not in "\n".join(lines)


def test_long_names_are_cut_and_numbers_are_not() -> None:
    zero = ZeroRuns(1234567, 0, 7000, 6999, 6000, {Class.REAL_LOSS: 1234567}, {Class.REAL_LOSS: 7000})
    one = Processor("P" * 90, 2000000, 1500000, 0, 0, 0, 0, zero, 1.0)
    lines = shown(made(processors=(one,), total=one), 80).splitlines()
    assert max(map(len, lines)) <= 80
    row = next(line for line in lines if line.startswith("PPP"))
    assert re.search(r"P…\s+1,234,567\s+6,000 of 6,999\s+7,000\s+0\s+86 %\s+100 %$", row)


def test_a_terminal_is_told_nothing() -> None:
    zero = ZeroRuns(1, 0, 1, 0, 0, {Class.UNCLASSIFIED: 1}, {Class.UNCLASSIFIED: 1})
    evil = Processor("[red]P\x1b[2J\x9b:boom:", 1, 1, 0, 0, 0, 0, zero, 1.0)
    page = shown(made(processors=(evil,), total=evil, never_succeeded=("\x1b[2J",)), 120)
    assert "[red]P␛[2J�:boom:" in page
    assert "Never succeeded: ␛[2J." in page


def made(**more: Any) -> Numbers:
    zero = ZeroRuns(2, 1, 1, 0, 0, {Class.UNCLASSIFIED: 2}, {Class.UNCLASSIFIED: 1})
    one = Processor("P", 3, 2, 1, 0, 1, 4, zero, 1.0)
    date = datetime.date(2026, 1, 5)
    values: dict[str, Any] = {
        "as_of": date, "history": settings.Period(date, date), "malformed": {}, "unknown_statuses": {}, "total": one,
        "processors": (one,), "findings": (), "never_succeeded": (), "unmatched": (), "days": (), **more,
    }  # fmt: skip
    return Numbers(**values)


def test_everything_that_is_odd_is_told() -> None:
    problems = tuple(Problem(f"line {n}", "records is `x`") for n in range(2, 9))
    odd = made(
        never_succeeded=("Q",),
        unmatched=("weather",),
        unknown_statuses={"exploded": 1, "gone": 12},
        malformed={"runs.csv": Malformed(7, problems), "actual.csv": Malformed()},
    )
    for page in (shown(odd, 120), markdown_of(odd)):
        plain = page.replace("\\", "")
        for said in (
            "1 of them have no count at all.",
            "nobody looked for their data",
            "4 further rows of the same runs; a row calls 1 success a failure.",
            "Never succeeded: Q.",
            "Not known to the linter's report (aliases can tell which classes they are): weather.",
            "Unknown status `exploded` on 1 row: neither a success nor a failure.",
            "Unknown status `gone` on 12 rows",
            "runs.csv: 7 malformed rows left out.",
            "line 6: records is `x`",
            "and 2 more",
        ):
            assert said in plain
        assert "line 7" not in plain
        assert "actual.csv" not in plain


def markdown_of(numbers: Numbers) -> str:
    out = io.StringIO()
    markdown.write(numbers, out, top=20)
    return out.getvalue()


def test_an_empty_history_is_said() -> None:
    empty = made(history=None, processors=(), total=Processor("total", 0, 0, 0, 0, 0, 0, ZeroRuns()))
    assert shown(empty, 80).startswith("The history has no runs.\n")
    assert "The history has no runs." in markdown_of(empty)


def test_only_the_top_is_shown(numbers: Numbers) -> None:
    page = shown(numbers, 120, top=1)
    assert "(3 more)" in page
    assert "and 2 more" in page
    assert "PlayByPlayProcessor" in page
    assert "InjuryReportProcessor" not in page


def test_markdown_has_the_same_numbers(numbers: Numbers) -> None:
    page = markdown_of(numbers)
    assert "| OddsProcessor | 28 | 28 | 28 of 28 | 0 | 0 | 100 % | 2 % |" in page
    assert "| total | 2,354 | 190 | 66 of 70 | 3 | 1 | 94 % (86–98 %) | 100 % |" in page
    assert "41 zero-record runs on 28 dates, 27 with data: tracking bug |" in page
    assert "* After (2026-01-24 to 2026-01-28): 8 zero-record runs, 1.6 a day (−92 %)" in page


def test_markdown_cannot_be_injected_into() -> None:
    zero = ZeroRuns(1, 0, 1, 0, 0, {Class.UNCLASSIFIED: 1}, {Class.UNCLASSIFIED: 1})
    evil = Processor("<img src=x>|a](b)\n# c`", 1, 1, 0, 0, 0, 0, zero, 1.0)
    page = markdown_of(made(processors=(evil,), total=evil))
    assert "<img" not in page.replace("\\<", "")
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5, 9}
    assert "\n# c" not in page


def test_json_has_everything(numbers: Numbers) -> None:
    found = json.loads(json.dumps(document(numbers)))
    assert found["version"] == 1
    assert found["history"] == {"first": "2025-10-01", "last": "2026-01-28", "days": 120}
    assert found["total"]["zero"]["false_positive_rate"] == pytest.approx(66 / 70)
    assert found["total"]["zero"]["interval"] == pytest.approx([0.862, 0.978], abs=5e-4)
    assert found["before"]["a_day"] == pytest.approx(20.4)
    assert found["findings"][0]["finding"]["symbol"] == "PlayByPlayProcessor.save_data"
    assert found["findings"][0]["zero"]["dates_by_class"]["real-loss"] == 3
    assert found["processors"][1]["zero"]["interval"] is None
    assert len(found["days"]) == 120


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0 %"), (0.001, "< 1 %"), (0.784, "78 %"), (0.9999, "> 99 %"), (1, "100 %")],
)
def test_nearly_all_is_not_all(share: float, said: str) -> None:
    assert words.percent(share) == said


FINDING = Finding("r", "k", "error", "m", "p.py", 1, "P.save_data", "f", ("P", "Q"))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (RankedFinding(FINDING, (), ZeroRuns()), "not in the history"),
        (RankedFinding(FINDING, ("P",), ZeroRuns()), "no zero-record runs"),
        (
            RankedFinding(FINDING, ("P",), ZeroRuns(1, 0, 1, 0, 0, {}, {Class.UNCLASSIFIED: 1})),
            "1 zero-record run on 1 date, none checked: unclassified",
        ),
        (
            RankedFinding(FINDING, ("P",), ZeroRuns(9, 0, 8, 4, 3, {}, {Class.RECOVERED: 7, Class.LEGITIMATE_ZERO: 1})),
            "9 zero-record runs on 8 dates, 4 checked, 3 with data: recovered or legitimate",
        ),
    ],
)
def test_what_a_finding_cost(found: RankedFinding, said: str) -> None:
    assert words.annotation(found) == said


def test_names_decide_between_equals() -> None:
    from tallylint.triage import ranking

    rows = [
        {"processor": name, "runs": 1, "successes": 1, "failures": 0, "unfinished": 0, "phantoms": 0, "rows": 1}
        for name in ("B", "C", "A")
    ]
    assert [one.name for one in ranking.processors(rows, [])] == ["A", "B", "C"]


def test_severity_decides_between_equals() -> None:
    from tallylint.triage import ranking

    def finding(severity: str, path: str) -> Finding:
        return Finding("r", "k", severity, "m", path, 1, "P.save_data", "f", ("P",))

    history = [Processor("P", 1, 1, 0, 0, 0, 0, ZeroRuns(1, 0, 1, 0, 0, {}, {}))]
    found = [finding("note", "a"), finding("error", "c"), finding("warning", "b"), finding("error", "b")]
    ranked = ranking.findings(found, history)
    order = [(one.finding.severity, one.finding.path) for one in ranked]
    assert order == [("error", "b"), ("error", "c"), ("warning", "b"), ("note", "a")]
    assert [one.cumulative_share for one in ranked] == [1.0] * 4


def test_the_page_shows_what_the_command_prints(numbers: Numbers) -> None:
    page = (ROOT / "docs" / "triage.md").read_text(encoding="utf-8")
    assert shown(numbers, 100) in page
