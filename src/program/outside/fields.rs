//! What fields of objects and variables of enclosing functions hold.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::{Finder, Frame, Held, MAX_HOPS, common};
use crate::ir::{Body, ClassIdx, FuncIdx, LocalId, Name, Operand, StatementKind};
use crate::program::{ClassRef, FuncRef, LoadedModule, Lookup, MemberDef, MroEntry, Program};

impl Finder<'_, '_> {
    /// What a variable of the enclosing function holds.
    pub(super) fn captured(&self, frame: &Frame<'_>, name: &Name, hops: u32) -> Option<Held> {
        if hops > MAX_HOPS {
            return None;
        }
        let func = FuncRef {
            module: frame.func.module,
            func: frame.function.outer?,
        };
        let outer = Frame::new(frame.module, func);
        let cells = outer.function.cells()?;
        // A nested function may bind it anew.
        let mut nested = frame.module.ir.functions_in(func.func);
        if nested.any(|(_, inner)| stores(&inner.body, name)) {
            return None;
        }
        self.stored(&outer, cells, name, hops).unwrap_or_default()
    }

    /// What a function stores to a field of a local; `None` if it stores nothing there.
    pub(super) fn stored(
        &self,
        frame: &Frame<'_>,
        object: LocalId,
        field: &str,
        hops: u32,
    ) -> Option<Option<Held>> {
        let mut values = stored_in(frame.body, object, field).peekable();
        values.peek()?;
        Some(common(values.map(|value| self.operand(frame, value, hops))))
    }

    /// What a field of an object holds: as it is declared, or as the methods of the class and of those
    /// above it store it.
    pub(super) fn field(&self, class: ClassRef, name: &str, hops: u32) -> Option<Held> {
        let key = (class, Name::new(name));
        if let Some(known) = self.fields.borrow().get(&key) {
            return known.clone();
        }
        self.fields.borrow_mut().insert(key.clone(), None);
        let found = self.field_of(class, name, hops + 1);
        self.fields.borrow_mut().insert(key, found.clone());
        found
    }

    fn field_of(&self, class: ClassRef, name: &str, hops: u32) -> Option<Held> {
        if hops > MAX_HOPS {
            return None;
        }
        if let Some((declaring, annotation)) = self.program.declared(class, name) {
            let module = self.program.module(declaring.module);
            let scope = module.ir.class(declaring.class).parent;
            let declared = self.annotated((declaring.module, scope), &annotation, hops);
            if declared.is_some() {
                return declared;
            }
        }
        if let Lookup::Found(_, found) = self.program.lookup(class, name, None) {
            let all = found.into_iter().map(|member| match member {
                MemberDef::Func(func) if is_property(self.program, func) => {
                    self.returned(func, hops)
                }
                MemberDef::Def(def) => self.def(def, hops),
                MemberDef::Func(_) | MemberDef::Unknown => None,
            });
            match common(all) {
                Some(Held::Nothing) => {}
                known => return known,
            }
        }
        let mut all = Vec::new();
        for func in self.program.storing_methods(class, name) {
            let module = self.program.module(func.module);
            let frame = Frame::new(&module, func);
            all.extend(self.stored(&frame, LocalId(0), name, hops));
        }
        if all.is_empty() {
            return None;
        }
        common(all.into_iter())
    }
}

impl Program<'_> {
    /// What the methods of a class and of those above it store to a field, each with the method.
    #[must_use]
    pub fn stored_to_field(&self, class: ClassRef, name: &str) -> Vec<(FuncRef, Operand)> {
        let mut out = Vec::new();
        for func in self.storing_methods(class, name) {
            let module = self.module(func.module);
            let body = &module.ir.function(func.func).body;
            out.extend(stored_in(body, LocalId(0), name).map(|value| (func, value.clone())));
        }
        out
    }

    /// The methods of a class and of those above it that store to a field.
    fn storing_methods(&self, class: ClassRef, name: &str) -> Vec<FuncRef> {
        let mut out = Vec::new();
        for entry in &self.mro(class).entries {
            let MroEntry::Class(own) = entry else {
                continue;
            };
            let module = self.module(own.module);
            out.extend(
                storing(&module, own.class, name)
                    .iter()
                    .map(|func| FuncRef {
                        module: own.module,
                        func: *func,
                    }),
            );
        }
        out
    }
}

/// What is stored to a field of a local.
fn stored_in<'b>(
    body: &'b Body,
    object: LocalId,
    field: &'b str,
) -> impl Iterator<Item = &'b Operand> {
    let statements = body.blocks.iter().flat_map(|block| &block.statements);
    statements.filter_map(move |s| match &s.kind {
        StatementKind::SetField {
            object: Operand::Local(into),
            field: own,
            value,
        } if own == field && *into == object => Some(value),
        _ => None,
    })
}

fn is_property(program: &Program<'_>, func: FuncRef) -> bool {
    program
        .module(func.module)
        .ir
        .function(func.func)
        .is_property()
}

/// The methods of a class that store to a field, by the class and the name of the field.
#[derive(Default)]
struct Storing(Mutex<FxHashMap<FieldOf, Arc<[FuncIdx]>>>);

type FieldOf = (ClassIdx, Name);

/// The methods of a class that store to a field of this name, of any object.
fn storing(module: &LoadedModule, class: ClassIdx, name: &str) -> Arc<[FuncIdx]> {
    let storing = module.derived.get(Storing::default);
    let known = || storing.0.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (class, Name::new(name));
    if let Some(found) = known().get(&key) {
        return Arc::clone(found);
    }
    let own = module.ir.functions_of(class);
    let own = own.filter(|(_, function)| function.is_bound() && function.body.may_mention(name));
    let own = own.filter(|(_, function)| stores(&function.body, name));
    let found: Arc<[FuncIdx]> = own.map(|(func, _)| func).collect();
    known().insert(key, Arc::clone(&found));
    found
}

/// Whether a body stores to a field of this name, of any object.
fn stores(body: &Body, name: &str) -> bool {
    let mut statements = body.blocks.iter().flat_map(|block| &block.statements);
    statements.any(|s| matches!(&s.kind, StatementKind::SetField { field, .. } if field == name))
}
