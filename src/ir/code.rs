//! The code of a function, which may be lowered only on first use.
//!
//! Most functions of a repository are never looked into. A front end that can find a body without
//! parsing it leaves the body out. On first use, the body is lowered to exactly what parsing the
//! whole file would have given.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crate::ir::body::{Body, LocalId};
use crate::ir::item::{Function, NameScope};

/// Lowers the bodies that a front end left out of a module.
pub trait Bodies: Send + Sync {
    /// Lowers the body with this number. Called at most once for each.
    fn lower(&self, number: u32) -> Content;

    /// The text of the body.
    fn text(&self, number: u32) -> &str;

    /// What the function may do with its receiver. In doubt, it may.
    fn dealings(&self, number: u32) -> Dealings;

    /// Whether the function may use a member of its receiver whose name passes a test. In doubt, it
    /// may.
    fn may_use(&self, number: u32, member: &dyn Fn(&str) -> bool) -> bool;
}

/// What a method does with its receiver, judged by its text: it may say too much, but never too
/// little.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Dealings {
    /// It calls methods of the receiver.
    pub calls: bool,
    /// It looks something up in what the receiver has.
    pub looks_up: bool,
    /// It uses what a method of the receiver returned.
    pub uses_result: bool,
}

impl Dealings {
    /// What a method may do of which nothing is known.
    pub const ANY: Self = Self {
        calls: true,
        looks_up: true,
        uses_result: true,
    };
}

/// The result of lowering the body of a function.
#[derive(Clone, Default, Debug)]
pub struct Content {
    /// The control-flow graph.
    pub body: Body,
    /// The local with the cells of a call, if nested functions share variables.
    pub cells: Option<LocalId>,
    /// If the body was left out: the functions nested in it, in the order of their indices, which
    /// follow that of the function itself.
    pub nested: Vec<Function>,
    /// If the body was left out: the scope of the function, and those of the nested ones.
    pub scopes: Vec<NameScope>,
    /// A syntax error, with its offset. The body then stands for any code.
    pub broken: Option<(String, u32)>,
}

/// The code of a function. It derefs to its [`Body`].
#[derive(Clone)]
pub struct Code(State);

#[derive(Clone)]
enum State {
    Here(Box<Content>),
    Left {
        content: OnceLock<Box<Content>>,
        bodies: Arc<dyn Bodies>,
        number: u32,
    },
}

impl Code {
    /// Code that is already lowered.
    #[must_use]
    pub fn new(body: Body, cells: Option<LocalId>) -> Self {
        Self(State::Here(Box::new(Content {
            body,
            cells,
            ..Content::default()
        })))
    }

    /// A body that is lowered on first use.
    #[must_use]
    pub fn left_out(bodies: Arc<dyn Bodies>, number: u32) -> Self {
        let content = OnceLock::new();
        Self(State::Left {
            content,
            bodies,
            number,
        })
    }

    /// The lowered content.
    #[must_use]
    pub fn content(&self) -> &Content {
        match &self.0 {
            State::Here(content) => content,
            State::Left {
                content,
                bodies,
                number,
            } => content.get_or_init(|| Box::new(bodies.lower(*number))),
        }
    }

    /// Takes the lowered content out.
    pub(crate) fn into_content(self) -> Content {
        match self.0 {
            State::Here(content) => *content,
            State::Left {
                content,
                bodies,
                number,
            } => match content.into_inner() {
                Some(content) => *content,
                None => bodies.lower(number),
            },
        }
    }

    /// Forgets the lowered content, if it can be lowered again, and returns its syntax error.
    pub(crate) fn forget(&mut self) -> Option<(String, u32)> {
        match &mut self.0 {
            State::Here(_) => None,
            State::Left { content, .. } => content.take()?.broken,
        }
    }

    /// The lowered content; `None` if it has not been lowered yet.
    #[must_use]
    pub fn known(&self) -> Option<&Content> {
        match &self.0 {
            State::Here(content) => Some(content),
            State::Left { content, .. } => content.get().map(|content| &**content),
        }
    }

    /// Whether the body was left out.
    #[must_use]
    pub fn was_left_out(&self) -> bool {
        matches!(self.0, State::Left { .. })
    }

    /// The text of the body, if it was left out.
    pub(super) fn left_out_text(&self) -> Option<&str> {
        match &self.0 {
            State::Here(_) => None,
            State::Left { bodies, number, .. } => Some(bodies.text(*number)),
        }
    }

    /// Whether the body may contain the word. Only for a body that has not been lowered yet can the
    /// text rule this out.
    #[must_use]
    pub fn may_mention(&self, word: &str) -> bool {
        let State::Left {
            content,
            bodies,
            number,
        } = &self.0
        else {
            return true;
        };
        content.get().is_some()
            || memchr::memmem::find(bodies.text(*number).as_bytes(), word.as_bytes()).is_some()
    }

    /// What the function may do with its receiver, as far as this can be told without lowering.
    #[must_use]
    pub fn dealings(&self) -> Dealings {
        match &self.0 {
            State::Left {
                content,
                bodies,
                number,
            } if content.get().is_none() => bodies.dealings(*number),
            _ => Dealings::ANY,
        }
    }

    /// Whether the function may use a member of its receiver whose name passes a test, as far as this
    /// can be told without lowering.
    pub fn may_use(&self, member: &dyn Fn(&str) -> bool) -> bool {
        match &self.0 {
            State::Left {
                content,
                bodies,
                number,
            } if content.get().is_none() => bodies.may_use(*number, member),
            _ => true,
        }
    }
}

impl Deref for Code {
    type Target = Body;

    fn deref(&self) -> &Body {
        &self.content().body
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some(content) => content.fmt(f),
            None => f.write_str("a body that nobody has looked at"),
        }
    }
}
