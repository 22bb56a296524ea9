//! Which functions of a module belong to a class, are nested in another one, or may mention a word:
//! asked for every class and function, so answered without looking at all functions each time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustc_hash::{FxHashMap, FxHasher};
use std::hash::Hasher;

use crate::ir::item::{ClassIdx, FuncIdx, Function};

/// So many words are searched for one by one. With more, it is cheaper to collect all words.
const SEARCHED: u32 = 64;

/// Finds functions by their position in a module. Built on first use.
#[derive(Default, Debug)]
pub(super) struct Index {
    nesting: OnceLock<Nesting>,
    asked: AtomicU32,
    words: OnceLock<Words>,
}

/// A copy of a module may be changed, so it has an index of its own.
impl Clone for Index {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[derive(Default, Debug)]
struct Nesting {
    of_class: FxHashMap<ClassIdx, Vec<u32>>,
    inside: FxHashMap<FuncIdx, Vec<u32>>,
}

#[derive(Default, Debug)]
struct Words {
    /// The functions whose bodies are not left out. They may mention anything.
    here: Vec<u32>,
    /// By the hash of a word, the functions whose texts contain it. Two words of one hash share theirs, which
    /// only adds functions that mention nothing.
    left_out: FxHashMap<u64, Vec<u32>>,
}

impl Index {
    fn nesting(&self, functions: &[Function]) -> &Nesting {
        self.nesting.get_or_init(|| {
            let mut out = Nesting::default();
            for (at, function) in (0u32..).zip(functions) {
                if let Some(class) = function.class {
                    out.of_class.entry(class).or_default().push(at);
                }
                if let Some(outer) = function.outer {
                    out.inside.entry(outer).or_default().push(at);
                }
            }
            out
        })
    }

    /// The functions directly in the body of a class.
    pub(super) fn of_class(&self, functions: &[Function], class: ClassIdx) -> &[u32] {
        let found = self.nesting(functions).of_class.get(&class);
        found.map_or(&[], Vec::as_slice)
    }

    /// The functions directly inside another one.
    pub(super) fn inside(&self, functions: &[Function], outer: FuncIdx) -> &[u32] {
        let found = self.nesting(functions).inside.get(&outer);
        found.map_or(&[], Vec::as_slice)
    }

    /// The functions that may mention a word, in order.
    pub(super) fn mentioning(&self, functions: &[Function], word: &str) -> Vec<u32> {
        let is_word = !word.is_empty() && word.bytes().all(is_of_word);
        if !is_word
            || self.words.get().is_none() && self.asked.fetch_add(1, Ordering::Relaxed) < SEARCHED
        {
            let all = (0u32..).zip(functions);
            let found = all.filter(|(_, function)| function.body.may_mention(word));
            return found.map(|(at, _)| at).collect();
        }
        let words = self.words.get_or_init(|| Words::of(functions));
        let left_out = words.left_out.get(&hash(word.as_bytes()));
        let left_out = left_out.map_or(&[][..], Vec::as_slice);
        let mut found = [words.here.as_slice(), left_out].concat();
        found.sort_unstable();
        found
    }
}

impl Words {
    fn of(functions: &[Function]) -> Self {
        let mut out = Self::default();
        for (at, function) in (0u32..).zip(functions) {
            let Some(text) = function.body.left_out_text() else {
                out.here.push(at);
                continue;
            };
            for word in text.as_bytes().split(|byte| !is_of_word(*byte)) {
                if word.is_empty() {
                    continue;
                }
                let found = out.left_out.entry(hash(word)).or_default();
                if found.last() != Some(&at) {
                    found.push(at);
                }
            }
        }
        out
    }
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn hash(word: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(word);
    hasher.finish()
}
