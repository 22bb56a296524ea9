//! Models of builtins and of functions of the standard library.
//!
//! What is not modelled is an unknown call: it may raise and returns something new.

use std::sync::Arc;

use crate::engine::call::Args;
use crate::engine::constants::literal_text;
use crate::engine::eval::Outcome;
use crate::engine::fact::{Fact, Interval, Kind};
use crate::engine::ghost::Ghost;
use crate::engine::state::State;
use crate::engine::value::{CLASS_OF, Site, Term, Value};
use crate::engine::{Engine, FnContext};
use crate::ir::{Literal, Name};

/// Modules of the standard library whose import does not fail.
pub(crate) fn is_standard_module(name: &str) -> bool {
    matches!(
        name.split('.').next().unwrap_or(name),
        "abc"
            | "asyncio"
            | "base64"
            | "collections"
            | "concurrent"
            | "contextlib"
            | "copy"
            | "csv"
            | "dataclasses"
            | "datetime"
            | "decimal"
            | "enum"
            | "functools"
            | "hashlib"
            | "io"
            | "itertools"
            | "json"
            | "logging"
            | "math"
            | "operator"
            | "os"
            | "pathlib"
            | "pickle"
            | "queue"
            | "random"
            | "re"
            | "shutil"
            | "signal"
            | "socket"
            | "sqlite3"
            | "statistics"
            | "string"
            | "subprocess"
            | "sys"
            | "tempfile"
            | "threading"
            | "time"
            | "traceback"
            | "types"
            | "typing"
            | "urllib"
            | "uuid"
            | "warnings"
            | "weakref"
            | "zlib"
            | "gzip"
            | "unittest"
            | "atexit"
            | "textwrap"
            | "glob"
            | "heapq"
            | "bisect"
            | "inspect"
    )
}

/// Functions that neither raise nor keep what they are given: clocks, identifiers and the like.
fn is_quiet(path: &str) -> bool {
    let root = path.split('.').next().unwrap_or(path);
    matches!(
        root,
        "time" | "datetime" | "uuid" | "warnings" | "random" | "math" | "typing" | "gc"
    ) || matches!(
        path,
        "print"
            | "repr"
            | "id"
            | "hash"
            | "type"
            | "format"
            | "ascii"
            | "callable"
            | "iter"
            | "hasattr"
            | "locals"
            | "globals"
            | "object"
            | "input"
            | "abs"
            | "round"
            | "sum"
            | "min"
            | "max"
            | "any"
            | "all"
            | "divmod"
            | "float"
            | "bytes"
            | "bytearray"
            | "filter"
            | "memoryview"
            | "property"
            | "slice"
            | "os.getenv"
            | "os.getpid"
            | "os.path.join"
            | "os.path.basename"
            | "os.path.dirname"
            | "os.path.exists"
            | "sys.exc_info"
            | "traceback.format_exc"
            | "traceback.print_exc"
            | "traceback.format_tb"
            | "copy.copy"
            | "copy.deepcopy"
            | "collections.deque"
            | "collections.namedtuple"
            | "threading.Lock"
            | "threading.RLock"
            | "threading.current_thread"
            | "pathlib.Path"
            | "contextlib.nullcontext"
            | "asyncio.Lock"
            | "asyncio.Semaphore"
            | "atexit.register"
            | "atexit.unregister"
            | "json.dumps"
            | "pprint.pprint"
            | "pprint.pformat"
    )
}

