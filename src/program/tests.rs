//! Name resolution in small programs of several files.

use std::fs;

use super::{ClassRef, Def, ModuleId, Program};
use crate::ir::{Name, ScopeIdx};
use crate::source::SourceMap;

/// Passes the first of these files, as a module, to `work`.
fn program<T>(files: &[(&str, &str)], work: impl FnOnce(&Program<'_>, ModuleId) -> T) -> T {
    program_checked(files, None, work)
}

/// The same for a program in which a folder is checked, given by its path, with all its files.
fn program_checked<T>(
    files: &[(&str, &str)],
    checked: Option<&str>,
    work: impl FnOnce(&Program<'_>, ModuleId) -> T,
) -> T {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    // The working directory is elsewhere, so that it is no root.
    let sources = SourceMap::new(root.join("elsewhere"));
    let load = |path: &str| {
        let file = sources.load(&root.join(path));
        file.unwrap_or_else(|_| panic!("the file is there"))
    };
    let mut program = Program::new(&sources);
    if let Some(checked) = checked {
        let inside = files.iter().filter(|(path, _)| path.ends_with(".py"));
        let inside: Vec<_> = inside.map(|(path, _)| load(path)).collect();
        program = program.with_files(&[root.join(checked)], &inside);
    }
    let module = program.add_file(&load(files[0].0));
    work(&program, module.expect("it is intact"))
}

/// The meaning of a dotted name in the first of these files, which are a project.
fn meaning(files: &[(&str, &str)], path: &str) -> String {
    // Marks the project, so that nothing above the temporary folder matters.
    meaning_among(&[files, &[("pyproject.toml", "")]].concat(), path)
}

fn meaning_among(files: &[(&str, &str)], path: &str) -> String {
    program(files, |program, module| meaning_in(program, module, path))
}

fn meaning_in(program: &Program<'_>, module: ModuleId, path: &str) -> String {
    let path: Vec<Name> = path.split('.').map(Name::from).collect();
    match program.resolve_path(module, ScopeIdx::MODULE, &path) {
        Def::Func(f) => {
            let module = program.module(f.module);
            format!("function {}", module.ir.function(f.func).qualname)
        }
        Def::Class(c) => format!("class {}", program.module(c.module).ir.class(c.class).name),
        Def::Module(_) => "module".to_owned(),
        Def::Namespace(..) => "namespace".to_owned(),
        Def::External(name) => format!("external {name}"),
        Def::Value(..) => "value".to_owned(),
        Def::Unknown => "unknown".to_owned(),
    }
}

#[test]
fn names_lead_to_their_definitions() {
    let files = [
        (
            "a.py",
            "import lib\nimport lib.sub\nimport json\nfrom lib import g as h\n\n\n\
             class C:\n    def m(self):\n        pass\n\n    inner = lib.g\n\n\n\
             def f():\n    pass\n\n\nalias = f\nfar = lib.g\nmethod = C.m\nlimit = 5\n\
             short = lambda: 1\ntable = {}\n",
        ),
        ("lib/__init__.py", "def g():\n    pass\n"),
        (
            "lib/sub.py",
            "from json import dumps\n\n\ndef s():\n    pass\n",
        ),
    ];
    for (path, wanted) in [
        ("f", "function f"),
        ("alias", "function f"),
        ("h", "function g"),
        ("far", "function g"),
        ("lib", "module"),
        ("lib.g", "function g"),
        ("lib.sub", "module"),
        ("lib.sub.s", "function s"),
        ("lib.sub.dumps", "external json.dumps"),
        ("lib.other", "unknown"),
        ("json.loads", "external json.loads"),
        ("C", "class C"),
        ("C.m", "function C.m"),
        ("C.inner", "function g"),
        ("C.other", "unknown"),
        ("method", "function C.m"),
        ("limit", "value"),
        ("limit.real", "unknown"),
        ("short", "function <lambda>"),
        ("len", "external len"),
        ("other", "external other"),
        ("__name__", "unknown"),
    ] {
        assert_eq!(meaning(&files, path), wanted, "{path}");
    }
}

#[test]
fn of_several_bindings_the_last_certain_one_counts() {
    for (text, wanted) in [
        ("f = 1\n\n\ndef f():\n    pass\n", "function f"),
        ("def f():\n    pass\n\n\nf = 1\n", "value"),
        (
            "try:\n    from fast import f\nexcept ImportError:\n    def f():\n        pass\n",
            "function f",
        ),
        (
            "if x:\n    def f():\n        pass\nelse:\n    class f:\n        pass\n",
            "unknown",
        ),
        ("def f():\n    pass\n\n\nif x:\n    f = y()\n", "function f"),
        (
            "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from lib import f\n",
            "external lib.f",
        ),
        (
            "f = None\n\n\ndef set_it():\n    global f\n    f = 1\n",
            "unknown",
        ),
    ] {
        assert_eq!(meaning(&[("a.py", text)], "f"), wanted, "{text}");
    }
}

#[test]
fn stars_bring_names_except_those_that_python_has() {
    let files = [
        ("a.py", "from lib import *\nfrom outside import *\n"),
        ("lib.py", "def f():\n    pass\n"),
    ];
    for (path, wanted) in [
        ("f", "unknown"),
        ("other", "unknown"),
        ("len", "external len"),
        ("ValueError", "external ValueError"),
        ("KeyboardInterrupt", "external KeyboardInterrupt"),
    ] {
        assert_eq!(meaning(&files, path), wanted, "{path}");
    }
    let files = [("a.py", "from lib import *\n"), files[1]];
    for (path, wanted) in [("f", "function f"), ("other", "external other")] {
        assert_eq!(meaning(&files, path), wanted, "{path}");
    }
}

/// Circular names have no meaning, and resolving them ends.
#[test]
fn circles_are_left() {
    for files in [
        &[("a.py", "x = y\ny = x\n")][..],
        &[("a.py", "x = x.y\n")],
        &[("a.py", "class x:\n    y = y\n\n\nx = x.y\ny = x\n")],
        &[("a.py", "from b import x\n"), ("b.py", "from a import x\n")],
        &[
            ("a.py", "import b\n\nx = b.x\n"),
            ("b.py", "import a\n\nx = a.x\n"),
        ],
        &[("a.py", "from b import *\n"), ("b.py", "from a import *\n")],
        &[
            ("a.py", "from b import x\n"),
            ("b/__init__.py", "from . import x\n"),
        ],
    ] {
        let found = meaning(files, "x");
        assert!(
            found == "unknown" || found == "external x",
            "{files:?}: {found}"
        );
    }
}

#[test]
fn a_class_is_resolved_if_all_its_bases_are() {
    let files = [
        (
            "a.py",
            "import abc\nfrom lib import Base, Unclear\nfrom outside import Other\n\n\n\
             class Alone:\n    pass\n\n\nclass Below(Base):\n    pass\n\n\n\
             class Abstract(Base, abc.ABC):\n    pass\n\n\nclass Far(Below, Other):\n    pass\n\n\n\
             class Made(make()):\n    pass\n\n\nclass Hidden(Unclear):\n    pass\n",
        ),
        (
            "lib.py",
            "class Base(object):\n    pass\n\n\nclass Unclear(make()):\n    pass\n",
        ),
    ];
    let resolved = program(&files, |program, module| {
        let classes: Vec<ClassRef> = program.classes(module).collect();
        let loaded = program.module(module);
        let all = classes.into_iter().filter(|c| program.fully_resolved(*c));
        let name = |c: ClassRef| loaded.ir.class(c.class).name.to_string();
        all.map(name).collect::<Vec<_>>()
    });
    assert_eq!(resolved, ["Alone", "Below", "Abstract"]);
}

#[test]
fn imports_are_looked_for_up_to_the_top_of_the_project() {
    let text = "from lib import f\n";
    let lib = "def f():\n    pass\n";
    let found = |path: &str, more: &[(&str, &str)]| {
        let files = [&[(path, text), ("lib.py", lib)], more].concat();
        meaning_among(&files, "f") == "function f"
    };
    let marker = &[("pyproject.toml", "")][..];
    assert!(found("a.py", &[]) && found("p/q/a.py", &[]));
    // Without a project marker, only a few folders are searched.
    assert!(!found("p/q/r/s/a.py", &[]));
    assert!(found("p/q/r/s/a.py", marker));
    // Folders above a project do not belong to it.
    assert!(!found("p/q/a.py", &[("p/q/pyproject.toml", "")]));
    // A package counts as one folder.
    let package = [("p/q/__init__.py", ""), ("p/q/r/__init__.py", "")];
    assert!(found("p/q/r/a.py", &package));
    let hidden = [("p/q/lib.py", "x = 1\n"), ("p/q/__init__.py", "")];
    assert!(found("p/q/a.py", &hidden));
    assert!(!found("p/q/a.py", &hidden[..1]));
    assert!(found("a.py", &[("src/lib.py", "x = 1\n")]));
}

/// What `f` is in the first of these files, which imports it.
fn found_from(checked: Option<&str>, files: &[(&str, &str)]) -> String {
    program_checked(files, checked, |program, module| {
        meaning_in(program, module, "f")
    })
}

const F: &str = "def f():\n    pass\n";
const NOT_F: &str = "class f:\n    pass\n";

#[test]
fn what_is_checked_and_the_repository_are_roots() {
    let file = ("a/b/c/d/job.py", "from a.base import f\n");
    let base = ("a/base.py", F);
    let project = |path| (path, "");
    // Nothing marks the project: the folders up to the one that is checked count.
    assert_eq!(found_from(None, &[file, base]), "external a.base.f");
    assert_eq!(found_from(Some(""), &[file, base]), "function f");
    assert_eq!(found_from(Some("a/b"), &[file, base]), "external a.base.f");
    // A list of requirements does not end a project, and a project does not end a repository.
    let inner = ("a/b/c/requirements.txt", "");
    assert_eq!(
        found_from(None, &[file, base, inner, project("setup.py")]),
        "function f"
    );
    let inner = project("a/b/pyproject.toml");
    assert_eq!(found_from(None, &[file, base, inner]), "external a.base.f");
    assert_eq!(found_from(Some(""), &[file, base, inner]), "function f");
    assert_eq!(
        found_from(Some("a/b"), &[file, base, inner, (".git/HEAD", "")]),
        "function f"
    );
    assert_eq!(
        found_from(
            None,
            &[file, ("src/a/base.py", F), inner, (".hg/store", "")]
        ),
        "function f"
    );
    // The nearest is taken.
    let near = ("a/b/a/base.py", NOT_F);
    assert_eq!(found_from(Some(""), &[file, base, inner, near]), "class f");
}

#[test]
fn a_folder_without_code_of_that_name_is_no_package() {
    let file = ("jobs/kafka_job.py", "from kafka import f\nimport kafka\n");
    let data = ("jobs/kafka/topics.json", "{}");
    let top = ("setup.cfg", "");
    assert_eq!(found_from(None, &[file, data, top]), "external kafka.f");
    let far = ("kafka.py", F);
    assert_eq!(found_from(None, &[file, data, far, top]), "function f");
    let module = ("jobs/kafka/f.py", "");
    assert_eq!(found_from(None, &[file, module, far, top]), "module");
}

#[test]
fn projects_of_one_run_import_each_other() {
    let file = ("jobs/app/job.py", "from shared.base import f\n");
    let own = [("jobs/pyproject.toml", ""), ("jobs/app/__init__.py", "")];
    let shared = [
        ("lib/src/shared/__init__.py", ""),
        ("lib/src/shared/base.py", F),
        ("lib/pyproject.toml", ""),
    ];
    let found =
        |checked, more: &[(&str, &str)]| found_from(checked, &[&[file][..], &own, more].concat());
    assert_eq!(found(Some(""), &shared), "function f");
    assert_eq!(found(Some("jobs"), &shared), "external shared.base.f");
    // It is the name of something else in a folder that is no project.
    assert_eq!(found(Some(""), &shared[..2]), "external shared.base.f");
    // Two projects have it.
    let second = [
        ("other/setup.py", ""),
        ("other/shared/__init__.py", ""),
        ("other/shared/base.py", NOT_F),
    ];
    let both = [&shared[..], &second].concat();
    assert_eq!(found(Some(""), &both), "unknown");
    // The own project has the package, without the module.
    let half = [&shared[..], &[("jobs/shared/__init__.py", "")]].concat();
    assert_eq!(found(Some(""), &half), "external shared.base.f");
}
