//! Finds the attributes that a text stores to, without parsing it.
//!
//! A store through the receiver of a method changes objects of the method's own class. A store
//! through anything else may change an object of any class. In a text that is not Python, the
//! result is meaningless but harmless.

use crate::frontend::AttributeStores;
use crate::frontend::python::scan::{self, Prefix, is_blank, is_word};

/// The methods of builtin collections that change the collection.
const MUTATORS: &[&[u8]] = &[
    b"__delitem__",
    b"__ior__",
    b"__setitem__",
    b"add",
    b"append",
    b"appendleft",
    b"clear",
    b"difference_update",
    b"discard",
    b"extend",
    b"extendleft",
    b"insert",
    b"intersection_update",
    b"pop",
    b"popitem",
    b"popleft",
    b"remove",
    b"reverse",
    b"setdefault",
    b"sort",
    b"symmetric_difference_update",
    b"update",
];

/// Words that start a statement whose header ends with a colon.
const HEADERS: &[&[u8]] = &[
    b"async", b"case", b"class", b"def", b"elif", b"else", b"except", b"finally", b"for", b"if",
    b"match", b"try", b"while", b"with",
];

/// The attributes that a text stores to.
pub(in crate::frontend) fn stores(text: &str) -> AttributeStores {
    let mut scan = Stores {
        bytes: text.as_bytes(),
        at: 0,
        open: Vec::new(),
        scopes: Vec::new(),
        classes: Vec::new(),
        statement: Statement::default(),
        is_static: false,
        out: AttributeStores::default(),
    };
    scan.run();
    scan.out
}

/// An attribute that may be stored to.
#[derive(Clone, Copy)]
struct StoreTarget<'t> {
    name: &'t [u8],
    of: Base<'t>,
    /// Whether the content of the attribute is changed, and not the attribute.
    content: bool,
}

/// The object of an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Base<'t> {
    /// A variable.
    Variable(&'t [u8]),
    /// Anything else.
    Other,
}

/// An open bracket.
struct Bracket<'t> {
    byte: u8,
    /// Whether it calls or indexes what is before it.
    trailer: bool,
    /// The attribute that it follows directly.
    of: Option<StoreTarget<'t>>,
    /// Whether it contains the argument of `vars`.
    vars: bool,
    /// The offset after the bracket.
    start: usize,
}

struct EnclosingDef<'t> {
    indent: usize,
    /// The name of the receiver; `None` for a class, and for a function without one.
    receiver: Option<&'t [u8]>,
    is_class: bool,
}

/// The current statement.
#[derive(Default)]
struct Statement<'t> {
    first: &'t [u8],
    indent: usize,
    targets: Vec<StoreTarget<'t>>,
    /// Whether a colon ended its targets, so that an annotation follows.
    annotated: bool,
}

struct Stores<'t> {
    bytes: &'t [u8],
    at: usize,
    open: Vec<Bracket<'t>>,
    scopes: Vec<EnclosingDef<'t>>,
    /// The outermost classes of the text.
    classes: Vec<&'t [u8]>,
    statement: Statement<'t>,
    /// Whether a decorator before this line says that there is no receiver.
    is_static: bool,
    out: AttributeStores,
}

