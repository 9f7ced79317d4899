//! How long a task would wait, told from how long tasks like it have waited lately. A pure data structure; times are
//! durations since the pool began.
//!
//! The length of the queue says little here, since short tasks pass long ones: what a task waits depends on what kind of
//! task it is. So waits are kept by kind, and the prediction is the smallest wait of a sliding window, as CoDel does it
//! (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 2012): a burst that a pool works off within the window
//! refuses nobody, a wait that even the luckiest could not avoid is a standing one.
//!
//! Invariants:
//! 1. No prediction exceeds a wait that a task of the same kind has really had within the last two windows.
//! 2. A kind that has not been seen for two windows is predicted not to wait: the next task tries.
//! 3. Memory is bounded by the kinds seen within two windows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::ready::Class;

/// Half of the sliding window: waits count for one to two of these.
const WINDOW: Duration = Duration::from_millis(250);
/// So many kinds are kept before old ones are looked for.
const SWEEP_AT: usize = 1024;

/// Tasks that can be expected to wait alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    pub(super) class: Class,
    pub(super) key: Option<Arc<str>>,
    pub(super) kernel: usize,
    /// The binary logarithm of its units: how large it is, roughly.
    pub(super) magnitude: u32,
}

#[derive(Default)]
pub(super) struct Admission {
    kinds: HashMap<Kind, Waits>,
}

struct Waits {
    /// Which window `current` belongs to.
    window: u64,
    /// Smallest wait in that window.
    current: Duration,
    /// Smallest wait in the window before, if there was one.
    previous: Option<Duration>,
}

impl Admission {
    /// Notes that a task of this kind spent `wait` not running, for whatever reason, and ended at `now`.
    pub(super) fn record(&mut self, kind: Kind, wait: Duration, now: Duration) {
        let window = window_of(now);
        if self.kinds.len() >= SWEEP_AT {
            self.kinds.retain(|_, waits| waits.window + 1 >= window);
        }
        self.kinds
            .entry(kind)
            .and_modify(|waits| {
                if waits.window == window {
                    waits.current = waits.current.min(wait);
                } else {
                    waits.previous = (waits.window + 1 == window).then_some(waits.current);
                    (waits.window, waits.current) = (window, wait);
                }
            })
            .or_insert(Waits { window, current: wait, previous: None });
    }

    /// What a task of this kind must be expected to wait that comes at `now`.
    pub(super) fn predict(&self, kind: &Kind, now: Duration) -> Duration {
        let window = window_of(now);
        match self.kinds.get(kind) {
            Some(waits) if waits.window == window => waits.previous.unwrap_or(waits.current).min(waits.current),
            Some(waits) if waits.window + 1 == window => waits.current,
            _ => Duration::ZERO,
        }
    }
}

fn window_of(now: Duration) -> u64 {
    (now.as_nanos() / WINDOW.as_nanos()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn kind(kernel: usize) -> Kind {
        Kind { class: Class::Normal, key: None, kernel, magnitude: 3 }
    }

    #[test]
    fn predicts_the_smallest_wait_of_the_window() {
        let mut admission = Admission::default();
        assert_eq!(admission.predict(&kind(0), MS), Duration::ZERO);
        admission.record(kind(0), 50 * MS, 10 * MS);
        admission.record(kind(0), 30 * MS, 20 * MS);
        admission.record(kind(0), 70 * MS, 30 * MS);
        assert_eq!(admission.predict(&kind(0), 40 * MS), 30 * MS);
        assert_eq!(admission.predict(&kind(1), 40 * MS), Duration::ZERO, "other kinds do not count");
        // The window after still knows; the one after that does not.
        admission.record(kind(0), 90 * MS, 260 * MS);
        assert_eq!(admission.predict(&kind(0), 270 * MS), 30 * MS);
        assert_eq!(admission.predict(&kind(0), 510 * MS), 90 * MS);
        assert_eq!(admission.predict(&kind(0), 760 * MS), Duration::ZERO);
    }

    #[test]
    fn forgets_kinds_that_are_not_seen_any_more() {
        let mut admission = Admission::default();
        for number in 0..100_000 {
            admission.record(kind(number), MS, MS * number as u32);
        }
        assert!(admission.kinds.len() <= SWEEP_AT, "{}", admission.kinds.len());
    }
}
