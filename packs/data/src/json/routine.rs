//! Work on a stack of its own, so that it can pause wherever it is, and go on on any thread.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use corosensei::stack::{DefaultStack, Stack as _};
use corosensei::{Coroutine, CoroutineResult};
use heavy_load_kernel::Result;
use heavy_load_kernel::error::{Code, EngineError};

use super::guard::{Guard, PROBE, Stop};

/// Bytes of a stack: addresses, of which memory is taken as it is used. Code that is not optimised takes several times as much.
const STACK: usize = if cfg!(debug_assertions) { 512 << 20 } else { 24 << 20 };
/// What is left for all that is not asked (`guard::tick`) before it calls itself: walking through a value of `DEEPEST` levels, and a filter's own nesting.
const RESERVE: usize = STACK / 2;
/// Ticks that are a unit of work: some 20 us.
const TICKS: u64 = 128;

pub(crate) struct Routine<T> {
    coroutine: Coroutine<(), (), Result<T>>,
    guard: Box<Guard>,
    limit: usize,
}

// SAFETY: what is on the coroutine's stack has been made there by `work`, which is Send, and nothing else has a hold of any of it; so it may go on on another thread, as long as one has it at a time
// (`resume` takes `&mut self`). It pauses in `guard::tick` alone, where nobody has borrowed anything of a thread's own.
unsafe impl<T: Send> Send for Routine<T> {}

impl<T: 'static> Routine<T> {
    /// Work that may take `limit` bytes.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY, where there is no room for a stack.
    pub(crate) fn new(limit: usize, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<Self> {
        let stack = DefaultStack::new(STACK).map_err(|_| EngineError::out_of_memory(STACK))?;
        let guard = Box::new(Guard::new(stack.limit().get() + RESERVE, limit));
        let coroutine = Coroutine::with_stack(stack, move |yielder, ()| {
            Guard::begin(yielder);
            work()
        });
        Ok(Self { coroutine, guard, limit })
    }

    /// Runs so many units; the result, if that was all.
    ///
    /// # Errors
    /// The work's own; ERR_OUTPUT_TOO_LARGE where it takes more than its limit, ERR_INVALID_DATA where it calls itself or nests values too deeply, ERR_OUT_OF_MEMORY.
    pub(crate) fn resume(&mut self, units: u64) -> Result<Option<T>> {
        let Self { coroutine, guard, limit } = self;
        let resumed =
            guard.run(units.saturating_mul(TICKS), || catch_unwind(AssertUnwindSafe(|| coroutine.resume(()))));
        let stopped = match resumed {
            Ok(CoroutineResult::Yield(())) => return Ok(None),
            Ok(CoroutineResult::Return(result)) => return result.map(Some),
            Err(payload) => match payload.downcast::<Stop>() {
                Ok(stopped) => *stopped,
                Err(payload) => resume_unwind(payload),
            },
        };
        Err(match stopped {
            Stop::Memory => {
                let message = format!("The filter's values take more than options.maxMemory ({limit} bytes)");
                EngineError::new(Code::OutputTooLarge, message)
            }
            Stop::Stack => EngineError::invalid_data("The filter calls itself too deeply"),
            Stop::Depth => {
                EngineError::invalid_data(format!("The filter makes a value of more than {} levels", super::DEEPEST))
            }
            Stop::Output => EngineError::new(Code::OutputTooLarge, "The output is longer than options.maxOutputLength"),
            Stop::OutOfMemory => EngineError::out_of_memory(PROBE),
        })
    }
}
