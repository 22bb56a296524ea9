//! The findings about a contract method.

use super::errors::ErrorTests;
use super::judge::{Bad, BadExit, Verdict};
use super::near_miss::near_miss;
use super::repair::record_nothing;
use super::words::Words;
use crate::diagnostics::{Finding, FindingBuilder, Fix, Location, Severity};
use crate::engine::witness::{EventKind, PathEvent};
use crate::ir::Overrides;
use crate::program::{ClassRef, FuncRef, Program};
use crate::rules::contract_method::{
    Checked, add_steps, add_ways, called_at, counts, decided_last, own_helper,
};
use crate::rules::tables::is_write;
use crate::settings::{Contract, Demand, Writes};
use crate::source::Span;

/// What is to be reported about one function.
pub(super) struct MethodFindings<'a> {
    pub class: Option<ClassRef>,
    pub func: FuncRef,
    pub verdict: &'a Verdict,
    pub writes: &'a Writes,
    pub contract: &'a Contract,
    pub words: &'a Words,
}

/// Starts a finding of a kind.
type Start<'s> = dyn Fn(&'static str) -> FindingBuilder + 's;

/// Where the finding about an exit is.
struct Label {
    location: Location,
    text: String,
    /// Whether it is in a helper instead of at the exit itself.
    in_helper: bool,
}

