//! How much working memory the tasks of a pool take at once, as their kernels estimate it. A pure data structure.
//!
//! A task's memory is taken whole when it begins, and given back when it ends: so a task that has begun can always end. A task that does
//! not fit waits; others that fit may begin meanwhile, but not for ever.
//!
//! Invariants, each with a test of that number:
//! 1. Tasks that have begun take at most `max` together, or there is only one of them that takes any.
//! 2. If nothing is taken, the first that waits may begin. So there is no deadlock.
//! 3. While a task waits, at most `PASSES` others of its priority, or of lower ones, begin that take memory.

use std::collections::BTreeMap;

use super::ready::{Priority, SeatId};

/// How many may pass the first that waits.
const PASSES: u32 = 32;
/// How many of those that wait are looked at when memory was given back.
const LOOK: usize = 64;

/// Where a task stands among those that wait: by priority, then by when it came to wait.
pub(super) type Place = (u8, u64);

pub(super) struct Budget {
    max: u64,
    used: u64,
    waiting: BTreeMap<Place, (SeatId, u64)>,
    /// Places given so far.
    places: u64,
    /// How many have passed the first.
    passed: u32,
}

impl Budget {
    pub(super) fn new(max: u64) -> Self {
        Self { max, used: 0, waiting: BTreeMap::new(), places: 0, passed: 0 }
    }

    /// Bytes that are taken.
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    /// Whether a task may begin that needs so many bytes; `place` if it has waited.
    pub(super) fn admits(&self, priority: Priority, place: Option<Place>, bytes: u64) -> bool {
        let is_passed_over = self.passed >= PASSES && self.passes(priority, place);
        bytes == 0 || (!is_passed_over && self.fits(self.used, bytes))
    }

    fn fits(&self, used: u64, bytes: u64) -> bool {
        used == 0 || used.saturating_add(bytes) <= self.max
    }

    /// Whether this task, if it begins, passes the first of those that wait.
    fn passes(&self, priority: Priority, place: Option<Place>) -> bool {
        let place = place.unwrap_or((priority as u8, u64::MAX));
        self.waiting.first_key_value().is_some_and(|(first, _)| *first < place)
    }

    /// A task begins that was admitted.
    pub(super) fn take(&mut self, priority: Priority, place: Option<Place>, bytes: u64) {
        if bytes == 0 {
            return;
        }
        if self.passes(priority, place) {
            self.passed += 1;
        }
        self.used = self.used.saturating_add(bytes);
        if let Some(place) = place {
            self.forget(place);
        }
    }

    /// Has a task wait that was not admitted; its place among those that do.
    pub(super) fn wait(&mut self, priority: Priority, place: Option<Place>, seat: SeatId, bytes: u64) -> Place {
        let place = place.unwrap_or_else(|| {
            self.places += 1;
            (priority as u8, self.places)
        });
        self.waiting.insert(place, (seat, bytes));
        place
    }

    /// A task waits no more.
    pub(super) fn forget(&mut self, place: Place) {
        if self.waiting.first_key_value().is_some_and(|(first, _)| *first == place) {
            self.passed = 0;
        }
        self.waiting.remove(&place);
    }

    /// A task has ended that took so many bytes.
    pub(super) fn give_back(&mut self, bytes: u64) {
        self.used -= bytes.min(self.used);
    }

