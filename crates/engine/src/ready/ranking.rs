//! A sorted set whose least element stands outside of the tree: what is alone, or stays the least, costs next to nothing.
//!
//! Invariant: `first` is less than all the rest, and there only if anything is.

use std::collections::BTreeSet;

pub(super) struct Ranking<K> {
    first: Option<K>,
    rest: BTreeSet<K>,
}

impl<K> Default for Ranking<K> {
    fn default() -> Self {
        Self { first: None, rest: BTreeSet::new() }
    }
}

impl<K: Ord + Copy> Ranking<K> {
    pub(super) fn first(&self) -> Option<K> {
        self.first
    }

    pub(super) fn insert(&mut self, key: K) {
        match self.first {
            Some(first) if first < key => {
                self.rest.insert(key);
            }
            first => {
                self.first = Some(key);
                self.rest.extend(first);
            }
        }
    }

    pub(super) fn remove(&mut self, key: K) {
        if self.first == Some(key) {
            self.first = self.rest.pop_first();
        } else {
            self.rest.remove(&key);
        }
    }

    pub(super) fn replace(&mut self, old: K, new: K) {
        if self.first == Some(old) && self.rest.first().is_none_or(|second| new < *second) {
            self.first = Some(new);
        } else {
            self.remove(old);
            self.insert(new);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &K> {
        self.first.iter().chain(&self.rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_a_sorted_set(ops in prop::collection::vec((0..3u8, 0..20u32, 20..40u32), 1..200)) {
            let (mut ranking, mut model) = (Ranking::default(), BTreeSet::new());
            for (op, low, high) in ops {
                let key = low * 2;
                match op {
                    0 if model.insert(key) => ranking.insert(key),
                    1 => {
                        model.remove(&key);
                        ranking.remove(key);
                    }
                    2 if model.contains(&key) && model.insert(high * 2 + 1) => {
                        model.remove(&key);
                        ranking.replace(key, high * 2 + 1);
                    }
                    _ => {}
                }
                prop_assert_eq!(ranking.first(), model.first().copied());
                prop_assert!(ranking.iter().eq(&model));
            }
        }
    }
}
