//! Places and calls, as a contract writes them: `self.stats['rows']`, `result.rows`,
//! `self.metrics.record_rows`.

use std::fmt;
use std::ops::Range;

use super::is_identifier;

/// A place that a function can store: an object, the way from it to the one that holds the place,
/// and the attribute or key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// Where it starts.
    pub root: Root,
    /// The way from the root to the object that holds the place; empty if that is the root.
    pub holder: Vec<Step>,
    /// The attribute or key of that object.
    pub slot: Step,
}

/// The variable that a place starts with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Root {
    /// The receiver of the method.
    Receiver,
    /// The parameter of this name.
    Parameter(String),
}

/// One step from an object to a part of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// `.name`
    Field(String),
    /// `['key']`
    Key(String),
}

/// A function or method to call.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CallPath {
    /// The variable or module that the path starts with, `self` for the receiver.
    pub root: String,
    /// The way from there; the last step is the name of the method. Empty for a plain function.
    pub steps: Vec<Step>,
}

/// Why a text is no place, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotAPlace {
    /// What is wrong, and what is expected.
    pub message: String,
    /// The bytes of the text that are wrong.
    pub at: Range<usize>,
}

impl Place {
    /// `self.FIELD['KEY']`
    #[must_use]
    pub fn key_of(field: &str, key: &str) -> Self {
        Self {
            root: Root::Receiver,
            holder: vec![Step::Field(field.to_owned())],
            slot: Step::Key(key.to_owned()),
        }
    }

    /// `self.FIELD`
    #[must_use]
    pub fn field(field: &str) -> Self {
        Self {
            root: Root::Receiver,
            holder: Vec::new(),
            slot: Step::Field(field.to_owned()),
        }
    }

    /// Parses a variable and at least one attribute or key: `self.rows`, `context['rows']`.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, NotAPlace> {
        let mut reader = Reader::new(text);
        let root = reader.variable()?;
        let mut steps = reader.steps()?;
        let Some(slot) = steps.pop() else {
            let message = format!(
                "`{root}` is a variable; add the attribute or the key to set, such as \
                 `{root}.rows` or `{root}['rows']`"
            );
            return Err(reader.wrong_all(message));
        };
        Ok(Self {
            root: match root {
                "self" => Root::Receiver,
                name => Root::Parameter(name.to_owned()),
            },
            holder: steps,
            slot,
        })
    }

    /// All steps from the root.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.holder.iter().chain([&self.slot])
    }

    /// The attribute of the receiver and the key in it, if the place is of this form.
    #[must_use]
    pub fn as_key_of_attribute(&self) -> Option<(&str, &str)> {
        match (&self.root, self.holder.as_slice(), &self.slot) {
            (Root::Receiver, [Step::Field(field)], Step::Key(key)) => Some((field, key)),
            _ => None,
        }
    }

    /// The attribute of the receiver, with the key in it if the place is one.
    #[must_use]
    pub fn as_part_of_receiver(&self) -> Option<(&str, Option<&str>)> {
        match (&self.root, self.holder.as_slice(), &self.slot) {
            (Root::Receiver, [], Step::Field(field)) => Some((field, None)),
            _ => self
                .as_key_of_attribute()
                .map(|(field, key)| (field, Some(key))),
        }
    }

    /// The first attribute of the receiver on the way to the place, or the attribute that is the
    /// place.
    #[must_use]
    pub fn attribute(&self) -> Option<&str> {
        match (&self.root, self.steps().next()) {
            (Root::Receiver, Some(Step::Field(field))) => Some(field),
            _ => None,
        }
    }
}

impl Step {
    /// The name or the key.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Step::Field(name) | Step::Key(name) => name,
        }
    }

    /// Parses a part of a returned value: `.rows`, `['rows']`, or several in a row.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, NotAPlace> {
        let mut reader = Reader::new(text);
        let steps = reader.steps()?;
        if steps.is_empty() {
            let message = "write the part that the returned value must have, such as `['rows']` or \
                           `.rows`, or `true` for any value";
            return Err(reader.wrong_all(message.to_owned()));
        }
        Ok(steps)
    }
}

impl CallPath {
    /// Parses the name of a function, or the way to a method: `record`, `self.metrics.record_rows`.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, NotAPlace> {
        let mut reader = Reader::new(text);
        let root = reader.variable()?.to_owned();
        let steps = reader.steps()?;
        match steps.last() {
            Some(Step::Key(_)) => {
                let message = "the last part must be the name of what is called";
                Err(reader.wrong_all(message.to_owned()))
            }
            None if root == "self" => {
                let message = "name the method of `self`, such as `self.record_rows`";
                Err(reader.wrong_all(message.to_owned()))
            }
            _ => Ok(Self { root, steps }),
        }
    }

    /// The name of the function or method.
    #[must_use]
    pub fn name(&self) -> &str {
        self.steps.last().map_or(&self.root, Step::name)
    }

    /// The way from the root to the object whose method is called.
    #[must_use]
    pub fn receiver(&self) -> &[Step] {
        self.steps.split_last().map_or(&[], |(_, before)| before)
    }
}

