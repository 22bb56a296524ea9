//! Models of builtins and of standard library functions: all ways in which a call can end.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::calls::args::Args;
use crate::engine::calls::external::ExternalCall;
use crate::engine::flow::{Advance, Evaluated};
use crate::engine::objects::copies::Share;
use crate::engine::values::constants::literal_text;
use crate::engine::values::fact::{Fact, Interval, Kind};
use crate::engine::values::ghost::Ghost;
use crate::engine::values::state::State;
use crate::engine::values::value::{CLASS_OF, MAX_TERM_DEPTH, Site, Term, Value, literal_truth};
use crate::ir::Literal;

/// The path of what `functools.wraps(f)` returns: a decorator that returns its argument.
pub(in crate::engine) const IDENTITY: &str = "<identity>";

impl<'a> ExternalCall<'a> {
    /// The first positional argument.
    fn first(&self) -> Option<Value> {
        self.args.positional.first().copied()
    }
    /// The last part of the path.
    fn name(&self) -> &'a str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }
    /// The call returns this value and cannot raise.
    fn returns(self, v: Value) -> Vec<Evaluated> {
        vec![Evaluated::normal(self.state, v)]
    }
    /// The call returns a new value, of which only a fact is known, and cannot raise.
    fn returns_new(mut self, engine: &mut Engine<'_>, fact: Fact) -> Vec<Evaluated> {
        let v = engine.fresh_with(&mut self.state, self.site, fact);
        self.returns(v)
    }
}

/// `len(x)`
pub(in crate::engine) fn len(
    engine: &mut Engine<'_>,
    mut call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    let Some(x) = call.first() else {
        return call.returns_new(engine, Fact::default());
    };
    if !engine.take_for_something(&mut call.state, x) {
        return vec![engine.raise_exact(call.state, "TypeError", call.site)];
    }
    let length = engine.length(&call.state, call.state.snapshot(x));
    call.returns(length)
}

/// `bool(x)`
pub(in crate::engine) fn bool(engine: &mut Engine<'_>, call: ExternalCall<'_>) -> Vec<Evaluated> {
    let Some(x) = call.first() else {
        return call.returns(engine.terms.bool(false));
    };
    let x = call.state.snapshot(x);
    let v = match engine.truth(&call.state, x) {
        Some(truth) => engine.terms.bool(truth),
        None if engine.terms.is_boolean(x) => x,
        None => engine.terms.make(Term::Truth(x)),
    };
    call.returns(v)
}

/// `str(x)`
pub(in crate::engine) fn str(engine: &mut Engine<'_>, call: ExternalCall<'_>) -> Vec<Evaluated> {
    let Some(x) = call.first() else {
        return call.returns(engine.terms.str(""));
    };
    if let Some(text) = call.state.ghost(x, Ghost::Text) {
        return call.returns(text);
    }
    let x = call.state.snapshot(x);
    let v = match engine.comparable(x).and_then(|l| literal_text(&l)) {
        Some(text) => engine.terms.str(&text),
        None if call.state.kind(&engine.terms, x) == Kind::Str => x,
        None => {
            let text = Term::Pure("str".into(), Arc::from([x]));
            engine.terms.make(text)
        }
    };
    call.returns(v)
}

/// `int(x)`
pub(in crate::engine) fn int(engine: &mut Engine<'_>, call: ExternalCall<'_>) -> Vec<Evaluated> {
    let Some(x) = call.first() else {
        return call.returns(engine.terms.int(0));
    };
    let v = match engine.terms.literal(x) {
        Some(Literal::Int(_)) => x,
        Some(Literal::Bool(b)) => {
            let b = i64::from(*b);
            engine.terms.int(b)
        }
        _ if call.state.kind(&engine.terms, x) == Kind::Int => x,
        _ => return engine.may_raise(call.state, Fact::of_kind(Kind::Int), call.site),
    };
    call.returns(v)
}

/// `isinstance(x, C)`
pub(in crate::engine) fn isinstance(
    engine: &mut Engine<'_>,
    call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    let [x, class, ..] = call.args.positional[..] else {
        return some_bool(engine, call);
    };
    let test = engine.terms.make(Term::Instance(x, class));
    let v = match engine.truth(&call.state, test) {
        Some(truth) => engine.terms.bool(truth),
        None => test,
    };
    call.returns(v)
}

/// `issubclass(exc_type, C)` in an `__exit__`
pub(in crate::engine) fn issubclass(
    engine: &mut Engine<'_>,
    call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    if let [x, class, ..] = call.args.positional[..]
        && let Term::Pure(name, of) = engine.terms.term(x)
        && name == CLASS_OF
    {
        let instance = Term::Instance(of[0], class);
        let v = engine.terms.make(instance);
        return call.returns(v);
    }
    some_bool(engine, call)
}

