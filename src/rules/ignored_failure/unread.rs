//! Whether a function looks at the value of a call, told by its graph alone: no path is followed.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use crate::engine::{is_log_method, is_logger_name};
use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{
    BlockId, BranchRole, Callee, Data, Function, LocalId, LocalKind, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::rules::failed_write::code::{Called, called};
use crate::rules::tables::collections::LOOKUPS;

/// How the value of a call is ignored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unread {
    /// How.
    pub(super) how: How,
    /// Whether it is awaited.
    pub(super) awaited: bool,
}

/// How a value is ignored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum How {
    /// The call stands alone.
    Dropped,
    /// A variable gets the value, or a part of it, and nothing reads that.
    Bound,
    /// It is only logged.
    Logged,
}

/// What becomes of the value of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Use {
    /// Nobody looks at it.
    Unread(Unread),
    /// It is returned, and nothing else.
    Returned,
    /// Branches depend on it, and nothing else but logs.
    Tested(Vec<BlockId>),
    /// It is tested, stored, or given to something that may look at it.
    Read,
}

/// What becomes of the value of the call at the end of a block.
pub(super) fn use_of(function: &Function, call: BlockId) -> Use {
    let TerminatorKind::Eval { dest, normal, .. } = &function.body.block(call).terminator.kind
    else {
        return Use::Read;
    };
    let mut values = Values {
        function,
        known: dest.iter().copied().collect(),
        logged: false,
        awaited: false,
        returned: false,
        tests: Vec::new(),
    };
    // Which blocks count depends on which locals hold the value, so they are looked at again once more are
    // known to.
    loop {
        let before = values.known.len();
        (values.logged, values.returned) = (false, false);
        values.tests.clear();
        let region = values.well(*normal);
        let reads = region.iter().filter(|at| values.is_read_in(**at)).count();
        if values.known.len() == before {
            if reads > 0 {
                return Use::Read;
            }
            break;
        }
    }
    match (values.returned, values.tests.is_empty()) {
        (true, true) => return Use::Returned,
        (true, false) => return Use::Read,
        (false, false) => return Use::Tested(values.tests),
        (false, true) => {}
    }
    let is_bound = |local: &LocalId| {
        let local = &function.body.locals[local.index()];
        local.kind == LocalKind::Var && local.name.is_some()
    };
    let how = match values.logged {
        true => How::Logged,
        false if values.known.iter().any(is_bound) => How::Bound,
        false => How::Dropped,
    };
    Use::Unread(Unread {
        how,
        awaited: values.awaited,
    })
}

/// The locals that hold the value of a call, or parts of it.
struct Values<'f> {
    function: &'f Function,
    known: FxHashSet<LocalId>,
    logged: bool,
    awaited: bool,
    returned: bool,
    /// The branches that depend on it.
    tests: Vec<BlockId>,
}

