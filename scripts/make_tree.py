#!/usr/bin/env python3
"""Make a large tree of Python files, as a repository of data pipelines has them.

Usage: make_tree.py FOLDER [--files 2500] [--seed 1]

A base package with a base class, mixins and history; shared helpers; one package per domain with
a base of its own, helpers, an `__init__` that exports every processor, and many processors that
import all of that absolutely and relatively; services that have nothing to do with any of it.
The tree is for measuring what a question about one file costs: the same seed writes the same
bytes.  Standard library only, 3.9+.
"""

import argparse
import random
from pathlib import Path

DOMAINS = ["sports", "finance", "retail", "iot", "ads", "weather", "travel", "energy", "media", "health"]
SOURCES = ["vendor", "partner", "feed", "export", "archive", "stream"]
NOUNS = ["orders", "odds", "prices", "events", "scores", "rosters", "rates", "claims", "trips", "meters"]
MIXINS = ["Quality", "Notify", "Retry", "Audit", "Smart", "Lookup"]
# One file in so many is …
HELPER_EVERY, SERVICE_EVERY = 20, 4
PROCESSORS_PER_PACKAGE = 25

BASE = '''"""The base of all processors."""
from abc import ABC, abstractmethod

from .history import RunHistory
from .mixins import {mixins}


class ProcessorBase({bases}, ABC):
    table = None

    def __init__(self, client):
        self.client = client
        self.stats = {{}}
        self.transformed_data = []
        self.history = RunHistory(client)

    def run(self, opts):
        self.opts = opts
        self.load()
        self.transform()
        self.save_data()
        self.history.record(self.table, self.stats.get("rows_inserted", 0))
        self.notify(self.table)

    @abstractmethod
    def load(self):
        ...

    def transform(self):
        self.transformed_data = self.clean(self.raw)

    @abstractmethod
    def save_data(self):
        ...
'''

HISTORY = '''"""The history of runs."""


class RunHistory:
    def __init__(self, client):
        self.client = client

    def record(self, table, rows):
        self.client.insert("run_history", [{"table": table, "rows": rows}])
'''

MIXIN = '''"""{name}: what several processors share."""
import logging

logger = logging.getLogger(__name__)


class {name}Mixin:
    def {verb}(self, subject):
        logger.info("%s", subject)
        return subject
'''

HELPER = '''"""Helpers for {name}."""
from pipeline.helpers import helper_{other:03}


def batches(rows, size={size}):
    for start in range(0, len(rows), size):
        yield rows[start:start + size]


def write(client, table, rows):
    total = 0
    for batch in batches(rows):
        client.insert(table, batch)
        total += len(batch)
    return total


def twice(value):
    return helper_{other:03}.twice(value) if value > {size} else value * 2
'''

DOMAIN_BASE = '''"""What the processors of {domain} have in common."""
from pipeline.base import ProcessorBase

from .helpers import write


class {title}Base(ProcessorBase):
    def load(self):
        self.raw = self.client.fetch("{domain}", self.opts)

    def write(self, rows):
        return write(self.client, self.table, rows)

    def record(self, rows):
        self.stats["rows_inserted"] = self.write(rows)
'''

PROCESSOR = '''"""Loads {table}."""
import logging

from {helper} import {function}
{imports}

logger = logging.getLogger(__name__)


class {name}({base}):
    table = "{table}"

    def clean(self, rows):
        return [row for row in rows if row.get("{noun}")]

    def save_data(self):
        rows = self.transformed_data
        if not rows:
            logger.info("nothing to save")
{empty}            return
        try:
{save}
        except ConnectionError as error:
            logger.error("%s: %s", self.table, error)
            raise
'''

SERVICE = '''"""The {noun} endpoint of {domain}."""
import json

from services.{package} import settings
{imports}


class {name}Handler:
    def __init__(self, store):
        self.store = store

    def get(self, key):
        found = self.store.find(key, limit=settings.LIMIT)
        return json.dumps(found)
'''


