//! What a kernel does, in pieces that the engine can pause, stop and share out.
#![forbid(unsafe_code)]

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::Result;
use crate::abi;
use crate::value::Value;

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
pub trait Parallel: Send + Sync + ThinParallel {
    /// How many units there are.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Units for the first morsels, before their cost has been measured: some 20 to 200 microseconds of work.
    fn first_morsel(&self) -> u64 {
        1
    }

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
pub trait Stepped: Send + ThinStepped {
    /// About how many units there are in all; 0 if that is not known.
    fn len(&self) -> u64 {
        0
    }

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Units for the first step, as [`Parallel::first_morsel`].
    fn first_morsel(&self) -> u64 {
        1
    }

    /// Does up to `units` units.
    ///
    /// # Errors
    /// The kernel's own.
    fn step(&mut self, units: u64) -> Result<Step>;
}

/// How a step ended.
#[derive(Debug)]
pub enum Step {
    /// There is more to do.
    More {
        /// The share of the whole task that is done, 0..=1; 0 if that is not known.
        progress: f64,
    },
    /// This piece of work has ended.
    Done(Next),
}

/// What every [`Parallel`] is: `plugin` implements it, for work in plug-ins, and nobody by hand.
pub trait ThinParallel {
    /// Its table.
    #[doc(hidden)]
    fn table(&self) -> &'static abi::WorkTable;
}

/// What every [`Stepped`] is, as [`ThinParallel`].
pub trait ThinStepped {
    /// Its table.
    #[doc(hidden)]
    fn table(&self) -> &'static abi::WorkTable;
}
