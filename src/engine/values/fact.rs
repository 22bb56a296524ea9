//! Facts about one value: what the tests on a path have established.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use crate::engine::values::value::{Value, literal_eq, literal_truth, number};
use crate::ir::Literal;
use crate::program::ClassRef;

/// The kind of object that a value certainly is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
#[allow(missing_docs)]
pub enum Kind {
    #[default]
    Unknown,
    Bool,
    Int,
    Str,
    List,
    Tuple,
    Dict,
    /// A dict that creates missing keys on a subscript load (`defaultdict`, `Counter`).
    DefaultDict,
    Set,
    /// A typed map, whose methods return variants.
    Map,
    /// A typed collection other than a map.
    Sized,
    Exception,
    Iterator,
    Generator,
    Logger,
    /// Any other object that is always true.
    Object,
}

impl Kind {
    /// Whether the value is a built-in container, which is true if it is not empty.
    #[must_use]
    pub fn is_container(self) -> bool {
        matches!(
            self,
            Kind::Str
                | Kind::List
                | Kind::Tuple
                | Kind::Dict
                | Kind::DefaultDict
                | Kind::Set
                | Kind::Map
                | Kind::Sized
        )
    }

    /// Whether the value is a dict.
    #[must_use]
    pub fn is_dict(self) -> bool {
        matches!(self, Kind::Dict | Kind::DefaultDict | Kind::Map)
    }

    fn always_true(self) -> bool {
        matches!(
            self,
            Kind::Exception | Kind::Iterator | Kind::Generator | Kind::Logger | Kind::Object
        )
    }
}

/// An integer interval, both ends included. `i64::MIN` and `i64::MAX` stand for "unbounded".
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Interval {
    /// Least value.
    pub lo: i64,
    /// Greatest value.
    pub hi: i64,
}

impl Interval {
    /// All integers.
    pub const ALL: Interval = Interval {
        lo: i64::MIN,
        hi: i64::MAX,
    };

    /// The interval of one integer.
    #[must_use]
    pub fn point(i: i64) -> Self {
        Self { lo: i, hi: i }
    }

    /// `lo` and above.
    #[must_use]
    pub fn at_least(lo: i64) -> Self {
        Self { lo, hi: i64::MAX }
    }

    /// `hi` and below.
    #[must_use]
    pub fn at_most(hi: i64) -> Self {
        Self { lo: i64::MIN, hi }
    }

    /// The integers in both intervals; `None` if there are none.
    #[must_use]
    pub fn meet(self, other: Self) -> Option<Self> {
        let r = Self {
            lo: self.lo.max(other.lo),
            hi: self.hi.min(other.hi),
        };
        (r.lo <= r.hi).then_some(r)
    }

    /// The smallest interval that covers both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self {
            lo: self.lo.min(other.lo),
            hi: self.hi.max(other.hi),
        }
    }

    /// Widening (Cousot and Cousot, POPL 1977) with the thresholds 0 and 1: an end that has moved
    /// goes to the next threshold, or to infinity.
    #[must_use]
    pub fn widen(self, newer: Self) -> Self {
        let lo = if newer.lo >= self.lo {
            self.lo
        } else if newer.lo >= 1 {
            1
        } else if newer.lo >= 0 {
            0
        } else {
            i64::MIN
        };
        let hi = if newer.hi <= self.hi {
            self.hi
        } else {
            i64::MAX
        };
        Self { lo, hi }
    }

    /// Whether the interval contains the integer.
    #[must_use]
    pub fn contains(self, i: i64) -> bool {
        self.lo <= i && i <= self.hi
    }
}

/// Which literals a value equals, or does not equal.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Lits {
    /// It equals one of these.
    In(BTreeSet<Literal>),
    /// It equals none of these.
    NotIn(BTreeSet<Literal>),
}

impl Default for Lits {
    fn default() -> Self {
        Lits::NotIn(BTreeSet::new())
    }
}

/// A larger set of excluded literals is dropped.
const MAX_LITERALS: usize = 32;

/// What is known about one value in one state.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Fact {
    /// Its truth.
    pub truth: Option<bool>,
    /// Whether it is None.
    pub none: Option<bool>,
    /// Its kind.
    pub kind: Kind,
    /// Its exact class, for an instance of a class of the program.
    pub class: Option<ClassRef>,
    /// The literals that it equals, or does not equal.
    pub lits: Lits,
    /// Its numeric value.
    pub num: Interval,
    /// Its length.
    pub len: Interval,
    /// The classes it is an instance of.
    pub is: SmallVec<[Value; 2]>,
    /// The classes it is not an instance of.
    pub is_not: SmallVec<[Value; 2]>,
    /// Whether it was made by calling the only class in `is`, so that it is no instance of a
    /// subclass.
    pub exact: bool,
    /// Whether it is a dict all of whose keys are in the heap.
    pub closed: bool,
    /// The enumeration that it is a member of.
    pub domain: Option<ClassRef>,
}

