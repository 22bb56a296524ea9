//! Fingerprints: names for findings that survive edits elsewhere in the file.

use std::fmt;
use std::str::FromStr;

/// Identifies a finding across runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// Hashes the parts. Moving text from one part to another changes the hash.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Fnv::default();
        for part in parts {
            hash.part(part);
        }
        Fingerprint(hash.0)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Fingerprint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let value = digits.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        value
            .map(Fingerprint)
            .ok_or_else(|| format!("`{text}` is not a fingerprint"))
    }
}

/// FNV-1a, 64 bits. Stored fingerprints depend on it, so it must never change.
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

    /// Adds one part, followed by a byte that does not occur in UTF-8.
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

    #[test]
    fn fingerprints_are_read_as_they_are_written() {
        let print = Fingerprint::of(["a", "b"]);
        assert_eq!(print.to_string().parse(), Ok(print));
        assert_ne!(print, Fingerprint::of(["ab", ""]));
        for text in ["", "12", "+123456789012345", "zzzzzzzzzzzzzzzz"] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