/// Reads a path from left to right.
struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn wrong_all(&self, message: String) -> NotAPlace {
        let at = 0..self.text.len();
        NotAPlace { message, at }
    }

    fn wrong_here(&self, message: String) -> NotAPlace {
        let next = self.rest().chars().next().map_or(0, char::len_utf8);
        let at = self.at..self.at + next;
        NotAPlace { message, at }
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// A name; empty if there is none.
    fn name(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        let name = &rest[..end.unwrap_or(rest.len())];
        if is_identifier(name) {
            self.at += name.len();
            name
        } else {
            ""
        }
    }

    fn variable(&mut self) -> Result<&'t str, NotAPlace> {
        self.skip_spaces();
        match self.name() {
            "" => Err(self.wrong_here(
                "it must start with a name: `self`, or that of a parameter or a function"
                    .to_owned(),
            )),
            name => Ok(name),
        }
    }

    /// The steps up to the end of the text.
    fn steps(&mut self) -> Result<Vec<Step>, NotAPlace> {
        let mut out = Vec::new();
        self.skip_spaces();
        while let Some(next) = self.rest().chars().next() {
            match next {
                '.' => {
                    self.at += 1;
                    match self.name() {
                        "" => {
                            let message = "the name of an attribute must follow the dot";
                            return Err(self.wrong_here(message.to_owned()));
                        }
                        name => out.push(Step::Field(name.to_owned())),
                    }
                }
                '[' => out.push(self.key()?),
                _ => {
                    let message =
                        format!("`{next}` is unexpected; go on with `.name` or `['key']`");
                    return Err(self.wrong_here(message));
                }
            }
            self.skip_spaces();
        }
        Ok(out)
    }

    /// `['key']`, with either kind of quotes.
    fn key(&mut self) -> Result<Step, NotAPlace> {
        let start = self.at;
        self.at += 1;
        self.skip_spaces();
        let quote = self
            .rest()
            .chars()
            .next()
            .filter(|c| matches!(c, '\'' | '"'));
        let Some(quote) = quote else {
            return Err(self.wrong_here("write the key in quotes, such as `['rows']`".to_owned()));
        };
        let text = &self.rest()[1..];
        let closed = text.split_once(quote).and_then(|(key, behind)| {
            let rest = behind.trim_start().strip_prefix(']')?;
            Some((key, self.text.len() - rest.len()))
        });
        let Some((key, end)) = closed else {
            let message = format!("the key is not closed; write `{quote}]` after it");
            let at = start..self.text.len();
            return Err(NotAPlace { message, at });
        };
        if key.is_empty() || key.contains('\\') {
            let message = "the key must be a plain text that is not empty".to_owned();
            return Err(NotAPlace {
                message,
                at: start..end,
            });
        }
        self.at = end;
        Ok(Step::Key(key.to_owned()))
    }
}

/// Steps as they are written behind a variable.
pub(super) fn shown(steps: &[Step]) -> String {
    steps.iter().map(Step::to_string).collect()
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Field(name) => write!(f, ".{name}"),
            Step::Key(key) => {
                let quote = if key.contains('\'') { '"' } else { '\'' };
                write!(f, "[{quote}{key}{quote}]")
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = match &self.root {
            Root::Receiver => "self",
            Root::Parameter(name) => name,
        };
        write!(f, "{root}{}{}", shown(&self.holder), self.slot)
    }
}

impl fmt::Display for CallPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.root, shown(&self.steps))
    }
}

#[cfg(test)]
mod tests {
    use super::{CallPath, Place, Step};

    #[test]
    fn places_are_shown_as_they_are_written() {
        for text in [
            "self.stats['rows_inserted']",
            "self.rows",
            "self.stat.condition['k']",
            "context['rows']",
            "result.rows",
            "self.a[\"it's\"]",
        ] {
            assert_eq!(Place::parse(text).unwrap().to_string(), text);
        }
        let spaced = Place::parse(" self.stats [ 'k' ] ").unwrap();
        assert_eq!(spaced, Place::key_of("stats", "k"));
        assert_eq!(
            CallPath::parse("self.metrics.record").unwrap().name(),
            "record"
        );
        assert_eq!(CallPath::parse("record").unwrap().name(), "record");
        assert_eq!(
            Step::parse_all("['rows']").unwrap(),
            [Step::Key("rows".to_owned())]
        );
    }

    #[test]
    fn errors_point_at_the_character() {
        for (text, at) in [
            ("self", 0..4),
            ("self.", 5..5),
            ("self.stats[rows]", 11..12),
            ("self.stats['rows'", 10..17),
            ("self.stats['']", 10..14),
            ("self stats", 5..6),
            (".rows", 0..1),
            ("self.stats()", 10..11),
            ("self.stats['k'] = 1", 16..17),
        ] {
            let wrong = Place::parse(text).unwrap_err();
            assert_eq!(wrong.at, at, "{text}: {}", wrong.message);
        }
        assert!(CallPath::parse("self").is_err());
        assert!(CallPath::parse("self.hooks['rows']").is_err());
        assert!(Step::parse_all("").is_err());
    }
}