impl MethodFindings<'_> {
    /// Adds the findings.
    pub(super) fn report(&self, program: &Program<'_>, start: &Start<'_>, out: &mut Checked) {
        let module = program.module(self.func.module);
        let Some(file) = module.file.as_ref().map(|f| f.id) else {
            return;
        };
        let at = |span: Span| Location { file, span };
        for point in &self.verdict.open {
            let given_up = start("unverified")
                .arg("unknown", "too many paths lead to this exit")
                .arg("remedy", "split the method into smaller ones");
            let exit = at(point.span);
            out.findings.push(
                given_up
                    .exit(exit)
                    .at(exit, "not every path to here was followed"),
            );
        }
        let in_helper =
            |exit: &BadExit| own_helper(program, self.class, self.func, &exit.events).is_some();
        if self.verdict.never && !self.verdict.bad.iter().any(in_helper) {
            let name = module.ir.function(self.func.func).name_span;
            out.findings.push(self.never_set(program, start, at(name)));
            return;
        }
        let errors = ErrorTests::new(program, self.writes);
        for exit in &self.verdict.bad {
            let start = (start, &errors);
            let finding = self.bad_exit(program, start, exit, at(exit.point.span), out);
            out.findings.push(finding);
        }
    }

    /// The finding about a method none of whose exits sets the place, at its name.
    fn never_set(&self, program: &Program<'_>, start: &Start<'_>, name: Location) -> Finding {
        let bad = &self.verdict.bad;
        let mut b = self.with_near_miss(program, start("never-set"));
        let returning = bad.iter().filter(|exit| !exit.point.raising);
        let mut count = 0;
        for exit in returning {
            count += 1;
            b = b.exit(Location {
                span: exit.point.span,
                ..name
            });
        }
        let label = match count {
            1 => self.words.exit.clone(),
            n => format!("none of its {n} exits {}", self.words.none_does),
        };
        if let Some(first) = bad.first() {
            b = add_ways(program, b, &first.events);
        }
        let mut finding = b.at(name, label);
        if bad.iter().all(|exit| exit.uncertain) {
            finding.severity = Severity::Warning;
        }
        finding
    }

    /// A finding with a note of a name that is set, and that may be misspelt.
    fn with_near_miss(&self, program: &Program<'_>, finding: FindingBuilder) -> FindingBuilder {
        let module = program.module(self.func.module);
        let function = module.ir.function(self.func.func);
        let found = near_miss(function, self.contract);
        let note = found
            .zip(module.file.as_ref())
            .map(|((name, span, wanted), file)| {
                let line = file.position(span.start).line;
                format!("`{name}` is set in line {line}; did you mean `{wanted}`?")
            });
        match note {
            Some(note) => finding.note(note),
            None => finding,
        }
    }

    /// The finding about one exit.
    fn bad_exit(
        &self,
        program: &Program<'_>,
        (start, errors): (&Start<'_>, &ErrorTests<'_>),
        exit: &BadExit,
        at: Location,
        out: &Checked,
    ) -> Finding {
        let kind = exit.kind();
        let cause = write_lost_at(program, self.writes, &exit.events);
        // What became of the write on the path, as far as the path shows it.
        let after = if cause.is_some() {
            "a write that failed"
        } else if errors.find_any(&exit.events) {
            "a write that reported errors"
        } else {
            "writing rows"
        };
        let mut b = start(kind)
            .arg("unknown", "it depends on code that was not found")
            .arg("remedy", "make the called code resolvable")
            .arg("after", after);
        b = self.with_near_miss(program, b);
        let label = self.label(program, exit, at, out);
        let mut shown = exit.events.clone();
        if label.in_helper {
            // The path ends in the helper.
            let left = |e: &PathEvent| matches!(e.what, EventKind::Left);
            let end = shown.iter().rposition(left).unwrap_or(0);
            shown.truncate(end);
        }
        b = add_steps(program, b, &shown, &self.words.exit);
        if cause.is_some() {
            b = b.note(
                "a write fails on this path and the failure is caught: setting 0 here would hide the loss",
            );
        }
        // After a write that failed, a 0 would certify the loss.
        let fix = (cause.is_none() && label.location == at)
            .then(|| self.fix(program, exit))
            .flatten();
        let mut finding = b
            .exit(label.location)
            .fix(fix)
            .cause(cause)
            .at_exit(label.location, label.text.as_str());
        if exit.uncertain {
            finding.severity = match finding.severity {
                Severity::Error => Severity::Warning,
                Severity::Warning | Severity::Note => Severity::Note,
            };
        }
        finding
    }

    /// Where an exit is reported. In a method that the class inherits, a helper of the class may be
    /// what forgot the place: then that is where the path leaves the helper.
    fn label(&self, program: &Program<'_>, exit: &BadExit, at: Location, out: &Checked) -> Label {
        let own_exit = Label {
            location: at,
            text: match (exit.point.raising, exit.point.implicit) {
                (true, _) => self.words.raise.clone(),
                (false, true) => self.words.end.clone(),
                (false, false) => self.words.exit.clone(),
            },
            in_helper: false,
        };
        let module = program.module(self.func.module);
        let function = module.ir.function(self.func.func);
        let is_shared = |known: &Finding| known.primary.location == at && known.kind == exit.kind();
        let inherited = decided_last(&exit.events)
            && (function.overrides == Overrides::WhenInherited
                || out.inherited.iter().any(is_shared));
        if inherited {
            return own_exit;
        }
        let Some((helper, span)) = own_helper(program, self.class, self.func, &exit.events) else {
            return own_exit;
        };
        match &program.module(helper.module).file {
            Some(file) => Label {
                location: Location {
                    file: file.id,
                    span,
                },
                text: self.words.exit.clone(),
                in_helper: true,
            },
            None => own_exit,
        }
    }

    /// What sets the place to 0 before an exit.
    fn fix(&self, program: &Program<'_>, exit: &BadExit) -> Option<Fix> {
        if exit.bad != Bad::Plain || exit.point.raising {
            return None;
        }
        let place = match self.contract.demands.as_slice() {
            [demand @ Demand::Store(place)] if counts(demand) => place.as_part_of_receiver()?,
            _ => return None,
        };
        let module = program.module(self.func.module);
        let function = module.ir.function(self.func.func);
        let file = module.file.as_ref()?;
        let arrivals = self.verdict.arrivals.get(&exit.point)?;
        record_nothing(file, function, exit.point, arrivals, place)
    }
}

/// Where the exception of a write is caught before another is raised.
fn write_lost_at(program: &Program<'_>, writes: &Writes, events: &[PathEvent]) -> Option<Location> {
    let failed = |e: &PathEvent| {
        e.what == EventKind::Raised
            && called_at(program, e).is_some_and(|name| is_write(writes, &name, None, &[]))
    };
    let handled = |e: &&PathEvent| {
        matches!(
            e.what,
            EventKind::Raised | EventKind::Caught | EventKind::Swallowed
        )
    };
    let caught = events.iter().enumerate().find_map(|(at, e)| {
        let next = events[at + 1..].iter().find(handled)?;
        (failed(e) && next.what != EventKind::Raised).then_some(next)
    })?;
    let file = program.module(caught.func.module).file.as_ref()?.id;
    Some(Location {
        file,
        span: caught.span,
    })
}
