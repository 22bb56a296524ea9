//! Options of rules: what a configuration file may say, and the values that result.
//!
//! A rule describes its options as data ([`OptionSpec`]) and turns what a file says into a value of
//! its own type. Code that reads, merges, lists or documents options needs no more than the
//! description.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

/// How an option is written, and how the values of two files are combined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// `true` or `false`. The later file wins.
    Flag {
        /// The value if no file sets it.
        default: bool,
    },
    /// A string. The later file wins.
    Text,
    /// A list of strings that replaces a built-in one. The later file wins.
    List,
    /// A list of strings in addition to built-in ones. The lists of all files are joined.
    MoreItems,
    /// The same for names of calls.
    MoreCalls,
}

/// An option of a rule.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    /// Its key in the rule's table.
    pub key: &'static str,
    /// How it is written.
    pub form: Form,
    /// The description in the JSON schema and in the reference.
    pub about: &'static str,
}

/// The value that a configuration gives to an option.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GivenValue {
    /// Of the form [`Form::Flag`].
    Flag(bool),
    /// Of the form [`Form::Text`].
    Text(String),
    /// Of the other forms.
    List(Vec<String>),
}

/// The values that a configuration gives to the options of one rule, by key.
#[derive(Clone, Default, Debug)]
pub struct Given(BTreeMap<&'static str, GivenValue>);

impl Form {
    /// Whether the lists of all files are joined.
    #[must_use]
    pub fn adds(self) -> bool {
        matches!(self, Form::MoreItems | Form::MoreCalls)
    }
}

impl Given {
    /// From values by key. Each value must have the form of its option.
    #[must_use]
    pub fn new(values: BTreeMap<&'static str, GivenValue>) -> Self {
        Self(values)
    }

    /// The value of a flag, if it is given.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.0.get(key) {
            Some(GivenValue::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// The value of a text, if it is given.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.0.get(key) {
            Some(GivenValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The items of a list, if it is given.
    #[must_use]
    pub fn list(&self, key: &str) -> Option<&[String]> {
        match self.0.get(key) {
            Some(GivenValue::List(items)) => Some(items),
            _ => None,
        }
    }
}

/// Why the value of an option is invalid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// The option.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
}

/// The options of a rule.
pub trait OptionTable: Sync {
    /// The options that it has.
    fn specs(&self) -> &'static [OptionSpec];

    /// Makes a value of the rule's own type.
    ///
    /// # Errors
    /// The first invalid value.
    fn resolve(&self, given: &Given) -> Result<Arc<dyn OptionValue>, Wrong>;
}

/// The options of a rule in its own type. `Debug` must print all of it, because the key of a cached
/// result is made of that.
pub trait OptionValue: Any + Debug + Send + Sync {}

/// The options of all rules that have some, by rule.
#[derive(Clone, Default, Debug)]
pub struct Options(BTreeMap<&'static str, Arc<dyn OptionValue>>);

impl Options {
    /// Sets the options of a rule.
    pub fn set(&mut self, rule: &'static str, value: Arc<dyn OptionValue>) {
        self.0.insert(rule, value);
    }

    /// The options of this type. Each rule with options has a type of its own.
    ///
    /// # Panics
    /// When they were never set. Settings from a configuration have the options of every rule.
    #[must_use]
    pub fn get<T: OptionValue>(&self) -> &T {
        let mut values = self.0.values().map(|value| &**value as &dyn Any);
        values
            .find_map(<dyn Any>::downcast_ref)
            .expect("a configuration resolves the options of every rule")
    }
}
