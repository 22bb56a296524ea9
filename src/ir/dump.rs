//! Printing of bodies.
