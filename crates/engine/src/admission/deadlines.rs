//! How much time is left to what is there: whoever waits for room need not wait longer than that.
//!
//! Invariants, each with a test of that number:
//! 1. What has gone does not count, however much time it had.
//! 2. What is said is at least the time that is left to any that is there, and at most half as much again as the longest was given.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use super::backlog::{BINS, bin_of};

/// Tasks by how much time they were given.
pub(super) struct Deadlines {
    bins: [Bin; BINS],
    without: AtomicU32,
}

#[derive(Default)]
struct Bin {
    count: AtomicU32,
    /// When the last of them has to be done.
    latest: AtomicU64,
}

/// A task that is there, for as long as there is this.
pub(super) struct Present {
    deadlines: Arc<Deadlines>,
    /// None without a deadline.
    bin: Option<usize>,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { bins: std::array::from_fn(|_| Bin::default()), without: AtomicU32::new(0) }
    }
}

impl Deadlines {
    /// Counts a task in. By one caller at a time.
    pub(super) fn enter(self: &Arc<Self>, timeout: Option<u64>, now: u64) -> Present {
        let bin = timeout.map(|timeout| {
            let (index, deadline) = (bin_of(timeout), now.saturating_add(timeout));
            let Bin { count, latest } = &self.bins[index];
            if count.fetch_add(1, Relaxed) == 0 {
                latest.store(deadline, Relaxed);
            } else {
                latest.fetch_max(deadline, Relaxed);
            }
            index
        });
        if bin.is_none() {
            self.without.fetch_add(1, Relaxed);
        }
        Present { deadlines: Arc::clone(self), bin }
    }

    /// In how long all that is there will have been done or given up; `u64::MAX` if something may stay.
    pub(super) fn longest(&self, now: u64) -> u64 {
        if self.without.load(Relaxed) > 0 {
            return u64::MAX;
        }
        let there = self.bins.iter().filter(|bin| bin.count.load(Relaxed) > 0);
        there.map(|bin| bin.latest.load(Relaxed).saturating_sub(now)).max().unwrap_or(0)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let Deadlines { bins, without } = &*self.deadlines;
        self.bin.map_or(without, |bin| &bins[bin].count).fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn invariant_1_what_has_gone_does_not_count() {
        let deadlines = Arc::new(Deadlines::default());
        assert_eq!(deadlines.longest(0), 0);
        let short = deadlines.enter(Some(100 * MS), 0);
        let long = deadlines.enter(Some(u64::MAX), 0);
        let endless = deadlines.enter(None, 0);
        assert_eq!(deadlines.longest(0), u64::MAX);
        drop(endless);
        assert_eq!(deadlines.longest(MS), u64::MAX - MS);
        drop(long);
        assert_eq!(deadlines.longest(30 * MS), 70 * MS);
        drop(short);
        assert_eq!(deadlines.longest(30 * MS), 0);
    }

    #[test]
    fn invariant_2_bounds() {
        let deadlines = Arc::new(Deadlines::default());
        let mut there = vec![];
        for number in 0..1_000_u64 {
            let now = number * MS;
            there.push((now + (100 + number % 7) * MS, deadlines.enter(Some((100 + number % 7) * MS), now)));
            // The latest leaves early, now and then.
            if number % 3 == 0 {
                there.pop();
            }
            there.retain(|(deadline, _)| *deadline > now);
            let longest = there.iter().map(|(deadline, _)| deadline - now).max().unwrap_or(0);
            let reported = deadlines.longest(now);
            assert!(reported >= longest && reported <= 106 * MS * 3 / 2, "{reported} {longest}");
        }
    }
}
