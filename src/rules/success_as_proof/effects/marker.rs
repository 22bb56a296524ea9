//! Files whose being there says "done": `_SUCCESS`.

use super::{FunctionCode, Vocabulary};
use crate::ir::{Arg, BinOp, Callee, Literal, Operand, Rvalue};
use crate::rules::success_as_proof::vocabulary::calls::{MAKES_FILE, OPENS_FILE};

/// How many steps back the end of a path is looked for.
const MAX_DEPTH: u32 = 6;

impl FunctionCode<'_> {
    /// The file by which a call marks a unit as done, as messages name it.
    pub(super) fn marks_by_file(
        &self,
        words: &Vocabulary,
        name: &str,
        callee: &Callee,
        args: &[Arg],
    ) -> Option<String> {
        let receiver = match callee {
            Callee::Method { receiver, .. } => Some(receiver),
            Callee::Value(_) => None,
        };
        let first = || args.first().map(|a| &a.value);
        let path = if OPENS_FILE.contains(&name) {
            // `open(path, "w")`, `path.open("w")`
            let writes =
                Self::texts(args).any(|mode| mode.len() <= 3 && mode.starts_with(['w', 'a', 'x']));
            if writes {
                receiver.or_else(first)
            } else {
                None
            }
        } else if MAKES_FILE.contains(&name) {
            receiver.or_else(first)
        } else {
            None
        };
        let end = self.end_of_path(path?, 0)?;
        let file = end.rsplit('/').next().unwrap_or(&end);
        words.is_marker(&end).then(|| format!("the file `{file}`"))
    }

    /// The last part of a path that is written down here: `_SUCCESS` of `folder / "_SUCCESS"`.
    fn end_of_path(&self, path: &Operand, depth: u32) -> Option<String> {
        if depth > MAX_DEPTH {
            return None;
        }
        let go = |o: &Operand| self.end_of_path(o, depth + 1);
        let local = match path {
            Operand::Const(Literal::Str(text)) => return Some(text.to_string()),
            Operand::Const(_) => return None,
            Operand::Local(local) => *local,
        };
        match self.definitions(local) {
            [(Rvalue::Format(pieces), _)] => match pieces.last()? {
                Operand::Const(Literal::Str(text)) => Some(text.to_string()),
                _ => None,
            },
            [(Rvalue::Binary(BinOp::Add | BinOp::Div, _, end), _)] => go(end),
            [(Rvalue::Use(o), _)] => go(o),
            // `Path(folder, "_SUCCESS")`, `os.path.join(…)`, `bucket.blob(…)`
            [(Rvalue::Call { args, .. }, _)] => go(&args.last()?.value),
            _ => None,
        }
    }
}
