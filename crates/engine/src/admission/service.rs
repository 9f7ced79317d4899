//! How much thread time a kind of task takes, as a pool's threads have last published it for callers.
//!
//! Invariants, each with a test of that number:
//! 1. Nothing is known before a task has ended, or some have reported their progress for `TRUSTED_AFTER`; the shorter that was, the
//!    less it is believed, always in the task's favour.
//! 2. Once tasks have ended, only ends count; the last `MEMORY` of them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::backlog::{NEGLIGIBLE, bin_of};

/// Nanoseconds for which tasks have to have reported progress before their length is known by it: as much may be chance by then.
const TRUSTED_AFTER: u64 = 4_000_000;
/// How many ends count.
const MEMORY: u64 = 16;
/// An estimate counts as changed once it has changed by more than this part of it (one in so many).
const CHANGE: u64 = 32;

/// Written under a pool's lock, and read by anyone: each number by itself is right.
#[derive(Default)]
pub(crate) struct Service {
    rank: AtomicU64,
    /// 0 while nothing is known.
    work: AtomicU64,
    ends: AtomicU64,
    /// For how long tasks have reported their progress, and what they are to take by it.
    reported: AtomicU64,
    total: AtomicU64,
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
        self.set(work, rank)
    }

    /// A task has run for so much longer, and reports that it will take `total` in all. Whether the estimate has changed.
    pub(crate) fn reported(&self, slice: u64, total: u64, rank: u64) -> bool {
        if self.ends.load(Relaxed) > 0 {
            return false;
        }
        let before = self.reported.load(Relaxed);
        let reported = before + slice.max(1);
        let mean =
            (self.total.load(Relaxed) as f64 * before as f64 + total as f64 * slice.max(1) as f64) / reported as f64;
        self.reported.store(reported, Relaxed);
        self.total.store(mean as u64, Relaxed);
        reported >= TRUSTED_AFTER
            && self.set((mean / (1.0 + (TRUSTED_AFTER as f64 / reported as f64).powi(2))) as u64, rank)
    }

    fn set(&self, work: u64, rank: u64) -> bool {
        let work = work.max(1);
        self.work.store(work, Relaxed);
        self.rank.store(rank, Relaxed);
        let noted = self.noted.load(Relaxed);
        // What waits is counted where it ranked when it was last looked at: a newcomer would seem to pass all of its own kind.
        let has_moved = bin_of(rank) != bin_of(self.noted_rank.load(Relaxed));
        let is_news = has_moved || work.abs_diff(noted) > noted / CHANGE;
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
        assert!(!service.reported(MS, 300 * MS, 300 * MS));
        assert_eq!(service.known(), Known::default());
        let works = [3, 4, 8, 48].map(|ms| {
            assert!(service.reported(ms * MS, 300 * MS, 300 * MS));
            service.known().work / MS
        });
        assert_eq!(works, [150, 240, 282, 298]);
    }

    #[test]
    fn invariant_2_ends_tell() {
        let service = Service::default();
        service.reported(4 * MS, 300 * MS, 0);
        assert!(service.ended(10 * MS, 7));
        assert_eq!(service.known(), Known { rank: 7, work: 10 * MS, own: 10 * MS });
        assert!(!service.reported(80 * MS, 300 * MS, 0) && !service.ended(10 * MS, 7));
        for _ in 0..100 {
            service.ended(20 * MS, 7);
        }
        assert!(service.known().work > 19 * MS);
        assert_eq!(service.known().own, 7);
    }
}
