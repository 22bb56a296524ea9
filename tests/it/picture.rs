//! The picture in the README: what a terminal shows of the smallest example, drawn from the real output.
//! `TALLYLINT_BLESS=1` draws it anew.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use tallylint::config::{Configuration, Overrides};
use tallylint::driver::{self, Request};
use tallylint::report::{self, Format, Report, Screen};
use tallylint::settings::Settings;
use termcolor::Buffer;

use crate::common::is_fresh;

/// The folder that the README checks first.
const EXAMPLE: &str = "fixtures/first";
/// How wide the terminal is, in characters.
const COLUMNS: usize = 96;
/// The size of a character cell, and the room around the text, in pixels.
const WIDTH: f64 = 8.4;
const HEIGHT: usize = 20;
const ROOM: usize = 24;

/// What a terminal of that width shows, with its control sequences.
fn shown() -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let overrides = Overrides::default();
    let settings = Settings::new(None, &overrides).unwrap();
    let outcome = driver::run(Request::new(
        &[PathBuf::from(EXAMPLE)],
        &Configuration::fixed(settings, overrides),
        root,
    ))
    .unwrap();
    let report = Report {
        // How long it took would change the picture.
        time: None,
        screen: Screen {
            width: Some(COLUMNS),
            links: false,
        },
        ..outcome.report()
    };
    let mut out = Buffer::ansi();
    report::write(Format::Text, &report, &mut out).unwrap();
    String::from_utf8(out.into_inner()).unwrap()
}

/// Text in one style.
struct Run {
    column: usize,
    text: String,
    bold: bool,
    colour: &'static str,
}

/// The runs of a line.
fn runs(line: &str) -> Vec<Run> {
    const PLAIN: &str = "#d0d7de";
    let (mut bold, mut colour, mut column) = (false, PLAIN, 0);
    let mut out = Vec::new();
    for (at, part) in line.split('\x1b').enumerate() {
        let mut text = part;
        if at > 0 {
            let (code, rest) = part.strip_prefix('[').unwrap().split_once('m').unwrap();
            text = rest;
            match code {
                "0" => (bold, colour) = (false, PLAIN),
                "1" => bold = true,
                "31" | "38;5;9" => colour = "#ff7b72",
                "32" => colour = "#7ee787",
                "33" | "38;5;11" => colour = "#e3b341",
                "36" => colour = "#76e3ea",
                other => panic!("a colour without a picture: {other}"),
            }
        }
        if !text.is_empty() {
            out.push(Run {
                column,
                text: text.to_owned(),
                bold,
                colour,
            });
            column += text.chars().count();
        }
    }
    out
}

fn escaped(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    text.replace(' ', "\u{a0}")
}

fn picture() -> String {
    let text = format!("$ tallylint check {EXAMPLE}\n{}", shown());
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let width = WIDTH.mul_add(COLUMNS as f64, 2.0 * ROOM as f64).round();
    let height = lines.len() * HEIGHT + 2 * ROOM;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-label=\"What tallylint reports of {EXAMPLE}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"14\">\n"
    );
    for (at, line) in lines.iter().enumerate() {
        let y = ROOM + at * HEIGHT + 14;
        for run in runs(line) {
            let x = WIDTH.mul_add(run.column as f64, ROOM as f64);
            let length = WIDTH * run.text.chars().count() as f64;
            let bold = if run.bold {
                " font-weight=\"bold\""
            } else {
                ""
            };
            // The length keeps columns in line, whatever the font is.
            let _ = writeln!(
                out,
                "<text x=\"{x:.1}\" y=\"{y}\" textLength=\"{length:.1}\" fill=\"{}\"{bold}>{}</text>",
                run.colour,
                escaped(&run.text)
            );
        }
    }
    out + "</g>\n</svg>\n"
}

#[test]
fn the_picture_in_the_readme_is_what_is_printed() {
    is_fresh("docs/finding.svg", &picture());
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    assert!(readme.contains("](docs/finding.svg)"));
    assert!(readme.contains(&format!("check {EXAMPLE}\n")));
}
