//! Paths as URIs.

use std::path::{Path, PathBuf};

use lsp_types::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

const SCHEME: &str = "file://";
/// What is written as it is. Editors write `:` in two ways, but read both.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The path that a URI names; `None` if it names no file of this machine.
pub(super) fn to_path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.as_str();
    let rest = rest.get(SCHEME.len()..).filter(|_| {
        rest.get(..SCHEME.len())
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
    })?;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    let text = percent_decode_str(rest).decode_utf8().ok()?;
    if text.contains('\0') {
        return None;
    }
    native(&text)
}

/// The path of this system for that of a URI.
fn native(text: &str) -> Option<PathBuf> {
    if cfg!(windows) {
        return windows(text).map(PathBuf::from);
    }
    text.starts_with('/').then(|| PathBuf::from(text))
}

/// `/c:/x` as `c:\x`, `server/share` as `\\server\share`.
fn windows(text: &str) -> Option<String> {
    let text = match text.strip_prefix('/') {
        Some(local) => local.to_owned(),
        None => format!("//{text}"),
    };
    (!text.is_empty()).then(|| text.replace('/', "\\"))
}

/// The URI of an absolute path; `None` if it has parts that are no text.
pub(super) fn of_path(path: &Path) -> Option<Uri> {
    let text = path.to_str()?;
    let text = match cfg!(windows) {
        true => text.replace('\\', "/"),
        false => text.to_owned(),
    };
    let text = text.strip_prefix("//?/").unwrap_or(&text);
    let (host, path) = match text.strip_prefix("//") {
        Some(share) => ("", share),
        None if text.starts_with('/') => ("", text),
        None => ("/", text),
    };
    let path = utf8_percent_encode(path, ESCAPED);
    format!("{SCHEME}{host}{path}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn paths_and_uris_are_inverse() {
        for path in ["/", "/a/b.py", "/a b/é😀#?%20.py", "/c:/x", "/~x/[y]"] {
            let uri = of_path(Path::new(path)).unwrap();
            assert_eq!(to_path(&uri), Some(PathBuf::from(path)), "{}", uri.as_str());
        }
        let of = |text: &str| to_path(&text.parse().unwrap());
        assert_eq!(of("file:///a%2Fb"), Some(PathBuf::from("/a/b")));
        assert_eq!(of("FILE:///a"), Some(PathBuf::from("/a")));
        assert_eq!(of("file://localhost/a"), Some(PathBuf::from("/a")));
        for other in [
            "untitled:Untitled-1",
            "https://x/a.py",
            "file:///%ff",
            "file:///%00",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn windows_has_drives_and_shares() {
        assert_eq!(windows("/c:/x/y.py").as_deref(), Some("c:\\x\\y.py"));
        assert_eq!(
            windows("server/share/y").as_deref(),
            Some("\\\\server\\share\\y")
        );
        assert_eq!(windows("/"), None);
    }
}
