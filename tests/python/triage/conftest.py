"""What the tests of the triage share: generated histories, and what is true of them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "make_history.py"


@dataclass(frozen=True)
class History:
    """A folder that scripts/make_history.py wrote."""

    folder: Path

    @property
    def configuration(self) -> Path:
        """The path of its configuration."""
        return self.folder / "tallylint.toml"

    @property
    def truth(self) -> list[dict[str, Any]]:
        """What is true of each processor."""
        found: list[dict[str, Any]] = json.loads((self.folder / "truth.json").read_text())
        return found

    def classes(self) -> list[tuple[Any, ...]]:
        """Processor, date, class, reason and number of runs, in order."""
        import duckdb

        rows = duckdb.connect().execute("select * from read_parquet(?)", [str(self.folder / "truth.parquet")])
        return sorted(rows.fetchall())


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., History]:
    """Generate a history with so many runs, once for each form."""
    made: dict[tuple[object, ...], History] = {}

    def make(runs: int, form: str = "parquet", seed: int = 1) -> History:
        key = (runs, form, seed)
        if key not in made:
            folder = tmp_path_factory.mktemp("history")
            options = ["--runs", str(runs), "--form", form, "--seed", str(seed)]
            subprocess.run([sys.executable, str(SCRIPT), str(folder), *options], check=True)
            made[key] = History(folder)
        return made[key]

    return make
