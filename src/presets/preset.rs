//! One preset: what a file in `rules/presets` says of an ecosystem.
//!
//! `rules/presets/README.md` tells what each table and each key means.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// What is known of one ecosystem.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// What people call it.
    pub title: String,
    /// Whose language its names are in.
    #[serde(default)]
    pub language: Written,
    /// The modules or crates that programs import, at least one.
    #[serde(deserialize_with = "some")]
    pub imports: Vec<String>,
    /// What the names were checked against.
    #[serde(default)]
    pub package: Vec<Package>,
    /// What may surprise a reader.
    pub notes: Option<String>,
    /// Which class a call gives.
    #[serde(default)]
    pub makes: Vec<Makes>,
    /// Calls that give the object itself, or another of its class.
    #[serde(default)]
    pub builds: Vec<Builds>,
    /// Calls that make rows durable, or hand them to something that does.
    #[serde(default)]
    pub write: Vec<Write>,
    /// Classes whose rows become durable by a commit.
    #[serde(default)]
    pub unit: Vec<Unit>,
    /// Calls that ask for the result of work that was handed over.
    #[serde(default)]
    pub wait: Vec<Wait>,
    /// Calls that move a cursor, an offset or a watermark, or acknowledge a message.
    #[serde(default)]
    pub position: Vec<Position>,
    /// Calls that give failed rows back.
    #[serde(default)]
    pub nack: Vec<Nack>,
    /// Calls that say how a unit of work ended.
    #[serde(default)]
    pub mark: Vec<Mark>,
    /// How else a failure is told.
    #[serde(default)]
    pub failure: Vec<Failure>,
    /// Where a framework calls the code of a program.
    #[serde(default)]
    pub entry: Vec<Entry>,
}

/// A list that is not empty.
fn some<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let list = Vec::deserialize(from)?;
    if list.is_empty() {
        return Err(D::Error::custom("name at least one module or crate"));
    }
    Ok(list)
}

/// The language that the names of a preset are in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Written {
    /// Dotted paths.
    #[default]
    Python,
    /// Paths with `::`.
    Rust,
}

/// How a failed call is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fails {
    /// It raises.
    Raises,
    /// The result tells; in Rust, an `Err`.
    Returns,
    /// A function is told.
    Callback,
    /// It fails where the result is asked.
    Future,
}

/// A package in a registry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Where it is published.
    pub registry: String,
    /// Its name there.
    pub name: String,
    /// The version.
    pub version: String,
    /// The module that it installs.
    pub import: String,
    /// Whether its classes have no source.
    #[serde(default)]
    pub compiled: bool,
}

/// Which class a call gives.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Makes {
    /// Classes, traits or modules.
    pub of: Vec<String>,
    /// The call.
    pub call: String,
    /// The class.
    pub gives: String,
    /// Only if this is the first argument.
    pub given: Option<String>,
    /// What may surprise a reader.
    pub notes: Option<String>,
}

/// Calls that give the object itself, or another of its class, as those of a builder do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Builds {
    /// The classes.
    pub of: Vec<String>,
    /// The calls.
    pub calls: Vec<String>,
    /// What may surprise a reader.
    pub notes: Option<String>,
}

/// A call that makes rows durable, or hands them to something that does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// Classes, traits or modules.
    pub of: Vec<String>,
    /// The call.
    pub call: String,
    /// Parameters with the text of a statement: the call writes only if the statement does.
    #[serde(default)]
    pub statement: Vec<String>,
    /// Parameters that take the rows. Empty if the receiver has them.
    #[serde(default)]
    pub rows: Vec<String>,
    /// Parameters one of which must be given: without it, nothing is written.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Parameters none of which may be given: with one, nothing is written, or it may be lost.
    #[serde(default)]
    pub unless: Vec<String>,
    /// How a failure is told. Empty if nobody is told.
    pub fails: Vec<Fails>,
    /// Whether it may fail without loss, such as a write to a cache.
    #[serde(default)]
    pub auxiliary: bool,
    /// What may surprise a reader.
    pub notes: Option<String>,
}