/// `inspect.iscoroutinefunction(f)` and the like
pub(in crate::engine) fn is_of_nature(
    engine: &mut Engine<'_>,
    call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    let answer = call
        .first()
        .and_then(|f| engine.is_of_nature(f, call.name()));
    match answer {
        Some(answer) => call.returns(engine.terms.bool(answer)),
        None => some_bool(engine, call),
    }
}

/// A function that returns an unknown boolean.
pub(in crate::engine) fn some_bool(
    engine: &mut Engine<'_>,
    call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    call.returns_new(engine, Fact::of_kind(Kind::Bool))
}

/// `any(x)`, `all(x)`: the result is known if the collection is empty, or holds what decides.
pub(in crate::engine) fn any_or_all(
    engine: &mut Engine<'_>,
    call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    if call.args.all().count() == 1 {
        let x = call.first().unwrap_or_else(|| engine.terms.none());
        let is_any = call.path == "any";
        let held = engine.held(&call.state, x);
        let mut truths = held.iter().filter_map(|item| engine.terms.literal(*item));
        if truths.any(|item| literal_truth(item) == is_any) {
            let v = engine.terms.bool(is_any);
            return call.returns(v);
        }
        let x = call.state.snapshot(x);
        if engine.truth(&call.state, x) == Some(false)
            && call.state.kind(&engine.terms, x).is_container()
        {
            let v = engine.terms.bool(call.path == "all");
            return call.returns(v);
        }
    }
    some_bool(engine, call)
}

/// `range(stop)`, `range(start, stop)`, `range(start, stop, step)`
pub(in crate::engine) fn range(engine: &mut Engine<'_>, call: ExternalCall<'_>) -> Vec<Evaluated> {
    let zero = engine.terms.int(0);
    let one = engine.terms.int(1);
    let range = match call.args.positional[..] {
        [stop] => Term::Range(zero, stop, one),
        [start, stop] => Term::Range(start, stop, one),
        [start, stop, step] => Term::Range(start, stop, step),
        _ => return call.returns_new(engine, Fact::default()),
    };
    call.returns(engine.terms.make(range))
}

/// `enumerate(x)`, `enumerate(x, start)`
pub(in crate::engine) fn enumerate(
    engine: &mut Engine<'_>,
    call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    let Some(x) = call.first() else {
        return call.returns_new(engine, Fact::default());
    };
    let start = call.args.get(1, "start");
    let start = start.unwrap_or_else(|| engine.terms.int(0));
    call.returns(engine.terms.make(Term::Enumerate(x, start)))
}

/// `zip(a, b, …)`
pub(in crate::engine) fn zip(engine: &mut Engine<'_>, call: ExternalCall<'_>) -> Vec<Evaluated> {
    let sources = call.args.positional.as_slice().into();
    call.returns(engine.terms.make(Term::Zip(sources)))
}

/// `map(f, x)`
pub(in crate::engine) fn map(engine: &mut Engine<'_>, call: ExternalCall<'_>) -> Vec<Evaluated> {
    call.returns_new(engine, Fact::of_kind(Kind::Iterator))
}

/// `dict(…)` and the dicts of `collections`
pub(in crate::engine) fn dict(
    engine: &mut Engine<'_>,
    mut call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    let name = call.name();
    let kind = match name {
        "defaultdict" | "Counter" => Kind::DefaultDict,
        _ => Kind::Dict,
    };
    let mut fact = Engine::sized(kind, Interval::point(0));
    fact.closed = true;
    if name == "Counter" {
        fact.is.push(engine.terms.external("collections.Counter"));
    }
    // The first argument of `defaultdict` is the factory of missing items.
    let skipped = usize::from(name == "defaultdict");
    let (state, args, site) = (&mut call.state, &call.args, call.site);
    let dict = engine.fresh_with(state, site, fact);
    let sources = args.positional.iter().skip(skipped);
    for source in sources.chain(&args.double_stars) {
        engine.update_from(state, dict, *source, site);
    }
    for (name, v) in &args.keywords {
        let key = engine.terms.str(name);
        engine.set_item(state, dict, key, *v, site);
    }
    call.returns(dict)
}

/// `type(x)`
pub(in crate::engine) fn type_of(
    engine: &mut Engine<'_>,
    mut call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    let [x] = call.args.positional[..] else {
        return call.returns_new(engine, Fact::default());
    };
    let class = engine.terms.class_of(x);
    call.state.refine(class, |f| {
        f.kind = Kind::Object;
        true
    });
    call.returns(class)
}

