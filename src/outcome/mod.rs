//! The results of a run as plain data. Apart from the sources, this is all that a report sees.
//!
//! Rules, contracts and settling fill it in; nothing here decides anything.

mod exits;
mod settled;
mod suggestion;
mod survey;

pub use exits::{Duty, DutyOf, ExitState, Followed, MethodExit, MethodExits, Unset};
pub use settled::{BaselineEntry, Decision, Expired, Identity, Reported, Settled, Suppressed};
pub use suggestion::{Candidate, Definition, Family, Keeps, Suggestions};
pub use survey::{Evidence, Problem, Processor, Survey, at, code};
