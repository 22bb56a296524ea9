"""Tells on a terminal which step is being done, and how far it is where the engine says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class Bar:
    """A bar on standard error, if that is a terminal; it is gone in the end."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console, transient=True,
            disable=not console.is_terminal,
        )  # fmt: skip

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextmanager
    def step(self, name: str, con: Any) -> Iterator[None]:
        """Show a step while it is done."""
        # Without a total, the bar only moves.
        task = self._progress.add_task(name, total=None)
        done = threading.Event()
        watcher = None
        if con.name == "duckdb" and not self._progress.disable:
            con.raw_sql("set enable_progress_bar = true; set enable_progress_bar_print = false")
            watcher = threading.Thread(target=self._watch, args=(task, con.con, done), daemon=True)
            watcher.start()
        try:
            yield
        finally:
            done.set()
            if watcher:
                watcher.join()
            self._progress.remove_task(task)

    def _watch(self, task: Any, engine: Any, done: threading.Event) -> None:
        while not done.wait(0.1):
            percent = engine.query_progress()
            # Negative while nothing runs or nothing is known.
            if percent > 0:
                self._progress.update(task, total=100, completed=percent)