/// `vars(x)`
pub(in crate::engine) fn vars(engine: &mut Engine<'_>, call: ExternalCall<'_>) -> Vec<Evaluated> {
    let Some(x) = call.first() else {
        return call.returns_new(engine, Fact::default());
    };
    engine.note_field(&"__dict__".into());
    call.returns(engine.terms.make(Term::Vars(x)))
}

/// `getattr(x, name)`, `getattr(x, name, default)`
pub(in crate::engine) fn getattr(
    engine: &mut Engine<'_>,
    call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    let Some(x) = call.first() else {
        return call.returns_new(engine, Fact::default());
    };
    let name = call.args.positional.get(1).copied();
    let known = name.and_then(|name| engine.known_literal(name));
    let Some(Literal::Str(name)) = known else {
        let attribute = Term::Pure("getattr".into(), Arc::from([x, name.unwrap_or(x)]));
        return call.returns(engine.terms.make(attribute));
    };
    let mut v = engine.get_field(&call.state, x, &name);
    let defaulted = call.args.positional.len() > 2;
    if defaulted && matches!(engine.terms.term(v), Term::Field(..)) {
        // The attribute may be missing, so the default is as likely.
        let either = Term::Pure("getattr default".into(), Arc::from([v]));
        v = engine.terms.make(either);
    }
    call.returns(v)
}

/// `setattr(x, name, value)`
pub(in crate::engine) fn setattr(
    engine: &mut Engine<'_>,
    mut call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    if let [x, name, value, ..] = call.args.positional[..]
        && let Some(Literal::Str(name)) = engine.known_literal(name)
    {
        engine.set_field(&mut call.state, x, &name, value);
    }
    call.returns(engine.terms.none())
}

/// `operator.setitem(object, key, value)`
pub(in crate::engine) fn setitem(
    engine: &mut Engine<'_>,
    mut call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    if let [object, key, value] = call.args.positional[..] {
        engine.set_item(&mut call.state, object, key, value, call.site);
    }
    call.returns(engine.terms.none())
}

/// `functools.partial(f, …)`
pub(in crate::engine) fn partial(
    engine: &mut Engine<'_>,
    call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    let parts = call.args.positional.as_slice().into();
    call.returns(engine.terms.make(Term::Pure("partial".into(), parts)))
}

/// `functools.wraps(f)`
pub(in crate::engine) fn wraps(engine: &mut Engine<'_>, call: ExternalCall<'_>) -> Vec<Evaluated> {
    call.returns(engine.terms.external(IDENTITY))
}

/// A function that returns its argument.
pub(in crate::engine) fn identity(
    engine: &mut Engine<'_>,
    call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    let v = call.first().unwrap_or_else(|| engine.terms.none());
    call.returns(v)
}

/// `sys.exit()`
pub(in crate::engine) fn exit(engine: &mut Engine<'_>, call: ExternalCall<'_>) -> Vec<Evaluated> {
    vec![engine.raise_exact_at(call.state, "SystemExit", call.site)]
}

/// A function that returns its argument.
pub(in crate::engine) fn abort(_: &mut Engine<'_>, _: ExternalCall<'_>) -> Vec<Evaluated> {
    Vec::new()
}

/// `typing.assert_never(x)`
pub(in crate::engine) fn assert_never(
    engine: &mut Engine<'_>,
    call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    vec![engine.raise_exact_at(call.state, "AssertionError", call.site)]
}

/// `typing.cast(type, x)`
pub(in crate::engine) fn cast(engine: &mut Engine<'_>, call: ExternalCall<'_>) -> Vec<Evaluated> {
    let x = call.args.positional.get(1).copied();
    let x = x.unwrap_or_else(|| engine.terms.none());
    call.returns(x)
}

/// `logging.getLogger(name)`
pub(in crate::engine) fn logger(engine: &mut Engine<'_>, call: ExternalCall<'_>) -> Vec<Evaluated> {
    call.returns_new(engine, Fact::of_kind(Kind::Logger))
}

/// `contextlib.suppress(E, …)`
pub(in crate::engine) fn suppress(
    engine: &mut Engine<'_>,
    mut call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    let types = Term::Tuple(call.args.positional.as_slice().into());
    let types = engine.terms.make(types);
    let manager = engine.make_manager(&mut call.state, "suppress", types, call.site);
    call.returns(manager)
}

/// `contextlib.ExitStack()`
pub(in crate::engine) fn exit_stack(
    engine: &mut Engine<'_>,
    mut call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    let none = engine.terms.make(Term::Tuple(Arc::from([])));
    let manager = engine.make_manager(&mut call.state, "stack", none, call.site);
    call.returns(manager)
}

