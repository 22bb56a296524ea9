"""Which class or function a name in the history stands for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping


class Names:
    """Resolves names of processors. A name that is ambiguous or not known stands for itself."""

    def __init__(self, known: Iterable[str], aliases: Mapping[str, str]) -> None:
        #: The classes and functions that the linter's report names, and those that aliases lead to.
        self.known = frozenset(known) | frozenset(aliases.values())
        self._aliases = {name.strip(): target for name, target in aliases.items()}
        alike = defaultdict(set)
        for name in self.known:
            alike[_plain(name)].add(name)
        self._alike = {plain: names.pop() for plain, names in alike.items() if len(names) == 1}

    def resolve(self, name: str) -> str:
        """The class or function that a name stands for, or the name without blanks around it."""
        name = name.strip()
        return self._find(name) or name

    def knows(self, processor: str) -> bool:
        """Whether a resolved name is one that the report knows."""
        return processor in self.known

    def _find(self, name: str) -> str | None:
        if name in self._aliases:
            return self._aliases[name]
        # `etl.odds.OddsProcessor`, `etl/odds.py:OddsProcessor` and `etl::odds::OddsProcessor` are all the same.
        last = re.split(r"[.:/]+", name)[-1]
        for candidate in (name, last):
            if candidate in self.known:
                return candidate
        return self._alike.get(_plain(last))


def _plain(name: str) -> str:
    """A name without what conventions add: `odds_processor`, `Odds` and `OddsProcessor` are alike."""
    plain = re.sub(r"[^0-9a-z]", "", name.lower())
    return plain.removesuffix("processor") or plain
