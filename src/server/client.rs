//! What an editor can do, and what its user has set.

use std::path::PathBuf;
use std::time::Duration;

use lsp_types::PositionEncodingKind;
use serde::Deserialize;
use serde_json::Value;

use super::text::Encoding;
use crate::config::{ConfigSource, Overrides};

/// The name under which editors keep the settings.
pub(super) const SECTION: &str = "tallylint";
/// How long an edit waits for the next one, in milliseconds, unless the settings say otherwise.
const DEBOUNCE: u64 = 150;
/// Nobody waits longer.
const MAX_DEBOUNCE: u64 = 10_000;

/// What an editor can do. What it says in a way that nobody understands, it cannot.
#[derive(Clone, Default, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a capability of its own"
)]
pub(super) struct Client {
    /// What its columns count.
    pub encoding: Encoding,
    /// It asks for diagnostics.
    pub pulls: bool,
    /// It asks again when it is told to: for diagnostics, code lenses, inlay hints.
    pub refreshes: Vec<&'static str>,
    /// It shows how far work has come.
    pub shows_progress: bool,
    /// It tells its settings when it is asked.
    pub tells_settings: bool,
    /// It watches files on demand.
    pub watches: bool,
    /// It opens a document on demand.
    pub opens: bool,
    /// It knows edits of a certain version of a document.
    pub versioned_edits: bool,
    /// It asks for the edits of a code action once it is chosen.
    pub resolves_edits: bool,
}

impl Client {
    /// Reads the parameters of `initialize`.
    pub fn new(params: &Value) -> Self {
        let can = |path: &str| params.pointer(&format!("/capabilities/{path}"));
        let is = |path: &str| can(path).and_then(Value::as_bool) == Some(true);
        let encodings = can("general/positionEncodings");
        let encodings = encodings.and_then(|kinds| {
            serde_json::from_value::<Vec<PositionEncodingKind>>(kinds.clone()).ok()
        });
        let refreshes = [
            // One of these is the name in the specification, the other one is in use, too.
            ("workspace/diagnostics", "workspace/diagnostic/refresh"),
            ("workspace/diagnostic", "workspace/diagnostic/refresh"),
            ("workspace/codeLens", "workspace/codeLens/refresh"),
            ("workspace/inlayHint", "workspace/inlayHint/refresh"),
        ];
        let refreshes = refreshes.into_iter();
        let refreshes = refreshes.filter(|(name, _)| is(&format!("{name}/refreshSupport")));
        let mut refreshes: Vec<&str> = refreshes.map(|(_, method)| method).collect();
        refreshes.dedup();
        let resolved = can("textDocument/codeAction/resolveSupport/properties");
        let resolved = resolved.and_then(Value::as_array);
        Self {
            encoding: Encoding::agreed(encodings.as_deref()),
            pulls: can("textDocument/diagnostic").is_some_and(Value::is_object),
            refreshes,
            shows_progress: is("window/workDoneProgress"),
            tells_settings: is("workspace/configuration"),
            watches: is("workspace/didChangeWatchedFiles/dynamicRegistration"),
            opens: is("window/showDocument/support"),
            versioned_edits: is("workspace/workspaceEdit/documentChanges"),
            resolves_edits: resolved.is_some_and(|all| all.contains(&"edit".into())),
        }
    }
}

/// The settings of the user.
#[derive(Clone, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Options {
    /// As `--select`.
    pub select: Vec<String>,
    /// As `--ignore`.
    pub ignore: Vec<String>,
    /// As `--pedantic`.
    pub pedantic: bool,
    /// As `--config`; relative to the folder that is open.
    pub config: Option<PathBuf>,
    /// As `--isolated`.
    pub isolated: bool,
    /// Whether the state of each exit is shown beside it.
    pub inlay_hints: bool,
    /// How long an edit waits for the next one, in milliseconds.
    debounce: Option<u64>,
}

impl Options {
    /// Reads settings, as they are or in their section.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn parse(value: &Value) -> Result<Self, String> {
        let value = value.get(SECTION).unwrap_or(value);
        if value.is_null() {
            return Ok(Self::default());
        }
        Self::deserialize(value).map_err(|error| format!("the settings are not valid: {error}"))
    }

    /// Where the configuration comes from.
    pub fn source(&self) -> ConfigSource {
        ConfigSource::of(self.config.as_deref(), self.isolated)
    }

    /// What replaces settings of the configuration.
    pub fn overrides(&self) -> Overrides {
        Overrides {
            select: self.select.clone(),
            ignore: self.ignore.clone(),
            pedantic: self.pedantic,
            // An editor opens files that nobody wants to be checked.
            force_exclude: true,
            ..Overrides::default()
        }
    }

    /// How long an edit waits for the next one.
    pub fn debounce(&self) -> Duration {
        Duration::from_millis(self.debounce.unwrap_or(DEBOUNCE).min(MAX_DEBOUNCE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn capabilities_are_read_one_by_one() {
        let client = Client::new(&json!({ "capabilities": {
            "general": { "positionEncodings": ["utf-16", "utf-8"] },
            "workspace": {
                "configuration": true,
                "codeLens": { "refreshSupport": true },
                "diagnostics": { "refreshSupport": true },
                "diagnostic": { "refreshSupport": true },
                "didChangeWatchedFiles": "nonsense",
            },
            "textDocument": { "diagnostic": {}, "codeAction": { "resolveSupport": { "properties": ["edit"] } } },
        } }));
        assert_eq!(client.encoding, Encoding::Utf8);
        assert!(client.pulls && client.tells_settings && client.resolves_edits);
        assert!(!client.watches && !client.shows_progress && !client.opens);
        assert_eq!(
            client.refreshes,
            ["workspace/diagnostic/refresh", "workspace/codeLens/refresh"]
        );
        for nothing in [json!(null), json!({}), json!({ "capabilities": 5 })] {
            assert_eq!(Client::new(&nothing).encoding, Encoding::Utf16);
        }
    }

    #[test]
    fn settings_that_nobody_knows_are_told() {
        let settings = json!({ "select": ["all"], "inlayHints": true, "debounce": 0 });
        let options = Options::parse(&settings).unwrap();
        assert!(options.inlay_hints && options.debounce().is_zero());
        assert_eq!(Options::parse(&json!({ SECTION: settings })), Ok(options));
        assert_eq!(Options::parse(&Value::Null), Ok(Options::default()));
        for wrong in [json!({ "selct": [] }), json!({ "pedantic": 1 }), json!([1])] {
            assert!(Options::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
