//! Text that fits on the lines of a terminal.

/// The text with line breaks between its words. Its first line begins behind `first` characters; the others get an
/// indentation of `rest` blanks. Without a width it stays on one line. A word that is longer than a line is not broken.
pub(crate) fn wrapped(text: &str, width: Option<usize>, (first, rest): (usize, usize)) -> String {
    let Some(width) = width else {
        return text.to_owned();
    };
    let mut out = String::new();
    let mut at = first;
    for word in text.split(' ') {
        let length = word.chars().count();
        if !out.is_empty() {
            if at + 1 + length > width {
                out.push('\n');
                out.push_str(&" ".repeat(rest));
                at = rest;
            } else {
                out.push(' ');
                at += 1;
            }
        }
        out.push_str(word);
        at += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn words_go_to_the_next_line() {
        let wrap = |text: &str, width: usize| wrapped(text, Some(width), (6, 2));
        assert_eq!(wrap("one two three", 13), "one two\n  three");
        assert_eq!(wrap("one two three", 12), "one\n  two three");
        assert_eq!(wrap("extraordinary", 3), "extraordinary");
        assert_eq!(wrap("a extraordinary b", 8), "a\n  extraordinary\n  b");
        assert_eq!(wrapped("one two", None, (6, 2)), "one two");
    }
}
