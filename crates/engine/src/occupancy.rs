//! How full a pool is: the tasks that have not begun, and the demand of those that have, in one atomic word, because a task that begins
//! leaves the one and joins the other at once.
//!
//! Callers count tasks in, and out again if they are withdrawn; the pool's threads [publish](Occupancy::publish) what their [`Books`] say
//! has happened since.
//!
//! Invariants:
//! 1. `queued` is the number of tasks that have joined, and have neither left nor, by the books that were published, begun or expired.
//! 2. `wanted_threads` is `queued` and the demand by the books that were published last.
//! 3. That the queue has drained is reported by exactly the change with which `queued` fell below the number of threads.
//! 4. `join` lets nothing in that would have more threads wanted than `maxQueue` and the number of threads.

use std::sync::atomic::{AtomicU64, Ordering};

use super::stage::{Books, Unpublished};

#[derive(Debug)]
pub(super) struct Occupancy {
    /// The queued tasks in the low half, the demand in the high half.
    word: AtomicU64,
    /// The pool's threads.
    size: usize,
    /// How many threads may be wanted.
    limit: usize,
}

const DEMAND: u64 = 1 << 32;

impl Occupancy {
    pub(super) fn new(size: usize, max_queue: usize) -> Self {
        Self { word: AtomicU64::new(0), size, limit: max_queue.saturating_add(size) }
    }

    fn word(&self) -> u64 {
        self.word.load(Ordering::SeqCst)
    }

    /// Tasks that have not begun.
    pub(super) fn queued(&self) -> usize {
        queued(self.word())
    }

    /// What threads are wanted for: queued tasks, and the demand of those that have begun.
    pub(super) fn wanted_threads(&self) -> usize {
        wanted_threads(self.word())
    }

    /// Whether as many tasks are queued as there are threads, or more.
    pub(super) fn needs_drain(&self) -> bool {
        self.queued() >= self.size
    }

    /// Up to `count` more queued tasks, as many as there is room for; how many.
    pub(super) fn join(&self, count: usize) -> usize {
        let joining = |word| count.min(self.limit.saturating_sub(wanted_threads(word)));
        let join = |word| Some(word + joining(word) as u64);
        self.word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, join).map_or(0, joining)
    }

    /// One more queued task, however many there are.
    pub(super) fn join_anyway(&self) {
        self.word.fetch_add(1, Ordering::SeqCst);
    }

    /// A task that had not begun is gone, and the books do not have it; whether the queue has drained.
    pub(super) fn leave(&self) -> bool {
        self.drains(queued(self.word.fetch_sub(1, Ordering::SeqCst)), 1)
    }

    /// What has changed in the books since they were last published; whether the queue has drained.
    pub(super) fn publish(&self, books: &mut Books) -> bool {
        let Unpublished { left_queue, demand } = books.take_unpublished();
        if left_queue == 0 && demand == 0 {
            return false;
        }
        // Modulo 2^64, so that negative changes work too and leave the low half alone.
        let change = (demand as u64).wrapping_mul(DEMAND).wrapping_sub(left_queue as u64);
        self.drains(queued(self.word.fetch_add(change, Ordering::SeqCst)), left_queue)
    }

    fn drains(&self, queued_before: usize, left: usize) -> bool {
        queued_before >= self.size && queued_before - left.min(queued_before) < self.size
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
    use proptest::prelude::*;

    use super::*;
    use crate::stage::{Stage, Step};

    #[test]
    fn a_task_that_begins_goes_from_queue_to_demand() {
        let (occupancy, mut books, mut stage) = (Occupancy::new(1, 1), Books::default(), Stage::default());
        assert_eq!([1, 3, 1].map(|count| occupancy.join(count)), [1, 1, 0]);
        books.step(&mut stage, Step::Give);
        assert!(!occupancy.publish(&mut books), "one is queued yet");
        assert_eq!((occupancy.queued(), occupancy.wanted_threads()), (1, 2));
        books.step(&mut stage, Step::Give);
        assert!(!occupancy.publish(&mut books), "nothing has left the queue");
        assert_eq!((occupancy.queued(), occupancy.wanted_threads()), (1, 3));
        assert!(occupancy.leave());
        for step in [Step::TakeBack, Step::TakeBack, Step::End] {
            books.step(&mut stage, step);
        }
        assert!(!occupancy.publish(&mut books), "it had drained before");
        assert_eq!((occupancy.queued(), occupancy.wanted_threads()), (0, 0));
    }

    /// A task as a caller and the books see it.
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Joined(Stage),
        Withdrawn,
    }

    proptest! {
        // Every invariant, whatever is done in whatever order, and however rarely it is published.
        #[test]
        fn it_agrees_with_a_model(size in 1_usize..4, max_queue in 0_usize..4, ops in prop::collection::vec((0_u8..8, any::<prop::sample::Index>()), 0..300)) {
            let (occupancy, mut books) = (Occupancy::new(size, max_queue), Books::default());
            let mut tasks: Vec<Seen> = vec![];
            // As the books have it, and as it was published.
            let (mut unpublished, mut published_demand) = (0, 0);
            for (op, which) in ops {
                let is_queued = |task: &Seen| *task == Seen::Joined(Stage::Queued);
                let queued = |tasks: &[Seen], unpublished| tasks.iter().filter(|task| is_queued(task)).count() + unpublished;
                let before = queued(&tasks, unpublished);
                let mut drained = None;
                let task = if tasks.is_empty() { None } else { Some(which.index(tasks.len())) };
                match (op, task) {
                    (0, _) => {
                        let count = which.index(4);
                        let room = (max_queue + size).saturating_sub(before + published_demand);
                        let joined = occupancy.join(count);
                        prop_assert_eq!(joined, count.min(room));
                        tasks.extend(vec![Seen::Joined(Stage::Queued); joined]);
                    }
                    (1, _) => {
                        occupancy.join_anyway();
                        tasks.push(Seen::Joined(Stage::Queued));
                    }
                    (2, Some(task)) if is_queued(&tasks[task]) => {
                        drained = Some(occupancy.leave());
                        tasks[task] = Seen::Withdrawn;
                    }
                    (3, _) => {
                        drained = Some(occupancy.publish(&mut books));
                        (unpublished, published_demand) = (0, books.demand());
                    }
                    (_, Some(task)) => {
                        let Seen::Joined(stage) = &mut tasks[task] else { continue };
                        let step = match (*stage, op % 2) {
                            (Stage::Queued, 0) | (Stage::Paused, 0) => Step::Give,
                            (Stage::Queued, _) => Step::Expire,
                            (Stage::Running(_), 0) => Step::Give,
                            (Stage::Running(_), _) => Step::TakeBack,
                            (Stage::Paused, _) => Step::End,
                            (Stage::Ended, _) => continue,
                        };
                        unpublished += usize::from(*stage == Stage::Queued);
                        books.step(stage, step);
                    }
                    _ => {}
                }
                let after = queued(&tasks, unpublished);
                prop_assert_eq!(occupancy.queued(), after);
                prop_assert_eq!(occupancy.wanted_threads(), after + published_demand);
                prop_assert_eq!(occupancy.needs_drain(), after >= size);
                prop_assert_eq!(drained.unwrap_or(false), before >= size && after < size);
            }
        }
    }
}
