"""The Wilson score interval, against values that others publish."""

from __future__ import annotations

import pytest
from tallylint.triage import wilson


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # R. G. Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_interval(hits: int, of: int, low: float, high: float) -> None:
    assert wilson.interval(hits, of) == pytest.approx((low, high), abs=5e-5)


def test_nothing_is_known_of_nothing() -> None:
    assert wilson.interval(0, 0) == (0.0, 1.0)


def test_the_ends_are_exact() -> None:
    assert [wilson.interval(n, n)[1] for n in range(1, 200)] == [1.0] * 199
    assert [wilson.interval(0, n)[0] for n in range(1, 200)] == [0.0] * 199
