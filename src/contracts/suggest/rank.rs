//! Which suggestions are worth telling, and which is the best.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostics::Location;
use crate::order::Order as _;
use crate::outcome::{Keeps, Suggestion};
use crate::settings::Demand;
use crate::source::FileId;

/// At most this many suggestions are made.
pub const MAX_SUGGESTIONS: usize = 10;
/// At most this many of them are about one hook.
const MAX_FOR_HOOK: usize = 2;
/// At most this many are about the same class: the first that does not keep them, or else the base.
const MAX_FOR_CLASS: usize = 2;
/// A class from outside has to have so many definitions more than one of the program, to be taken
/// for the base that makes the rule.
const MUCH_LARGER: usize = 3;
/// At most this many demands are told of beside one with the same definitions.
const MAX_ALSO: usize = 4;
/// The share of definitions that would keep a contract by chance. Engler et al. take 0.9, and so
/// does this: it only orders families by how little their deviants weigh, and with 0.9 a larger
/// family with one deviant comes before a smaller one, while half a family is far from a belief.
const CHANCE: f64 = 0.9;
/// Below this, what the family does is a habit of some. One deviant among four has -1, two among
/// eight have -1.4, and one in four is too many in larger families.
const LEAST_Z: f64 = -2.0;
/// The same for what speaks of rows: two of four are enough to ask.
const LEAST_Z_OF_COUNTS: f64 = -3.0;
/// Above this, few enough deviate that they are the exception.
const FEW_DEVIATE: f64 = -1.0;

/// A candidate, and how deep in the hierarchy its base class is.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub candidate: Suggestion,
    pub depth: usize,
    /// Whether that class is one of the program.
    pub known: bool,
}

/// The z statistic of a belief that `kept` of `definitions` share: by how many standard errors their
/// share lies above chance.
#[must_use]
pub(super) fn z(definitions: usize, kept: usize) -> f64 {
    if definitions == 0 {
        return 0.0;
    }
    #[allow(clippy::cast_precision_loss)]
    let (n, e) = (definitions as f64, kept as f64);
    (e / n - CHANCE) / (CHANCE * (1.0 - CHANCE) / n).sqrt()
}

/// The best suggestions, best first.
pub(super) fn best(standings: Vec<Standing>) -> Vec<Suggestion> {
    // Of bases with definitions in common, only one is told for each demand on a hook.
    let mut each: BTreeMap<(String, Vec<Demand>), Vec<Standing>> = BTreeMap::new();
    for new in standings.into_iter().filter(|s| is_worth(&s.candidate)) {
        let candidate = &new.candidate;
        let key = (candidate.hook.clone(), candidate.contract.demands.clone());
        let known = each.entry(key).or_default();
        let places: BTreeSet<Location> = candidate.definitions.iter().map(|d| d.place).collect();
        let shares = |old: &Standing| {
            let mut definitions = old.candidate.definitions.iter();
            definitions.any(|definition| places.contains(&definition.place))
        };
        let mut rivals = known.iter().filter(|old| shares(old));
        if rivals.all(|old| says_more(&new, old)) {
            known.retain(|old| !shares(old));
            known.push(new);
        }
    }
    let each = each.into_values().flatten();
    let mut all: Vec<Suggestion> = each.map(|standing| standing.candidate).collect();
    all.order_by(order);
    let mut of_hook: BTreeMap<String, usize> = BTreeMap::new();
    let mut of_class: BTreeMap<(Option<FileId>, String), usize> = BTreeMap::new();
    let mut out: Vec<Suggestion> = Vec::new();
    for candidate in all {
        let same = |known: &&mut Suggestion| {
            known.family() == candidate.family() && known.definitions == candidate.definitions
        };
        if let Some(known) = out.iter_mut().find(same) {
            if known.also.len() < MAX_ALSO {
                known.also.push(candidate.what);
            }
            continue;
        }
        let of_hook = of_hook.entry(candidate.hook.clone()).or_default();
        let of_class = of_class.entry(class_of(&candidate)).or_default();
        let room = out.len() < MAX_SUGGESTIONS;
        if room && *of_hook < MAX_FOR_HOOK && *of_class < MAX_FOR_CLASS {
            *of_hook += 1;
            *of_class += 1;
            out.push(candidate);
        }
    }
    out
}