impl Engine<'_> {
    /// Calls something from outside the program by its path.
    #[allow(clippy::too_many_lines)]
    pub(crate) fn call_external(
        &mut self,
        cx: &FnContext,
        mut state: State,
        path: &Name,
        args: Args,
        site: Site,
    ) -> Vec<Outcome> {
        let first = args.positional.first().copied();
        let last = path.rsplit('.').next().unwrap_or(path);
        let receiver = path
            .rsplit_once('.')
            .and_then(|(r, _)| r.rsplit('.').next());
        if let Some(out) = self.call_maker(&state, path, &args, site) {
            return out;
        }
        let v = match path.as_str() {
            "len" => match first {
                Some(x) => {
                    if !self.take_for_something(&mut state, x) {
                        return vec![self.raise_exact(state, "TypeError", site)];
                    }
                    let s = state.snapshot(x);
                    self.length(&state, s)
                }
                None => self.fresh(&mut state, site),
            },
            "bool" => match first {
                Some(x) => {
                    let s = state.snapshot(x);
                    match self.truth(&state, s) {
                        Some(t) => self.terms.bool(t),
                        None if self.terms.is_boolean(s) => s,
                        None => self.terms.make(Term::Truth(s)),
                    }
                }
                None => self.terms.bool(false),
            },
            "str" => match first {
                Some(x) => {
                    let s = state.snapshot(x);
                    if let Some(text) = state.ghost(x, Ghost::Text) {
                        return vec![Outcome::normal(state, text)];
                    }
                    match self.comparable(s).and_then(|l| literal_text(&l)) {
                        Some(t) => self.terms.str(&t),
                        None if state.kind(&self.terms, s) == Kind::Str => s,
                        None => self.terms.make(Term::Pure("str".into(), Arc::from([s]))),
                    }
                }
                None => self.terms.str(""),
            },
            "int" => {
                let Some(x) = first else {
                    let v = self.terms.int(0);
                    return vec![Outcome::normal(state, v)];
                };
                match self.terms.literal(x) {
                    Some(Literal::Int(_)) => x,
                    Some(Literal::Bool(b)) => {
                        let b = i64::from(*b);
                        self.terms.int(b)
                    }
                    _ if state.kind(&self.terms, x) == Kind::Int => x,
                    _ => return self.may_raise(state, Fact::of_kind(Kind::Int), site),
                }
            }
            "isinstance" | "issubclass" => match (first, args.positional.get(1)) {
                (Some(x), Some(c)) if path == "isinstance" => {
                    let v = self.terms.make(Term::Instance(x, *c));
                    match self.truth(&state, v) {
                        Some(t) => self.terms.bool(t),
                        None => v,
                    }
                }
                // `issubclass(exc_type, X)` in an `__exit__`
                (Some(x), Some(c)) => match self.terms.term(x).clone() {
                    Term::Pure(n, ops) if n == CLASS_OF => {
                        self.terms.make(Term::Instance(ops[0], *c))
                    }
                    _ => self.fresh_with(&mut state, site, Fact::of_kind(Kind::Bool)),
                },
                _ => self.fresh_with(&mut state, site, Fact::of_kind(Kind::Bool)),
            },
            "inspect.isgeneratorfunction"
            | "inspect.isasyncgenfunction"
            | "inspect.iscoroutinefunction"
            | "asyncio.iscoroutinefunction" => {
                match first.and_then(|f| self.is_of_nature(f, last)) {
                    Some(answer) => self.terms.bool(answer),
                    None => self.fresh_with(&mut state, site, Fact::of_kind(Kind::Bool)),
                }
            }
            "callable" | "hasattr" | "any" | "all" => {
                if path != "callable" && path != "hasattr" && args.all().count() == 1 {
                    let x = first.unwrap_or_else(|| self.terms.none());
                    let x = state.snapshot(x);
                    if self.truth(&state, x) == Some(false)
                        && state.kind(&self.terms, x).is_container()
                    {
                        let v = self.terms.bool(path == "all");
                        return vec![Outcome::normal(state, v)];
                    }
                }
                self.fresh_with(&mut state, site, Fact::of_kind(Kind::Bool))
            }
            "range" => {
                let zero = self.terms.int(0);
                let one = self.terms.int(1);
                match args.positional.as_slice() {
                    [stop] => self.terms.make(Term::Range(zero, *stop, one)),
                    [start, stop] => self.terms.make(Term::Range(*start, *stop, one)),
                    [start, stop, step] => self.terms.make(Term::Range(*start, *stop, *step)),
                    _ => self.fresh(&mut state, site),
                }
            }
            "enumerate" => match first {
                Some(x) => {
                    let start = args.get(1, "start").unwrap_or_else(|| self.terms.int(0));
                    self.terms.make(Term::Enumerate(x, start))
                }
                None => self.fresh(&mut state, site),
            },
            "zip" => self
                .terms
                .make(Term::Zip(args.positional.as_slice().into())),
            "map" => self.fresh_with(&mut state, site, Fact::of_kind(Kind::Iterator)),
            "list" | "tuple" | "sorted" | "reversed" | "set" | "frozenset" => {
                return self.copy_sequence(cx, state, path, first, site);
            }
            "dict"
            | "collections.OrderedDict"
            | "collections.defaultdict"
            | "collections.Counter" => {
                let kind = match last {
                    "defaultdict" | "Counter" => Kind::DefaultDict,
                    _ => Kind::Dict,
                };
                let mut fact = Self::sized(kind, Interval::point(0));
                fact.closed = true;
                if last == "Counter" {
                    fact.is.push(self.terms.external("collections.Counter"));
                }
                let d = self.fresh_with(&mut state, site, fact);
                let sources = if last == "defaultdict" {
                    &args.positional[1.min(args.positional.len())..]
                } else {
                    &args.positional[..]
                };
                for s in sources.iter().chain(&args.double_stars) {
                    self.merge_into(&mut state, d, *s, site);
                }
                for (n, v) in &args.keywords {
                    let k = self.terms.str(n);
                    self.set_item(&mut state, d, k, *v, site);
                }
                d
            }
            "type" => match first {
                Some(x) if args.positional.len() == 1 => {
                    let v = self.terms.class_of(x);
                    state.refine(v, |f| {
                        f.kind = Kind::Object;
                        true
                    });
                    v
                }
                _ => self.fresh(&mut state, site),
            },
            "vars" => match first {
                Some(x) => {
                    self.note_field(&"__dict__".into());
                    self.terms.make(Term::Vars(x))
                }
                None => self.fresh(&mut state, site),
            },
            "getattr" => match (
                first,
                args.positional.get(1).and_then(|n| self.known_literal(*n)),
            ) {
                (Some(x), Some(Literal::Str(n))) => match args.positional.get(2) {
                    None => self.get_field(&state, x, &n),
                    Some(_) => {
                        let v = self.get_field(&state, x, &n);
                        if matches!(self.terms.term(v), Term::Field(..)) {
                            // The attribute may be missing: the default is as likely.
                            self.terms
                                .make(Term::Pure("getattr default".into(), Arc::from([v])))
                        } else {
                            v
                        }
                    }
                },
                (Some(x), _) => {
                    let name = args.positional.get(1).copied().unwrap_or(x);
                    self.terms
                        .make(Term::Pure("getattr".into(), Arc::from([x, name])))
                }
                _ => self.fresh(&mut state, site),
            },
            "setattr" => {
                if let (Some(x), Some(Literal::Str(n)), Some(v)) = (
                    first,
                    args.positional.get(1).and_then(|n| self.known_literal(*n)),
                    args.positional.get(2),
                ) {
                    self.set_field(&mut state, x, &n, *v);
                }
                self.terms.none()
            }
            "operator.setitem" => {
                if let [o, k, v] = args.positional.as_slice() {
                    self.set_item(&mut state, *o, *k, *v, site);
                }
                self.terms.none()
            }
            "functools.partial" => {
                let all: Vec<Value> = args.positional.clone();
                self.terms.make(Term::Pure("partial".into(), all.into()))
            }
            "functools.wraps" => self.terms.external("<identity>"),
            "<identity>" => first.unwrap_or_else(|| self.terms.none()),
            "next" => return self.call_next(cx, state, &args, site),
            "sys.exit" | "exit" | "quit" => {
                let class = self.terms.external("SystemExit");
                let e = self.exception(&mut state, class, true, site);
                return vec![Outcome::raise(state, e)];
            }
            "os._exit" | "os.abort" => return Vec::new(),
            "typing.assert_never" | "typing_extensions.assert_never" | "typing.NoReturn" => {
                let class = self.terms.external("AssertionError");
                let e = self.exception(&mut state, class, true, site);
                return vec![Outcome::raise(state, e)];
            }
            "typing.cast" => args
                .positional
                .get(1)
                .copied()
                .unwrap_or_else(|| self.terms.none()),
            "logging.getLogger" | "structlog.get_logger" => {
                self.fresh_with(&mut state, site, Fact::of_kind(Kind::Logger))
            }
            "contextlib.suppress" => {
                let types = self
                    .terms
                    .make(Term::Tuple(args.positional.as_slice().into()));
                self.make_manager(&mut state, "suppress", types, site)
            }
            "contextlib.ExitStack" | "contextlib.AsyncExitStack" => {
                let none = self.terms.make(Term::Tuple(Arc::from([])));
                self.make_manager(&mut state, "stack", none, site)
            }
            "asyncio.gather"
            | "asyncio.wait"
            | "asyncio.create_task"
            | "asyncio.ensure_future"
            | "asyncio.wait_for"
            | "asyncio.shield"
            | "asyncio.run" => {
                return self.call_asyncio(state, last, &args, site);
            }
            p if p.starts_with("logging.") && crate::engine::call::is_log_method(last) => {
                self.terms.none()
            }
            p if crate::program::exceptions::is_builtin_exception(p) || looks_like_exception(p) => {
                let class = self.terms.external(p);
                let e = self.exception(&mut state, class, true, site);
                self.note_text(&mut state, e, &args);
                e
            }
            p if is_quiet(p) => {
                let mut fact = match p {
                    "repr" | "format" | "ascii" => Fact::of_kind(Kind::Str),
                    _ => Fact::default(),
                };
                if is_clock(p) {
                    fact.is.push(self.terms.external("<clock>"));
                }
                self.fresh_with(&mut state, site, fact)
            }
            _ => {
                if receiver.is_some_and(crate::engine::call::is_logger_name)
                    && crate::engine::call::is_log_method(last)
                {
                    let none = self.terms.none();
                    return vec![Outcome::normal(state, none)];
                }
                let given = self.mentions_watched(&state, &args) && !is_standard_module(path);
                let receiver = receiver.map(|r| self.terms.external(r));
                return self.unresolved(state, last, receiver, &args, given, site);
            }
        };
        vec![Outcome::normal(state, v)]
    }

    /// `dict(x)`: a copy of a mapping, or pairs.
    fn merge_into(&mut self, state: &mut State, target: Value, source: Value, site: Site) {
        self.update_from(state, target, source, site);
    }

    /// `list(x)`, `sorted(x)` and their kin: a new sequence of the same elements.
    fn copy_sequence(
        &mut self,
        cx: &FnContext,
        mut state: State,
        path: &str,
        source: Option<Value>,
        site: Site,
    ) -> Vec<Outcome> {
        let kind = match path {
            "list" | "sorted" => Kind::List,
            "tuple" => Kind::Tuple,
            "reversed" => Kind::Iterator,
            _ => Kind::Set,
        };
        let Some(x) = source else {
            let mut fact = Self::sized(kind, Interval::point(0));
            fact.closed = true;
            let v = self.fresh_with(&mut state, site, fact);
            return vec![Outcome::normal(state, v)];
        };
        if self.is_generator_object(&state, x) {
            return self.drain(cx, state, x, kind, site);
        }
        if let Some(items) = self.known_items(&state, x)
            && path != "set"
            && path != "frozenset"
        {
            let v = match path {
                "tuple" => self.terms.make(Term::Tuple(items.into())),
                "reversed" => {
                    let r: Vec<Value> = items.into_iter().rev().collect();
                    self.terms.make(Term::Tuple(r.into()))
                }
                "sorted" => {
                    let n = i64::try_from(items.len()).unwrap_or(i64::MAX);
                    let fact = Self::sized(Kind::List, Interval::point(n));
                    self.fresh_with(&mut state, site, fact)
                }
                _ => self.list_of(&mut state, &items, site),
            };
            return vec![Outcome::normal(state, v)];
        }
        let snap = state.snapshot(x);
        let fact = self.contents(&state, x);
        let copy = self
            .terms
            .make(Term::Pure("copy".into(), Arc::from([snap])));
        if self.terms.depth(copy) >= crate::engine::value::MAX_TERM_DEPTH
            || path == "set"
            || path == "frozenset"
        {
            let fact = Self::sized(
                kind,
                Interval {
                    lo: i64::from(fact.len.lo > 0),
                    hi: fact.len.hi,
                },
            );
            let v = self.fresh_with(&mut state, site, fact);
            return vec![Outcome::normal(state, v)];
        }
        // A symbol of its own would lose that both are empty together.
        if kind.is_container() {
            let ok = state.refine(copy, |f| {
                f.kind = kind;
                true
            });
            debug_assert!(ok, "a copy is as long as what it was made from");
        }
        vec![Outcome::normal(state, copy)]
    }

    /// `next(it)`, `next(it, default)`
    fn call_next(&mut self, cx: &FnContext, state: State, args: &Args, site: Site) -> Vec<Outcome> {
        let Some(it) = args.positional.first().copied() else {
            return self.may_raise(state, Fact::default(), site);
        };
        if !self.is_generator_object(&state, it) && state.ghost(it, Ghost::Source).is_none() {
            if args.positional.len() > 1 {
                let mut state = state;
                let v = self.fresh(&mut state, site);
                return vec![Outcome::normal(state, v)];
            }
            return self.may_raise(state, Fact::default(), site);
        }
        let mut out = Vec::new();
        for step in self.advance(cx, state, it, site) {
            match step {
                crate::engine::iterate::Advance::Item(s, v) => out.push(Outcome::normal(s, v)),
                crate::engine::iterate::Advance::Done(mut s) => match args.positional.get(1) {
                    Some(d) => out.push(Outcome::normal(s, *d)),
                    None => {
                        let class = self.terms.external("StopIteration");
                        let e = self.exception(&mut s, class, true, Site { part: 3, ..site });
                        out.push(Outcome::raise(s, e));
                    }
                },
                crate::engine::iterate::Advance::Raised(s, e) => out.push(Outcome::raise(s, e)),
            }
        }
        out
    }

    /// The text of an exception that was made with one literal.
    pub(crate) fn note_text(&mut self, state: &mut State, e: Value, args: &Args) {
        if let ([text], true) = (
            args.positional.as_slice(),
            args.keywords.is_empty() && args.stars.is_empty(),
        ) && matches!(self.terms.literal(*text), Some(Literal::Str(_)))
        {
            state.set_ghost(e, Ghost::Text, *text);
        }
    }

    /// A context manager that the engine models itself.
    fn make_manager(&mut self, state: &mut State, kind: &str, data: Value, site: Site) -> Value {
        let v = self.fresh_with(state, site, Fact::of_kind(Kind::Object));
        let kind = self.terms.str(kind);
        state.set_ghost(v, Ghost::Manager, kind);
        state.set_ghost(v, Ghost::Data, data);
        v
    }
}

/// Calls whose results are moments, durations and identifiers: their methods do not raise.
fn is_clock(path: &str) -> bool {
    matches!(path.split('.').next(), Some("datetime" | "time" | "uuid"))
}

/// A class from outside that is named like an exception.
fn looks_like_exception(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path);
    last.chars().next().is_some_and(char::is_uppercase)
        && (last.ends_with("Error") || last.ends_with("Exception") || last.ends_with("Warning"))
}
