//! A page for browsers, in one file that loads nothing.
//!
//! What is told is one JSON value; the script of the page shows it. Nothing in that value becomes markup: in the file, no
//! character of it is one that HTML knows, and the script makes texts of texts only. The content security policy names the
//! script and the style by their digests, so nothing else runs.

mod data;
mod excerpts;
mod flow;
mod pages;

use std::io::{self, Write};

use super::Report;
use super::harmless::harmless_json;

/// The parts of the script, in their order.
const SCRIPT: &str = concat!(
    include_str!("vendor/dagre.licence.js"),
    "(() => {\n\"use strict\";\n",
    include_str!("vendor/dagre.min.js"),
    include_str!("page/dom.js"),
    include_str!("page/model.js"),
    include_str!("page/walk.js"),
    include_str!("page/source.js"),
    include_str!("page/flow.js"),
    include_str!("page/finding.js"),
    include_str!("page/list.js"),
    include_str!("page/overview.js"),
    include_str!("page/checklist.js"),
    include_str!("page/main.js"),
    "})();\n",
);
const STYLE: &str = concat!(
    include_str!("page/frame.css"),
    include_str!("page/views.css"),
    include_str!("page/finding.css"),
);
/// The content security policy. A test keeps its digests right.
const POLICY: &str = include_str!("policy.txt");
const BODY: &str = include_str!("page/body.html");

/// Writes the page.
///
/// # Errors
/// When `out` cannot be written.
pub fn write<W: Write + ?Sized>(report: &Report<'_>, out: &mut W) -> io::Result<()> {
    let data = serde_json::to_string(&data::of(report))?;
    let data = without_markup(&harmless_json(&data));
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>tallylint report</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         <style>{STYLE}</style>\n</head>\n<body>\n{BODY}",
        POLICY.trim_end(),
    )?;
    pages::write(out)?;
    write!(
        out,
        "<script type=\"application/json\" id=\"data\">{data}</script>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// An equivalent JSON document without the characters that begin or end anything in HTML. They can only be in strings.
fn without_markup(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for c in document.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use sha2::{Digest, Sha256};

    use super::{BODY, POLICY, SCRIPT, STYLE, without_markup};

    #[test]
    fn the_policy_allows_this_script_and_this_style_only() {
        let digest = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
        let wanted = format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; \
             form-action 'none'\n",
            digest(SCRIPT),
            digest(STYLE)
        );
        if std::env::var_os("TALLYLINT_BLESS").is_some() {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/html/policy.txt");
            std::fs::write(file, &wanted).unwrap();
            return;
        }
        assert_eq!(
            POLICY, wanted,
            "run `TALLYLINT_BLESS=1 cargo test`, then again without"
        );
    }

    #[test]
    fn what_is_embedded_ends_no_element_and_loads_nothing() {
        assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--") && !STYLE.contains("</"));
        for text in [SCRIPT, STYLE, BODY] {
            // Browsers read it as the digest was made: without carriage returns.
            assert!(!text.contains('\r'));
            for loading in ["innerHTML", "eval(", "import ", "@import", "fetch("] {
                assert!(!text.contains(loading), "{loading}");
            }
        }
    }

    #[test]
    fn json_has_no_markup() {
        let value = serde_json::json!(["</script><!-- &lt;", "]]>"]);
        let text = without_markup(&value.to_string());
        assert!(!text.contains(['<', '>', '&']));
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read, value);
    }
}
