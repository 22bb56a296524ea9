//! Options of rules: what a configuration file may say about one, and the value it comes to.
//!
//! A rule describes its options as data ([`OptionSpec`]) and turns what was said into a value of
//! its own type. Reading, merging, listing and documenting them need to know no more than that.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

/// How an option is written, and what happens when two files say something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// `true` or `false`. The later file wins.
    Flag {
        /// What holds when nothing is said.
        default: bool,
    },
    /// A text. The later file wins.
    Text,
    /// A list of texts in place of a built-in one. The later file wins.
    List,
    /// A list of texts beside those that are built in. Files add to each other.
    MoreItems,
}

/// An option of a rule.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    /// Its key in the rule's table.
    pub key: &'static str,
    /// How it is written.
    pub form: Form,
    /// What it is for: the description in the JSON schema and in the reference.
    pub about: &'static str,
}

/// What was said about an option.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GivenValue {
    /// Of the form [`Form::Flag`].
    Flag(bool),
    /// Of the form [`Form::Text`].
    Text(String),
    /// Of the other forms.
    List(Vec<String>),
}

/// What was said about the options of one rule, by key.
#[derive(Clone, Default, Debug)]
pub struct Given(BTreeMap<&'static str, GivenValue>);

impl Given {
    /// What was said, by key. Each value has the form of its option.
    #[must_use]
    pub fn new(values: BTreeMap<&'static str, GivenValue>) -> Self {
        Self(values)
    }

    /// The value of a flag, if one was given.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.0.get(key) {
            Some(GivenValue::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// The value of a text, if one was given.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.0.get(key) {
            Some(GivenValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The items of a list, if one was given.
    #[must_use]
    pub fn list(&self, key: &str) -> Option<&[String]> {
        match self.0.get(key) {
            Some(GivenValue::List(items)) => Some(items),
            _ => None,
        }
    }
}

/// Why the value of an option is not valid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// The option.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
}

/// The options that a rule has.
pub trait OptionTable: Sync {
    /// What can be said.
    fn specs(&self) -> &'static [OptionSpec];

    /// What it comes to.
    ///
    /// # Errors
    /// The first value that is not valid.
    fn resolve(&self, given: &Given) -> Result<Arc<dyn OptionValue>, Wrong>;
}

/// The options of a rule in its own type. `Debug` must tell all of it: results are kept by that.
pub trait OptionValue: Any + Debug + Send + Sync {}

/// The options of all rules that have some, by rule.
#[derive(Clone, Default, Debug)]
pub struct Options(BTreeMap<&'static str, Arc<dyn OptionValue>>);

impl Options {
    /// Sets the options of a rule.
    pub fn set(&mut self, rule: &'static str, value: Arc<dyn OptionValue>) {
        self.0.insert(rule, value);
    }

    /// The options of this type, of which there is one for the rule that has the type.
    ///
    /// # Panics
    /// When they were never set. Settings that come from a configuration have those of each rule.
    #[must_use]
    pub fn get<T: OptionValue>(&self) -> &T {
        let mut values = self.0.values().map(|value| &**value as &dyn Any);
        values
            .find_map(<dyn Any>::downcast_ref)
            .expect("a configuration resolves the options of every rule")
    }
}
