//! The results of a run as plain data. Apart from the sources, this is all that a report sees.
//!
//! Rules, contracts and settling fill it in; nothing here decides anything.

mod exits;
mod looked;
mod settled;
mod suggestion;
mod survey;

pub use exits::{
    Duty, DutyOf, ExitState, Followed, MethodExit, MethodExits, Obstacle, RuledOut, Unset,
};
pub use looked::{Candidate, Extent, LeftOut, Looked, Outside};
pub use settled::{BaselineEntry, Decision, Expired, Identity, Reported, Settled, Suppressed};
pub use suggestion::{Definition, Family, Keeps, Suggestion, Suggestions};
pub use survey::{Evidence, Needs, Problem, Processor, Survey, at, code};
