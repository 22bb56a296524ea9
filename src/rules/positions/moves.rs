//! Where a function moves a position.

use std::collections::BTreeSet;

use super::statement;
use crate::ir::{
    Arg, ArgKind, BlockId, Body, Callee, DictItem, Function, Literal, LocalId, Name, Operand,
    Rvalue, StatementKind, TerminatorKind,
};
use crate::presets::Moves;
use crate::program::{FuncRef, Program};
use crate::rules::failed_write::code::{
    Called, call_giving, called, callee_of, holder, statements,
};
use crate::rules::failed_write::flow::origins;
use crate::rules::known::known_call;
use crate::rules::tables::{
    has_word, hints_at_position, moves_position, names_position, names_position_field, names_state,
    states_position,
};
use crate::settings::Writes;
use crate::source::Span;

/// A place of a function that moves a position.
pub(in crate::rules) struct Position {
    pub(in crate::rules) at: BlockId,
    pub(in crate::rules) span: Span,
    pub(in crate::rules) moves: Moves,
    /// What moves it, as the code names it.
    pub(in crate::rules) name: Name,
    /// What the position is made of: the arguments, or the stored value.
    pub(in crate::rules) values: Vec<Operand>,
    /// The object that it is called on or stored in.
    pub(in crate::rules) on: Option<LocalId>,
    /// Where a helper moves it, if this is a call of one.
    pub(in crate::rules) inside: Option<(FuncRef, Span)>,
    /// Texts that it is given.
    pub(in crate::rules) texts: Vec<Name>,
    /// What the consumer or the message is called whose position moves, here or in the helper.
    pub(in crate::rules) consumer: Option<Name>,
    pub(in crate::rules) by: By,
}

/// What moves a position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::rules) enum By {
    /// A call, or what is stored.
    Deed,
    /// A call that also gives the rows which the position covers: they are its values.
    Giving,
    /// That the function returns.
    Return,
    /// That it yields something.
    Yield,
}

impl Position {
    /// A place that moves a position, of which nothing else is known.
    pub(super) fn new((at, span): (BlockId, Span), moves: Moves, name: Name) -> Self {
        Self {
            at,
            span,
            moves,
            name,
            values: Vec::new(),
            on: None,
            inside: None,
            texts: Vec::new(),
            consumer: None,
            by: By::Deed,
        }
    }
}

/// The places of a function that move a position, in the order of the code.
pub(in crate::rules) fn positions(
    program: &Program<'_>,
    func: FuncRef,
    writes: &Writes,
    depth: u32,
) -> Vec<Position> {
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    let mut out = Vec::new();
    for (at, block) in (0u32..).zip(&function.body.blocks) {
        let at = BlockId(at);
        for statement in &block.statements {
            let stored = stored(&function.body, &statement.kind)
                .or_else(|| stored_in_place(program, (func, function), writes, &statement.kind));
            out.extend(stored.map(|(name, values, on)| Position {
                values,
                on,
                ..Position::new((at, statement.span), Moves::Kept, name)
            }));
        }
        let TerminatorKind::Eval {
            rvalue: Rvalue::Call { callee, args },
            ..
        } = &block.terminator.kind
        else {
            continue;
        };
        let Some(Moved {
            moves,
            inside,
            values,
            consumer,
        }) = moved(program, (func, at), (callee, args), writes, depth)
        else {
            continue;
        };
        let on = match callee {
            Callee::Method {
                receiver: Operand::Local(on),
                ..
            } => Some(*on),
            _ => None,
        };
        let place = (at, block.terminator.span);
        out.push(Position {
            values,
            on,
            inside,
            texts: statement::texts(function, args),
            consumer,
            ..Position::new(place, moves, named(function, callee))
        });
    }
    out
}

/// What is stored in a place that is only for positions: the name of the place, the value, and the object.
fn stored_in_place(
    program: &Program<'_>,
    (func, function): (FuncRef, &Function),
    writes: &Writes,
    statement: &StatementKind,
) -> Option<(Name, Vec<Operand>, Option<LocalId>)> {
    let StatementKind::SetItem {
        object: Operand::Local(on),
        value: value @ Operand::Local(_),
        ..
    } = statement
    else {
        return None;
    };
    let Some(Rvalue::Call { callee, .. }) = function.body.only_value(*on) else {
        return None;
    };
    let name = called(function, callee).name;
    if writes.presets.with_place(&name) == 0 {
        return None;
    }
    let known = known_call(program, writes, (func, call_giving(function, *on)?))?;
    let own = function.body.locals[on.index()].name.clone();
    known
        .gives_place
        .then(|| (own.unwrap_or(name), vec![value.clone()], Some(*on)))
}

