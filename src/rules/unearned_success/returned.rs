//! Failures that a function counts in what it returns: its caller has the count.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::claims::{Claim, Says};
use super::code::{Code, Spot};
use super::inside::{Inside, Names, Place, is_looked_into};
use super::report::caught_at;
use super::tallies::{How, Tally};
use crate::ir::data::SUCCESS;
use crate::ir::{
    ArgKind, BlockId, BranchRole, Callee, Data, DictItem, Literal, LocalId, Name, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::order::Order as _;
use crate::program::{ClassRef, ModuleId};
use crate::rules::failed_write::code::{called, calls, is_variable};
use crate::rules::failed_write::flow::rvalues;
use crate::rules::tables::collections::PUTS;
use crate::source::Span;

/// How many steps a count may lie deep in what is returned.
const DEPTH: u32 = 4;

/// The way of a count through the function that gets it.
#[derive(Clone, Debug)]
pub(super) struct InResult {
    /// What holds the count, and what stands beside it.
    pub(super) held: Held,
    /// The class of the object in which it is.
    pub(super) class: Option<ClassRef>,
    /// Whether all that tells of the failure is read.
    pub(super) is_read: bool,
    /// The count, as the function names it that counts, and the one behind which it stays.
    pub(super) texts: (String, Option<String>),
}

/// The locals of a function that hold a part of a value.
#[derive(Clone, Default, Debug)]
pub(super) struct Held {
    /// Those that hold the part.
    pub(super) values: FxHashSet<LocalId>,
    /// Those that hold it among other things.
    pub(super) holders: FxHashSet<LocalId>,
    /// Those that only tell whether there is a value at all.
    pub(super) apart: FxHashSet<LocalId>,
}

/// A step from a value to a part of it.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Named(Name),
    Numbered(i64),
}

/// A local on the way to a part of a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    local: LocalId,
    /// How many steps of the way it has behind it.
    steps: usize,
    /// How many lists are around it.
    lists: u32,
}

/// What a computation makes of such a local.
enum Next {
    /// Another local on the way, with its steps and lists.
    Made(usize, u32),
    /// An item of a list.
    Put(LocalId),
    /// Something that only tells whether there is a value at all.
    Apart,
}

/// How a variable goes out with a returned value.
#[derive(Default)]
struct WayOut {
    /// What leads from the value to the variable, in reverse order.
    parts: Vec<Part>,
    /// The locals on the way.
    held: Vec<LocalId>,
    /// The calls that make an object of it.
    made_at: Vec<BlockId>,
}

/// A failure that a function counts in what it returns.
struct Counted {
    how: How,
    at: (ModuleId, Span),
    caught: Option<(ModuleId, Span)>,
    names: Names,
    class: Option<ClassRef>,
    texts: (String, Option<String>),
    /// What leads from the result to the count and, if it stays behind another one, to that.
    ways: Vec<Vec<Part>>,
}

impl Place<'_> {
    /// The failures that functions count which are called here, in what they return.
    pub(super) fn tallies_of_results(self, code: &Code<'_>) -> Vec<Tally> {
        let mut out = Vec::new();
        for (at, callee, _) in calls(code.function) {
            let Some(result) = code.result_of(at) else {
                continue;
            };
            let func = self.program.call_inside(self.presets, (self.func, at));
            let Some(func) = func.filter(|func| *func != self.func) else {
                continue;
            };
            let name = called(code.function, callee).name;
            let counted = Place { func, ..self }.counted_in_result().into_iter();
            out.extend(counted.map(|counted| code.with_result((at, result), &name, counted)));
        }
        out
    }

    /// The failures that the function counts in what it returns, and about which it does nothing itself.
    fn counted_in_result(self) -> Vec<Counted> {
        let module = self.program.module(self.func.module);
        let function = module.ir.function(self.func.func);
        if !is_looked_into(&module, function) {
            return Vec::new();
        }
        let code = Code::new(function);
        let mut tallies = code.tallies(false);
        tallies.extend(self.behind(&code));
        let counted = tallies.iter().filter_map(|tally| {
            let root = tally.spot.root;
            let own = root.index() >= function.params.len() && is_variable(function, root);
            own.then(|| self.goes_out(&code, tally))?
        });
        counted.collect()
    }

    /// What goes out of the function with a count that is its own.
    fn goes_out(self, code: &Code<'_>, tally: &Tally) -> Option<Counted> {
        if self.is_excused(code, tally) {
            return None;
        }
        let text = |spot: &Spot| spot.text(code.function);
        let mut ways = vec![code.way_of(tally, &tally.spot)?];
        let mut texts = (text(&tally.spot), None);
        if let How::Behind(tried) = &tally.how {
            ways.push(code.way_of(tally, tried)?);
            texts.1 = Some(text(tried));
        }
        let named = tally.spot.path.len() == 1 && !code.is_dict(tally.spot.root);
        let names = named.then(|| self.names_of(code, tally));
        let here = |span| (self.func.module, span);
        Some(Counted {
            how: tally.how.clone(),
            at: here(tally.span),
            caught: caught_at(code, tally.span).map(here),
            names: names.unwrap_or_default(),
            class: self.class_made(code, tally.spot.root),
            texts,
            ways,
        })
    }
}

