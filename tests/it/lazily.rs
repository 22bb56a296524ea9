//! A body that is lowered when somebody looks at it is what lowering the whole file gives.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tallylint::fence::on_big_stack;
use tallylint::frontend::{lower_lazily, lower_module};
use tallylint::ir::{Function, Module};
use tallylint::source::Language;

/// What indices stand for, so that two ways to number the same functions compare alike.
struct Names {
    functions: BTreeMap<String, String>,
    scopes: BTreeMap<String, String>,
}

impl Names {
    fn of(module: &Module) -> Self {
        let mut names = Self {
            functions: BTreeMap::new(),
            scopes: BTreeMap::new(),
        };
        let key = |index: u32| index.to_string();
        names.scopes.insert(key(0), "the module's".to_owned());
        for (at, class) in module.classes.iter().enumerate() {
            let scope = format!("that of class {at}");
            names.scopes.insert(key(class.scope.0), scope);
        }
        for (at, (idx, function)) in module.functions().enumerate() {
            names.functions.insert(key(idx.0), format!("function {at}"));
            let scope = format!("that of function {at}");
            names.scopes.insert(key(function.scope.0), scope);
        }
        names
    }

    fn apply(&self, shown: &str) -> String {
        let mut out = String::new();
        let mut rest = shown;
        while let Some((at, names)) = [("FuncIdx(", &self.functions), ("ScopeIdx(", &self.scopes)]
            .into_iter()
            .filter_map(|(word, names)| Some((rest.find(word)? + word.len(), names)))
            .min_by_key(|(at, _)| *at)
        {
            let end = at + rest[at..].find(')').unwrap();
            out.push_str(&rest[..at]);
            out.push_str(&names[rest[at..end].trim().trim_end_matches(',')]);
            rest = &rest[end..];
        }
        out.push_str(rest);
        out
    }
}

/// Everything about a function.
fn shown(module: &Module, function: &Function, names: &Names) -> String {
    let content = function.body.content();
    assert_eq!(content.broken, None, "{}", function.qualname);
    let parts = format!(
        "{} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {} {} {:?} {:?} {:?} {:?} {:?}\n",
        function.qualname,
        function.name,
        function.span,
        function.name_span,
        function.class,
        function.outer,
        function.scope,
        function.params,
        function.decorators,
        function.is_async,
        function.is_generator,
        function.shape,
        content.cells,
        function.outer_cells,
        module.scope(function.scope),
        content.body,
    );
    names.apply(&parts)
}

/// Compares both ways; how many bodies were left out at first. `None` when the text is broken.
fn compare(name: &str, text: &str) -> Option<usize> {
    let whole = lower_module(Language::Python, text).ok()?;
    let lazy = lower_lazily(Language::Python, &Arc::from(text)).unwrap();
    assert_eq!(lazy.broken, [], "{name}");
    let lazy = lazy.module;
    let left_out = |(_, function): &(_, &Function)| function.body.was_left_out();
    let count = lazy.outer_functions().filter(left_out).count();
    let (names, lazy_names) = (Names::of(&whole), Names::of(&lazy));
    let show = |module: &Module, names: &Names| {
        let shown = module
            .functions()
            .map(|(_, function)| shown(module, function, names));
        let rest = format!(
            "{:?} {:?} {:?}",
            module.classes,
            module.attribute_stores,
            module.scope(tallylint::ir::ScopeIdx::MODULE)
        );
        let rest = [names.apply(&rest)];
        let classes = module.classes.iter().map(|class| module.scope(class.scope));
        let classes = classes.map(|scope| names.apply(&format!("{scope:?}")));
        shown.chain(rest).chain(classes).collect::<Vec<String>>()
    };
    let (expected, actual) = (show(&whole, &names), show(&lazy, &lazy_names));
    assert_eq!(expected.len(), actual.len(), "{name}");
    for (expected, actual) in expected.iter().zip(&actual) {
        let same = expected.chars().zip(actual.chars());
        let at = same.take_while(|(a, b)| a == b).count().saturating_sub(80);
        let near = |text: &str| text.chars().skip(at).take(160).collect::<String>();
        assert!(
            expected == actual,
            "{name}\n{}\n{}",
            near(expected),
            near(actual)
        );
    }
    Some(count)
}

