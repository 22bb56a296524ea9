"""The linter's report: its findings, and the classes and functions that each is about."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tallylint.triage.errors import TriageError

#: How the linter tells that more classes than one run the code of a finding.
_SEVERAL = "several classes run this: "


@dataclass(frozen=True)
class Finding:
    """A finding of the linter."""

    rule: str
    kind: str
    severity: str
    message: str
    path: str
    line: int
    symbol: str
    fingerprint: str
    #: The classes that run the code, heirs included, or the function.
    owners: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What the linter found, and the names that it knows."""

    findings: tuple[Finding, ...]
    #: All classes and functions that findings or contracts are about.
    names: frozenset[str]


def load(path: Path) -> Report:
    """Read a report in the format json."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != 1:
            raise TriageError(f"{path} has version {document['version']}; this program reads version 1")
        duties = document["checklist"]
        by_method = defaultdict(list)
        for duty in duties:
            by_method[duty["method"]].append(duty)
        findings = tuple(_finding(one, by_method) for one in document["findings"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TriageError(f"{path} is no report of `tallylint check --format json`: {error!r}") from error
    names = {duty["class"] or duty["method"] for duty in duties}
    return Report(findings, frozenset(names.union(*(finding.owners for finding in findings))))


def _finding(found: Mapping[str, Any], duties: Mapping[str, Sequence[Mapping[str, Any]]]) -> Finding:
    symbol = found["symbol"] or ""
    return Finding(
        found["rule"], found["kind"], found["severity"], found["message"], found["path"], found["line"], symbol,
        found["fingerprint"], tuple(sorted(_owners(found, symbol, duties.get(symbol.rpartition(".")[2], ())))),
    )  # fmt: skip


def _owners(found: Mapping[str, Any], symbol: str, duties: Sequence[Mapping[str, Any]]) -> set[str]:
    """The classes that run the code of a finding: that which has it, and all that inherit it; `duties` of its method.

    Classes that run one definition have it at the same place of the checklist. The note of the finding also names those
    that reach it through a helper or `super()`.
    """
    owner = symbol.rpartition(".")[0]
    if not owner:
        return {symbol} if symbol else set()
    owners = {owner}
    places = {(duty["path"], duty["line"]) for duty in duties if duty["class"] == owner}
    mine = {(found["path"], line) for line in found["exits"] or ()}
    for duty in duties:
        exits = {(one["path"], one["line"]) for one in duty["exits"]}
        same = (duty["path"], duty["line"]) in places or exits & mine
        if duty["class"] and (same or duty["inherits"] == owner):
            owners.add(duty["class"])
    for note in found["notes"]:
        if note.startswith(_SEVERAL):
            owners.update(re.findall(r"`([^`]+)`", note))
    return owners
