//! Who must keep a contract: methods, functions by their dotted path, or what carries a decorator.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};

/// Who must keep a contract.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Who {
    /// Overrides of a method.
    Methods {
        /// The names of the method.
        names: Vec<NamePattern>,
        /// Names of base classes: only classes below one of them have to keep the contract. `*`
        /// means every class with the method; `None` leaves it to the rule.
        bases: Option<Vec<String>>,
    },
    /// Functions of modules, by their dotted path.
    Functions(Vec<NamePattern>),
    /// Functions and methods that carry a decorator (in Rust an attribute), by its dotted path.
    Decorated(Vec<NamePattern>),
}

/// A name or a dotted path. `*` stands for any characters but dots, `**` for any parts of a path.
#[derive(Clone, Debug)]
pub struct NamePattern {
    /// The pattern as it was written, with dots instead of `::`.
    text: String,
    /// `None` if the text has no wildcard.
    matcher: Option<GlobMatcher>,
}

/// Why a text is no pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotAPattern(pub String);

impl NamePattern {
    /// A pattern that matches one name.
    #[must_use]
    pub fn exact(name: &str) -> Self {
        Self {
            text: name.to_owned(),
            matcher: None,
        }
    }

    /// Parses a name, without dots.
    ///
    /// # Errors
    /// What is wrong.
    pub fn name(text: &str) -> Result<Self, NotAPattern> {
        if text.contains(['.', ':']) {
            let message =
                format!("`{text}` must be one name, without dots; `*` stands for any characters");
            return Err(NotAPattern(message));
        }
        Self::path(text)
    }

    /// Parses a dotted path, or a Rust path with `::`.
    ///
    /// # Errors
    /// What is wrong.
    pub fn path(text: &str) -> Result<Self, NotAPattern> {
        let dotted = text.replace("::", ".");
        let part = |part: &str| {
            let name = part.replace('*', "x");
            super::is_identifier(&name) || part.chars().all(|c| c == '*') && !part.is_empty()
        };
        if !dotted.split('.').all(part) {
            let message = format!(
                "`{text}` is not a name or a path of names; `*` stands for any characters of a name"
            );
            return Err(NotAPattern(message));
        }
        if !dotted.contains('*') {
            return Ok(Self::exact(&dotted));
        }
        let glob = GlobBuilder::new(&dotted.replace('.', "/"))
            .literal_separator(true)
            .build()
            .map_err(|error| NotAPattern(format!("`{text}`: {}", error.kind())))?;
        Ok(Self {
            text: dotted,
            matcher: Some(glob.compile_matcher()),
        })
    }

    /// The name, if it has no wildcard.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        self.matcher.is_none().then_some(self.text.as_str())
    }

    /// The pattern of the last part.
    #[must_use]
    pub fn last_part(&self) -> Self {
        let last = self.text.rsplit('.').next().unwrap_or(&self.text);
        Self::path(last).unwrap_or_else(|_| Self::exact(last))
    }

    /// Whether it matches a whole name or dotted path.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        match &self.matcher {
            None => self.text == path,
            Some(matcher) if path.contains('.') => matcher.is_match(path.replace('.', "/")),
            Some(matcher) => matcher.is_match(path),
        }
    }

    /// Whether it matches a dotted path, or its last parts: `task` matches `prefect.task`, and
    /// `jobs.run` matches `shop.jobs.run`.
    #[must_use]
    pub fn matches_end(&self, path: &str) -> bool {
        let mut end = path;
        loop {
            if self.matches(end) {
                return true;
            }
            match end.split_once('.') {
                Some((_, rest)) => end = rest,
                None => return false,
            }
        }
    }
}

impl Who {
    /// The patterns of names or paths.
    #[must_use]
    pub fn patterns(&self) -> &[NamePattern] {
        match self {
            Who::Methods { names, .. } => names,
            Who::Functions(paths) | Who::Decorated(paths) => paths,
        }
    }

    /// Whether the contract is about methods of this name.
    #[must_use]
    pub fn is_method(&self, name: &str) -> bool {
        match self {
            Who::Methods { names, .. } => names.iter().any(|pattern| pattern.matches(name)),
            Who::Functions(_) | Who::Decorated(_) => false,
        }
    }

    /// The only method that the contract is about, if it names just one.
    #[must_use]
    pub fn only_method(&self) -> Option<&str> {
        match self {
            Who::Methods { names, .. } => match names.as_slice() {
                [name] => name.literal(),
                _ => None,
            },
            Who::Functions(_) | Who::Decorated(_) => None,
        }
    }
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for NamePattern {}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if matches!(self, Who::Decorated(_)) {
            "@"
        } else {
            ""
        };
        for (at, pattern) in self.patterns().iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{sign}{pattern}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::NamePattern;

    #[test]
    fn patterns_stop_at_dots() {
        let jobs = NamePattern::path("jobs.*.run_*").unwrap();
        assert!(jobs.matches("jobs.daily.run_prices"));
        assert!(!jobs.matches("jobs.daily.old.run_prices"));
        assert!(jobs.matches_end("shop.jobs.daily.run_prices"));
        let deep = NamePattern::path("jobs::**::run").unwrap();
        assert!(deep.matches("jobs.a.b.run") && deep.matches("jobs.run"));
        assert!(NamePattern::name("load_*").unwrap().matches("load_users"));
        assert!(!NamePattern::name("load").unwrap().matches("load_users"));
        assert_eq!(jobs.last_part().to_string(), "run_*");
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for text in ["", "a b", "a..b", "load[x]", "{a,b}", "run?"] {
            assert!(NamePattern::path(text).is_err(), "{text}");
        }
        assert!(NamePattern::name("jobs.run").is_err());
    }
}
