//! Presets: what is known of the libraries that programs write with.
//!
//! A preset is a data file (`rules/presets`, or one that the configuration names). Nothing here looks
//! at code: who knows which class of a library a call is made on asks [`Presets::call`] what the call
//! does.

mod built_in;
mod index;
mod of;
mod page;
mod paths;
mod preset;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock, OnceLock};

use index::Index;

pub use built_in::built_in;
pub use index::Acknowledging;
pub use of::Of;
pub use page::page;
pub use preset::{
    AcknowledgedBy, Entry, Fails, Failure, Makes, Mark, Nack, Package, Position, Preset, Unit,
    Wait, Write, Written,
};

/// The presets of a run: what comes with the program, and what the configuration adds.
#[derive(Default)]
pub struct Presets {
    /// Which built-in presets are left out.
    without: BTreeSet<String>,
    /// The texts of the presets that the configuration adds.
    own: Vec<String>,
    /// The same, read.
    more: Vec<Preset>,
    /// Made on first use: many files have no call to look up.
    index: OnceLock<Index>,
}

// All else follows from the texts.
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

/// What a preset says of a call. The default: it neither writes nor has to do with a unit of work.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Known {
    /// The write that it is, if it is one.
    pub write: Option<KnownWrite>,
    /// Whether it puts rows into a unit of work.
    pub adds: bool,
    /// Whether it makes the rows of a unit of work durable.
    pub commits: bool,
    /// Whether it waits for work that was handed over, and raises if that failed.
    pub waits: bool,
    /// The position that it moves, if it moves one.
    pub moves: Option<Moves>,
    /// Whether it gives a place for positions: what is stored in it moves one.
    pub gives_place: bool,
    /// Whether it gives rows back that could not be processed: negative acknowledge, seek, retry.
    pub gives_back: bool,
    /// How its result tells of rows that were not stored, if nothing else does.
    pub tells: Option<Tells>,
}

/// How the result of a call tells that rows were not stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tells {
    /// Where in the result: `key:Failed`, `element:1`, `attribute:errors`. `None`: the result itself.
    pub at: Option<String>,
    /// Whether what is there tells of a failure if it is true; otherwise, if it is false.
    pub if_true: bool,
    /// Whether the result is something that has to be asked later: a job, a task, a future.
    pub later: bool,
    /// What the call must be given so that only its result tells.
    pub given: Option<Given>,
    /// What it must not be given so that only its result tells.
    pub unless: Vec<Parameter>,
    /// The parameter that takes the command which is run.
    pub command: Option<Parameter>,
}

/// An argument that a call must be given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Given {
    /// The parameter.
    pub parameter: Parameter,
    /// The value, if not any value will do.
    pub value: Option<bool>,
}

impl Given {
    /// From `name`, `name:place`, or one of them with `=True` or `=False`.
    fn of(text: &str) -> Self {
        let (parameter, value) = text.split_once('=').unwrap_or((text, ""));
        Self {
            parameter: Parameter::of(parameter),
            value: match value {
                "True" => Some(true),
                "False" => Some(false),
                _ => None,
            },
        }
    }
}

/// What a position says is safe once it has moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moves {
    /// Everything that was read before: an offset of a consumer.
    Offset,
    /// One message: an acknowledgement.
    Message,
    /// Everything up to a value that is kept: a cursor, a bookmark, a watermark.
    Kept,
}

impl Known {
    /// A call that neither writes nor has to do with a unit of work.
    pub const NOTHING: &'static Self = &Self {
        write: None,
        adds: false,
        commits: false,
        waits: false,
        moves: None,
        gives_place: false,
        gives_back: false,
        tells: None,
    };

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
    /// Parameters one of which must be given.
    pub needs: Vec<Parameter>,
    /// Parameters none of which may be given.
    pub unless: Vec<Parameter>,
    /// Whether a failure is an exception (in Rust, an `Err`) of the call itself, or of what is handed
    /// over by it.
    pub raises: bool,
}

/// A parameter of a call: its name, and its place if it can be given by place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// The place; the receiver does not count.
    pub place: Option<usize>,
}

impl Parameter {
    /// From `name:place`, or `name`.
    fn of(text: &str) -> Self {
        let (name, place) = text.split_once(':').unwrap_or((text, ""));
        Self {
            name: name.to_owned(),
            place: place.parse().ok(),
        }
    }
}

/// A set of libraries that presets are about. It may contain too many: several of them can share a bit.
pub type Libraries = u64;

/// How many bits [`Libraries`] use, from the lowest one.
pub const LIBRARY_BITS: u32 = 48;

/// The library of every preset that a project adds.
const OWN: Libraries = 1 << (LIBRARY_BITS - 1);

