//! What the values on a path are known to be: the result of a query, the status of a run, a
//! collection of units that succeeded.
//!
//! | module | owns |
//! |---|---|
//! | `flags` | what a state of the automaton says |
//! | `names` | what a value is called, and what it was taken out of |
//! | `queries` | which values a query returned, and what its text says of them |
//! | `settled` | tests of values that are constants on the path |
//! | `statuses` | which tests find a status to be success |
//! | `collections` | which collections hold only units that succeeded |

mod collections;
pub mod flags;
mod names;
mod queries;
mod settled;
mod statuses;

use std::cell::RefCell;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

pub use names::base;
pub use queries::{Access, Queries};
pub use settled::SettledTests;
pub use statuses::{presence, unpacked_from};

use super::vocabulary::Vocabulary;
use crate::engine::Engine;
use crate::engine::values::ghost::Ghost;
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Value};
use crate::ir::{BlockId, Name};
use crate::program::FuncRef;

/// What the automaton keeps beside values.
#[derive(Clone, Copy)]
pub enum ValueNote {
    /// Of a collection: the flags of the units in it, 0 if they are of several sorts.
    Filled,
    /// Of a collection: the element that was put into it last.
    Element,
    /// Of a cursor and what it fetched: the arguments of the query.
    Query,
    /// Of a collection: the collection that it was put into.
    Within,
    /// Of an object: it is there if a count of records that the object holds was compared.
    Counted,
    /// Of a collection: it is there if the collection was found not to be empty.
    Full,
}

impl From<ValueNote> for Ghost {
    fn from(kept: ValueNote) -> Ghost {
        match kept {
            ValueNote::Filled => Ghost::Filled,
            kept => Ghost::Rule(kept as u8),
        }
    }
}

/// What a test teaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lesson {
    /// The status is success; with the flags that say where it came from.
    Success(u32),
    /// The status is not success.
    NotSuccess,
    /// The status is a certain one that is no success: `failed`, `running`.
    OtherStatus,
    /// There are records.
    Records,
    /// There are records in all runs together.
    RecordsOfAll,
    /// There are records, or their number is not known.
    RecordsOrNull,
    /// This collection is not empty.
    NotEmpty(Value),
}

/// A lesson, and the value that taught it.
#[derive(Clone, Copy, Debug)]
pub struct Taught {
    /// The lesson.
    pub lesson: Lesson,
    /// The value that was tested.
    pub by: Value,
}

/// The index in the sites of values with which the checked function is entered.
pub const ENTRY_INDEX: u32 = u32::MAX - 1;

/// A point on a path: the state there, and the function whose names the values go by.
#[derive(Clone, Copy)]
pub struct PathPoint<'a, 'e> {
    /// The engine.
    pub engine: &'a Engine<'e>,
    /// The state.
    pub state: &'a State,
    /// The function.
    pub func: FuncRef,
}

/// A block of a function that puts a unit into a collection.
pub type Filling = (FuncRef, BlockId);

/// A query that a test asked.
#[derive(Clone, Copy)]
pub struct AskedQuery {
    /// Where it was run.
    pub site: Site,
    /// Whether the test asked for the status in a row, and not whether there is one.
    pub of_status: bool,
}

/// The queries that tests asked, by the block of the test.
pub type Queried = FxHashMap<(FuncRef, BlockId), AskedQuery>;

/// What is found out while a function is simulated, and holds for all of its paths.
#[derive(Default)]
pub struct Memory {
    /// Collections whose elements have a status that was tested. Their elements are runs, so it
    /// proves nothing that they are not empty.
    pub of_runs: FxHashSet<Value>,
    /// Blocks that put a unit into a collection whatever its status.
    pub loose: FxHashSet<Filling>,
    /// Blocks that put a unit into a collection after a success.
    pub fills: FxHashSet<Filling>,
    /// The names of the fields that these blocks fill.
    pub fields: FxHashSet<(Filling, String)>,
    /// The queries of which a test found a successful run.
    pub queries: Rc<Queried>,
    /// Whether all of the function was simulated once.
    pub complete: bool,
}

/// Tells what values are, and remembers what was found out about collections.
pub struct Facts<'v> {
    /// What names mean.
    pub vocabulary: &'v Vocabulary,
    /// The queries.
    pub queries: Queries<'v>,
    /// Fields that other functions fill with units that succeeded.
    pub filled_elsewhere: &'v FxHashSet<String>,
    /// The names of statuses that are recorded as a success only where there are rows.
    pub computed: &'v FxHashSet<Name>,
    /// What holds for all paths.
    pub memory: RefCell<Memory>,
    /// The function that is checked; the others are its helpers.
    pub checked: FuncRef,
    /// Whether something asks its own collections for units.
    pub asked: bool,
}
