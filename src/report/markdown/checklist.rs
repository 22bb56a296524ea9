//! The review checklist: each processor that was checked, with the exits of its method.

use super::escape::{crop, text};
use super::{MAX_CHARS, Sheet, at, code, source};
use crate::contracts::exits::{Exit, ExitState};
use crate::report::checklist::{Excuse, Item, state_in_words, unfollowed};
use crate::report::{Report, plural};

/// Places that are named where an exit is set.
const MAX_STORES: usize = 3;

/// Writes the list; tells how many processors are left out.
pub(super) fn write(report: &Report<'_>, sheet: &mut Sheet) -> usize {
    let items = report.checklist();
    if items.is_empty() {
        return 0;
    }
    let intro = "\n#### Review checklist\n\n\
        Every way out of each method that was checked, and whether it has recorded by then what it \
        did. Exceptions that calls raise leave a method, too: nothing is demanded there.\n\n";
    sheet.add(intro, 100);
    let pieces = items.iter().map(|item| processor(report, item));
    pieces.filter(|piece| !sheet.add(piece, 100)).count()
}

fn processor(report: &Report<'_>, item: &Item<'_>) -> String {
    let symbol = code(&crop(&item.symbol(), 100));
    let place = at(report, &item.place());
    let Some(method) = item.exits else {
        let from = item
            .processor
            .inherits
            .as_deref()
            .unwrap_or("a class that is not checked");
        let from = code(&crop(from, 100));
        return format!("* {symbol} ({place}) is inherited as it is from {from}\n");
    };
    let sets = code(&crop(&item.sets, 100));
    if let Some((_, why)) = unfollowed(method.followed) {
        return format!("* {symbol} ({place}) sets {sets}: not known, {why}\n");
    }
    let open = method.exits.iter().filter(|exit| is_open(exit)).count();
    let open = match open {
        0 => "all in order".to_owned(),
        open => format!("<b>{open} to look at</b>"),
    };
    let mut out = format!(
        "<details><summary>{symbol} sets {sets}: {}, {open}</summary>\n\n{place}\n\n",
        plural(method.exits.len(), "exit")
    );
    for exit in &method.exits {
        let done = if is_open(exit) { " " } else { "x" };
        let what = match exit.implicit {
            true => "the end of the method".to_owned(),
            false => code(&source(report, &exit.place)),
        };
        let line = match exit.implicit {
            true => String::new(),
            false => format!("line {}: ", report.region(&exit.place).line),
        };
        out.push_str(&format!(
            "- [{done}] {line}{what} — {}",
            state(report, exit)
        ));
        match report.excuse(item, exit) {
            Some(Excuse::Ignored(Some(reason))) => {
                let reason = text(&crop(reason, MAX_CHARS));
                out.push_str(&format!(" (a comment ignores it: {reason})"));
            }
            Some(Excuse::Ignored(None)) => out.push_str(" (a comment ignores it)"),
            Some(Excuse::Known) => out.push_str(" (known from the baseline)"),
            None => {}
        }
        out.push('\n');
    }
    out.push_str("\n</details>\n\n");
    out
}

fn is_open(exit: &Exit) -> bool {
    matches!(exit.state, ExitState::NotSet { .. } | ExitState::Unverified)
}

fn state(report: &Report<'_>, exit: &Exit) -> String {
    let words = text(state_in_words(exit.state));
    let stores: Vec<String> = exit
        .set_at
        .iter()
        .take(MAX_STORES)
        .map(|store| {
            let line = report.region(store).line;
            format!("{} (line {line})", code(&source(report, store)))
        })
        .collect();
    let mut stores = stores.join(" or ");
    if let more @ 1.. = exit.set_at.len().saturating_sub(MAX_STORES) {
        stores.push_str(&format!(", or {more} more"));
    }
    match exit.state {
        ExitState::Set if stores.is_empty() => words,
        ExitState::Set => format!("{words} by {stores}"),
        ExitState::NotSet { .. } if stores.is_empty() => format!("<b>{words}</b>"),
        ExitState::NotSet { .. } => format!("<b>{words}</b>; on others by {stores}"),
        ExitState::Unverified => format!("<b>{words}</b>"),
        ExitState::Raises | ExitState::Fails | ExitState::Unreached => words,
    }
}
