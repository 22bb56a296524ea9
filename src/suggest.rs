//! "Did you mean …?"

/// Names less similar than this (Damerau-Levenshtein, 0 to 1) are not suggested.
const LEAST_SIMILARITY: f64 = 0.5;

/// The candidate most similar to `word`, if any is similar enough.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let mut similarity =
            strsim::normalized_damerau_levenshtein(&word, &candidate.to_lowercase());
        // People often remember half of a compound name.
        if word.len() >= 4 && candidate.contains(&word) {
            similarity = similarity.max(0.75);
        }
        if similarity >= LEAST_SIMILARITY && best.is_none_or(|(most, _)| similarity > most) {
            best = Some((similarity, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `; did you mean ...?`, to be appended to an error message; empty if there is no candidate.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    closest(word, candidates)
        .map(|candidate| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_close() {
        let names = ["untracked-return", "swallowed-write"];
        assert_eq!(closest("untraked-retrun", names), Some("untracked-return"));
        assert_eq!(closest("untracked", names), Some("untracked-return"));
        assert_eq!(closest("Untracked_Return", names), Some("untracked-return"));
        assert_eq!(closest("E501", names), None);
        assert_eq!(did_you_mean("x", names), "");
    }
}
