//! The bounds of the analysis. Each fails towards "don't know" and is counted.

/// How finely states are kept apart.
#[derive(Debug)]
pub struct Bounds {
    /// States kept apart at one point that agree on the property and the pending completion (K in
    /// ESP).
    pub states_per_key: usize,
    /// New states per key at a loop head before all are merged and widened.
    pub loop_visits: usize,
    /// New states per key at any other point before all are merged and widened.
    pub point_visits: usize,
}

/// Bounds for an automaton that watches a place.
pub const AT_A_PLACE: Bounds = Bounds {
    states_per_key: 4,
    loop_visits: 8,
    point_visits: 32,
};

/// Bounds for an automaton that asks what tests establish. What it has to know is in the flags,
/// which keep states apart in any case.
pub const ASIDE: Bounds = Bounds {
    states_per_key: 2,
    loop_visits: 4,
    point_visits: 10,
};

/// Bounds for a summary for all callers.
pub const GENERIC: Bounds = Bounds {
    states_per_key: 2,
    loop_visits: 4,
    point_visits: 10,
};

/// Bounds for what does not finish with finer ones: one state for each property.
pub const COARSE: Bounds = Bounds {
    states_per_key: 1,
    loop_visits: 3,
    point_visits: 6,
};

/// The number of states per key that may change what is known at one point before the function is
/// given up. Joins weaken facts only finitely often, so this limit is reached only if something
/// fails to converge.
pub const CHANGES: usize = 400;

/// The number of states per key that may arrive at one point before the function is given up.
pub const VISITS: usize = 1_000;

/// Known sequences up to this length are unrolled.
pub const UNROLL: i64 = 32;

/// Steps for one processor of any size, including its helpers.
pub const STEPS: u64 = 20_000;

/// Additional steps for each of its basic blocks.
pub const STEPS_PER_BLOCK: u64 = 60;

/// Steps for one function that is followed for what its tests establish.
pub const TESTS_STEPS: u64 = 2_000;

/// The most steps for such a function, however large it is.
pub const TESTS_MOST_STEPS: u64 = 12_000;

/// The number of entries in a state's heap and facts for which executing a block costs one more
/// step.
pub const ENTRIES_PER_STEP: u64 = 24;

/// Steps for one activation of a helper that can reach the watched place, including its own
/// helpers.
pub const HELPER_STEPS: u64 = 10_000;

/// Steps for one activation of a helper that cannot reach it. Only what it returns and whether it
/// raises can matter.
pub const STRANGER_STEPS: u64 = 1_500;

/// Steps for the first search for a path to an exit.
pub const QUICK_WITNESS: u64 = 200;

/// Additional steps of that search for each basic block of the function.
pub const QUICK_WITNESS_PER_BLOCK: u64 = 8;

/// Steps for confirming one finding.
pub const WITNESS_STEPS: u64 = 40_000;

/// Steps for a helper of a function that is followed for what its tests establish. What such a
/// function has to know is seldom far away.
pub const TESTS_HELPER_STEPS: u64 = 120;

/// The nesting of calls that are followed from such a function.
pub const TESTS_HELPER_DEPTH: usize = 2;

/// The maximum number of basic blocks of a helper that is followed from such a function although
/// nothing in it concerns the automaton. Such a helper may still matter, because it always raises
/// or always returns the same value.
pub const TESTS_HELPER_BLOCKS: usize = 12;

/// The nesting of calls that a summary for all callers follows if it is computed for such a
/// function.
pub const ASIDE_REACH: u8 = 1;

/// The nesting of calls that are followed.
pub const CALL_DEPTH: usize = 24;

/// The nesting of calls of functions that cannot reach the watched place.
pub const STRANGER_DEPTH: usize = 8;

/// Nested activations of one function that are followed.
pub const RECURSION: usize = 3;

/// Iterations of the fixpoint of a recursive summary.
pub const RECURSION_ROUNDS: usize = 8;

/// Block executions for the iterations over functions that call each other in a cycle.
pub const CIRCLE_STEPS: u64 = 10_000;

/// Exits kept apart in one summary.
pub const SUMMARY_EXITS: usize = 8;

/// Exits kept apart in a summary for all callers.
pub const GENERIC_EXITS: usize = 8;

/// Steps for a summary for all callers, without those of the summaries that it uses.
pub const GENERIC_STEPS: u64 = 600;

/// Additional steps for each of its basic blocks.
pub const GENERIC_STEPS_PER_BLOCK: u64 = 24;

/// The nesting of such summaries.
pub const GENERIC_DEPTH: usize = 64;

/// The remaining budget, and counts of what was cut off.
#[derive(Debug, Clone)]
pub struct Budget {
    /// Block executions left.
    pub steps: u64,
    /// How often states were merged because there were too many.
    pub merges: u64,
    /// How often a loop was widened.
    pub widenings: u64,
    /// How often a call was not followed for lack of budget or depth.
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
    /// Sets the steps for a function with this many basic blocks.
    pub fn allow(&mut self, blocks: usize) {
        self.steps = STEPS + STEPS_PER_BLOCK * blocks as u64;
    }

    /// Sets the steps for a function with this many basic blocks that is followed for what its
    /// tests establish.
    pub fn allow_for_tests(&mut self, blocks: usize) {
        self.steps = (TESTS_STEPS + STEPS_PER_BLOCK * blocks as u64).min(TESTS_MOST_STEPS);
    }

    /// Pays for executing a block on a state with this many entries. Returns false if no steps are
    /// left.
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

    /// Limits the steps to `limit` for a part of the work. Returns what `settle` needs to restore
    /// the rest.
    #[must_use]
    pub fn lend(&mut self, limit: u64) -> (u64, u64) {
        let lent = self.steps.min(limit);
        let kept = self.steps - lent;
        self.steps = lent;
        (kept, lent)
    }

    /// Ends the part of the work that `lend` began. Its unspent steps stay available.
    pub fn settle(&mut self, (kept, _): (u64, u64)) {
        self.steps += kept;
    }
}
