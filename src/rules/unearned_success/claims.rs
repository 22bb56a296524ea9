//! Where a function says that a run was a success: it stores a status, passes one on, returns one, or calls
//! something that is named for it.

use super::code::Code;
use crate::ir::data::SUCCESS;
use crate::ir::{
    Arg, ArgKind, BlockId, Callee, Data, DictItem, Literal, LocalId, Name, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::rules::failed_write::code::called;
use crate::rules::tables::outcomes::{
    asks_or_shows, claims_success, is_success_flag, names_last_success, names_status,
    only_says_ended, performs, records_status, says_run_succeeded, says_success,
};
use crate::rules::tables::says_refused;
use crate::source::Span;

/// Calls that only give a value another form.
const WRAPS: &[&str] = &[
    "dumps",
    "jsonify",
    "Response",
    "JSONResponse",
    "JsonResponse",
    "make_response",
    "dict",
    "json",
    "json_response",
    "str",
];

/// How a function says that a run was a success.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Says {
    /// It stores a status.
    Stores,
    /// It gives a status to a variable that has several.
    Chooses,
    /// It makes a call that records one, or is named for it.
    Calls,
    /// It returns one.
    Returns,
    /// A performer returns True.
    True,
    /// A program ends with exit code 0.
    Ends,
}

/// A place that says that a run was a success.
#[derive(Clone, Debug)]
pub(super) struct Claim<'f> {
    pub(super) block: BlockId,
    pub(super) span: Span,
    pub(super) says: Says,
    /// The variable that leads to what the status is stored in.
    pub(super) root: Option<LocalId>,
    /// What holds the status on its way out: the dict that is returned.
    pub(super) held: Vec<LocalId>,
    /// What is said beside it.
    pub(super) beside: Vec<(Option<Name>, &'f Operand)>,
    /// The status, where it is a text that is written here.
    pub(super) text: Option<Name>,
    /// Whether only runs have such a status.
    pub(super) of_run: bool,
    /// Whether the status only says that the run has come to its end.
    pub(super) ended: bool,
    /// What else the object that has the status is made of: `{"status": …, **counts}`.
    pub(super) spread: Vec<&'f Operand>,
    /// The path of the class whose constant the status is.
    pub(super) class: Option<Vec<Name>>,
    /// Whether that class has a status for runs without data.
    pub(super) has_no_data: bool,
    /// Where a variable that has the status is given on.
    pub(super) said_at: Vec<BlockId>,
}

impl Claim<'_> {
    /// A place that says so, of which nothing else is known.
    pub(super) fn new((block, span): (BlockId, Span), says: Says) -> Self {
        Self {
            block,
            span,
            says,
            root: None,
            held: Vec::new(),
            beside: Vec::new(),
            text: None,
            of_run: false,
            ended: false,
            spread: Vec::new(),
            class: None,
            has_no_data: false,
            said_at: Vec::new(),
        }
    }
}

/// A status that says that a run was a success.
#[derive(Default)]
struct Status {
    text: Option<Name>,
    of_run: bool,
    ended: bool,
    class: Option<Vec<Name>>,
}

impl<'f> Code<'f> {
    /// Whether a field, a key or an argument says that a run was a success.
    fn status(&self, name: &str, value: &Operand) -> Option<Status> {
        if names_status(name) {
            let word = self.word(value).filter(|word| says_success(word))?;
            let of_run = says_run_succeeded(&word);
            let ended = only_says_ended(&word);
            let written = matches!(value, Operand::Const(_));
            return Some(Status {
                text: written.then_some(word),
                of_run,
                ended,
                class: self.class_of(value),
            });
        }
        let is_true = *value == Operand::Const(Literal::Bool(true));
        (is_success_flag(name) && is_true).then(Status::default)
    }

