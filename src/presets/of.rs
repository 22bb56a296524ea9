//! What a call is made on.

use super::Presets;
use super::paths::{SEPARATOR, is_class, split};

/// What a call is made on: a module or class of a library, or an object of some class.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Of {
    /// The path of the module or class, or of the class and those above it.
    pub(super) paths: Vec<String>,
    /// Whether it is an object.
    pub(super) is_object: bool,
    /// Whether it has a class above it that could not be found.
    pub(super) partial: bool,
}

impl Of {
    /// A module, class or function, by its path.
    #[must_use]
    pub fn definition(path: &str) -> Self {
        Self {
            paths: vec![path.to_owned()],
            is_object: false,
            partial: false,
        }
    }

    /// An object of a class.
    pub(super) fn object(class: &str) -> Self {
        Self {
            is_object: true,
            ..Self::definition(class)
        }
    }

    /// An object of a class whose classes from outside the program are these, and whether these are all
    /// that it inherits from there.
    #[must_use]
    pub fn heir(above: Vec<String>, complete: bool) -> Self {
        Self {
            paths: above,
            is_object: true,
            partial: !complete,
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
            let is_class = |path: &&str| is_class(path);
            if presets.describes(path) {
                return Some(Self::object(path));
            }
            let class = [path.as_str(), holder].into_iter().find(is_class)?;
            Some(Self::object(class))
        })
    }

    /// What a call of a method of the object gives.
    #[must_use]
    pub fn call_method(&self, presets: &Presets, name: &str, given: Option<&str>) -> Option<Self> {
        if !self.is_object {
            return self.member(presets, name)?.call(presets, given);
        }
        presets.called(self, name, given)
    }

    /// What `with` binds.
    #[must_use]
    pub fn entered(&self, presets: &Presets) -> Self {
        let made = presets.called(self, "__enter__", None);
        let made = made.or_else(|| presets.called(self, "__aenter__", None));
        made.unwrap_or_else(|| self.clone())
    }
}
