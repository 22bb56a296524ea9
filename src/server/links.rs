//! Where to go from here: from a contract to its evidence, from a failure to those who could hear of it.

use lsp_types::Location;

use super::exits;
use super::view::View;
use crate::settings::Origin;
use crate::source::SourceFile;

/// The code that implies the contracts of the method at an offset, and the lines that declare them.
pub(super) fn evidence(view: &View<'_>, file: &SourceFile, at: u32) -> Vec<Location> {
    let mut out: Vec<Location> = Vec::new();
    let methods = exits::methods(view, file.id).into_iter();
    let here = methods.filter(|(name, _)| name.span.start <= at && at <= name.span.end);
    for duty in here.flat_map(|(_, duties)| duties) {
        let Some(survey) = view.survey(&duty.contract) else {
            continue;
        };
        let read = survey.evidence.iter().map(|evidence| evidence.read);
        out.extend(read.filter_map(|read| view.location(read)));
        if let Origin::Declared { file, line } = &survey.contract.origin {
            let path = view.run.sources.cwd().join(file);
            let start = lsp_types::Position::new(line.saturating_sub(1), 0);
            let range = lsp_types::Range::new(start, start);
            let uri = view.names.of(&path, &path);
            out.extend(uri.map(|uri| Location::new(uri, range)));
        }
    }
    let mut kept: Vec<Location> = Vec::new();
    for location in out {
        if !kept.contains(&location) {
            kept.push(location);
        }
    }
    kept
}