/// Whether a value is the same in each run: a constant, or an attribute of something global.
fn is_fixed(function: &Function, of: &Operand) -> bool {
    let mut at = of.clone();
    for _ in 0..4 {
        let Operand::Local(local) = at else {
            return true;
        };
        match function.body.only_value(local) {
            Some(Rvalue::Global(_) | Rvalue::Path(_)) => return true,
            Some(Rvalue::GetField(of, _) | Rvalue::Use(of)) => at = of.clone(),
            _ => return false,
        }
    }
    false
}

/// How code names what it calls: `message.delete`.
pub(super) fn named(function: &Function, callee: &Callee) -> Name {
    let Called { name, on } = called(function, callee);
    match on {
        Some(on) => format!("{on}.{name}").into(),
        None => name,
    }
}

/// How a call moves a position.
struct Moved {
    moves: Moves,
    inside: Option<(FuncRef, Span)>,
    values: Vec<Operand>,
    consumer: Option<Name>,
}

/// The position that a call moves.
fn moved(
    program: &Program<'_>,
    (func, at): (FuncRef, BlockId),
    (callee, args): (&Callee, &[Arg]),
    writes: &Writes,
    depth: u32,
) -> Option<Moved> {
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    let named = called(function, callee);
    let all = || args.iter().map(|arg| arg.value.clone()).collect();
    let plain = |moves: Moves| Moved {
        moves,
        inside: None,
        values: all(),
        consumer: named.on.clone(),
    };
    if writes.presets.names_position(&named.name)
        && let Some(known) = known_call(program, writes, (func, at))
    {
        return known.moves.map(plain);
    }
    let on = named.on.as_deref();
    if let Some(helper) = callee_of(program, func, callee) {
        // Without its name, nobody would look at the caller.
        if !hints_at_position(&named.name) {
            return None;
        }
        let inner = match depth {
            0 => Vec::new(),
            _ => positions(program, helper, writes, depth - 1),
        };
        let inner = inner.first()?;
        return Some(Moved {
            moves: inner.moves,
            inside: Some(inner.inside.unwrap_or((helper, inner.span))),
            values: given_for(program, helper, inner, args)?,
            consumer: inner.consumer.clone(),
        });
    }
    if let Some(moves) = moves_position(&named.name, on) {
        // `text_area.move_cursor(CursorMove::Top)`: nothing was read to get there.
        let fixed = moves == Moves::Kept
            && !args.is_empty()
            && args.iter().all(|arg| is_fixed(function, &arg.value));
        return (!fixed).then(|| plain(moves));
    }
    let mut texts = statements(function, args).into_iter();
    if let Some(text) = texts.find(|text| states_position(text)) {
        let chosen = statement::values(function, &text, args);
        return Some(Moved {
            values: chosen.unwrap_or_else(all),
            ..plain(Moves::Kept)
        });
    }
    is_kept_in_file(function, (&named.name, on), args).then(|| plain(Moves::Kept))
}

/// The arguments of a call of a helper from which the position in it is made. `None` if it is made of
/// parameters that the call leaves out.
fn given_for(
    program: &Program<'_>,
    helper: FuncRef,
    inner: &Position,
    args: &[Arg],
) -> Option<Vec<Operand>> {
    let module = program.module(helper.module);
    let function = module.ir.function(helper.func);
    let mut of = locals_of(inner);
    if of.is_empty() {
        of.extend(inner.on);
    }
    let made_of = origins(function, of.into_iter().collect());
    let bound = usize::from(function.is_bound());
    let mut by_place = 0;
    let mut out = Vec::new();
    for arg in args {
        let param = match &arg.kind {
            ArgKind::Keyword(name) => function.params.iter().position(|param| param.name == *name),
            ArgKind::Positional => {
                by_place += 1;
                Some(by_place - 1 + bound)
            }
            ArgKind::Star | ArgKind::DoubleStar => None,
        };
        let local = param.and_then(|at| u32::try_from(at).ok()).map(LocalId);
        if local.is_none_or(|local| made_of.contains(&local)) {
            out.push(arg.value.clone());
        }
    }
    let params = bound..function.params.len();
    let mut params = params.filter_map(|at| u32::try_from(at).ok()).map(LocalId);
    let left_out = out.is_empty() && params.any(|param| made_of.contains(&param));
    (!left_out).then_some(out)
}

