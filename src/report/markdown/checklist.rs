//! The review checklist: each processor, with the exits of its method.

use super::escape::{code, crop, html_code, text};
use super::{MAX_CHARS, MAX_CODE, Sheet, at, source};
use crate::order::Order as _;
use crate::outcome::{Duty, ExitState, MethodExit};
use crate::report::checklist::{Excuse, Group, Statements, is_open, state_in_words, unfollowed};
use crate::report::{Report, plural};

/// How many stores an exit names.
const MAX_STORES: usize = 3;
/// How many classes with the same code are named.
const MAX_CLASSES: usize = 5;

/// Writes the list. Returns how many processors were left out.
pub(super) fn write(report: &Report<'_>, sheet: &mut Sheet) -> usize {
    let mut groups = report.groups();
    if groups.is_empty() {
        return 0;
    }
    // So that processors in order are cut off first.
    groups.order_by_key(|group| std::cmp::Reverse(group.open));
    let intro = "\n#### Review checklist\n\n\
        Every way out of each method that was checked, and whether it has recorded by then what it \
        did. Exceptions that calls raise leave a method, too: nothing is demanded there.\n\n";
    sheet.add(intro, 100);
    let mut statements = Statements::default();
    let mut left_out = 0;
    for group in &groups {
        let piece = processors(report, group, &mut statements);
        if !sheet.add(&piece, 100) {
            left_out += group.duties.len();
        }
    }
    left_out
}

fn processors(report: &Report<'_>, group: &Group<'_>, statements: &mut Statements) -> String {
    let duty = group.duties[0];
    let place = at(report, &duty.place);
    let symbol = crop(&duty.symbol(), MAX_CODE);
    let Some(method) = &duty.exits else {
        let from = duty.inherits.as_deref();
        let from = from.map_or("a class that is not checked".to_owned(), |from| {
            code(&crop(from, MAX_CODE))
        });
        return format!(
            "* {} ({place}) is inherited unchanged from {from}\n",
            code(&symbol)
        );
    };
    if let Some((_, why)) = unfollowed(method.followed) {
        let does = duty.contract.does(|object| code(&crop(object, MAX_CODE)));
        let symbol = code(&symbol);
        return format!("* {symbol} ({place}) {does}: unknown ({why})\n");
    }
    let open = match group.open {
        0 => "in order".to_owned(),
        open => format!("<b>{open} to check</b>"),
    };
    let mut out = format!(
        "<details><summary>{} {}: {}, {open}</summary>\n\n{place}{}\n\n",
        html_code(&symbol),
        duty.contract
            .does(|object| html_code(&crop(object, MAX_CODE))),
        plural(method.exits.len(), "exit"),
        others(&group.duties[1..]),
    );
    for (exit, excuse) in method.exits.iter().zip(&group.excuses) {
        let done = if is_open(exit) && excuse.is_none() {
            ' '
        } else {
            'x'
        };
        let what = match exit.implicit {
            true => "the end of the method".to_owned(),
            false => {
                let line = report.region(&exit.place).line;
                format!("line {line}, {}", code(&source(report, &exit.place)))
            }
        };
        let state = state(report, exit, statements);
        out.push_str(&format!("- [{done}] {what}: {state}"));
        match excuse {
            Some(Excuse::Ignored(Some(reason))) => {
                let reason = text(&crop(reason, MAX_CHARS));
                out.push_str(&format!(" (ignored by a comment: {reason})"));
            }
            Some(Excuse::Ignored(None)) => out.push_str(" (ignored by a comment)"),
            Some(Excuse::Known) => out.push_str(" (known from the baseline)"),
            None => {}
        }
        out.push('\n');
    }
    out.push_str("\n</details>\n\n");
    out
}

/// The other classes that run the same code.
fn others(duties: &[&Duty]) -> String {
    if duties.is_empty() {
        return String::new();
    }
    let named = duties.iter().take(MAX_CLASSES);
    let named: Vec<String> = named
        .map(|duty| code(&crop(duty.class.as_ref().unwrap_or(&duty.method), MAX_CODE)))
        .collect();
    let more = match duties.len().saturating_sub(MAX_CLASSES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(", also run by {}{more}", named.join(", "))
}

fn state(report: &Report<'_>, exit: &MethodExit, statements: &mut Statements) -> String {
    let words = text(state_in_words(exit.state));
    let stores: Vec<String> = exit
        .set_at
        .iter()
        .take(MAX_STORES)
        .map(|store| {
            let line = report.region(store).line;
            let statement = crop(&statements.around(report, store), MAX_CODE);
            format!("{} (line {line})", code(&statement))
        })
        .collect();
    let mut stores = stores.join(" or ");
    if let more @ 1.. = exit.set_at.len().saturating_sub(MAX_STORES) {
        stores.push_str(&format!(", or {more} more"));
    }
    match exit.state {
        ExitState::Set if stores.is_empty() => words,
        ExitState::Set => format!("{words} by {stores}"),
        ExitState::NotSet { .. } if stores.is_empty() => format!("**{words}**"),
        ExitState::NotSet { .. } => format!("**{words}**; on others by {stores}"),
        ExitState::Unverified => format!("**{words}**"),
        ExitState::Raises | ExitState::Fails | ExitState::Unreached => words,
    }
}
