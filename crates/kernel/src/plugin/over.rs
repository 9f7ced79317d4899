//! Work over memory of the host's: it holds the loan of that, whose keeper retains the memory, and opens it when it first runs.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Code, EngineError};
use crate::value::Loan;
use crate::{Next, Parallel, Result, Step, Stepped, Work};

/// The work drops before the loan, which ends with it, or with whatever of the kernel's holds it for longer.
struct Over<W> {
    work: W,
    loan: Arc<Loan>,
}

/// The same work, over memory that is lent by this.
pub(super) fn over(work: Work, loan: Arc<Loan>) -> Work {
    match work {
        Work::Parallel(work) => Work::parallel(Over { work, loan }),
        Work::Stepped(work) => Work::stepped(Over { work, loan }),
        Work::OneShot(mut call) => Work::one_shot(move || {
            open(&loan);
            Ok(next_over(call()?, &loan))
        }),
    }
}

/// What follows is over the same memory.
fn next_over(next: Next, loan: &Arc<Loan>) -> Next {
    match next {
        Next::Then(work) => Next::Then(over(work, Arc::clone(loan))),
        Next::Done(value) => Next::Done(value),
    }
}

/// The host runs work only when the memory is the kernel's.
fn open(loan: &Loan) {
    // SAFETY: the host says that from the first run on, and until it is released, memory that it has passed is what it was passed as;
    // the loan's keeper retains it (`sdk::take_memory`).
    unsafe { loan.open() };
}

impl Parallel for Over<Arc<dyn Parallel>> {
    fn len(&self) -> u64 {
        self.work.len()
    }

    fn first_morsel(&self) -> u64 {
        self.work.first_morsel()
    }

    fn run(&self, range: Range<u64>) -> Result<()> {
        open(&self.loan);
        self.work.run(range)
    }

    fn merge(&mut self) -> Result<Next> {
        open(&self.loan);
        let kept = || EngineError::new(Code::KernelPanic, "The kernel panicked: it keeps a share of its work");
        let work = Arc::get_mut(&mut self.work).ok_or_else(kept)?;
        Ok(next_over(work.merge()?, &self.loan))
    }

    fn progress(&self, done: u64) -> f64 {
        self.work.progress(done)
    }
}

impl Stepped for Over<Box<dyn Stepped>> {
    fn len(&self) -> u64 {
        self.work.len()
    }

    fn first_morsel(&self) -> u64 {
        self.work.first_morsel()
    }

    fn step(&mut self, units: u64) -> Result<Step> {
        open(&self.loan);
        Ok(match self.work.step(units)? {
            Step::Done(next) => Step::Done(next_over(next, &self.loan)),
            more @ Step::More { .. } => more,
        })
    }
}
