//! What is under a pool's lock: its tasks, whose turn it is, and what they take. It calls no kernel code and nobody else's: what has
//! to be done once the lock is released (dropping work, sending completions) it only writes down.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::admission::Admission;
use super::budget::{Budget, Place};
use super::control::Stop;
use super::fence::fenced_drop;
use super::job::{Finished, Job, Morsel, Ran, Timed};
use super::ready::{ReadyQueue, SeatId};
use super::stage::{Books, Stage, Step};
use super::stats::Gauges;
use super::task::Task;
use crate::kernel::Result;

pub(super) struct Scheduler {
    /// The pool's threads.
    size: usize,
    /// When the pool began.
    origin: Instant,
    gauges: Arc<Gauges>,
    queue: ReadyQueue<Entry>,
    budget: Budget,
    pub(super) admission: Admission,
    books: Books,
    /// Ends to deliver once the lock is released.
    ended: Vec<End>,
}

/// A task that was taken over.
struct Entry {
    task: Arc<Task>,
    job: Job,
    stage: Stage,
    /// If it waits, or has waited, for memory.
    place: Option<Place>,
    /// Memory that it takes.
    memory: u64,
    began: Option<Instant>,
    /// Since when no morsel of it runs.
    idle_since: Instant,
    /// Time without a running morsel, from the call on.
    waited: Duration,
    /// Time of threads that it has used.
    thread_time: Duration,
    /// Whether it is counted where waits are predicted.
    predicted_with: bool,
}

/// A morsel to run, and whose it is.
pub(super) struct Claimed {
    pub(super) task: Arc<Task>,
    pub(super) morsel: Morsel,
    seat: SeatId,
}

/// The end of a task, to be delivered.
pub(super) struct End {
    task: Arc<Task>,
    finished: Finished,
    wait: Duration,
    run: Duration,
}

impl End {
    /// Whether there is work left to drop, which may be large.
    pub(super) fn has_remains(&self) -> bool {
        self.finished.has_remains()
    }

    /// Drops what is left of the work, and sends the completion. Not under the lock.
    pub(super) fn deliver(self) {
        let Self { task, finished, wait, run } = self;
        let mut outcome = finished.into_outcome();
        if let Some(why) = task.stopped() {
            // Nobody wants it any more, and it may be large: it is dropped here rather than by the event loop.
            let unwanted = std::mem::replace(&mut outcome, Err(why.error()));
            let _ = fenced_drop(unwanted);
        }
        task.complete(outcome, wait, run);
    }
}

impl Scheduler {
    pub(super) fn new(size: usize, max_memory: u64, origin: Instant, gauges: Arc<Gauges>) -> Self {
        Self {
            size,
            origin,
            gauges,
            queue: ReadyQueue::default(),
            budget: Budget::new(max_memory),
            admission: Admission::default(),
            books: Books::default(),
            ended: vec![],
        }
    }

    /// How many tasks are ready.
    pub(super) fn ready(&self) -> usize {
        self.queue.len()
    }

    /// Tasks that were taken over and have not begun.
    pub(super) fn queued(&self) -> usize {
        self.queue.seated() - self.books.running
    }

    pub(super) fn books(&mut self) -> &mut Books {
        &mut self.books
    }

    /// The ends that are to be delivered; `list` is for those to come.
    pub(super) fn take_ended(&mut self, list: Vec<End>) -> Vec<End> {
        std::mem::replace(&mut self.ended, list)
    }

    /// Whether there is work to drop before anything else.
    fn has_remains(&self) -> bool {
        self.ended.iter().any(End::has_remains)
    }

    /// Takes a task over.
    pub(super) fn submit(&mut self, task: Arc<Task>, mut job: Job, predicts: bool, now: Instant) {
        if task.is_withdrawn() {
            let error = task.stopped().unwrap_or(Stop::Aborted).error();
            if let Some(finished) = job.fail(error) {
                self.withdrawn(task, finished, predicts, now);
            }
            return;
        }
        let config = &task.config;
        let (class, key, weight, kind) = (config.class, config.key.clone(), config.weight, task.size_class());
        if predicts {
            self.admission.enter(task.kind(), self.since(now));
        }
        let entry = Entry {
            stage: Stage::Queued,
            place: None,
            memory: config.memory,
            began: None,
            idle_since: task.submitted,
            waited: Duration::ZERO,
            thread_time: Duration::ZERO,
            predicted_with: predicts,
            task: Arc::clone(&task),
            job,
        };
        let seat = self.queue.seat(entry, class, key.as_ref(), weight, kind);
        task.set_seat(Some(seat));
    }

    /// A task was stopped: ends it now, if no morsel of it runs.
    pub(super) fn stopped(&mut self, task: &Task, predicts: bool, now: Instant) {
        // None if it has ended, or was taken over after it had been withdrawn.
        let Some(seat) = task.seat() else { return };
        let entry = self.queue.get_mut(seat);
        let Err(error) = entry.task.control.check(now) else { return };
        let Some(finished) = entry.job.fail(error) else { return };
        if entry.stage == Stage::Queued && task.is_withdrawn() {
            let entry = self.leave(seat, false, now);
            self.withdrawn(entry.task, finished, predicts, now);
        } else {
            self.end(seat, finished, predicts, now);
        }
    }

