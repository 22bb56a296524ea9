//! Paths of modules and classes, with dots in every language.

/// What separates the parts of a path.
pub(super) const SEPARATOR: char = '.';

/// Whether a path is that of a class, judged by its last part.
pub(super) fn is_class(path: &str) -> bool {
    split(path).1.starts_with(|c: char| c.is_ascii_uppercase())
}

/// Whether one of two modules is the other, or contains it.
pub(super) fn is_near(one: &str, other: &str) -> bool {
    let contains = |above: &str, below: &str| {
        let rest = below.strip_prefix(above);
        !above.is_empty() && rest.is_some_and(|r| r.is_empty() || r.starts_with(SEPARATOR))
    };
    one == other || contains(one, other) || contains(other, one)
}

pub(super) fn dotted(path: &str) -> String {
    path.replace("::", ".")
}

/// The path without its last part, and that part.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once(SEPARATOR).unwrap_or(("", path))
}

/// The first part of a path in any language.
pub(super) fn first(path: &str) -> &str {
    path.split([SEPARATOR, ':']).next().unwrap_or_default()
}
