"""Shapes of real code that the plain grammar hardly ever makes.

A `ShapeWriter` makes the text of one program around one of `SHAPES`.  Each shape is a production
like those of `grammar.py`, and what it needs (a helper, a class, a default in a class body) goes to
where such a thing lives.
"""

import ast

from grammar import KEY, Scope, Writer, ind

SHAPES = ("two-tries", "totals", "nested-loops", "class-defaults", "outcome")

# What a class body gives to an attribute: its name, the value, and what a method asks about it.
EMPTY = [("dry_run", "False", ("{}", "not {}")), ("limit", "None", ("{}", "{} is None", "{} is not None")),
         ("suffix", "''", ("{}", "not {}", "{} == ''")), ("batch_size", "0", ("{}", "{} > 0", "{} == 0")),
         ("columns", "[]", ("{}", "not {}", "len({}) == 0")), ("keys", "()", ("{}", "not {}"))]
# The same, and the value that an heir gives instead.
FILLED = [("mode", "'append'", ("{} == 'append'", "{} != 'append'", "{} == 'replace'", "{} in ('append', 'merge')"), "'replace'"),
          ("batch_size", "500", ("{}", "{} > 100", "{} == 500"), "50"), ("table", "'orders'", ("{}", "not {}", "{} == 'orders'"), "'games'"),
          ("keys", "('id',)", ("{}", "len({}) == 1", "'id' in {}"), "('id', 'day')")]


