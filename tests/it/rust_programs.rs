//! Random processors in Rust for the differential test.
//!
//! What a program cannot know it asks `World`, which answers under a script; and it starts with
//! different rows, flags and modes. `save_data` returns the line of the exit, so that running it
//! tells which exit was taken.

/// A small generator of pseudo-random numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        let n = u64::try_from(texts.len()).unwrap();
        texts[usize::try_from(self.below(n)).unwrap()]
    }
}

/// What a function returns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Returns {
    /// `Result<u32, E>`: the line of the exit.
    Line,
    /// `Result<i64, E>`
    Outcome,
    /// `bool`
    Truth,
    /// Nothing.
    Unit,
}

struct Writer<'r> {
    random: &'r mut Random,
    text: String,
    line: u32,
    indent: usize,
    returns: Returns,
    /// Whether `self` may be borrowed as a whole.
    whole: bool,
    /// Whether helpers may be called: they are written without.
    helpers: bool,
    loops: u32,
    names: u32,
    /// Boolean variables in scope.
    flags: Vec<String>,
    /// Results in scope.
    results: Vec<String>,
    /// Statements left.
    fuel: u32,
}

impl Writer<'_> {
    fn put(&mut self, text: &str) {
        for _ in 0..self.indent {
            self.text.push_str("    ");
        }
        self.text.push_str(text);
        self.text.push('\n');
        self.line += 1;
    }

    fn name(&mut self, what: &str) -> String {
        self.names += 1;
        format!("{what}{}", self.names)
    }

    /// A write that may fail, told apart from all others by what it is given.
    fn load(&mut self) -> String {
        format!("self.w.load(\"{}\")", self.name("t"))
    }

    fn block(&mut self, head: &str, depth: u32) {
        self.put(&format!("{head} {{"));
        self.inside(depth);
        self.put("}");
    }

    fn inside(&mut self, depth: u32) {
        let (flags, results) = (self.flags.len(), self.results.len());
        self.indent += 1;
        let n = 1 + self.random.below(3);
        for _ in 0..n {
            if self.statement(depth) {
                break;
            }
        }
        self.indent -= 1;
        self.flags.truncate(flags);
        self.results.truncate(results);
    }

    fn test(&mut self, depth: u32) -> String {
        match self.random.below(if depth == 0 { 12 } else { 16 }) {
            0..=2 => "self.w.yes()".to_owned(),
            3 => "self.flag".to_owned(),
            4 => "!self.flag".to_owned(),
            5 => "self.rows.is_empty()".to_owned(),
            6 => self
                .random
                .pick(&[
                    "self.rows.len() > 0",
                    "!self.rows.is_empty()",
                    "self.rows.len() == 0",
                ])
                .to_owned(),
            7 => self
                .random
                .pick(&["self.opt.is_some()", "self.opt.is_none()"])
                .to_owned(),
            8 => self
                .random
                .pick(&[
                    "self.mode == Mode::Append",
                    "self.mode != Mode::Merge",
                    "matches!(self.mode, Mode::Append | Mode::Replace)",
                    "matches!(self.opt, Some(n) if n > 1)",
                ])
                .to_owned(),
            9 => self
                .random
                .pick(&[
                    "self.opt.is_some_and(|n| n > 1)",
                    "self.opt.unwrap_or(0) > 1",
                    "self.opt.map_or(false, |n| n == 2)",
                    "self.opt == Some(2)",
                ])
                .to_owned(),
            10 | 11 if !self.flags.is_empty() => {
                let at = self.random.below(self.flags.len() as u64);
                let not = if self.random.chance(50) { "!" } else { "" };
                format!("{not}{}", self.flags[usize::try_from(at).unwrap()])
            }
            10 | 11 if !self.results.is_empty() => {
                let at = self.random.below(self.results.len() as u64);
                let test = self.random.pick(&["is_ok", "is_err"]);
                format!("{}.{test}()", self.results[usize::try_from(at).unwrap()])
            }
            10 | 11 => "self.w.yes()".to_owned(),
            12 | 13 => format!("{} && {}", self.test(depth - 1), self.test(depth - 1)),
            14 => format!("({} || {})", self.test(depth - 1), self.test(depth - 1)),
            _ => format!("!({} && {})", self.test(depth - 1), self.test(depth - 1)),
        }
    }

    /// Leaves the function.
    fn leave(&mut self) {
        let line = self.line + 1;
        let text = match (self.returns, self.random.below(10)) {
            (Returns::Line | Returns::Outcome, 0 | 1) => "return Err(E);".to_owned(),
            (Returns::Line | Returns::Outcome, 2) => "bail!(\"no\");".to_owned(),
            (_, 3) => self
                .random
                .pick(&["panic!(\"no\");", "unreachable!();", "todo!();"])
                .to_owned(),
            (Returns::Line, _) => format!("return Ok({line});"),
            (Returns::Outcome, _) => "return Ok(1);".to_owned(),
            (Returns::Truth, n) => format!("return {};", n % 2 == 0),
            (Returns::Unit, _) => "return;".to_owned(),
        };
        self.put(&text);
    }

    /// Writes a statement; whether it leaves the block for certain.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of statement; how many numbers it has is its weight"
    )]
    fn statement(&mut self, depth: u32) -> bool {
        if self.fuel == 0 {
            return false;
        }
        self.fuel -= 1;
        let kinds = if depth == 0 { 13 } else { 33 };
        match self.random.below(kinds) {
            0..=3 => self.set(),
            4 => self.lose(),
            5 => self.noise(),
            6 if depth < 3 => {
                self.leave();
                return true;
            }
            6 => self.noise(),
            7 => {
                if self.fails() {
                    let load = match self.random.below(2) {
                        0 => format!("{}?", self.load()),
                        _ => "self.w.opt().ok_or(E)?".to_owned(),
                    };
                    self.put(&format!("let _n = {load};"));
                } else {
                    let load = self.load();
                    self.put(&format!("let _n = {load}.unwrap_or(0);"));
                }
            }
            8 => {
                let test = self.test(1);
                let name = self.name("flag");
                self.put(&format!("let mut {name} = {test};"));
                self.flags.push(name);
            }
            9 => match self.flags.last().cloned() {
                Some(name) => {
                    let test = match self.random.below(3) {
                        0 => "true".to_owned(),
                        1 => "false".to_owned(),
                        _ => self.test(0),
                    };
                    self.put(&format!("{name} = {test};"));
                }
                None => self.put("self.flag = true;"),
            },
            10 => {
                let name = self.name("res");
                let load = self.load();
                self.put(&format!("let {name} = {load};"));
                // A result that nothing asks for its outcome is not followed.
                self.put(&format!("if {name}.is_err() {{ self.flag = true; }}"));
                self.results.push(name);
            }
            11 if self.loops > 0 && depth < 3 => {
                // Going on under a test of what does not change would go round forever.
                let way = self.random.pick(&["break", "continue"]);
                let test = match way {
                    "break" => self.test(0),
                    _ => "self.w.yes()".to_owned(),
                };
                self.put(&format!("if {test} {{ {way}; }}"));
            }
            11 => {
                if self.fails() {
                    let test = self.test(1);
                    self.put(&format!("ensure!({test}, \"no\");"));
                }
            }
            12 => self.call(),
            13..=17 => {
                let test = self.test(2);
                self.block(&format!("if {test}"), depth - 1);
                match self.random.below(3) {
                    0 => {}
                    1 => {
                        self.unput();
                        self.block("} else", depth - 1);
                    }
                    _ => {
                        let test = self.test(1);
                        self.unput();
                        self.block(&format!("}} else if {test}"), depth - 1);
                        if self.random.chance(50) {
                            self.unput();
                            self.block("} else", depth - 1);
                        }
                    }
                }
            }
            18 | 19 => {
                let head = match self.random.below(4) {
                    0 => "if let Some(_n) = self.opt".to_owned(),
                    1 => format!("if let Ok(_n) = {}", self.load()),
                    2 => format!("if let Some(n) = self.opt && n > 1 && {}", self.test(0)),
                    _ => match self.results.last() {
                        Some(name) => format!("if let Err(_e) = &{name}"),
                        None => "if let Some(_n) = self.w.opt()".to_owned(),
                    },
                };
                self.block(&head, depth - 1);
                if self.random.chance(50) {
                    self.unput();
                    self.block("} else", depth - 1);
                }
            }
            20 | 21 => self.matching(depth),
            22 => {
                let what = self.random.pick(&["self.opt", "self.w.opt()"]);
                self.put(&format!("let Some(_n) = {what} else {{"));
                self.indent += 1;
                if self.random.chance(50) {
                    self.set();
                }
                match self.returns {
                    Returns::Line => {
                        let line = self.line + 1;
                        self.put(&format!("return Ok({line});"));
                    }
                    Returns::Outcome => self.put("return Err(E);"),
                    Returns::Truth => self.put("return false;"),
                    Returns::Unit => self.put("return;"),
                }
                self.indent -= 1;
                self.put("};");
            }
            23..=26 => self.looping(depth),
            27 => self.closure(),
            28 => {
                let name = self.name("v");
                let test = self.test(1);
                self.put(&format!("let {name} = if {test} {{"));
                self.inside(depth - 1);
                self.indent += 1;
                self.put("1");
                self.indent -= 1;
                self.put("} else {");
                self.inside(depth - 1);
                self.indent += 1;
                self.put("2");
                self.indent -= 1;
                self.put("};");
                self.block(&format!("if {name} == 1"), depth - 1);
            }
            29 => {
                self.names += 1;
                let label = format!("'b{}", self.names);
                self.put(&format!("{label}: {{"));
                let test = self.test(1);
                self.indent += 1;
                self.put(&format!("if {test} {{ break {label}; }}"));
                self.indent -= 1;
                let loops = std::mem::take(&mut self.loops);
                self.inside(depth - 1);
                self.loops = loops;
                self.put("}");
            }
            30 => {
                let test = self.test(1);
                self.put(&format!("assert!({test});"));
            }
            _ => self.call(),
        }
        false
    }

    /// Takes back the closing brace just written.
    fn unput(&mut self) {
        let trimmed = self
            .text
            .trim_end()
            .strip_suffix('}')
            .unwrap()
            .trim_end_matches(' ');
        self.text.truncate(trimmed.len());
        self.line -= 1;
    }

    fn fails(&self) -> bool {
        matches!(self.returns, Returns::Line | Returns::Outcome)
    }

    fn set(&mut self) {
        let texts = [
            "self.stats.insert(\"rows_inserted\".to_string(), 1);",
            "self.stats.insert(KEY.into(), 2);",
            "self.stats.entry(KEY.to_owned()).or_insert(0);",
            "*self.stats.entry(String::from(\"rows_inserted\")).or_default() += 1;",
            "self.stats.extend([(KEY.to_string(), 1)]);",
            "self.stats = HashMap::from([(\"rows_inserted\".to_string(), 1)]);",
            "let s = &mut self.stats; s.insert(KEY.into(), 3);",
            "let mut s = self.stats.clone(); s.insert(KEY.into(), 3); self.stats = s;",
            "let mut s = mem::take(&mut self.stats); s.insert(KEY.into(), 3); self.stats = s;",
            "record(&mut self.stats, 1);",
        ];
        let text = self.random.pick(&texts);
        self.put(text);
    }

    fn lose(&mut self) {
        let texts = [
            "self.stats.clear();",
            "self.stats.remove(KEY);",
            "self.stats = HashMap::new();",
            "self.stats = Default::default();",
            "let _old = mem::take(&mut self.stats);",
            "let _old = mem::replace(&mut self.stats, HashMap::new());",
            "let s = &mut self.stats; *s = HashMap::new();",
        ];
        let text = self.random.pick(&texts);
        self.put(text);
    }

    fn noise(&mut self) {
        let texts = [
            "self.stats.insert(\"rows_skipped\".into(), 1);",
            "self.stats.remove(\"rows_skipped\");",
            "let mut s = self.stats.clone(); s.insert(KEY.into(), 1);",
            "self.stats.entry(KEY.into()).and_modify(|v| *v += 1);",
            "if let Some(v) = self.stats.get_mut(KEY) { *v += 1; }",
            "self.flag = self.w.yes();",
            "self.mode = Mode::Merge;",
            "self.rows.push(1);",
            "self.rows.clear();",
            "self.opt = None;",
            "self.opt = Some(1);",
            "let _o = self.opt.take();",
            "let _set = |stats: &mut Stats| stats.insert(KEY.into(), 1);",
        ];
        let text = self.random.pick(&texts);
        if text.starts_with("self.rows.") && !self.whole {
            return;
        }
        self.put(text);
    }

    /// Calls a helper.
    fn call(&mut self) {
        if !self.whole || !self.helpers {
            return self.noise();
        }
        let text = match self.random.below(9) {
            0 | 1 if self.fails() => "self.h1()?;".to_owned(),
            0 | 1 => "self.h1().unwrap();".to_owned(),
            2 => "let _ = self.h1();".to_owned(),
            3 => "self.h1().ok();".to_owned(),
            4 => "if let Err(_e) = self.h1() { self.stats.insert(KEY.into(), 0); }".to_owned(),
            5 => "if !self.h2() { self.stats.insert(KEY.into(), 0); }".to_owned(),
            6 => "if self.h2() && self.w.yes() { self.stats.clear(); }".to_owned(),
            7 => "Self::h3(self);".to_owned(),
            _ => "self.h3();".to_owned(),
        };
        self.put(&text);
    }

    fn matching(&mut self, depth: u32) {
        let asked = format!("match {}", self.load());
        let (head, arms): (&str, Vec<&str>) = match self.random.below(6) {
            0 => (&asked, vec!["Ok(_n)", "Err(_e)"]),
            1 => (
                "match self.opt",
                vec!["Some(n) if n > 1", "Some(_)", "None"],
            ),
            2 => (
                "match self.mode",
                vec!["Mode::Append", "Mode::Merge", "Mode::Replace"],
            ),
            3 => (
                "match self.mode",
                vec![
                    "Mode::Append | Mode::Merge if self.flag",
                    "Mode::Replace",
                    "_",
                ],
            ),
            4 => (
                "match (self.flag, self.opt)",
                vec!["(true, Some(_))", "(false, None)", "(_, _)"],
            ),
            _ => ("match self.rows.len()", vec!["0", "n if n > 1", "_"]),
        };
        self.put(&format!("{head} {{"));
        self.indent += 1;
        for arm in arms {
            if self.random.chance(12) {
                let way = self
                    .random
                    .pick(&["todo!()", "panic!(\"no\")", "std::process::abort()"]);
                let way = if way.starts_with("std") {
                    "unreachable!()"
                } else {
                    way
                };
                self.put(&format!("{arm} => {way},"));
            } else {
                self.block(&format!("{arm} =>"), depth - 1);
            }
        }
        self.indent -= 1;
        self.put("}");
    }

    fn looping(&mut self, depth: u32) {
        self.loops += 1;
        let whole = self.whole;
        match self.random.below(8) {
            0 | 1 => {
                self.whole = false;
                self.block("for _r in &self.rows", depth - 1);
            }
            2 => self.block("for _r in self.rows.clone()", depth - 1),
            3 => self.block("for _t in [\"a\", \"b\"]", depth - 1),
            4 => self.block("for _i in 0..2", depth - 1),
            5 => {
                self.whole = false;
                self.block("for (_i, _r) in self.rows.iter().enumerate()", depth - 1);
            }
            6 => self.block("while self.w.yes()", depth - 1),
            _ => {
                self.names += 1;
                let label = format!("'l{}", self.names);
                self.put(&format!("{label}: loop {{"));
                self.inside(depth - 1);
                self.indent += 1;
                // A test of what does not change would go round forever.
                self.put(&format!("if self.w.yes() {{ continue {label}; }}"));
                self.put(&format!("break {label};"));
                self.indent -= 1;
                self.put("}");
            }
        }
        self.whole = whole;
        self.loops -= 1;
    }

    fn closure(&mut self) {
        if !self.whole {
            return self.noise();
        }
        match self.random.below(3) {
            0 => {
                self.put("(|| -> Result<(), E> {");
                self.indent += 1;
                let load = self.load();
                self.put(&format!("let n = {load}?;"));
                self.put("self.stats.insert(KEY.into(), n);");
                self.put("Ok(())");
                self.indent -= 1;
                self.put("})().ok();");
            }
            1 => {
                let test = self.test(1);
                let go = self.name("go");
                self.put(&format!("let {go} = {test};"));
                self.put("let mut f = |n: i64| { self.stats.insert(KEY.into(), n); };");
                self.put(&format!("if {go} {{ f(1); }}"));
            }
            _ => {
                self.put("let mut done = false;");
                self.put("let mut f = || { done = true; self.stats.insert(KEY.into(), 1); };");
                self.put("f();");
                self.block("if !done", 0);
            }
        }
    }

    fn function(&mut self, head: &str, returns: Returns, fuel: u32, depth: u32) {
        self.returns = returns;
        self.fuel = fuel;
        self.whole = true;
        self.loops = 0;
        self.flags.clear();
        self.results.clear();
        self.put(&format!("    {head} {{"));
        self.indent += 2;
        // Most start with a store, so that it takes something to lose it.
        if returns == Returns::Line && self.random.chance(40) {
            self.set();
        }
        let n = 2 + self.random.below(4);
        let mut left = false;
        for _ in 0..n {
            if self.statement(depth) {
                left = true;
                break;
            }
        }
        if !left {
            let line = self.line + 1;
            match returns {
                Returns::Line => self.put(&format!("Ok({line})")),
                Returns::Outcome => self.put("Ok(0)"),
                Returns::Truth => self.put("true"),
                Returns::Unit => {}
            }
        }
        self.indent -= 2;
        self.put("    }");
    }
}

