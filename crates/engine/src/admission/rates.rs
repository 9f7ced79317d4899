//! How much work has come lately, by priority and rank: what will come while a task waits is predicted from it. Two windows of time that take turns.

use super::backlog::BINS;
use crate::ready::Priority;

/// Arrivals of the last one to two of these count, in nanoseconds.
const WINDOW: u64 = 500_000_000;

pub(super) struct Rates {
    /// When the current window began.
    began: u64,
    current: [[u64; BINS]; 3],
    previous: [[u64; BINS]; 3],
}

impl Default for Rates {
    fn default() -> Self {
        Self { began: 0, current: [[0; BINS]; 3], previous: [[0; BINS]; 3] }
    }
}

impl Rates {
    pub(super) fn add(&mut self, priority: Priority, bin: usize, work: u64, now: u64) {
        self.rotate(now);
        let came = &mut self.current[priority as usize][bin];
        *came = came.saturating_add(work);
    }

    /// How much work of higher priorities has come, and of this one with a rank below a bin; and within which time.
    pub(super) fn passing(&mut self, priority: Priority, bin: usize, now: u64) -> (u64, u64) {
        self.rotate(now);
        let of = |came: &[[u64; BINS]; 3]| {
            let above: u64 = came[..priority as usize].iter().flatten().sum();
            above + came[priority as usize][..bin].iter().sum::<u64>()
        };
        (of(&self.current) + of(&self.previous), WINDOW + now.saturating_sub(self.began))
    }

    fn rotate(&mut self, now: u64) {
        let age = now.saturating_sub(self.began);
        if age < WINDOW {
            return;
        }
        self.previous = if age < 2 * WINDOW { self.current } else { [[0; BINS]; 3] };
        self.current = [[0; BINS]; 3];
        self.began = now - age % WINDOW;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fade_with_time() {
        let mut rates = Rates::default();
        rates.add(Priority::Normal, 3, 100, 10);
        assert_eq!(rates.passing(Priority::Normal, 3, 20).0, 0, "what ranks as high does not pass");
        assert_eq!(rates.passing(Priority::Normal, 4, 20).0, 100);
        assert_eq!(rates.passing(Priority::High, BINS, 20).0, 0, "nor does a lower priority");
        assert_eq!(rates.passing(Priority::Low, 0, WINDOW + 20), (100, WINDOW + 20));
        assert_eq!(rates.passing(Priority::Low, 0, 3 * WINDOW).0, 0);
    }
}