impl Values<'_> {
    fn is(&self, operand: &Operand) -> bool {
        matches!(operand, Operand::Local(local) if self.known.contains(local))
    }

    /// The blocks that run after the call, but for those that run only because it returned an error: what
    /// becomes of an error is not asked here.
    fn well(&self, from: BlockId) -> BTreeSet<BlockId> {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            if !seen.insert(at) {
                continue;
            }
            let terminator = &self.function.body.block(at).terminator.kind;
            match terminator {
                TerminatorKind::Branch {
                    cond,
                    then,
                    otherwise,
                    ..
                } if self.outcome(cond).is_some() => {
                    let ok = self.outcome(cond) == Some(true);
                    open.push(if ok { *then } else { *otherwise });
                }
                other => other.for_each_successor(|next| open.push(next)),
            }
        }
        seen
    }

    /// Whether a condition asks if the value is no error; `Some(false)`: if it is one.
    fn outcome(&self, cond: &Operand) -> Option<bool> {
        let Operand::Local(local) = cond else {
            return None;
        };
        match self.function.body.only_value(*local)? {
            Rvalue::Data(Data::IsVariant {
                object,
                tag,
                presence: false,
                ..
            }) if self.is(object) => match tag.as_str() {
                SUCCESS => Some(true),
                FAILURE => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether a block does something with the value that may be a look at it.
    fn is_read_in(&mut self, at: BlockId) -> bool {
        let function = self.function;
        let block = function.body.block(at);
        for statement in &block.statements {
            let read = match &statement.kind {
                StatementKind::Assign(dest, rvalue) => self.is_read_by(Some(*dest), rvalue),
                StatementKind::SetField { object, value, .. }
                | StatementKind::Overwrite { object, value } => self.is(object) || self.is(value),
                StatementKind::SetItem { object, key, value } => {
                    self.is(object) || self.is(key) || self.is(value)
                }
                StatementKind::SetGlobal { value, .. } => self.is(value),
                StatementKind::DelField { object, .. } => self.is(object),
                StatementKind::Declare(..) | StatementKind::Unbind(_) | StatementKind::Skip => {
                    false
                }
            };
            if read {
                return true;
            }
        }
        match &block.terminator.kind {
            TerminatorKind::Branch { cond, role, .. } => {
                if self.is(cond) && !matches!(role, BranchRole::Try | BranchRole::Dropped) {
                    self.tests.push(at);
                }
                false
            }
            TerminatorKind::Eval { dest, rvalue, .. } => self.is_read_by(*dest, rvalue),
            TerminatorKind::ForNext { iter, .. } => self.known.contains(iter),
            TerminatorKind::Yield { value, .. } => self.is(value),
            TerminatorKind::Raise { exc, .. } => self.is(exc),
            TerminatorKind::DelItem { object, key, .. } => self.is(object) || self.is(key),
            TerminatorKind::Return { value, .. } => {
                self.returned |= self.is(value);
                false
            }
            TerminatorKind::Switch { .. }
            | TerminatorKind::Goto(_)
            | TerminatorKind::Unreachable => false,
        }
    }

    /// Whether an rvalue looks at the value. If it only takes a part of it, that is known from here on.
    fn is_read_by(&mut self, dest: Option<LocalId>, rvalue: &Rvalue) -> bool {
        let mut uses = false;
        rvalue.for_each_operand(|operand| uses |= self.is(operand));
        if !uses {
            return false;
        }
        let takes = match rvalue {
            Rvalue::Await(_) => {
                self.awaited = true;
                true
            }
            Rvalue::Use(_)
            | Rvalue::GetField(..)
            | Rvalue::GetItem(..)
            | Rvalue::Slice { .. }
            | Rvalue::Unpack { .. }
            | Rvalue::Format(_)
            | Rvalue::Not(_)
            | Rvalue::Compare(..)
            | Rvalue::Data(Data::Len(_) | Data::Copy(_) | Data::Payload { .. }) => true,
            // Whether it is an error says nothing about the rows.
            Rvalue::Data(Data::IsVariant {
                tag,
                presence: false,
                ..
            }) if tag == SUCCESS || tag == FAILURE => return false,
            Rvalue::Call { callee, args } => match self.looks(callee) {
                Looks::Logs if !args.is_empty() => {
                    self.logged = true;
                    return false;
                }
                Looks::Takes => true,
                _ => return true,
            },
            _ => return true,
        };
        if takes && let Some(dest) = dest {
            self.known.insert(dest);
        }
        false
    }

    /// What a call does that is given the value, or made on it.
    fn looks(&self, callee: &Callee) -> Looks {
        let Called { name, on } = called(self.function, callee);
        let is_log = match callee {
            Callee::Method { receiver, .. } if self.is(receiver) => {
                return match LOOKUPS.contains(&name.as_str()) {
                    true => Looks::Takes,
                    false => Looks::Reads,
                };
            }
            Callee::Method { .. } => on.is_some_and(|on| is_logger_name(&on)),
            Callee::Value(value) if self.is(value) => return Looks::Reads,
            Callee::Value(_) => true,
        };
        if is_log && is_log_method(&name) {
            Looks::Logs
        } else if matches!(name.as_str(), "len" | "str" | "repr") {
            Looks::Takes
        } else {
            Looks::Reads
        }
    }
}

/// What a call does with a value.
enum Looks {
    Logs,
    /// It gives a part of it, or its text.
    Takes,
    Reads,
}
