//! Whether two values are the same data, or one was made of the other: judged by where they come
//! from.

use crate::engine::Engine;
use crate::engine::values::fact::Kind;
use crate::engine::values::origins::{LENT, OPAQUE, Origin};
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value};
use crate::ir::{Literal, Name};
use crate::rules::tables;

/// How many steps back the origins of two values are compared.
const DEPTH: u32 = 3;

/// How many steps back rows are searched for behind what is written.
const ROWS_DEPTH: u32 = 6;

/// How long a chain of method calls may be.
pub(in crate::rules) const CHAIN: usize = 32;

/// The text of a statement that is built step by step: the first argument of the call at the start
/// of the chain, as in `query("…").bind(a).execute(db)`.
pub(in crate::rules) fn prepared(
    engine: &Engine<'_>,
    state: &State,
    receiver: Option<Value>,
) -> Option<Name> {
    let mut at = receiver?;
    for _ in 0..CHAIN {
        let Some(Origin::Call(_, on, args)) = engine.origin(state, at) else {
            return None;
        };
        let first = args.first().and_then(|a| engine.known_text(state, *a));
        if first.is_some() {
            return first;
        }
        at = on;
    }
    None
}

/// Whether a value is a failure, or what became of it on its way. The result of a call that was
/// only given the failure is not.
pub(in crate::rules) fn is_failure_of(
    engine: &Engine<'_>,
    state: &State,
    v: Value,
    failure: Value,
) -> bool {
    if v == failure {
        return true;
    }
    match engine.origin(state, v) {
        Some(Origin::Call(name, on, _)) if name != OPAQUE => {
            is_made_of(engine, state, on, failure, 1)
        }
        _ => is_made_of(engine, state, v, failure, 0),
    }
}

/// Whether a value is a failure, or is made of it: something was put around its error.
pub(in crate::rules) fn is_made_of(
    engine: &Engine<'_>,
    state: &State,
    v: Value,
    failure: Value,
    depth: u32,
) -> bool {
    if v == failure || engine.payload_owner(v) == Some(failure) {
        return true;
    }
    let made = match engine.terms.term(failure) {
        Term::Pure(_, payload) => payload.contains(&v),
        _ => false,
    };
    if made || depth > DEPTH {
        return made;
    }
    let parts = match engine.terms.term(v) {
        // An argument that is passed by name is no step.
        Term::Pure(_, parts) if engine.keyword(v).is_some() => {
            return is_made_of(engine, state, parts[0], failure, depth);
        }
        Term::Pure(_, parts) => parts.to_vec(),
        _ => match engine.origin(state, v) {
            Some(Origin::Call(_, on, args)) => std::iter::once(on).chain(args).collect(),
            _ => Vec::new(),
        },
    };
    let mut parts = parts.into_iter();
    parts.any(|part| is_made_of(engine, state, part, failure, depth + 1))
}

/// Whether a value is an exception, or something was put around one.
pub(in crate::rules) fn holds_exception(
    engine: &Engine<'_>,
    state: &State,
    v: Value,
    depth: u32,
) -> bool {
    if state.kind(&engine.terms, v) == Kind::Exception {
        return true;
    }
    if depth > DEPTH {
        return false;
    }
    let holds = |v: Value, depth: u32| holds_exception(engine, state, v, depth);
    match (engine.terms.term(v), engine.keyword(v)) {
        (_, Some((_, v))) => holds(v, depth),
        (Term::Pure(_, parts), None) => parts.iter().any(|v| holds(*v, depth + 1)),
        _ => match engine.origin(state, v) {
            Some(Origin::Call(_, _, args)) => args.into_iter().any(|v| holds(v, depth + 1)),
            Some(Origin::Text(parts)) => parts.into_iter().any(|v| holds(v, depth + 1)),
            _ => false,
        },
    }
}

