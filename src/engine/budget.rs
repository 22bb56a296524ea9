//! The bounds of the analysis. Each fails towards "don't know" and is counted.

/// How finely states are kept apart.
#[derive(Debug)]
pub struct Bounds {
    /// States kept apart at one point that agree on property and pending completion (K in ESP).
    pub states_per_key: usize,
    /// New states per key at a loop head before all are merged and widened.
    pub loop_visits: usize,
    /// New states per key at any other point before all are merged and widened.
    pub point_visits: usize,
}

/// For an automaton that watches a place.
pub const AT_A_PLACE: Bounds = Bounds {
    states_per_key: 4,
    loop_visits: 8,
    point_visits: 32,
};

/// For one that asks what tests establish: what it has to know shows in the flags, which keep
/// states apart in any case.
pub const ASIDE: Bounds = Bounds {
    states_per_key: 2,
    loop_visits: 4,
    point_visits: 10,
};

/// For a summary that serves all callers.
pub const GENERIC: Bounds = Bounds {
    states_per_key: 2,
    loop_visits: 4,
    point_visits: 10,
};

/// For what does not come to an end otherwise: one state for each property.
pub const COARSE: Bounds = Bounds {
    states_per_key: 1,
    loop_visits: 3,
    point_visits: 6,
};

/// States per key at one point that changed what was known there before the function is given up.
/// Joins weaken facts only finitely often, so this is not reached unless something fails to
/// converge.
pub const CHANGES: usize = 400;

/// States per key that arrived at one point before the function is given up.
pub const VISITS: usize = 1_000;

/// Literal sequences up to this length are unrolled.
pub const UNROLL: i64 = 32;

/// Steps spent on one processor, helpers included, whatever its size.
pub const STEPS: u64 = 20_000;

/// Steps on top of that for each of its basic blocks.
pub const STEPS_PER_BLOCK: u64 = 60;

/// Steps spent on one function that is followed for what its tests say.
pub const TESTS_STEPS: u64 = 2_000;

/// The same at most, however large the function is.
pub const TESTS_MOST_STEPS: u64 = 12_000;

/// A block execution on a state with this many entries in its heap and facts costs one more step.
pub const ENTRIES_PER_STEP: u64 = 24;

/// Steps spent on one activation of a helper that can reach the watched place, its own helpers
/// included.
pub const HELPER_STEPS: u64 = 10_000;

/// The same for a function that cannot reach it: only whether it raises, and what it returns, can
/// matter.
pub const STRANGER_STEPS: u64 = 1_500;

/// Steps spent on a first search for a path to an exit.
pub const QUICK_WITNESS: u64 = 200;

/// The same, on top of that, for each basic block of the function.
pub const QUICK_WITNESS_PER_BLOCK: u64 = 8;

/// Steps spent on the confirmation of one finding.
pub const WITNESS_STEPS: u64 = 40_000;

/// The same for a helper of a function that is followed for what its tests say, not for a place:
/// what such a function has to know is seldom far away.
pub const TESTS_HELPER_STEPS: u64 = 120;

/// Nesting of calls that are looked into from such a function.
pub const TESTS_HELPER_DEPTH: usize = 2;

/// Basic blocks of a function that is looked into from such a function although it says nothing that
/// the automaton asks for: it may raise in any case, or return one value only.
pub const TESTS_HELPER_BLOCKS: usize = 12;

/// How deep a summary for all callers that is found out for such a function looks into calls.
pub const ASIDE_REACH: u8 = 1;

/// Nesting of calls that are looked into.
pub const CALL_DEPTH: usize = 24;

/// The same for functions that cannot reach the watched place.
pub const STRANGER_DEPTH: usize = 8;

/// Nested activations of one function that are looked into.
pub const RECURSION: usize = 3;

/// Rounds of the fixpoint of a recursive summary.
pub const RECURSION_ROUNDS: usize = 8;

/// Block executions that the rounds over functions which call each other in a circle may take.
pub const CIRCLE_STEPS: u64 = 10_000;

/// Exits kept apart in one summary.
pub const SUMMARY_EXITS: usize = 8;

/// The same in a summary that serves all callers.
pub const GENERIC_EXITS: usize = 8;

/// Steps spent on a summary that serves all callers, its own calls not included.
pub const GENERIC_STEPS: u64 = 600;

/// Steps on top of that for each of its basic blocks.
pub const GENERIC_STEPS_PER_BLOCK: u64 = 24;

/// Nesting of such summaries.
pub const GENERIC_DEPTH: usize = 64;

/// What may still be spent, and what was cut off.
#[derive(Debug, Clone)]
pub struct Budget {
    /// Block executions left.
    pub steps: u64,
    /// How often states were merged for being too many.
    pub merges: u64,
    /// How often a loop was widened.
    pub widenings: u64,
    /// How often a call was not looked into for lack of budget or depth.
    pub calls_cut: u64,
    /// Block executions so far.
    pub executed: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            steps: STEPS,
            merges: 0,
            widenings: 0,
            calls_cut: 0,
            executed: 0,
        }
    }
}

impl Budget {
    /// The steps for a function with so many basic blocks.
    pub fn allow(&mut self, blocks: usize) {
        self.steps = STEPS + STEPS_PER_BLOCK * blocks as u64;
    }

    /// The steps for a function with so many basic blocks that is followed for what its tests say.
    pub fn allow_for_tests(&mut self, blocks: usize) {
        self.steps = (TESTS_STEPS + STEPS_PER_BLOCK * blocks as u64).min(TESTS_MOST_STEPS);
    }

    /// Pays for one block execution on a state with so many entries; false when nothing is left.
    pub fn pay(&mut self, entries: usize) -> bool {
        let price = 1 + entries as u64 / ENTRIES_PER_STEP;
        self.executed += 1;
        if self.steps < price {
            self.steps = 0;
            return false;
        }
        self.steps -= price;
        true
    }

    /// Sets aside at most `limit` steps for a part of the work; gives what is to be restored.
    #[must_use]
    pub fn lend(&mut self, limit: u64) -> (u64, u64) {
        let lent = self.steps.min(limit);
        let kept = self.steps - lent;
        self.steps = lent;
        (kept, lent)
    }

    /// Ends what `lend` began: what was not spent comes back.
    pub fn settle(&mut self, (kept, _): (u64, u64)) {
        self.steps += kept;
    }
}
