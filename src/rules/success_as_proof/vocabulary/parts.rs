//! How a name falls into words.

use std::cell::RefCell;
use std::rc::Rc;

use rustc_hash::FxHashMap;

/// How many names each thread remembers the words of: code has few names, and many questions are
/// asked about each.
const REMEMBERED: usize = 4096;

/// Longer texts are no names.
const LONGEST: usize = 64;

thread_local! {
    static KNOWN: RefCell<FxHashMap<Box<str>, Rc<[String]>>> = RefCell::default();
}

/// A name's words in lower case: `recordsProcessed` and `RECORDS_PROCESSED` are both `records`,
/// `processed`.
pub fn parts(name: &str) -> Rc<[String]> {
    if name.len() > LONGEST {
        return split(name).into();
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(words) = known.get(name) {
            return Rc::clone(words);
        }
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let words: Rc<[String]> = split(name).into();
        known.insert(name.into(), Rc::clone(&words));
        words
    })
}

fn split(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut lower_before = false;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            if !word.is_empty() {
                out.push(std::mem::take(&mut word));
            }
            lower_before = false;
            continue;
        }
        if c.is_uppercase() && lower_before && !word.is_empty() {
            out.push(std::mem::take(&mut word));
        }
        lower_before = c.is_lowercase() || c.is_ascii_digit();
        word.extend(c.to_lowercase());
    }
    if !word.is_empty() {
        out.push(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn names_fall_into_words() {
        assert_eq!(*parts("recordsProcessed"), ["records", "processed"]);
        assert_eq!(*parts("RECORDS_PROCESSED"), ["records", "processed"]);
        assert_eq!(*parts("Status.SUCCESS"), ["status", "success"]);
    }
}