class ShapeWriter(Writer):
    """The text of one program that has a certain shape."""

    def __init__(self, random, number, shape):
        super().__init__(random)
        self.number, self.shape, self.shapes_left = number, shape, self.pick(0, 1)
        self.helpers_left, self.size = self.pick(0, 1, 2), 1
        self.presets, self.asked = {"base": [], "last": []}, []
        self.bounds = []  # the number of tries that the class body gives, if it does
        self.checked = set()  # classes of outcomes that can raise what failed
        self.features.add("shape:" + shape)
        self.makers = {"two-tries": self.two_tries, "totals": self.totals, "nested-loops": self.nested_loops,
                       "class-defaults": self.defaulted, "outcome": self.outcome}
        if shape == "class-defaults" or self.one_in(5):
            for _ in range(self.pick(1, 1, 2)):
                self.preset()

    # -- where the shape stands -------------------------------------------------------------
    def body(self, s, size):
        before = self.block(s, 1) if self.one_in(3) else []
        if before and before[-1].split()[0] in ("return", "raise"):
            before = []
        after = self.block(s, 1) if self.one_in(3) else []
        return before + self.makers[self.shape](s.but(depth=s.depth + 1)) + after

    def further(self, s):
        if s.me != "self" or s.depth > 3 or s.leave == "none" or self.shapes_left < 1:
            return []
        return [(2, self.another)]

    def another(self, s):
        self.shapes_left -= 1
        return self.makers[self.pick(*SHAPES)](s)

    def test(self, s, depth=0):
        if self.asked and s.me == "self" and self.one_in(3):
            return self.random.choice(self.asked)
        return super().test(s, depth)

    # -- what the shapes are made of --------------------------------------------------------
    def write(self, s, rows):
        """A call that stores rows."""
        call = self.pick("{c}.load({r})", "{c}.insert_rows({r})", "{c}.insert_rows('games', {r})", "{c}.insert_rows('plays', {r})")
        return ("await " if s.is_async else "") + call.format(c=s.client, r=rows)

    def stored(self, s, value):
        """The key gets a certain value."""
        return self.pick("{}[{!r}] = {}", "{}[{!r}] = {}", "{}.update({{{!r}: {}}})").format(s.stats, KEY, value)

    def caught(self, s, reaction):
        """A handler with one of the usual heads."""
        types = self.pick("Exception", "Exception", "Exception", "ConnectionError", "(PermissionError, ConnectionError)")
        named = "error" in " ".join(reaction) or self.one_in(2)
        return ["except {}{}:".format(types, " as error" if named else ""), *ind(reaction)]

    def reaction(self, s, note=()):
        """What a handler does about a failed write; `note` keeps it for later."""
        log, note = ["logger.exception('failed')"], list(note)
        choice = self.random.randrange(9)
        if choice == 0:
            return log + ["raise"]
        if choice == 1:
            return ["raise PipelineError('failed') from error"]
        if choice == 2:
            return log + note + [self.stored(s, "0")]
        if choice == 3:
            return note + self.returning(s)
        if choice == 4 and s.loop:
            return log + note + [self.pick("break", "continue")]
        if choice == 5:
            return note + self.block(s.but(handling=True, error=None, depth=3), 1)
        return (log if not note or self.one_in(2) else []) + note

    def consequence(self, s, tests):
        """What was kept is asked, and something follows from it."""
        test = self.pick("", "", "not ") + self.random.choice(tests)
        then = self.pick(["raise PipelineError('failed')"], ["raise RuntimeError('stop')"], self.returning(s),
                         [self.stored(s, "0")], ["logger.warning('failed')"], self.block(s.but(depth=3, kept=tuple(tests)), 1))
        lines = ["if {}:".format(test), *ind(then)]
        if self.one_in(3):
            lines += ["else:", *ind(self.pick([self.stored(s, "len({})".format(s.rows))], ["logger.info('stored')"], self.block(s.but(depth=3), 1)))]
        return lines

    # -- two writes in two tries ------------------------------------------------------------
    def two_tries(self, s):
        self.features.add("two-tries")
        kept, tests, notes = self.keeping()
        lines, item = list(kept), self.name("item")
        in_loop = self.one_in(5)
        inner = s.but(loop=True, rows=item, depth=3) if in_loop else s
        for at, note in enumerate(notes):
            rows = inner.rows if in_loop else self.pick(s.rows, s.rows, s.me + ".extra" if s.me else s.rows)
            step = [self.write(inner, rows)] + ([self.stored(s, self.pick("len({})".format(s.rows), "1"))] if self.one_in(2) else [])
            step = ["try:", *ind(step), *self.caught(inner, self.reaction(inner, note))]
            if self.one_in(5):
                step += ["else:", *ind(self.setting(inner))]
            if self.one_in(6):
                step += self.block(inner.but(depth=3), 1)
            if in_loop:
                lines += ["for {} in {}:".format(item, s.rows), *ind(step)] if at == 0 else ind(step)
            else:
                lines += step
        if self.one_in(3):
            lines += self.setting(s)
        return lines + (self.consequence(s, tests) if tests and not self.one_in(4) else [])

    def keeping(self):
        """How failures are kept: the preparation, tests of it, and a note for each of two failures."""
        choice = self.random.randrange(4)
        name = self.name(("none", "errors", "failures", "failed")[choice])
        if choice == 0:
            return [], (), ([], [])
        if choice == 1:
            return ["{} = []".format(name)], (name, "(len({}) > 0)".format(name), "(len({}) == 2)".format(name)), \
                (["{}.append(error)".format(name)], ["{}.append('second')".format(name)])
        if choice == 2:
            return ["{} = 0".format(name)], (name, "({} > 0)".format(name), "({} > 1)".format(name)), (["{} += 1".format(name)],) * 2
        other = self.name("failed")
        return ["{} = {} = False".format(name, other)], (name, other, "({} and {})".format(name, other), "({} or {})".format(name, other)), \
            (["{} = True".format(name)], ["{} = True".format(other)])

    # -- totals in a dict -------------------------------------------------------------------
    def totals(self, s):
        self.features.add("totals")
        t = self.name("totals")
        good, bad = self.pick(("inserted", "failed"), ("inserted", "failed"), ("rows", "errors"), (KEY, "rows_failed"))
        lines = [self.pick("{t} = {{{g!r}: 0, {b!r}: 0}}", "{t} = {{{g!r}: 0, {b!r}: 0}}", "{t} = dict({g}=0, {b}=0)").format(t=t, g=good, b=bad)]
        more, fewer = "{}[{!r}] += ".format(t, good), "{}[{!r}] += 1".format(t, bad)
        shape = self.random.randrange(4)
        if shape == 0 and s.me == "self":
            lines += self.counted_by_helper(s, t, good, bad)
        elif shape == 1:
            step = [self.write(s, s.rows), more + self.pick("1", "len({})".format(s.rows))]
            lines += ["try:", *ind(step), *self.caught(s, self.reaction(s, [fewer]))]
        else:
            item = self.name("item")
            inner = s.but(loop=True)
            step = self.pick([self.write(s, item), more + "1"], [more + self.write(s, item)])
            lines += ["for {} in {}:".format(item, s.rows),
                      *ind(["try:", *ind(step), *self.caught(inner, self.reaction(inner, [fewer]))])]
        tests = ["{}[{!r}]".format(t, bad), "({}[{!r}] > 0)".format(t, bad), "{}.get({!r})".format(t, bad),
                 "{}[{!r}]".format(t, good), "({}[{!r}] == 0)".format(t, good)]
        end = [self.stored(s, "{}[{!r}]".format(t, good))]
        if good == KEY:
            end = [self.pick("{s}.update({t})", "{s}.update(**{t})", *["self.stats = {{**self.stats, **{t}}}", "self.stats = {t}",
                                                                      "self.stats |= {t}"] * (s.stats == "self.stats")).format(s=s.stats, t=t)]
        if self.one_in(4):
            end = ["if {}:".format(self.random.choice(tests)), *ind(end)]
        asked = [self.consequence(s, tests) for _ in range(self.pick(0, 1, 1, 2))]
        if asked and self.one_in(2):
            return lines + asked[0] + end + (asked[1] if len(asked) > 1 else [])
        return lines + end + [line for part in asked for line in part]

    def counted_by_helper(self, s, t, good, bad):
        """Another method is given the totals and a row, and counts, or makes the totals itself."""
        name, made = self.name("_count"), self.one_in(3)
        inner = Scope(leave="none" if made else "bare", depth=3, is_async=s.is_async, rows="row")
        step = [self.write(inner, "row"), "totals[{!r}] += 1".format(good)]
        body = ["try:", *ind(step), *self.caught(inner, self.reaction(inner, ["totals[{!r}] += 1".format(bad)]))]
        if made:
            body = ["totals = {{{!r}: 0, {!r}: 0}}".format(good, bad), *body, "return totals"]
        self.home().append([("async " if s.is_async else "") + "def {}(self, {}row):".format(name, "" if made else "totals, "), *ind(body)])
        call = ("await " if s.is_async else "") + "self.{}(".format(name)
        if made:
            return ["{} = {}{})".format(t, call, s.rows)]
        call += t + ", "
        if self.one_in(2):
            return [call + s.rows + ")"]
        return ["for item in {}:".format(s.rows), "    " + call + "item)"]

    # -- loops in loops, with helpers -------------------------------------------------------
    def nested_loops(self, s):
        self.features.add("nested-loops")
        if s.me != "self":
            return self.each(s)
        outer, item = self.name("batch"), self.name("item")
        status = self.pick("text", "bool", "none")
        call = "{}self.{}({})".format("await " if s.is_async else "", self.item_helper(s, status), item)
        inner = s.but(loop=True, depth=3)
        step = [call]
        if status != "none" and not self.one_in(5):
            got = self.name("status")
            test = self.pick("{} == 'failed'", "{} != 'ok'", "{} in ('failed', 'empty')") if status == "text" else self.pick("not {}", "{}")
            then = self.pick(["break"], ["continue"], ["raise PipelineError('failed')"], self.returning(s), [self.stored(s, "0")], self.block(inner, 1))
            head = [] if status == "bool" and self.one_in(2) else ["{} = {}".format(got, call)]
            step = [*head, "if {}:".format(test.format(got if head else call)), *ind(then)]
        elif status != "none" and "decorator" not in self.features:  # in a wrapped method a known gap
            return self.collected(s, call, (outer, item), status)
        if self.one_in(3):
            step += [self.stored(s, "1")]
        both = self.pick(("range(2)", s.rows), ("range({})".format(self.bound()), s.rows), (s.rows, "(1, 2)"), (s.rows, outer), ("({}, {}.extra)".format(s.rows, s.me), outer))
        lines = ["for {} in {}:".format(item, both[1]), *ind(step)]
        end = self.random.randrange(5)
        if end == 0:
            lines += ["else:", "    continue", "break"]
        elif end == 1:
            lines += ["else:", *ind([self.stored(s, "1")])]
        elif end == 2:
            lines += self.block(inner, 1)
        lines = ["for {} in {}:".format(outer, both[0]), *ind(lines)]
        if self.one_in(4):
            lines += ["else:", *ind(self.setting(s))]
        return lines

    def collected(self, s, call, names, status):
        """What a helper returns is put into a list, and a failure in it raises."""
        kept = self.name("statuses")
        lines = ["{} = []".format(kept), "for {} in {}:".format(names[0], s.rows), "    for {} in ({}, 1):".format(names[1], names[0]),
                 "        {}.append({})".format(kept, call)]
        test = self.pick("False in {}", "not all({})") if status == "bool" else "'failed' in {}"
        lines += ["if {}:".format(test.format(kept)), "    raise PipelineError('failed')"]
        return lines + (self.setting(s) if self.one_in(2) else [])

    def bound(self):
        """A number that the class body gives."""
        if not self.bounds:
            self.bounds.append("retries_{}".format(self.number))
            self.presets["base"].append(self.bounds[0] + " = 2")
        return "self." + self.bounds[0]

    def item_helper(self, s, status):
        """A method that writes one row, and stores, raises or returns what came of it."""
        name = self.name("_push")
        leave = {"text": "none", "bool": "bool", "none": "bare"}[status]
        inner = Scope(leave=leave, depth=3, is_async=s.is_async, rows="row", calls=False)
        good = {"text": ["return 'ok'"], "bool": ["return True"], "none": []}[status]
        bad = {"text": self.pick(["return 'failed'"], ["return 'empty'"]), "bool": ["return False"], "none": []}[status]
        stores = [self.stored(inner, self.pick("1", "1", "{}.get({!r}, 0) + 1".format(inner.stats, KEY)))]
        body = [self.write(inner, "row")] + (stores if self.one_in(3) else [])
        if not self.one_in(4):
            then = self.pick(bad or ["return"], bad or ["pass"], ["raise PipelineError('failed') from error"], ["logger.exception('failed')", *bad],
                             [self.stored(inner, "0"), *bad])
            body = ["try:", *ind(body), *self.caught(inner, then)]
        if self.one_in(3):
            body = ["if {}:".format(self.pick("not row", "row is None")), *ind(bad or ["return"]), *body]
        body += stores if self.one_in(3) else []
        self.home().append([("async " if s.is_async else "") + "def {}(self, row):".format(name), *ind(body + good)])
        return name

    # -- defaults in a class body -----------------------------------------------------------
    def preset(self):
        """An attribute gets a default in a class body; somebody else may store to it."""
        filled = self.one_in(2)
        stem, value, asks, *other = self.random.choice(FILLED if filled else EMPTY)
        self.count += 1
        name = "{}{}_{}".format(stem, self.count, self.number)  # stores to a name count for all classes of a run
        way = self.pick("plain", "plain", "plain", "annotated", "constant", "capitals")
        kind = {"annotated": self.pick("object", type(ast.literal_eval(value)).__name__.replace("NoneType", "object")), "constant": self.pick("ClassVar", "Final")}.get(way)
        if way == "capitals":
            name = name.upper()
        self.presets["base"].append("{}{} = {}".format(name, ": " + kind if kind else "", value))
        if filled and way == "plain" and self.one_in(3):
            self.presets["last"].append("{} = {}".format(name, *other))
        self.asked += [ask.format("self." + name) for ask in asks]
        if self.one_in(4) and way != "constant":
            self.features.add("stored-elsewhere")
            setter = self.name("configure")
            if self.one_in(3):
                self.module.append(["def {}(proc, value):".format(setter), "    proc.{} = value".format(name)])
            else:
                store = self.pick("self.{} = value", "setattr(self, {!r}, value)").format(name)
                self.pick(self.own, self.base).append(["def {}(self, value):".format(setter), "    " + store])

    def defaulted(self, s):
        self.features.add("class-defaults")
        if not self.asked or s.me != "self":
            return self.branch(s)
        lines = ["if {}:".format(self.random.choice(self.asked)), *ind(self.block(s, 1))]
        if self.one_in(2):
            lines += ["else:", *ind(self.block(s, 1))]
        if self.one_in(2):
            lines += ["if {}:".format(self.random.choice(self.asked)), *ind(self.setting(s))]
        return lines

    # -- outcomes that are returned ---------------------------------------------------------
    def outcome(self, s):
        self.features.add("outcome")
        if s.me != "self":
            return self.flagged(s)
        make, mark, rows, bad = self.outcome_kind()
        name, got = self.name("_push"), self.name("outcome")
        inner = Scope(leave="none", depth=3, is_async=s.is_async, calls=False)
        count = self.pick("len(rows)", "1")
        write = [self.write(inner, "rows")]
        if self.one_in(2):
            body = ["result = " + make("0", False), "try:", *ind(write + [mark("result", count)]),
                    *self.caught(inner, self.pick([mark("result", None)], ["logger.exception('failed')", mark("result", None)],
                                                  ["return " + make("0", True)], ["raise"])),
                    "return result"]
        else:
            body = ["try:", *ind(write), *self.caught(inner, ["return " + make("0", True)]), "return " + make(count, False)]
        if self.one_in(4):
            body = ["if not rows:", "    return " + make("0", self.one_in(2)), *body]
        self.home().append([("async " if s.is_async else "") + "def {}(self, rows):".format(name), *ind(body)])
        call = "{}self.{}({})".format("await " if s.is_async else "", name, s.rows)
        tests = [bad(got), bad(got), "({} > 0)".format(rows(got)), rows(got)]
        lines = ["{} = {}".format(got, call)]
        if make("0", True).split("(")[0] in self.checked and self.one_in(2):
            lines.append(got + ".check()")
        end = [self.stored(s, rows(got))]
        if self.one_in(4):
            end = ["if {}:".format(self.random.choice(tests)), *ind(end)]
        asked = self.consequence(s, tests) if not self.one_in(5) else []
        return lines + self.pick(asked + end, asked + end, end + asked)

    def outcome_kind(self):
        """Functions that write: a new outcome, a change of one, its count, and whether it failed."""
        kind = self.pick("class", "dataclass", "property", "dict", "dict")
        if kind == "dict":
            good = self.pick("ok", "success")
            read = self.pick("{}['{}']", "{}.get('{}')").format("{}", good)
            return (lambda rows, failed: "{{{!r}: {}, 'rows': {}}}".format(good, not failed, rows),
                    lambda name, rows: "{}['rows'] = {}".format(name, rows) if rows else "{}[{!r}] = False".format(name, good),
                    lambda name: name + "['rows']", lambda name: "(not {})".format(read.format(name)))
        name = self.name("Outcome")
        if kind == "dataclass":
            text = ["@dataclass", "class {}:".format(name), "    rows: int = 0", "    failed: bool = False"]
        else:
            text = ["class {}:".format(name), "    def __init__(self, rows=0, failed=False):", "        self.rows = rows", "        self.failed = failed"]
        if kind == "property":
            text += ["", "    @property", "    def ok(self):", "        return not self.failed"]
        if self.one_in(3):
            text += ["", "    def check(self):", "        if self.failed:", "            raise PipelineError('failed')"]
            self.checked.add(name)
        self.module.append(text)
        bad = "(not {}.ok)" if kind == "property" else "{}.failed"
        return (lambda rows, failed: "{}({}, {})".format(name, rows, failed) if failed or self.one_in(2) else "{}(rows={})".format(name, rows),
                lambda out, rows: "{}.rows = {}".format(out, rows) if rows else out + ".failed = True",
                lambda out: out + ".rows", lambda out: bad.format(out))
