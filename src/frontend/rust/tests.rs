//! Tests of the front end by itself.
