//! The catalogue: all texts about a rule, read from `rules/<rule-id>.md`.
//!
//! An entry is TOML front matter between `+++` lines, then the page for users in Markdown. Tests
//! run its ```` ```python bad ```` and ```` ```python good ```` blocks, and those in `rust`. In a
//! bad block, `# expect: <kind>` (`// expect: <kind>`) marks every line with a finding.

use serde::Deserialize;

use super::Severity;
use crate::source::Language;

/// A catalogue entry.
#[derive(Debug)]
pub struct RuleMeta {
    /// The id in kebab case. It names what is wrong.
    pub id: String,
    /// The title.
    pub name: String,
    /// `correctness`, for example.
    pub category: String,
    /// One line.
    pub summary: String,
    /// Whether the rule is on by default.
    pub default: bool,
    /// The kinds of findings that it reports.
    pub kinds: Vec<KindMeta>,
    /// The page: Markdown, without the front matter.
    pub page: &'static str,
}

/// One kind of finding of a rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindMeta {
    /// Its name.
    pub name: String,
    /// How serious it is.
    pub severity: Severity,
    /// The message, with `{placeholders}`.
    pub message: String,
    /// What to do, with `{placeholders}`.
    pub help: String,
}

/// A runnable example of a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Example {
    /// The language it is in.
    pub language: Language,
    /// Whether findings are expected.
    pub bad: bool,
    /// The paragraph before it, in Markdown, with its line breaks.
    pub intro: &'static str,
    /// The code, comments included.
    pub code: &'static str,
    /// Line in `code` (from 1) and kind of every expected finding.
    pub expected: Vec<(usize, &'static str)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    id: String,
    name: String,
    category: String,
    summary: String,
    default: bool,
    kind: Vec<KindMeta>,
}

impl RuleMeta {
    /// The whole page, in Markdown.
    #[must_use]
    pub fn document(&self) -> String {
        format!(
            "# {}\n\n{}.\n\nRule `{}`, category {}, {}.\n\n{}",
            self.name,
            self.summary,
            self.id,
            self.category,
            self.default_in_words(),
            self.page
        )
    }

    /// What the page says of a kind, in Markdown.
    #[must_use]
    pub fn section(&self, kind: &KindMeta) -> String {
        let row = format!("| `{}` |", kind.name);
        let row = self.page.lines().find(|line| line.starts_with(&row));
        // The longest cell says when there is such a finding.
        let when = row.and_then(|row| row.split('|').max_by_key(|cell| cell.len()));
        let when = when.unwrap_or_default().trim();
        format!(
            "# {}/{}\n\nA {} if {when}.\n\n",
            self.id, kind.name, kind.severity
        )
    }

    /// Whether it is on, in words.
    #[must_use]
    pub fn default_in_words(&self) -> &'static str {
        if self.default {
            "on by default"
        } else {
            "off by default"
        }
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// What is wrong with the entry.
    pub fn parse(text: &'static str) -> Result<Self, String> {
        let text = text.strip_prefix("+++\n").ok_or("no front matter")?;
        let (front, page) = text
            .split_once("\n+++\n")
            .ok_or("front matter has no end")?;
        let front: FrontMatter = toml::from_str(front).map_err(|error| error.to_string())?;
        Ok(Self {
            id: front.id,
            name: front.name,
            category: front.category,
            summary: front.summary,
            default: front.default,
            kinds: front.kind,
            page: page.trim_start(),
        })
    }

    /// The kind with this name.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&KindMeta> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    /// The runnable examples, in the order of the page.
    #[must_use]
    pub fn examples(&self) -> Vec<Example> {
        let mut examples = Vec::new();
        let mut rest = self.page;
        while let Some(at) = rest.find("\n```") {
            let intro = rest[..at].trim_end();
            let intro = intro.rsplit_once("\n\n").map_or(intro, |(_, last)| last);
            rest = &rest[at + "\n```".len()..];
            let Some((info, _)) = rest.split_once('\n') else {
                break;
            };
            // From the line break on: an empty block has nothing else.
            let body = &rest[info.len()..];
            let Some(end) = body.find("\n```") else { break };
            let code = body[..=end].trim_start_matches('\n');
            rest = &body[end + "\n```".len()..];
            let (language, comment) = match info.split_whitespace().next() {
                Some("python") => (Language::Python, "# expect: "),
                Some("rust") => (Language::Rust, "// expect: "),
                _ => continue,
            };
            let Some(which) = info.split_whitespace().nth(1) else {
                continue;
            };
            examples.push(Example {
                language,
                bad: which == "bad",
                intro,
                code,
                expected: expectations(code, comment),
            });
        }
        examples
    }
}

fn expectations(code: &'static str, comment: &str) -> Vec<(usize, &'static str)> {
    code.lines()
        .enumerate()
        .filter_map(|(at, line)| Some((at + 1, line.split_once(comment)?.1.trim())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_front_matter_and_examples() {
        let meta = RuleMeta::parse(
            "+++\nid = 'x'\nname = 'X'\ncategory = 'c'\nsummary = 's'\ndefault = false\n\
             [[kind]]\nname = 'k'\nseverity = 'note'\nmessage = 'm'\nhelp = 'h'\n+++\n\n\
             Text.\n\n```python bad\na\nb  # expect: k\n```\n\n```toml\n```\n\n```python good\nc\n```\n\n\
             ```rust bad\nd\ne // expect: k\n```\n",
        )
        .unwrap();
        assert_eq!(meta.kind("k").unwrap().severity, Severity::Note);
        assert!(meta.page.starts_with("Text."));
        let examples = meta.examples();
        assert_eq!(examples.len(), 3);
        assert_eq!(examples[0].expected, [(2, "k")]);
        assert_eq!(examples[0].intro, "Text.");
        assert_eq!(examples[0].code, "a\nb  # expect: k\n");
        assert!(!examples[1].bad && examples[1].expected.is_empty());
        assert_eq!(examples[2].language, Language::Rust);
        assert_eq!(examples[2].expected, [(2, "k")]);
    }

    #[test]
    fn rejects_what_it_does_not_know() {
        assert!(RuleMeta::parse("no front matter").is_err());
        let error = RuleMeta::parse("+++\nid = 'x'\nseverty = 1\n+++\n").unwrap_err();
        assert!(error.contains("severty"), "{error}");
    }
}
