//! JUnit XML, which almost everything that shows test results can read.
//!
//! A file is a test suite. A finding is a failed test, one that a comment ignores or a baseline
//! contains is a skipped test, and a failure of the analysis is an error. If there is none of
//! these, the report has one passed test, because many readers take a report without tests for a
//! broken one.

use std::collections::BTreeMap;
use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::{Report, harmless};
use crate::outcome::Reported;

/// The outcome of a test.
enum Verdict {
    Passed,
    Failed { kind: String, text: String },
    Error { kind: &'static str },
    Skipped,
}

struct Test {
    name: String,
    class: String,
    line: Option<u32>,
    message: String,
    verdict: Verdict,
}

/// The counts in the attributes of a suite.
#[derive(Clone, Copy, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    fn of<'t>(tests: impl IntoIterator<Item = &'t Test>) -> Self {
        let mut counts = Counts::default();
        for test in tests {
            counts.tests += 1;
            match test.verdict {
                Verdict::Passed => {}
                Verdict::Failed { .. } => counts.failures += 1,
                Verdict::Error { .. } => counts.errors += 1,
                Verdict::Skipped => counts.skipped += 1,
            }
        }
        counts
    }
}

/// Writes the report and a line break.
///
/// # Errors
/// When `out` cannot be written.
pub fn write<W: Write + ?Sized>(report: &Report<'_>, out: &mut W) -> io::Result<()> {
    let suites = suites(report);
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = Counts::of(suites.values().flatten());
    xml.write_event(Event::Start(counted("testsuites", "tallylint", all)))?;
    for (name, tests) in &suites {
        let start = counted("testsuite", name, Counts::of(tests));
        xml.write_event(Event::Start(start))?;
        for test in tests {
            write_test(&mut xml, name, test)?;
        }
        xml.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuites")))?;
    out.write_all(&xml.into_inner())?;
    writeln!(out)
}

fn suites(report: &Report<'_>) -> BTreeMap<String, Vec<Test>> {
    let mut suites: BTreeMap<String, Vec<Test>> = BTreeMap::new();
    let settled = report.settled;
    let mut add = |reported: &Reported, message: String, verdict| {
        let finding = &reported.finding;
        let line = report.region(&finding.primary.location).line;
        let test = Test {
            name: format!("{} at line {line}", finding.code()),
            class: finding.symbol.clone(),
            line: Some(line),
            message,
            verdict,
        };
        let path = report.path_of(&finding.primary.location).text();
        suites.entry(path).or_default().push(test);
    };
    for reported in &settled.reported {
        let finding = &reported.finding;
        let verdict = Verdict::Failed {
            kind: finding.severity.name().to_owned(),
            text: report.in_words(finding),
        };
        add(reported, finding.message.clone(), verdict);
    }
    if report.ignored {
        for suppressed in &settled.suppressed {
            let message = match &suppressed.reason {
                Some(reason) => format!("ignored by a comment: {reason}"),
                None => "ignored by a comment".to_owned(),
            };
            add(&suppressed.finding, message, Verdict::Skipped);
        }
        for known in &settled.known {
            let message = "known from the baseline".to_owned();
            add(known, message, Verdict::Skipped);
        }
    }
    let analysis = |line, message: String, verdict| Test {
        name: "analysis".to_owned(),
        class: "tallylint".to_owned(),
        line,
        message,
        verdict,
    };
    for failure in report.failures {
        let line = failure.location.map(|(line, _)| line);
        let kind = failure.title();
        let test = analysis(line, failure.reason.clone(), Verdict::Error { kind });
        let path = report.path_of_failure(failure).text();
        suites.entry(path).or_default().push(test);
    }
    let whole = match report.bug {
        Some(bug) => {
            let kind = "internal error";
            Some(analysis(None, bug.to_string(), Verdict::Error { kind }))
        }
        None => suites
            .is_empty()
            .then(|| analysis(None, String::new(), Verdict::Passed)),
    };
    if let Some(test) = whole {
        suites.entry("tallylint".to_owned()).or_default().push(test);
    }
    suites
}

fn counted<'n>(element: &'n str, name: &str, counts: Counts) -> BytesStart<'n> {
    let mut start = BytesStart::new(element);
    start.push_attribute(("name", &*allowed(name)));
    for (name, count) in [
        ("tests", counts.tests),
        ("failures", counts.failures),
        ("errors", counts.errors),
        ("skipped", counts.skipped),
    ] {
        start.push_attribute((name, &*count.to_string()));
    }
    start
}

fn write_test(xml: &mut Writer<Vec<u8>>, path: &str, test: &Test) -> io::Result<()> {
    let mut case = BytesStart::new("testcase");
    case.push_attribute(("name", &*allowed(&test.name)));
    case.push_attribute(("classname", &*allowed(&test.class)));
    case.push_attribute(("file", &*allowed(path)));
    if let Some(line) = test.line {
        case.push_attribute(("line", &*line.to_string()));
    }
    let message = allowed(&test.message);
    let (element, kind, text) = match &test.verdict {
        Verdict::Passed => return xml.write_event(Event::Empty(case)),
        Verdict::Failed { kind, text } => ("failure", Some(kind.as_str()), Some(text)),
        Verdict::Error { kind } => ("error", Some(*kind), None),
        Verdict::Skipped => ("skipped", None, None),
    };
    let mut outcome = BytesStart::new(element);
    outcome.push_attribute(("message", &*message));
    if let Some(kind) = kind {
        outcome.push_attribute(("type", kind));
    }
    xml.write_event(Event::Start(case))?;
    match text {
        Some(text) => {
            // The lines are already harmless.
            let text = without_noncharacters(text);
            xml.write_event(Event::Start(outcome))?;
            xml.write_event(Event::Text(BytesText::new(&text)))?;
            xml.write_event(Event::End(BytesEnd::new(element)))?;
        }
        None => xml.write_event(Event::Empty(outcome))?,
    }
    xml.write_event(Event::End(BytesEnd::new("testcase")))
}

/// The text without the characters that XML does not allow, or that a terminal would act on.
fn allowed(text: &str) -> String {
    without_noncharacters(&harmless(text)).replace('\t', " ")
}

fn without_noncharacters(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_xml_can_have_is_left() {
        assert_eq!(allowed("a\0b\u{1b}\u{ffff}\t\n"), "a␀b␛\u{fffd} ␊");
    }
}
