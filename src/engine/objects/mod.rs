//! Objects, their contents and their classes.

pub(in crate::engine) mod access;
pub mod ask;
pub mod class_texts;
pub(in crate::engine) mod collections;
pub(in crate::engine) mod copies;
pub(in crate::engine) mod data;
pub(in crate::engine) mod dataclasses;
pub(in crate::engine) mod displays;
pub(in crate::engine) mod instances;
pub(in crate::engine) mod methods;
