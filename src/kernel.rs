//! The contract between the engine and a kernel, a named CPU function.
//!
//! A kernel turns its input into [`Work`] and knows nothing of threads, pools or JavaScript. From the shape of the work
//! alone the engine makes cancellation, deadlines, progress, fair sharing, data parallelism and panic isolation.
//!
//! Invariants a kernel keeps:
//! 1. [`Kernel::prepare`] only checks and takes over its arguments: it runs on the JavaScript thread.
//! 2. A *unit* is work of about one steady cost. The engine gives as many units at once as take about a millisecond (a
//!    *morsel*; Leis et al., "Morsel-driven parallelism", SIGMOD 2014), so a unit stays well below that.
//! 3. A kernel never blocks and never sleeps; a library call that cannot pause is [`Work::OneShot`].
//! 4. Of what is dropped in one go, at most one thing panics: the fields of one piece of work, say. And what a kernel's code holds
//!    by itself (its variables) does not panic when it is dropped while that code panics. In both cases Rust ends the process.
//!
//! What the engine promises in return:
//! 5. [`Parallel::run`] gets disjoint ranges that cover `0..len` exactly; [`Parallel::merge`] runs once, after all of them,
//!    and has the work alone.
//! 6. After an error, a panic or a cancellation no further morsel starts, and the work is dropped when the last one ended.
//! 7. Kernel code borrows its work; the engine owns it, and drops it by itself. So work may panic twice: in its code, and then in
//!    its `drop`.
#![forbid(unsafe_code)]

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::error::EngineError;
use crate::fold::Fold;
use crate::value::{Options, Value};

/// What a kernel gives, or why not.
pub type Result<T> = std::result::Result<T, EngineError>;

/// A named CPU function.
pub trait Kernel: Sync {
    /// Its name, its documentation and its TypeScript signature.
    fn spec(&self) -> &'static Spec;

    /// Checks the arguments and makes them into work; runs nothing of it yet.
    ///
    /// # Errors
    /// The codes for arguments: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE; and ERR_OUT_OF_MEMORY.
    fn prepare(&self, input: Value, options: &Options) -> Result<Work>;

    /// What a stream of input is folded into, for a kernel whose [`Spec::streams`]; runs nothing yet, as `prepare`.
    ///
    /// # Errors
    /// As `prepare`.
    fn fold(&self, _options: &Options) -> Result<Box<dyn Fold>> {
        unreachable!("{} takes no streams", self.spec().name)
    }

    /// What a call takes that `prepare` has taken. Cheap, as `prepare` is.
    fn estimate(&self, _input: &Value, _options: &Options) -> Estimate {
        Estimate::default()
    }
}

/// What a call takes, as far as its kernel can tell beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Its work, in units of about one steady cost: calls of which each has about twice the other's units take about twice as long.
    /// 0 if that cannot be told: then what the first phase says of its length counts.
    pub cost: u64,
    /// Working memory that it allocates once it has begun, in bytes: scratch and result, at their most. 0 if little. The pool has no
    /// more begin at once than there is memory for; so what `prepare` asks for already stays untouched until then, and takes none.
    pub memory: u64,
}

impl fmt::Debug for dyn Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kernel({})", self.spec().name)
    }
}

/// A kernel's public face, from which its exports, types and documentation are generated.
#[derive(Debug)]
pub struct Spec {
    /// The name of the pool form; `Sync` and `Async` are appended for the others.
    pub name: &'static str,
    /// One line for the README's table, in Markdown.
    pub summary: &'static str,
    /// The docstring: shapes, units, errors, source.
    pub docs: &'static str,
    /// TypeScript's type parameter, on which the output's type depends; empty for none. Either the input's, such as
    /// `T extends NumericView`, or an option's, such as `E extends HashOptions['encoding'] = 'buffer'`.
    pub type_parameter: &'static str,
    /// The input parameter's name in signatures and messages.
    pub input: &'static str,
    /// The input's TypeScript type.
    pub input_type: &'static str,
    /// If it takes numbers: every integer from 0 to this is an input that `prepare` is sure to take. Calls with these may be
    /// prepared later than they are made, when an error could no longer name its caller.
    pub integers_to: Option<u64>,
    /// The result's TypeScript type.
    pub output_type: &'static str,
    /// Whether it changes the elements it is given and gives the same view back: a copy is then made where JavaScript can
    /// have it.
    pub in_place: bool,
    /// Whether the pool form takes its bytes as a stream, too: by [`Kernel::fold`].
    pub streams: bool,
    /// Options beside those that every task has.
    pub options: &'static [OptionSpec],
}

/// One of a kernel's own options.
#[derive(Debug)]
pub struct OptionSpec {
    /// Its name.
    pub name: &'static str,
    /// Its TypeScript type.
    pub ts_type: &'static str,
    /// Its docstring: range, unit, default.
    pub docs: &'static str,
}

/// What is to be done, in one of three shapes.
pub enum Work {
    /// Independent units over shared state, then a merge.
    Parallel(Arc<dyn Parallel>),
    /// A state machine that runs for a while and says "more" or "done".
    Stepped(Box<dyn Stepped>),
    /// A call that cannot pause: it runs to its end once it has begun. It is called once; that it need not consume what it has
    /// captured lets the engine drop that.
    OneShot(Box<dyn FnMut() -> Result<Next> + Send>),
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Work::Parallel(_) => "Parallel",
            Work::Stepped(_) => "Stepped",
            Work::OneShot(_) => "OneShot",
        })
    }
}

impl Work {
    /// Work of independent units.
    pub fn parallel(work: impl Parallel + 'static) -> Self {
        Self::Parallel(Arc::new(work))
    }

    /// Work in steps.
    pub fn stepped(work: impl Stepped + 'static) -> Self {
        Self::Stepped(Box::new(work))
    }

    /// Work that cannot pause.
    pub fn one_shot(work: impl FnMut() -> Result<Next> + Send + 'static) -> Self {
        Self::OneShot(Box::new(work))
    }
}

/// What follows when a piece of work has ended.
#[derive(Debug)]
pub enum Next {
    /// The result.
    Done(Value),
    /// Another piece of work: a kernel of several phases.
    Then(Work),
}

/// Independent units over shared state. The engine caches `len`.
pub trait Parallel: Send + Sync {
    /// How many units there are.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Units for the first morsels, before their cost has been measured: some 20 to 200 microseconds of work.
    fn first_morsel(&self) -> u64;

    /// Does the units of `range`; many ranges run at once, on any threads.
    ///
    /// # Errors
    /// The kernel's own; the first one fails the task.
    fn run(&self, range: Range<u64>) -> Result<()>;

    /// Makes the result, once, after every unit is done. What it needs of the work it may take out of it.
    ///
    /// # Errors
    /// The kernel's own.
    fn merge(&mut self) -> Result<Next>;

    /// The share of the whole task that is done after `done` units, 0..=1; a kernel of several phases overrides it.
    fn progress(&self, done: u64) -> f64 {
        done as f64 / self.len().max(1) as f64
    }
}

/// A state machine.
pub trait Stepped: Send {
    /// About how many units there are in all.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Units for the first step, as [`Parallel::first_morsel`].
    fn first_morsel(&self) -> u64;

    /// Does up to `units` units.
    ///
    /// # Errors
    /// The kernel's own.
    fn step(&mut self, units: u64) -> Result<Step>;
}

/// How a step ended.
#[derive(Debug)]
pub enum Step {
    /// There is more to do; `progress` is the share of the whole task that is done, 0..=1.
    More {
        /// Share done, 0..=1.
        progress: f64,
    },
    /// This piece of work has ended.
    Done(Next),
}