class Tree:
    def __init__(self, folder, files, seed):
        self.folder, self.files, self.random, self.written = folder, files, random.Random(seed), 0

    def write(self, path, text):
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        self.written += path.endswith(".py")

    def make(self):
        self.write("pyproject.toml", '[project]\nname = "pipeline"\nversion = "1.0"\n')
        self.base()
        helpers = max(self.files // HELPER_EVERY, 2)
        self.write("pipeline/helpers/__init__.py", "")
        for i in range(helpers):
            other = self.random.randrange(helpers)
            self.write("pipeline/helpers/helper_{:03}.py".format(i), HELPER.format(name=i, other=other, size=100 + i))
        self.services(self.files // SERVICE_EVERY)
        package = 0
        while self.written < self.files:
            self.domain(package, helpers)
            package += 1

    def base(self):
        self.write("pipeline/__init__.py", "")
        self.write("pipeline/base/__init__.py", "from .history import RunHistory\nfrom .processor import ProcessorBase\n")
        self.write("pipeline/base/history.py", HISTORY)
        names = [name + "Mixin" for name in MIXINS]
        exports = "".join("from .{} import {}Mixin\n".format(name.lower(), name) for name in MIXINS)
        self.write("pipeline/base/mixins/__init__.py", exports)
        for name in MIXINS:
            self.write("pipeline/base/mixins/{}.py".format(name.lower()), MIXIN.format(name=name, verb=name.lower()))
        joined = ", ".join(names)
        self.write("pipeline/base/processor.py", BASE.format(mixins=joined, bases=joined))

    def services(self, files):
        self.write("services/__init__.py", "")
        until = self.written + files
        package = 0
        while self.written < until:
            name = "service_{:02}".format(package)
            self.write("services/{}/__init__.py".format(name), "")
            self.write("services/{}/settings.py".format(name), "LIMIT = {}\n".format(self.random.randrange(10, 500)))
            before = ""
            for i in range(min(PROCESSORS_PER_PACKAGE, until - self.written)):
                noun, domain = self.random.choice(NOUNS), self.random.choice(DOMAINS)
                text = SERVICE.format(noun=noun, domain=domain, package=name, imports=before, name="{}{}".format(noun.title(), i))
                self.write("services/{}/handler_{:02}.py".format(name, i), text)
                before = "from .handler_{:02} import {}Handler".format(i, "{}{}".format(noun.title(), i))
            package += 1

    def domain(self, number, helpers):
        domain = "{}_{:02}".format(DOMAINS[number % len(DOMAINS)], number)
        folder, title = "pipeline/domains/" + domain, DOMAINS[number % len(DOMAINS)].title()
        if number == 0:
            self.write("pipeline/domains/__init__.py", "")
        exports = []
        room = self.files - self.written - 3
        self.write(folder + "/base.py", DOMAIN_BASE.format(domain=domain, title=title))
        self.write(folder + "/helpers.py", HELPER.format(name=domain, other=self.random.randrange(helpers), size=500))
        for i in range(max(min(PROCESSORS_PER_PACKAGE, room), 0)):
            module = "{}_{}_{:02}_processor".format(self.random.choice(SOURCES), self.random.choice(NOUNS), i)
            name = "".join(part.title() for part in module.split("_"))
            self.write("{}/{}.py".format(folder, module), self.processor(domain, title, name, module, helpers))
            exports.append("from .{} import {}\n".format(module, name))
        self.write(folder + "/__init__.py", "".join(exports))

    def processor(self, domain, title, name, module, helpers):
        pick = self.random.choice
        helper = "pipeline.helpers.helper_{:03}".format(self.random.randrange(helpers))
        base = pick(["from .base import {0}Base", "from pipeline.domains.{1}.base import {0}Base", "from . import base"])
        save = pick([
            '            self.record(rows)',
            '            self.stats["rows_inserted"] = self.write(rows)',
            '            self.stats["rows_inserted"] = write(self.client, self.table, rows)',
        ])
        return PROCESSOR.format(
            table=module.replace("_processor", ""),
            helper=helper,
            function="write" if "= write(" in save else "twice",
            imports=base.format(title, domain),
            name=name,
            base=("base." if base.endswith("import base") else "") + title + "Base",
            noun=pick(NOUNS),
            empty=pick(['            self.stats["rows_inserted"] = 0\n'] * 9 + [""]),
            save=save,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tree = Tree(options.folder, options.files, options.seed)
    tree.make()
    print("{} Python files".format(tree.written))


if __name__ == "__main__":
    main()
