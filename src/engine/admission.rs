//! How long a task would take, told from how tasks like it have fared lately. A pure data structure; times are durations
//! since the pool began.
//!
//! The length of the queue says little here, since short tasks pass long ones: what a task waits depends on what kind of
//! task it is. So everything is kept by kind, and two things are asked:
//!
//! - the smallest wait of a sliding window, as CoDel does it (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 2012):
//!   a burst that a pool works off within the window refuses nobody, a wait that even the luckiest could not avoid is a
//!   standing one. It knows of the past only;
//! - how many of the kind are there, times the time between two of their ends (Little, "A Proof for the Queuing Formula: L = λW",
//!   1961): what all that have been admitted, and this one, will take. It refuses in time, so that those that were admitted
//!   can be done within theirs.
//!
//! Invariants:
//! 1. A kind of which none is there is predicted to take no longer than a task of it has waited within the last two windows.
//! 2. A kind that has not been seen for two windows is predicted not to wait: the next task tries.
//! 3. Memory is bounded by the kinds that are there and those seen within two windows.

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

/// The weight that an end has in the mean of the time between ends, beside all before it.
const WEIGHT: f64 = 1.0 / 16.0;
/// Tasks fare differently: this much is kept free, so that most are done in the time that is predicted for all.
const MARGIN: f64 = 1.25;

#[derive(Default)]
pub(super) struct Admission {
    kinds: HashMap<Kind, Seen>,
}

/// What is known of a kind.
#[derive(Default)]
struct Seen {
    waits: Waits,
    /// Tasks that are there: taken over, and not ended.
    present: u64,
    /// When the last of them was done, or when the first came of those that are there.
    since: Duration,
    /// Time between two ends while there are enough for all threads, in seconds: sum and number, both fading.
    gaps: f64,
    ends: f64,
    /// The same told from the progress of one that runs, for as long as none has ended.
    projected: f64,
}

#[derive(Default)]
struct Waits {
    /// Which window `current` belongs to.
    window: u64,
    /// Smallest wait in that window, if there was one.
    current: Option<Duration>,
    /// Smallest wait in the window before, if there was one.
    previous: Option<Duration>,
}

impl Admission {
    /// A task of this kind is there.
    pub(super) fn enter(&mut self, kind: Kind, now: Duration) {
        let seen = self.seen(kind, now);
        if seen.present == 0 {
            seen.since = now;
        }
        seen.present += 1;
    }

    /// A task that was there is gone; if it was done, having used so much `thread_time` of a pool with so many `threads`.
    pub(super) fn leave(&mut self, kind: Kind, thread_time: Option<Duration>, threads: usize, now: Duration) {
        let seen = self.seen(kind, now);
        let others = seen.present.saturating_sub(1);
        if let Some(thread_time) = thread_time {
            let least = thread_time.as_secs_f64() / threads as f64;
            // With fewer than there are threads, the time between two ends says nothing of how much there could be done.
            let gap = if seen.present < threads as u64 { least } else { now.saturating_sub(seen.since).as_secs_f64() };
            if seen.ends == 0.0 {
                (seen.gaps, seen.ends) = (least, 1.0);
            }
            seen.gaps = seen.gaps * (1.0 - WEIGHT) + gap;
            seen.ends = seen.ends * (1.0 - WEIGHT) + 1.0;
            seen.since = seen.since.max(now);
        }
        seen.present = others;
    }

    /// A task that is there has used so much `thread_time` of so many `threads` for this share of its work, 0..=1. With nothing
    /// but ends to go by, a pool would let in far too many before the first of them ends, if it ever did.
    pub(super) fn progressed(&mut self, kind: &Kind, thread_time: Duration, share: f64, threads: usize) {
        if share > 0.0
            && let Some(seen) = self.kinds.get_mut(kind)
        {
            seen.projected = thread_time.as_secs_f64() / share / threads as f64;
        }
    }

    /// Notes that a task of this kind spent `wait` not running, for whatever reason, and ended at `now`.
    pub(super) fn record(&mut self, kind: Kind, wait: Duration, now: Duration) {
        self.seen(kind, now).waits.record(wait, window_of(now));
    }

