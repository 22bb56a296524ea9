//! Whether, and how far, a function has to be followed: decided without simulating it, as most
//! functions need not be followed at all.
//!
//! | module | answers |
//! |---|---|
//! | `glance` | can the text of a function matter? |
//! | `worth` | is its code worth following? |
//! | `comparisons` | can one of its comparisons find a success? |
//! | `sources` | from which values can a success be learnt? |
//! | `targets` | up to which blocks is it followed? |

mod comparisons;
mod glance;
mod sources;
mod targets;
mod worth;

pub use glance::SuccessGlance;
pub use sources::{KnownSources, SourceReader, Sources};
pub use targets::Targets;
pub use worth::Worth;
