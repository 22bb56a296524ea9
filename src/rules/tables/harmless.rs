//! Which calls surely write nothing.

use super::{has_any, is_write};
use crate::settings::Writes;

/// First words of names of calls that fetch, compute or log something.
const HARMLESS_FIRST: &[&str] = &[
    "build",
    "calculate",
    "check",
    "compute",
    "convert",
    "count",
    "debug",
    "exception",
    "exists",
    "extract",
    "fetch",
    "filter",
    "find",
    "format",
    "get",
    "has",
    "info",
    "is",
    "list",
    "log",
    "lookup",
    "map",
    "normalize",
    "parse",
    "prepare",
    "read",
    "select",
    "sort",
    "transform",
    "validate",
    "verify",
    "warn",
    "warning",
];

/// Whole names of such calls.
const HARMLESS_NAMES: &[&str] = &[
    "abs",
    "all",
    "any",
    "append",
    "bool",
    "critical",
    "date",
    "datetime",
    "defaultdict",
    "dict",
    "difference",
    "endswith",
    "enumerate",
    "error",
    "extend",
    "float",
    "frozenset",
    "fromisoformat",
    "getattr",
    "hasattr",
    "int",
    "intersection",
    "isinstance",
    "isoformat",
    "items",
    "join",
    "keys",
    "len",
    "lower",
    "max",
    "min",
    "monotonic",
    "next",
    "now",
    "perf_counter",
    "print",
    "range",
    "repr",
    "reversed",
    "round",
    "sorted",
    "split",
    "splitlines",
    "startswith",
    "str",
    "strftime",
    "strip",
    "strptime",
    "sum",
    "time",
    "timedelta",
    "title",
    "today",
    "total_seconds",
    "tuple",
    "type",
    "union",
    "upper",
    "utcnow",
    "uuid4",
    "values",
    "zip",
];

/// Words that overrule those: `get_or_create`, `find_one_and_update`.
const CHANGING_WORDS: &[&str] = &[
    "add", "create", "delete", "drop", "ingest", "modify", "post", "push", "put", "remove",
    "replace", "run", "send", "set", "ship", "store", "submit", "update",
];

/// Whether a call surely writes nothing, judged by its name. This is not the opposite of
/// [`is_write`]: most names are neither.
#[must_use]
pub fn is_harmless(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let first = lower.split('_').find(|word| !word.is_empty());
    let changes = has_any(&lower, CHANGING_WORDS);
    let known = HARMLESS_NAMES.contains(&lower.as_str())
        || first.is_some_and(|word| HARMLESS_FIRST.contains(&word));
    known && !changes && !is_write(&Writes::default(), name, None, &[])
}

/// First words of names of functions that are asked for something.
const ASKING_FIRST: &[&str] = &[
    "count", "exists", "fetch", "find", "format", "get", "has", "is", "list", "lookup", "parse",
    "read", "select",
];

/// Whether a function is only asked for something, judged by its name: `get_credentials`, but not
/// `fetch_and_load`.
#[must_use]
pub fn only_asks(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let mut words = lower.split('_').filter(|word| !word.is_empty());
    words
        .next()
        .is_some_and(|word| ASKING_FIRST.contains(&word))
        && words.all(|word| word != "load")
        && is_harmless(name)
}
