//! The exits of contract methods: lenses, hints, lists, and why there is no finding.

use std::collections::BTreeMap;
use std::fmt::Write;

use lsp_types::{
    CodeLens, Command, InlayHint, InlayHintLabel, InlayHintTooltip, Position, Range, Uri,
};
use serde_json::{Value, json};

use super::session::{Asked, Session};
use super::view::View;
use crate::diagnostics::{Finding, Location};
use crate::outcome::{Duty, ExitState, MethodExit, MethodExits, RuledOut};
use crate::report::{is_open, state_in_words, unfollowed};
use crate::settings::Demand;
use crate::source::{FileId, SourceFile, Span};

/// The command that lists the exits of a method.
pub(super) const SHOW: &str = "tallylint.showExits";
/// The command that explains an exit.
pub(super) const EXPLAIN: &str = "tallylint.explainExit";

/// The duties of the methods that a file defines, by the name of the method. One that another duty repeats, with the
/// same contract and the same exits, is left out.
pub(super) fn methods<'a>(view: &View<'a>, file: FileId) -> BTreeMap<Location, Vec<&'a Duty>> {
    let mut out: BTreeMap<Location, Vec<&Duty>> = BTreeMap::new();
    for (duty, method) in view.methods(file) {
        let same = |known: &&Duty| known.contract == duty.contract && known.exits == duty.exits;
        let duties = out.entry(method.def).or_default();
        if !duties.iter().any(same) {
            duties.push(duty);
        }
    }
    out
}

/// A lens above each method and contract.
pub(super) fn lenses(view: &View<'_>, file: &SourceFile) -> Vec<CodeLens> {
    let Some(uri) = view.uri(file) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for (def, duties) in methods(view, file.id) {
        let range = view.encoding().range(file, def.span);
        for duty in duties {
            let Some(method) = &duty.exits else { continue };
            let argument = json!({
                "uri": uri,
                "position": range.start,
                "symbol": duty.symbol(),
                "contract": duty.contract.does(str::to_owned),
                "exits": data(view, method),
            });
            let command = Command {
                title: title(view, duty, method),
                command: SHOW.to_owned(),
                arguments: Some(vec![argument]),
            };
            out.push(CodeLens {
                range,
                command: Some(command),
                data: None,
            });
        }
    }
    out
}

/// What the exits of a method come to: `3 of 4 exits set rows_inserted`.
fn title(view: &View<'_>, duty: &Duty, method: &MethodExits) -> String {
    let does = short(view, duty);
    if let Some((_, why)) = unfollowed(method.followed) {
        return format!("exits not known: {why}");
    }
    let demanded = method
        .exits
        .iter()
        .filter(|exit| is_open(exit) || exit.state == ExitState::Set);
    let all = demanded.clone().count();
    let set = demanded.filter(|exit| exit.state == ExitState::Set).count();
    match (set, all) {
        (_, 0) => format!("no exit has to {does}"),
        (1, 1) => format!("its exit {}", third_person(&does)),
        (0, 1) => format!("its exit does not {does} on every path"),
        (set, all) => format!("{set} of {all} exits {does}"),
    }
}

/// What a contract demands, in a few words: `set rows_inserted`.
fn short(view: &View<'_>, duty: &Duty) -> String {
    let survey = view.survey(&duty.contract);
    let demands = survey.map(|survey| survey.contract.demands.as_slice());
    let demands = demands.unwrap_or_default().iter().map(|demand| {
        let verb = demand.verb().trim_end_matches('s');
        match demand {
            Demand::Store(place) => format!("{verb} {}", place.slot.name()),
            Demand::Call(path) => format!("{verb} {}", path.name()),
            Demand::Return(_) => format!("{verb} {}", demand.object()),
        }
    });
    let all: Vec<String> = demands.collect();
    match all.is_empty() {
        true => "keep the contract".to_owned(),
        false => all.join(" or "),
    }
}

/// `set x or call y` as `sets x or calls y`.
fn third_person(does: &str) -> String {
    let each = does.split(" or ").map(|part| match part.split_once(' ') {
        Some((verb, object)) => format!("{verb}s {object}"),
        None => part.to_owned(),
    });
    each.collect::<Vec<_>>().join(" or ")
}

/// The exits for programs.
fn data(view: &View<'_>, method: &MethodExits) -> Vec<Value> {
    let exits = method.exits.iter();
    let exits = exits.map(|exit| {
        let set_by: Vec<_> = exit
            .set_at
            .iter()
            .filter_map(|at| view.location(*at))
            .collect();
        json!({
            "location": view.location(exit.place),
            "end": exit.implicit,
            "state": state_in_words(exit.state),
            "set": exit.state == ExitState::Set,
            "setBy": set_by,
        })
    });
    exits.collect()
}

/// The exits of a method in Markdown.
pub(super) fn table(view: &View<'_>, duty: &Duty, from: FileId) -> String {
    let Some(method) = &duty.exits else {
        return String::new();
    };
    let mut out = format!("{} in `{}`:\n", title(view, duty, method), duty.symbol());
    for exit in &method.exits {
        let _ = write!(
            out,
            "\n- {}: {}",
            name(view, exit, from),
            state_in_words(exit.state)
        );
    }
    out
}

