//! What has happened in a pool so far: exact counts, and histograms of waits and runs.
//!
//! How tasks ended is counted by whoever reports it to their callers, since an abort may come between a task's end and its report; a
//! pool only adds the tallies up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::durations::{self, Durations, Percentiles};
use super::pace::PublishedPace;

/// How a task ended, as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It gave a value.
    Completed,
    /// Its kernel gave an error, or panicked.
    Failed,
    /// It was aborted, or its pool closed.
    Cancelled,
    /// Its time passed.
    TimedOut,
    /// It was refused for overload, at once or later.
    Rejected,
}

/// How many tasks ended, by [`Outcome`], which is the index.
pub type Ended = [u64; 5];

/// Whoever reports to callers how their tasks ended counts it, and lets the pool know.
pub trait Tally: Send + Sync {
    /// The counts so far.
    fn ended(&self) -> Ended;
}

/// The tallies of those that use a pool.
#[derive(Default)]
pub(super) struct Tallies {
    open: Vec<Arc<dyn Tally>>,
    /// What those have counted that are gone.
    past: Ended,
}

impl Tallies {
    pub(super) fn add(&mut self, tally: Arc<dyn Tally>) {
        self.open.push(tally);
    }

    /// This tally counts no more.
    pub(super) fn retire(&mut self, tally: &Arc<dyn Tally>) {
        if let Some(index) = self.open.iter().position(|other| Arc::ptr_eq(other, tally)) {
            let last = self.open.swap_remove(index).ended();
            self.past = sum(self.past, last);
        }
    }

    pub(super) fn ended(&self) -> Ended {
        self.open.iter().fold(self.past, |ended, tally| sum(ended, tally.ended()))
    }
}

fn sum(one: Ended, other: Ended) -> Ended {
    std::array::from_fn(|index| one[index] + other[index])
}

/// What a pool's threads publish for whoever asks: they write it under the pool's lock, and nobody needs that to read it.
#[derive(Default)]
pub(super) struct Gauges {
    running: AtomicUsize,
    /// External tasks among them.
    external: AtomicUsize,
    /// Bytes.
    memory: AtomicU64,
    /// Thread time used, in nanoseconds.
    busy: AtomicU64,
    pub(super) pace: PublishedPace,
    pub(super) wait: Durations,
    pub(super) run: Durations,
}

impl Gauges {
    pub(super) fn set(&self, running: usize, external: usize, memory: u64) {
        self.running.store(running, Ordering::Relaxed);
        self.external.store(external, Ordering::Relaxed);
        self.memory.store(memory, Ordering::Relaxed);
    }

    pub(super) fn add_busy(&self, elapsed: Duration) {
        durations::add(&self.busy, elapsed.as_nanos() as u64);
    }

    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// How many external tasks run.
    pub(super) fn external(&self) -> usize {
        self.external.load(Ordering::Relaxed)
    }

    pub(super) fn memory(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }

    pub(super) fn busy(&self) -> Duration {
        Duration::from_nanos(self.busy.load(Ordering::Relaxed))
    }
}

/// A pool at one moment.
#[derive(Clone, Debug)]
pub struct Stats {
    /// Threads of the pool.
    pub threads: usize,
    /// Tasks that have not begun.
    pub queued: usize,
    /// Tasks that have begun and not ended, paused ones included.
    pub running: usize,
    /// Tasks that gave a value.
    pub completed: u64,
    /// Tasks whose kernel gave an error or panicked.
    pub failed: u64,
    /// Tasks that were aborted or closed.
    pub cancelled: u64,
    /// Tasks whose time passed.
    pub timed_out: u64,
    /// Calls that were refused for overload, at once or later.
    pub rejected: u64,
    /// Working memory of the tasks that have begun, in bytes, as their kernels estimate it.
    pub memory: u64,
    /// Share of thread time spent in kernels since the pool began, 0..=1.
    pub utilization: f64,
    /// Since the pool began.
    pub uptime: Duration,
    /// From the call to the first instruction.
    pub wait: Percentiles,
    /// From the first instruction to the end.
    pub run: Percentiles,
}
