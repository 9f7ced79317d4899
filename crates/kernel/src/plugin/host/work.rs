//! A plug-in's work in the engine's shapes.

use std::ffi::c_void;
use std::ops::Range;
use std::sync::Arc;

use super::call::{Inputs, Outcome};
use crate::error::{Code, EngineError};
use crate::plugin::abi;
use crate::{Next, Parallel, Result, Step, Stepped, Work};

/// A state of a plug-in's, and its table.
pub(super) struct ForeignWork {
    table: &'static abi::WorkTable,
    state: *mut c_void,
    len: u64,
    first_morsel: u64,
    input: &'static str,
    /// Dropped after the state has been freed (`drop`, invariant 4).
    inputs: Option<Arc<Inputs>>,
}

// SAFETY: the header says that a state is used and freed by any thread, and which of its functions run at the same time.
unsafe impl Send for ForeignWork {}
// SAFETY: as above: of what takes `&self` here, only `run` and `progress` are called by several threads at once.
unsafe impl Sync for ForeignWork {}

impl Drop for ForeignWork {
    fn drop(&mut self) {
        if let Some(free) = self.table.free {
            // SAFETY: the state came with this table, and this is the only place that frees it (invariant 2).
            unsafe { free(self.state) };
        }
    }
}

impl ForeignWork {
    /// Takes over a state, and frees it if it cannot be used.
    ///
    /// # Safety
    /// The work's table is null or one of a plug-in's, with as many bytes as it says (invariant 5); the state belongs to it, and is
    /// the host's from here on.
    pub(super) unsafe fn new(work: abi::Work, input: &'static str, inputs: Option<Arc<Inputs>>) -> Result<Self> {
        // SAFETY: passed on to the caller. A table of fewer bytes than this version has is not looked into.
        let table = unsafe { work.table.as_ref() };
        let table = table.filter(|table| table.size as usize >= size_of::<abi::WorkTable>());
        let Some(table) = table else { return Err(wrong("a table of this version")) };
        let work =
            Self { table, state: work.state, len: work.length, first_morsel: work.first_morsel.max(1), input, inputs };
        let is_whole = match table.shape {
            abi::PARALLEL => table.run.is_some() && table.merge.is_some(),
            abi::STEPPED => table.step.is_some(),
            abi::ONE_SHOT => table.call.is_some(),
            _ => false,
        };
        if is_whole { Ok(work) } else { Err(wrong("the functions of its shape")) }
    }

    pub(super) fn into_work(self) -> Work {
        match self.table.shape {
            abi::PARALLEL => Work::parallel(self),
            abi::STEPPED => Work::stepped(self),
            _ => Work::one_shot(move || self.call_once()),
        }
    }

    fn outcome(&self) -> Outcome {
        Outcome::new(self.input, self.inputs.clone())
    }

    fn call_once(&self) -> Result<Next> {
        let mut outcome = self.outcome();
        let Some(call) = self.table.call else { return Err(wrong("a function to call")) };
        // SAFETY: the table's own function with its state, which nobody else uses: a one-shot is called once. The outcome is a local.
        let status = unsafe { call(self.state, outcome.address()) };
        outcome.next(status)
    }
}

impl Parallel for ForeignWork {
    fn len(&self) -> u64 {
        self.len
    }

    fn first_morsel(&self) -> u64 {
        self.first_morsel
    }

    fn run(&self, range: Range<u64>) -> Result<()> {
        // What it gives here counts for nothing, so nothing of the inputs is needed.
        let mut outcome = Outcome::new(self.input, None);
        let Some(run) = self.table.run else { return Err(wrong("units to run")) };
        // SAFETY: the table's own function with its state; the engine gives disjoint ranges. The outcome is a local.
        let status = unsafe { run(self.state, range.start, range.end, outcome.address()) };
        outcome.check(status)
    }

    fn merge(&mut self) -> Result<Next> {
        let mut outcome = self.outcome();
        let Some(merge) = self.table.merge else { return Err(wrong("a function to merge")) };
        // SAFETY: the table's own function with its state, which `&mut` says that nobody else uses. The outcome is a local.
        let status = unsafe { merge(self.state, outcome.address()) };
        outcome.next(status)
    }

    fn progress(&self, done: u64) -> f64 {
        match self.table.progress {
            // SAFETY: the table's own function with its state; it only reads it.
            Some(progress) => share(unsafe { progress(self.state, done) }),
            None => done as f64 / self.len.max(1) as f64,
        }
    }
}

impl Stepped for ForeignWork {
    fn len(&self) -> u64 {
        self.len
    }

    fn first_morsel(&self) -> u64 {
        self.first_morsel
    }

    fn step(&mut self, units: u64) -> Result<Step> {
        let mut outcome = self.outcome();
        let Some(step) = self.table.step else { return Err(wrong("a step")) };
        // SAFETY: the table's own function with its state, which `&mut` says that nobody else uses. The outcome is a local.
        let status = unsafe { step(self.state, units, outcome.address()) };
        if status == abi::MORE {
            outcome.check(status)?;
            return Ok(Step::More { progress: share(outcome.progress) });
        }
        outcome.next(status).map(Step::Done)
    }
}

/// A share as the engine takes it.
fn share(told: f64) -> f64 {
    if told.is_nan() { 0.0 } else { told.clamp(0.0, 1.0) }
}

#[cold]
fn wrong(what: &str) -> EngineError {
    EngineError::new(Code::KernelPanic, format!("The plug-in gave work without {what}"))
}