fn python_files(folder: &Path) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter();
    let files = files.filter_map(|entry| Some(entry.ok()?.into_path()));
    files
        .filter(|path| path.extension().is_some_and(|e| e == "py"))
        .collect()
}

fn compare_all(folder: &Path) -> (usize, usize) {
    let (mut files, mut bodies) = (0, 0);
    for path in python_files(folder) {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        if let Some(count) = compare(&path.display().to_string(), &text) {
            files += 1;
            bodies += count;
        }
    }
    println!(
        "{files} files, {bodies} bodies left out in {}",
        folder.display()
    );
    (files, bodies)
}

/// The fixtures and, by hand, the sources in the folder that `TALLYLINT_SOURCES` names.
#[test]
fn bodies_are_those_of_the_whole_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    on_big_stack(|| {
        for folder in ["fixtures", "tests"] {
            let (files, bodies) = compare_all(&root.join(folder));
            assert!(files > 10 && bodies > 10, "{files} files, {bodies} bodies");
        }
        if let Some(folder) = std::env::var_os("TALLYLINT_SOURCES") {
            compare_all(Path::new(&folder));
        }
    })
    .unwrap();
}

/// Everything inside of which a body can stand, and everything that can stand in one.
#[test]
fn what_is_around_a_body_counts() {
    let body = |indent: &str| {
        let lines = [
            "total = 0",
            "def add(n, *, by=lambda: total):",
            "    nonlocal total",
            "    total += sum(n * k for k in by())",
            "    return [lambda: (n, i) for i in range(n)]",
            "import os.path as path, sys",
            "from . import *",
            "def super_(): return super().run()",
            "rows = {k: (lambda v=k: (v, total, k)) for k in sorted(x for x in self)}",
            "return add(f'{total!r:>{len(rows)}}', by=lambda *a, **k: path), 'ä'",
        ];
        lines.map(|line| format!("{indent}{line}\n")).concat()
    };
    let texts = [
        format!("def f(self):\n{}", body(" ")),
        format!("async def f(self, a=lambda: 1, /, *b: 'B', c: int = 2, **d):\n{}", body("\t")),
        format!("class A(B):\n  @d(lambda: 1)\n  def f(self):\n{}\n  # end\n  x = 1\n", body("    ")),
        format!("try:\n def f(self):\n{}finally: pass\n", body("  ")),
        format!("if x:\r\n def f(self):\r\n{} # c\r\nelse:\r\n def f(self):\r\n{}", body("  "), body("   ")).replace('\n', "\r\n").replace("\r\r\n", "\r\n"),
        format!("super = object\nclass A:\n def f(self):\n{}", body("  ")),
        format!("class A:\n class B:\n  def f(self):\n{}\n  g = lambda self: 1\n  def h(self):\n   '''doc'''\n   return f(1)\n   # c", body("   ")),
        format!("def f(self):\n{}\n    global g\n    g = 1\ndef h(self):\n{}", body("    "), body("    ")),
        format!("def f(self):\n{}\n    class C:\n        def g(self): return self\n    return C\n", body("    ")),
        format!("def f(self):\n{}\n    yield 1\n", body("    ")),
        "def f(self):\n    x = f'{self['a']}'\n    y = t'{x}'\n    z = [a for a in x]\n    return y\n".to_owned(),
        "x = f'{self['a']}'\ndef f(self):\n    x = 1\n    y = 2\n    return y\n".to_owned(),
    ];
    on_big_stack(|| {
        let counts: Vec<Option<usize>> = texts.iter().map(|text| compare(text, text)).collect();
        // Before the fourth there is no room for what an indented function is parsed in.
        let expected = [1, 1, 1, 0, 2, 1, 1, 1, 0, 0, 1, 0];
        assert_eq!(counts, expected.map(Some));
    })
    .unwrap();
}