/// The libraries of the built-in presets, in their order.
fn each_library() -> impl Iterator<Item = Libraries> {
    (0..LIBRARY_BITS - 1).cycle().map(|bit| 1 << bit)
}

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
        let more = read.collect::<Result<_, _>>()?;
        Ok(Arc::new(Self {
            without,
            own,
            more,
            index: OnceLock::new(),
        }))
    }

    /// The built-in presets.
    #[must_use]
    pub fn standard() -> Arc<Self> {
        static STANDARD: LazyLock<Arc<Presets>> = LazyLock::new(Arc::default);
        STANDARD.clone()
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            let all = built_in().iter().zip(each_library());
            let kept = all.filter(|((name, _), _)| !self.without.contains(*name));
            let kept = kept.map(|((_, preset), library)| (library, preset));
            Index::of(kept.chain(self.more.iter().map(|preset| (OWN, preset))))
        })
    }

    /// What a call does; `None` if no preset knows the class or module that it is made on.
    #[must_use]
    pub fn call(&self, of: &Of, name: &str) -> Option<&Known> {
        let mut described = !of.paths.is_empty();
        for path in &of.paths {
            let holders = self.index().find(path);
            if let Some(known) = holders.iter().find_map(|holder| holder.calls.get(name)) {
                return Some(known);
            }
            described &= holders.iter().any(|holder| !holder.calls.is_empty());
        }
        // The functions of a module are many, and a class that is not known may define the method.
        (described && of.is_object && !of.partial).then_some(Known::NOTHING)
    }

    /// Whether an exception says that a row is there already.
    #[must_use]
    pub fn says_duplicate(&self, path: &str) -> bool {
        self.index().says_duplicate(path)
    }

    /// Whether a call of that name writes, or commits a unit of work, if it is made on the right class.
    #[must_use]
    pub fn names_write(&self, name: &str) -> bool {
        self.index().names.contains_key(name)
    }

    /// Whether presets say something of a call of that name, if it is made on the right class.
    #[must_use]
    pub fn names_call(&self, name: &str) -> bool {
        self.names_write(name) || self.index().other_names.contains(name)
    }

    /// The libraries in which a call of that name writes, or commits a unit of work.
    #[must_use]
    pub fn with_write(&self, name: &str) -> Libraries {
        self.index().names.get(name).copied().unwrap_or(0)
    }

    /// The libraries in which only the result of a call of that name tells of a failure.
    #[must_use]
    pub fn with_telling(&self, name: &str) -> Libraries {
        self.index().telling.get(name).copied().unwrap_or(0)
    }

    /// The libraries with calls of which only the result tells of a failure.
    #[must_use]
    pub fn that_tell(&self) -> Libraries {
        self.index().telling.values().fold(0, |all, of| all | of)
    }

    /// Whether a call of that name moves a position, if it is made on the right class.
    #[must_use]
    pub fn names_position(&self, name: &str) -> bool {
        self.index().positions.contains(name)
    }

    /// The libraries in which a call of that name gives a place for positions.
    #[must_use]
    pub fn with_place(&self, name: &str) -> Libraries {
        self.index().places.get(name).copied().unwrap_or(0)
    }

    /// The names of the calls that give a place for positions.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.index().places.keys().map(String::as_str)
    }

    /// Where frameworks call code that acknowledges rows without a call.
    #[must_use]
    pub fn acknowledging(&self) -> &[Acknowledging] {
        &self.index().acknowledging
    }

    /// The first parts of the paths of the libraries, and which these are.
    #[must_use]
    pub fn roots(&self) -> BTreeMap<String, Libraries> {
        let mut out = BTreeMap::new();
        let mut add = |path: &str, library: Libraries| {
            *out.entry(paths::first(path).to_owned()).or_default() |= library;
        };
        for ((name, imports), library) in built_in::imports().zip(each_library()) {
            if !self.without.contains(name) {
                imports.for_each(|path| add(path, library));
            }
        }
        for path in self.more.iter().flat_map(|preset| &preset.imports) {
            add(path, OWN);
        }
        out
    }

    /// What a definition or an object of a library gives if it is called.
    fn called(&self, of: &Of, name: &str, given: Option<&str>) -> Option<Of> {
        let holders = of.paths.iter().flat_map(|path| self.index().find(path));
        let mut makes = holders.flat_map(|holder| &holder.makes);
        let fits = |(call, demanded, _): &&(String, Option<String>, String)| {
            call == name && demanded.as_deref().is_none_or(|d| given == Some(d))
        };
        makes.find(fits).map(|(_, _, gives)| Of::object(gives))
    }

    /// Whether a preset says something of a class or module.
    fn describes(&self, path: &str) -> bool {
        !self.index().find(path).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Known, Of, Presets};

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
        // A builder gives itself; what other calls give is not known.
        let query = Of::definition("sqlx.query").call(&presets, None).unwrap();
        let bound = query.call_method(&presets, "bind", None).unwrap();
        assert_eq!(bound, query);
        assert_eq!(bound.call_method(&presets, "unknown", None), None);
        // A class whose name begins with a small letter is one if a preset says so.
        let maker = client(&presets, "sqlalchemy.orm.sessionmaker");
        let session = maker.call(&presets, None).unwrap();
        assert!(presets.call(&session, "commit").unwrap().commits);
    }

    #[test]
    fn a_class_that_is_not_known_may_define_anything() {
        let presets = Presets::standard();
        let model = "django.db.models.Model".to_owned();
        let one = Of::heir(vec![model.clone()], true);
        assert_eq!(presets.call(&one, "insert_rows"), Some(Known::NOTHING));
        let two = Of::heir(vec![model.clone(), "other.Mixin".to_owned()], true);
        assert_eq!(presets.call(&two, "insert_rows"), None);
        assert_eq!(
            presets.call(&Of::heir(vec![model], false), "insert_rows"),
            None
        );
        assert!(presets.call(&two, "save").unwrap().write.is_some());
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
