//! Facts: what follows from them, and what two of them have in common. Budgets, too.

use std::collections::BTreeSet;

use super::symbol;
use crate::engine::budget::Budget;
use crate::engine::values::fact::{Fact, Interval, Kind, Lits};
use crate::engine::values::value::Terms;
use crate::ir::{ClassIdx, Literal};
use crate::program::{ClassRef, ModuleId};

fn ints(numbers: &[i64]) -> BTreeSet<Literal> {
    numbers.iter().map(|i| Literal::Int(*i)).collect()
}

fn of(lits: Lits) -> Fact {
    Fact {
        lits,
        ..Fact::default()
    }
}

fn known(change: impl FnOnce(&mut Fact)) -> Option<Fact> {
    let mut fact = Fact::default();
    change(&mut fact);
    fact.propagate().then_some(fact)
}

#[test]
fn intervals_meet_and_cover() {
    let both = Interval { lo: 1, hi: 5 };
    assert_eq!(both.meet(Interval::at_least(5)), Some(Interval::point(5)));
    assert_eq!(both.meet(Interval::at_least(6)), None);
    assert_eq!(both.meet(Interval::at_most(1)), Some(Interval::point(1)));
    assert_eq!(both.hull(Interval::point(9)), Interval { lo: 1, hi: 9 });
    assert!(both.contains(1) && both.contains(5) && !both.contains(0) && !both.contains(6));
}

#[test]
fn an_end_that_moves_stops_at_the_thresholds() {
    let from = Interval { lo: 5, hi: 9 };
    let to = |lo, hi| from.widen(Interval { lo, hi });
    assert_eq!(to(5, 9), from);
    assert_eq!(to(6, 8), from);
    // A count that shrinks is still a count, and a positive one is still at least 1.
    assert_eq!(to(4, 9), Interval { lo: 1, hi: 9 });
    assert_eq!(to(1, 9), Interval { lo: 1, hi: 9 });
    assert_eq!(to(0, 9), Interval { lo: 0, hi: 9 });
    assert_eq!(
        to(-1, 9),
        Interval {
            lo: i64::MIN,
            hi: 9
        }
    );
    assert_eq!(to(5, 10), Interval::at_least(5));
}

#[test]
fn one_of_several_literals_is_one_of_all_of_them() {
    let joined = of(Lits::In(ints(&[1, 2]))).join(&of(Lits::In(ints(&[2, 3]))), false);
    assert_eq!(joined.lits, Lits::In(ints(&[1, 2, 3])));
    let many: Vec<i64> = (0..20).collect();
    let more: Vec<i64> = (20..40).collect();
    let joined = of(Lits::In(ints(&many))).join(&of(Lits::In(ints(&more))), false);
    assert_eq!(joined.lits, Lits::default());
    let joined = of(Lits::In(ints(&many))).join(&of(Lits::In(ints(&more[..12]))), false);
    assert_eq!(joined.lits, Lits::In((0..32).map(Literal::Int).collect()));
}

#[test]
fn only_what_both_exclude_stays_excluded() {
    let out = of(Lits::NotIn(ints(&[1, 2])));
    let joined = out.join(&of(Lits::NotIn(ints(&[2, 3]))), false);
    assert_eq!(joined.lits, Lits::NotIn(ints(&[2])));
    // A value that may be 1 is no longer known to differ from 1.
    let one = of(Lits::In(ints(&[1, 4])));
    assert_eq!(out.join(&one, false).lits, Lits::NotIn(ints(&[2])));
    assert_eq!(one.join(&out, false).lits, Lits::NotIn(ints(&[2])));
}