    /// The places at which the function says that a run was a success.
    pub(super) fn claims(&self) -> Vec<Claim<'f>> {
        let mut out = Vec::new();
        let blocks = (0u32..).zip(&self.function.body.blocks);
        for (at, block) in blocks {
            let at = BlockId(at);
            for statement in &block.statements {
                out.extend(self.stored(at, &statement.kind, statement.span));
                if let StatementKind::Assign(to, rvalue) = &statement.kind {
                    out.extend(self.displayed(at, *to, rvalue));
                }
            }
            let span = block.terminator.span;
            match &block.terminator.kind {
                TerminatorKind::Eval {
                    dest,
                    rvalue: Rvalue::Call { callee, args },
                    ..
                } => out.extend(self.passed(at, span, *dest, (callee, args))),
                TerminatorKind::Return { value, .. } if self.answers_true(value) => {
                    out.push(Claim::new((at, span), Says::True))
                }
                _ => {}
            }
        }
        out
    }

    /// `job.status = "success"`, `job["status"] = "success"`.
    fn stored(&self, at: BlockId, kind: &'f StatementKind, span: Span) -> Option<Claim<'f>> {
        let (object, name, value) = match kind {
            StatementKind::SetField {
                object,
                field,
                value,
            } => (object, field, value),
            StatementKind::SetItem {
                object,
                key: Operand::Const(Literal::Str(key)),
                value,
            } => (object, key, value),
            _ => return None,
        };
        let status = self.status(name, value).or_else(|| {
            let lasts = names_last_success(name) && matches!(value, Operand::Local(_));
            lasts.then_some(Status {
                of_run: true,
                ..Status::default()
            })
        })?;
        Some(Claim {
            root: self.root(object),
            text: status.text,
            of_run: status.of_run,
            class: status.class,
            ..Claim::new((at, span), Says::Stores)
        })
    }

    /// `return {"status": "success"}`, and the same in a call that records it.
    fn displayed(&self, at: BlockId, to: LocalId, rvalue: &'f Rvalue) -> Option<Claim<'f>> {
        let pairs: Vec<(&Name, &Operand)> = match rvalue {
            Rvalue::Dict(items) => items.iter().filter_map(pair).collect(),
            Rvalue::Data(Data::Map(items)) => items.iter().filter_map(|(k, v)| key(k, v)).collect(),
            Rvalue::Data(Data::Record { fields, .. }) => {
                fields.iter().map(|(n, v)| (n, v)).collect()
            }
            // `return "success", 3`
            Rvalue::Tuple(items) => {
                let first = items.first()?;
                let word = self.word(&first.value).filter(|w| says_run_succeeded(w))?;
                let beside = items[1..].iter().map(|item| (None, &item.value)).collect();
                let (block, span, says, held) = self.leaves(at, to)?;
                return (says == Says::Returns).then_some(Claim {
                    held,
                    beside,
                    text: Some(word),
                    of_run: true,
                    ..Claim::new((block, span), says)
                });
            }
            _ => return None,
        };
        let status = pairs
            .iter()
            .find_map(|(name, value)| self.status(name, value))?;
        let (block, span, says, held) = self.leaves(at, to)?;
        let beside = pairs
            .iter()
            .map(|(name, value)| (Some((*name).clone()), *value));
        let spread = match rvalue {
            Rvalue::Dict(items) => items.iter().filter_map(spread).collect(),
            Rvalue::Data(Data::Record { base, .. }) => base.iter().collect(),
            _ => Vec::new(),
        };
        Some(Claim {
            held,
            beside: beside.collect(),
            text: status.text,
            of_run: status.of_run,
            ended: status.ended,
            spread,
            class: status.class,
            ..Claim::new((block, span), says)
        })
    }

    /// Where a value leaves the function: by a `return`, or in a call that records it. What it is put into on
    /// the way is the last result.
    pub(super) fn leaves(
        &self,
        from: BlockId,
        made: LocalId,
    ) -> Option<(BlockId, Span, Says, Vec<LocalId>)> {
        let mut held = vec![made];
        let holds = |held: &[LocalId], value: &Operand| matches!(value, Operand::Local(l) if held.contains(l));
        loop {
            let before = held.len();
            for (at, block) in (0u32..).zip(&self.function.body.blocks) {
                let at = BlockId(at);
                for statement in &block.statements {
                    if let StatementKind::Assign(to, rvalue) = &statement.kind {
                        let more = match rvalue {
                            Rvalue::Use(value) => holds(&held, value),
                            Rvalue::Dict(items) => items
                                .iter()
                                .any(|i| matches!(i, DictItem::Pair(_, v) if holds(&held, v))),
                            Rvalue::Tuple(items) => items.iter().any(|i| holds(&held, &i.value)),
                            Rvalue::Data(Data::Variant { tag, fields }) if tag == SUCCESS => {
                                fields.iter().any(|(_, v)| holds(&held, v))
                            }
                            _ => false,
                        };
                        if more && !held.contains(to) {
                            held.push(*to);
                        }
                    }
                }
                match &block.terminator.kind {
                    TerminatorKind::Return { value, .. } if holds(&held, value) => {
                        let to = if self.only[made.index()].is_some() {
                            at
                        } else {
                            from
                        };
                        return Some((to, block.terminator.span, Says::Returns, held));
                    }
                    TerminatorKind::Eval {
                        dest,
                        rvalue: Rvalue::Call { callee, args },
                        ..
                    } if args.iter().any(|arg| holds(&held, &arg.value)) => {
                        let name = called(self.function, callee).name;
                        if WRAPS.contains(&name.as_str()) {
                            held.extend(dest.filter(|dest| !held.contains(dest)));
                        } else if records_status(&name) {
                            return Some((at, block.terminator.span, Says::Calls, held));
                        }
                    }
                    _ => {}
                }
            }
            if held.len() == before {
                return None;
            }
        }
    }

    /// `finish(job, status="success")`, `update_status(job, "completed")`, `record_success(job)`.
    fn passed(
        &self,
        at: BlockId,
        span: Span,
        dest: Option<LocalId>,
        (callee, args): (&'f Callee, &'f [Arg]),
    ) -> Option<Claim<'f>> {
        let name = called(self.function, callee).name;
        if asks_or_shows(&name) {
            return None;
        }
        let refuses = |arg: &Arg| {
            matches!(arg.value, Operand::Const(Literal::Bool(false)))
                || self
                    .word(&arg.value)
                    .is_some_and(|word| says_refused(&word))
        };
        let by_keyword = || {
            let mut keywords = args.iter();
            keywords.find_map(|arg| match &arg.kind {
                ArgKind::Keyword(keyword) => self.status(keyword, &arg.value),
                _ => None,
            })
        };
        let by_place = || {
            let mut words = args.iter().filter_map(|arg| match arg.kind {
                ArgKind::Positional => self.word(&arg.value),
                _ => None,
            });
            let word = words.find(|word| says_run_succeeded(word))?;
            let status = name.to_ascii_lowercase().contains("status");
            (status && records_status(&name)).then_some(Status {
                text: Some(word),
                of_run: true,
                ..Status::default()
            })
        };
        let by_name = || {
            (claims_success(&name) && !args.iter().any(refuses)).then_some(Status {
                of_run: true,
                ..Status::default()
            })
        };
        let makes = name.chars().next().is_some_and(char::is_uppercase);
        let by_keyword = || by_keyword().filter(|_| records_status(&name) || makes);
        let status = by_keyword().or_else(by_place).or_else(by_name)?;
        let beside = args.iter().map(|arg| match &arg.kind {
            ArgKind::Keyword(keyword) => (Some(keyword.clone()), &arg.value),
            _ => (None, &arg.value),
        });
        let mut claim = Claim {
            held: dest.into_iter().collect(),
            beside: beside.collect(),
            text: status.text,
            of_run: status.of_run,
            ended: status.ended,
            class: status.class,
            ..Claim::new((at, span), Says::Calls)
        };
        if makes && !records_status(&name) {
            // An object that is made counts where it goes.
            let (_, _, says, held) = self.leaves(at, dest?)?;
            claim.says = says;
            claim.held = held;
        }
        Some(claim)
    }

    /// Whether a performer that also answers False answers True.
    fn answers_true(&self, value: &Operand) -> bool {
        let is = |value: &Operand, wanted| *value == Operand::Const(Literal::Bool(wanted));
        is(value, true)
            && performs(&self.function.name)
            && {
                let mut blocks = self.function.body.blocks.iter();
                blocks.any(|block| {
                matches!(&block.terminator.kind, TerminatorKind::Return { value, .. } if is(value, false))
            })
            }
    }
}

pub(super) fn pair(item: &DictItem) -> Option<(&Name, &Operand)> {
    match item {
        DictItem::Pair(k, v) => key(k, v),
        DictItem::Spread(_) => None,
    }
}

fn spread(item: &DictItem) -> Option<&Operand> {
    match item {
        DictItem::Pair(..) => None,
        DictItem::Spread(of) => Some(of),
    }
}

fn key<'o>(key: &'o Operand, value: &'o Operand) -> Option<(&'o Name, &'o Operand)> {
    match key {
        Operand::Const(Literal::Str(name)) => Some((name, value)),
        _ => None,
    }
}
