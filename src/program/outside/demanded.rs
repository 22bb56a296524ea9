//! Methods that a class only demands: abstract ones, and those of traits.

use std::sync::Arc;

use crate::ir::{BlockId, FunctionShape};
use crate::presets::Presets;
use crate::program::{FuncRef, MemberDef, MroEntry, Program};

/// In how many further files the classes below one are looked for.
const MAX_FILES: usize = 12;

impl Program<'_> {
    /// The methods of the program that the call at the end of a block may run, if the class of the object only
    /// demands that method: an abstract one, or one of a trait. Empty if there are too many files to look at.
    #[must_use]
    pub fn implementations(
        &self,
        presets: &Arc<Presets>,
        (func, block): (FuncRef, BlockId),
    ) -> Vec<FuncRef> {
        let calls = self.calls_of(presets, func);
        let Some((class, name)) = calls.demanded.get(&block) else {
            return Vec::new();
        };
        let module = self.module(class.module);
        let of = &module.ir.class(class.class).name;
        let (mut modules, more) = self.modules_that_mention(of, class.module, MAX_FILES);
        if more {
            return Vec::new();
        }
        modules.push(class.module);
        let classes = modules.into_iter().flat_map(|id| self.classes(id));
        let below = classes.filter(|below| {
            below != class && self.mro(*below).entries.contains(&MroEntry::Class(*class))
        });
        let own = below.filter_map(|class| match self.own_member(class, name)?.as_slice() {
            [MemberDef::Func(func)] => Some(*func),
            _ => None,
        });
        own.filter(|func| self.has_code(*func)).collect()
    }

    /// Whether a function does something, and is not only a declaration.
    pub(super) fn has_code(&self, func: FuncRef) -> bool {
        let module = self.module(func.module);
        module.ir.function(func.func).shape == FunctionShape::Code
    }
}
