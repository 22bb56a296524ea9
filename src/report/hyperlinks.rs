//! Places as links in a terminal (OSC 8, <https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda>).

use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::snippet::Snippets;

/// What begins the line with the place of a snippet.
const START: &str = "┌─";

/// Characters that mean something in a URL.
const SPECIAL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// The rendered snippets, in which each place is a link to its file.
pub(super) fn with_links(rendered: &[u8], snippets: &Snippets) -> Vec<u8> {
    let text = String::from_utf8_lossy(rendered);
    let mut out = String::with_capacity(text.len());
    let mut section = 0;
    for line in text.split_inclusive('\n') {
        let place = snippets.file(section).and_then(|(name, path)| {
            let from = line.find(START)? + START.len();
            let at = from + line[from..].find(name)?;
            Some((at, path))
        });
        let Some((at, path)) = place else {
            out.push_str(line);
            continue;
        };
        section += 1;
        let (before, rest) = line.split_at(at);
        let shown = rest.trim_end();
        out.push_str(before);
        out.push_str(&link(path, shown));
        out.push_str(&rest[shown.len()..]);
    }
    out.into_bytes()
}

/// A text that links to a file.
fn link(path: &Path, text: &str) -> String {
    let path = path.to_string_lossy().replace('\\', "/");
    let path = utf8_percent_encode(&path, SPECIAL);
    format!("\x1b]8;;file://{path}\x1b\\{text}\x1b]8;;\x1b\\")
}

#[cfg(test)]
mod tests {
    use super::link;
    use std::path::Path;

    #[test]
    fn a_path_is_written_as_a_url() {
        let text = link(Path::new("/etl/a b#1 é%.py"), "a b#1 é%.py:3:1");
        assert_eq!(
            text,
            "\x1b]8;;file:///etl/a%20b%231%20%C3%A9%25.py\x1b\\a b#1 é%.py:3:1\x1b]8;;\x1b\\"
        );
    }
}
