//! The code of a function: there from the start, or lowered when somebody first looks at it.
//!
//! Most functions of a repository are known by name only, and nobody ever enters them. A front end
//! that can tell where a body stands without parsing it leaves the body out. Whoever looks at it
//! gets what parsing the whole file would have given.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crate::ir::body::{Body, LocalId};
use crate::ir::item::{Function, NameScope};

/// Lowers the bodies that a front end left out of a module.
pub trait Bodies: Send + Sync {
    /// Lowers the body with this number. Called once for each.
    fn lower(&self, number: u32) -> Content;

    /// The text of the body.
    fn text(&self, number: u32) -> &str;

    /// Whether the function may call a method of its receiver and look something up in what the
    /// receiver has. In doubt, it may.
    fn may_depend_on_receiver(&self, number: u32) -> bool;
}

/// What the body of a function is lowered to.
#[derive(Clone, Default, Debug)]
pub struct Content {
    /// The control-flow graph.
    pub body: Body,
    /// The local that holds the cells of a call, when nested functions share variables.
    pub cells: Option<LocalId>,
    /// In a body that was left out at first, the functions inside it, in the order of their
    /// indices, which follow that of the function itself.
    pub nested: Vec<Function>,
    /// In a body that was left out at first, the scope of the function and those of the nested
    /// ones.
    pub scopes: Vec<NameScope>,
    /// What is wrong with the text, and at which offset. The body then stands for "anything".
    pub broken: Option<(String, u32)>,
}

/// The code of a function. It can be used like its [`Body`].
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
    /// Code that is there.
    #[must_use]
    pub fn new(body: Body, cells: Option<LocalId>) -> Self {
        Self(State::Here(Box::new(Content {
            body,
            cells,
            ..Content::default()
        })))
    }

    /// A body that is left out for now.
    #[must_use]
    pub fn left_out(bodies: Arc<dyn Bodies>, number: u32) -> Self {
        let content = OnceLock::new();
        Self(State::Left {
            content,
            bodies,
            number,
        })
    }

    /// Everything that the body is lowered to.
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

    /// Gives everything away.
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

    /// Forgets what was lowered, if it can be lowered again; gives what was wrong with it.
    pub(crate) fn forget(&mut self) -> Option<(String, u32)> {
        match &mut self.0 {
            State::Here(_) => None,
            State::Left { content, .. } => content.take()?.broken,
        }
    }

    /// The same, unless nobody has looked at the body yet.
    #[must_use]
    pub fn known(&self) -> Option<&Content> {
        match &self.0 {
            State::Here(content) => Some(content),
            State::Left { content, .. } => content.get().map(|content| &**content),
        }
    }

    /// Whether the body was left out at first.
    #[must_use]
    pub fn was_left_out(&self) -> bool {
        matches!(self.0, State::Left { .. })
    }

    /// Whether the word may be in the body. Only the text of a body that nobody has looked at yet
    /// can tell that it is not.
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

    /// Whether the function may call a method of its receiver and look something up in what the
    /// receiver has, as far as that can be told without lowering anything.
    #[must_use]
    pub fn may_depend_on_receiver(&self) -> bool {
        match &self.0 {
            State::Left {
                content,
                bodies,
                number,
            } if content.get().is_none() => bodies.may_depend_on_receiver(*number),
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
