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

/// Methods that put the items of an argument into the receiver.
pub const EXTENDS: &[&str] = &["extend", "update", "extend_from_slice"];

/// Calls that tell how many things a collection holds, or what kind of collection it is, and nothing of
/// one of them.
pub const MEASURES: &[&str] = &[
    "len",
    "size",
    "is_empty",
    "bool",
    "type",
    "isinstance",
    "id",
];

/// Calls that give the items of a collection one after the other or in another order.
const HANDS_OUT: &[&str] = &[
    "as_completed",
    "collect",
    "drain",
    "filter",
    "into_iter",
    "iter_mut",
    "rev",
    "to_vec",
];

/// Calls that wait for all of their arguments, and return the list of what each came to.
const JOINS_RESULTS: &[&str] = &["gather", "join_all", "try_join_all"];

/// Calls that run the function that they are given for each item of a collection, and return what it
/// returned for each.
const MAPS: &[&str] = &[
    "map",
    "amap",
    "imap",
    "imap_unordered",
    "map_async",
    "map_unordered",
    "starmap",
    "starmap_async",
];

/// Whether what a call returns has the items of a collection.
#[must_use]
pub fn hands_out(name: &str) -> bool {
    KEEPS_ELEMENTS.contains(&name) || HANDS_OUT.contains(&name)
}

/// Whether a call returns the list of what each of its arguments came to.
#[must_use]
pub fn joins_results(name: &str) -> bool {
    JOINS_RESULTS.contains(&name)
}

/// Whether a call returns what a function returned for each item of a collection.
#[must_use]
pub fn maps(name: &str) -> bool {
    MAPS.contains(&name)
}

/// Whether a method only changes the collection that it is called on, judged by its name.
#[must_use]
pub fn only_fills(name: &str) -> bool {
    PUTS.contains(&name) || CHANGES.contains(&name) || matches!(name, "pop" | "sort" | "reverse")
}