/// The text of one program: a type `P` with a processor's method.
pub fn program(random: &mut Random) -> String {
    let mut writer = Writer {
        random,
        text: String::new(),
        line: 0,
        indent: 0,
        returns: Returns::Unit,
        whole: true,
        helpers: false,
        loops: 0,
        names: 0,
        flags: Vec::new(),
        results: Vec::new(),
        fuel: 0,
    };
    for line in [
        "use crate::world::{Processor, World, E};",
        "use std::collections::HashMap;",
        "use std::mem;",
        "pub type Stats = HashMap<String, i64>;",
        "const KEY: &str = \"rows_inserted\";",
        "#[derive(Clone, Copy, PartialEq, Eq, Debug)]",
        "pub enum Mode { Append, Merge, Replace }",
        "fn record(stats: &mut Stats, n: i64) { stats.insert(KEY.to_string(), n); }",
        "pub struct P {",
        "    pub stats: Stats, pub w: World, pub rows: Vec<i64>, pub flag: bool,",
        "    pub opt: Option<i64>, pub mode: Mode,",
        "}",
        "impl P {",
    ] {
        writer.put(line);
    }
    writer.function("fn h1(&mut self) -> Result<i64, E>", Returns::Outcome, 5, 1);
    writer.function("fn h2(&mut self) -> bool", Returns::Truth, 4, 1);
    writer.function("fn h3(&mut self)", Returns::Unit, 4, 1);
    writer.put("}");
    writer.put("impl Processor for P {");
    writer.helpers = true;
    let head = "fn save_data(&mut self) -> Result<u32, E>";
    writer.function(head, Returns::Line, 14, 3);
    writer.put("}");
    writer.text
}
