//! How a function is followed from a failed write on: as precisely as the question needs it, and with
//! what is known of its other writes.

use std::rc::Rc;

use super::Excuses;
use super::failure::is_failing;
use super::is_only_handling;
use super::units::Mains;
use super::watch::{Calls, Watch};
use crate::engine::objects::ask::Answers;
use crate::engine::simulate::Graph;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::engine::witness::{End, EventKind, Goal, Path, PathEvent, Paths, Witness};
use crate::engine::{Engine, FnContext};
use crate::ir::BlockId;
use crate::program::FuncRef;
use crate::rules::Effort;
use crate::rules::contract_method::{Ladder, Rung, Subject, Watched, bind_receiver, enter};
use crate::settings::Writes;

/// How often a function is followed to find out which writes are made in any case.
const ROUNDS: usize = 3;

/// A function that was followed once: where paths are searched for.
pub(in crate::rules) struct Ground<'s, 'p> {
    pub(in crate::rules) engine: &'s mut Engine<'p>,
    pub(in crate::rules) watch: &'s Watch<'s>,
    pub(in crate::rules) subject: Subject<'s>,
    pub(in crate::rules) cx: &'s Rc<FnContext>,
    pub(in crate::rules) graph: &'s Graph,
    pub(in crate::rules) paths: Paths<'s>,
    /// How long a single path is searched for.
    steps: u64,
    /// What the function was given: others hold it, too.
    pub(in crate::rules) arguments: Rc<[Value]>,
    /// Searches that showed that there is no path.
    infeasible: u64,
    /// Searches that were not finished.
    unknown: u64,
    /// Whether merged states may have misled the search.
    pub(in crate::rules) doubtful: bool,
}

