//! What a kernel's unit tests need: work that runs on the calling thread, without an engine, and memory that is lent to it.

use std::fmt;
use std::sync::Arc;

use crate::value::{Loan, Memory, Number, Value};
use crate::{Next, Result, Step, Work};

/// Runs work to its end, in pieces of the size that it asks for first, one after the other.
///
/// # Errors
/// The kernel's own.
///
/// # Panics
/// If the kernel does, or keeps a share of its own parallel work.
pub fn run(mut work: Work) -> Result<Value> {
    loop {
        let next = match work {
            Work::Parallel(mut parallel) => {
                let (len, step) = (parallel.len(), parallel.first_morsel().max(1));
                let mut at = 0;
                while at < len {
                    let end = at.saturating_add(step).min(len);
                    parallel.run(at..end)?;
                    at = end;
                }
                Arc::get_mut(&mut parallel).expect("the kernel keeps a share of its work").merge()?
            }
            Work::Stepped(mut machine) => loop {
                match machine.step(machine.first_morsel().max(1))? {
                    Step::More { .. } => {}
                    Step::Done(next) => break next,
                }
            },
            Work::OneShot(mut call) => call()?,
        };
        match next {
            Next::Done(value) => return Ok(value),
            Next::Then(then) => work = then,
        }
    }
}

/// The lender of numbers, who wants them back.
pub struct Lender<T>(Arc<Loan<Vec<T>>>);

impl<T> fmt::Debug for Lender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lender")
    }
}

impl<T: Number> Lender<T> {
    /// The numbers, once the work over them is gone.
    ///
    /// # Errors
    /// If something still holds their memory.
    pub fn take_back(self) -> std::result::Result<Vec<T>, Self> {
        self.0.end().map_err(Self)
    }
}

/// Lends numbers as `transfer` does: to the borrower alone.
pub fn moved<T: Number>(numbers: Vec<T>) -> (Memory, Lender<T>) {
    lend(numbers, Memory::moved)
}

/// Lends numbers as a FrozenBuffer does: to be read.
pub fn frozen<T: Number>(numbers: Vec<T>) -> (Memory, Lender<T>) {
    lend(numbers, Memory::frozen)
}

/// Lends numbers as a SharedArrayBuffer does.
pub fn shared<T: Number>(numbers: Vec<T>) -> (Memory, Lender<T>) {
    lend(numbers, Memory::shared)
}

fn lend<T: Number>(mut numbers: Vec<T>, memory: unsafe fn(*mut u8, usize, Arc<Loan>) -> Memory) -> (Memory, Lender<T>) {
    let (start, len) = (numbers.as_mut_ptr().cast(), size_of_val(&*numbers));
    let loan = Loan::new(numbers);
    // SAFETY: the loan keeps the numbers, and nobody gets at them there before it has ended: so they stay where they are, and are
    // accessed by the one claim that is made here alone.
    let memory = unsafe {
        loan.open();
        memory(start, len, Arc::clone(&loan) as Arc<Loan>)
    };
    (memory, Lender(loan))
}
