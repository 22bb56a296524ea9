"""Every test of the guard starts with no counts, and collects what is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tallylint import guard


@pytest.fixture
def breaks() -> Iterator[list[guard.Break]]:
    """The breaks that were told, while nothing is raised."""
    found: list[guard.Break] = []
    before = guard._settings.mode
    guard.configure(mode="count")
    guard.reset_counts()
    stop = guard.listen(found.append)
    yield found
    stop()
    guard.configure(mode=before)
