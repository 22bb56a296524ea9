//! Presets: what is known of the libraries that programs write with.
//!
//! A preset is a data file (`rules/presets`, or one that the configuration names). Nothing here looks
//! at code: who knows which class of a library a call is made on asks [`Presets::call`] what the call
//! does.

mod built_in;
mod page;
mod preset;

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use rustc_hash::{FxHashMap, FxHashSet};

pub use built_in::built_in;
pub use page::page;
pub use preset::{
    Entry, Fails, Failure, Makes, Mark, Nack, Package, Position, Preset, Unit, Wait, Write, Written,
};

/// The presets of a run: what comes with the program, and what the configuration adds.
pub struct Presets {
    /// Which built-in presets are left out.
    without: BTreeSet<String>,
    /// The texts of the presets that the configuration adds.
    own: Vec<String>,
    /// What is known of classes, traits and modules, by the last part of their paths.
    holders: FxHashMap<String, Vec<Holder>>,
    /// The names of the calls that write, or commit a unit of work.
    names: FxHashSet<String>,
    /// The names of the calls that put rows into one, make a context manager that commits it, or wait for
    /// work that was handed over.
    other_names: FxHashSet<String>,
    /// The exceptions that say that a row is there already, by the last parts of their paths.
    duplicates: FxHashMap<String, Vec<String>>,
    /// The first parts of the paths of the libraries.
    roots: BTreeSet<String>,
}

// The index follows from the rest.
impl PartialEq for Presets {
    fn eq(&self, other: &Self) -> bool {
        (&self.without, &self.own) == (&other.without, &other.own)
    }
}

impl Eq for Presets {}

impl Hash for Presets {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.without, &self.own).hash(state);
    }
}

impl fmt::Debug for Presets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Presets");
        out.field("without", &self.without).field("own", &self.own);
        out.finish_non_exhaustive()
    }
}

/// What is known of the calls of one class, trait or module.
#[derive(Default)]
struct Holder {
    /// Its path, with dots.
    path: String,
    calls: FxHashMap<String, Known>,
    /// The call, its first argument if that decides, and the class that it gives.
    makes: Vec<(String, Option<String>, String)>,
}

/// What a preset says of a call. The default: it neither writes nor has to do with a unit of work.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Known {
    /// The write that it is, if it is one.
    pub write: Option<KnownWrite>,
    /// Whether it puts rows into a unit of work.
    pub adds: bool,
    /// Whether it makes the rows of a unit of work durable.
    pub commits: bool,
    /// Whether it makes a context manager that commits at its end.
    pub begins: bool,
    /// Whether it waits for work that was handed over, and raises if that failed.
    pub waits: bool,
}

impl Known {
    /// Whether it writes, or may if its statement does, commits a unit of work, or waits for a write.
    #[must_use]
    pub fn may_write(&self) -> bool {
        self.write.is_some() || self.commits || self.waits
    }
}

/// What a preset says of a write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownWrite {
    /// Whether it writes only if the statement that it is given does.
    pub by_statement: bool,
    /// Whether it may fail without loss.
    pub auxiliary: bool,
    /// Whether a failure is an exception (in Rust, an `Err`) of the call itself, or of what is handed
    /// over by it.
    pub raises: bool,
}

/// What separates the parts of a path.
const SEPARATOR: char = '.';

impl Presets {
    /// The built-in presets, unless they are named in `without`, and `own` ones.
    ///
    /// # Errors
    /// If one of `own` cannot be read: its place in the list, and why.
    pub fn new(
        without: BTreeSet<String>,
        own: Vec<String>,
    ) -> Result<Arc<Self>, (usize, toml::de::Error)> {
        if without.is_empty() && own.is_empty() {
            return Ok(Self::standard());
        }
        let read = own.iter().enumerate();
        let read = read.map(|(at, text)| toml::from_str(text).map_err(|error| (at, error)));
        let more: Vec<Preset> = read.collect::<Result<_, _>>()?;
        let built_in = built_in().iter();
        let kept = built_in.filter(|(name, _)| !without.contains(*name));
        let all: Vec<&Preset> = kept.map(|(_, preset)| preset).chain(&more).collect();
        let mut out = Self::of(&all);
        out.without = without;
        out.own = own;
        Ok(Arc::new(out))
    }