#[test]
fn a_join_keeps_what_both_say() {
    let mut terms = Terms::default();
    let (a, b) = (symbol(&mut terms, 1), symbol(&mut terms, 2));
    let class = |i| {
        Some(ClassRef {
            module: ModuleId(0),
            class: ClassIdx(i),
        })
    };
    let full = Fact {
        truth: Some(true),
        none: Some(false),
        kind: Kind::Dict,
        class: class(1),
        num: Interval::point(3),
        len: Interval::point(4),
        is: [a, b].into_iter().collect(),
        is_not: [a, b].into_iter().collect(),
        exact: true,
        closed: true,
        domain: class(1),
        ..Fact::default()
    };
    assert_eq!(full.join(&full, false), full);
    let other = Fact {
        truth: Some(false),
        none: Some(true),
        kind: Kind::List,
        class: class(2),
        num: Interval::point(5),
        len: Interval::point(6),
        is: [a].into_iter().collect(),
        is_not: [b].into_iter().collect(),
        exact: true,
        closed: true,
        domain: class(2),
        ..Fact::default()
    };
    let joined = full.join(&other, false);
    assert_eq!((joined.truth, joined.none), (None, None));
    assert_eq!(
        (joined.kind, joined.class, joined.domain),
        (Kind::Unknown, None, None)
    );
    assert_eq!(joined.num, Interval { lo: 3, hi: 5 });
    assert_eq!(joined.len, Interval { lo: 4, hi: 6 });
    assert_eq!(joined.is.as_slice(), [a]);
    assert_eq!(joined.is_not.as_slice(), [b]);
    // Each was made by calling a different class.
    assert!(!joined.exact);
    assert!(joined.closed);
    assert_eq!(full.join(&other, true).num, Interval::at_least(3));
    for (one, two) in [(true, false), (false, true), (false, false)] {
        let closed = |closed| Fact {
            closed,
            exact: closed,
            ..Fact::default()
        };
        let joined = closed(one).join(&closed(two), false);
        assert!(!joined.closed && !joined.exact);
    }
}

#[test]
fn a_boolean_is_true_or_false() {
    let fact = known(|f| {
        f.kind = Kind::Bool;
        f.lits = Lits::NotIn(BTreeSet::from([Literal::Bool(true)]));
    })
    .expect("it can be false");
    assert_eq!(fact.lits, Lits::In(BTreeSet::from([Literal::Bool(false)])));
    assert_eq!((fact.truth, fact.none), (Some(false), Some(false)));
}

#[test]
fn literals_decide_truth_and_none() {
    let some = |lits: &[Literal]| Lits::In(lits.iter().cloned().collect());
    let text = |s: &str| Literal::Str(s.into());
    let fact = known(|f| f.lits = some(&[text("a"), Literal::Int(2)])).expect("possible");
    assert_eq!((fact.truth, fact.none), (Some(true), Some(false)));
    let fact = known(|f| f.lits = some(&[text("a"), text("")])).expect("possible");
    assert_eq!((fact.truth, fact.none), (None, Some(false)));
    let fact = known(|f| f.lits = some(&[Literal::None])).expect("possible");
    assert_eq!((fact.truth, fact.none), (Some(false), Some(true)));
    let fact = known(|f| f.lits = some(&[Literal::None, text("a")])).expect("possible");
    assert_eq!((fact.truth, fact.none), (None, None));
    // The truth excludes literals, too.
    let fact = known(|f| {
        f.lits = some(&[Literal::None, text("a"), text("")]);
        f.truth = Some(true);
    });
    assert_eq!(fact.expect("possible").lits, some(&[text("a")]));
    let fact = known(|f| {
        f.lits = some(&[Literal::None, text("a"), text("")]);
        f.none = Some(false);
    });
    assert_eq!(fact.expect("possible").lits, some(&[text("a"), text("")]));
    let fact = known(|f| {
        f.lits = some(&[Literal::None, text("a")]);
        f.none = Some(true);
    });
    assert_eq!(fact.expect("possible").lits, some(&[Literal::None]));
    let fact = known(|f| {
        f.lits = some(&[Literal::Int(1), Literal::Int(7)]);
        f.num = Interval::at_most(6);
    });
    assert_eq!(fact.expect("possible").lits, some(&[Literal::Int(1)]));
    assert!(
        known(|f| {
            f.lits = some(&[Literal::Int(7)]);
            f.num = Interval::at_most(6);
        })
        .is_none()
    );
}

#[test]
fn an_excluded_literal_may_be_all_that_is_left() {
    assert!(
        known(|f| {
            f.num = Interval::point(3);
            f.lits = Lits::NotIn(ints(&[3]));
        })
        .is_none()
    );
    assert!(
        known(|f| {
            f.num = Interval { lo: 3, hi: 4 };
            f.lits = Lits::NotIn(ints(&[3]));
        })
        .is_some()
    );
    let not_none = |none| {
        known(|f| {
            f.none = none;
            f.lits = Lits::NotIn(BTreeSet::from([Literal::None]));
        })
    };
    assert!(not_none(Some(true)).is_none());
    assert_eq!(not_none(None).expect("possible").none, Some(false));
}

