//! Texts and what is read from them.
