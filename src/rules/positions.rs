//! Positions: cursors, offsets, watermarks, acknowledgements. A position says that everything before it is
//! safe.
//!
//! | module | owns |
//! |---|---|
//! | `moves` | where a function moves a position |
//! | `ends` | where a function moves one by returning, or by what it yields |
//! | `statement` | which values of a statement become the position |
//! | `reach` | what a function can reach after a failure |
//! | `failure` | where a failure shows, and where the function goes on |
//! | `covers` | whether a position covers rows that were lost |
//! | `givers` | which functions give rows after the position has moved past them, and who calls them |
//! | `before` | whether a position moves before the rows that it covers are written |

mod before;
mod covers;
mod ends;
mod failure;
mod givers;
mod moves;
mod reach;
mod statement;

/// How many helpers deep a position is looked for.
pub(in crate::rules) const POSITION_DEPTH: u32 = 2;

pub(in crate::rules) use before::written_later;
pub(in crate::rules) use covers::{Covered, comes_again, covered, stays};
pub(in crate::rules) use ends::ends;
pub(in crate::rules) use givers::given_late;
pub(in crate::rules) use moves::{By, Position, positions};
