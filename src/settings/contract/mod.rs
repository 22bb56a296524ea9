//! Contracts: who must do what on every path by which it returns.
//!
//! A contract is one value for all parts of the program: the configuration declares it, inference
//! finds it, the rules check it, the reports show it.

mod place;
mod table;
mod who;

use std::fmt;
use std::path::PathBuf;

pub use place::{CallPath, NotAPlace, Place, Root, Step};
pub use who::{NamePattern, NotAPattern, Who};

/// A contract: who must do what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contract {
    /// Who must keep the contract.
    pub who: Who,
    /// What every returning path must do: one of these.
    pub demands: Vec<Demand>,
    /// Whether paths that end in an exception must do it as well.
    pub also_when_raising: bool,
    /// Where the contract comes from.
    pub origin: Origin,
}

/// What a path can do to keep a contract.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Demand {
    /// Store this place.
    Store(Place),
    /// Return a value that is not None and has this part; an empty list asks for no part.
    Return(Vec<Step>),
    /// Call this.
    Call(CallPath),
}

/// Where a contract comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// It is built in.
    Builtin,
    /// A configuration file declares it.
    Declared {
        /// The file.
        file: PathBuf,
        /// The line in its `[[contract]]` table that says who must keep it.
        line: u32,
    },
    /// The code implies it.
    Inferred,
}

impl Contract {
    /// The contract that always holds: `save_data` sets `self.stats['rows_inserted']`.
    #[must_use]
    pub fn builtin() -> Self {
        let place = Place::key_of("stats", "rows_inserted");
        Self::about_method("save_data", Demand::Store(place), Origin::Builtin)
    }

    /// A contract about the overrides of one method.
    #[must_use]
    pub fn about_method(method: &str, demand: Demand, origin: Origin) -> Self {
        Self {
            who: Who::Methods {
                names: vec![NamePattern::exact(method)],
                bases: None,
            },
            demands: vec![demand],
            also_when_raising: false,
            origin,
        }
    }

    /// Whether both demand the same of the same, wherever they come from.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.who == other.who
            && self.demands == other.demands
            && self.also_when_raising == other.also_when_raising
    }

    /// The places of which one must be stored; empty if the contract demands something else.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.demands.iter().filter_map(|demand| match demand {
            Demand::Store(place) => Some(place),
            Demand::Return(_) | Demand::Call(_) => None,
        })
    }

    /// The calls of which one must be made; empty if the contract demands something else.
    pub fn calls(&self) -> impl Iterator<Item = &CallPath> {
        self.demands.iter().filter_map(|demand| match demand {
            Demand::Call(path) => Some(path),
            Demand::Store(_) | Demand::Return(_) => None,
        })
    }

    /// Whether a returned value can keep the contract.
    #[must_use]
    pub fn asks_for_a_result(&self) -> bool {
        let mut demands = self.demands.iter();
        demands.any(|demand| matches!(demand, Demand::Return(_)))
    }

    /// What whoever keeps the contract does: `sets self.stats['rows_inserted']`.
    #[must_use]
    pub fn does(&self) -> String {
        let each = self.demands.iter();
        let each = each.map(|demand| format!("{} {}", demand.verb(), demand.object()));
        each.collect::<Vec<_>>().join(" or ")
    }
}

impl Demand {
    /// What a path does that keeps the contract: `sets`.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Demand::Store(_) => "sets",
            Demand::Call(_) => "calls",
            Demand::Return(_) => "returns",
        }
    }

    /// What has to be stored, called or returned.
    #[must_use]
    pub fn object(&self) -> String {
        match self {
            Demand::Store(place) => place.to_string(),
            Demand::Call(path) => path.to_string(),
            Demand::Return(steps) if steps.is_empty() => "a value".to_owned(),
            Demand::Return(steps) => format!("a value with {}", place::shown(steps)),
        }
    }
}

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.who, self.does())
    }
}

/// Whether the text can name a variable, an attribute or a method.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}
