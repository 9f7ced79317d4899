//! What pauses and stops a program that runs on a [`Routine`](super::routine::Routine).
//!
//! Invariant: a thread has a current guard exactly while it runs a routine; so outside of one, ticks are nothing.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::ptr;

use corosensei::Yielder;

use crate::allocator::taken;

/// Why a program is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It has taken more memory than it may.
    Memory,
    /// It calls itself too deeply.
    Stack,
    /// A value would be nested too deeply.
    Depth,
    /// The output is longer than it may be.
    Output,
    /// The system has no memory.
    OutOfMemory,
}

/// How much more memory than it has there must be for a program to go on, at least: what libraries ask for without a way to be refused.
pub(super) const PROBE: usize = 4 << 20;
/// Ticks from one look at the memory to the next.
const MEMORY_TICKS: u64 = 64;

pub(crate) struct Guard {
    yielder: Cell<*const Yielder<(), ()>>,
    /// Ticks until the next pause.
    left: Cell<u64>,
    /// The lowest address that the stack may have grown to.
    floor: usize,
    /// Bytes that the program may take; that it had taken when it was last resumed, and the thread's count then.
    limit: isize,
    used: Cell<isize>,
    base: Cell<isize>,
    /// Bytes in use when the system was last asked whether there is more.
    probed: Cell<isize>,
}

thread_local! {
    static CURRENT: Cell<*const Guard> = const { Cell::new(ptr::null()) };
}

/// Never inlined, as `set_current`: a routine may go on on another thread, whose guard must be looked up anew.
#[inline(never)]
fn current() -> *const Guard {
    CURRENT.get()
}

#[inline(never)]
fn set_current(guard: *const Guard) {
    CURRENT.set(guard);
}

/// A step of a program: where it is due, the program pauses here, and is stopped where it takes too much.
pub(crate) fn tick() {
    // SAFETY: a guard that is current is borrowed by `Guard::run`, which is still running: on this thread, below the routine that calls this.
    if let Some(guard) = unsafe { current().as_ref() } {
        guard.tick();
    }
}

/// Stops the program.
pub(crate) fn stop(reason: Stop) -> ! {
    // Unwinds to `Routine::resume`, with no word to the panic hook: a program has no way to catch it.
    resume_unwind(Box::new(reason))
}

/// Refuses what a single operation would make, where that is too much.
pub(crate) fn expect(bytes: usize) {
    // SAFETY: as in `tick`.
    if let Some(guard) = unsafe { current().as_ref() } {
        guard.check(bytes.try_into().unwrap_or(isize::MAX));
    }
}

impl Guard {
    pub(crate) fn new(floor: usize, limit: usize) -> Self {
        Self {
            yielder: Cell::new(ptr::null()),
            left: Cell::new(0),
            floor,
            limit: limit.try_into().unwrap_or(isize::MAX),
            used: Cell::new(0),
            base: Cell::new(0),
            probed: Cell::new(0),
        }
    }

    /// Runs a part of the routine: `resume` switches to its stack, and comes back after so many ticks.
    pub(crate) fn run<R>(&self, ticks: u64, resume: impl FnOnce() -> R) -> R {
        struct Leave<'a>(&'a Guard);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                set_current(ptr::null());
                self.0.used.set(self.0.in_use());
            }
        }
        self.left.set(ticks);
        self.base.set(taken());
        let _leave = Leave(self);
        set_current(self);
        resume()
    }

    /// The routine says how it is paused, when it begins.
    pub(crate) fn begin(yielder: &Yielder<(), ()>) {
        // SAFETY: as in `tick`.
        if let Some(guard) = unsafe { current().as_ref() } {
            guard.yielder.set(yielder);
        }
    }

    fn in_use(&self) -> isize {
        self.used.get() + taken().wrapping_sub(self.base.get())
    }

    fn tick(&self) {
        let here = 0_u8;
        if (&raw const here).addr() < self.floor {
            stop(Stop::Stack);
        }
        let left = self.left.get();
        if left.is_multiple_of(MEMORY_TICKS) {
            self.check(0);
        }
        if left > 0 {
            self.left.set(left - 1);
        } else {
            // SAFETY: `begin` has set it, to what lives as long as the routine does; and this runs on the routine's stack, for the guard is current.
            unsafe { (*self.yielder.get()).suspend(()) };
        }
    }

    fn check(&self, more: isize) {
        let used = self.in_use().saturating_add(more);
        if used > self.limit {
            stop(Stop::Memory);
        }
        let probed = self.probed.get();
        if more > 0 || used > probed + probed / 4 + PROBE.cast_signed() / 4 {
            // What grows may ask for as much again as there is.
            let room = PROBE + used.unsigned_abs();
            if Vec::<u8>::new().try_reserve_exact(room).is_err() {
                stop(Stop::OutOfMemory);
            }
            self.probed.set(used);
        }
    }
}
