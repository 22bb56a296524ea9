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

/// The flags about the status of one unit: they do not hold for the next.
pub const ABOUT: u32 = FACT | STORED | PERFORMED | REPLY | LISTED | OWN | SOME_RUN;

/// Whether a success is known, and nothing shows that there are records.
#[must_use]
pub fn unproven(flags: u32) -> bool {
    flags & (FACT | PERFORMED) != 0 && flags & EVIDENCE == 0
}
