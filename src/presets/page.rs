//! The page that lists the built-in presets.

use std::fmt::Write as _;

use super::{Fails, Preset, built_in};

/// The page, in Markdown.
#[must_use]
pub fn page() -> String {
    let mut out = String::from(
        "# Presets\n\nWhat tallylint knows of libraries. A preset holds where code uses the classes that it names, \
         in a program that imports the library. [The configuration](configuration.md) adds presets of your own \
         (`presets`) and leaves built-in ones out (`without-presets`).\n\n\
         [The format](../rules/presets/README.md) says what each table means. `swallowed-write`, \
         `ignored-failure` and `untracked-return` ask for writes, units of work, results that are waited \
         for, and exceptions for rows that are there already. The other tables are data that no rule reads yet.\n",
    );
    for (name, preset) in built_in() {
        let _ = write!(out, "\n## {} (`{name}`)\n\n", preset.title);
        head(preset, &mut out);
        out.push_str("| | call | failure | |\n|---|---|---|---|\n");
        for row in rows(preset) {
            let Row {
                of,
                what,
                fails,
                notes,
            } = row;
            let notes = notes.unwrap_or_default().replace('|', "\\|");
            let _ = writeln!(out, "| {what} | {of} | {fails} | {notes} |");
        }
    }
    out
}

fn head(preset: &Preset, out: &mut String) {
    let quoted = |names: &mut dyn Iterator<Item = &str>| {
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    let imports = quoted(&mut preset.imports.iter().map(String::as_str));
    let _ = write!(out, "Imports: {imports}. Checked against ");
    let packages = preset.package.iter();
    let packages: Vec<String> = packages
        .map(|package| format!("{} {}", package.name, package.version))
        .collect();
    let _ = writeln!(out, "{}.", packages.join(", "));
    if let Some(notes) = &preset.notes {
        let _ = writeln!(out, "{notes}");
    }
    out.push('\n');
}

/// One line of the table of a preset.
struct Row {
    what: String,
    of: String,
    fails: String,
    notes: Option<String>,
}

fn rows(preset: &Preset) -> Vec<Row> {
    let mut out = Vec::new();
    let mut add = |what: &str, of: String, fails: &[Fails], notes: &Option<String>| {
        out.push(Row {
            what: what.to_owned(),
            of,
            fails: told(fails),
            notes: notes.clone(),
        });
    };
    for write in &preset.write {
        let what = match (write.auxiliary, write.statement.is_empty()) {
            (true, _) => "writes what may be lost",
            (_, false) => "writes if its statement does",
            _ => "writes",
        };
        add(
            what,
            calls(&write.of, [&write.call]),
            &write.fails,
            &write.notes,
        );
    }
    for unit in &preset.unit {
        for (what, names) in [
            ("adds to a unit of work", &unit.adds),
            ("commits it", &unit.commits),
            ("commits it at the end of `with`", &unit.blocks),
            ("throws it away", &unit.discards),
        ] {
            if !names.is_empty() {
                let commits = what.starts_with("commits");
                let fails = if commits { unit.fails.as_slice() } else { &[] };
                let notes = unit
                    .notes
                    .as_ref()
                    .filter(|_| what == "commits it")
                    .cloned();
                add(what, calls(&unit.of, names), fails, &notes);
            }
        }
    }
    for wait in &preset.wait {
        add(
            "waits for a write",
            calls(&wait.of, [&wait.call]),
            &wait.fails,
            &wait.notes,
        );
    }
    for position in &preset.position {
        let what = format!("moves a position ({})", position.kind);
        add(
            &what,
            calls(&position.of, &position.call),
            &position.fails,
            &position.notes,
        );
    }
    for nack in &preset.nack {
        add(
            "gives rows back",
            calls(&nack.of, &nack.call),
            &[],
            &nack.notes,
        );
    }
    for mark in &preset.mark {
        let what = format!("says how it ended: {}", mark.says);
        add(&what, calls(&mark.of, &mark.call), &[], &mark.notes);
    }
    for failure in &preset.failure {
        let exceptions = failure.exceptions.iter();
        let exceptions: Vec<String> = exceptions.map(|name| format!("`{name}`")).collect();
        let of = if exceptions.is_empty() {
            calls(&failure.of, &failure.call)
        } else {
            exceptions.join(", ")
        };
        let at = failure.at.as_ref().map(|at| format!(" at `{at}`"));
        let what = format!(
            "tells of a failure ({}{})",
            failure.by,
            at.unwrap_or_default()
        );
        add(&what, of, &[], &failure.notes);
        let duplicates = failure.duplicate.iter();
        for duplicate in duplicates.map(|name| format!("`{name}`")) {
            add("says that the row is there already", duplicate, &[], &None);
        }
    }
    for entry in &preset.entry {
        let called = [
            (&entry.decorator, "calls what it decorates"),
            (&entry.overrides, "calls what overrides it"),
            (&entry.function, "calls a function of this name"),
            (&entry.passed_to, "calls what is passed to it"),
        ];
        for (path, what) in called {
            if let Some(path) = path {
                let what = format!("{what}, and hears");
                add(&what, format!("`{path}`"), &entry.hears, &entry.notes);
            }
        }
    }
    out
}

/// Calls on each class or module, or the classes themselves if there is no call.
fn calls<'n>(of: &[String], names: impl IntoIterator<Item = &'n String>) -> String {
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    let separator = if of.iter().any(|path| path.contains("::")) {
        "::"
    } else {
        "."
    };
    let of = of.iter().map(|path| match names.as_slice() {
        [] => format!("`{path}`"),
        [name] => format!("`{path}{separator}{name}`"),
        names => format!("`{path}{separator}{{{}}}`", names.join(", ")),
    });
    of.collect::<Vec<_>>().join(", ")
}

/// How a failure is told.
fn told(fails: &[Fails]) -> String {
    let words = fails.iter().map(|how| match how {
        Fails::Raises => "exception",
        Fails::Returns => "result",
        Fails::Callback => "callback",
        Fails::Future => "future",
    });
    words.collect::<Vec<_>>().join(", ")
}