    /// The next morsel; none while there is something to drop first.
    pub(super) fn claim(&mut self, predicts: bool, now: Instant) -> Option<Claimed> {
        while !self.has_remains()
            && let Some(seat) = self.queue.next()
        {
            let entry = self.queue.get_mut(seat);
            let (class, memory) = (entry.task.config.class, entry.memory);
            if entry.stage == Stage::Queued {
                if !self.budget.admits(class, entry.place, memory) {
                    entry.place = Some(self.budget.wait(class, entry.place, seat, memory));
                    self.queue.give_back(seat);
                    continue;
                }
                if !entry.task.begin() {
                    // Withdrawn: the message that ends it is on its way.
                    self.queue.give_back(seat);
                    continue;
                }
            }
            if let Err(error) = entry.task.control.check(now) {
                match entry.job.fail(error) {
                    Some(finished) => self.end(seat, finished, predicts, now),
                    None => self.queue.give_back(seat),
                }
                continue;
            }
            let max_threads = entry.task.config.max_threads.min(self.size);
            let Some(morsel) = entry.job.claim(max_threads) else {
                // Another thread has taken the last.
                self.queue.give_back(seat);
                continue;
            };
            let more = entry.job.can_claim(max_threads);
            let (was, place) = (entry.stage, entry.place.take());
            if !matches!(was, Stage::Running(_)) {
                entry.waited += now.saturating_duration_since(entry.idle_since);
            }
            self.books.step(&mut entry.stage, Step::Give);
            let task = Arc::clone(&entry.task);
            if was == Stage::Queued {
                entry.began = Some(now);
                self.gauges.wait.record(now.saturating_duration_since(task.submitted));
                self.budget.take(class, place, memory);
                if place.is_some() {
                    self.wake_waiting();
                }
            }
            if more {
                self.queue.ready(seat);
            }
            return Some(Claimed { task, morsel, seat });
        }
        None
    }

    /// Takes a morsel back that ran for `elapsed`.
    pub(super) fn settle(&mut self, seat: SeatId, ran: Result<Ran>, elapsed: Duration, predicts: bool, now: Instant) {
        self.gauges.add_busy(elapsed);
        let progress = self.queue.get(seat).task.progress();
        self.queue.charge(seat, elapsed.as_nanos() as u64, progress);
        let entry = self.queue.get_mut(seat);
        entry.thread_time += elapsed;
        let finished = entry.job.settle(ran, elapsed);
        self.books.step(&mut entry.stage, Step::TakeBack);
        if let Some(finished) = finished {
            self.end(seat, finished, predicts, now);
            return;
        }
        let mut threads = entry.task.config.max_threads.min(self.size);
        if entry.stage == Stage::Paused {
            threads = 1;
            entry.idle_since = now;
            if entry.predicted_with {
                self.admission.progressed(&entry.task.kind(), entry.thread_time, progress, self.size);
            }
        }
        if entry.job.can_claim(threads) && !self.queue.is_ready(seat) {
            self.queue.ready(seat);
        }
    }

    /// A task that was withdrawn from the queue is gone; who did that has given its place back.
    fn withdrawn(&mut self, task: Arc<Task>, finished: Finished, predicts: bool, now: Instant) {
        let wait = now.saturating_duration_since(task.submitted);
        if predicts && task.stopped() == Some(Stop::TimedOut) {
            self.admission.record(task.kind(), wait, self.since(now));
        }
        self.ended.push(End { task, finished, wait, run: Duration::ZERO });
    }

    /// Takes a task that has begun, or expired, out of the books.
    fn end(&mut self, seat: SeatId, finished: Finished, predicts: bool, now: Instant) {
        let entry = self.queue.get_mut(seat);
        let step = if entry.began.is_some() { Step::End } else { Step::Expire };
        self.books.step(&mut entry.stage, step);
        let entry = self.leave(seat, finished.is_done(), now);
        let sojourn = now.saturating_duration_since(entry.task.submitted);
        let began = entry.began.unwrap_or(now);
        let wait = began.saturating_duration_since(entry.task.submitted);
        let run = now.saturating_duration_since(began);
        if entry.began.is_some() {
            self.gauges.run.record(run);
        }
        // An aborted task says nothing of how long it would have waited; one that expired waited at least so long.
        if predicts && !finished.is_cancelled() {
            let waited = if entry.began.is_some() { entry.waited } else { sojourn };
            self.admission.record(entry.task.kind(), waited, self.since(now));
        }
        self.ended.push(End { task: entry.task, finished, wait, run });
    }

    /// Gives a task's seat up, and its memory; `done` if it has come to its own end.
    fn leave(&mut self, seat: SeatId, done: bool, now: Instant) -> Entry {
        let entry = if done { self.queue.finish(seat) } else { self.queue.leave(seat) };
        entry.task.set_seat(None);
        if entry.predicted_with {
            let thread_time = done.then_some(entry.thread_time);
            self.admission.leave(entry.task.kind(), thread_time, self.size, self.since(now));
        }
        if entry.began.is_some() {
            self.budget.give_back(entry.memory);
        } else if let Some(place) = entry.place {
            self.budget.forget(place);
        }
        if entry.memory > 0 {
            self.wake_waiting();
        }
        entry
    }

    /// Those that wait for memory, and may have it, are ready.
    fn wake_waiting(&mut self) {
        for seat in self.budget.ready() {
            if !self.queue.is_ready(seat) {
                self.queue.ready(seat);
            }
        }
    }

    /// Has the statistics know.
    pub(super) fn publish(&self) {
        self.gauges.set(self.books.running, self.budget.used());
    }

    fn since(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.origin)
    }
}

impl Claimed {
    /// Runs the morsel; gives whose it was, and when kernel code was left.
    pub(super) fn run(self) -> (SeatId, Timed) {
        (self.seat, self.morsel.run(&self.task.control))
    }
}
