//! The words for what a contract demands, and for a path that does not do it.

use crate::rules::contract_method::counts;
use crate::settings::{Contract, Demand, Step};

/// The words for one contract.
pub(super) struct Words {
    /// What a method that breaks it on all paths never does: "sets `self.rows`".
    pub(super) never: String,
    /// What a path does that breaks it: "return without setting `self.rows`".
    pub(super) fail: String,
    /// What to do: "set `self.rows`".
    pub(super) duty: String,
    /// The places: "`self.rows`".
    pub(super) place: String,
    /// What to do where nothing was written.
    pub(super) zero: &'static str,
    /// What to do where rows were written.
    pub(super) written: &'static str,
    /// What such an exit does: "returns without setting it".
    pub(super) exit: String,
    /// What falling off the end means.
    pub(super) end: String,
    /// What an exception that leaves the method does.
    pub(super) raise: String,
    /// What none of several exits does: "sets it".
    pub(super) none_does: &'static str,
}

impl Words {
    pub(super) fn of(contract: &Contract) -> Self {
        let demands = &contract.demands;
        let all = |test: fn(&Demand) -> bool| demands.iter().all(test);
        let only_places = all(|d| matches!(d, Demand::Store(_)));
        let only_calls = all(|d| matches!(d, Demand::Call(_)));
        let only_returns = all(|d| matches!(d, Demand::Return(_)));
        let it = if demands.len() > 1 {
            "any of them"
        } else {
            "it"
        };
        let without = match (only_places, only_calls) {
            (true, _) => format!("without setting {it}"),
            (_, true) => format!("without calling {it}"),
            _ => "without doing what its contract demands".to_owned(),
        };
        let (fail, exit, end) = if only_returns {
            let what = lacking(demands);
            (
                format!("return {what}"),
                format!("returns {what}"),
                format!("can reach its end, which returns {what}"),
            )
        } else {
            (
                format!("return without {}", in_words(demands, Form::Gerund)),
                format!("returns {without}"),
                format!("can reach its end {without}"),
            )
        };
        Self {
            never: in_words(demands, Form::Third),
            fail,
            duty: in_words(demands, Form::Plain),
            place: objects(demands),
            zero: if only_places && demands.iter().all(counts) {
                " (0 if nothing was written)"
            } else {
                ""
            },
            written: match (only_places, only_calls) {
                (true, _) if !demands.iter().all(counts) => "",
                (true, _) => " to as many rows as were written",
                (_, true) => " with as many rows as were written",
                _ => "",
            },
            exit,
            end,
            raise: format!("an exception leaves {without}"),
            none_does: match (only_places, only_calls, only_returns) {
                (true, ..) => "sets it",
                (_, true, _) => "calls it",
                (_, _, true) => "does that",
                _ => "does any of that",
            },
        }
    }
}

/// The form of a verb.
#[derive(Clone, Copy)]
enum Form {
    Plain,
    Third,
    Gerund,
}

fn verb(demand: &Demand, form: Form) -> &'static str {
    match (demand, form) {
        (Demand::Store(_), Form::Plain) => "set",
        (Demand::Store(_), Form::Third) => "sets",
        (Demand::Store(_), Form::Gerund) => "setting",
        (Demand::Call(_), Form::Plain) => "call",
        (Demand::Call(_), Form::Third) => "calls",
        (Demand::Call(_), Form::Gerund) => "calling",
        (Demand::Return(_), Form::Plain) => "return",
        (Demand::Return(_), Form::Third) => "returns",
        (Demand::Return(_), Form::Gerund) => "returning",
    }
}

/// The demands with their verbs; several in a row share one.
fn in_words(demands: &[Demand], form: Form) -> String {
    let mut out = String::new();
    let mut last = "";
    for demand in demands {
        let verb = verb(demand, form);
        if !out.is_empty() {
            out.push_str(" or ");
        }
        if verb != last {
            out.push_str(verb);
            out.push(' ');
        }
        last = verb;
        out.push_str(&object(demand));
    }
    out
}

fn object(demand: &Demand) -> String {
    match demand {
        Demand::Store(place) => format!("`{place}`"),
        Demand::Call(path) => format!("`{path}`"),
        Demand::Return(steps) if steps.is_empty() => "a value".to_owned(),
        Demand::Return(steps) => format!("a value with `{}`", written(steps)),
    }
}

/// The places of a contract.
fn objects(demands: &[Demand]) -> String {
    let places = demands.iter().filter(|d| matches!(d, Demand::Store(_)));
    places.map(object).collect::<Vec<_>>().join(" or ")
}

/// What is returned where a value is demanded.
fn lacking(demands: &[Demand]) -> String {
    let parts = demands.iter().filter_map(|demand| match demand {
        Demand::Return(steps) if !steps.is_empty() => Some(format!("`{}`", written(steps))),
        _ => None,
    });
    let parts: Vec<String> = parts.collect();
    match parts.len() {
        // Any value will do.
        count if count < demands.len() => "None".to_owned(),
        _ => format!("a value without {}", parts.join(" or ")),
    }
}

fn written(steps: &[Step]) -> String {
    steps.iter().map(ToString::to_string).collect()
}
