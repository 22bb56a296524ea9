//! What a file is for, judged by its path.

use super::SourceFile;

/// Whether the file is one of tests, judged by its path: what tests do with failures is theirs. What
/// lies in a folder of fixtures is no test.
#[must_use]
pub fn is_of_tests(file: &SourceFile) -> bool {
    let mut parts = file.display.rsplit(['/', '\\']);
    let name = parts.next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let by_name = stem.starts_with("test_") || stem.ends_with("_test") || stem == "conftest";
    let by_folder = parts.find_map(|folder| match folder {
        "tests" | "test" | "testing" | "benches" => Some(true),
        "fixtures" => Some(false),
        _ => None,
    });
    by_name || by_folder == Some(true)
}
