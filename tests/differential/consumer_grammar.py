"""Random consumers: what reads rows, writes them, and moves a position past them.

A `Consumer` makes the text of one program with one entry: a loop over messages, pages or rows around a
write that may fail, what is done about the failure, and where the position moves.  No position moves
before the write whose rows it covers.
"""

from grammar import ind

CAUGHT = ["Exception"] * 5 + ["StoreError", "ConnectionError", "(ConnectionError, TimeoutError)", ""]
SLOTS = ["after"] * 6 + ["try"] * 3 + ["else"] * 2 + ["finally"] * 2 + ["handler"] + ["loop"] * 2
MEMBERS = {"offset": ["consumer"], "message": ["queue"], "cursor": ["state", "source"]}
LEAVES = ("continue", "break", "return", "raise")


class Scope:
    """What is read and written at some place of a program."""

    def __init__(self, **given):
        self.unit = "message"  # what a round is about
        self.rows = None       # the rows that it writes, as an expression
        self.batch = False     # whether a round is about several messages or rows
        self.loop = False
        self.tests = ()        # what a flag says: (if nothing failed, if something failed)
        self.note = ()         # what a handler does for the flag
        self.moves = ()        # where the position moves
        self.steps = ()        # where the variable that becomes the cursor is assigned
        self.__dict__.update(given)

    def but(self, **changes):
        return Scope(**{**self.__dict__, **changes})