    /// Those that wait and may begin now, in order.
    pub(super) fn ready(&self) -> impl Iterator<Item = SeatId> {
        let mut used = self.used;
        let mut is_first = true;
        self.waiting.values().take(LOOK).filter_map(move |(seat, bytes)| {
            let is_passed_over = !std::mem::take(&mut is_first) && self.passed >= PASSES;
            let fits = !is_passed_over && self.fits(used, *bytes);
            used = if fits { used.saturating_add(*bytes) } else { used };
            fits.then_some(*seat)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRIORITY: Priority = Priority::Normal;

    /// A task as the scheduler has it.
    #[derive(Clone, Copy, Debug)]
    struct Task {
        bytes: u64,
        place: Option<Place>,
        begun: bool,
        ended: bool,
    }

    /// Begins a task, or has it wait, as the scheduler does.
    fn claim(budget: &mut Budget, tasks: &mut [Task], seat: usize) -> bool {
        let task = &mut tasks[seat];
        if !budget.admits(PRIORITY, task.place, task.bytes) {
            task.place = Some(budget.wait(PRIORITY, task.place, seat, task.bytes));
            return false;
        }
        budget.take(PRIORITY, task.place, task.bytes);
        task.begun = true;
        true
    }

    proptest! {
        // Invariants 1 and 2: every task begins and ends, whatever the sizes and the order of the ends.
        #[test]
        fn everything_ends_within_the_budget(sizes in prop::collection::vec(0_u64..150, 1..80), picks in any::<u64>()) {
            let mut budget = Budget::new(100);
            let mut tasks: Vec<_> =
                sizes.iter().map(|bytes| Task { bytes: *bytes, place: None, begun: false, ended: false }).collect();
            for seat in 0..tasks.len() {
                claim(&mut budget, &mut tasks, seat);
            }
            let mut picks = picks;
            while tasks.iter().any(|task| !task.ended) {
                let running: Vec<_> = (0..tasks.len()).filter(|seat| tasks[*seat].begun && !tasks[*seat].ended).collect();
                let taking: Vec<_> = running.iter().filter(|seat| tasks[**seat].bytes > 0).collect();
                let used: u64 = running.iter().map(|seat| tasks[*seat].bytes).sum();
                prop_assert_eq!(budget.used(), used);
                prop_assert!(used <= 100 || taking.len() == 1);
                prop_assert!(!running.is_empty(), "nothing runs, and something waits");
                picks = picks.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let seat = running[(picks >> 33) as usize % running.len()];
                tasks[seat].ended = true;
                budget.give_back(tasks[seat].bytes);
                for seat in budget.ready().collect::<Vec<_>>() {
                    claim(&mut budget, &mut tasks, seat);
                }
            }
        }
    }

    // Invariant 3.
    #[test]
    fn a_large_task_is_not_passed_for_ever() {
        let mut budget = Budget::new(100);
        budget.take(PRIORITY, None, 60);
        assert!(!budget.admits(PRIORITY, None, 50));
        let large = budget.wait(PRIORITY, None, 7, 50);
        let mut passed = 0;
        while budget.admits(PRIORITY, None, 10) {
            budget.take(PRIORITY, None, 10);
            budget.give_back(10);
            passed += 1;
        }
        assert_eq!(passed, PASSES);
        assert!(budget.admits(PRIORITY, None, 0), "what takes no memory passes");
        assert!(budget.admits(Priority::High, None, 10), "so does a higher priority");
        assert!(!budget.admits(Priority::Low, None, 10));
        budget.give_back(60);
        assert_eq!(budget.ready().collect::<Vec<_>>(), [7]);
        assert!(budget.admits(PRIORITY, Some(large), 50));
        budget.take(PRIORITY, Some(large), 50);
        assert!(budget.admits(PRIORITY, None, 10));
    }

    #[test]
    fn what_needs_more_than_there_is_runs_alone() {
        let mut budget = Budget::new(100);
        budget.take(PRIORITY, None, 1);
        assert!(!budget.admits(PRIORITY, None, 1000));
        let place = budget.wait(PRIORITY, None, 3, 1000);
        budget.give_back(1);
        assert_eq!(budget.ready().collect::<Vec<_>>(), [3]);
        budget.take(PRIORITY, Some(place), 1000);
        assert!(!budget.admits(PRIORITY, None, 1));
    }

    #[test]
    fn one_that_goes_makes_room_for_the_next() {
        let mut budget = Budget::new(100);
        budget.take(PRIORITY, None, 50);
        let first = budget.wait(PRIORITY, None, 1, 90);
        budget.wait(PRIORITY, None, 2, 40);
        budget.passed = PASSES;
        assert_eq!(budget.ready().count(), 0);
        budget.forget(first);
        assert_eq!(budget.ready().collect::<Vec<_>>(), [2]);
    }
}