impl Code<'_> {
    /// The failure of a call, as the function sees it that gets the result.
    fn with_result(&self, (at, result): (BlockId, LocalId), name: &Name, of: Counted) -> Tally {
        let all: Vec<Held> = of.ways.iter().map(|way| self.held(result, way)).collect();
        let spot = |held: &Held| {
            let mut values: Vec<LocalId> = held.values.iter().copied().collect();
            values.order();
            let mut spots = values.into_iter().map(Operand::Local);
            let path = Vec::new();
            let found = spots.find_map(|value| self.spot(&value));
            found.unwrap_or(Spot { root: result, path })
        };
        let how = match (of.how, all.get(1)) {
            (How::Behind(_), Some(tried)) => How::Behind(spot(tried)),
            (how, _) => how,
        };
        let is_read = all.iter().all(|held| !held.values.is_empty());
        let place = all.first().map(spot);
        let mut held = Held::default();
        for one in all {
            held.values.extend(one.values);
            held.holders.extend(one.holders);
            held.apart.extend(one.apart);
        }
        let path = Vec::new();
        Tally {
            block: at,
            span: self.function.body.block(at).terminator.span,
            spot: place.unwrap_or(Spot { root: result, path }),
            how,
            inside: Some(Inside {
                callee: Some(name.clone()),
                at: of.at,
                caught: of.caught,
                names: of.names,
                mute: BTreeSet::new(),
                result: Some(InResult {
                    held,
                    class: of.class,
                    is_read,
                    texts: of.texts,
                }),
            }),
        }
    }

    /// What leads from all that the function returns after a failure was counted to a place, if it asks for
    /// nothing there.
    fn way_of(&self, tally: &Tally, spot: &Spot) -> Option<Vec<Part>> {
        let body = &self.function.body;
        let mut way: Option<Vec<Part>> = None;
        for at in body.reach(tally.block, None) {
            let TerminatorKind::Return { value, .. } = &body.block(at).terminator.kind else {
                continue;
            };
            let out = self.way_out(value, spot.root, DEPTH)?;
            let mut claim = Claim::new((at, body.block(at).terminator.span), Says::Returns);
            claim.held = out.held;
            claim.said_at = out.made_at;
            if self.is_heard(&self.carried(tally, &claim), tally.block, &claim) {
                return None;
            }
            let parts = out.parts.into_iter().rev();
            let parts = parts.chain(spot.path.iter().cloned().map(Part::Named));
            let parts: Vec<Part> = parts.collect();
            if way.as_ref().is_some_and(|known| *known != parts) {
                return None;
            }
            way = Some(parts);
        }
        way
    }

    /// How a variable goes out with a value.
    fn way_out(&self, value: &Operand, root: LocalId, depth: u32) -> Option<WayOut> {
        let depth = depth.checked_sub(1)?;
        let Operand::Local(local) = *value else {
            return None;
        };
        let mut out = if local == root {
            WayOut::default()
        } else {
            let inner = |part: Option<Part>, of: &Operand| {
                let mut out = self.way_out(of, root, depth)?;
                out.parts.extend(part);
                Some(out)
            };
            match self.only[local.index()]? {
                Rvalue::Use(of) | Rvalue::Data(Data::Copy(of)) => inner(None, of)?,
                Rvalue::Tuple(items) => (0i64..)
                    .zip(items)
                    .find_map(|(at, item)| inner(Some(Part::Numbered(at)), &item.value))?,
                Rvalue::Dict(items) => items.iter().find_map(|item| match item {
                    DictItem::Pair(Operand::Const(Literal::Str(key)), of) => {
                        inner(Some(Part::Named(key.clone())), of)
                    }
                    _ => None,
                })?,
                Rvalue::Data(Data::Variant { tag, fields }) if tag == SUCCESS => {
                    fields.iter().find_map(|(_, of)| inner(None, of))?
                }
                Rvalue::Data(Data::Record { fields, .. }) => fields
                    .iter()
                    .find_map(|(name, of)| inner(Some(Part::Named(name.clone())), of))?,
                Rvalue::Call {
                    callee: callee @ Callee::Value(_),
                    args,
                } if called(self.function, callee)
                    .name
                    .starts_with(char::is_uppercase) =>
                {
                    let mut args = args.iter();
                    let mut out = args.find_map(|arg| match &arg.kind {
                        ArgKind::Keyword(name) => {
                            inner(Some(Part::Named(name.clone())), &arg.value)
                        }
                        _ => None,
                    })?;
                    out.made_at.extend(self.call_of(local));
                    out
                }
                _ => return None,
            }
        };
        out.held.push(local);
        Some(out)
    }

    /// Whether a variable holds a dict that is written here.
    fn is_dict(&self, local: LocalId) -> bool {
        let values = self.graph().values_of(local).iter();
        values.clone().any(|value| matches!(value, Rvalue::Dict(_)))
    }

    /// The locals that hold a part of a result, and those that lead to it: also in lists, and in loops over such.
    fn held(&self, result: LocalId, way: &[Part]) -> Held {
        let mut out = Held::default();
        let mut seen: BTreeSet<At> = BTreeSet::new();
        let mut open = vec![At {
            local: result,
            steps: 0,
            lists: 0,
        }];
        while let Some(at) = open.pop() {
            if at.lists > DEPTH || !seen.insert(at) {
                continue;
            }
            if at.steps == way.len() && at.lists == 0 {
                out.values.insert(at.local);
            } else {
                out.holders.insert(at.local);
            }
            let part = way.get(at.steps).filter(|_| at.lists == 0);
            for (dest, rvalue) in rvalues(self.function) {
                match self.next(at, part, rvalue) {
                    Some(Next::Made(steps, lists)) => open.extend(dest.map(|local| At {
                        local,
                        steps,
                        lists,
                    })),
                    Some(Next::Put(into)) => open.push(At {
                        local: into,
                        lists: at.lists + 1,
                        ..at
                    }),
                    Some(Next::Apart) => out.apart.extend(dest),
                    None => {}
                }
            }
            for block in &self.function.body.blocks {
                if let TerminatorKind::ForNext { iter, dest, .. } = block.terminator.kind
                    && iter == at.local
                    && let Some(lists) = at.lists.checked_sub(1)
                {
                    open.push(At {
                        local: dest,
                        lists,
                        ..at
                    });
                }
            }
        }
        out.holders.retain(|local| !out.values.contains(local));
        self.leave_by_error(&mut out.apart);
        out
    }

    /// What a computation makes of a local. `part` is the next step to the part.
    fn next(&self, at: At, part: Option<&Part>, rvalue: &Rvalue) -> Option<Next> {
        let is = |of: &Operand| *of == Operand::Local(at.local);
        let named = |name: &Name| matches!(part, Some(Part::Named(of)) if of == name);
        let numbered = |at: i64| matches!(part, Some(Part::Numbered(of)) if *of == at);
        let same = Next::Made(at.steps, at.lists);
        let deeper = Next::Made(at.steps + 1, 0);
        match rvalue {
            Rvalue::Use(of)
            | Rvalue::Await(of)
            | Rvalue::Iter { object: of, .. }
            | Rvalue::Data(Data::Copy(of)) => is(of).then_some(same),
            Rvalue::Data(Data::Payload { object, tag, .. }) if tag == SUCCESS => {
                is(object).then_some(same)
            }
            // The error that there is instead of the result.
            Rvalue::Data(Data::Payload { object, .. } | Data::IsVariant { object, .. }) => {
                is(object).then_some(Next::Apart)
            }
            Rvalue::GetField(of, name) => (is(of) && named(name)).then_some(deeper),
            Rvalue::GetItem(of, Operand::Const(Literal::Str(name))) => {
                (is(of) && named(name)).then_some(deeper)
            }
            Rvalue::GetItem(of, Operand::Const(Literal::Int(at))) => {
                (is(of) && numbered(*at)).then_some(deeper)
            }
            Rvalue::Unpack { object, index, .. } => {
                (is(object) && numbered(i64::from(*index))).then_some(deeper)
            }
            Rvalue::List(items) => {
                let holds = items.iter().any(|item| is(&item.value));
                holds.then_some(Next::Made(at.steps, at.lists + 1))
            }
            Rvalue::Data(Data::Gather { into, item }) if is(item) => self.root(into).map(Next::Put),
            Rvalue::Call {
                callee: Callee::Method { receiver, name, .. },
                args,
            } if PUTS.contains(&name.as_str()) && args.iter().any(|arg| is(&arg.value)) => {
                self.root(receiver).map(Next::Put)
            }
            _ => None,
        }
    }

    /// Adds what is made of a result only where it is an error that `?` returns.
    fn leave_by_error(&self, apart: &mut FxHashSet<LocalId>) {
        let body = &self.function.body;
        for block in &body.blocks {
            if let TerminatorKind::Branch {
                cond: Operand::Local(cond),
                otherwise,
                role: BranchRole::Try,
                ..
            } = &block.terminator.kind
                && apart.contains(cond)
            {
                for statement in &body.block(*otherwise).statements {
                    if let StatementKind::Assign(to, _) = &statement.kind {
                        apart.insert(*to);
                    }
                }
            }
        }
    }
}
