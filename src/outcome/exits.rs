//! The exits of contract methods and the state at each, as a reviewer goes through them.

use serde::{Deserialize, Serialize};

use crate::diagnostics::Location;
use crate::settings::Contract;

/// A class or a function that has to keep a contract, with the exits of one definition of its method.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Duty {
    /// The qualified name of the class; `None` for a function.
    pub class: Option<String>,
    /// The name of the method, or the qualified name of the function.
    pub method: String,
    /// The class at the root of its family: the last one that it inherits from, as far as they are known. `None` for a
    /// function, and for a class that inherits nothing.
    pub root: Option<String>,
    /// The contract.
    pub contract: DutyOf,
    /// The class from which the method is inherited unchanged; its exits are listed there.
    pub inherits: Option<String>,
    /// The name of the method, or of the class that inherits it.
    pub place: Location,
    /// The exits; `None` for a class that inherits the method.
    pub exits: Option<MethodExits>,
}

/// A contract, as far as a list of duties tells it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DutyOf {
    /// Who must keep it: `save_data`, `@task`.
    pub who: String,
    /// What keeps it, any one of these: a verb and its object.
    pub demands: Vec<(String, String)>,
    /// The places of which one must be set; empty if it demands something else.
    pub sets: Vec<String>,
}

impl DutyOf {
    /// The words for a contract.
    #[must_use]
    pub fn new(contract: &Contract) -> Self {
        Self {
            who: contract.who.to_string(),
            demands: contract
                .demands
                .iter()
                .map(|demand| (demand.verb().to_owned(), demand.object()))
                .collect(),
            sets: contract.places().map(ToString::to_string).collect(),
        }
    }
}

impl DutyOf {
    /// What keeps it, with each object as `show` writes it: `sets self.stats['rows_inserted']`.
    #[must_use]
    pub fn does(&self, show: impl Fn(&str) -> String) -> String {
        let each = self.demands.iter();
        let each = each.map(|(verb, object)| format!("{verb} {}", show(object)));
        each.collect::<Vec<_>>().join(" or ")
    }
}

impl Duty {
    /// `Class.method`, or the name of the function.
    #[must_use]
    pub fn symbol(&self) -> String {
        symbol(self.class.as_deref(), &self.method)
    }
}

/// `Class.method`, or the name of a function.
#[must_use]
pub fn symbol(class: Option<&str>, method: &str) -> String {
    match class {
        Some(class) => format!("{class}.{method}"),
        None => method.to_owned(),
    }
}

/// A definition of a contract method, as one class runs it, with its exits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MethodExits {
    /// The name of the method in its definition.
    pub def: Location,
    /// Whether every path was followed. If not, no exits are known.
    pub followed: Followed,
    /// In the order of the source; falling off the end comes last.
    pub exits: Vec<MethodExit>,
}

/// Whether the paths of a method were followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Followed {
    /// All paths were followed.
    Wholly,
    /// The method is too large.
    TooLarge,
    /// It is a generator: a call of it runs nothing.
    RunsNothing,
}

/// A way out of a method.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MethodExit {
    /// The statement, or the method's name for falling off the end.
    pub place: Location,
    /// Whether the method falls off its end here.
    pub implicit: bool,
    /// Whether the place is set here.
    pub state: ExitState,
    /// The stores that set the place, and the calls that do it.
    pub set_at: Vec<Location>,
    /// What rules out the ways to here on which the place is not set; if no path leads here, all ways.
    pub ruled_out: RuledOut,
}

/// What rules out ways to an exit, as far as it can be told.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct RuledOut {
    /// Where such ways end.
    pub obstacles: Vec<Obstacle>,
    /// How many other places there are where such ways end.
    pub others: usize,
}

/// A place where ways end because a test never comes out as they need it, or because nothing raises.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Obstacle {
    /// The place.
    pub at: Location,
    /// What holds there, e.g. "`rows` is truthy whenever this is reached".
    pub says: String,
    /// What established that before, e.g. "`rows` is truthy".
    pub since: Vec<(Location, String)>,
}

/// Whether the place is set at an exit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ExitState {
    /// The place is set on every path.
    Set,
    /// There is a path on which the place is not set.
    NotSet {
        /// Why that is wrong.
        why: Unset,
        /// Whether it is set on some other path to the exit.
        sometimes_set: bool,
    },
    /// It depends on unknown code, or no single path shows it.
    Unverified,
    /// The method raises, so nothing has to be set.
    Raises,
    /// The method returns a failure, so nothing has to be set.
    Fails,
    /// No path leads here.
    Unreached,
}

/// Why it is wrong that the place is not set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Unset {
    /// It was set and then lost.
    Dropped,
    /// Something was written before.
    AfterWrite,
    /// Nothing says that nothing was written.
    Plain,
}