/// `asyncio.gather(…)` and other functions that run coroutines
pub(in crate::engine) fn asyncio(
    engine: &mut Engine<'_>,
    call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    let name = call.name();
    engine.call_asyncio(call.state, name, &call.args, call.site)
}

/// `list(x)`, `sorted(x)` and the like: a new sequence of the same elements.
pub(in crate::engine) fn copy_sequence(
    engine: &mut Engine<'_>,
    mut call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    let path = call.path.as_str();
    let kind = match path {
        "list" | "sorted" => Kind::List,
        "tuple" => Kind::Tuple,
        "reversed" => Kind::Iterator,
        _ => Kind::Set,
    };
    let Some(x) = call.first() else {
        let mut fact = Engine::sized(kind, Interval::point(0));
        fact.closed = true;
        return call.returns_new(engine, fact);
    };
    if engine.is_generator_object(&call.state, x) {
        return engine.drain(call.cx, call.state, x, kind, call.site);
    }
    // Elements of a set may coincide.
    let is_set = matches!(path, "set" | "frozenset");
    if let Some(items) = engine.known_items(&call.state, x).filter(|_| !is_set) {
        let v = match path {
            "tuple" => engine.terms.make(Term::Tuple(items.into())),
            "reversed" => {
                let reversed: Vec<Value> = items.into_iter().rev().collect();
                engine.terms.make(Term::Tuple(reversed.into()))
            }
            "sorted" => {
                let n = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let fact = Engine::sized(Kind::List, Interval::point(n));
                return call.returns_new(engine, fact);
            }
            _ => engine.list_of(&mut call.state, &items, call.site),
        };
        return call.returns(v);
    }
    let snapshot = call.state.snapshot(x);
    let len = engine.contents(&call.state, x).len;
    let copy = Term::Pure("copy".into(), Arc::from([snapshot]));
    let copy = engine.terms.make(copy);
    if is_set || engine.terms.depth(copy) >= MAX_TERM_DEPTH {
        let len = Interval {
            lo: i64::from(len.lo > 0),
            hi: len.hi,
        };
        let (fact, site) = (Engine::sized(kind, len), call.site);
        let copy = engine.fresh_with(&mut call.state, site, fact);
        engine.share(&mut call.state, copy, x, Share::Some);
        return call.returns(copy);
    }
    // A fresh symbol would lose that the copy is empty exactly when the original is.
    if kind.is_container() {
        let ok = call.state.refine(copy, |f| {
            f.kind = kind;
            true
        });
        debug_assert!(ok, "a copy is as long as what it was made from");
    }
    call.returns(copy)
}

/// `copy.copy(x)`, `copy.deepcopy(x)`, `collections.deque(x)`
pub(in crate::engine) fn copy_object(
    engine: &mut Engine<'_>,
    mut call: ExternalCall<'_>,
) -> Vec<Evaluated> {
    let copy = engine.fresh_with(&mut call.state, call.site, Fact::default());
    if let [x] = call.args.positional.as_slice()
        && !engine.is_generator_object(&call.state, *x)
    {
        let x = *x;
        let contents = engine.contents(&call.state, x);
        // A copy of None is None.
        if contents.kind.is_container() || contents.truth == Some(true) {
            // A queue may drop elements beyond its largest length.
            let share = match call.name() {
                "deque" => Share::Some,
                _ => Share::All,
            };
            engine.share(&mut call.state, copy, x, share);
        }
    }
    call.returns(copy)
}

/// `next(it)`, `next(it, default)`
pub(in crate::engine) fn next(engine: &mut Engine<'_>, call: ExternalCall<'_>) -> Vec<Evaluated> {
    let Some(it) = call.first() else {
        return engine.may_raise(call.state, Fact::default(), call.site);
    };
    let default = call.args.positional.get(1).copied();
    if !engine.is_generator_object(&call.state, it) && call.state.ghost(it, Ghost::Source).is_none()
    {
        return match default {
            Some(_) => call.returns_new(engine, Fact::default()),
            None => engine.may_raise(call.state, Fact::default(), call.site),
        };
    }
    let site = Site {
        part: 3,
        ..call.site
    };
    let steps = engine.advance(call.cx, call.state, it, call.site);
    let ends = steps.into_iter().map(|step| match (step, default) {
        (Advance::Item(state, item), _) => Evaluated::normal(state, item),
        (Advance::Done(state), Some(default)) => Evaluated::normal(state, default),
        (Advance::Done(state), None) => engine.raise_exact_at(state, "StopIteration", site),
        (Advance::Raised(state, exc), _) => Evaluated::raise(state, exc),
    });
    ends.collect()
}

impl Engine<'_> {
    /// Notes the text of an exception that was made with one literal.
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
