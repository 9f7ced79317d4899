//! The external tasks that run: work that something else does, while each takes a thread's place. But for [`Begin`], a pure data
//! structure.
//!
//! An external task waits like any other, in the order of the ready queue. When its turn comes it is *held*: it counts as a morsel that runs,
//! and whoever does its work is told to begin. A place is a number, not a thread that waits: a pool's threads take no morsel while as many
//! things run as there are threads, and sleep. It is given back when whoever does the work says that it is done, and by nothing else:
//! stopping a task that is held only marks it, so the place is taken for as long as the work goes on.
//!
//! A morsel takes a millisecond, and an external task as long as it likes. So that a task for threads waits for no more than the first of
//! those that are held to end, the others stand back: none takes the last place while such a task of its priority is ready, until those
//! have used `TURN` of thread time since the last that was held.
//!
//! Invariants, each with a test of that number:
//! 1. A task is held from `begin` to the first `end`, and gives its place back once.
//! 2. They stand back from the last place, and from no other; and not for ever.
//! 3. Time in which nobody waits does not count.

use std::time::{Duration, Instant};

use super::ready::SeatId;

/// How much thread time others use until an external task takes the last place though they are ready.
const TURN: Duration = Duration::from_millis(100);
/// How often those that are held are counted anew where waits are predicted.
const RECOUNT: Duration = Duration::from_millis(5);

/// Who does the work of external tasks.
pub trait Begin: Send + Sync {
    /// The turn of the task with this slot has come: its work may be done from now on, until [`Pool::end`](super::Pool::end) says that it is.
    /// Called on any thread, once a task at most, outside the engine's locks; must not block.
    fn begin(&self, slot: u32);
}

pub(super) struct External {
    /// The pool's threads.
    size: usize,
    held: Vec<SeatId>,
    /// Thread time that others have used while one waited, since the last that was held.
    passed: Duration,
    /// When those that are held are to be counted anew.
    recount: Option<Instant>,
}

impl External {
    pub(super) fn new(size: usize) -> Self {
        Self { size, held: vec![], passed: Duration::ZERO, recount: None }
    }

    /// A task begins.
    pub(super) fn begin(&mut self, seat: SeatId) {
        self.held.push(seat);
        self.passed = Duration::ZERO;
    }

    /// A task's work is done; whether it had been held.
    pub(super) fn end(&mut self, seat: SeatId) -> bool {
        let index = self.held.iter().position(|held| *held == seat);
        if let Some(index) = index {
            self.held.swap_remove(index);
        }
        index.is_some()
    }

    pub(super) fn is_held(&self, seat: SeatId) -> bool {
        self.held.contains(&seat)
    }

    /// Those that are held.
    pub(super) fn held(&self) -> &[SeatId] {
        &self.held
    }

    /// Whether those that wait leave the next place to tasks for threads.
    pub(super) fn stands_back(&self) -> bool {
        self.held.len() + 1 >= self.size && self.passed < TURN
    }

    /// A thread has run a morsel for so long; `waiting` says whether an external task was ready.
    pub(super) fn passed_by(&mut self, elapsed: Duration, waiting: bool) {
        self.passed = if waiting { self.passed.saturating_add(elapsed) } else { Duration::ZERO };
    }

    /// Whether those that are held are to be counted anew.
    pub(super) fn recounts(&mut self, now: Instant) -> bool {
        if self.held.is_empty() || self.recount.is_some_and(|next| now < next) {
            return false;
        }
        self.recount = now.checked_add(RECOUNT);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_1_a_place_is_given_back_once() {
        let mut external = External::new(2);
        external.begin(7);
        assert!(external.is_held(7));
        assert!(!external.end(8));
        assert!(external.end(7));
        assert!(!external.end(7));
        assert!(external.held().is_empty());
    }

    #[test]
    fn invariant_2_they_stand_back_from_the_last_place_for_a_while() {
        let mut external = External::new(3);
        assert!(!external.stands_back());
        external.begin(0);
        assert!(!external.stands_back());
        external.begin(1);
        assert!(external.stands_back());
        external.passed_by(TURN / 2, true);
        assert!(external.stands_back());
        external.passed_by(TURN / 2, true);
        assert!(!external.stands_back());
        external.begin(2);
        external.end(2);
        assert!(external.stands_back(), "one has had its turn");
        assert!(External::new(1).stands_back(), "the only place is the last");
    }

    #[test]
    fn invariant_3_time_in_which_nobody_waits_does_not_count() {
        let mut external = External::new(1);
        external.passed_by(TURN, true);
        assert!(!external.stands_back());
        external.passed_by(TURN, false);
        assert!(external.stands_back());
    }

    #[test]
    fn those_that_are_held_are_counted_anew_now_and_then() {
        let (mut external, now) = (External::new(1), Instant::now());
        assert!(!external.recounts(now));
        external.begin(0);
        assert!(external.recounts(now));
        assert!(!external.recounts(now + RECOUNT / 2));
        assert!(external.recounts(now + RECOUNT));
    }
}
