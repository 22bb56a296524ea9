//! The program that runs the random processors in Rust.

use std::fmt::Write as _;
use std::ops::Range;

/// What the programs with these numbers run in, and the main function that runs each of them under
/// every choice. It prints a line for each program: its number, whether all choices were tried to the
/// end, whether a run ended well although a write failed, and its bad exits.
#[expect(clippy::too_many_lines, reason = "the text of one program")]
pub fn harness(numbers: &Range<u64>) -> String {
    let mut text = String::from(
        r#"#![allow(warnings)]
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::panic::{catch_unwind, AssertUnwindSafe};

#[macro_export]
macro_rules! bail { ($($t:tt)*) => { return Err($crate::world::E) }; }
#[macro_export]
macro_rules! ensure { ($test:expr, $($t:tt)*) => { if !$test { return Err($crate::world::E); } }; }

pub mod world {
    #[derive(Debug)]
    pub struct E;
    pub struct World;
    impl World {
        pub fn yes(&self) -> bool { super::choose() == 0 }
        pub fn load(&self, what: &'static str) -> Result<i64, E> {
            let fails = super::choose() == 1;
            super::FAILED.with(|f| {
                let mut failed = f.borrow_mut();
                if fails { failed.insert(what); } else { failed.remove(what); }
            });
            if fails { Err(E) } else { Ok(1) }
        }
        pub fn opt(&self) -> Option<i64> { if super::choose() == 0 { Some(1) } else { None } }
    }
    pub trait Processor { fn save_data(&mut self) -> Result<u32, E>; }
}

/// The writes of a run that failed, and did not work later.
thread_local!(static FAILED: RefCell<BTreeSet<&'static str>> = RefCell::new(BTreeSet::new()));
thread_local!(static DEEP: std::cell::Cell<bool> = std::cell::Cell::new(false));
thread_local!(static SCRIPT: RefCell<(Vec<u8>, usize)> = RefCell::new((Vec::new(), 0)));
/// More choices on a path than this end it.
const DEPTH: usize = 9;
/// More runs than this, and the program is not compared.
const RUNS: usize = 800;

pub fn choose() -> u8 {
    SCRIPT.with(|s| {
        let (script, at) = &mut *s.borrow_mut();
        if *at >= DEPTH { DEEP.with(|d| d.set(true)); panic!("deep"); }
        if *at == script.len() { script.push(0); }
        *at += 1;
        script[*at - 1]
    })
}

/// Whether all choices were tried, the bad exits, and whether a run ended well although a write
/// failed.
fn explore(run: &dyn Fn() -> Option<Option<u32>>) -> (bool, BTreeSet<u32>, bool) {
    let mut bad = BTreeSet::new();
    let mut swallows = false;
    SCRIPT.with(|s| *s.borrow_mut() = (Vec::new(), 0));
    for _ in 0..RUNS {
        SCRIPT.with(|s| s.borrow_mut().1 = 0);
        FAILED.with(|f| f.borrow_mut().clear());
        if let Ok(Some(line)) = catch_unwind(AssertUnwindSafe(run)) {
            bad.extend(line);
            swallows |= FAILED.with(|f| !f.borrow().is_empty());
        }
        let more = SCRIPT.with(|s| {
            let (script, at) = &mut *s.borrow_mut();
            script.truncate(*at);
            while script.last() == Some(&1) { script.pop(); }
            match script.last_mut() { Some(last) => { *last = 1; true } None => false }
        });
        if !more { return (true, bad, swallows); }
    }
    (false, bad, swallows)
}

macro_rules! all {
    ($number:expr, $module:ident) => {{
        let mut exits = BTreeSet::new();
        let mut complete = true;
        let mut swallows = false;
        for rows in [vec![], vec![1], vec![1, 2]] {
            for flag in [false, true] {
                for opt in [None, Some(1), Some(2), Some(3)] {
                    for mode in [$module::Mode::Append, $module::Mode::Merge, $module::Mode::Replace] {
                        let (all, bad, swallowed) = explore(&|| {
                            let mut p = $module::P {
                                stats: HashMap::new(), w: world::World, rows: rows.clone(), flag, opt, mode,
                            };
                            match world::Processor::save_data(&mut p) {
                                Ok(line) => Some((!p.stats.contains_key("rows_inserted")).then_some(line)),
                                Err(_) => None,
                            }
                        });
                        complete &= all;
                        exits.extend(bad);
                        swallows |= swallowed;
                    }
                }
            }
        }
        let complete = complete && !DEEP.with(|d| d.replace(false));
        let exits: Vec<String> = exits.iter().map(|e| e.to_string()).collect();
        println!("{} {} {} {}", $number, complete, swallows, exits.join(","));
    }};
}

"#,
    );
    for i in numbers.clone() {
        let _ = writeln!(text, "#[path = \"../programs/p{i}.rs\"]\nmod p{i};");
    }
    text.push_str("fn main() {\n    std::panic::set_hook(Box::new(|_| {}));\n");
    for i in numbers.clone() {
        let _ = writeln!(text, "    all!({i}, p{i});");
    }
    text.push_str("}\n");
    text
}
