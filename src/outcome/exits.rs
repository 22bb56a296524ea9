//! The exits of a contract method, and what is the case at each: what a reviewer looks at.

use serde::{Deserialize, Serialize};

use crate::diagnostics::Location;

/// A class that has to keep a contract, with the exits of one definition of its method.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Duty {
    /// The qualified name of the class.
    pub class: String,
    /// The method of the contract.
    pub method: String,
    /// The place that it must set.
    pub sets: String,
    /// The class that the method is inherited from as it is: its exits are listed there.
    pub inherits: Option<String>,
    /// Where the method is, or the class that inherits it.
    pub place: Location,
    /// The exits; none for a class that inherits the method.
    pub exits: Option<MethodExits>,
}

/// A definition of a contract method, as one class runs it, with its exits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MethodExits {
    /// Where the definition's name is.
    pub def: Location,
    /// Whether every path was followed; without that, no exits are known.
    pub followed: Followed,
    /// In the order of the source, falling off the end last.
    pub exits: Vec<MethodExit>,
}

/// Whether the paths of a method were followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Followed {
    /// All of them.
    Wholly,
    /// It is too large.
    TooLarge,
    /// A call makes a generator and runs nothing.
    RunsNothing,
}

/// A way out of a method.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MethodExit {
    /// The statement, or the method's name for falling off the end.
    pub place: Location,
    /// Whether it is falling off the end.
    pub implicit: bool,
    /// What is the case there.
    pub state: ExitState,
    /// What set the place, where it is set: stores, and calls that do it.
    pub set_at: Vec<Location>,
}

/// What is the case at an exit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ExitState {
    /// The place is set on every path.
    Set,
    /// There is a path on which the place is not set.
    NotSet {
        /// Why that is wrong.
        why: Unset,
        /// Whether there is a path on which it is set, too.
        sometimes_set: bool,
    },
    /// It depends on code that is not known, or no single path could be told.
    Unverified,
    /// It raises: nothing is demanded.
    Raises,
    /// It returns a failure: nothing is demanded.
    Fails,
    /// No path leads there.
    Unreached,
}

/// Why it is wrong that a place is not set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Unset {
    /// It was set and is lost.
    Dropped,
    /// Something was written.
    AfterWrite,
    /// Nobody says that nothing was written.
    Plain,
}
