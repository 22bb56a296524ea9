//! The page that lists the built-in presets.

use std::fmt::Write as _;

use super::{Fails, Preset, built_in};

/// The page, in Markdown.
#[must_use]
pub fn page() -> String {
    let mut out = String::from(
        "# Presets\n\nWhat tallylint knows of libraries. A preset holds where the code shows that a call is made on one \
         of its classes: by an import, a constructor, an annotation, an attribute that the class sets, or what a \
         function returns. [The configuration](configuration.md) adds presets of your own \
         (`presets`) and leaves built-in ones out (`without-presets`).\n\n\
         [The format](../rules/presets/README.md) says what each table means. `swallowed-write`, \
         `ignored-failure` and `untracked-return` ask for writes, what adds to a unit of work and commits it, what \
         waits for a write, and exceptions for rows that are there already. `advance-past-failure` asks also for \
         positions and for what gives rows back, `ignored-failure` for results that tell of a failure \
         (`returned-…` of a call). All else is data that no rule reads yet.\n",
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
    let _ = write!(
        out,
        "Imports: {}. Checked against ",
        quoted(&preset.imports)
    );
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

/// The table of a preset.
#[derive(Default)]
struct Table(Vec<Row>);

fn rows(preset: &Preset) -> Vec<Row> {
    let mut table = Table::default();
    table.add_writes(preset);
    table.add_positions(preset);
    table.add_failures(preset);
    table.add_entries(preset);
    table.0
}

impl Table {
    fn add(&mut self, what: &str, of: String, fails: &[Fails], notes: Option<&String>) {
        self.0.push(Row {
            what: what.to_owned(),
            of,
            fails: told(fails),
            notes: notes.cloned(),
        });
    }

    fn add_writes(&mut self, preset: &Preset) {
        for write in &preset.write {
            let what = match (write.auxiliary, write.statement.is_empty()) {
                (true, _) => "writes what may be lost",
                (_, false) => "writes if its statement does",
                _ => "writes",
            };
            let mut what = what.to_owned();
            let names = |all: &[String]| {
                let all = all
                    .iter()
                    .map(|of| of.split(':').next().unwrap_or_default().to_owned());
                quoted(&all.collect::<Vec<_>>())
            };
            if !write.needs.is_empty() {
                what.push_str(&format!(" if given {}", names(&write.needs)));
            }
            if !write.unless.is_empty() {
                what.push_str(&format!(" unless given {}", names(&write.unless)));
            }
            let of = calls(&write.of, [&write.call]);
            self.add(&what, of, &write.fails, write.notes.as_ref());
        }
        for built in &preset.builds {
            let of = calls(&built.of, &built.calls);
            self.add("gives the object itself", of, &[], built.notes.as_ref());
        }
        for unit in &preset.unit {
            let fails = unit.fails.as_slice();
            for (what, names, fails, notes) in [
                ("adds to a unit of work", &unit.adds, &[][..], None),
                ("commits it", &unit.commits, fails, unit.notes.as_ref()),
                ("commits it at the end of `with`", &unit.blocks, fails, None),
                ("throws it away", &unit.discards, &[], None),
            ] {
                if !names.is_empty() {
                    self.add(what, calls(&unit.of, names), fails, notes);
                }
            }
        }
        for wait in &preset.wait {
            let of = calls(&wait.of, [&wait.call]);
            self.add("waits for a write", of, &wait.fails, wait.notes.as_ref());
        }
    }

    fn add_positions(&mut self, preset: &Preset) {
        for position in &preset.position {
            let what = match position.gives_place {
                true => format!("gives a place for positions ({})", position.kind),
                false => format!("moves a position ({})", position.kind),
            };
            let of = calls(&position.of, &position.call);
            self.add(&what, of, &position.fails, position.notes.as_ref());
        }
        for nack in &preset.nack {
            let of = calls(&nack.of, &nack.call);
            self.add("gives rows back", of, &[], nack.notes.as_ref());
        }
        for mark in &preset.mark {
            let what = format!("says how it ended: {}", mark.says);
            let of = calls(&mark.of, &mark.call);
            self.add(&what, of, &[], mark.notes.as_ref());
        }
    }

    fn add_failures(&mut self, preset: &Preset) {
        for failure in &preset.failure {
            let of = if failure.exceptions.is_empty() {
                calls(&failure.of, &failure.call)
            } else {
                quoted(&failure.exceptions)
            };
            let at = failure.at.as_ref().map(|at| format!(" at `{at}`"));
            let given = failure.given.as_ref().map(|of| format!(" if given `{of}`"));
            let what = format!(
                "tells of a failure ({}{}{})",
                failure.by,
                at.unwrap_or_default(),
                given.unwrap_or_default()
            );
            self.add(&what, of, &[], failure.notes.as_ref());
            if !failure.duplicate.is_empty() {
                let of = quoted(&failure.duplicate);
                self.add("says that the row is there already", of, &[], None);
            }
        }
    }

    fn add_entries(&mut self, preset: &Preset) {
        for entry in &preset.entry {
            let called = [
                (&entry.decorator, "calls what it decorates"),
                (&entry.overrides, "calls what overrides it"),
                (&entry.function, "calls a function of this name"),
                (&entry.passed_to, "calls what is passed to it"),
            ];
            for (path, what) in called {
                if let Some(path) = path {
                    let given = entry.given.as_ref().map(|of| format!(" if given `{of}`"));
                    let given = given.unwrap_or_default();
                    let what = match entry.acknowledges {
                        Some(by) => {
                            format!(
                                "{what}, takes a {} for an acknowledgement{given}, and hears",
                                by.word()
                            )
                        }
                        None => format!("{what}, and hears"),
                    };
                    self.add(
                        &what,
                        format!("`{path}`"),
                        &entry.hears,
                        entry.notes.as_ref(),
                    );
                }
            }
        }
    }
}

fn quoted(names: &[String]) -> String {
    let names = names.iter().map(|name| format!("`{name}`"));
    names.collect::<Vec<_>>().join(", ")
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
