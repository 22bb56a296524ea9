//! Which of many spans an offset lies in: they may overlap, nest and repeat.

use crate::order::Order as _;
use crate::source::Span;

/// Spans, sorted by their starts, below a tree of their latest ends.
#[derive(Default)]
pub(super) struct Stab {
    /// With the number that each span was given with.
    spans: Vec<(Span, usize)>,
    /// The latest end of a half of the spans: node 1 has all of them, the children of `n` are `2n` and `2n + 1`.
    latest: Vec<u32>,
}

impl Stab {
    pub(super) fn new(spans: impl Iterator<Item = (Span, usize)>) -> Self {
        let mut spans: Vec<(Span, usize)> = spans.collect();
        spans.order_by_key(|(span, number)| (span.start, *number));
        let leaves = spans.len().next_power_of_two();
        let mut latest = vec![0; 2 * leaves];
        for (at, (span, _)) in spans.iter().enumerate() {
            latest[leaves + at] = span.end;
        }
        for node in (1..leaves).rev() {
            latest[node] = latest[2 * node].max(latest[2 * node + 1]);
        }
        Self { spans, latest }
    }

    /// The spans around an offset, with their numbers; in the order of their starts.
    pub(super) fn around(&self, at: u32) -> Vec<(Span, usize)> {
        let started = self.spans.partition_point(|(span, _)| span.start <= at);
        let leaves = self.latest.len() / 2;
        let mut out = Vec::new();
        // Each with the first of its spans, and how many it has room for.
        let mut open = vec![(1, 0, leaves)];
        while let Some((node, first, room)) = open.pop() {
            if first >= started || self.latest[node] <= at {
                continue;
            }
            if room == 1 {
                out.push(self.spans[first]);
            } else {
                let half = room / 2;
                open.push((2 * node + 1, first + half, half));
                open.push((2 * node, first, half));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::Stab;
    use crate::source::Span;

    #[test]
    fn all_spans_around_an_offset_are_found() {
        for count in 0..40_u32 {
            let span = |n: u32| Span::new(n * 7 % 31, n * 7 % 31 + n * 5 % 13);
            let all: Vec<(Span, usize)> = (0..count).map(|n| (span(n), n as usize)).collect();
            let stab = Stab::new(all.iter().copied());
            for at in 0..50 {
                let around = all.iter().copied();
                let around = around.filter(|(span, _)| span.start <= at && at < span.end);
                let mut expected: Vec<(Span, usize)> = around.collect();
                expected.sort_by_key(|(span, number)| (span.start, *number));
                assert_eq!(stab.around(at), expected, "{count} spans, {at}");
            }
        }
    }
}
