//! What the commands in logs of different platforms have in common: `KEY=VALUE` properties, then a
//! text, with escapes for what would end either.

use super::harmless;

/// Characters, and what stands for each.
pub(super) type Escapes = [(char, &'static str)];

/// A text in which nothing is left that has an escape.
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

/// The properties of a command, made harmless and with a separator between them.
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
