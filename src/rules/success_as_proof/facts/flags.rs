//! What a state of the automaton says about the current unit, as flags.

/// The status that was tested last is success.
pub const FACT: u32 = 1;
/// That status was read back from a store.
pub const STORED: u32 = 2;
/// A count of records was compared, or something else showed that there are any.
pub const EVIDENCE: u32 = 4;
/// The comparison lets a missing count pass.
pub const NULLABLE: u32 = 8;
/// The success is that of work done right here.
pub const PERFORMED: u32 = 16;
/// The status is that of a reply, which need not say anything about a run.
pub const REPLY: u32 = 32;
/// The units that succeeded were taken out of the work.
pub const FILTERED: u32 = 64;
/// The unit comes from a collection of units that succeeded.
pub const LISTED: u32 = 128;
/// Such units were marked as done.
pub const LIST_MARKED: u32 = 256;
/// The status is that of the object itself, or of a part of it.
pub const OWN: u32 = 512;
/// One of several runs succeeded, not necessarily the current one.
pub const SOME_RUN: u32 = 1024;

/// There are records, but of something that was at hand before this iteration of the loop. They prove
/// nothing about a status that the iteration itself comes to know, unless that is of the same object.
pub const EARLIER: u32 = 2048;
/// Records of the object whose status was tested were compared.
pub const COUNTED: u32 = 8192;
/// The status is that of an element of a collection that was found not to be empty: it holds runs.
pub const OF_FULL: u32 = 4096;
/// A helper found a collection not to be empty.
pub const FULL: u32 = 16_384;

/// The status is one that the caller gave.
pub const GIVEN: u32 = 32_768;

/// The status is a certain one that is no success: a failure, or a state on the way.
pub const OTHER: u32 = 65_536;

/// The flags about the status of one unit: they do not hold for the next.
pub const ABOUT: u32 =
    FACT | STORED | PERFORMED | REPLY | LISTED | OWN | SOME_RUN | COUNTED | OF_FULL | GIVEN | OTHER;

/// Whether a success is known, and nothing shows that there are records.
#[must_use]
pub fn unproven(flags: u32) -> bool {
    flags & (FACT | PERFORMED) != 0 && !is_proven(flags)
}

/// Whether something shows that there are records.
#[must_use]
pub fn is_proven(flags: u32) -> bool {
    flags & (EVIDENCE | EARLIER | FULL) != 0
}