    /// What a task of this kind must be expected to take that comes at `now`, behind `ahead` others that are not there yet.
    pub(super) fn predict(&self, kind: &Kind, ahead: usize, now: Duration) -> Duration {
        let Some(seen) = self.kinds.get(kind) else { return Duration::ZERO };
        let waited = seen.waits.smallest(window_of(now));
        if seen.present == 0 {
            return waited;
        }
        let before = (seen.present + ahead as u64) as f64;
        let gap = if seen.ends > 0.0 { seen.gaps / seen.ends } else { seen.projected };
        let predicted = (before + 1.0) * gap * MARGIN;
        waited.max(Duration::try_from_secs_f64(predicted).unwrap_or(Duration::MAX))
    }

    fn seen(&mut self, kind: Kind, now: Duration) -> &mut Seen {
        if self.kinds.len() >= SWEEP_AT {
            let window = window_of(now);
            self.kinds.retain(|_, seen| seen.present > 0 || seen.waits.window + 1 >= window);
        }
        self.kinds.entry(kind).or_default()
    }
}

impl Waits {
    fn record(&mut self, wait: Duration, window: u64) {
        if self.current.is_some() && self.window == window {
            self.current = self.current.min(Some(wait));
        } else {
            self.previous = if self.window + 1 == window { self.current } else { None };
            (self.window, self.current) = (window, Some(wait));
        }
    }

    /// The smallest wait of this window and the one before.
    fn smallest(&self, window: u64) -> Duration {
        let smallest = match self.current {
            Some(current) if self.window == window => {
                Some(self.previous.map_or(current, |previous| previous.min(current)))
            }
            current if self.window + 1 == window => current,
            _ => None,
        };
        smallest.unwrap_or_default()
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
        assert_eq!(admission.predict(&kind(0), 0, MS), Duration::ZERO);
        admission.record(kind(0), 50 * MS, 10 * MS);
        admission.record(kind(0), 30 * MS, 20 * MS);
        admission.record(kind(0), 70 * MS, 30 * MS);
        assert_eq!(admission.predict(&kind(0), 0, 40 * MS), 30 * MS);
        assert_eq!(admission.predict(&kind(1), 0, 40 * MS), Duration::ZERO, "other kinds do not count");
        // The window after still knows; the one after that does not.
        admission.record(kind(0), 90 * MS, 260 * MS);
        assert_eq!(admission.predict(&kind(0), 0, 270 * MS), 30 * MS);
        assert_eq!(admission.predict(&kind(0), 0, 510 * MS), 90 * MS);
        assert_eq!(admission.predict(&kind(0), 0, 760 * MS), Duration::ZERO);
    }

    #[test]
    fn predicts_from_how_many_there_are() {
        let mut admission = Admission::default();
        // One after the other on two threads, each 20 ms of thread time: each leaves room for another beside it.
        for number in 0..100 {
            admission.enter(kind(0), 20 * number * MS);
            assert_eq!(admission.predict(&kind(0), 0, 20 * number * MS), if number == 0 { 0 } else { 25 } * MS);
            admission.leave(kind(0), Some(20 * MS), 2, 20 * (number + 1) * MS);
        }
        // Ten at once: with those in the inbox and itself, each has to share with the others.
        let now = 2_000 * MS;
        for _ in 0..10 {
            admission.enter(kind(0), now);
        }
        assert_eq!(admission.predict(&kind(0), 0, now), 137_500 * MS / 1000);
        assert_eq!(admission.predict(&kind(0), 5, now), 200 * MS);
        // Others take half of the threads' time meanwhile.
        for number in 1..=9 {
            admission.leave(kind(0), Some(20 * MS), 2, now + 20 * number * MS);
        }
        let predicted = admission.predict(&kind(0), 8, now + 180 * MS);
        assert!(predicted > 160 * MS && predicted < 250 * MS, "{predicted:?}");
        // Before any has ended, what one that runs has done so far tells how long it will take.
        admission.enter(kind(1), now);
        admission.progressed(&kind(1), 10 * MS, 0.25, 2);
        assert_eq!(admission.predict(&kind(1), 0, now), 50 * MS);
        // What is stopped leaves no trace but its place.
        admission.leave(kind(0), None, 2, now + 190 * MS);
        assert_eq!(admission.predict(&kind(0), 0, now + 190 * MS), Duration::ZERO);
    }

    #[test]
    fn takes_times_of_threads_that_have_looked_at_the_clock_at_different_times() {
        let mut admission = Admission::default();
        for _ in 0..4 {
            admission.enter(kind(0), 10 * MS);
        }
        admission.leave(kind(0), Some(MS), 2, 9 * MS);
        let predicted = admission.predict(&kind(0), 0, 8 * MS);
        assert!(predicted > Duration::ZERO && predicted < 3 * MS, "{predicted:?}");
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