/// Classes whose rows become durable by a commit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// The classes.
    pub of: Vec<String>,
    /// Calls that put rows in.
    pub adds: Vec<String>,
    /// Calls that make them durable.
    pub commits: Vec<String>,
    /// Calls that throw them away.
    #[serde(default)]
    pub discards: Vec<String>,
    /// Calls whose `with` block commits at its end.
    #[serde(default)]
    pub blocks: Vec<String>,
    /// How a failure is told.
    pub fails: Vec<Fails>,
    /// What may surprise a reader.
    pub notes: Option<String>,
}

/// A call that asks for the result of work that was handed over.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// The classes.
    pub of: Vec<String>,
    /// The call.
    pub call: String,
    /// How a failure is told.
    pub fails: Vec<Fails>,
    /// What may surprise a reader.
    pub notes: Option<String>,
}

/// A call that moves a cursor, an offset or a watermark, or acknowledges a message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The classes.
    pub of: Vec<String>,
    /// The call. Without it: making an object of the class.
    pub call: Option<String>,
    /// `offset`, `ack`, `bookmark`, `state` or `watermark`.
    pub kind: String,
    /// Whether the call gives a place for positions: what is stored in it moves one.
    #[serde(default)]
    pub gives_place: bool,
    /// How a failure is told.
    pub fails: Vec<Fails>,
    /// What may surprise a reader.
    pub notes: Option<String>,
}

/// A call that gives failed rows back, or hands them on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nack {
    /// The classes.
    pub of: Vec<String>,
    /// The call. Without it: raising the class.
    pub call: Option<String>,
    /// What may surprise a reader.
    pub notes: Option<String>,
}

/// A call that says how a unit of work ended.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The classes.
    pub of: Vec<String>,
    /// The call. Without it: raising or returning an object of the class.
    pub call: Option<String>,
    /// `success`, `failure`, `retry` or `skip`.
    pub says: String,
    /// What may surprise a reader.
    pub notes: Option<String>,
}

/// How else a failure is told: a result that has to be tested, an attribute, exceptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Classes or modules.
    pub of: Vec<String>,
    /// The call whose result tells.
    pub call: Option<String>,
    /// How the result tells, or `exception`, or `err`.
    pub by: String,
    /// Where in the result.
    pub at: Option<String>,
    /// The argument without which the call raises instead.
    pub given: Option<String>,
    /// Arguments with which something else tells as well.
    #[serde(default)]
    pub unless: Vec<String>,
    /// The parameter that takes the command which is run: only some programs store rows.
    pub command: Option<String>,
    /// What a failed write raises; in Rust, the types of its error.
    #[serde(default)]
    pub exceptions: Vec<String>,
    /// What says that the row is there already.
    #[serde(default)]
    pub duplicate: Vec<String>,
    /// What may surprise a reader.
    pub notes: Option<String>,
}

/// Where a framework calls the code of a program, and by what it hears of a failure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// A decorator of the function.
    pub decorator: Option<String>,
    /// The method that it overrides.
    #[serde(rename = "override")]
    pub overrides: Option<String>,
    /// The name of the function, which `read_by` looks for.
    pub function: Option<String>,
    /// What looks for `function`.
    pub read_by: Option<String>,
    /// The call that the function is passed to.
    pub passed_to: Option<String>,
    /// As which parameter.
    pub parameter: Option<String>,
    /// By what it hears of a failure.
    pub hears: Vec<Fails>,
    /// What acknowledges the rows that the code was given.
    pub acknowledges: Option<AcknowledgedBy>,
    /// The argument of the decorator that must be True for that.
    pub given: Option<String>,
    /// What may surprise a reader.
    pub notes: Option<String>,
}

/// What tells a framework that the code it calls has stored the rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AcknowledgedBy {
    /// The code returns, and does not raise.
    Return,
    /// What it yields says that everything before is stored.
    Yield,
}

impl AcknowledgedBy {
    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Return => "return",
            Self::Yield => "yield",
        }
    }
}
