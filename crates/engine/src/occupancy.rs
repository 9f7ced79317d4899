//! How full a pool is: the tasks that have not begun, and the demand of those that have, in one atomic word, because a task
//! that begins leaves the one and joins the other at once.

use std::sync::atomic::{AtomicU64, Ordering};

/// The queued tasks in the low half, the demand in the high half.
#[derive(Debug, Default)]
pub(super) struct Occupancy(AtomicU64);

const DEMAND: u64 = 1 << 32;

impl Occupancy {
    /// Tasks that have not begun.
    pub(super) fn queued(&self) -> usize {
        queued(self.0.load(Ordering::SeqCst))
    }

    /// What threads are wanted for: queued tasks, and the demand of those that have begun.
    pub(super) fn wanted_threads(&self) -> usize {
        wanted_threads(self.0.load(Ordering::SeqCst))
    }

    /// Up to `count` more queued tasks, as many as the load is below `limit`; how many.
    pub(super) fn join(&self, count: usize, limit: usize) -> usize {
        let joining = |word| count.min(limit.saturating_sub(wanted_threads(word)));
        let join = |word| Some(word + joining(word) as u64);
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, join).map_or(0, joining)
    }

    /// A queued task is gone; how many there were before.
    pub(super) fn leave(&self) -> usize {
        queued(self.0.fetch_sub(1, Ordering::SeqCst))
    }

    /// So many queued tasks have begun, or ended, and the demand has changed; how many were queued before.
    pub(super) fn change(&self, left: usize, demand: isize) -> usize {
        if left == 0 && demand == 0 {
            return 0;
        }
        // Modulo 2^64, so that negative changes work too and leave the low half alone.
        let change = (demand as u64).wrapping_mul(DEMAND).wrapping_sub(left as u64);
        queued(self.0.fetch_add(change, Ordering::SeqCst))
    }
}

fn queued(word: u64) -> usize {
    (word % DEMAND) as usize
}

fn wanted_threads(word: u64) -> usize {
    queued(word) + (word / DEMAND) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_begins_goes_from_queue_to_demand() {
        let occupancy = Occupancy::default();
        assert_eq!([(1, 2), (3, 2), (1, 2)].map(|(count, limit)| occupancy.join(count, limit)), [1, 1, 0]);
        assert_eq!(occupancy.change(1, 1), 2);
        assert_eq!((occupancy.queued(), occupancy.wanted_threads()), (1, 2));
        occupancy.change(0, 3);
        assert_eq!((occupancy.queued(), occupancy.wanted_threads()), (1, 5));
        occupancy.change(0, -4);
        assert_eq!(occupancy.leave(), 1);
        assert_eq!((occupancy.queued(), occupancy.wanted_threads()), (0, 0));
    }
}
