//! What `nearest` says of a program.

use std::path::Path;

use super::{Scope, Words, nearest};
use crate::outcome::Candidate;
use crate::program::Program;
use crate::settings::{Contract, Demand, Origin, Place};
use crate::source::SourceMap;

const WORDS: Words = Words {
    counts: |name| name.contains("rows"),
    tells: |name| name == "log",
    harmless: |name| name == "fetch",
    fills: |name| name == "append",
};

fn of(heirs: &[(&str, &str)], known: &[Contract]) -> Option<Candidate> {
    let mut text =
        "class Base:\n    def run(self):\n        self.load()\n    def load(self):\n        \
                    raise NotImplementedError\n"
            .to_owned();
    for (name, body) in heirs {
        text += &format!("class {name}(Base):\n    def load(self):\n        {body}\n");
    }
    let sources = SourceMap::new("/".into());
    let file = sources.add_virtual(Path::new("/jobs.py"), text);
    let program = Program::new(&sources);
    let module = program.add_file(&file).unwrap();
    let scope = Scope {
        modules: &[module],
        is_hook: |_| true,
        is_whole: &|_, _| true,
    };
    nearest(&program, scope, known, WORDS)
}

#[test]
fn the_nearest_contract_is_plain_data() {
    let stores = "self.rows = self.fetch()";
    let mut heirs = vec![("A", stores), ("B", stores), ("C", stores)];
    assert_eq!(of(&heirs, &[]), None);
    heirs.push(("D", "self.x.append(1)"));
    let found = of(&heirs, &[]).unwrap();
    assert_eq!((found.base.as_str(), found.hook.as_str()), ("Base", "load"));
    assert_eq!((found.definitions, found.keeping), (4, 3));
    assert_eq!(found.what, "set `self.rows`");
    let demand = Demand::Store(Place::field("rows"));
    let known = Contract::about_method("load", demand, Origin::Builtin);
    assert_eq!(of(&heirs, &[known]), None);
}
