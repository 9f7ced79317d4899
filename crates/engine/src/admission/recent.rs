//! What was asked for lately, by name, and what is still in use: two generations of maps that rotate, so that nothing is ever looked through
//! but once for each that was put in.
//!
//! Invariants:
//! 1. What somebody else holds, too, is found again.
//! 2. Memory is bounded by what is held, and what was asked for lately; every operation takes constant time, amortised.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// So many are asked for before the generations rotate.
const GENERATION: usize = 512;

pub(super) struct Recent<K, V> {
    recent: HashMap<K, Arc<V>>,
    old: HashMap<K, Arc<V>>,
    limit: usize,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { recent: HashMap::new(), old: HashMap::new(), limit: GENERATION }
    }
}

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    pub(super) fn get(&mut self, key: &K, make: impl FnOnce() -> V) -> Arc<V> {
        if let Some(value) = self.recent.get(key) {
            return Arc::clone(value);
        }
        let value = self.old.remove(key).unwrap_or_else(|| Arc::new(make()));
        self.put(key, &value);
        value
    }

    /// Puts another in its place.
    pub(super) fn put(&mut self, key: &K, value: &Arc<V>) {
        if self.recent.len() >= self.limit {
            self.rotate();
        }
        self.recent.insert(key.clone(), Arc::clone(value));
    }

    /// How many are known.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.recent.len() + self.old.len()
    }

    fn rotate(&mut self) {
        let is_held = |value: &Arc<V>| Arc::strong_count(value) > 1;
        let mut gone = std::mem::replace(&mut self.old, std::mem::take(&mut self.recent));
        gone.retain(|_, value| is_held(value));
        self.old.extend(gone);
        // Twice as many as are held: where the same come again and again, nothing moves any more.
        let held = self.old.values().filter(|value| is_held(value)).count();
        self.limit = (2 * held).max(GENERATION);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_1_finds_what_is_held() {
        let mut recent = Recent::default();
        let held: Vec<_> = (0..3_000).map(|number| recent.get(&number, || number)).collect();
        for number in 3_000..10_000 {
            recent.get(&number, || number);
        }
        for (number, held) in held.iter().enumerate() {
            assert!(Arc::ptr_eq(held, &recent.get(&number, || 0)));
        }
    }

    #[test]
    fn invariant_2_forgets_what_nobody_holds() {
        let mut recent = Recent::default();
        for number in 0..100_000 {
            recent.get(&number, || number);
        }
        assert!(recent.len() <= 2 * GENERATION);
    }
}
