//! Values that are a text or a list of texts, each with its position.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, SeqAccess, Visitor};
use toml::Spanned;

use super::at::At;

/// A text, or a list of texts of which any will do.
#[derive(Clone, Debug)]
pub struct Texts {
    /// The texts.
    pub items: Vec<At<String>>,
    /// Whether they are written as a list.
    pub is_list: bool,
}

/// What a returned value must be: not None (`true`), or something with one of these parts.
#[derive(Clone, Debug)]
pub enum Returns {
    /// `true` or `false`
    Flag(At<bool>),
    /// Parts of the value.
    Parts(Texts),
}

/// What may be written in these places.
enum Written {
    Flag(bool),
    One(String),
    Many(Vec<At<String>>),
}

// Not derived as untagged: that would lose the positions of the values inside.
impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }
            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Written, E> {
                Ok(Written::Flag(flag))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Written, E> {
                Ok(Written::One(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Written, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Written::Many(items))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Returns {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Spanned::<Written>::deserialize(deserializer)?;
        let span = written.span();
        let texts = |items, is_list| Returns::Parts(Texts { items, is_list });
        Ok(match written.into_inner() {
            Written::Flag(flag) => Returns::Flag(At::new(span, flag)),
            Written::One(text) => texts(vec![At::new(span, text)], false),
            Written::Many(items) => texts(items, true),
        })
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Returns::deserialize(deserializer)? {
            Returns::Parts(texts) => Ok(texts),
            Returns::Flag(_) => Err(de::Error::custom("expected a text or a list of texts")),
        }
    }
}
