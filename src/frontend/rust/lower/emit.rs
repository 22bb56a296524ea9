//! Emits the rvalues and terminators that all lowering consists of.

use crate::frontend::rust::lower::function::FunctionLowerer;
use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{Data, LocalId, LocalKind, Name, Operand, Rvalue, TerminatorKind};
use crate::source::Span;

impl FunctionLowerer<'_> {
    /// Computes an rvalue: with a terminator if it may panic, or else with a statement.
    pub(super) fn emit(&mut self, rvalue: Rvalue, span: Span) -> Operand {
        let dest = self.body.temp();
        self.emit_to(dest, rvalue, span);
        Operand::Local(dest)
    }

    pub(super) fn emit_to(&mut self, dest: LocalId, rvalue: Rvalue, span: Span) {
        if !matches!(
            rvalue,
            Rvalue::Call { .. } | Rvalue::Await(_) | Rvalue::GetItem(..)
        ) {
            self.body.assign(dest, rvalue, span);
            return;
        }
        let normal = self.body.block();
        let kind = TerminatorKind::Eval {
            dest: Some(dest),
            rvalue,
            normal,
            unwind: None,
        };
        self.body.end(kind, span);
        self.body.at(normal);
    }

    pub(super) fn data(&mut self, data: Data, span: Span) -> Operand {
        self.emit(Rvalue::Data(data), span)
    }

    /// An unknown value.
    pub(super) fn opaque(&mut self, from: Vec<Operand>, span: Span) -> Operand {
        self.emit(Rvalue::Opaque(from), span)
    }

    /// A copy of the operand that later assignments to a variable do not change.
    pub(super) fn keep(&mut self, value: Operand, span: Span) -> Operand {
        match &value {
            Operand::Local(local)
                if matches!(self.body.kind(*local), LocalKind::Var | LocalKind::Param) =>
            {
                self.emit(Rvalue::Use(value), span)
            }
            _ => value,
        }
    }

    pub(super) fn variant(&mut self, tag: &str, payload: Vec<Operand>, span: Span) -> Operand {
        let fields = payload.into_iter().enumerate();
        let fields = fields
            .map(|(i, v)| (Name::from(i.to_string()), v))
            .collect();
        let tag = Name::new(tag);
        self.data(Data::Variant { tag, fields }, span)
    }

    /// Whether the value is a success: `Ok(_)` or `Some(_)`.
    pub(super) fn is_success(&mut self, object: Operand, span: Span) -> Operand {
        self.is_variant(object, SUCCESS, span)
    }

    pub(super) fn is_variant(&mut self, object: Operand, tag: &str, span: Span) -> Operand {
        self.asks(object, tag, false, span)
    }

    /// Whether the value is `Some(_)` (or `None`, depending on `tag`), as a question about
    /// presence.
    pub(super) fn is_presence(&mut self, object: Operand, tag: &str, span: Span) -> Operand {
        self.asks(object, tag, true, span)
    }

    pub(super) fn asks(
        &mut self,
        object: Operand,
        tag: &str,
        presence: bool,
        span: Span,
    ) -> Operand {
        let of = if tag == SUCCESS || tag == FAILURE {
            vec![Name::new(SUCCESS), Name::new(FAILURE)]
        } else {
            Vec::new()
        };
        let tag = Name::new(tag);
        self.data(
            Data::IsVariant {
                object,
                tag,
                of,
                presence,
            },
            span,
        )
    }

    pub(super) fn payload(
        &mut self,
        object: Operand,
        tag: &str,
        field: &str,
        span: Span,
    ) -> Operand {
        let (tag, field) = (Name::new(tag), Name::new(field));
        self.data(Data::Payload { object, tag, field }, span)
    }

    /// Returns from the function.
    pub(super) fn return_value(&mut self, value: Operand, span: Span) {
        let implicit = false;
        self.body
            .end(TerminatorKind::Return { value, implicit }, span);
    }

    /// Exits by a panic.
    pub(super) fn panic(&mut self, span: Span) {
        let exc = self.opaque(Vec::new(), span);
        let unwind = None;
        self.body.end(TerminatorKind::Raise { exc, unwind }, span);
    }
}
