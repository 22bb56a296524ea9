//! The hierarchy of exception classes.

use crate::engine::Engine;
use crate::engine::values::value::{Term, Value};
use crate::program::exceptions::{builtin_subclass, is_builtin_exception};

impl Engine<'_> {
    /// Whether class `a` is a subclass of class `b`; `None` if that is not known.
    pub(crate) fn subclass(&self, a: Value, b: Value) -> Option<bool> {
        if a == b {
            return Some(true);
        }
        match (self.terms.term(a), self.terms.term(b)) {
            (Term::External(x), Term::External(y)) => {
                match (is_builtin_exception(x), is_builtin_exception(y)) {
                    (true, true) => Some(builtin_subclass(x, y)),
                    (false, true) if y == "BaseException" || y == "Exception" || y == "object" => {
                        Some(true)
                    }
                    // A library's exception may derive from a builtin one, but nothing says from
                    // which.
                    (false, true) => match y.as_str() {
                        "SystemExit" | "KeyboardInterrupt" | "GeneratorExit" => Some(false),
                        _ => None,
                    },
                    (true, false) => Some(y == "object"),
                    (false, false) => {
                        if y == "object" {
                            return Some(true);
                        }
                        None
                    }
                }
            }
            (Term::Class(c), Term::Class(_) | Term::External(_)) => self.class_below(*c, b),
            // A class of the program is never a base of a library's class.
            (Term::External(_), Term::Class(_)) => Some(false),
            _ => None,
        }
    }
}