impl Ground<'_, '_> {
    /// Searches for a path that ends in this way at a block, in a state that is wanted, and counts how
    /// that went.
    pub(in crate::rules) fn search(
        &mut self,
        end: End,
        block: BlockId,
        accept: &dyn Fn(&mut Engine<'_>, &State, Value) -> bool,
    ) -> Witness {
        let found = self.look((end, block, None), accept);
        self.count(&found);
        found
    }

    fn count(&mut self, found: &Witness) {
        match found {
            Witness::Found(..) => {}
            Witness::Infeasible => self.infeasible += 1,
            Witness::Unknown => self.unknown += 1,
        }
    }

    fn look(
        &mut self,
        (end, block, from): (End, BlockId, Option<BlockId>),
        accept: &dyn Fn(&mut Engine<'_>, &State, Value) -> bool,
    ) -> Witness {
        let goal = Goal {
            end,
            block: Some(block),
            from,
            accept,
            steps: self.steps,
        };
        self.paths.search(self.engine, &goal)
    }

    /// A path through blocks, each reached from another one if that is given, whatever is known on it: the
    /// events up to the first, and those that follow.
    pub(in crate::rules) fn by_way_of(
        &mut self,
        (from, first): (Option<BlockId>, BlockId),
        then: &[(Option<BlockId>, BlockId)],
    ) -> Option<(Path, Path)> {
        let any = |_: &mut Engine<'_>, _: &State, _: Value| true;
        let found = self.look((End::Arrival, first, from), &any);
        self.count(&found);
        let Witness::Found(before, mut state) = found else {
            return None;
        };
        let mut at = first;
        let mut after = Path::default();
        for &(from, next) in then {
            if next == at {
                continue;
            }
            let goal = Goal {
                end: End::Arrival,
                block: Some(next),
                from,
                accept: &any,
                steps: self.steps,
            };
            let mut paths = Paths::new(self.cx, (at, &state), self.graph, None);
            let found = paths.search(self.engine, &goal);
            self.count(&found);
            let Witness::Found(events, end) = found else {
                return None;
            };
            // A later search does not know that the loops it leaves have run: that they end is no news.
            let is_loop = |event: &PathEvent| matches!(event.what, EventKind::Loop(_));
            let known = |event: &PathEvent, known: &[PathEvent]| {
                let mut loops = known.iter().filter(|known| is_loop(known));
                loops.any(|known| known.span == event.span && known.func == event.func)
            };
            let told = after.clone();
            after.go_on(events, |event| {
                !is_loop(event) || !known(event, &before) && !known(event, &told)
            });
            (at, state) = (next, end);
        }
        Some((before, after))
    }

    /// Whether a write is made on some path on which nothing failed before. Merged states may have
    /// met it on an infeasible path, so for a write of the method itself a path is searched for.
    fn is_made_in_any_case(&mut self, (func, block): (FuncRef, u32)) -> bool {
        // Where the method begins, nothing has failed.
        if func != self.cx.func || BlockId(block) == BlockId::ENTRY {
            return true;
        }
        let all_is_well =
            |_: &mut Engine<'_>, state: &State, _: Value| !is_failing(state.flags.rule);
        let found = self.look((End::Arrival, BlockId(block), None), &all_is_well);
        !matches!(found, Witness::Infeasible)
    }
}

/// What was found out about a function.
pub(in crate::rules) struct Followed<T> {
    /// What the question gave.
    pub(in crate::rules) found: T,
    /// The function that a call of the method really runs.
    pub(in crate::rules) root: FuncRef,
    /// What it cost.
    pub(in crate::rules) effort: Effort,
    /// What was asked about the class of the receiver.
    pub(in crate::rules) answers: Answers,
}

/// Follows a function until it is known which of its writes are made in any case, failure or not, and
/// asks a question each time. The last answer counts.
pub(in crate::rules) fn follow<T: Default>(
    subject: Subject<'_>,
    (excuses, writes): (&Excuses, &Writes),
    ask: &dyn Fn(&mut Ground<'_, '_>) -> T,
) -> Followed<T> {
    let mut regular = Calls::new();
    let mut effort = Effort::default();
    let mut answers = Answers::default();
    for round in 1.. {
        let mains = match subject.is_outside() {
            true => Mains::of(subject.program, subject.func, writes),
            false => Mains::default(),
        };
        let watch = Watch::new(
            Watched::of(&subject).places,
            (subject.method, subject.is_outside()),
            (excuses, writes),
            (&regular, mains),
        );
        let (mut followed, mistaken) = follow_once(subject, &watch, ask);
        effort += followed.effort;
        answers.extend(&followed.answers);
        if mistaken.is_empty() || round >= ROUNDS {
            followed.effort = effort;
            followed.answers = answers;
            return followed;
        }
        regular.extend(mistaken);
    }
    unreachable!("the rounds are bounded")
}

/// Follows the function with what is known of its writes. The last result are the writes that turned
/// out to be made in any case.
fn follow_once<T: Default>(
    subject: Subject<'_>,
    watch: &Watch<'_>,
    ask: &dyn Fn(&mut Ground<'_, '_>) -> T,
) -> (Followed<T>, Calls) {
    let mut engine = Engine::new(subject.library, watch);
    engine.driven = subject.driven();
    let mut effort = Effort::default();
    let (mut state, cells, root) = enter(&mut engine, &subject);
    let cx = bind_receiver(&mut engine, &subject, (root, cells), &mut state);
    // Parameters are the first locals.
    let params = 0..cx.function().params.len();
    let arguments: Rc<[Value]> = params
        .filter_map(|param| state.env.get(param))
        .filter(|v| *v != state.watched)
        .collect();
    watch.given(&arguments);
    let mut best = None;
    let mut mistaken = Calls::new();
    let mut ladder = Ladder::new();
    while let Some(rung) = ladder.next_rung() {
        watch.begin();
        let Some(graph) = rung.simulate(&mut engine, &cx, &state) else {
            ladder.fell();
            continue;
        };
        let mut ground = Ground {
            engine: &mut engine,
            watch,
            subject,
            cx: &cx,
            graph: &graph,
            paths: Paths::new(&cx, (BlockId::ENTRY, &state), &graph, None),
            steps: rung.witness_steps(&cx),
            arguments: Rc::clone(&arguments),
            infeasible: 0,
            unknown: 0,
            doubtful: false,
        };
        let found = ask(&mut ground);
        mistaken = watch.mistaken();
        mistaken.retain(|(func, block)| {
            !is_only_handling(subject.program, *func, BlockId(*block))
                && ground.is_made_in_any_case((*func, *block))
        });
        let (infeasible, unknown) = (ground.infeasible, ground.unknown);
        // Merged states may have met a write on infeasible paths, and what they forgot looks like
        // something that a failure leaves behind.
        let doubtful = rung == Rung::Merged && (ground.doubtful || !mistaken.is_empty());
        best = Some((found, infeasible));
        if unknown == 0 && !doubtful {
            ladder.answered();
        } else {
            ladder.climb();
        }
    }
    effort.account(&engine.budget);
    engine.note_walk(subject.func, 0);
    effort.given_up += u64::from(!ladder.complete);
    let (found, infeasible) = best.unwrap_or_default();
    effort.infeasible += infeasible;
    let class = subject.class;
    let answers = class.map_or_else(Answers::default, |class| engine.answers_about(class));
    let followed = Followed {
        found,
        root,
        effort,
        answers,
    };
    (followed, mistaken)
}
