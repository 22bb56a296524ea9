//! The index of presets: what is looked up by the names that code has.

use crate::order::Order as _;

use std::cmp::Reverse;

use rustc_hash::{FxHashMap, FxHashSet};

use super::paths::{dotted, is_near, split};
use super::{
    AcknowledgedBy, Fails, Given, Known, KnownWrite, Libraries, Moves, Parameter, Preset, Tells,
    Write, Written,
};

/// What presets say, by the names that code has.
#[derive(Default)]
pub(super) struct Index {
    /// What is known of classes, traits and modules, by the last part of their paths.
    holders: FxHashMap<String, Vec<Holder>>,
    /// The names of the calls that write, or commit a unit of work.
    pub(super) names: FxHashMap<String, Libraries>,
    /// The names of the calls that put rows into a unit of work, or wait for work that was handed over.
    pub(super) other_names: FxHashSet<String>,
    /// The names of the calls of which only the result tells of a failure.
    pub(super) telling: FxHashMap<String, Libraries>,
    /// The names of the calls that move a position.
    pub(super) positions: FxHashSet<String>,
    /// The names of the calls that give a place for positions.
    pub(super) places: FxHashMap<String, Libraries>,
    /// Where frameworks call code that acknowledges rows without a call.
    pub(super) acknowledging: Vec<Acknowledging>,
    /// The exceptions that say that a row is there already, by the last parts of their paths.
    duplicates: FxHashMap<String, Vec<String>>,
}

/// Code that a framework calls, and that acknowledges the rows which it is given without a call.
#[derive(Debug)]
pub struct Acknowledging {
    /// The library.
    pub library: Libraries,
    /// The path of a decorator, or of the method that the code overrides.
    path: String,
    /// Whether it is the path of a method.
    overrides: bool,
    /// The argument of the decorator without which nothing is acknowledged.
    given: Option<String>,
    /// What acknowledges them.
    pub by: AcknowledgedBy,
}

impl Acknowledging {
    /// A word that a file has with such code.
    #[must_use]
    pub fn clue(&self) -> &str {
        let path = match self.overrides {
            true => split(&self.path).0,
            false => &self.path,
        };
        self.given.as_deref().unwrap_or(split(path).1)
    }

    /// The argument of the decorator that has to be True, if one does.
    #[must_use]
    pub fn given(&self) -> Option<&str> {
        self.given.as_deref()
    }

    /// Whether a decorator of this path is the one.
    #[must_use]
    pub fn is_decorator(&self, path: &str) -> bool {
        !self.overrides && is_same(&self.path, path)
    }

    /// Whether a decorator may be the one, by the last part of its path.
    #[must_use]
    pub fn may_be_decorator(&self, name: &str) -> bool {
        !self.overrides && split(&self.path).1 == name
    }

    /// Whether a method of this name, in a class below this one, is such code.
    #[must_use]
    pub fn is_method(&self, class: &str, name: &str) -> bool {
        let (of, method) = split(&self.path);
        self.overrides && method == name && is_same(of, class)
    }
}

/// Whether two paths are those of one class or function, which a package may offer that does not define it.
fn is_same(one: &str, other: &str) -> bool {
    let ((module, last), (elsewhere, name)) = (split(one), split(other));
    last == name && is_near(module, elsewhere)
}

/// What is known of the calls of one class, trait or module.
#[derive(Default)]
pub(super) struct Holder {
    /// Its path, with dots.
    path: String,
    pub(super) calls: FxHashMap<String, Known>,
    /// The call, its first argument if that decides, and the class that it gives.
    pub(super) makes: Vec<(String, Option<String>, String)>,
}

