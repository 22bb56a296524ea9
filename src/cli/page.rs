//! Markdown for a terminal: the pages of rules.

use std::io;

use termcolor::{Color, ColorSpec, WriteColor};

use crate::report::wrapped;

/// How wide text is if the terminal does not say, and how wide it is at most: longer lines are hard to read.
const WIDTH: usize = 100;
/// How far tables and code are indented.
const INDENT: usize = 4;
/// What stands between the columns of a table.
const GAP: usize = 2;
/// No column of a table gets narrower.
const LEAST: usize = 12;

/// Writes a page: with bold headings and coloured code, without fences, and with tables whose cells are wrapped.
pub(super) fn write(text: &str, width: Option<usize>, out: &mut dyn WriteColor) -> io::Result<()> {
    let width = width.unwrap_or(WIDTH).min(WIDTH);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            for code in lines.by_ref().take_while(|line| !line.starts_with("```")) {
                coloured(out, &code_style(), &format!("{:INDENT$}{code}", ""))?;
                writeln!(out)?;
            }
        } else if let Some(heading) = line.strip_prefix('#') {
            let heading = heading.trim_start_matches('#').trim_start();
            coloured(out, ColorSpec::new().set_bold(true), heading)?;
            writeln!(out)?;
        } else if line.starts_with('|') {
            let mut rows = vec![cells(line)];
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                rows.push(cells(row));
            }
            table(&rows, width, out)?;
        } else if line.is_empty() {
            writeln!(out)?;
        } else {
            let mut whole = line.to_owned();
            // What is not empty and begins nothing else goes on.
            while let Some(more) = lines.next_if(|line| goes_on(line)) {
                whole.push(' ');
                whole.push_str(more.trim_start());
            }
            let mark = line.len() - line.trim_start_matches(['*', '-', ' ']).len();
            let whole = wrapped(&without_links(&whole), Some(width), (0, mark.min(INDENT)));
            inline(&whole, out)?;
            writeln!(out)?;
        }
    }
    Ok(())
}

fn code_style() -> ColorSpec {
    ColorSpec::new().set_fg(Some(Color::Cyan)).clone()
}

fn coloured(out: &mut dyn WriteColor, style: &ColorSpec, text: &str) -> io::Result<()> {
    out.set_color(style)?;
    write!(out, "{text}")?;
    out.reset()
}

/// Whether a line goes on with what the one before says.
fn goes_on(line: &str) -> bool {
    let text = line.trim_start();
    !text.is_empty()
        && !text.starts_with(['#', '|'])
        && !text.starts_with("```")
        && !text.starts_with("- ")
        && !text.starts_with("* ")
}

/// Writes text whose code is coloured, also where it goes on in the next line.
fn inline(text: &str, out: &mut dyn WriteColor) -> io::Result<()> {
    for (at, part) in text.split('`').enumerate() {
        match at % 2 {
            1 => coloured(out, &code_style(), part)?,
            _ => write!(out, "{part}")?,
        }
    }
    Ok(())
}

/// The text with the words of its links, and without their targets.
fn without_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        let Some((_, behind)) = after.split_once(')') else {
            break;
        };
        match before.rsplit_once('[') {
            Some((head, words)) => {
                out.push_str(head);
                out.push_str(words);
            }
            None => out.push_str(before),
        }
        rest = behind;
    }
    out + rest
}

/// The cells of a row of a table.
fn cells(row: &str) -> Vec<String> {
    let row = row.trim().trim_matches('|').replace("\\|", "\u{0}");
    let cells = row
        .split('|')
        .map(|cell| without_links(cell.trim()).replace('\u{0}', "|"));
    cells.collect()
}

/// Writes a table. The second row only separates the head from the rest.
fn table(rows: &[Vec<String>], width: usize, out: &mut dyn WriteColor) -> io::Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let rows: Vec<&Vec<String>> = rows
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != 1)
        .map(|(_, row)| row)
        .collect();
    let shown = |cell: &str| cell.chars().filter(|c| *c != '`').count();
    let longest = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| shown(cell))
            .max()
    };
    let mut widths: Vec<usize> = (0..columns)
        .map(|column| longest(column).unwrap_or(0))
        .collect();
    let between = INDENT + GAP * columns.saturating_sub(1);
    // The widest column gives way.
    while widths.iter().sum::<usize>() + between > width {
        let Some(widest) = widths.iter_mut().max().filter(|widest| **widest > LEAST) else {
            break;
        };
        *widest -= 1;
    }
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<Vec<String>> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| {
                let cell = cell.replace('`', "");
                wrapped(&cell, Some(*width), (0, 0))
                    .lines()
                    .map(str::to_owned)
                    .collect()
            })
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..height {
            let mut text = " ".repeat(INDENT);
            for (cell, width) in cells.iter().zip(&widths) {
                let part = cell.get(line).map_or("", String::as_str);
                let pad = width.saturating_sub(part.chars().count()) + GAP;
                text.push_str(part);
                text.push_str(&" ".repeat(pad));
            }
            match number {
                0 => coloured(out, ColorSpec::new().set_bold(true), text.trim_end())?,
                _ => write!(out, "{}", text.trim_end())?,
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use termcolor::Buffer;

    use super::write;

    fn shown(text: &str, width: usize) -> String {
        let mut out = Buffer::no_color();
        write(text, Some(width), &mut out).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn tables_are_aligned_and_wrapped() {
        let text = "| kind | when |\n|---|---|\n| `unset` | a path returns without the key, having written nothing |\n| `dropped` | \
                    [lost](x.md) |\n";
        let wanted = "    kind     when\n    unset    a path returns without\n             the key, having written\n             nothing\n    \
                      dropped  lost\n";
        assert_eq!(shown(text, 38), wanted);
    }

    #[test]
    fn text_is_filled_and_code_is_not() {
        let text = "# Head\n\nOne two\nthree `four` [five](a.md) six.\n\n- an item that\n  goes on\n\n```python\nx = 1\n```\n";
        let wanted =
            "Head\n\nOne two three\nfour five six.\n\n- an item that goes\n  on\n\n    x = 1\n";
        assert_eq!(shown(text, 19), wanted);
    }
}
