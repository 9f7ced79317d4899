//! The contract between the engine and a kernel, a named CPU function.
//!
//! A kernel turns its input into [`Work`] and knows nothing of threads, pools or JavaScript. From the shape of the work
//! alone the engine makes cancellation, deadlines, progress, fair sharing, data parallelism and panic isolation.
//!
//! Invariants a kernel keeps:
//! 1. [`Kernel::prepare`] only checks and takes over its arguments: it runs on the JavaScript thread, at the *check* of a call and
//!    perhaps again at its *commit*; of a call with an integer that the kernel is sure to take, on the pool's thread that runs it.
//! 2. A *unit* is work of about one steady cost. The engine gives as many units at once as take about a millisecond (a
//!    *morsel*; Leis et al., "Morsel-driven parallelism", SIGMOD 2014), so a unit stays well below that.
//! 3. A kernel never blocks and never sleeps; a library call that cannot pause is [`Work::OneShot`].
//! 4. Of what is dropped in one go, at most one thing panics: the fields of one piece of work, say. And what a kernel's code holds
//!    by itself (its variables) does not panic when it is dropped while that code panics. In both cases Rust ends the process.
//! 5. It lets go of its input's memory with its work. What it keeps stays good (a static with its [`value::Bytes`], say): but the task's
//!    completion, or a synchronous call's return, comes when that is dropped, and an environment does not end before.
//!
//! A kernel in safe Rust that breaks one of these fails, or keeps others waiting; undefined behaviour it cannot cause: `value::memory`
//! has the rules for that, with tests.
//!
//! What the engine promises in return:
//! 6. [`Parallel::run`] gets disjoint ranges that cover `0..len` exactly; [`Parallel::merge`] runs once, after all of them,
//!    and has the work alone.
//! 7. After an error, a panic or a cancellation no further morsel starts, and the work is dropped when the last one ended.
//! 8. Kernel code borrows its work; the engine owns it, and drops it by itself. So work may panic twice: in its code, and then in
//!    its `drop`.
//!
//! The modules: `spec`, what a kernel says of itself; `work`, what it does; [`fold`], work over input that comes in pieces; [`value`], what
//! crosses the border between JavaScript and a kernel; [`registry`], the kernels that are installed, by number; [`error`], the one place
//! where codes are born; [`testing`], which runs a kernel in a unit test; [`plugin`], the border to kernels in dynamic libraries, over [`abi`],
//! its header in Rust. Of other crates it needs none but std.

pub mod abi;
pub mod error;
pub mod fold;
pub mod plugin;
pub mod registry;
mod spec;
pub mod testing;
pub mod value;
mod work;

pub use spec::{Estimate, Kernel, OptionSpec, Spec, Takes};
pub use work::{Next, Parallel, Step, Stepped, Work};

/// What a kernel gives, or why not.
pub type Result<T> = std::result::Result<T, error::EngineError>;