impl Index {
    /// Indexes presets.
    pub(super) fn of<'p>(presets: impl IntoIterator<Item = (Libraries, &'p Preset)>) -> Self {
        let mut out = Self::default();
        for (library, preset) in presets {
            out.add(library, preset);
        }
        out
    }

    fn add(&mut self, library: Libraries, preset: &Preset) {
        for made in &preset.makes {
            for of in &made.of {
                let gives = dotted(&made.gives);
                let makes = (made.call.clone(), made.given.clone(), gives);
                self.holder(of).makes.push(makes);
            }
        }
        for built in &preset.builds {
            for of in &built.of {
                let path = dotted(of);
                let makes = built.calls.iter();
                let makes = makes.map(|call| (call.clone(), None, path.clone()));
                self.holder(of).makes.extend(makes);
            }
        }
        for write in &preset.write {
            *self.names.entry(write.call.clone()).or_default() |= library;
            let raises = |how: &Fails| match how {
                Fails::Raises | Fails::Future => true,
                Fails::Returns => preset.language == Written::Rust,
                Fails::Callback => false,
            };
            let known = KnownWrite {
                by_statement: !write.statement.is_empty(),
                auxiliary: write.auxiliary,
                needs: write.needs.iter().map(|of| Parameter::of(of)).collect(),
                unless: write.unless.iter().map(|of| Parameter::of(of)).collect(),
                raises: write.fails.iter().any(raises),
            };
            for of in &write.of {
                let call = self.holder(of).calls.entry(write.call.clone());
                call.or_default().write = Some(known.clone());
            }
        }
        for wait in &preset.wait {
            if wait.fails.contains(&Fails::Raises) {
                self.other_names.insert(wait.call.clone());
                for of in &wait.of {
                    let call = self.holder(of).calls.entry(wait.call.clone());
                    call.or_default().waits = true;
                }
            }
        }
        self.add_positions(library, preset);
        self.add_results(library, preset);
        for exception in preset.failure.iter().flat_map(|failure| &failure.duplicate) {
            let path = dotted(exception);
            let last = split(&path).1.to_owned();
            self.duplicates.entry(last).or_default().push(path);
        }
        for unit in &preset.unit {
            for name in &unit.commits {
                *self.names.entry(name.clone()).or_default() |= library;
            }
            self.other_names.extend(unit.adds.iter().cloned());
            for of in &unit.of {
                let calls = &mut self.holder(of).calls;
                let mut note = |names: &[String], note: fn(&mut Known)| {
                    for name in names {
                        note(calls.entry(name.clone()).or_default());
                    }
                };
                note(&unit.adds, |known| known.adds = true);
                note(&unit.commits, |known| known.commits = true);
            }
        }
    }

    fn add_positions(&mut self, library: Libraries, preset: &Preset) {
        for position in &preset.position {
            let Some(name) = &position.call else { continue };
            let moves = match position.kind.as_str() {
                "offset" => Moves::Offset,
                "ack" => Moves::Message,
                _ => Moves::Kept,
            };
            if position.gives_place {
                *self.places.entry(name.clone()).or_default() |= library;
            } else {
                self.positions.insert(name.clone());
            }
            for of in &position.of {
                let call = self.holder(of).calls.entry(name.clone()).or_default();
                call.gives_place = position.gives_place;
                call.moves = Some(moves).filter(|_| !position.gives_place);
            }
        }
        for entry in &preset.entry {
            let Some(by) = entry.acknowledges else {
                continue;
            };
            let (path, overrides) = match (&entry.decorator, &entry.overrides) {
                (Some(path), _) => (path, false),
                (None, Some(path)) => (path, true),
                (None, None) => continue,
            };
            self.acknowledging.push(Acknowledging {
                library,
                path: dotted(path),
                overrides,
                given: entry.given.clone(),
                by,
            });
        }
        for nack in &preset.nack {
            let Some(name) = &nack.call else { continue };
            for of in &nack.of {
                let call = self.holder(of).calls.entry(name.clone());
                call.or_default().gives_back = true;
            }
        }
    }

    /// The calls of which only the result tells that rows were not stored. A count of what worked is none:
    /// a row that is not there is no failure.
    fn add_results(&mut self, library: Libraries, preset: &Preset) {
        for failure in &preset.failure {
            let by = [
                "returned-list",
                "returned-true",
                "returned-false",
                "returned-job",
            ];
            let Some(name) = &failure.call else { continue };
            if !by.contains(&failure.by.as_str()) {
                continue;
            }
            // A function that is told, too, may be the one that handles it.
            let told =
                |write: &&Write| write.call == *name && write.fails.contains(&Fails::Callback);
            let told: Vec<&Write> = preset.write.iter().filter(told).collect();
            let tells = Tells {
                at: failure.at.clone(),
                if_true: failure.by != "returned-false",
                later: failure.by == "returned-job",
                given: failure.given.as_deref().map(Given::of),
                unless: failure.unless.iter().map(|of| Parameter::of(of)).collect(),
                command: failure.command.as_deref().map(Parameter::of),
            };
            *self.telling.entry(name.clone()).or_default() |= library;
            for of in &failure.of {
                if !told.iter().any(|write| write.of.contains(of)) {
                    let call = self.holder(of).calls.entry(name.clone());
                    call.or_default().tells = Some(tells.clone());
                }
            }
        }
    }

    fn holder(&mut self, path: &str) -> &mut Holder {
        let path = dotted(path);
        let (_, last) = split(&path);
        let known = self.holders.entry(last.to_owned()).or_default();
        let at = known.iter().position(|holder| holder.path == path);
        let at = at.unwrap_or_else(|| {
            known.push(Holder {
                path,
                ..Holder::default()
            });
            known.len() - 1
        });
        &mut known[at]
    }

    /// What is known of a class or module, the best answer first. A class may be named by the module that
    /// defines it, or by a package that offers it: `redis.client.Redis` is `redis.Redis`.
    pub(super) fn find(&self, path: &str) -> Vec<&Holder> {
        let (module, last) = split(path);
        let same = self.holders.get(last).into_iter().flatten();
        let near = same.filter(|holder| is_near(split(&holder.path).0, module));
        let mut near: Vec<&Holder> = near.collect();
        near.order_by_key(|holder| Reverse((holder.path == path, holder.path.len())));
        near
    }

    /// Whether an exception says that a row is there already.
    pub(super) fn says_duplicate(&self, path: &str) -> bool {
        let (module, last) = split(path);
        let same = self.duplicates.get(last);
        same.is_some_and(|same| same.iter().any(|own| is_near(split(own).0, module)))
    }
}