#[test]
fn a_kind_says_that_it_is_something() {
    for kind in [Kind::Int, Kind::Object, Kind::List] {
        let fact = Fact::of_kind(kind);
        assert_eq!(fact.none, Some(false));
        assert_eq!(fact.truth, (kind == Kind::Object).then_some(true));
        assert!(
            known(|f| {
                f.kind = kind;
                f.none = Some(true);
            })
            .is_none()
        );
    }
    assert!(
        known(|f| {
            f.kind = Kind::Object;
            f.truth = Some(false);
        })
        .is_none()
    );
    // So does a known class.
    let class = ClassRef {
        module: ModuleId(0),
        class: ClassIdx(1),
    };
    let instance = known(|f| f.class = Some(class)).expect("possible");
    assert_eq!((instance.none, instance.truth), (Some(false), None));
    assert_eq!(Fact::of_kind(Kind::Unknown), Fact::default());
    assert!(Fact::default().is_trivial() && !Fact::of_kind(Kind::Int).is_trivial());
}

#[test]
fn some_kinds_are_dicts() {
    for kind in [Kind::Dict, Kind::DefaultDict, Kind::Map] {
        assert!(kind.is_dict() && kind.is_container());
    }
    for kind in [Kind::Set, Kind::List, Kind::Object, Kind::Unknown] {
        assert!(!kind.is_dict());
    }
    assert!(Kind::Str.is_container() && !Kind::Object.is_container());
}

#[test]
fn a_container_is_true_if_it_is_not_empty() {
    let list = |truth, len| {
        known(|f| {
            f.kind = Kind::List;
            f.truth = truth;
            f.len = len;
        })
    };
    let any = Interval::at_least(0);
    assert_eq!(
        list(Some(true), any).map(|f| f.len),
        Some(Interval::at_least(1))
    );
    assert_eq!(
        list(Some(false), any).map(|f| f.len),
        Some(Interval::point(0))
    );
    assert_eq!(list(None, any).map(|f| (f.len, f.truth)), Some((any, None)));
    assert_eq!(
        list(None, Interval::at_least(1)).map(|f| f.truth),
        Some(Some(true))
    );
    assert_eq!(
        list(None, Interval::point(0)).map(|f| f.truth),
        Some(Some(false))
    );
    assert!(list(Some(true), Interval::point(0)).is_none());
    assert!(list(Some(false), Interval::point(2)).is_none());
    // A value with a length is not None, whatever its kind.
    let fact = known(|f| f.len = Interval::point(2)).expect("possible");
    assert_eq!((fact.truth, fact.none), (Some(true), Some(false)));
    assert!(
        known(|f| {
            f.len = Interval::point(2);
            f.none = Some(true);
        })
        .is_none()
    );
}

#[test]
fn a_number_is_true_if_it_is_not_zero() {
    let number = |truth, num| {
        known(|f| {
            f.kind = Kind::Int;
            f.truth = truth;
            f.num = num;
        })
    };
    let count = Interval { lo: 0, hi: 9 };
    assert_eq!(
        number(Some(true), count).map(|f| f.num),
        Some(Interval { lo: 1, hi: 9 })
    );
    assert_eq!(
        number(Some(true), Interval { lo: -9, hi: 0 }).map(|f| f.num),
        Some(Interval { lo: -9, hi: -1 })
    );
    assert_eq!(
        number(Some(false), count).map(|f| f.num),
        Some(Interval::point(0))
    );
    assert_eq!(number(None, count).map(|f| f.truth), Some(None));
    assert_eq!(
        number(None, Interval::point(0)).map(|f| f.truth),
        Some(Some(false))
    );
    assert_eq!(
        number(None, Interval::at_least(1)).map(|f| f.truth),
        Some(Some(true))
    );
    assert!(number(Some(true), Interval::point(0)).is_none());
    assert!(number(Some(false), Interval::at_least(1)).is_none());
    // A number is not None even if its kind is unknown.
    let fact = known(|f| f.num = count).expect("possible");
    assert_eq!((fact.none, fact.truth), (Some(false), None));
    assert!(
        known(|f| {
            f.num = count;
            f.none = Some(true);
        })
        .is_none()
    );
}

#[test]
fn true_is_not_none_and_none_is_false() {
    assert_eq!(
        known(|f| f.truth = Some(true)).map(|f| f.none),
        Some(Some(false))
    );
    assert_eq!(
        known(|f| f.none = Some(true)).map(|f| f.truth),
        Some(Some(false))
    );
    assert_eq!(known(|f| f.none = Some(false)).map(|f| f.truth), Some(None));
    assert_eq!(known(|f| f.truth = Some(false)).map(|f| f.none), Some(None));
    assert!(
        known(|f| {
            f.truth = Some(true);
            f.none = Some(true);
        })
        .is_none()
    );
}

