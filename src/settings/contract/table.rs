//! A contract as a `[[contract]]` table of the configuration.

use std::fmt::Write;

use super::{Contract, Demand, NamePattern, Step, Who, place};

impl Contract {
    /// The table that declares the contract, with a line break at its end.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = "[[contract]]\n".to_owned();
        let patterns = |all: &[NamePattern]| all.iter().map(ToString::to_string).collect();
        match &self.who {
            Who::Methods { names, bases } => {
                add(&mut out, "method", patterns(names));
                if let Some(bases) = bases {
                    let bases: Vec<String> = bases.iter().map(|base| quoted(base)).collect();
                    let _ = writeln!(out, "bases = [{}]", bases.join(", "));
                }
            }
            Who::Functions(paths) => add(&mut out, "function", patterns(paths)),
            Who::Decorated(names) => add(&mut out, "decorator", patterns(names)),
        }
        let places = self.places().map(ToString::to_string).collect();
        add(&mut out, "sets", places);
        add(
            &mut out,
            "calls",
            self.calls().map(ToString::to_string).collect(),
        );
        let returned = |demand: &Demand| match demand {
            Demand::Return(steps) => Some(steps.clone()),
            Demand::Store(_) | Demand::Call(_) => None,
        };
        let returned: Vec<Vec<Step>> = self.demands.iter().filter_map(returned).collect();
        if returned.iter().any(Vec::is_empty) {
            out.push_str("returns = true\n");
        } else {
            let parts = returned.iter().map(|steps| place::shown(steps)).collect();
            add(&mut out, "returns", parts);
        }
        if self.also_when_raising {
            out.push_str("also-when-raising = true\n");
        }
        out
    }
}

/// A line with one text, or with a list of them; none if there is no text.
fn add(out: &mut String, key: &str, texts: Vec<String>) {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    let _ = match texts.as_slice() {
        [] => Ok(()),
        [one] => writeln!(out, "{key} = {one}"),
        many => writeln!(out, "{key} = [{}]", many.join(", ")),
    };
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use crate::settings::{Contract, Demand, Place, Step, Who};

    #[test]
    fn a_table_is_what_the_configuration_reads() {
        let mut contract = Contract::builtin();
        assert_eq!(
            contract.table(),
            "[[contract]]\nmethod = \"save_data\"\nsets = \"self.stats['rows_inserted']\"\n"
        );
        if let Who::Methods { bases, .. } = &mut contract.who {
            *bases = Some(vec!["Base".to_owned()]);
        }
        contract.demands = vec![
            Demand::Store(Place::field("rows")),
            Demand::Return(vec![Step::Key("a\"b".to_owned())]),
        ];
        assert_eq!(
            contract.table(),
            "[[contract]]\nmethod = \"save_data\"\nbases = [\"Base\"]\nsets = \"self.rows\"\n\
             returns = \"['a\\\"b']\"\n"
        );
    }
}
