//! Invariants of lowered bodies.
