//! A task's stage, and the books of a pool: how many tasks are at which. Every change goes through one function.
//!
//! ```text
//! Queued ──give──> Running(1) <──give/take back──> Running(n)
//!   │                │    ^
//!   │            take back│give
//!   │                v    │
//!   └──expire──┐   Paused ┘
//!              v     │
//!            Ended <─┘ end
//! ```
//!
//! Invariants:
//! 1. The books are the sums over the stages of the tasks that were stepped.
//! 2. Between two calls of `take_unpublished` the books remember how many tasks have left the queue, and by how much the demand has changed.
//! 3. A task ends from `Paused`, when no morsel of it runs, or from `Queued`.

/// Where a task is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has not begun.
    #[default]
    Queued,
    /// So many morsels of it run.
    Running(u32),
    /// It has begun, and no morsel of it runs.
    Paused,
    Ended,
}

/// What happens to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A morsel of it is given to a thread.
    Give,
    /// A morsel has run.
    TakeBack,
    /// It ends, having begun.
    End,
    /// It ends without having begun.
    Expire,
}

/// How many tasks, and morsels, there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Books {
    /// Morsels that run.
    pub(super) morsels: usize,
    /// Tasks that have begun and of which no morsel runs.
    pub(super) paused: usize,
    /// Tasks that have begun and not ended.
    pub(super) running: usize,
    /// Tasks that have left the queue since the books were last published.
    left_queue: usize,
    /// The demand as it was last published.
    published_demand: usize,
}

/// What has changed in the books since they were last published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unpublished {
    /// Tasks that have left the queue.
    pub(super) left_queue: usize,
    /// By how much the demand has changed.
    pub(super) demand: isize,
}

impl Books {
    /// Takes a step, and writes it down.
    pub(super) fn step(&mut self, stage: &mut Stage, step: Step) {
        let (next, change) = transition(*stage, step);
        *stage = next;
        let add = |count: usize, change: isize| {
            count.checked_add_signed(change).unwrap_or_else(|| unreachable!("of what was counted"))
        };
        self.morsels = add(self.morsels, change.morsels);
        self.paused = add(self.paused, change.paused);
        self.running = add(self.running, change.running);
        self.left_queue += change.left_queue;
    }

    /// The demand of those that have begun: a thread for each morsel that runs, and for each task that is paused.
    pub(super) fn demand(&self) -> usize {
        self.morsels + self.paused
    }

    /// What has changed since this was last called.
    pub(super) fn take_unpublished(&mut self) -> Unpublished {
        let demand = self.demand();
        let before = std::mem::replace(&mut self.published_demand, demand);
        Unpublished { left_queue: std::mem::take(&mut self.left_queue), demand: demand as isize - before as isize }
    }
}

/// What a step changes in the books.
#[derive(Default)]
struct Change {
    morsels: isize,
    paused: isize,
    running: isize,
    left_queue: usize,
}

fn transition(stage: Stage, step: Step) -> (Stage, Change) {
    let none = Change::default();
    match (stage, step) {
        (Stage::Queued, Step::Give) => (Stage::Running(1), Change { morsels: 1, running: 1, left_queue: 1, ..none }),
        (Stage::Paused, Step::Give) => (Stage::Running(1), Change { morsels: 1, paused: -1, ..none }),
        (Stage::Running(n), Step::Give) => (Stage::Running(n + 1), Change { morsels: 1, ..none }),
        (Stage::Running(1), Step::TakeBack) => (Stage::Paused, Change { morsels: -1, paused: 1, ..none }),
        (Stage::Running(n), Step::TakeBack) => (Stage::Running(n - 1), Change { morsels: -1, ..none }),
        (Stage::Paused, Step::End) => (Stage::Ended, Change { paused: -1, running: -1, ..none }),
        (Stage::Queued, Step::Expire) => (Stage::Ended, Change { left_queue: 1, ..none }),
        _ => unreachable!("{step:?} of a task that is {stage:?}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEPS: [Step; 4] = [Step::Give, Step::TakeBack, Step::End, Step::Expire];

    fn is_possible(stage: Stage, step: Step) -> bool {
        match step {
            Step::Give => stage != Stage::Ended,
            Step::TakeBack => matches!(stage, Stage::Running(_)),
            Step::End => stage == Stage::Paused,
            Step::Expire => stage == Stage::Queued,
        }
    }

    proptest! {
        // All invariants.
        #[test]
        fn the_books_are_the_sums_over_the_stages(steps in prop::collection::vec((0_usize..8, 0_usize..4), 0..400)) {
            let (mut books, mut stages) = (Books::default(), [Stage::default(); 8]);
            let (mut left, mut demand) = (0, 0);
            for (task, step) in steps {
                if is_possible(stages[task], STEPS[step]) {
                    books.step(&mut stages[task], STEPS[step]);
                    let unpublished = books.take_unpublished();
                    left += unpublished.left_queue;
                    demand += unpublished.demand;
                }
                let count = |is: fn(&Stage) -> bool| stages.iter().filter(|stage| is(stage)).count();
                let morsels: u32 = stages.iter().map(|stage| if let Stage::Running(n) = stage { *n } else { 0 }).sum();
                prop_assert_eq!(books.morsels, morsels as usize);
                prop_assert_eq!(books.paused, count(|stage| *stage == Stage::Paused));
                prop_assert_eq!(books.running, count(|stage| !matches!(stage, Stage::Queued | Stage::Ended)));
                prop_assert_eq!(left, count(|stage| *stage != Stage::Queued));
                prop_assert_eq!(demand, (books.morsels + books.paused) as isize);
            }
        }
    }
}
