//! Where a program ends as if all had gone well.

use super::claims::{Claim, Says};
use super::code::Code;
use crate::ir::data::SUCCESS;
use crate::ir::{
    BlockId, Data, Literal, Module, Operand, Rvalue, StaticExpr, StaticExprKind, TerminatorKind,
};
use crate::rules::failed_write::code::called;

/// Functions that end the program with the code that they are given.
const EXITS: &[&str] = &["exit", "_exit"];

/// Classes of frameworks whose instances are programs, and the method that runs them.
const COMMANDS: &[(&str, &str)] = &[("BaseCommand", "handle")];

impl<'f> Code<'f> {
    /// Whether the function is a program: what it returns is the exit code.
    pub(super) fn is_program(&self, module: &Module) -> bool {
        let function = self.function;
        let is_main = matches!(function.name.as_str(), "main" | "_main" | "async_main");
        if function.class.is_none() && function.outer.is_none() {
            return is_main
                || !function.is_async && function.is_decorated(|name| name == "command");
        }
        let class = function.class.map(|class| module.class(class));
        class.is_some_and(|class| {
            COMMANDS.iter().any(|(base, method)| {
                let inherits = |of: &StaticExpr| last_name(of).is_some_and(|name| name == *base);
                function.name == *method && class.bases.iter().any(inherits)
            })
        })
    }

    /// The ends of a program with exit code 0. What a function returns is one only in a `program`.
    pub(super) fn ends(&self, program: bool) -> Vec<Claim<'f>> {
        let blocks = (0u32..).zip(&self.function.body.blocks);
        let ends = blocks.filter_map(|(at, block)| {
            let span = match &block.terminator.kind {
                TerminatorKind::Return { implicit: true, .. } if program => self.function.name_span,
                TerminatorKind::Return { value, .. } if program && self.is_zero(value) => {
                    block.terminator.span
                }
                TerminatorKind::Eval {
                    rvalue: Rvalue::Call { callee, args },
                    ..
                } if EXITS.contains(&called(self.function, callee).name.as_str())
                    && args.iter().all(|arg| self.is_zero(&arg.value)) =>
                {
                    block.terminator.span
                }
                _ => return None,
            };
            Some(Claim {
                of_run: true,
                ..Claim::new((BlockId(at), span), Says::Ends)
            })
        });
        ends.collect()
    }

    fn is_zero(&self, value: &Operand) -> bool {
        let literal = |literal: &Literal| matches!(literal, Literal::None | Literal::Int(0));
        match value {
            Operand::Const(of) => literal(of),
            Operand::Local(local) => match self.only[local.index()] {
                Some(Rvalue::Data(Data::Variant { tag, fields })) => {
                    tag == SUCCESS && fields.iter().all(|(_, value)| self.is_zero(value))
                }
                Some(Rvalue::Path(path)) => {
                    path.iter().any(|part| part == "ExitCode")
                        && path.last().is_some_and(|last| last == "SUCCESS")
                }
                _ => false,
            },
        }
    }
}

fn last_name(of: &StaticExpr) -> Option<&str> {
    match &of.kind {
        StaticExprKind::Path(path) => path.last().map(|name| name.as_str()),
        _ => None,
    }
}
