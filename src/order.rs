//! Putting short lists in order, with one sort for all of them.
//!
//! `slice::sort` is compiled once more for each type of elements and each comparison, about 6 KB
//! each time: at a hundred places that was a fifteenth of the program. These methods sort the places
//! of the elements, which are always the same type, and then move the elements. That takes a list
//! of places and a few more moves, so code that runs for every function or state sorts with
//! `sort_unstable`.

use std::cmp::Ordering;

/// Sorting in place; what is equal stays as it was.
pub trait Order<T> {
    /// As `slice::sort`.
    fn order(&mut self)
    where
        T: Ord;

    /// As `slice::sort_by`.
    fn order_by(&mut self, compare: impl Fn(&T, &T) -> Ordering);

    /// As `slice::sort_by_key`.
    fn order_by_key<K: Ord>(&mut self, key: impl Fn(&T) -> K);
}

impl<T> Order<T> for [T] {
    fn order(&mut self)
    where
        T: Ord,
    {
        self.order_by(T::cmp);
    }

    fn order_by(&mut self, compare: impl Fn(&T, &T) -> Ordering) {
        let mut from = places(self.len(), &|a, b| compare(&self[a], &self[b]));
        rearrange(self, &mut from);
    }

    fn order_by_key<K: Ord>(&mut self, key: impl Fn(&T) -> K) {
        self.order_by(|a, b| key(a).cmp(&key(b)));
    }
}

/// Which element comes first, second, and so on.
fn places(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut out: Vec<usize> = (0..count).collect();
    out.sort_by(|a, b| compare(*a, *b));
    out
}

/// Moves the element that stands at `from[i]` to `i`, for all `i`. Each cycle of moves is followed
/// once, and what was moved is marked by `from[i] == i`.
fn rearrange<T>(items: &mut [T], from: &mut [usize]) {
    for start in 0..from.len() {
        let mut to = start;
        while from[to] != start {
            let next = from[to];
            items.swap(to, next);
            from[to] = to;
            to = next;
        }
        from[to] = to;
    }
}

#[cfg(test)]
mod tests {
    use super::Order;

    /// All lists of up to six small numbers, each number with the place where it stood.
    fn lists() -> impl Iterator<Item = Vec<(u32, usize)>> {
        (0..=6_u32).flat_map(|length| {
            (0..3_u32.pow(length)).map(move |number| {
                let digit = |at: u32| number / 3_u32.pow(at) % 3;
                (0..length).map(digit).zip(0..).collect()
            })
        })
    }

    #[test]
    fn as_the_standard_library() {
        for list in lists() {
            let mut expected = list.clone();
            expected.sort_by_key(|(number, _)| *number);
            let mut by_key = list.clone();
            by_key.order_by_key(|(number, _)| *number);
            assert_eq!(by_key, expected);
            let mut by = list.clone();
            by.order_by(|(a, _), (b, _)| b.cmp(a));
            expected = list.clone();
            expected.sort_by(|(a, _), (b, _)| b.cmp(a));
            assert_eq!(by, expected);
            let mut whole = by;
            whole.order();
            expected.sort();
            assert_eq!(whole, expected);
        }
    }
}
