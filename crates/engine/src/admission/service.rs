//! How much thread time a kind of task takes, as a pool's threads have last published it for callers.
//!
//! Invariants, each with a test of that number:
//! 1. Nothing is known before a task has ended, or some have reported their progress for `TRUSTED_AFTER`; the shorter that was, the
//!    less it is believed, always in the task's favour.
//! 2. Once tasks have ended, only ends count; the last `MEMORY` of them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::backlog::{NEGLIGIBLE, bin_of};

/// Nanoseconds for which tasks have to have reported progress before their length is known by it: as much may be chance by then. A thread
/// that is held up once, by first touches of memory or a neighbour, loses 1 to 3 ms.
const TRUSTED_AFTER: u64 = 8_000_000;
/// How many ends count.
const MEMORY: u64 = 16;
/// An estimate counts as changed once it has changed by more than this part of it (one in so many) ...
const CHANGE: u64 = 32;
/// ... and by this while it comes from progress: it rises slowly then, and soon comes to its end.
const SMALL_CHANGE: u64 = 128;

/// Written under a pool's lock, and read by anyone: each number by itself is right.
#[derive(Default)]
pub(crate) struct Service {
    rank: AtomicU64,
    /// 0 while nothing is known.
    work: AtomicU64,
    ends: AtomicU64,
    /// For how long tasks have reported their progress, and how much of a task that was (the bits of a double).
    reported: AtomicU64,
    share: AtomicU64,
    /// What `work` was when it had last changed.
    noted: AtomicU64,
    /// And `rank`.
    noted_rank: AtomicU64,
}

/// What is known of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// Where a task of it ranks that has not begun.
    pub(crate) rank: u64,
    /// What it takes on the mean; 0 if that is unknown.
    pub(crate) work: u64,
    /// What an arriving task is expected to take: less than the mean, where a few take very long.
    pub(crate) own: u64,
}

impl Service {
    pub(crate) fn known(&self) -> Known {
        let (rank, work) = (self.rank.load(Relaxed), self.work.load(Relaxed));
        // The rank of a kind of which little is known is low, since it is worth a try.
        let own = if self.ends.load(Relaxed) < MEMORY { work } else { work.min(rank) };
        Known { rank, work, own }
    }

    /// A task has ended after so much thread time; tasks that have not begun have this rank now. Whether the estimate has changed.
    pub(crate) fn ended(&self, nanos: u64, rank: u64) -> bool {
        let ends = (self.ends.load(Relaxed) + 1).min(MEMORY);
        let old = self.work.load(Relaxed);
        if ends == MEMORY && nanos < NEGLIGIBLE && old < NEGLIGIBLE {
            return false; // nor is it written: callers read it for every task, and there may be a million a second
        }
        let work = if ends == 1 { nanos } else { (old * (ends - 1) + nanos) / ends };
        self.ends.store(ends, Relaxed);
        self.set(work, rank, CHANGE)
    }

    /// A task has run for so much longer, and reports that this was so much of it: 1 is all. Whether the estimate has changed.
    pub(crate) fn reported(&self, slice: u64, share: f64, rank: u64) -> bool {
        if self.ends.load(Relaxed) > 0 {
            return false;
        }
        let reported = self.reported.load(Relaxed) + slice;
        let share = f64::from_bits(self.share.load(Relaxed)) + share.max(0.0);
        self.reported.store(reported, Relaxed);
        self.share.store(share.to_bits(), Relaxed);
        // Of the sums, not of each report: a thread that was held up once would else count in all that its task reports later.
        let total = reported as f64 / share;
        reported >= TRUSTED_AFTER
            && total.is_finite()
            && self.set((total / (1.0 + (TRUSTED_AFTER as f64 / reported as f64).powi(2))) as u64, rank, SMALL_CHANGE)
    }

    fn set(&self, work: u64, rank: u64, change: u64) -> bool {
        let work = work.max(1);
        self.work.store(work, Relaxed);
        self.rank.store(rank, Relaxed);
        let noted = self.noted.load(Relaxed);
        // What waits is counted where it ranked when it was last looked at: a newcomer would seem to pass all of its own kind.
        let has_moved = bin_of(rank) != bin_of(self.noted_rank.load(Relaxed));
        let is_news = has_moved || work.abs_diff(noted) > noted / change;
        if is_news {
            self.noted.store(work, Relaxed);
            self.noted_rank.store(rank, Relaxed);
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn invariant_1_progress_tells_more_and_more() {
        let service = Service::default();
        let report = |ms: u64| service.reported(ms * MS, ms as f64 / 300.0, 300 * MS);
        assert!(!report(2));
        assert_eq!(service.known(), Known::default());
        let works = [6, 8, 16, 96].map(|ms| {
            assert!(report(ms));
            service.known().work / MS
        });
        assert_eq!(works, [150, 240, 282, 298]);
    }

    #[test]
    fn invariant_1_a_thread_that_was_held_up_once() {
        let service = Service::default();
        service.reported(4 * MS, 1.0 / 300.0, 0);
        for _ in 0..100 {
            service.reported(MS, 1.0 / 300.0, 0);
            assert!(service.known().work < 312 * MS, "{:?}", service.known());
        }
        assert!(service.known().work > 300 * MS);
        // Nor does it become a wrong number where a task says that it has made no progress, or less than before.
        let lies = Service::default();
        assert!(!lies.reported(80 * MS, 0.0, 0) && !lies.reported(MS, -1.0, 0));
        assert_eq!(lies.known(), Known::default());
    }

    #[test]
    fn invariant_2_ends_tell() {
        let service = Service::default();
        service.reported(8 * MS, 8.0 / 300.0, 0);
        assert!(service.ended(10 * MS, 7));
        assert_eq!(service.known(), Known { rank: 7, work: 10 * MS, own: 10 * MS });
        assert!(!service.reported(80 * MS, 0.3, 0) && !service.ended(10 * MS, 7));
        for _ in 0..100 {
            service.ended(20 * MS, 7);
        }
        assert!(service.known().work > 19 * MS);
        assert_eq!(service.known().own, 7);
    }
}