class Consumer:
    """The text of one program."""

    def __init__(self, random, number):
        self.random, self.number, self.count = random, number, 0
        self.kind = self.pick("offset", "message", "cursor")
        self.features = {self.kind}
        self.in_class = self.one_in(2)
        self.helpers = []
        self.members = ["store", *MEMBERS[self.kind], "dead_letters", "settings"]

    # -- small things -----------------------------------------------------------------------
    def one_in(self, n):
        return self.random.randrange(n) == 0

    def pick(self, *options):
        return self.random.choice(options)

    def has(self, feature):
        self.features.add(feature)

    def name(self, stem):
        self.count += 1
        return "{}{}".format(stem, self.count)

    def at(self, member):
        return "self." + member if self.in_class else member

    def opaque(self):
        return self.at("settings") + "." + self.pick("strict", "verbose", "keep_going")

    def log(self, error=None):
        texts = ["log.exception('not stored')", "log.warning('not stored')", "print('not stored')"]
        if error:
            texts.append("log.error('not stored: %s', {})".format(error))
        return self.random.choice(texts)

    # -- rows and positions -----------------------------------------------------------------
    def write(self, s):
        return "{}.insert_rows('scans', {})".format(self.at("store"), s.rows)

    def move(self, s):
        """The position moves past the unit."""
        if self.kind == "offset":
            consumer = self.at("consumer")
            if not s.batch and self.one_in(8):
                return self.moved_by_helper(s)
            return [consumer + ".commit()" if s.batch or self.one_in(2) else "{}.commit({})".format(consumer, s.unit)]
        if self.kind == "message":
            if s.batch:
                return ["for message in {}:".format(s.unit), "    " + self.acknowledge("message")]
            if self.one_in(8):
                return self.moved_by_helper(s)
            return [self.acknowledge(s.unit)]
        return [self.save(s)]

    def acknowledge(self, message):
        queue = self.at("queue")
        return self.pick("{m}.ack()", "{q}.ack({m})", "{m}.delete()", "{q}.delete_message({m}.handle)").format(m=message, q=queue)

    def save(self, s):
        state = self.at("state")
        return self.pick("{}.save_cursor({})", "{}.save_cursor({})", "{}['last_sync'] = {}",
                         "{}.execute('UPDATE sync_state SET last_sync = %s', ({},))").format(state, s.position)

    def moved_by_helper(self, s):
        self.has("moved-by-helper")
        name = self.name("_advance" if self.in_class else "advance")
        me = [] if not self.in_class else ["self"]
        line = self.at("consumer") + ".commit()" if self.kind == "offset" else self.acknowledge("message")
        given = [] if self.in_class else [MEMBERS[self.kind][0]]
        self.helpers.append(["def {}({}):".format(name, ", ".join(me + given + ["message"])), "    " + line])
        return ["{}({})".format(self.at(name), ", ".join(given + [s.unit]))]

    def slot(self, s, *names):
        """What moves at a place, and with it the variable that becomes the position."""
        out = []
        for name in names:
            if name in s.steps:
                out.append(s.step)
            if name in s.moves:
                self.has("in-" + name)
                out += self.move(s)
        return out

    # -- failures ---------------------------------------------------------------------------
    def park(self, s):
        self.has("parked")
        what = s.rows if s.batch or self.one_in(2) else s.unit
        return [self.pick("{}.send({})".format(self.at("dead_letters"), what),
                          "{}.put({})".format(self.at("dead_letters"), what),
                          "{}.insert_rows('dead_letters', {})".format(self.at("store"), s.rows))]

    def give_back(self, s):
        if self.kind == "cursor" or s.batch:
            return self.park(s)
        self.has("given-back")
        if self.kind == "offset":
            return ["{}.seek({})".format(self.at("consumer"), s.unit)]
        return [self.pick("{m}.nack()", "{q}.reject({m})", "{q}.requeue({m})").format(m=s.unit, q=self.at("queue"))]

    def leave(self, s, error=None):
        options = ["return", "raise RuntimeError('not stored')"]
        if s.loop:
            options += ["continue", "continue", "break"]
        if error is not None:
            options += ["raise", "raise"]
        return [self.random.choice(options)]

    def deed(self, s):
        """What keeps the rows from being lost, or nothing."""
        choice = self.random.randrange(9)
        if choice < 2:
            lines = self.give_back(s)
        elif choice < 4:
            lines = self.park(s)
        else:
            return []
        if self.one_in(6):
            self.has("kept-sometimes")
            return ["if {}:".format(self.opaque()), *ind(lines)]
        return lines

    def handler(self, s, types=None):
        types = self.random.choice(CAUGHT) if types is None else types
        name = "error" if types and self.one_in(2) else None
        body = [self.log(name)] if not self.one_in(6) else []
        body += self.deed(s) + list(s.note) + self.slot(s, "handler")
        if self.one_in(5):
            self.has("leaves-sometimes")
            body += ["if {}:".format(self.opaque()), *ind(self.leave(s, name or ""))]
        elif not self.one_in(3):
            body += self.leave(s, name or "")
        return ["except{}{}:".format(" " + types if types else "", " as " + name if name else ""), *ind(body or ["pass"])]

    # -- one unit of work -------------------------------------------------------------------
    def unit(self, s):
        """Writes the rows of one unit and moves the position."""
        before = []
        if not s.batch and self.kind != "cursor" and self.one_in(2):
            before = ["rows = " + self.pick(s.rows, "parse({})".format(s.unit))]
            s = s.but(rows="rows")
        if not s.note and self.one_in(4):
            start, s = self.flag(s)
            before += start
        makers = [self.attempt] * 5 + [self.retry] * 2 + [self.helped] * 2 + [self.suppressed, self.nested, self.plain]
        lines = before + self.slot(s, "before") + self.random.choice(makers)(s)
        if s.tests:
            lines += self.judged(s)
        elif any(slot in s.moves for slot in ("after",)) and self.one_in(8):
            return lines + ["if {}:".format(self.opaque()), *ind(self.slot(s, "after"))]
        else:
            lines += self.slot(s, "after")
        return lines

    def flag(self, s):
        """Something that a handler notes: what it starts as, and the scope with it."""
        self.has("flag")
        name = self.name("failed")
        start, note, good, bad = self.pick(
            ("False", "{} = True", "not {}", "{}"), ("0", "{} += 1", "not {}", "{}"), ("0", "{} += 1", "{} == 0", "{} > 0"),
            ("[]", "{}.append({u})", "not {}", "{}"), ("True", "{} = False", "{}", "not {}"), ("None", "{} = 'failed'", "{} is None", "{} is not None"))
        if "append" in note:
            self.has("collected")
        return (["{} = {}".format(name, start)],
                s.but(note=[note.format(name, u=s.unit)], tests=(good.format(name), bad.format(name)), flag=name))

    def judged(self, s):
        """A flag is asked, or not."""
        after = self.slot(s, "after")
        choice = self.random.randrange(6)
        if choice < 2 and after:
            return ["if {}:".format(s.tests[0]), *ind(after)]
        if choice < 4:
            return ["if {}:".format(s.tests[1]), *ind((self.deed(s) if after else []) + self.leave(s))] + after
        if choice == 4:
            return ["if {}:".format(s.tests[1]), "    log.warning('some are not stored')"] + after
        return after

    def attempt(self, s, types=None):
        lines = ["try:", "    " + self.write(s), *ind(self.slot(s, "try"))]
        first = self.random.choice(CAUGHT) if types is None else types
        lines += self.handler(s, first)
        if first not in ("Exception", "") and self.one_in(2):
            self.has("two-handlers")
            lines += self.handler(s, "Exception")
        other = self.slot(s, "else")
        if other or self.one_in(8):
            lines += ["else:", *ind(other or ["log.info('stored')"])]
        last = self.slot(s, "finally")
        if last or self.one_in(8):
            lines += ["finally:", *ind(last or ["{}.refresh()".format(self.at("store"))])]
        return lines

    def nested(self, s):
        """What the inner handler lets go, the outer one gets."""
        self.has("nested-try")
        inner = s.but(moves=[m for m in s.moves if m in ("try",)], steps=[m for m in s.steps if m in ("try",)], note=())
        lines = ["try:", *ind(self.attempt(inner, self.pick("Exception", "ConnectionError"))), *self.handler(s, "Exception")]
        other, last = self.slot(s, "else"), self.slot(s, "finally")
        return lines + (["else:", *ind(other)] if other else []) + (["finally:", *ind(last)] if last else [])

    def plain(self, s):
        self.has("not-caught")
        return [self.write(s), *self.slot(s, "try", "else", "finally")]

    def suppressed(self, s):
        self.has("suppress")
        return ["with suppress(Exception):", "    " + self.write(s), *ind(self.slot(s, "try")), *self.slot(s, "else", "finally")]

    def retry(self, s):
        self.has("retry")
        n, done = self.pick(2, 3), self.slot(s, "try")
        after = self.slot(s, "else", "finally")
        if self.one_in(3):
            self.has("retry-while")
            stored, tries = self.name("stored"), self.name("tries")
            lines = ["{} = False".format(stored), "{} = 0".format(tries), "while not {} and {} < {}:".format(stored, tries, n),
                     "    {} += 1".format(tries), "    try:", *ind([self.write(s), *done, "{} = True".format(stored)], 2),
                     "    except Exception:", *ind([self.log(), "time.sleep(1)"], 2)]
            if not self.one_in(3):
                lines += ["if not {}:".format(stored), *ind([*s.note, *(self.deed(s) or self.leave(s))])]
            elif self.one_in(2) and after:
                return lines + ["if {}:".format(stored), *ind(after)]
            return lines + after
        attempt = self.name("attempt")
        again = [self.log()]
        if self.one_in(2):
            last = self.pick("{} == {}".format(attempt, n - 1), "{} + 1 == {}".format(attempt, n))
            then = self.deed(s) + (["raise"] if not self.one_in(3) else [self.pick("break", "return")])
            again += ["if {}:".format(last), *ind([*s.note, *then])]
        else:
            again.append("time.sleep(2 ** {})".format(attempt))
        lines = ["for {} in range({}):".format(attempt, n), "    try:", *ind([self.write(s), *done, "break"], 2),
                 "    except Exception:", *ind(again, 2)]
        if self.one_in(3):
            lines += ["else:", *ind([*s.note, *(self.deed(s) + self.leave(s) if self.one_in(2) else self.deed(s) or self.leave(s))])]
        return lines + after

    def helped(self, s):
        """A helper writes, and may tell how it went."""
        self.has("helper")
        name = self.name("_store" if self.in_class else "store_rows")
        tells = self.pick("bool", "bool", "nothing", "raises")
        me, given = (["self"], []) if self.in_class else ([], ["store"])
        write = "{}.insert_rows('scans', rows)".format(self.at("store"))
        types = self.pick("Exception", "Exception", "ConnectionError")
        if tells == "bool":
            good, bad = ["return True"], ["return False"]
            body = ["try:", "    " + write, *ind(good if self.one_in(2) else []), "except {}:".format(types), *ind([self.log(), *bad])]
            body += good
        elif tells == "nothing":
            body = ["try:", "    " + write, "except {}:".format(types), "    " + self.log()]
        else:
            body = self.pick([write], ["try:", "    " + write, "except {} as error:".format(types), "    raise RuntimeError('not stored') from error"])
        self.helpers.append(["def {}({}):".format(name, ", ".join(me + given + ["rows"])), *ind(body)])
        call = "{}({})".format(self.at(name), ", ".join(given + [s.rows]))
        after = self.slot(s, "try", "else", "finally")
        if tells == "raises":
            return ["try:", *ind([call, *after]), *self.handler(s)] if self.one_in(2) else [call, *after]
        if tells == "nothing":
            return [call, *after]
        choice = self.random.randrange(5)
        if choice == 0:
            self.has("result-not-asked")
            return [call, *after]
        ask, lines = call, []
        if self.one_in(2):
            ask, lines = "done", ["done = " + call]
        if choice < 3:
            return lines + ["if not {}:".format(ask), *ind([*s.note, *self.deed(s), *self.leave(s)]), *after]
        if after:
            return lines + ["if {}:".format(ask), *ind(after), *(["else:", *ind([self.log(), *s.note])] if s.note or self.one_in(2) else [])]
        return lines + ["if not {}:".format(ask), *ind([self.log(), *s.note, *self.deed(s)])]

    # -- what reads -------------------------------------------------------------------------
    def slots(self, loop):
        """One place where the position moves, seldom two."""
        wanted = [slot for slot in SLOTS if loop or slot != "loop"]
        return {self.random.choice(wanted) for _ in range(2 if self.one_in(6) else 1)}

    def entry(self):
        return {"offset": self.of_offsets, "message": self.of_messages, "cursor": self.of_cursor}[self.kind]()

    def of_offsets(self):
        consumer = self.at("consumer")
        s = Scope(loop=True, moves=self.slots(True), rows="[message.value()]")
        way = self.pick("poll", "poll", "for", "batch", "each", "buffer")
        self.has("read-" + way)
        if way in ("batch", "buffer"):
            s = s.but(unit=way, batch=True, rows="buffer" if way == "buffer" else "[item.value() for item in batch]")
        start, s = self.outside_flag(s)
        if way == "poll":
            lines = ["while True:", "    message = {}.poll(1.0)".format(consumer), "    if message is None:",
                     "        break" if "loop" in s.moves or s.tests else "        " + self.pick("break", "continue"), *ind(self.unit(s))]
        elif way == "for":
            lines = ["for message in {}:".format(consumer), *ind(self.unit(s))]
        elif way == "batch":
            lines = ["while True:", "    batch = {}.consume(2)".format(consumer), "    if not batch:", "        break", *ind(self.unit(s))]
        elif way == "each":
            inner = ["for message in batch:", *ind(self.unit(s.but(moves=s.moves - {"loop"})))]
            inner += self.slot(s.but(batch=True), "loop")
            lines = ["while True:", "    batch = {}.consume(2)".format(consumer), "    if not batch:", "        break", *ind(inner)]
            return start + self.around(s, lines) + self.end(s)
        else:
            inner = ["buffer.append(message.value())", "if len(buffer) < 2:", "    continue", *self.unit(s), self.pick("buffer = []", "buffer.clear()")]
            lines = ["buffer = []", "for message in {}:".format(consumer), *ind(inner)]
        return start + self.around(s, lines) + self.slot(s.but(batch=True), "loop") + self.end(s)

    def of_messages(self):
        queue = self.at("queue")
        way = self.pick("for", "for", "get", "one", "batch")
        self.has("read-" + way)
        s = Scope(loop=True, moves=self.slots(False), rows="[message.value()]")
        if way == "one":
            return ["message = {}.get()".format(queue), "if message is None:", "    return", *self.unit(s.but(loop=False))]
        if way == "batch":
            s = s.but(loop=False, batch=True, unit="messages", rows="[item.value() for item in messages]")
            return ["messages = {}.receive_messages()".format(queue), *self.unit(s)]
        start, s = self.outside_flag(s)
        if way == "for":
            lines = ["for message in {}.receive_messages():".format(queue), *ind(self.unit(s))]
        else:
            lines = ["while True:", "    message = {}.get()".format(queue), "    if message is None:", "        break", *ind(self.unit(s))]
        return start + self.around(s, lines) + self.end(s)

    def of_cursor(self):
        way = self.pick("rows", "rows", "pages", "once")
        self.has("read-" + way)
        source, state = self.at("source"), self.at("state")
        lines = ["cursor = {}.load_cursor()".format(state)]
        s = Scope(loop=way != "once", moves=self.slots(way != "once"), unit="row", rows="[row]", position="cursor",
                  step="cursor = row['id']", steps={self.pick("after", "after", "before", "try", "else", "finally")})
        if way == "once":
            s = s.but(unit="rows", rows="rows", batch=True, steps=(), position=self.pick("rows[-1]['id']", "max(row['id'] for row in rows)"))
            return lines + ["rows = {}.read_after(cursor)".format(source), "if not rows:", "    return", *self.unit(s)]
        if s.steps & {"try", "else"}:
            self.has("holds-what-was-stored")
        if way == "pages":
            s = s.but(unit="page", rows="page.rows", batch=True, step="cursor = page.next_cursor")
            if self.one_in(2):
                s = s.but(steps=set(s.steps) | {"after"})
            start, s = self.outside_flag(s)
            read = ["page = {}.fetch_page(cursor)".format(source), "if not page.rows:", "    break"]
            inner = read + self.unit(s)
            return lines + start + self.around(s, ["while True:", *ind(inner)]) + self.slot(s.but(steps=()), "loop") + self.end(s)
        if self.one_in(4):
            s = s.but(position="row['id']", steps=(), moves=s.moves - {"loop"} or {"after"})
            self.features.discard("holds-what-was-stored")
        start, s = self.outside_flag(s)
        lines += start + ["rows = {}.read_after(cursor)".format(source)]
        loop = ["for row in rows:", *ind(self.unit(s))]
        return lines + self.around(s, loop) + self.slot(s.but(steps=()), "loop") + self.end(s)

    def outside_flag(self, s):
        """A flag for the whole loop, which is asked after it."""
        if not self.one_in(4):
            return [], s
        start, s = self.flag(s)
        self.has("flag-of-loop")
        return start, s

    def around(self, s, lines):
        """A `try` around the loop."""
        if not self.one_in(6):
            return self.asked_after(s, lines)
        self.has("try-around")
        out = ["try:", *ind(lines)]
        shape = self.random.randrange(3)
        if shape < 2:
            out += ["except Exception:", *ind(["log.exception('stopped')", *(["raise"] if self.one_in(2) else [])])]
        if shape > 0:
            closing = "{}.close()".format(self.at("store"))
            if self.kind != "message" and self.one_in(3):
                self.has("moved-at-last")
                closing = self.save(s) if self.kind == "cursor" and s.position == "cursor" else closing
                closing = self.at("consumer") + ".commit()" if self.kind == "offset" else closing
            out += ["finally:", "    " + closing]
        return self.asked_after(s, out)

    def asked_after(self, s, lines):
        if s.tests and self.one_in(2):
            leave = ["raise RuntimeError('some are not stored')"] if self.one_in(2) else ["return"]
            return lines + ["if {}:".format(s.tests[1]), *ind(leave)]
        return lines

    def end(self, s):
        return [self.pick("log.info('done')", "return")] if self.one_in(3) else []

    # -- the text ---------------------------------------------------------------------------
    def text(self):
        body = self.entry()
        head = ["import logging", "import time", "from contextlib import suppress", "",
                "from app.codec import StoreError, parse", "", "log = logging.getLogger(__name__)", "", ""]
        if not self.in_class:
            functions = [line for helper in self.helpers for line in [*helper, "", ""]]
            return head + functions + ["def run{}({}):".format(self.number, ", ".join(self.members)), *ind(body)]
        init = ["def __init__(self, {}):".format(", ".join(self.members)), *ind(["self.{0} = {0}".format(m) for m in self.members])]
        lines = [*init, "", "def run{}(self):".format(self.number), *ind(body)]
        for helper in self.helpers:
            lines += ["", *helper]
        return head + ["class Worker{}:".format(self.number), *ind(lines)]
