//! Tests that find that a write reported errors: `if job.errors:`.

use std::cell::RefCell;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::engine::values::value::literal_truth;
use crate::engine::witness::{EventKind, PathEvent};
use crate::ir::{Body, Callee, CmpOp, Literal, LocalId, Name, Operand, Rvalue, TerminatorKind};
use crate::program::{FuncRef, Program};
use crate::rules::tables::{is_write, says_failure};
use crate::settings::Writes;
use crate::source::Span;

/// How many steps back the origin of a condition is searched for.
const CHAIN: usize = 16;

/// For the tests of a function that ask for errors: the outcome on which there are some.
type OfFunction = FxHashMap<Span, bool>;

/// The tests of functions that ask for the errors of a write, each function read once.
pub(super) struct ErrorTests<'a> {
    program: &'a Program<'a>,
    writes: &'a Writes,
    known: RefCell<FxHashMap<FuncRef, Rc<OfFunction>>>,
}

impl<'a> ErrorTests<'a> {
    pub(super) fn new(program: &'a Program<'a>, writes: &'a Writes) -> Self {
        Self {
            program,
            writes,
            known: RefCell::default(),
        }
    }

    /// Whether a test on the path finds that a write reported errors.
    pub(super) fn find_any(&self, events: &[PathEvent]) -> bool {
        events.iter().any(|e| {
            let EventKind::Decision(_, outcome) = e.what else {
                return false;
            };
            self.of_function(e.func).get(&e.span) == Some(&outcome)
        })
    }

    fn of_function(&self, func: FuncRef) -> Rc<OfFunction> {
        if let Some(known) = self.known.borrow().get(&func) {
            return Rc::clone(known);
        }
        let module = self.program.module(func.module);
        let body = &module.ir.function(func.func).body;
        let values = body.only_values();
        let tests = body.blocks.iter().filter_map(|block| {
            let TerminatorKind::Branch {
                cond: Operand::Local(cond),
                ..
            } = block.terminator.kind
            else {
                return None;
            };
            let outcome = self.outcome_with_errors(body, &values, cond)?;
            Some((block.terminator.span, outcome))
        });
        let found = Rc::new(tests.collect::<OfFunction>());
        self.known.borrow_mut().insert(func, Rc::clone(&found));
        found
    }

    /// The outcome of a condition that says that there are errors among what a write returned.
    fn outcome_with_errors(
        &self,
        body: &Body,
        values: &[Option<&Rvalue>],
        cond: LocalId,
    ) -> Option<bool> {
        let (mut at, mut there, mut of_errors) = (cond, true, false);
        for _ in 0..CHAIN {
            let name = body.locals[at.index()].name.as_ref();
            of_errors |= name.is_some_and(|name| says_failure(name));
            let of = match values[at.index()]? {
                Rvalue::Use(of) | Rvalue::Await(of) => of,
                Rvalue::Not(of) => {
                    there = !there;
                    of
                }
                Rvalue::Compare(op, of, Operand::Const(literal)) => {
                    there ^= asks_for_none(*op, literal)?;
                    of
                }
                Rvalue::GetField(of, name) => {
                    of_errors |= says_failure(name);
                    of
                }
                Rvalue::Call { callee, args } => match callee {
                    Callee::Method { receiver, name, .. } => {
                        let texts = args.iter().filter_map(|a| match &a.value {
                            Operand::Const(Literal::Str(text)) => Some(text.clone()),
                            _ => None,
                        });
                        let texts: Vec<Name> = texts.collect();
                        if is_write(self.writes, name, None, &texts) {
                            return of_errors.then_some(there);
                        }
                        // The result of the job that the write is.
                        receiver
                    }
                    Callee::Value(Operand::Local(function)) => {
                        let counts = |name: &Name| matches!(name.as_str(), "len" | "bool");
                        match (values[function.index()]?, args.as_slice()) {
                            (Rvalue::Global(name), [arg]) if counts(name) => &arg.value,
                            _ => return None,
                        }
                    }
                    Callee::Value(_) => return None,
                },
                _ => return None,
            };
            let Operand::Local(of) = of else { return None };
            at = *of;
        }
        None
    }
}

/// Whether a comparison with a literal asks whether there is nothing, rather than whether there is
/// something; `None` if it asks for neither.
fn asks_for_none(op: CmpOp, literal: &Literal) -> Option<bool> {
    let nothing = !literal_truth(literal);
    match op {
        CmpOp::Eq | CmpOp::Is if nothing => Some(true),
        CmpOp::NotEq | CmpOp::IsNot | CmpOp::Gt if nothing => Some(false),
        CmpOp::GtE if *literal == Literal::Int(1) => Some(false),
        _ => None,
    }
}
