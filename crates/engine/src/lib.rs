//! Runs kernels' work: on the calling thread ([`run_direct`]) or on a [`Pool`] of rayon threads.
//!
//! One implementation for three forms: the synchronous form and the AsyncTask form run a task's morsels in a loop, the pool form
//! gives them to the scheduler. The modules, from the bottom up:
//!
//! - `panics`: the one place that catches panics.
//! - `control`: what the outside may do to a task at any time: stop it, read its progress.
//! - `kinds`: how much thread time tasks of a kind take; a pure data structure.
//! - `ready`: which task's turn it is; a pure data structure.
//! - `external`: tasks whose work something else does, while they take a thread's place.
//! - `job`: a task's work as a source of morsels of about a millisecond.
//! - `direct`: runs a job on the calling thread.
//! - `admission`: when a task would be done, by the order itself, and whether that is in time.
//! - `budget`: how much memory tasks may take, and take.
//! - `durations`: how long tasks waited and ran, for percentiles.
//! - `occupancy`: how full a pool is.
//! - `affinity`: where threads run beside the machine's others.
//! - `idle`: the wake protocol: how its threads wait for work and are woken; over `sync`, which tests swap for a model.
//! - `pace`: how much longer than on the CPU things take on the clock.
//! - `stats`: what has happened so far.
//! - `task`: a job with its place in a pool.
//! - `stage`: how far a task is, and what follows when that changes.
//! - `run_queue`: what is under a pool's lock: its tasks, their order, and what they take.
//! - `config`: how a pool is made.
//! - `threads`: how its threads are started and named.
//! - `scheduler`: what a pool's threads do.
//! - `pool`: the pool as its callers see it.
//!
//! Invariants:
//! 1. The engine names no concrete kernel and knows nothing of JavaScript.
//! 2. Kernel code (`len`, `run`, `merge`, `step`, `progress`, a `drop`) runs inside `catch_panic` and outside every lock.
//! 3. Every task ends in exactly one [`Completion`], made after its work has been dropped: memory that the work borrowed
//!    is not touched any more when the completion arrives.
//! 4. At most as many things run as there are threads: morsels, and external tasks, each of which takes the place of a thread.
//! 5. No thread blocks inside a rayon job while there is work, but for the engine's own short locks.
#![forbid(unsafe_code)]

mod admission;
mod affinity;
mod budget;
mod config;
mod control;
mod direct;
mod durations;
mod external;
mod idle;
mod job;
mod kinds;
mod occupancy;
mod pace;
mod panics;
mod pool;
mod ready;
mod run_queue;
mod scheduler;
mod stage;
mod stats;
mod sync;
mod task;
mod threads;

pub use config::PoolConfig;
pub use control::{Control, Stop};
pub use direct::{Alone, run_direct};
pub use durations::Percentiles;
pub use external::Begin;
pub use job::Job;
pub use panics::catch_panic;
pub use pool::{Pool, Reservation};
pub use ready::Priority;
pub use stats::{Ended, Outcome, Stats, Tally};
pub use task::{Completion, Done, Part, Sink, Task, TaskConfig};
pub use threads::{MOST_THREADS, default_threads};
