//! Imports between the folders of `src` go one way, and the table in CONTRIBUTING.md says which.
//! Those between the modules of success-as-proof do, too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// An import: the importing file, and the folder that it imports from.
type Arrow = (PathBuf, String);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names in the first column of the table of a file, from top to bottom: what follows the
/// prefix of a row.
fn rows(file: &str, prefix: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix(prefix));
    rows.map(|row| row.split('`').next().unwrap())
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .collect()
}

/// The source files below a folder, and what is in them without comments and unit tests.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut out = Vec::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let path = entry.unwrap().into_path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let in_tests = path.iter().any(|part| part == "tests") || name == "tests.rs";
        if !name.ends_with(".rs") || in_tests || name == "sample.rs" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let tests = text.find("#[cfg(test)]\nmod tests {");
        let code = &text[..tests.unwrap_or(text.len())];
        let code = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        out.push((path, code.collect::<Vec<_>>().join("\n")));
    }
    out
}

/// The first part of every path below `prefix` that a text names.
fn imported(text: &str, prefix: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for (at, _) in text.match_indices(prefix) {
        let rest = &text[at + prefix.len()..];
        let group = rest.strip_prefix('{').map(|rest| {
            let end = rest.find("};").unwrap_or(rest.len());
            &rest[..end]
        });
        let name = |path: &str| {
            let path = path.trim();
            let end = path.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            path[..end.unwrap_or(path.len())].to_owned()
        };
        match group {
            Some(paths) => out.extend(paths.split(',').map(name)),
            None => {
                out.insert(name(rest));
            }
        }
    }
    out
}

/// Where a file belongs: the folder below `top`, or the file itself.
fn layer_of(top: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(top).unwrap();
    let first = inside.iter().next().unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The imports between the folders below `top`, whose path is `module`.
fn arrows(top: &Path, module: &str) -> BTreeMap<String, Vec<Arrow>> {
    let mut out: BTreeMap<String, Vec<Arrow>> = BTreeMap::new();
    for (path, text) in sources(top) {
        let from = layer_of(top, &path);
        if ["lib", "main"].contains(&from.as_str()) {
            continue;
        }
        let mut all = imported(&text, module);
        // From the file at the top of a folder, `super` leads to the folder's siblings.
        let is_top = path == top.join(&from).join("mod.rs") || path.parent() == Some(top);
        if is_top {
            all.extend(imported(&text, "use super::"));
        }
        // What has a capital is no module, but something that the module above gives on.
        all.retain(|to| *to != from && to.starts_with(|c: char| c.is_ascii_lowercase()));
        let arrows = all.into_iter().map(|to| (path.clone(), to));
        out.entry(from.clone()).or_default().extend(arrows);
    }
    out
}

/// The arrows that do not go down the list.
fn upward(layers: &[String], arrows: &BTreeMap<String, Vec<Arrow>>) -> Vec<String> {
    let floor = |name: &str| layers.iter().position(|layer| layer == name);
    let mut out = Vec::new();
    for (from, to) in arrows {
        for (path, to) in to {
            if floor(to) <= floor(from) {
                out.push(format!("{}: {from} -> {to}", path.display()));
            }
        }
    }
    out
}

/// Checks that the modules below `top` are those of the table, and that at least so many imports
/// between them all go down.
fn check(top: &str, module: &str, table: &[String], least: usize) {
    let top = root().join(top);
    let present: BTreeSet<String> = fs::read_dir(&top)
        .unwrap()
        .map(|entry| layer_of(&top, &entry.unwrap().path()))
        .filter(|name| !["lib", "main"].contains(&name.as_str()))
        .collect();
    let listed: BTreeSet<String> = table.iter().cloned().collect();
    assert_eq!(listed, present, "the table is complete");
    let arrows = arrows(&top, module);
    let count: usize = arrows.values().map(Vec::len).sum();
    assert!(count > least, "only {count} imports were found");
    let wrong = upward(table, &arrows);
    assert!(
        wrong.is_empty(),
        "imports that go up:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn imports_between_folders_go_down() {
    check("src", "crate::", &rows("CONTRIBUTING.md", "| `src/"), 200);
}

#[test]
fn imports_between_the_modules_of_success_as_proof_go_down() {
    check(
        "src/rules/success_as_proof",
        "crate::rules::success_as_proof::",
        &rows("src/rules/success_as_proof.rs", "//! | `"),
        30,
    );
}

#[test]
fn an_arrow_that_goes_up_is_found() {
    let layers = ["cli", "rules", "engine"].map(str::to_owned);
    let text = "use crate::engine::Engine;\nuse crate::{cli::args, rules};";
    assert_eq!(
        imported(text, "crate::"),
        BTreeSet::from(["cli", "engine", "rules"].map(str::to_owned))
    );
    let file = PathBuf::from("x.rs");
    let arrow = |to: &str| vec![(file.clone(), to.to_owned())];
    let down = BTreeMap::from([("rules".to_owned(), arrow("engine"))]);
    assert!(upward(&layers, &down).is_empty());
    let up = BTreeMap::from([("engine".to_owned(), arrow("rules"))]);
    assert_eq!(upward(&layers, &up), ["x.rs: engine -> rules"]);
    let unlisted = BTreeMap::from([("engine".to_owned(), arrow("attic"))]);
    assert_eq!(upward(&layers, &unlisted).len(), 1, "not in the list");
}

/// Rules do not know each other, and what they share knows none of them.
#[test]
fn only_the_registry_names_rules() {
    let folder = root().join("src/rules");
    let ids: Vec<String> = tallylint::rules::all()
        .iter()
        .map(|rule| rule.id().replace('-', "_"))
        .collect();
    let types: Vec<String> = ids.iter().map(|id| pascal(id)).collect();
    let mut wrong = Vec::new();
    for (path, text) in sources(&root().join("src")) {
        let inside = path.strip_prefix(&folder).ok();
        let own = inside.and_then(|path| path.iter().next()?.to_str());
        let own = own.map(|name| name.trim_end_matches(".rs"));
        if own.is_some_and(|name| ["registry", "mod"].contains(&name)) {
            continue;
        }
        for (id, name) in ids.iter().zip(&types) {
            let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let named = words.clone().any(|word| word == name || word == id);
            // Settling makes the findings about comments: it asks that module for them.
            let settles =
                layer_of(&root().join("src"), &path) == "settle" && id == "ignore_comment";
            if own != Some(id.as_str()) && named && !settles {
                wrong.push(format!("{} names {id}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn pascal(id: &str) -> String {
    id.split('_')
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect()
}
