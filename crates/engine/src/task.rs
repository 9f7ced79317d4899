//! A job with its place in a pool.
//!
//! Who may do what, and when:
//!
//! | field | written by | under |
//! |---|---|---|
//! | `slot`, `sink` | whoever makes it, before anybody else knows of it | - |
//! | `control` | anyone, at any time | atomics |
//! | `queued` | `Queued -> Begun` by the worker that first claims; `Queued -> Withdrawn` by whoever stops it before | one atomic exchange |
//! | `seat` | workers | the pool's lock |
//! | `luggage` | whoever makes it; taken out by the worker that takes the task over, or by who gives the place back | its mutex, taken after the pool's |

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::admission::Stake;
use super::control::{Control, Stop};
use super::job::Job;
use super::kinds::Kind;
use super::panics::catch_panic;
use super::ready::{Priority, SeatId};
use heavy_load_kernel::Result;
use heavy_load_kernel::value::Value;

/// How a task is to be run.
#[derive(Clone, Debug)]
pub struct TaskConfig {
    /// Which kernel it calls: any number by which kernels differ.
    pub kernel: usize,
    /// Whether it goes before the tasks of others, or after.
    pub priority: Priority,
    /// Its tenant, for fair sharing within the priority.
    pub key: Option<Arc<str>>,
    /// The tenant's share, > 0.
    pub weight: f64,
    /// Most threads it may use at once, > 0.
    pub max_threads: usize,
    /// Its time, queued and running.
    pub timeout: Option<Duration>,
    /// Its work, in units of about one steady cost; 0 if its kernel does not know: then what its first phase says of its length counts.
    pub cost: u64,
    /// Working memory that it takes once it has begun, in bytes.
    pub memory: u64,
    /// Which part it is of what its caller calls a task.
    pub part: Part,
}

/// Which part a task is of what its caller calls a task, and the statistics count as one. Parts follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Whether it is the first part: later ones are admitted however full the pool is.
    pub is_first: bool,
    /// Whether it is the last part.
    pub is_last: bool,
    /// How long those before have run.
    pub ran: Duration,
}

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self { is_first: true, is_last: true, ran: Duration::ZERO };
}

impl Default for TaskConfig {
    fn default() -> Self {
        Self {
            kernel: 0,
            priority: Priority::Normal,
            key: None,
            weight: 1.0,
            max_threads: usize::MAX,
            timeout: None,
            cost: 0,
            memory: 0,
            part: Part::WHOLE,
        }
    }
}

impl TaskConfig {
    /// The kind of a task with this job: those that are expected to take equally long.
    pub(super) fn kind(&self, job: &Job) -> Kind {
        let cost = if self.cost > 0 { self.cost } else { job.units() };
        // What it costs, roughly: a binary logarithm.
        Kind { kernel: self.kernel, size: u64::BITS - cost.leading_zeros() }
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

/// What came at once of saying that an external task is done.
#[derive(Debug, Default)]
pub struct Done {
    /// Its end; otherwise that comes to its sink.
    pub completion: Option<Completion>,
    /// The slot of a task with the same sink that has begun in its place; nobody else is told of that.
    pub next: Option<u32>,
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
    kind: Kind,
    queued: AtomicU8,
    /// `UNSEATED` before a worker has taken it over, and once it has ended.
    seat: AtomicUsize,
    /// What it brings to the pool's threads, until one takes it over: in here, so that it needs no memory of its own on the way.
    luggage: Mutex<Option<(Job, Stake)>>,
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("slot", &self.slot).finish_non_exhaustive()
    }
}

const QUEUED: u8 = 0;
const BEGUN: u8 = 1;
const WITHDRAWN: u8 = 2;
const UNSEATED: usize = usize::MAX;

impl Task {
    /// A task that nobody knows yet. Made in its Arc, since it is too large to be moved.
    pub(super) fn new(job: Job, stake: Stake, config: TaskConfig, submitted: Instant) -> Arc<Self> {
        Arc::new(Self {
            slot: 0,
            sink: None,
            control: Control::new(submitted, config.timeout),
            submitted,
            kind: config.kind(&job),
            queued: AtomicU8::new(QUEUED),
            seat: AtomicUsize::new(UNSEATED),
            luggage: Mutex::new(Some((job, stake))),
            config,
        })
    }

    /// Gives it another job; the one that it had.
    pub(super) fn repack(&mut self, job: Job) -> Option<Job> {
        let luggage = self.luggage.get_mut().unwrap_or_else(PoisonError::into_inner);
        luggage.as_mut().map(|(old, _)| std::mem::replace(old, job))
    }

    /// Takes what it has brought, once.
    pub(super) fn unpack(&self) -> Option<(Job, Stake)> {
        self.luggage.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The share that is done, 0..=1.
    pub fn progress(&self) -> f64 {
        self.control.progress()
    }

    /// How long it had waited when it began; none if it has not begun.
    pub fn waited(&self) -> Option<Duration> {
        self.control.waited()
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
        self.leave_queue(WITHDRAWN)
    }

    pub(super) fn is_withdrawn(&self) -> bool {
        self.queued.load(Ordering::Acquire) == WITHDRAWN
    }

    fn leave_queue(&self, to: u8) -> bool {
        self.queued.compare_exchange(QUEUED, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Where its end is to go, and by what name; before anyone knows of it.
    pub(super) fn address(&mut self, sink: Arc<dyn Sink>, slot: u32) {
        self.sink = Some(sink);
        self.slot = slot;
    }

    /// Whether its end goes to where that of another goes.
    pub(super) fn has_sink_of(&self, other: &Self) -> bool {
        let sink = |task: &Self| task.sink.as_ref().map(|sink| Arc::as_ptr(sink).cast::<()>());
        sink(self) == sink(other)
    }

    /// Sends its end. Comes once: from whoever has taken its job.
    pub(super) fn complete(&self, completion: Completion) {
        if let Some(sink) = &self.sink {
            // A sink that panics loses its own completion; the thread goes on.
            let _ = catch_panic(|| {
                sink.complete(completion);
                Ok(())
            });
        }
    }

    /// Where it sits in the pool's queue.
    pub(super) fn seat(&self) -> Option<SeatId> {
        // Relaxed, here and below: written and read under the pool's lock.
        Some(self.seat.load(Ordering::Relaxed)).filter(|seat| *seat != UNSEATED)
    }

    pub(super) fn set_seat(&self, seat: Option<SeatId>) {
        self.seat.store(seat.unwrap_or(UNSEATED), Ordering::Relaxed);
    }

    /// Those that are expected to take equally long.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }
}
