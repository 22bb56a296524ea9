//! Operations on typed data: variants with a payload, records, and maps and arrays whose methods
//! return variants. None of them raises.

use crate::ir::rvalue::{Element, Name, Operand};

/// The tag of the variant that means success or presence: `Ok(v)`, `Some(v)`.
pub const SUCCESS: &str = "Ok";

/// The tag of the variant that means failure or absence: `Err(e)`, `None`. A function that returns
/// a failure has failed, so that is not a normal exit.
pub const FAILURE: &str = "Err";

/// Whether a tag is one of the two tags of results and options.
#[must_use]
pub fn is_outcome(tag: &str) -> bool {
    tag == SUCCESS || tag == FAILURE
}

/// One operation.
#[derive(Clone, PartialEq, Debug)]
pub enum Data {
    /// The number of elements of a collection.
    Len(Operand),
    /// The integers from the first operand up to, but not including, the second.
    Range(Operand, Operand),
    /// A sequence with these elements.
    Array(Vec<Element>),
    /// A map with exactly these keys.
    Map(Vec<(Operand, Operand)>),
    /// A new object of a class, with these fields and those of `base`. All other fields have their
    /// defaults.
    Record {
        /// The class as it is named here; empty if it is not named.
        class: Vec<Name>,
        /// The fields that are given.
        fields: Vec<(Name, Operand)>,
        /// Where the other fields come from.
        base: Option<Operand>,
    },
    /// A variant of a sum type with its payload; the fields of a tuple are named `0`, `1`, ….
    Variant {
        /// Which.
        tag: Name,
        /// The payload.
        fields: Vec<(Name, Operand)>,
    },
    /// Whether the value is this variant: a new boolean.
    IsVariant {
        /// The value.
        object: Operand,
        /// The variant.
        tag: Name,
        /// All variants of the type, if the front end knows them; otherwise empty.
        of: Vec<Name>,
        /// Whether the program asks for presence. Then the other variant is an absence and no
        /// failure.
        presence: bool,
    },
    /// A field of the payload of a value that is this variant.
    Payload {
        /// The value.
        object: Operand,
        /// The variant.
        tag: Name,
        /// The field.
        field: Name,
    },
    /// An equal value that shares nothing with the operand.
    Copy(Operand),
    /// A new empty or default value of the same type as the operand.
    Emptied(Operand),
    /// The operand after a call that could change it: the same object if it has an identity, or
    /// else a new value.
    Lent {
        /// The operand.
        object: Operand,
        /// The other arguments of the call.
        with: Vec<Operand>,
    },
    /// Adds an item to a new collection of a type that is not known yet.
    Gather {
        /// The collection.
        into: Operand,
        /// The item.
        item: Operand,
    },
}

impl Data {
    /// Calls `f` for each operand.
    pub fn for_each_operand<'a>(&'a self, mut f: impl FnMut(&'a Operand)) {
        match self {
            Self::Len(o) | Self::Copy(o) | Self::Emptied(o) => f(o),
            Self::Range(a, b) => {
                f(a);
                f(b);
            }
            Self::Array(items) => items.iter().for_each(|item| f(&item.value)),
            Self::Map(items) => {
                for (key, value) in items {
                    f(key);
                    f(value);
                }
            }
            Self::Record { fields, base, .. } => {
                fields.iter().for_each(|(_, value)| f(value));
                base.iter().for_each(f);
            }
            Self::Variant { fields, .. } => fields.iter().for_each(|(_, value)| f(value)),
            Self::IsVariant { object, .. } | Self::Payload { object, .. } => f(object),
            Self::Lent { object, with } => {
                f(object);
                with.iter().for_each(f);
            }
            Self::Gather { into, item } => {
                f(into);
                f(item);
            }
        }
    }
}