#[test]
fn equal_to_a_literal_or_not() {
    let after = |start: Fact, l: &Literal, equal| {
        let mut fact = start;
        fact.assume_eq(l, equal).then_some(fact)
    };
    let three = Literal::Int(3);
    let fact = after(Fact::default(), &three, true).expect("possible");
    assert_eq!(
        (fact.lits, fact.num),
        (Lits::In(ints(&[3])), Interval::point(3))
    );
    assert!(after(of(Lits::In(ints(&[1, 2]))), &three, true).is_none());
    assert!(after(of(Lits::NotIn(ints(&[3]))), &three, true).is_none());
    let float = Literal::Float(3.0_f64.to_bits());
    assert!(after(of(Lits::NotIn(ints(&[3]))), &float, true).is_none());
    assert!(after(of(Lits::In(ints(&[3]))), &float, false).is_none());
    let fact = after(of(Lits::In(ints(&[1, 3]))), &three, false).expect("possible");
    assert_eq!(fact.lits, Lits::In(ints(&[1])));
    let fact = after(Fact::default(), &three, false).expect("possible");
    assert_eq!(fact.lits, Lits::NotIn(ints(&[3])));
    let between = |lo, hi| Fact {
        num: Interval { lo, hi },
        ..Fact::default()
    };
    let ends = |lo, hi| after(between(lo, hi), &three, false).map(|f| (f.num.lo, f.num.hi));
    assert_eq!(ends(1, 3), Some((1, 2)));
    assert_eq!(ends(3, 5), Some((4, 5)));
    assert_eq!(ends(1, 5), Some((1, 5)));
    assert_eq!(ends(3, 3), None);
    assert!(after(between(4, 5), &three, true).is_none());
    // A number other than zero and a text other than the empty one are true. A value other than
    // None is not None.
    let zero = Literal::Int(0);
    let int = Fact::of_kind(Kind::Int);
    assert_eq!(after(int, &zero, false).map(|f| f.truth), Some(Some(true)));
    assert_eq!(
        after(between(-5, 5), &zero, false).map(|f| f.truth),
        Some(Some(true))
    );
    assert_eq!(
        after(Fact::default(), &zero, false).map(|f| f.truth),
        Some(None)
    );
    let empty = Literal::Str("".into());
    let text = Fact::of_kind(Kind::Str);
    assert_eq!(
        after(text.clone(), &empty, false).map(|f| f.truth),
        Some(Some(true))
    );
    assert_eq!(
        after(text, &Literal::Str("a".into()), false).map(|f| f.truth),
        Some(None)
    );
    assert_eq!(
        after(Fact::default(), &empty, false).map(|f| f.truth),
        Some(None)
    );
    let none = Fact {
        none: Some(true),
        ..Fact::default()
    };
    assert!(after(none, &Literal::None, false).is_none());
    let something = after(Fact::default(), &Literal::None, false);
    assert_eq!(something.map(|f| f.none), Some(Some(false)));
}

#[test]
fn so_many_literals_are_excluded_and_no_more() {
    let mut fact = Fact::default();
    for i in 0..40 {
        assert!(fact.assume_eq(&Literal::Str(format!("{i}").into()), false));
    }
    let Lits::NotIn(out) = &fact.lits else {
        panic!("nothing says what it is");
    };
    assert_eq!(out.len(), 32);
    // A value that is None cannot differ from None, even if the set of excluded literals is full.
    fact.none = Some(true);
    assert!(!fact.assume_eq(&Literal::None, false));
}

#[test]
fn a_loan_is_limited_and_what_is_left_of_it_comes_back() {
    let mut budget = Budget {
        steps: 100,
        ..Budget::default()
    };
    let loan = budget.lend(30);
    assert_eq!(budget.steps, 30);
    assert!(budget.pay(0) && budget.pay(24) && budget.pay(47));
    assert_eq!((budget.steps, budget.executed), (25, 3));
    budget.settle(loan);
    assert_eq!(budget.steps, 95);
    let loan = budget.lend(1_000);
    assert_eq!((budget.steps, loan), (95, (0, 95)));
    assert!(!budget.pay(24 * 95));
    assert_eq!(budget.steps, 0);
    budget.settle(loan);
    assert!(!budget.pay(0));
}

#[test]
fn larger_functions_are_granted_more() {
    let steps = |blocks| {
        let mut budget = Budget::default();
        budget.allow(blocks);
        let all = budget.steps;
        budget.allow_for_tests(blocks);
        (all, budget.steps)
    };
    assert_eq!(steps(0), (20_000, 2_000));
    assert_eq!(steps(10), (20_600, 2_600));
}
