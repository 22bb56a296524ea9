//! What methods do with a collection. The tables overlap, but each answers a question of its own.

/// Methods that put one item into the receiver.
pub const PUTS: &[&str] = &[
    "append",
    "appendleft",
    "add",
    "put",
    "push",
    "push_back",
    "push_front",
    "insert",
];

/// Methods after which the receiver may hold an argument.
pub const STORES: &[&str] = &[
    "append",
    "appendleft",
    "add",
    "insert",
    "extend",
    "update",
    "setdefault",
    "put",
    "push",
    "push_back",
    "or_insert",
    "or_insert_with",
    "send",
    "__setitem__",
    "set",
];

/// Methods that only change the receiver: calling one does not look at what is in it.
pub const CHANGES: &[&str] = &[
    "append",
    "appendleft",
    "add",
    "extend",
    "insert",
    "update",
    "clear",
    "remove",
    "discard",
    "setdefault",
    "push",
];

/// Methods that look a key up.
pub const LOOKUPS: &[&str] = &["get", "pop", "setdefault", "contains_key"];

/// Methods that ask whether the receiver holds an argument.
pub const CONTAINS: &[&str] = &["contains", "contains_key", "__contains__"];

/// Functions whose result has the elements of their argument.
pub const KEEPS_ELEMENTS: &[&str] = &[
    "list",
    "tuple",
    "set",
    "frozenset",
    "sorted",
    "reversed",
    "iter",
    "copy",
    "keys",
];

/// Whether a method only changes the collection that it is called on, judged by its name.
#[must_use]
pub fn only_fills(name: &str) -> bool {
    PUTS.contains(&name) || CHANGES.contains(&name) || matches!(name, "pop" | "sort" | "reverse")
}
