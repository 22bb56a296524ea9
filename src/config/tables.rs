//! The tables `[rule-id]` with the options of rules, read as the rules describe their options.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{Error as PlainError, MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, de};

use super::at::At;
use super::raw::{RawConfig, RawKeys};
use crate::rules;
use crate::settings::{Form, OptionSpec};

/// The value of an option in a file.
#[derive(Clone, Debug)]
pub enum RawOption {
    /// Of the form [`Form::Flag`].
    Flag(At<bool>),
    /// Of the form [`Form::Text`].
    Text(At<String>),
    /// Of the other forms.
    List(Vec<At<String>>),
}

/// The options of rules in a file, by rule and key.
pub type RawOptions = BTreeMap<(&'static str, &'static str), RawOption>;

/// The rules that have options, and these options.
pub(super) fn rule_tables() -> impl Iterator<Item = (&'static str, &'static [OptionSpec])> {
    let rules = rules::all().iter();
    rules.filter_map(|rule| Some((rule.id(), rule.options()?.specs())))
}

// Not derived: `flatten` would lose the positions of values, and the tables of rules are not known
// at compile time.
impl<'de> Deserialize<'de> for RawConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;

        impl<'de> Visitor<'de> for Whole {
            type Value = RawConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawConfig, A::Error> {
                let mut options = RawOptions::new();
                let rest = WithoutTables {
                    map,
                    options: &mut options,
                };
                let keys = RawKeys::deserialize(MapAccessDeserializer::new(rest))?;
                Ok(RawConfig { keys, options })
            }
        }

        deserializer.deserialize_map(Whole)
    }
}

/// A map without the tables of rules, which it collects on the way.
struct WithoutTables<'o, A> {
    map: A,
    options: &'o mut RawOptions,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithoutTables<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let mut seed = Some(seed);
        loop {
            match self.map.next_key_seed(KeySeed(&mut seed))? {
                None => return Ok(None),
                Some(Key::Other(key)) => return Ok(Some(key)),
                Some(Key::Rule(id, specs)) => {
                    for (key, value) in self.map.next_value_seed(TableSeed(specs))? {
                        self.options.insert((id, key), value);
                    }
                }
            }
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

enum Key<T> {
    Rule(&'static str, &'static [OptionSpec]),
    Other(T),
}

/// Reads a key: the name of a rule with options, or a key for `K`, which is consumed.
struct KeySeed<'s, K>(&'s mut Option<K>);

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for KeySeed<'_, K> {
    type Value = Key<K::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let key = String::deserialize(deserializer)?;
        if let Some((id, specs)) = rule_tables().find(|(id, _)| *id == key) {
            return Ok(Key::Rule(id, specs));
        }
        let seed = self.0.take().expect("a map asks for a key with a new seed");
        let read = seed.deserialize(StrDeserializer::<PlainError>::new(&key));
        read.map(Key::Other).map_err(|error| {
            // Adds the tables to the list of expected keys.
            let tables = rule_tables().map(|(id, _)| format!(", `{id}`"));
            D::Error::custom(format!("{error}{}", tables.collect::<String>()))
        })
    }
}

/// Reads the table of one rule.
struct TableSeed(&'static [OptionSpec]);

impl<'de> DeserializeSeed<'de> for TableSeed {
    type Value = Vec<(&'static str, RawOption)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TableSeed {
    type Value = Vec<(&'static str, RawOption)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut out = Vec::new();
        while let Some(spec) = map.next_key_seed(OptionSeed(self.0))? {
            let value = match spec.form {
                Form::Flag { .. } => RawOption::Flag(map.next_value()?),
                Form::Text => RawOption::Text(map.next_value()?),
                Form::List | Form::MoreItems | Form::MoreCalls => {
                    RawOption::List(map.next_value()?)
                }
            };
            out.push((spec.key, value));
        }
        Ok(out)
    }
}

/// Reads the key of an option.
struct OptionSeed(&'static [OptionSpec]);

impl<'de> DeserializeSeed<'de> for OptionSeed {
    type Value = &'static OptionSpec;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let key = String::deserialize(deserializer)?;
        let known = self.0.iter().find(|spec| spec.key == key);
        known.ok_or_else(|| {
            let keys: Vec<String> = self.0.iter().map(|s| format!("`{}`", s.key)).collect();
            // In the words of serde's `deny_unknown_fields`.
            let message = format!("unknown field `{key}`, expected one of {}", keys.join(", "));
            de::Error::custom(message)
        })
    }
}