/// `line 5`, `the end`.
fn name(view: &View<'_>, exit: &MethodExit, from: FileId) -> String {
    match exit.implicit {
        true => "the end".to_owned(),
        false => view.place(exit.place, from),
    }
}

/// A hint at each exit in a range, if the user wants them.
pub(super) fn hints(view: &View<'_>, file: &SourceFile, range: Range) -> Vec<InlayHint> {
    if !view.options.inlay_hints {
        return Vec::new();
    }
    let span = view.span(file, range);
    let mut at: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for (duty, exit) in view.exits_on(file, span) {
        let word = match exit.state {
            ExitState::Set => format!("✓ {}", third_person(&short(view, duty))),
            ExitState::NotSet { .. } => format!("✗ does not {}", short(view, duty)),
            ExitState::Unverified => format!("? may {}", short(view, duty)),
            ExitState::Raises | ExitState::Fails | ExitState::Unreached => continue,
        };
        let lines = file.line_index();
        let line = lines.line(exit.place.span.end);
        let end = lines.line_range(&file.text, line).unwrap_or_default().end;
        let words = at
            .entry(u32::try_from(end).unwrap_or(u32::MAX))
            .or_default();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let hints = at.into_iter().map(|(at, words)| InlayHint {
        position: view.encoding().position(&file.text, file.line_index(), at),
        label: InlayHintLabel::String(words.join(", ")),
        kind: None,
        text_edits: None,
        tooltip: Some(InlayHintTooltip::String(
            "tallylint: the state of this exit".to_owned(),
        )),
        padding_left: Some(true),
        padding_right: None,
        data: None,
    });
    hints.collect()
}

/// What can be asked about the exits in a span.
pub(super) fn questions(view: &View<'_>, file: &SourceFile, span: Span, uri: &Uri) -> Vec<Command> {
    let mut out: Vec<Command> = Vec::new();
    for (duty, exit) in view.exits_on(file, span) {
        let position = view.encoding().range(file, exit.place.span).start;
        let command = Command {
            title: format!("Explain this exit: does it {}?", short(view, duty)),
            command: EXPLAIN.to_owned(),
            arguments: Some(vec![json!({ "uri": uri, "position": position })]),
        };
        if !out.contains(&command) {
            out.push(command);
        }
    }
    out
}

/// Something to show.
pub(super) struct Shown {
    pub text: String,
    /// The places that can be chosen, each with its name.
    places: Vec<(String, Value)>,
}

/// The list of the exits of the methods at a position.
pub(super) fn list(view: &View<'_>, file: &SourceFile, argument: &Value) -> Option<Shown> {
    let at = offset(view, file, argument)?;
    let mut texts = Vec::new();
    let mut places: Vec<(String, Value)> = Vec::new();
    let asked = argument.get("contract").and_then(Value::as_str);
    for (def, duties) in methods(view, file.id) {
        let here = def.span.start <= at && at <= def.span.end;
        let duties = duties.into_iter().filter(|duty| {
            here && asked.is_none_or(|asked| duty.contract.does(str::to_owned) == asked)
        });
        for duty in duties {
            texts.push(table(view, duty, file.id));
            let exits = duty.exits.iter().flat_map(|method| &method.exits);
            for exit in exits {
                let name = format!(
                    "{}: {}",
                    name(view, exit, file.id),
                    state_in_words(exit.state)
                );
                places.extend(place(view, exit.place).map(|place| (name, place)));
            }
        }
    }
    (!texts.is_empty()).then(|| Shown {
        text: texts.join("\n\n"),
        places,
    })
}

/// What `window/showDocument` takes to show a place.
fn place(view: &View<'_>, location: Location) -> Option<Value> {
    let place = view.location(location)?;
    Some(json!({ "uri": place.uri, "selection": place.range, "takeFocus": true }))
}

fn offset(view: &View<'_>, file: &SourceFile, argument: &Value) -> Option<u32> {
    let position = argument.get("position")?.clone();
    let position: Position = serde_json::from_value(position).ok()?;
    Some(view.span(file, Range::new(position, position)).start)
}

/// Why there is a finding at an exit, or none.
pub(super) fn explanation(view: &View<'_>, file: &SourceFile, argument: &Value) -> Option<Shown> {
    let at = offset(view, file, argument)?;
    let mut texts: Vec<String> = Vec::new();
    let mut places = Vec::new();
    for (duty, exit) in view.exits_on(file, Span::new(at, at)) {
        let text = explain(view, duty, exit, file.id);
        if texts.contains(&text) {
            continue;
        }
        texts.push(text);
        for store in &exit.set_at {
            let name = format!("set at {}", view.place(*store, file.id));
            places.extend(place(view, *store).map(|place| (name, place)));
        }
    }
    if texts.is_empty() {
        texts.push(no_exit(view, file, at));
    }
    Some(Shown {
        text: texts.join("\n\n"),
        places,
    })
}

/// Why nothing is known of an exit on a line.
fn no_exit(view: &View<'_>, file: &SourceFile, at: u32) -> String {
    let line = file.line_index().line(at);
    let unfollowed = view.methods(file.id).find_map(|(duty, method)| {
        let (_, why) = unfollowed(method.followed)?;
        let is_before = method.def.span.start <= at;
        is_before.then(|| format!("the exits of `{}` are not known: {why}", duty.symbol()))
    });
    let nothing = || {
        "no contract is known for an exit there; if one should hold, declare it in the configuration".to_owned()
    };
    format!("line {line}: {}", unfollowed.unwrap_or_else(nothing))
}

fn explain(view: &View<'_>, duty: &Duty, exit: &MethodExit, from: FileId) -> String {
    let does = duty.contract.does(str::to_owned);
    let mut out = format!(
        "{} of `{}`, which has a contract ({} {does}): {}",
        name(view, exit, from),
        duty.symbol(),
        duty.contract.who,
        state_in_words(exit.state)
    );
    let code = |location| crate::outcome::code(location, &view.run.sources);
    match exit.state {
        ExitState::Set => {
            for store in &exit.set_at {
                let place = view.place(*store, from);
                let _ = write!(out, "\n- set at {place}: {}", code(*store));
            }
            if exit.set_at.is_empty() {
                out.push_str("\n- where it is set is not known");
            }
            for line in obstacles(view, exit, from) {
                let _ = write!(out, "\n- without that, the way here is closed at {line}");
            }
        }
        ExitState::NotSet { .. } => {
            for finding in findings(view, duty, exit) {
                let _ = write!(out, "\n- {}", finding.message);
                for (number, step) in finding.steps.iter().enumerate() {
                    let place = view.place(step.location, from);
                    let _ = write!(out, "\n  {}. {place}: {}", number + 1, step.message);
                }
            }
            for store in &exit.set_at {
                let place = view.place(*store, from);
                let _ = write!(
                    out,
                    "\n- on other paths it is set at {place}: {}",
                    code(*store)
                );
            }
        }
        ExitState::Unverified => {
            for store in &exit.set_at {
                let place = view.place(*store, from);
                let _ = write!(
                    out,
                    "\n- on some path it is set at {place}: {}",
                    code(*store)
                );
            }
            out.push_str(
                "\n- no path is known on which it surely stays unset, so nothing is reported",
            );
        }
        ExitState::Unreached => {
            let lines = obstacles(view, exit, from);
            for line in &lines {
                let _ = write!(out, "\n- the way here is closed at {line}");
            }
            if lines.is_empty() {
                out.push_str("\n- which condition rules every path out is not known");
            }
        }
        ExitState::Raises | ExitState::Fails => {}
    }
    out
}

/// What rules out ways to an exit, each place with what is known there and since when.
fn obstacles(view: &View<'_>, exit: &MethodExit, from: FileId) -> Vec<String> {
    let RuledOut { obstacles, others } = &exit.ruled_out;
    let each = obstacles.iter().map(|obstacle| {
        let mut line = format!("{}: {}", view.place(obstacle.at, from), obstacle.says);
        for (at, established) in &obstacle.since {
            let place = view.place(*at, from);
            let _ = write!(line, "\n  - known since {place}: {established}");
        }
        line
    });
    let mut out: Vec<String> = each.collect();
    if *others > 0 && !out.is_empty() {
        let places = if *others == 1 { "place" } else { "places" };
        out.push(format!("{others} other {places}"));
    }
    out
}

/// The findings about an exit, whether they are reported or not.
fn findings<'a>(
    view: &View<'a>,
    duty: &'a Duty,
    exit: &'a MethodExit,
) -> impl Iterator<Item = &'a Finding> {
    let settled = &view.run.settled;
    let ignored = settled
        .suppressed
        .iter()
        .map(|suppressed| &suppressed.finding);
    let all = settled.reported.iter().chain(&settled.known).chain(ignored);
    all.map(|reported| &reported.finding)
        .filter(move |finding| {
            let concerns =
                finding.primary.location == exit.place || finding.exits.contains(&exit.place);
            concerns && finding.symbol == duty.symbol()
        })
}

/// Shows a list: where the editor can open documents, the user may choose one of the places.
pub(super) fn show(session: &mut Session, shown: Shown) {
    let (kind, text) = (lsp_types::MessageType::INFO, shown.text);
    if !session.client.opens || shown.places.is_empty() {
        session.tell(
            "window/showMessage",
            json!({ "type": kind, "message": text }),
        );
        return;
    }
    let names = shown
        .places
        .iter()
        .map(|(name, _)| json!({ "title": name }));
    let names: Vec<Value> = names.collect();
    let params = json!({ "type": kind, "message": text, "actions": names });
    session.ask(
        "window/showMessageRequest",
        params,
        Asked::Choice(shown.places),
    );
}
