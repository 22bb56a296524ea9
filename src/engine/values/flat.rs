//! A sorted map in contiguous memory.
//!
//! States are copied, traversed and compared far more often than they change, and have few entries.
//! All of this is fast if the entries are contiguous.

use std::cmp::Ordering;

/// A map stored as a sorted list of its entries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flat<K, V>(Vec<(K, V)>);

impl<K, V> Default for Flat<K, V> {
    fn default() -> Self {
        Flat(Vec::new())
    }
}

impl<K: Ord, V> Flat<K, V> {
    fn find(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(k, _)| k.cmp(key))
    }

    /// An empty map with room for so many entries.
    #[must_use]
    pub fn with_capacity(entries: usize) -> Self {
        Flat(Vec::with_capacity(entries))
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the map is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    /// The value of a key, for changing it.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.find(key).ok()?;
        Some(&mut self.0[at].1)
    }

    /// Whether a key has a value.
    #[must_use]
    pub fn contains_key(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }

    /// Sets the value of a key; returns the previous one.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        // `Vec` would double its capacity, and every later copy of the state would keep that.
        if self.0.len() == self.0.capacity() {
            self.0.reserve_exact(4 + self.0.len() / 16);
        }
        // Most maps are built in order.
        if self.0.last().is_none_or(|(last, _)| *last < key) {
            self.0.push((key, value));
            return None;
        }
        match self.find(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Removes the entry of a key; returns its value.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.find(key).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Removes all entries for which `kept` returns false.
    pub fn retain(&mut self, mut kept: impl FnMut(&K, &V) -> bool) {
        self.0.retain(|(k, v)| kept(k, v));
    }

    /// The entries in order.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter(self.0.iter())
    }

    /// The entries from a key onwards, including its own.
    pub fn from_key(&self, key: &K) -> Iter<'_, K, V> {
        let start = self.find(key).unwrap_or_else(|at| at);
        Iter(self.0[start..].iter())
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.iter().map(|(k, _)| k)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, v)| v)
    }

    /// Each key of one of the maps or both, in order, with its values in both.
    pub fn union<'a>(&'a self, other: &'a Self) -> Union<'a, K, V> {
        Union(&self.0, &other.0)
    }

    /// The number of keys whose values differ, or that only one of the maps has.
    #[must_use]
    pub fn differences(&self, other: &Self) -> usize
    where
        V: PartialEq,
    {
        let (mut a, mut b) = (self.0.as_slice(), other.0.as_slice());
        let mut count = 0;
        while let ([(k, v), rest_a @ ..], [(l, w), rest_b @ ..]) = (a, b) {
            let order = k.cmp(l);
            count += usize::from(order != Ordering::Equal || v != w);
            if order != Ordering::Greater {
                a = rest_a;
            }
            if order != Ordering::Less {
                b = rest_b;
            }
        }
        count + a.len() + b.len()
    }
}

/// The entries of a map, in order.
pub struct Iter<'a, K, V>(std::slice::Iter<'a, (K, V)>);

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(k, v)| (k, v))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

/// The entries of two maps side by side, in order.
pub struct Union<'a, K, V>(&'a [(K, V)], &'a [(K, V)]);

impl<'a, K: Ord, V> Iterator for Union<'a, K, V> {
    type Item = (&'a K, Option<&'a V>, Option<&'a V>);

    fn next(&mut self) -> Option<Self::Item> {
        let order = match (self.0, self.1) {
            ([], []) => return None,
            (_, []) => Ordering::Less,
            ([], _) => Ordering::Greater,
            ([(k, _), ..], [(l, _), ..]) => k.cmp(l),
        };
        let mut take = |from_first: bool| {
            let from = if from_first { &mut self.0 } else { &mut self.1 };
            let ((key, value), rest) = from.split_first()?;
            *from = rest;
            Some((key, value))
        };
        let first = (order != Ordering::Greater).then(|| take(true)).flatten();
        let second = (order != Ordering::Less).then(|| take(false)).flatten();
        let (key, _) = first.or(second)?;
        Some((key, first.map(|(_, v)| v), second.map(|(_, v)| v)))
    }
}

impl<'a, K: Ord, V> IntoIterator for &'a Flat<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K, V> IntoIterator for Flat<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Flat<K, V> {
    /// Takes the entries in any order. Of several with the same key, the last one counts.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut all: Vec<(K, V)> = entries.into_iter().collect();
        if !all.is_sorted_by(|(k, _), (l, _)| k < l) {
            all.sort_by(|(k, _), (l, _)| k.cmp(l));
            // `dedup_by` keeps the first of equal entries.
            all.dedup_by(|(next, later), (key, value)| {
                let same = next == key;
                if same {
                    std::mem::swap(later, value);
                }
                same
            });
        }
        Flat(all)
    }
}

impl<K: Ord, V> Extend<(K, V)> for Flat<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (k, v) in entries {
            self.insert(k, v);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Flat;

    #[test]
    fn it_is_a_map() {
        let mut flat = Flat::default();
        let mut map = BTreeMap::new();
        // A walk through the numbers below 101 that takes long to repeat itself.
        let mut n: u32 = 7;
        for step in 0..400_u32 {
            n = (n * 31 + 5) % 101;
            if step % 3 == 2 {
                assert_eq!(flat.remove(&n), map.remove(&n));
            } else {
                assert_eq!(flat.insert(n, step), map.insert(n, step));
            }
            assert_eq!(flat.get(&step), map.get(&step));
            assert_eq!(flat.contains_key(&n), map.contains_key(&n));
        }
        assert!(flat.iter().eq(map.iter()));
        assert!(flat.from_key(&50).eq(map.range(50..)));
        flat.retain(|k, _| k % 2 == 0);
        map.retain(|k, _| k % 2 == 0);
        assert!(flat.keys().eq(map.keys()) && flat.values().eq(map.values()));
    }

    #[test]
    fn of_equal_keys_the_last_counts() {
        let flat: Flat<u32, u32> = [(3, 1), (1, 2), (3, 3), (2, 4), (3, 5)]
            .into_iter()
            .collect();
        assert!(flat.iter().eq([(&1, &2), (&2, &4), (&3, &5)]));
    }

    #[test]
    fn a_union_has_each_key_once() {
        let a: Flat<u32, u32> = [(1, 10), (2, 20), (5, 50)].into_iter().collect();
        let b: Flat<u32, u32> = [(2, 21), (3, 31)].into_iter().collect();
        let both: Vec<_> = a.union(&b).collect();
        let expected = [
            (&1, Some(&10), None),
            (&2, Some(&20), Some(&21)),
            (&3, None, Some(&31)),
            (&5, Some(&50), None),
        ];
        assert_eq!(both, expected);
        assert_eq!(Flat::default().union(&b).count(), 2);
    }

    #[test]
    fn differences_are_counted_once() {
        let map = |entries: &[(u32, u32)]| {
            let mut map = Flat::default();
            map.extend(entries.iter().copied());
            map
        };
        let (a, b) = (
            map(&[(1, 1), (2, 2), (4, 4)]),
            map(&[(2, 2), (3, 3), (4, 5)]),
        );
        assert_eq!(a.differences(&b), 3);
        assert_eq!(b.differences(&a), 3);
        assert_eq!(a.differences(&a), 0);
    }
}
