//! How the ends of tasks were reported to the callers of one environment, for one pool. JavaScript, which reports them, counts
//! it in shared memory; whoever asks the pool for its statistics, on any thread, reads it there.
//!
//! Invariants:
//! 1. JavaScript alone writes the counts, each an aligned 64-bit number; Rust reads them by atomic loads of that size.
//! 2. The memory is read only while the view over it is pinned: `Source` is changed under its lock before that ends.
//! 3. Once the environment's event loop turns no more, the tasks whose ends were not reported count as cancelled.

use std::cell::RefCell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use napi::{Env, Result, Status, sys};

use crate::js::reference::Reference;
use crate::js::value::{RawValue, check};
use heavy_load_engine::{Ended, Tally};

/// Where JavaScript's memory has which count.
pub(crate) mod count {
    use heavy_load_engine::Outcome;

    // Of tasks that the pool had taken.
    pub(crate) const COMPLETED: usize = Outcome::Completed as usize;
    pub(crate) const FAILED: usize = Outcome::Failed as usize;
    pub(crate) const CANCELLED: usize = Outcome::Cancelled as usize;
    pub(crate) const TIMED_OUT: usize = Outcome::TimedOut as usize;
    pub(crate) const REJECTED: usize = Outcome::Rejected as usize;
    // Of those that it had not taken.
    pub(crate) const NEVER_TAKEN: usize = 5;
    pub(crate) const REFUSED: usize = 6;
    /// Of those that it had taken and given up: refusals that were reported to no caller, since the task is tried again.
    pub(crate) const TRIED_AGAIN: usize = 7;
    /// How many counts there are.
    pub(crate) const LENGTH: usize = 8;
}

/// What other threads see of it.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Tasks that the pool has taken.
    taken: AtomicU64,
    /// The event loop turns no more.
    closed: AtomicBool,
    source: Mutex<Source>,
}

#[derive(Debug)]
enum Source {
    /// JavaScript's memory: `count::LENGTH` numbers.
    Live(NonNull<u64>),
    /// The last counts.
    Final(Ended),
}

// SAFETY: the memory that the pointer leads to is shared memory of JavaScript's, which any thread may read atomically.
unsafe impl Send for Source {}

impl Ledger {
    /// The event loop turns no more: nothing else will be reported.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn take(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// JavaScript's memory is about to be let go: keeps the last counts.
    fn finish(&self) {
        self.close();
        let last = self.ended();
        *self.source() = Source::Final(last);
    }

    fn source(&self) -> MutexGuard<'_, Source> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally for Ledger {
    fn ended(&self) -> Ended {
        let source = self.source();
        let start = match &*source {
            Source::Final(last) => return *last,
            Source::Live(start) => *start,
        };
        let counts: [u64; count::LENGTH] = std::array::from_fn(|index| {
            // SAFETY: `count::LENGTH` aligned numbers stand there, as `Kept::new` has checked; the lock is held, so the view is still
            // pinned (invariant 2). Others access them with the same size: JavaScript alone writes, and V8 writes an aligned
            // 64-bit number by one instruction on the machines that it runs on (invariant 1).
            let bits = unsafe { AtomicU64::from_ptr(start.as_ptr().add(index)) }.load(Ordering::Relaxed);
            f64::from_bits(bits) as u64
        });
        let mut ended: Ended = std::array::from_fn(|outcome| counts[outcome]);
        if self.closed.load(Ordering::SeqCst) {
            let reported = ended.iter().sum::<u64>() + counts[count::TRIED_AGAIN];
            ended[count::CANCELLED] += self.taken.load(Ordering::Relaxed).saturating_sub(reported);
        }
        ended[count::FAILED] += counts[count::NEVER_TAKEN];
        ended[count::REJECTED] += counts[count::REFUSED];
        ended
    }
}

/// A ledger with its view, on the JavaScript thread.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) ledger: std::sync::Arc<Ledger>,
    view: RefCell<Option<Reference>>,
}

impl Kept {
    /// Over a Float64Array of `count::LENGTH` numbers in shared memory; refuses other memory.
    pub(crate) fn new(env: &Env, counts: RawValue) -> Result<Self> {
        let (mut kind, mut len, mut start, mut buffer) = (0, 0, ptr::null_mut(), ptr::null_mut());
        // SAFETY: a value of the running callback, which Node-API checks to be a typed array; out-pointers are locals; null for
        // the offset, which is not asked for.
        check(unsafe {
            sys::napi_get_typedarray_info(
                env.raw(),
                counts.0,
                &mut kind,
                &mut len,
                &mut start,
                &mut buffer,
                ptr::null_mut(),
            )
        })?;
        let start = NonNull::new(start.cast::<u64>());
        let (Some(start), true, true) = (start, kind == sys::TypedarrayType::float64_array, len == count::LENGTH)
        else {
            return Err(napi::Error::new(Status::InvalidArg, "no counts"));
        };
        let mut may_be_freed = true;
        // SAFETY: `buffer` is the typed array's buffer, an object; the out-pointer is a local.
        check(unsafe { sys::napi_is_arraybuffer(env.raw(), buffer, &mut may_be_freed) })?;
        if may_be_freed {
            // An ArrayBuffer is detached by whoever has it. Shared memory stays where it is.
            return Err(napi::Error::new(Status::InvalidArg, "the counts are not in shared memory"));
        }
        let view = Reference::new(env.raw(), counts.0)?;
        let ledger = Ledger {
            taken: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            source: Mutex::new(Source::Live(start)),
        };
        Ok(Self { ledger: std::sync::Arc::new(ledger), view: RefCell::new(Some(view)) })
    }

    /// Nothing is counted any more: lets the view go.
    pub(crate) fn finish(&self) {
        if let Some(view) = self.view.borrow_mut().take() {
            self.ledger.finish();
            drop(view);
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.finish();
    }
}