/// The first class that does not keep a candidate, or else its family.
fn class_of(candidate: &Suggestion) -> (Option<FileId>, String) {
    let mut definitions = candidate.definitions.iter();
    let deviant = definitions.find(|definition| definition.keeps != Keeps::Always);
    let class = deviant.and_then(|deviant| Some((deviant, deviant.name.rsplit_once('.')?.0)));
    match (class, &candidate.base) {
        (Some((deviant, class)), _) => (Some(deviant.place.file), class.to_owned()),
        (None, Some(base)) => (None, base.clone()),
        (None, None) => (None, candidate.hook.clone()),
    }
}

/// Whether so many keep a candidate that it is a habit of the family.
#[must_use]
pub(super) fn is_habit(candidate: &Suggestion) -> bool {
    candidate.z >= LEAST_Z
}

fn deviates(candidate: &Suggestion) -> bool {
    candidate.count(Keeps::Always) < candidate.definitions.len()
}

/// Whether a candidate is worth telling.
fn is_worth(candidate: &Suggestion) -> bool {
    let returns = |demand: &Demand| matches!(demand, Demand::Return(_));
    let returned = candidate.contract.demands.iter().all(returns);
    let plain = matches!(candidate.contract.demands.as_slice(), [Demand::Return(steps)] if steps.is_empty());
    if candidate.counts {
        // That methods return something says nothing, unless it is a count that some leave out.
        candidate.z >= LEAST_Z_OF_COUNTS && (deviates(candidate) || !plain)
    } else if returned {
        // What all returned dicts have is their form.
        candidate.z >= FEW_DEVIATE && deviates(candidate) && !plain
    } else {
        candidate.z >= LEAST_Z
    }
}

/// Whether a narrower family explains who deviates in a wider one: it has nearly all that keep the
/// contract, and few of those that do not.
fn explains(narrow: &Suggestion, wide: &Suggestion) -> bool {
    let keep = |c: &Suggestion| c.count(Keeps::Always);
    let deviate = |c: &Suggestion| c.definitions.len() - keep(c);
    narrow.definitions.len() < wide.definitions.len()
        && keep(narrow) * 10 >= keep(wide) * 9
        && deviate(narrow) * 2 <= deviate(wide)
}

/// Whether a standing says more than that of another base about the same demand on the same hook:
/// few deviants are more interesting than none, and otherwise the clearer family is the right one.
fn says_more(new: &Standing, old: &Standing) -> bool {
    let size = |s: &Standing| s.candidate.definitions.len();
    if new.known && !old.known && size(old) < size(new) + MUCH_LARGER {
        return true;
    }
    if old.known && !new.known && size(new) < size(old) + MUCH_LARGER {
        return false;
    }
    if explains(&new.candidate, &old.candidate) {
        return true;
    }
    if explains(&old.candidate, &new.candidate) {
        return false;
    }
    let rank = |s: &Standing| {
        let few = deviates(&s.candidate) && s.candidate.z >= FEW_DEVIATE;
        (few, s.candidate.z)
    };
    let (new_rank, old_rank) = (rank(new), rank(old));
    let by_rank = new_rank
        .0
        .cmp(&old_rank.0)
        .then(new_rank.1.total_cmp(&old_rank.1));
    by_rank.then(new.depth.cmp(&old.depth)) == Ordering::Greater
}

/// What speaks of rows comes first, then what not all keep, then what the numbers say.
fn order(a: &Suggestion, b: &Suggestion) -> Ordering {
    let class = |c: &Suggestion| (Reverse(c.counts), Reverse(deviates(c)));
    class(a)
        .cmp(&class(b))
        .then(b.z.total_cmp(&a.z))
        .then(b.definitions.len().cmp(&a.definitions.len()))
        .then_with(|| {
            let name = |c: &Suggestion| (c.hook.clone(), c.base.clone());
            (name(a), &a.contract.demands).cmp(&(name(b), &b.contract.demands))
        })
}

#[cfg(test)]
mod tests {
    use super::z;

    #[test]
    fn z_orders_beliefs() {
        // The share that chance explains is no evidence.
        assert!(z(10, 9).abs() < 1e-9 && z(0, 0).abs() < 1e-9);
        assert!((z(4, 3) + 1.0).abs() < 1e-9, "{}", z(4, 3));
        assert!((z(100, 100) - 10.0 / 3.0).abs() < 1e-9);
        // One deviant weighs less in a larger family, two weigh more than one, and the larger of
        // two families without deviants is the stronger belief.
        assert!(z(20, 19) > z(8, 7) && z(8, 7) > z(8, 6) && z(9, 9) > z(5, 5));
    }
}
