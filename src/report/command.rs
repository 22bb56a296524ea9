//! What the log commands of different platforms have in common: `KEY=VALUE` properties, then a
//! text, with escapes for the characters that end either.

use super::harmless;

/// Characters and their escapes.
pub(super) type Escapes = [(char, &'static str)];

/// A text with its characters escaped.
pub(super) fn escape(text: &str, escapes: &Escapes) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match escapes.iter().find(|(own, _)| *own == c) {
            Some((_, escape)) => out.push_str(escape),
            None => out.push(c),
        }
    }
    out
}

/// The properties of a command, harmless, escaped and separated.
pub(super) fn properties(
    properties: &[(&str, String)],
    separator: &str,
    escapes: &Escapes,
) -> String {
    let properties: Vec<String> = properties
        .iter()
        .map(|(key, value)| format!("{key}={}", escape(&harmless(value), escapes)))
        .collect();
    properties.join(separator)
}
