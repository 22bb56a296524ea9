//! Fingerprints: a name for a finding that survives edits elsewhere in the file.

use std::collections::HashMap;
use std::fmt;

use crate::diagnostics::Finding;
use crate::source::SourceMap;

/// Identifies a finding across runs: made from rule, kind, path, symbol and the text of the
/// primary line, not from line numbers. Equal ones are told apart by their order in the file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fingerprint(pub u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The fingerprints of findings that are in [total order](super::sort).
#[must_use]
pub fn fingerprints(findings: &[Finding], sources: &SourceMap) -> Vec<Fingerprint> {
    let mut seen: HashMap<u64, u32> = HashMap::new();
    findings
        .iter()
        .map(|finding| {
            let file = sources.get(finding.primary.location.file);
            let line = file.line_index().line(finding.primary.location.span.start);
            let range = file.line_index().line_range(&file.text, line);
            let text = range.and_then(|range| file.text.get(range)).unwrap_or("");
            let mut hash = Fnv::default();
            hash.part(finding.rule);
            hash.part(finding.kind);
            hash.part(&file.display);
            hash.part(&finding.symbol);
            for word in text.split_whitespace() {
                hash.part(word);
            }
            let ordinal = seen.entry(hash.0).or_insert(0);
            *ordinal += 1;
            hash.part(&ordinal.to_string());
            Fingerprint(hash.0)
        })
        .collect()
}

/// FNV-1a, 64 bits. Stored fingerprints depend on it: it must never change.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Adds one part, closed by a byte that no UTF-8 text holds.
    fn part(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.bytes(&[0xff]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a() {
        let hash = |text: &str| {
            let mut hash = Fnv::default();
            hash.bytes(text.as_bytes());
            hash.0
        };
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }
}