impl<'t> Stores<'t> {
    fn run(&mut self) {
        self.start_line();
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' | b'\r' => {
                    self.at += scan::line_break(self.bytes, self.at);
                    if self.open.is_empty() || scan::starts_statement(self.bytes, self.at) {
                        self.open.clear();
                        self.end_statement();
                        self.start_line();
                    }
                }
                b'#' => self.at = scan::line_end(self.bytes, self.at),
                b'\\' => self.at += scan::escape(self.bytes, self.at),
                b'"' | b'\'' => self.string(Prefix::default()),
                b'(' | b'[' | b'{' => self.bracket(byte, None),
                b')' | b']' | b'}' => self.close(),
                b'.' => self.attribute(),
                b';' if self.open.is_empty() => {
                    self.at += 1;
                    self.end_statement();
                    self.first_word();
                }
                b':' if self.open.is_empty() => self.colon(),
                b'=' => self.equals(),
                _ if is_word(byte) => self.word(),
                _ => self.at += 1,
            }
        }
        self.end_statement();
    }

    fn string(&mut self, prefix: Prefix) {
        self.at = match scan::string(self.bytes, self.at, prefix) {
            Some(literal) => literal.end,
            None => scan::broken_string_end(self.bytes, self.at),
        };
    }

    fn start_line(&mut self) {
        let start = self.at;
        self.at = scan::skip_while(self.bytes, start, is_blank);
        if matches!(self.bytes.get(self.at), None | Some(b'\n' | b'\r' | b'#')) {
            return;
        }
        let indent = self.at - start;
        while self.scopes.last().is_some_and(|s| s.indent >= indent) {
            self.scopes.pop();
        }
        self.statement.indent = indent;
        if self.bytes[self.at] == b'@' {
            let line = &self.bytes[self.at..scan::line_end(self.bytes, self.at)];
            self.is_static |= line.ends_with(b"staticmethod");
            return;
        }
        self.first_word();
        let is_static = std::mem::take(&mut self.is_static);
        let mut at = self.at;
        if self.statement.first == b"async" {
            at = scan::skip_while(self.bytes, at + b"async".len(), is_blank);
        }
        let keyword = self.word_at(at);
        if keyword == b"class" || keyword == b"def" {
            self.open_scope(at + keyword.len(), keyword == b"class", is_static);
        }
    }

    fn open_scope(&mut self, at: usize, is_class: bool, is_static: bool) {
        let at = scan::skip_while(self.bytes, at, is_blank);
        let name = self.word_at(at);
        let indent = self.statement.indent;
        let in_class = self.scopes.last().is_some_and(|s| s.is_class);
        let mut receiver = None;
        if is_class {
            if self.scopes.is_empty() {
                self.classes.push(name);
            }
        } else if in_class && !is_static {
            let space = |byte: u8| byte.is_ascii_whitespace() || byte == b'(';
            let first = scan::skip_while(self.bytes, at + name.len(), space);
            receiver = Some(self.word_at(first)).filter(|word| !word.is_empty());
        }
        self.scopes.push(EnclosingDef {
            indent,
            receiver,
            is_class,
        });
    }

    fn word_at(&self, at: usize) -> &'t [u8] {
        &self.bytes[at..scan::skip_while(self.bytes, at, is_word)]
    }

    fn first_word(&mut self) {
        self.at = scan::skip_while(self.bytes, self.at, is_blank);
        self.statement.first = self.word_at(self.at);
    }

    /// A name, a keyword, or the prefix of a string.
    fn word(&mut self) {
        let word = self.word_at(self.at);
        self.at += word.len();
        match self.bytes.get(self.at) {
            Some(b'"' | b'\'') => {
                if let Some(prefix) = Prefix::of(word) {
                    return self.string(prefix);
                }
            }
            Some(b'(') if word == b"setattr" => self.setattr(self.at + 1),
            _ => {}
        }
        if word == b"in" && self.open.is_empty() && self.is_for() {
            self.commit();
        }
    }

    fn is_for(&self) -> bool {
        matches!(self.statement.first, b"for" | b"async")
    }

    /// Handles `.name` and what follows it.
    fn attribute(&mut self) {
        let dot = self.at;
        let start = scan::skip_while(self.bytes, dot + 1, is_blank);
        let name = self.word_at(start);
        self.at = start + name.len().max(usize::from(start == dot));
        if name.is_empty() || name[0].is_ascii_digit() {
            self.at = self.at.max(dot + 1);
            return;
        }
        let target = StoreTarget {
            name,
            of: self.base(dot),
            content: false,
        };
        let next = scan::skip_while(self.bytes, self.at, is_blank);
        match self.bytes.get(next) {
            Some(b'[') => {
                self.at = next;
                self.bracket(b'[', Some(target));
            }
            Some(b'(') => {
                if name == b"__setattr__" {
                    self.dunder_setattr(dot, next + 1);
                }
                self.at = next;
                self.bracket(b'(', None);
            }
            Some(b'.') => self.method(target, next),
            _ => self.candidate(target),
        }
    }

    /// Handles a method call on an attribute, which may change its content.
    fn method(&mut self, target: StoreTarget<'t>, dot: usize) {
        let start = scan::skip_while(self.bytes, dot + 1, is_blank);
        let name = self.word_at(start);
        if MUTATORS.contains(&name) && self.bytes.get(start + name.len()) == Some(&b'(') {
            self.note(StoreTarget {
                content: true,
                ..target
            });
        }
    }

    fn candidate(&mut self, target: StoreTarget<'t>) {
        if !self.statement.annotated && !self.open.iter().any(|b| b.trailer) {
            self.statement.targets.push(target);
        }
    }

    /// What is before the dot of an attribute.
    fn base(&self, dot: usize) -> Base<'t> {
        let mut start = dot;
        while start > 0 && is_word(self.bytes[start - 1]) {
            start -= 1;
        }
        let simple = start == 0 || !matches!(self.bytes[start - 1], b'.' | b')' | b']');
        if start < dot && simple {
            Base::Variable(&self.bytes[start..dot])
        } else {
            Base::Other
        }
    }

    fn bracket(&mut self, byte: u8, of: Option<StoreTarget<'t>>) {
        let before = self.bytes[..self.at].last();
        let trailer =
            of.is_some() || before.is_some_and(|b| is_word(*b) || matches!(b, b')' | b']'));
        let word = self.bytes[..self.at].ends_with(b"vars");
        self.at += 1;
        self.open.push(Bracket {
            byte,
            trailer,
            of,
            vars: word && byte == b'(',
            start: self.at,
        });
    }

    fn close(&mut self) {
        let end = self.at;
        self.at += 1;
        let Some(bracket) = self.open.pop() else {
            return;
        };
        let next = scan::skip_while(self.bytes, self.at, is_blank);
        if bracket.vars {
            let target = StoreTarget {
                name: b"__dict__",
                of: Base::Variable(self.bytes[bracket.start..end].trim_ascii()),
                content: false,
            };
            match self.bytes.get(next) {
                Some(b'.') => self.method(target, next),
                Some(b'[') => {
                    self.at = next;
                    self.bracket(b'[', Some(target));
                }
                _ => {}
            }
        } else if let (b'[', Some(of)) = (bracket.byte, bracket.of)
            && !matches!(self.bytes.get(next), Some(b'.' | b'(' | b'['))
        {
            self.candidate(StoreTarget {
                content: true,
                ..of
            });
        }
    }

    fn colon(&mut self) {
        self.at += 1;
        if HEADERS.contains(&self.statement.first) {
            self.statement.targets.clear();
            self.first_word();
        } else if self.bytes.get(self.at) == Some(&b'=') {
            self.at += 1;
        } else {
            self.statement.annotated = true;
        }
    }

    fn equals(&mut self) {
        if self.bytes.get(self.at + 1) == Some(&b'=') {
            self.at += 2;
            return;
        }
        let shift =
            |at: usize| self.bytes[..at].ends_with(b">>") || self.bytes[..at].ends_with(b"<<");
        let compares = self.bytes[..self.at]
            .last()
            .is_some_and(|b| matches!(b, b'!' | b'<' | b'>') && !shift(self.at));
        self.at += 1;
        if !compares && self.open.is_empty() {
            self.commit();
            self.statement.annotated = false;
        }
    }

    fn end_statement(&mut self) {
        if self.statement.first == b"del" {
            self.commit();
        }
        self.statement.targets.clear();
        self.statement.annotated = false;
        self.statement.first = b"";
    }

    fn commit(&mut self) {
        for target in std::mem::take(&mut self.statement.targets) {
            self.note(target);
        }
    }

    fn is_receiver(&self, of: Base<'t>) -> bool {
        let Base::Variable(name) = of else {
            return false;
        };
        self.scopes.iter().any(|s| s.receiver == Some(name))
    }

    fn note(&mut self, target: StoreTarget<'t>) {
        if target.name == b"__dict__" {
            return self.note_any(target.of);
        }
        // `Class.name = value` below the class is part of its definition.
        if !target.content
            && self.scopes.is_empty()
            && self.statement.indent == 0
            && matches!(target.of, Base::Variable(name) if self.classes.contains(&name))
        {
            return;
        }
        let own = self.is_receiver(target.of);
        let name = String::from_utf8_lossy(target.name);
        let into = match (own, target.content) {
            (true, false) => &mut self.out.own,
            (false, false) => &mut self.out.others,
            (true, true) => &mut self.out.own_contents,
            (false, true) => &mut self.out.others_contents,
        };
        if !into.contains(name.as_ref()) {
            into.insert(name.as_ref().into());
        }
    }

    fn note_any(&mut self, of: Base<'t>) {
        if self.is_receiver(of) {
            self.out.own_any = true;
        } else {
            self.out.others_any = true;
        }
    }

    /// `setattr(object, name, value)`
    fn setattr(&mut self, open: usize) {
        let before = self.at - b"setattr".len();
        // A method of that name does something else: that of test fixtures undoes its patches.
        if before > 0 && self.bytes[before - 1] == b'.' {
            return;
        }
        let object = self.argument(open);
        let of = Base::Variable(self.bytes[open..object].trim_ascii());
        self.named(of, object + 1);
    }

    /// `object.__setattr__(name, value)`; when called on `object` itself, with one more argument.
    fn dunder_setattr(&mut self, dot: usize, open: usize) {
        match self.base(dot) {
            Base::Variable(b"object") => {
                let object = self.argument(open);
                let of = Base::Variable(self.bytes[open..object].trim_ascii());
                self.named(of, object + 1);
            }
            Base::Other if self.bytes[..dot].ends_with(b"super()") => {
                let scopes = self.scopes.iter().rev();
                let receiver = scopes.filter_map(|s| s.receiver).next();
                let of = receiver.map_or(Base::Other, Base::Variable);
                self.named(of, open);
            }
            of => self.named(of, open),
        }
    }

    /// Notes a store to the attribute that the argument at `at` names.
    fn named(&mut self, of: Base<'t>, at: usize) {
        let at = scan::skip_while(self.bytes, at, |b| b.is_ascii_whitespace());
        let end = self.argument(at);
        let text = self.bytes.get(at..end).unwrap_or_default().trim_ascii();
        match text {
            [b'"' | b'\'', name @ .., b'"' | b'\''] if name.iter().all(|b| is_word(*b)) => {
                self.note(StoreTarget {
                    name,
                    of,
                    content: false,
                });
            }
            _ => self.note_any(of),
        }
    }

    /// The end of the argument that starts at `at`.
    fn argument(&self, mut at: usize) -> usize {
        let mut depth = 0_usize;
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b'"' | b'\'' => {
                    at = match scan::string(self.bytes, at, Prefix::default()) {
                        Some(literal) => literal.end,
                        None => scan::broken_string_end(self.bytes, at),
                    };
                    continue;
                }
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' if depth == 0 => break,
                b')' | b']' | b'}' => depth -= 1,
                b',' if depth == 0 => break,
                _ => {}
            }
            at += 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::stores;

    fn sorted(names: &rustc_hash::FxHashSet<crate::ir::Name>) -> Vec<&str> {
        let mut out: Vec<&str> = names.iter().map(crate::ir::Name::as_str).collect();
        out.sort_unstable();
        out
    }

    #[test]
    fn targets_are_stores_and_values_are_not() {
        let found = stores(
            "def main(job, other):\n    job.a = other.b\n    job.c, (other.d, x) = 1, (2, 3)\n    \
             job.e += 1\n    job.f: int = 3\n    for job.g in range(3): job.h = 1\n    \
             call(job.i, j=2)\n    if job.k == 1: job.l = job.m = 2\n    del job.n\n    \
             assert job.o <= job.p\n    job.q >>= 1\n    job.r.s = 1\n    x = job.t\n    \
             # job.u = 1\n    y = 'job.v = 1'\n    call(\n        job.w,\n        k=1,\n    )\n",
        );
        let expected = ["a", "c", "d", "e", "f", "g", "h", "l", "m", "n", "q", "s"];
        assert_eq!(sorted(&found.others), expected);
        assert!(found.own.is_empty() && !found.others_any && !found.own_any);
    }

    #[test]
    fn stores_through_the_receiver_are_the_class_s_own() {
        let found = stores(
            "class A:\n    def run(this, job):\n        this.a = 1\n        job.b = 1\n        \
             this.c.d = 1\n        def inner():\n            this.e = 1\n    @staticmethod\n    \
             def make(job):\n        job.f = 1\n\n\nA.g = 1\n\n\ndef main(this):\n    this.h = 1\n    \
             A.i = 1\n",
        );
        assert_eq!(sorted(&found.own), ["a", "e"]);
        assert_eq!(sorted(&found.others), ["b", "d", "f", "h", "i"]);
    }

    #[test]
    fn names_may_be_texts() {
        let found = stores(
            "def main(job):\n    setattr(job, 'a', 1)\n    object.__setattr__(job, \"b\", f(2, 3))\n    \
             job.__setattr__('c', 1)\n    patch.setattr(job, 'd', 1)\n",
        );
        assert_eq!(sorted(&found.others), ["a", "b", "c"]);
        assert!(!found.others_any);
        for any in [
            "setattr(job, name, 1)",
            "job.__dict__.update(options)",
            "vars(job).update(options)",
            "vars(job)[name] = 1",
            "job.__dict__[name] = 1",
            "job.__dict__ |= options",
        ] {
            let found = stores(any);
            assert!(found.others_any && found.others.is_empty(), "{any}");
        }
        let found = stores(
            "class A:\n    def __init__(self, **options):\n        for k, v in options.items():\n            \
             setattr(self, k, v)\n",
        );
        assert!(found.own_any && !found.others_any);
        assert!(!stores("x = vars(job)[name]\ny = job.__dict__.items()\n").others_any);
    }

    #[test]
    fn contents_are_told_from_the_attribute() {
        let found = stores(
            "class A:\n    def run(self, job):\n        self.a.append(1)\n        self.b['x'] = 1\n        \
             job.c.update({})\n        del job.d[0]\n        job.e[0].f = 1\n        \
             x = self.g[0]\n        self.h.get(1)\n        self.i[f(self.j, k=1)] += 1\n",
        );
        assert_eq!(sorted(&found.own_contents), ["a", "b", "i"]);
        assert_eq!(sorted(&found.others_contents), ["c", "d"]);
        assert_eq!(sorted(&found.others), ["f"]);
    }
}
