//! The bounds of the analysis. Each fails towards "don't know" and is counted.

/// States kept apart at one point that agree on property and pending completion (K in ESP).
pub const STATES_PER_KEY: usize = 12;

/// New states per key at a loop head before all are merged and widened.
pub const LOOP_VISITS: usize = 14;

/// New states per key at any other point before all are merged and widened.
pub const POINT_VISITS: usize = 80;

/// Arrivals of new states per key at one point before the function is given up. Joins weaken
/// facts only finitely often, so this is not reached unless something fails to converge.
pub const VISITS: usize = 400;

/// Literal sequences up to this length are unrolled.
pub const UNROLL: i64 = 32;

/// Block executions spent on one processor, helpers included.
pub const STEPS: u64 = 200_000;

/// Block executions spent on the confirmation of one finding.
pub const WITNESS_STEPS: u64 = 40_000;

/// Nesting of calls that are looked into.
pub const CALL_DEPTH: usize = 24;

/// Nested activations of one function that are looked into.
pub const RECURSION: usize = 3;

/// Rounds of the fixpoint of a recursive summary.
pub const RECURSION_ROUNDS: usize = 8;

/// Exits kept apart in one summary.
pub const SUMMARY_EXITS: usize = 48;

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
    /// Whether `steps` ran out.
    pub exhausted: bool,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            steps: STEPS,
            merges: 0,
            widenings: 0,
            calls_cut: 0,
            executed: 0,
            exhausted: false,
        }
    }
}

impl Budget {
    /// Pays for one block execution; false when nothing is left.
    pub fn pay(&mut self) -> bool {
        if self.steps == 0 {
            self.exhausted = true;
            return false;
        }
        self.steps -= 1;
        self.executed += 1;
        true
    }
}
