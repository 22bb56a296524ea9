"""What becomes of a broken contract."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import warnings
from types import SimpleNamespace
from typing import Any

import pytest
from tallylint import guard
from tallylint.guard import Break, ContractBroken, ContractWarning, InvalidContract, configure, contract, counts

TEXT = "did not set self.rows"


def make(mode: str | None, **more: Any) -> Any:
    @contract(sets="self.rows", mode=mode, **more)
    def save(self: Any, error: Exception | None = None) -> str:
        if error is not None:
            raise error
        return "done"

    return save


def test_raise(breaks: list[Break]) -> None:
    with pytest.raises(ContractBroken, match=f"returned, but {TEXT}") as raised:
        make("raise")(SimpleNamespace())
    assert [raised.value.what] == breaks
    assert pickle.loads(pickle.dumps(raised.value)).what == breaks[0]
    assert raised.value.__context__ is None


def test_warn(breaks: list[Break]) -> None:
    with pytest.warns(ContractWarning, match=TEXT) as caught:
        assert make("warn")(SimpleNamespace()) == "done"
    # It points at the call.
    assert [warning.filename for warning in caught] == [__file__]


def test_log(breaks: list[Break], caplog: pytest.LogCaptureFixture) -> None:
    assert make("log")(SimpleNamespace()) == "done"
    ((name, level, text),) = caplog.record_tuples
    assert (name, level) == ("tallylint.guard", logging.ERROR)
    assert TEXT in text
    assert vars(caplog.records[0])["tallylint"]["reason"] == TEXT


@pytest.mark.parametrize("mode", ["count", None])
def test_count(mode: str | None, breaks: list[Break]) -> None:
    make(mode)(SimpleNamespace())
    assert len(breaks) == 1
    (count,) = counts()
    assert (count.contract, count.kept, count.broken, count.unsure) == ("save sets self.rows", 0, 1, 0)
    guard.reset_counts()
    assert counts() == []


def test_off(breaks: list[Break]) -> None:
    save = make(None)
    subject = SimpleNamespace()
    save(subject)
    configure(mode="off")
    save(subject)
    make("off")(subject)
    assert len(breaks) == 1
    make("count")(subject)
    configure(mode="count")
    save(subject)
    assert len(breaks) == 3


@pytest.mark.parametrize("mode", ["raise", "warn"])
def test_an_exception_is_kept(mode: str, breaks: list[Break]) -> None:
    with (
        pytest.warns(ContractWarning, match="ended in an exception"),
        pytest.raises(ValueError, match="mine") as raised,
    ):
        make(mode, also_when_raising=True)(SimpleNamespace(), ValueError("mine"))
    if sys.version_info >= (3, 11):
        assert any(TEXT in note for note in raised.value.__notes__)


def test_an_unknown_mode() -> None:
    with pytest.raises(
        InvalidContract, match="unknown mode `loud` of the guard; there are raise, warn, log, count, off"
    ):
        configure(mode="loud")


@pytest.mark.parametrize(
    ("mode", "said"), [("raise", "ContractBroken"), ("warn", "ContractWarning"), ("off", ""), ("x", "Invalid")]
)
def test_the_environment(mode: str, said: str) -> None:
    code = "from tallylint.guard import contract\ncontract(returns=True)(lambda: None)()"
    command = [sys.executable, "-c", code]
    run = subprocess.run(
        command, env={**os.environ, "TALLYLINT_GUARD": mode}, capture_output=True, text=True, check=False
    )
    assert said in run.stderr
    assert (run.stderr == "") == (said == "")


def test_the_default_is_to_warn() -> None:
    env = {name: value for name, value in os.environ.items() if name != "TALLYLINT_GUARD"}
    code = "from tallylint.guard import contract\ncontract(returns=True)(lambda: None)()"
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert "ContractWarning: __main__.<lambda> returned, but did not return a value" in run.stderr


def test_a_listener_that_is_no_more_told(breaks: list[Break]) -> None:
    told: list[Break] = []
    stop = guard.listen(told.append)
    make("count")(SimpleNamespace())
    stop()
    make("count")(SimpleNamespace())
    assert len(told) == 1
    assert len(breaks) == 2


def test_opentelemetry() -> None:
    pytest.importorskip("opentelemetry.sdk")
    # A process of its own: what is exported is set once.
    code = """
from types import SimpleNamespace
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tallylint.guard import contract

spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)

@contract(sets="self.rows", mode="count")
def save(self, rows=None):
    if rows is not None:
        self.rows = rows

save(SimpleNamespace(), 1)
metrics.set_meter_provider(MeterProvider([reader]))
with trace.get_tracer("test").start_as_current_span("run"):
    save(SimpleNamespace(), 1)
    save(SimpleNamespace())
(span,) = spans.get_finished_spans()
(event,) = span.events
assert event.name == "tallylint.contract.broken"
assert event.attributes["tallylint.reason"] == "did not set self.rows", event.attributes
(metric,) = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
assert metric.name == "tallylint.guard.calls"
found = {point.attributes["outcome"]: point.value for point in metric.data.data_points}
assert found == {"kept": 2, "broken": 1, "unsure": 0}, found
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_opentelemetry(monkeypatch: pytest.MonkeyPatch, breaks: list[Break]) -> None:
    for name in ("opentelemetry", "opentelemetry.metrics", "opentelemetry.trace"):
        monkeypatch.setitem(sys.modules, name, None)
    guard._telemetry.cache_clear()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            make("count")(SimpleNamespace())
    finally:
        guard._telemetry.cache_clear()
    assert len(breaks) == 1