/// Whether a state file is written: `json.dump(state, file)`, `CURSOR_FILE.write_text(…)`, where a name
/// says that it is a position.
fn is_kept_in_file(function: &Function, (name, on): (&str, Option<&str>), args: &[Arg]) -> bool {
    let named = |operand: &Operand| match operand {
        Operand::Local(local) => {
            let behind = holder(function, *local);
            let locals = &function.body.locals;
            let own = [*local, behind]
                .into_iter()
                .filter_map(|l| locals[l.index()].name.clone());
            let read = function
                .body
                .only_value(*local)
                .and_then(Rvalue::name)
                .cloned();
            own.chain(read).any(|name| names_state(&name))
        }
        Operand::Const(_) => false,
    };
    match name {
        "write_text" | "write_bytes" => {
            on.is_some_and(names_state) || args.iter().any(|arg| named(&arg.value))
        }
        "dump" => args.iter().any(|arg| named(&arg.value)),
        _ => false,
    }
}

/// What a statement stores as a position: the name of the place, the value with the key if that is not a
/// literal, and the object.
fn stored(body: &Body, statement: &StatementKind) -> Option<(Name, Vec<Operand>, Option<LocalId>)> {
    let mut keyed = false;
    let (name, object, values) = match statement {
        StatementKind::SetField {
            object,
            field,
            value,
        } => {
            // `self.state = {self.cursor_field: newest}`; with a text for a key it may be what is asked for
            // next.
            let pair = keyed_position(body, value, has_word(field, "state"));
            keyed = pair.is_some();
            let value = pair.unwrap_or(value);
            (field.clone(), object, vec![value.clone()])
        }
        StatementKind::SetItem {
            object: object @ Operand::Local(on),
            key,
            value,
        } => {
            if let Some(key) = key_name(body, key) {
                (key, object, vec![value.clone()])
            } else {
                // One position for each key: `self.cursors[table] = newest`.
                let own = body.locals[on.index()].name.as_ref();
                let name = own.or_else(|| match body.only_value(*on)? {
                    Rvalue::GetItem(_, Operand::Const(Literal::Str(key))) => Some(key),
                    other => other.name(),
                });
                (name?.clone(), object, vec![value.clone(), key.clone()])
            }
        }
        _ => return None,
    };
    let Operand::Local(value_of) = values.first()? else {
        return None;
    };
    // A cursor of a database is called one, too.
    let made_by = match body.only_value(*value_of) {
        Some(Rvalue::Call {
            callee: Callee::Method { name, .. },
            ..
        }) => names_position(name),
        _ => false,
    };
    let plain = matches!(
        name.to_ascii_lowercase().as_str(),
        "cursor" | "offset" | "offsets"
    );
    let on = match object {
        Operand::Local(on) => Some(*on),
        Operand::Const(_) => None,
    };
    let says = keyed || names_position(&name) && !plain;
    (says && !made_by).then_some((name, values, on))
}

/// The name of a key: the text that it is, or that of the variable or attribute which holds the name of a field
/// with a position (`self.cursor_field`). Other keys tell whose position it is.
fn key_name(body: &Body, key: &Operand) -> Option<Name> {
    match key {
        Operand::Const(Literal::Str(key)) => Some(key.clone()),
        Operand::Local(local) => {
            let own = body.locals[local.index()].name.as_ref();
            let name = own.or_else(|| body.only_value(*local)?.name())?;
            names_position_field(name).then(|| name.clone())
        }
        Operand::Const(_) => None,
    }
}

/// The value under the key of a position, if a value is a dict display with one. `state`: texts count as keys.
fn keyed_position<'b>(body: &'b Body, value: &Operand, state: bool) -> Option<&'b Operand> {
    let Operand::Local(local) = value else {
        return None;
    };
    let Some(Rvalue::Dict(items)) = body.only_value(*local) else {
        return None;
    };
    items.iter().find_map(|item| match item {
        DictItem::Pair(key, value) => {
            let is_position = key_name(body, key).is_some_and(|name| names_position(&name));
            (is_position && (state || matches!(key, Operand::Local(_)))).then_some(value)
        }
        DictItem::Spread(_) => None,
    })
}

/// The locals that the position is made of.
pub(super) fn locals_of(position: &Position) -> BTreeSet<LocalId> {
    locals(&position.values)
}

/// The locals among operands.
pub(super) fn locals<'o>(among: impl IntoIterator<Item = &'o Operand>) -> BTreeSet<LocalId> {
    let locals = among.into_iter().filter_map(|operand| match operand {
        Operand::Local(local) => Some(*local),
        Operand::Const(_) => None,
    });
    locals.collect()
}