/// Whether two arguments are the same data: equal values, values made in the same way from the
/// same, or any two numbers, as these only say how long to wait or how often something was tried.
pub(in crate::rules) fn alike(
    engine: &Engine<'_>,
    state: &State,
    a: Value,
    b: Value,
    depth: u32,
) -> bool {
    if a == b {
        return true;
    }
    match (engine.terms.literal(a), engine.terms.literal(b)) {
        (Some(Literal::Str(x)), Some(Literal::Str(y))) => return x == y,
        (Some(_), Some(_)) => return true,
        _ => {}
    }
    let number = |v| {
        let kind = state.kind(&engine.terms, v);
        matches!(kind, Kind::Int | Kind::Bool) || matches!(engine.terms.term(v), Term::Arith(..))
    };
    if number(a) && number(b) {
        return true;
    }
    if depth > DEPTH {
        return false;
    }
    // Parts of the same data. The depth of terms is bounded.
    let like = |x: &Value, y: &Value| alike(engine, state, *x, *y, depth);
    match (engine.terms.term(a), engine.terms.term(b)) {
        (Term::Field(x, f), Term::Field(y, g)) => return f == g && like(x, y),
        (Term::Item(x, k), Term::Item(y, l)) => return k == l && like(x, y),
        (Term::Pure(f, x), Term::Pure(g, y)) => {
            return f == g && x.len() == y.len() && x.iter().zip(y.iter()).all(|(x, y)| like(x, y));
        }
        _ => {}
    }
    match (engine.origin(state, a), engine.origin(state, b)) {
        (Some(Origin::Call(f, r, x)), Some(Origin::Call(g, s, y))) if f == g && f != "same" => {
            x.len() == y.len()
                && alike(engine, state, r, s, depth + 1)
                && x.iter()
                    .zip(&y)
                    .all(|(x, y)| alike(engine, state, *x, *y, depth + 1))
        }
        (Some(Origin::Text(x)), Some(Origin::Text(y))) => {
            x.len() == y.len()
                && x.iter()
                    .zip(&y)
                    .all(|(x, y)| alike(engine, state, *x, *y, depth + 1))
        }
        _ => false,
    }
}

/// Whether an argument is what is written, rather than where or how.
pub(in crate::rules) fn is_data(engine: &Engine<'_>, state: &State, v: Value) -> bool {
    let kind = state.kind(&engine.terms, v);
    if engine.terms.literal(v).is_some()
        || matches!(kind, Kind::Int | Kind::Bool | Kind::Str)
        || matches!(engine.origin(state, v), Some(Origin::Text(_)))
    {
        return false;
    }
    !engine.name_of(v).is_some_and(|n| tables::is_target(&n))
}

/// Adds a value that is written, and what it was made of, as far as that is rows, too.
pub(in crate::rules) fn rows_behind(
    engine: &Engine<'_>,
    state: &State,
    v: Value,
    out: &mut Vec<Value>,
) {
    let mut open = vec![(v, 0)];
    while let Some((v, depth)) = open.pop() {
        if depth > ROWS_DEPTH || out.contains(&v) {
            continue;
        }
        out.push(v);
        let deeper = |v: Value| (v, depth + 1);
        match (engine.terms.term(v), engine.origin(state, v)) {
            (_, Some(Origin::Call(name, on, args)))
                if !matches!(name.as_str(), OPAQUE | LENT | "same") =>
            {
                let mut data = args
                    .iter()
                    .filter(|a| is_data(engine, state, **a))
                    .peekable();
                if data.peek().is_some() {
                    open.extend(data.copied().map(deeper));
                } else if is_object(engine, state, on) {
                    open.push(deeper(on));
                }
            }
            (_, Some(Origin::Element(source))) => open.push(deeper(source)),
            (Term::Field(of, _), _) if is_object(engine, state, *of) => open.push(deeper(*of)),
            _ => {}
        }
    }
}

/// A value, what it is a view of, and the rows that the calls were given that made it: `frame` of
/// `frame.write.mode("append")` and of `table.merge(frame.alias("f"))`.
pub(in crate::rules) fn views_of(engine: &Engine<'_>, state: &State, v: Value) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    let mut open = vec![(v, 0)];
    while let Some((v, depth)) = open.pop() {
        if depth > ROWS_DEPTH || out.contains(&v) {
            continue;
        }
        out.push(v);
        match (engine.terms.term(v), engine.origin(state, v)) {
            (_, Some(Origin::Call(name, on, args)))
                if !matches!(name.as_str(), OPAQUE | LENT | "same")
                    && is_object(engine, state, on) =>
            {
                let data = args.into_iter().filter(|a| is_data(engine, state, *a));
                open.extend(data.chain([on]).map(|v| (v, depth + 1)));
            }
            (Term::Field(of, _), _) if is_object(engine, state, *of) => open.push((*of, depth + 1)),
            _ => {}
        }
    }
    // What made them has the same clients in both.
    out.retain(|v| is_data(engine, state, *v));
    out
}

/// Whether a receiver may be rows, or a view of them, rather than a client or a module.
fn is_object(engine: &Engine<'_>, state: &State, v: Value) -> bool {
    match engine.terms.term(v) {
        Term::Symbol(..) | Term::Input(_) => v != state.watched,
        Term::Field(of, _) => is_object(engine, state, *of),
        _ => false,
    }
}
