//! Runs a kernel in a unit test, on the calling thread and without an engine.
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::value::Value;
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
