//! Contracts that most of a family keep, although nobody demands it.

use crate::diagnostics::Location;
use crate::outcome::Candidate;
use crate::settings::{Contract, Demand};

/// What is suggested, and what was looked at.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Suggestions {
    /// The best ones, best first.
    pub suggestions: Vec<Suggestion>,
    /// The families that were looked at, the largest first.
    pub families: Vec<Family>,
    /// How many families were looked at; `families` may leave some out.
    pub looked_at: usize,
    /// How many definitions the largest family has that is too small to be looked at, and its name.
    pub too_small: Option<(String, usize)>,
}

/// A contract that could be declared, with the numbers that speak for it.
#[derive(Clone, PartialEq, Debug)]
pub struct Suggestion {
    /// The contract.
    pub contract: Contract,
    /// The method, or the decorator as it is written: `load`, `@task`.
    pub hook: String,
    /// The base class; `None` for a decorator.
    pub base: Option<String>,
    /// The name of the method in the base class, or else of the class; `None` if that is not known.
    pub place: Option<Location>,
    /// What keeps it: `sets self.rows_loaded`.
    pub what: String,
    /// What else could be demanded, with the same definitions for and against it.
    pub also: Vec<String>,
    /// The definitions, in the order of the files.
    pub definitions: Vec<Definition>,
    /// How many definitions are not counted, because unknown code decides whether they keep it.
    pub unclear: usize,
    /// The z statistic: how far the share of those that keep it lies above what chance explains.
    pub z: f64,
    /// Whether it speaks of rows or of how many there are.
    pub counts: bool,
}

/// A definition of a hook, or a function under a decorator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Definition {
    /// Its qualified name.
    pub name: String,
    /// The name in its header.
    pub place: Location,
    /// Whether it keeps the contract.
    pub keeps: Keeps,
}

/// On which of its returning paths a definition keeps a contract, exceptions left out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Keeps {
    /// On none.
    Never,
    /// On some.
    Sometimes,
    /// On every one.
    Always,
}

/// Definitions that were compared with each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Family {
    /// `Base.load`, or `@task`.
    pub name: String,
    /// How many definitions there are.
    pub definitions: usize,
    /// What most of them have in common, and how many do it on every path.
    pub most: Option<(String, usize)>,
}

impl Suggestion {
    /// How many definitions keep it in this way.
    #[must_use]
    pub fn count(&self, keeps: Keeps) -> usize {
        let all = self.definitions.iter();
        all.filter(|definition| definition.keeps == keeps).count()
    }

    /// Who must keep it: `Base.load`, `@task`.
    #[must_use]
    pub fn family(&self) -> String {
        match &self.base {
            Some(base) => format!("{base}.{}", self.hook),
            None => self.hook.clone(),
        }
    }

    /// The suggestion in short; `None` if it is not about a method of a class of the program.
    #[must_use]
    pub fn candidate(&self) -> Option<Candidate> {
        let demands = self.contract.demands.iter();
        let what = demands.map(|demand| match demand {
            Demand::Store(place) => format!("set `{place}`"),
            Demand::Call(path) => format!("call `{path}`"),
            Demand::Return(_) => format!("return {}", demand.object()),
        });
        Some(Candidate {
            hook: self.hook.clone(),
            base: self.base.clone()?,
            definitions: self.definitions.len(),
            keeping: self.count(Keeps::Always),
            what: what.collect::<Vec<_>>().join(" or "),
            place: self.place?,
        })
    }

    /// The z statistic as it is shown, with two digits.
    #[must_use]
    pub fn rounded_z(&self) -> f64 {
        // There is no negative zero.
        (self.z * 100.0).round() / 100.0 + 0.0
    }

    /// What is suggested: `Base.load sets self.rows_loaded`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.family(), self.what)
    }

    /// The evidence in a few words: `6 of 7 definitions keep it on every path`.
    #[must_use]
    pub fn tally(&self) -> String {
        let (keep, all) = (self.count(Keeps::Always), self.definitions.len());
        let what = if self.base.is_some() {
            "definitions"
        } else {
            "functions"
        };
        if keep == all {
            format!("all {all} {what} keep it on every path")
        } else {
            format!("{keep} of {all} {what} keep it on every path")
        }
    }
}