impl Default for Fact {
    fn default() -> Self {
        Fact {
            truth: None,
            none: None,
            kind: Kind::Unknown,
            class: None,
            lits: Lits::default(),
            num: Interval::ALL,
            len: Interval::at_least(0),
            is: SmallVec::new(),
            is_not: SmallVec::new(),
            exact: false,
            closed: false,
            domain: None,
        }
    }
}

impl Fact {
    /// A fact that states the kind alone.
    #[must_use]
    pub fn of_kind(kind: Kind) -> Self {
        let mut f = Fact {
            kind,
            ..Fact::default()
        };
        f.propagate();
        f
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_trivial(&self) -> bool {
        *self == Fact::default()
    }

    /// Draws conclusions from each part about the others. Returns false if they contradict each
    /// other.
    pub fn propagate(&mut self) -> bool {
        let sized = self.kind.is_container() || self.len != Interval::at_least(0);
        let numeric = self.kind == Kind::Int || self.num != Interval::ALL;
        if !self.propagate_literals()
            || (self.kind != Kind::Unknown || self.class.is_some()) && !self.imply_none(false)
            || self.kind.always_true() && !self.imply_truth(true)
            || sized && !self.propagate_length()
            || numeric && !sized && !self.propagate_number()
            || self.truth == Some(true) && !self.imply_none(false)
        {
            return false;
        }
        if self.none == Some(true) {
            self.truth = Some(false);
        }
        true
    }

    /// Relates the possible or excluded literals to the other parts, in both directions.
    fn propagate_literals(&mut self) -> bool {
        if self.kind == Kind::Bool
            && let Lits::NotIn(out) = &self.lits
        {
            let left = [Literal::Bool(false), Literal::Bool(true)].into_iter();
            let left = left.filter(|d| !out.iter().any(|o| literal_eq(o, d)));
            self.lits = Lits::In(left.collect());
        }
        match &mut self.lits {
            Lits::In(set) => {
                let (num, truth, none) = (self.num, self.truth, self.none);
                set.retain(|l| {
                    none.is_none_or(|none| none == (*l == Literal::None))
                        && truth.is_none_or(|t| t == literal_truth(l))
                        && match l {
                            Literal::Int(i) => num.contains(*i),
                            _ => true,
                        }
                });
                let Some(first) = set.first() else {
                    return false;
                };
                let truth = literal_truth(first);
                let truth = set
                    .iter()
                    .all(|l| literal_truth(l) == truth)
                    .then_some(truth);
                let none = *first == Literal::None;
                let none = set
                    .iter()
                    .all(|l| (*l == Literal::None) == none)
                    .then_some(none);
                truth.is_none_or(|t| self.imply_truth(t)) && none.is_none_or(|n| self.imply_none(n))
            }
            Lits::NotIn(out) => {
                let excludes_none = out.contains(&Literal::None);
                let only = number(&Literal::Int(self.num.lo));
                let excludes_number =
                    self.num.lo == self.num.hi && out.iter().any(|l| number(l) == only);
                (!excludes_none || self.imply_none(false)) && !excludes_number
            }
        }
    }

    /// Relates the length to the truth, in both directions.
    fn propagate_length(&mut self) -> bool {
        if !self.imply_none(false)
            || self.len.lo > 0 && !self.imply_truth(true)
            || self.len.hi == 0 && !self.imply_truth(false)
        {
            return false;
        }
        let bound = match self.truth {
            Some(true) => Interval::at_least(1),
            Some(false) => Interval::point(0),
            None => Interval::at_least(0),
        };
        let met = self.len.meet(bound);
        self.len = met.unwrap_or(self.len);
        met.is_some()
    }

    /// Relates the number to the truth, in both directions.
    fn propagate_number(&mut self) -> bool {
        if !self.imply_none(false)
            || !self.num.contains(0) && !self.imply_truth(true)
            || self.num == Interval::point(0) && !self.imply_truth(false)
        {
            return false;
        }
        match self.truth {
            Some(false) => match self.num.meet(Interval::point(0)) {
                Some(n) => self.num = n,
                None => return false,
            },
            Some(true) => {
                if self.num.lo == 0 {
                    self.num.lo = 1;
                }
                if self.num.hi == 0 {
                    self.num.hi = -1;
                }
                if self.num.lo > self.num.hi {
                    return false;
                }
            }
            None => {}
        }
        true
    }

    /// Adds that the value is `None`, or is not. Returns false on a contradiction.
    fn imply_none(&mut self, none: bool) -> bool {
        if self.none == Some(!none) {
            return false;
        }
        self.none = Some(none);
        true
    }

    /// Adds that the value is true, or false. Returns false on a contradiction.
    fn imply_truth(&mut self, t: bool) -> bool {
        if self.truth == Some(!t) {
            return false;
        }
        self.truth = Some(t);
        true
    }

    /// Adds that the value equals `l`, or does not. Returns false on a contradiction.
    pub fn assume_eq(&mut self, l: &Literal, equal: bool) -> bool {
        if equal {
            match &self.lits {
                Lits::In(set) => {
                    let Some(found) = set.iter().find(|x| literal_eq(x, l)).cloned() else {
                        return false;
                    };
                    self.lits = Lits::In(BTreeSet::from([found]));
                }
                Lits::NotIn(out) => {
                    if out.iter().any(|x| literal_eq(x, l)) {
                        return false;
                    }
                    self.lits = Lits::In(BTreeSet::from([l.clone()]));
                }
            }
            if let Literal::Int(i) = l {
                match self.num.meet(Interval::point(*i)) {
                    Some(n) => self.num = n,
                    None => return false,
                }
            }
        } else {
            match &mut self.lits {
                Lits::In(set) => {
                    set.retain(|x| !literal_eq(x, l));
                    if set.is_empty() {
                        return false;
                    }
                }
                Lits::NotIn(out) => {
                    if out.len() < MAX_LITERALS {
                        out.insert(l.clone());
                    }
                }
            }
            match l {
                Literal::None if self.none == Some(true) => return false,
                Literal::Int(i) => {
                    if self.num.lo == *i {
                        self.num.lo = i.saturating_add(1);
                    }
                    if self.num.hi == *i {
                        self.num.hi = i.saturating_sub(1);
                    }
                    if self.num.lo > self.num.hi {
                        return false;
                    }
                    if *i == 0
                        && (self.num != Interval::ALL || self.kind == Kind::Int)
                        && !self.imply_truth(true)
                    {
                        return false;
                    }
                }
                Literal::Str(s)
                    if s.is_empty() && self.kind == Kind::Str && !self.imply_truth(true) =>
                {
                    return false;
                }
                _ => {}
            }
        }
        self.propagate()
    }

    /// The fact that both imply.
    #[must_use]
    pub fn join(&self, other: &Fact, widen: bool) -> Fact {
        let same = |a: Option<bool>, b: Option<bool>| if a == b { a } else { None };
        let lits = match (&self.lits, &other.lits) {
            (Lits::In(a), Lits::In(b)) => {
                let set: BTreeSet<_> = a.union(b).cloned().collect();
                if set.len() > MAX_LITERALS {
                    Lits::default()
                } else {
                    Lits::In(set)
                }
            }
            (Lits::NotIn(a), Lits::NotIn(b)) => Lits::NotIn(a.intersection(b).cloned().collect()),
            (Lits::In(a), Lits::NotIn(b)) | (Lits::NotIn(b), Lits::In(a)) => {
                Lits::NotIn(b.difference(a).cloned().collect())
            }
        };
        let mix = |a: Interval, b: Interval| if widen { a.widen(b) } else { a.hull(b) };
        Fact {
            truth: same(self.truth, other.truth),
            none: same(self.none, other.none),
            kind: if self.kind == other.kind {
                self.kind
            } else {
                Kind::Unknown
            },
            class: if self.class == other.class {
                self.class
            } else {
                None
            },
            lits,
            num: mix(self.num, other.num),
            len: mix(self.len, other.len),
            is: self
                .is
                .iter()
                .copied()
                .filter(|v| other.is.contains(v))
                .collect(),
            is_not: self
                .is_not
                .iter()
                .copied()
                .filter(|v| other.is_not.contains(v))
                .collect(),
            exact: self.exact && other.exact && self.is == other.is,
            closed: self.closed && other.closed,
            domain: if self.domain == other.domain {
                self.domain
            } else {
                None
            },
        }
    }
}
