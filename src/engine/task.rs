//! A job with its place in a pool.
//!
//! Who may do what, and when:
//!
//! | field | written by | under |
//! |---|---|---|
//! | `slot`, `sink` | whoever makes it, before anybody else knows of it | - |
//! | `control` | anyone, at any time | atomics |
//! | `stage` | `Queued -> Begun` by the worker that first claims; `Queued -> Gone` by whoever stops it before | one atomic exchange |
//! | `run` | workers | its mutex, taken after the pool's |

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::admission::Kind;
use super::control::{Control, Stop};
use super::fence::fence;
use super::job::Job;
use super::kinds;
use super::ready::{Class, SeatId};
use crate::kernel::{Result, Work};
use crate::value::Value;

/// How a task is to be run.
#[derive(Clone, Debug)]
pub struct TaskConfig {
    /// Which kernel it calls: any number that tells kernels apart.
    pub kernel: usize,
    /// Its priority class.
    pub class: Class,
    /// Its tenant, for fair sharing within the class.
    pub key: Option<Arc<str>>,
    /// The tenant's share, > 0.
    pub weight: f64,
    /// Most threads it may use at once, > 0.
    pub max_threads: usize,
    /// Its time, queued and running.
    pub timeout: Option<Duration>,
}

impl Default for TaskConfig {
    fn default() -> Self {
        Self { kernel: 0, class: Class::Normal, key: None, weight: 1.0, max_threads: usize::MAX, timeout: None }
    }
}

/// Where the ends of tasks go.
pub trait Sink: Send + Sync {
    /// Takes a completion. Called on any thread, once a task, outside the engine's locks; must not block.
    fn complete(&self, completion: Completion);
}

/// The end of a task. Its work has been dropped.
pub struct Completion {
    /// The task's.
    pub slot: u32,
    /// What the task gave.
    pub outcome: Result<Value>,
    /// From the call to the first instruction, or to the end if it never began.
    pub wait: Duration,
    /// From the first instruction to the end.
    pub run: Duration,
}

impl std::fmt::Debug for Completion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Completion").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

/// A task in a pool.
pub struct Task {
    /// The caller's number for it.
    pub slot: u32,
    /// Where its end goes.
    sink: Option<Arc<dyn Sink>>,
    pub(super) control: Control,
    pub(super) config: TaskConfig,
    pub(super) submitted: Instant,
    pub(super) magnitude: u32,
    stage: AtomicU8,
    run: Mutex<Run>,
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("slot", &self.slot).finish_non_exhaustive()
    }
}

/// What the scheduler knows of a task.
pub(super) struct Run {
    /// None once it has ended.
    pub(super) job: Option<Job>,
    /// None before a worker has taken it over, and once it has ended.
    pub(super) seat: Option<SeatId>,
    pub(super) began: Option<Instant>,
    /// Since when no morsel of it runs.
    pub(super) idle_since: Instant,
    /// Whether it has begun and no morsel of it runs.
    pub(super) paused: bool,
    /// Time of threads that it has used.
    pub(super) thread_time: Duration,
    /// Whether it is counted where waits are predicted.
    pub(super) predicted_with: bool,
    /// Time without a running morsel, from the call on.
    pub(super) waited: Duration,
}

const QUEUED: u8 = 0;
const BEGUN: u8 = 1;
const GONE: u8 = 2;

impl Task {
    /// A task that nobody knows yet. Asks the work for its size.
    pub(super) fn new(work: Work, config: TaskConfig, submitted: Instant) -> Result<Self> {
        let job = Job::new(work)?;
        Ok(Self {
            slot: 0,
            sink: None,
            control: Control::new(submitted, config.timeout),
            submitted,
            magnitude: magnitude(&job),
            stage: AtomicU8::new(QUEUED),
            run: Mutex::new(Run {
                job: Some(job),
                seat: None,
                began: None,
                idle_since: submitted,
                paused: false,
                thread_time: Duration::ZERO,
                predicted_with: false,
                waited: Duration::ZERO,
            }),
            config,
        })
    }

    /// The share that is done, 0..=1.
    pub fn progress(&self) -> f64 {
        self.control.progress()
    }

    /// Why it was stopped by its caller or its pool, if it was.
    pub fn stopped(&self) -> Option<Stop> {
        self.control.stopped()
    }

    /// Whether this call made the task begin.
    pub(super) fn begin(&self) -> bool {
        self.leave_queue(BEGUN)
    }

    /// Whether this call took the task out of the queue for good.
    pub(super) fn withdraw(&self) -> bool {
        self.leave_queue(GONE)
    }

    pub(super) fn is_gone(&self) -> bool {
        self.stage.load(Ordering::Acquire) == GONE
    }

    fn leave_queue(&self, to: u8) -> bool {
        self.stage.compare_exchange(QUEUED, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Where its end is to go, and by what name; before anyone knows of it.
    pub(super) fn address(&mut self, sink: Arc<dyn Sink>, slot: u32) {
        self.sink = Some(sink);
        self.slot = slot;
    }

    /// Sends its end. Comes once: from whoever has taken its job.
    pub(super) fn complete(&self, outcome: Result<Value>, wait: Duration, run: Duration) {
        if let Some(sink) = &self.sink {
            // A sink that panics costs its own completion, not what the thread has to do next.
            let _ = fence(|| {
                sink.complete(Completion { slot: self.slot, outcome, wait, run });
                Ok(())
            });
        }
    }

    /// As `run`, of a task that nobody knows yet.
    pub(super) fn run_mut(&mut self) -> &mut Run {
        self.run.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn run(&self) -> MutexGuard<'_, Run> {
        // No kernel code runs under this lock, so a poisoned one would be our own bug; the data are still whole.
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which tasks it is expected to take as long as.
    pub(super) fn size_class(&self) -> kinds::Kind {
        kinds::Kind { kernel: self.config.kernel, size: self.magnitude }
    }

    pub(super) fn kind(&self) -> Kind {
        let TaskConfig { class, key, kernel, .. } = &self.config;
        Kind { class: *class, key: key.clone(), kernel: *kernel, magnitude: self.magnitude }
    }
}

/// A task's size, roughly: the binary logarithm of its units.
fn magnitude(job: &Job) -> u32 {
    u64::BITS - job.units().leading_zeros()
}