    /// The built-in presets.
    #[must_use]
    pub fn standard() -> Arc<Self> {
        static STANDARD: LazyLock<Arc<Presets>> = LazyLock::new(|| {
            let all: Vec<&Preset> = built_in().iter().map(|(_, preset)| preset).collect();
            Arc::new(Presets::of(&all))
        });
        STANDARD.clone()
    }

    fn of(presets: &[&Preset]) -> Self {
        let mut out = Self {
            without: BTreeSet::new(),
            own: Vec::new(),
            holders: FxHashMap::default(),
            names: FxHashSet::default(),
            other_names: FxHashSet::default(),
            duplicates: FxHashMap::default(),
            roots: BTreeSet::new(),
        };
        for preset in presets {
            let roots = preset.imports.iter().map(|import| dotted(import));
            let first = |path: String| path.split(SEPARATOR).next().unwrap_or_default().to_owned();
            out.roots.extend(roots.map(first));
            out.add(preset);
        }
        out
    }

    fn add(&mut self, preset: &Preset) {
        for made in &preset.makes {
            for of in &made.of {
                let gives = dotted(&made.gives);
                let makes = (made.call.clone(), made.given.clone(), gives);
                self.holder(of).makes.push(makes);
            }
        }
        for write in &preset.write {
            self.names.insert(write.call.clone());
            let raises = |how: &Fails| match how {
                Fails::Raises | Fails::Future => true,
                Fails::Returns => preset.language == Written::Rust,
                Fails::Callback => false,
            };
            let known = KnownWrite {
                by_statement: !write.statement.is_empty(),
                auxiliary: write.auxiliary,
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
        for exception in preset.failure.iter().flat_map(|failure| &failure.duplicate) {
            let path = dotted(exception);
            let last = split(&path).1.to_owned();
            self.duplicates.entry(last).or_default().push(path);
        }
        for unit in &preset.unit {
            self.names.extend(unit.commits.iter().cloned());
            let others = unit.adds.iter().chain(&unit.blocks).cloned();
            self.other_names.extend(others);
            for of in &unit.of {
                let calls = &mut self.holder(of).calls;
                let mut note = |names: &[String], note: fn(&mut Known)| {
                    for name in names {
                        note(calls.entry(name.clone()).or_default());
                    }
                };
                note(&unit.adds, |known| known.adds = true);
                note(&unit.commits, |known| known.commits = true);
                note(&unit.blocks, |known| known.begins = true);
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

    /// What is known of a class or module. A class may be named by the module that defines it, or by a
    /// package that offers it: `redis.client.Redis` is `redis.Redis`.
    fn find(&self, path: &str) -> Option<&Holder> {
        let (module, last) = split(path);
        let same = self.holders.get(last)?;
        let near = same
            .iter()
            .filter(|holder| is_near(split(&holder.path).0, module));
        near.max_by_key(|holder| (holder.path == path, holder.path.len()))
    }

    /// What a call does; `None` if no preset knows the class or module that it is made on.
    #[must_use]
    pub fn call(&self, of: &Of, name: &str) -> Option<Known> {
        let holders = of.paths.iter().filter_map(|path| self.find(path));
        let mut described = false;
        for holder in holders {
            if let Some(known) = holder.calls.get(name) {
                return Some(known.clone());
            }
            described |= !holder.calls.is_empty();
        }
        // The functions of a module are many, and a call in a chain may be made on anything.
        (described && of.is_object && !of.chained).then(Known::default)
    }

    /// Whether an exception says that a row is there already.
    #[must_use]
    pub fn says_duplicate(&self, path: &str) -> bool {
        let (module, last) = split(path);
        let same = self.duplicates.get(last);
        same.is_some_and(|same| same.iter().any(|own| is_near(split(own).0, module)))
    }

    /// Whether a call of that name writes, or commits a unit of work, if it is made on the right class.
    #[must_use]
    pub fn names_write(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Whether presets say something of a call of that name, if it is made on the right class.
    #[must_use]
    pub fn names_call(&self, name: &str) -> bool {
        self.names_write(name) || self.other_names.contains(name)
    }

    /// The names of calls that write, or commit a unit of work.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The first parts of the paths of the libraries.
    pub fn roots(&self) -> impl Iterator<Item = &str> {
        self.roots.iter().map(String::as_str)
    }

    /// What a definition or an object of a library gives if it is called.
    fn called(&self, of: &Of, name: &str, given: Option<&str>) -> Option<Of> {
        let holders = of.paths.iter().filter_map(|path| self.find(path));
        let mut makes = holders.flat_map(|holder| &holder.makes);
        let fits = |(call, demanded, _): &&(String, Option<String>, String)| {
            call == name && demanded.as_deref().is_none_or(|d| given == Some(d))
        };
        makes.find(fits).map(|(_, _, gives)| Of::object(gives))
    }
}

/// What a call is made on: a module or class of a library, or an object of some class.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Of {
    /// The path of the module or class, or of the class and those above it.
    paths: Vec<String>,
    /// Whether it is an object.
    is_object: bool,
    /// Whether calls were made on the object whose results are not known: they may have given the
    /// object itself, as those of a builder do.
    chained: bool,
}

impl Of {
    /// A module, class or function, by its path.
    #[must_use]
    pub fn definition(path: &str) -> Self {
        Self {
            paths: vec![path.to_owned()],
            is_object: false,
            chained: false,
        }
    }

    /// An object of a class.
    fn object(class: &str) -> Self {
        Self {
            is_object: true,
            ..Self::definition(class)
        }
    }

    /// An object of a class whose classes above it are these.
    #[must_use]
    pub fn heir(above: Vec<String>) -> Self {
        Self {
            paths: above,
            is_object: true,
            chained: false,
        }
    }

    /// Its member: of a definition, what has the longer path; of an object, what presets say.
    #[must_use]
    pub fn member(&self, presets: &Presets, name: &str) -> Option<Self> {
        let [path] = self.paths.as_slice() else {
            return None;
        };
        if self.is_object {
            return presets.called(self, name, None);
        }
        Some(Self::definition(&format!("{path}{SEPARATOR}{name}")))
    }

    /// Whether calls were made on it whose results are not known.
    #[must_use]
    pub fn is_chained(&self) -> bool {
        self.chained
    }

    /// What a function of a library is a member of, and its name.
    #[must_use]
    pub fn split(&self) -> Option<(Self, &str)> {
        let [path] = self.paths.as_slice() else {
            return None;
        };
        let (holder, name) = split(path);
        (!self.is_object && !holder.is_empty()).then(|| (Self::definition(holder), name))
    }

    /// What a call of this definition gives. `given` is its first argument, if that is a literal text.
    #[must_use]
    pub fn call(&self, presets: &Presets, given: Option<&str>) -> Option<Self> {
        if self.is_object {
            return presets.called(self, "__call__", given);
        }
        let [path] = self.paths.as_slice() else {
            return None;
        };
        let (holder, name) = split(path);
        let made = presets.called(&Self::definition(holder), name, given);
        made.or_else(|| {
            // A constructor, or a function of the class that is one: `Redis.from_url(…)`.
            let class = [path.as_str(), holder].into_iter().find(|p| is_class(p))?;
            Some(Self::object(class))
        })
    }

    /// What a call of a method of the object gives.
    #[must_use]
    pub fn call_method(&self, presets: &Presets, name: &str, given: Option<&str>) -> Option<Self> {
        if !self.is_object {
            return self.member(presets, name)?.call(presets, given);
        }
        let made = presets.called(self, name, given);
        Some(made.unwrap_or_else(|| Self {
            chained: true,
            ..self.clone()
        }))
    }

    /// What `with` binds.
    #[must_use]
    pub fn entered(&self, presets: &Presets) -> Self {
        let made = presets.called(self, "__enter__", None);
        let made = made.or_else(|| presets.called(self, "__aenter__", None));
        made.unwrap_or_else(|| self.clone())
    }
}

/// Whether a path is that of a class, judged by its last part.
fn is_class(path: &str) -> bool {
    split(path).1.starts_with(|c: char| c.is_ascii_uppercase())
}

/// Whether one of two modules is the other, or contains it.
fn is_near(one: &str, other: &str) -> bool {
    let contains = |above: &str, below: &str| {
        let rest = below.strip_prefix(above);
        !above.is_empty() && rest.is_some_and(|r| r.is_empty() || r.starts_with(SEPARATOR))
    };
    one == other || contains(one, other) || contains(other, one)
}

fn dotted(path: &str) -> String {
    path.replace("::", ".")
}

/// The path without its last part, and that part.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once(SEPARATOR).unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Of, Presets};

    fn client(presets: &Presets, path: &str) -> Of {
        Of::definition(path).call(presets, None).unwrap()
    }

    fn writes(presets: &Presets, path: &str, call: &str) -> Option<bool> {
        let known = presets.call(&client(presets, path), call);
        known.map(|known| known.write.is_some())
    }

    #[test]
    fn a_class_is_known_by_where_it_is_defined_and_where_it_is_offered() {
        let presets = Presets::standard();
        for path in ["redis.Redis", "redis.client.Redis", "redis.asyncio.Redis"] {
            assert_eq!(writes(&presets, path, "xadd"), Some(true), "{path}");
            assert_eq!(writes(&presets, path, "ping"), Some(false), "{path}");
        }
        for path in ["other.Redis", "rediscluster.Redis", "redis.Unknown"] {
            assert_eq!(writes(&presets, path, "xadd"), None, "{path}");
        }
        assert!(presets.says_duplicate("pymongo.errors.DuplicateKeyError"));
        assert!(!presets.says_duplicate("pymongo.errors.WriteError"));
    }

    #[test]
    fn what_a_call_gives_is_followed() {
        let presets = Presets::standard();
        let s3 = Of::definition("boto3.client").call(&presets, Some("s3"));
        let known = presets.call(&s3.unwrap(), "upload_file");
        assert!(known.is_some_and(|known| known.write.is_some()));
        assert_eq!(Of::definition("boto3.client").call(&presets, None), None);
        // A builder gives itself, but what else it may give is not known.
        let query = Of::definition("sqlx.query").call(&presets, None).unwrap();
        let bound = query.call_method(&presets, "bind", None).unwrap();
        assert!(bound.is_chained());
        assert!(presets.call(&bound, "execute").is_some());
        assert_eq!(presets.call(&bound, "unknown"), None);
    }

    #[test]
    fn presets_are_left_out_and_added() {
        let without = BTreeSet::from(["redis".to_owned()]);
        let own = "title = 'a'\nimports = ['a']\n\
                   unit = [{ of = ['a.B'], adds = ['c'], commits = ['d'], discards = [], fails = [] }]";
        let presets = Presets::new(without, vec![own.to_owned()]).unwrap();
        assert_eq!(writes(&presets, "redis.Redis", "xadd"), None);
        let known = presets.call(&client(&presets, "a.B"), "d").unwrap();
        assert!(known.commits && !known.adds && known.write.is_none());
        let wrong = Presets::new(
            BTreeSet::new(),
            vec![own.to_owned(), "title = 1".to_owned()],
        );
        assert_eq!(wrong.unwrap_err().0, 1);
        assert_ne!(presets, Presets::standard());
    }
}
