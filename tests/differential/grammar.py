"""Random processor programs: what they are made of.

A `Writer` makes the text of one program.  Statements come from `Block`; whatever they need (a
helper method, a mixin, a decorator, a context manager) is added to the place where such a thing
lives: the class, its mixin, its base, or the helper module.
"""

import sys

KEY = "rows_inserted"
ERRORS = ["PermissionError", "ConnectionError", "RuntimeError", "KeyError", "TimeoutError"]


def ind(lines, by=1):
    return ["    " * by + line for line in lines]


class Scope:
    """Where a statement stands: what it may name and how it may leave."""

    def __init__(self, **given):
        self.me = "self"         # the receiver, or None in a plain function
        self.stats = "self.stats"
        self.rows = "rows"
        self.client = "self.client"
        self.leave = "bare"      # bare, bool or value: what `return` gives
        self.loop = False
        self.error = None        # the name of the exception that is being handled
        self.handling = False
        self.is_async = False
        self.calls = True        # whether helpers may be called
        self.kept = ()           # names of flags that may be tested
        self.depth = 0
        self.__dict__.update(given)

    def but(self, **changes):
        return Scope(**{**self.__dict__, **changes})


class Writer:
    """The text of one program."""

    def __init__(self, random):
        self.random, self.count = random, 0
        self.helpers_left = random.choice([1, 2, 3, 4])
        self.size = random.choice([2, 3, 4, 5])
        self.top, self.base, self.side, self.mixin, self.own, self.module = [], [], [], [], [], []
        self.homes = [self.top]
        self.package = False  # whether the classes stand in several files
        self.features = set()
        self.constants = set()
        self.presets = {"base": [], "last": []}  # what class bodies give to attributes

    # -- small things -----------------------------------------------------------------------
    def one_in(self, n):
        return self.random.randrange(n) == 0

    def pick(self, *options):
        return self.random.choice(options)

    def name(self, stem):
        self.count += 1
        return "{}{}".format(stem, self.count)

    def unknown(self, s):
        """A call of something nobody knows."""
        call = self.pick("{c}.load({r})", "{c}.insert_rows({r})", "{c}.ping()", "{c}.fetch({r})",
                         "send({r})", "{c}.jobs.start()").format(c=s.client, r=s.rows)
        return "await " + call if s.is_async and call.startswith(s.client) else call

    def opaque(self, s):
        """A value nobody knows, that stays the same."""
        if s.me:
            return s.me + "." + self.pick("force", "dry_run", "enabled", "opts.full", "opts.strict")
        return s.rows

    def test(self, s, depth=0):
        r = s.rows
        choice = self.random.randrange(15 if depth < 2 else 9)
        if s.kept and self.one_in(3):
            return self.pick("", "not ") + self.random.choice(s.kept)
        if choice < 2:
            return self.pick(r, "not " + r)
        if choice == 2:
            return self.pick("len({}) == 0", "len({}) > 0", "len({}) < 1", "{} is None", "{} is not None").format(r)
        if choice < 6:
            return self.pick("", "not ") + self.opaque(s)
        if choice == 6 and s.me:
            return "{}.opts.mode {} {!r}".format(s.me, self.pick("==", "!="), self.pick("append", "replace"))
        if choice == 7 and s.me:
            return "{}.opts.mode {} {}".format(s.me, self.pick("in", "not in"), self.pick('("append", "merge")', '{"replace"}'))
        if choice == 8:
            return self.unknown(s)
        if choice == 9:
            return "{} and {}".format(self.test(s, depth + 1), self.test(s, depth + 1))
        if choice == 10:
            return "{} or {}".format(self.test(s, depth + 1), self.test(s, depth + 1))
        if choice == 11:
            return "not ({})".format(self.test(s, depth + 1))
        if choice == 12:
            self.features.add("walrus")
            return "({} := {})".format(self.name("got"), self.unknown(s))
        if choice == 13:
            return "bool({})".format(self.opaque(s))
        return "{!r} {} {}".format(KEY, self.pick("in", "not in"), s.stats)

    # -- what a program does to the key -----------------------------------------------------
    def key(self, s):
        choice = self.random.randrange(8)
        if choice == 0:
            self.constants.add("module")
            return "ROWS_KEY"
        if choice == 1 and s.me == "self":
            self.constants.add("class")
            return "self.ROWS"
        return repr(KEY)

    def setting(self, s):
        t, k = s.stats, self.key(s)
        v = self.pick("0", "len({})".format(s.rows), "1", self.unknown(s), "{} or 0".format(self.opaque(s)))
        d = k
        choice = self.random.randrange(17)
        own = t == "self.stats"
        if choice == 0:
            return ["{}.update({}={})".format(t, KEY, v)]
        if choice == 1:
            return ["{}.update({{{}: {}}})".format(t, d, v)]
        if choice == 2:
            return ["{}.setdefault({}, 0)".format(t, k)]
        if choice == 3 and own:
            return ["self.stats |= {{{}: {}}}".format(d, v)]
        if choice == 4 and own:
            return ["self.stats = {{{}: {}}}".format(d, v)]
        if choice == 5 and own:
            return ["self.stats = {{**self.stats, {}: {}}}".format(d, v)]
        if choice == 6 and own:
            return ["self.stats = dict(self.stats, {}={})".format(KEY, v)]
        if choice == 7:
            name = self.name("k")
            return ["for {} in ({!r}, 'rows_failed'):".format(name, KEY), "    {}[{}] = 0".format(t, name)]
        if choice == 8:
            alias = self.name("st")
            return ["{} = {}".format(alias, t), "{}[{}] = {}".format(alias, k, v)]
        if choice == 9:
            return ["{t}[{k}] = {t}.get({k}, 0) + 1".format(t=t, k=k)]
        if choice == 10:
            return ["{}[{}], {} = {}, 1".format(t, k, self.name("other"), v)]
        if choice == 11:
            return ["{} = {}[{}] = {}".format(self.name("n"), t, k, v)]
        if choice == 12:
            return ["{}[{}] = {} if {} else 0".format(t, k, v, self.test(s, 2))]
        return ["{}[{}] = {}".format(t, k, v)]

    def losing(self, s):
        t, k = s.stats, self.key(s)
        options = ["{}.pop({}, None)".format(t, k), "{}.pop({})".format(t, k), "{}.clear()".format(t),
                   "del {}[{}]".format(t, k)]
        if t == "self.stats":
            options += ["self.stats = {}", "self.stats = {'rows_failed': 0}"]
        return [self.random.choice(options)]

    def decoy(self, s):
        t, k = s.stats, self.key(s)
        return self.pick(
            ["{}['rows_failed'] = 1".format(t)],
            ["{c} = dict({t})".format(c="copy", t=t), "copy[{}] = 1".format(k)],
            ["copy = {}.copy()".format(t), "copy[{}] = 1".format(k)],
            ["copy = {{**{}}}".format(t), "copy.update({}=1)".format(KEY)],
            ["logger.info('rows: %s', {}.get({}))".format(t, k)],
            ["{}[{}] += 1".format(t, k)],
            ["seen = {}[{}]".format(t, k)],
            ["{}['started'] = str(datetime.now())".format(t)])

    # -- blocks -----------------------------------------------------------------------------
    def body(self, s, size):
        """The main part of a method."""
        return self.block(s, size)

    def further(self, s):
        """What else a statement may be, with weights."""
        return []

    def block(self, s, size=None):
        """A suite of statements, at least one."""
        size = self.random.choice([1, 1, 1, 2, 2]) if size is None else size
        lines = []
        s = s.but(depth=s.depth + 1)
        for _ in range(size):
            new = self.statement(s)
            lines += new
            if new and new[-1].split()[0] in ("return", "raise", "break", "continue"):
                break
        return lines or ["pass"]

    def statement(self, s):
        simple = [(5, self.setting), (1, self.losing), (2, self.decoy), (5, self.call), (2, self.leaving)]
        nested = [(4, self.branch), (4, self.attempt), (2, self.each), (1, self.repeat), (2, self.manage),
                  (2, self.flagged), (1, self.matched), (1, self.closure), (1, self.dispatch),
                  (1, self.imported), (1, self.comprehended), (1, self.unpacked), (1, self.ternary),
                  (1, self.sentinel), (1, self.group)]
        if s.calls and s.me == "self" and self.helpers_left > 0:
            nested += [(5, self.helped)]
        nested += self.further(s)
        makers = simple if s.depth > 3 else simple + nested
        total = self.random.randrange(sum(w for w, _ in makers))
        for weight, maker in makers:
            total -= weight
            if total < 0:
                return maker(s)
        raise AssertionError

    def call(self, s):
        if self.one_in(3):
            return ["{} = {}".format(self.name("job"), self.unknown(s))]
        return [self.unknown(s)]

    def leaving(self, s):
        choice = self.random.randrange(8)
        if choice == 0 and s.handling:
            return ["raise"]
        if choice == 1:
            error = self.pick("ValueError('bad')", "RuntimeError('stop')", "PipelineError('failed')")
            return ["raise {}{}".format(error, " from " + s.error if s.error and self.one_in(2) else "")]
        if choice in (2, 3) and s.loop:
            return [self.pick("break", "continue")]
        if choice == 4:
            return ["assert {}".format(self.test(s, 1))]
        return self.returning(s)

    def returning(self, s):
        if s.leave == "none":
            return ["pass"]
        if s.leave == "bool":
            return ["return " + self.pick("True", "False")]
        if s.leave == "value":
            return ["return " + self.pick("True", "False", "None", "0", s.rows)]
        return [self.pick("return", "return", "return None")]

    def branch(self, s):
        lines = ["if {}:".format(self.test(s)), *ind(self.block(s))]
        if self.one_in(4):
            lines += ["elif {}:".format(self.test(s)), *ind(self.block(s))]
        if self.one_in(2):
            lines += ["else:", *ind(self.block(s))]
        return lines

    def handler(self, s, types=None):
        types = types or self.pick("Exception", "Exception", "(PermissionError, ConnectionError)", "BaseException", *ERRORS)
        name = self.name("err") if self.one_in(2) else None
        head = "except {}{}:".format(types, " as " + name if name else "")
        return [head, *ind(self.block(s.but(handling=True, error=name)))]

    def attempt(self, s):
        self.features.add("try")
        lines = ["try:", *ind(self.block(s))]
        shape = self.random.randrange(6)
        if shape < 5:
            if self.one_in(3):
                lines += self.handler(s, self.pick(*ERRORS))
            lines += self.handler(s)
            if self.one_in(4):
                lines += ["else:", *ind(self.block(s))]
        if shape >= 4:
            self.features.add("finally")
            lines += ["finally:", *ind(self.block(s.but(handling=False, error=None, depth=s.depth + 1)))]
        return lines

    def each(self, s):
        item = self.name("item")
        items = self.pick(s.rows, s.rows, "({}, None)".format(s.rows), "range(2)", "enumerate({})".format(s.rows))
        inner = s.but(loop=True, depth=s.depth + 1)
        lines = ["for {} in {}:".format(item, items), *ind(self.block(inner))]
        if self.one_in(3):
            self.features.add("for-else")
            lines += ["else:", *ind(self.block(s))]
        return lines

    def repeat(self, s):
        """A bounded retry."""
        self.features.add("while")
        n, tries = self.name("tries"), self.pick(1, 2)
        inner = s.but(loop=True, depth=s.depth + 1)
        body = ["{} += 1".format(n)]
        shape = self.random.randrange(3)
        if shape == 0:
            lines = ["{} = 0".format(n), "while {} < {}:".format(n, tries), *ind(body + self.block(inner))]
            if self.one_in(2):
                lines += ["else:", *ind(self.block(s))]
            return lines
        flag = self.name("done")
        step = ["try:", "    " + self.unknown(s), "    {} = True".format(flag), *self.handler(inner)]
        lines = ["{} = False".format(flag), "{} = 0".format(n),
                 "while not {} and {} < {}:".format(flag, n, tries), *ind(body + step)]
        if shape == 1:
            lines += ["else:", *ind(self.block(s.but(kept=(*s.kept, flag))))]
        return lines + self.branch(s.but(kept=(flag,)))

    def manage(self, s):
        self.features.add("with")
        managers, tail = [], []
        for _ in range(self.pick(1, 1, 2)):
            choice = self.random.randrange(5)
            if choice == 0:
                managers.append("suppress({})".format(self.pick("Exception", *ERRORS)))
            elif choice == 1:
                managers.append("{}.session() as {}".format(s.client, self.name("session")))
            elif choice == 2:
                managers.append(self.manager_function() + "()")
            elif choice == 3:
                managers.append(self.manager_class() + "()")
            else:
                self.features.add("exit-stack")
                stack = self.name("stack")
                managers.append("ExitStack() as " + stack)
                tail += [self.pick("{0}.enter_context(suppress({1}))".format(stack, self.pick("Exception", "ValueError")),
                                   "{0}.callback({1}.close)".format(stack, s.client),
                                   *["{0}.callback({1}.setdefault, 'rows_inserted', 0)".format(stack, s.stats)],
                                   "{0}.enter_context({1}())".format(stack, self.manager_class()))]
        return ["with {}:".format(", ".join(managers)), *ind(tail + self.block(s))]

    def manager_function(self):
        name = self.name("guard")
        self.features.add("contextmanager")
        s = Scope(me=None, rows="None", client="vendor", stats="{}", leave="none", depth=3)
        after = self.pick(["except {}:".format(self.pick("Exception", *ERRORS)), "    logger.exception('failed')"],
                          ["except Exception:", "    raise"],
                          ["except Exception as e:", "    raise PipelineError('wrapped') from e"],
                          ["finally:", "    vendor.release()"], ["finally:", "    logger.info('left')"])
        before = [self.unknown(s)] if self.one_in(3) else []
        self.module.append(["@contextmanager", "def {}():".format(name), *ind(before + ["try:", "    yield", *after])])
        return name

    def manager_class(self):
        name = self.name("Guard")
        self.features.add("manager-class")
        end = self.pick(["return True"], ["return False"], ["pass"], ["return kind is not None"],
                        ["return kind is not None and issubclass(kind, OSError)"],
                        ["return isinstance(error, (PermissionError, KeyError))"],
                        ["if kind is None:", "    return False", "logger.warning('failed')", "return True"])
        self.module.append(["class {}:".format(name), "    def __enter__(self):", "        return self", "",
                            "    def __exit__(self, kind, error, trace):", *ind(end, 2)])
        return name

    def flagged(self, s):
        """Something is remembered and tested afterwards."""
        choice = self.random.randrange(4)
        flag = self.name(("ok", "errors", "count", "state")[choice])
        if choice == 0:
            lines = ["{} = False".format(flag), "try:", *ind([self.unknown(s), *self.block(s, 1)]),
                     "    {} = True".format(flag), *self.handler(s)]
            tests = (flag,)
        elif choice == 1:
            self.features.add("list-flag")
            lines = ["{} = []".format(flag), "try:", *ind([self.unknown(s)]), "except Exception as error:",
                     "    {}.append(error)".format(flag)]
            tests = (flag, "len({})".format(flag))
        elif choice == 2:
            self.features.add("counter")
            lines = ["{} = 0".format(flag), "for row in {}:".format(s.rows), "    try:", "        " + self.unknown(s),
                     "        {} += 1".format(flag), "    except Exception:", "        {}".format(self.pick("continue", "break", "pass"))]
            tests = (flag, "({} == 0)".format(flag), "({} > 0)".format(flag))
        else:
            lines = ["{} = 'new'".format(flag), "if {}:".format(self.test(s)), *ind([*self.block(s, 1)]),
                     "    {} = 'kept'".format(flag)]
            tests = ("({} == 'new')".format(flag), "({} != 'kept')".format(flag))
        lines = [x for i, x in enumerate(lines)]
        return lines + self.branch(s.but(kept=tests))

    def ternary(self, s):
        flag = self.name("mode")
        lines = ["{} = 'a' if {} else 'b'".format(flag, self.test(s))]
        return lines + self.branch(s.but(kept=("({} == 'a')".format(flag), "({} == 'b')".format(flag))))

    def sentinel(self, s):
        self.features.add("sentinel")
        self.constants.add("missing")
        name = self.name("result")
        lines = ["{} = MISSING".format(name), "try:", "    {} = {}".format(name, self.unknown(s)), *self.handler(s)]
        return lines + self.branch(s.but(kept=("({} is MISSING)".format(name), "({} is not MISSING)".format(name))))

    def matched(self, s):
        if sys.version_info < (3, 10):
            return self.branch(s)
        self.features.add("match")
        if s.me != "self" or self.one_in(2):
            flag = self.name("way")
            head = ["{} = ('full' if {} else 'delta' if {} else None)".format(flag, self.test(s, 1), self.test(s, 1))]
            cases = ["'full'", "'delta'", self.pick("_", "None", "None | 'other'")]
        else:
            self.constants.add("enum")
            flag, head, cases = "self.kind", [], ["Kind.FULL", "Kind.DELTA", self.pick("_", "Kind.NONE")]
        lines = ["match {}:".format(flag)]
        for case in cases[:self.pick(2, 3)]:
            guard = " if {}".format(self.test(s, 1)) if self.one_in(5) else ""
            lines += ind(["case {}{}:".format(case, guard), *ind(self.block(s))])
        return head + lines

    def closure(self, s):
        self.features.add("closure")
        name, flag = self.name("mark"), self.name("marked")
        inner = s.but(loop=False, handling=False, error=None, leave="bool", is_async=False, depth=3, kept=())
        if self.one_in(3):
            call = "{}.update({}={})".format(s.stats, KEY, self.pick("0", "len({})".format(s.rows)))
            return ["{} = lambda: {}".format(name, self.pick(call, "{}.load()".format(s.client))),
                    *self.block(s.but(depth=s.depth + 1), 1), *self.guarded("{}()".format(name), s)]
        made = [*self.block(inner, 1)]
        lines = ["{} = False".format(flag), "def {}():".format(name), "    nonlocal {}".format(flag),
                 "    {} = True".format(flag), *ind(made)]
        return [*lines, *self.guarded("{}()".format(name), s),
                *self.branch(s.but(kept=(flag,)))]

    def guarded(self, statement, s):
        return ["if {}:".format(self.test(s)), "    " + statement] if self.one_in(2) else [statement]

    def dispatch(self, s):
        if s.me != "self" or self.helpers_left < 2 or not s.calls:
            return self.branch(s)
        self.features.add("dispatch")
        table, way = self.name("table"), self.name("way")
        a, b = self.helper(s, "method", "bool"), self.helper(s, "method", "bool")
        start = "await " if s.is_async else ""
        return ["{} = {{'a': self.{}, 'b': self.{}}}".format(table, a, b),
                "{} = 'a' if {} else 'b'".format(way, self.test(s)), "{}{}[{}]()".format(start, table, way)]

    def imported(self, s):
        self.features.add("import")
        name = self.name("fast")
        return ["try:", "    import {}".format(name), "except ImportError:", *ind(self.pick(
            ["{} = None".format(name)], self.returning(s), self.setting(s), ["{} = None".format(name)])),
            *(self.branch(s) if self.one_in(2) else [])]

    def comprehended(self, s):
        self.features.add("comprehension")
        name = self.name("kept")
        if s.is_async:
            return self.branch(s)
        line = self.pick("{n} = [x for x in {r} if {c}.check(x)]", "{n} = [{c}.load(x) for x in {r}]",
                         "{n} = any({c}.load(x) for x in {r})", "{n} = all({c}.load(x) for x in {r})",
                         "{n} = {{x: {c}.load(x) for x in {r}}}", "{n} = [{t}.update({k}=1) for x in {r}]")
        lines = [line.format(n=name, r=s.rows, c=s.client, t=s.stats, k=KEY)]
        return lines + self.branch(s.but(kept=(name,)))

    def unpacked(self, s):
        self.features.add("unpacking")
        a, b = self.name("good"), self.name("n")
        value = "(True, 1) if {} else (False, 0)".format(self.test(s))
        return ["{}, {} = {}".format(a, b, value), *self.branch(s.but(kept=(a, b, "({} == 0)".format(b))))]

    def group(self, s):
        if sys.version_info < (3, 11):
            return self.attempt(s)
        self.features.add("except*")
        quiet = s.but(loop=False, handling=False, leave="none", depth=3)
        return ["try:", *ind(self.block(s)), "except* {}:".format(self.pick("ConnectionError", "Exception")), *ind(self.block(quiet, 1))]

    # -- helpers ----------------------------------------------------------------------------
    def helped(self, s):
        kind = self.pick("method", "method", "method", "static", "class", "function", "function", "dict", "recursive",
                         "property", "tuple")
        if s.is_async and kind in ("method",) and self.one_in(3):
            return self.gathered(s)
        leave = self.pick("bool", "value", "bare")
        if kind == "property":
            name = self.helper(s.but(is_async=False), "property", "bool")
            return ["if {}self.{}:".format(self.pick("", "not "), name), *ind(self.block(s))]
        if kind == "recursive":
            return ["self.{}({})".format(self.recursive(s), self.pick("2", "1", s.rows + " and 1"))]
        if kind == "tuple":
            name = self.helper(s.but(is_async=False), "method", "tuple")
            a = self.name("fine")
            return ["{}, {} = self.{}()".format(a, self.name("n"), name), *self.branch(s.but(kept=(a,)))]
        name = self.helper(s, kind, leave)
        call = {"method": "self.{}()", "static": "self.{}(self.stats, self.client)", "class": "self.{}(self.stats, self.client)",
                "function": "{}(self, rows)", "dict": "{}(self.stats, rows)"}[kind].format(name)
        call = call.replace("rows", s.rows)
        if kind == "method" and s.is_async:
            call = "await " + call
        if leave == "bare" or self.one_in(3):
            return [call]
        if self.one_in(2):
            return ["if {}{}:".format(self.pick("", "not "), call), *ind(self.block(s))]
        got = self.name("got")
        return ["{} = {}".format(got, call), *self.branch(s.but(kept=(got,)))]

    def gathered(self, s):
        self.features.add("gather")
        names = [self.helper(s, "method", "bool") for _ in range(2)]
        extra = self.pick("", ", return_exceptions=True")
        return ["await asyncio.gather({}{})".format(", ".join("self.{}()".format(n) for n in names), extra)]

    def home(self):
        """Where a method goes: into a class that the caller inherits from."""
        return self.random.choice(self.homes)

    def helper(self, s, kind, leave):
        self.helpers_left -= 1
        self.features.add("helper-" + kind)
        name = self.name("_step" if kind in ("method", "property") else "helper")
        inner = Scope(leave="bool" if leave == "tuple" else leave, depth=max(1, s.depth), is_async=s.is_async and kind == "method")
        head, decorators = "def {}(self):".format(name), []
        if kind == "property":
            decorators = ["@property"]
        if kind in ("static", "class"):
            inner = inner.but(me=None, stats="stats", client="client", rows="rows", calls=False)
            decorators = ["@staticmethod" if kind == "static" else "@classmethod"]
            head = "def {}({}stats, client, rows=()):".format(name, "" if kind == "static" else "cls, ")
        elif kind == "function":
            inner = inner.but(me="proc", stats="proc.stats", client="proc.client", calls=False)
            head = "def {}(proc, rows):".format(name)
        elif kind == "dict":
            inner = inner.but(me=None, stats="stats", client="vendor", calls=False)
            head = "def {}(stats, rows):".format(name)
        elif kind == "method" and leave != "tuple" and self.one_in(5):
            decorators = [self.decorator(inner.is_async)]
        body = ["rows = self.transformed_data"] if inner.me == "self" else []
        if leave == "tuple":
            body += ["ok = True", *self.block(inner.but(leave="none")), "return {}, 1".format(self.pick("ok", "bool(rows)"))]
        else:
            body += self.block(inner)
            if self.one_in(2):
                body += self.returning(inner)
        lines = [*decorators, ("async " if inner.is_async else "") + head, *ind(body)]
        home = self.home() if kind in ("method", "property", "static", "class") else self.module
        if kind == "property" and self.package:
            home = self.homes[0]  # what a property raises that stands in another file is a known gap
        home.append(lines)
        return name

    def recursive(self, s):
        self.helpers_left -= 1
        self.features.add("recursion")
        name = self.name("_again")
        s = Scope(leave="bare", depth=3)
        done = self.setting(s) if self.one_in(2) else ["pass"]
        body = ["if n <= 0:", *ind(self.block(s, 1)), "    return", "try:", "    self.client.load()", *ind(done),
                "except Exception:", "    self.{}(n - 1)".format(name)]
        self.home().append(["def {}(self, n):".format(name), *ind(["rows = self.transformed_data", *body])])
        return name

    def decorator(self, is_async):
        """A decorator of the project; the text to put before a method."""
        self.features.add("decorator")
        name = self.name("wrapped")
        call = ("await " if is_async else "") + "function(self, *args, **kwargs)"
        catch = self.pick("Exception", "ConnectionError", "(PermissionError, ConnectionError)")
        after = self.pick(["logger.exception('failed')"], ["raise"], ["return False"], ["self.stats['rows_inserted'] = 0"],
                          ["raise PipelineError('wrapped') from error"])
        body = self.pick(["try:", "    return " + call, "except {} as error:".format(catch), *ind(after)],
                         ["logger.info('start')", "return " + call],
                         ["for attempt in range(2):", "    try:", "        return " + call,
                          "    except {} as error:".format(catch), *ind(self.pick(["logger.info('again')"], ["if attempt == 1:", "    raise"]), 2)],
                         *[["result = " + call, "self.stats.setdefault('rows_inserted', 0)", "return result"]],
                         ["if not self.enabled:", "    return None", "return " + call])
        wrapper = ["@functools.wraps(function)", ("async " if is_async else "") + "def wrapper(self, *args, **kwargs):", *ind(body)]
        if self.one_in(3):
            self.features.add("parameterised-decorator")
            self.module.append(["def {}(label, strict=True):".format(name), "    def decorate(function):", *ind(wrapper, 2),
                                "        return wrapper", "    return decorate"])
            return "@{}('x')".format(name)
        self.module.append(["def {}(function):".format(name), *ind(wrapper), "    return wrapper"])
        return "@" + name
