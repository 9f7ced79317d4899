//! Memory of an environment that a task has borrowed.
//!
//! Invariants:
//! 1. A [`Borrow`] is dropped when nobody holds the memory any more: neither the task's work, nor what a kernel has kept of it, nor the
//!    task itself, which holds it until it has ended.
//! 2. The end of a task that borrows is reported by that drop. So whoever hears of it may do with the memory what they like; and a kernel
//!    that keeps some of it delays only its own caller.
//! 3. A loan is opened when the memory has been pinned, and cannot be refused any more; the pin stays until the end was reported.

use std::convert::Infallible;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Sender, bounded};

use super::disown::{disown, has_resource};
use heavy_load_engine::{Completion, Sink, catch_panic};
use heavy_load_kernel::error::{Code, EngineError};
use heavy_load_kernel::value::{Loan, Value};

/// Keeps a loan: dropped with the last that holds it, on any thread.
pub(crate) struct Borrow {
    sink: Arc<dyn Sink>,
    loans: Arc<Loans>,
    end: Mutex<Option<End>>,
}

/// What is to be done once the memory is free.
enum End {
    Report(Completion),
    /// Whoever waits at the other end of this channel is woken when it is dropped.
    Wake(#[expect(dead_code, reason = "it is there to be dropped")] Sender<Infallible>),
}

impl Borrow {
    fn end(&self) -> MutexGuard<'_, Option<End>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Borrow {
    fn drop(&mut self) {
        let end = self.end().take();
        if let Some(End::Report(completion)) = end {
            self.sink.complete(completion);
        }
        self.loans.give_back();
    }
}

/// A task's own hold on what it borrows.
pub(crate) struct Borrowed(Arc<Loan<Borrow>>);

impl Borrowed {
    /// Of the environment whose `loans` these are, which does not end before it is dropped; the task's end goes to `sink`.
    pub(super) fn new(sink: Arc<dyn Sink>, loans: &Arc<Loans>) -> Self {
        loans.lend();
        Self(Loan::new(Borrow { sink, loans: Arc::clone(loans), end: Mutex::new(None) }))
    }

    /// For the memory that is made with it.
    pub(crate) fn loan(&self) -> Arc<Loan> {
        Arc::clone(&self.0) as Arc<Loan>
    }

    /// From here on the memory is the kernel's.
    ///
    /// # Safety
    /// That of [`Loan::open`]: the memory is pinned, and is what it was called, until the task's end is reported.
    pub(crate) unsafe fn open(&self) {
        // SAFETY: passed on to the caller.
        unsafe { self.0.open() };
    }

    /// Takes what may hold the memory out of a result: else whoever waits for the memory would wait for the result, which waits for the memory.
    /// The work was dropped.
    pub(crate) fn disown(&self, outcome: &mut heavy_load_kernel::Result<Value>) {
        disown(outcome);
        // What a resource holds cannot be seen. Whoever else may hold the memory, such as a static, is rare beside that.
        if has_resource(outcome) && Arc::strong_count(&self.0) > 1 {
            let message =
                "The kernel's result keeps memory that was handed over to it: a resource has to copy what it keeps";
            let kept = std::mem::replace(outcome, Err(EngineError::new(Code::KernelPanic, message)));
            // It is the kernel's.
            let _ = catch_panic(|| {
                drop(kept);
                Ok(())
            });
        }
    }

    /// Has the end reported, now or once nobody holds the memory. The work was dropped.
    pub(crate) fn complete(self, mut completion: Completion) {
        self.disown(&mut completion.outcome);
        *self.0.keeper().end() = Some(End::Report(completion));
    }

    /// Waits until nobody else holds the memory. The work was dropped, so that nobody does, unless a kernel has kept some of it.
    pub(crate) fn wait(self) {
        let Err(loan) = self.0.end() else { return };
        let (sender, gone) = bounded(0);
        *loan.keeper().end() = Some(End::Wake(sender));
        drop(loan);
        let _ = gone.recv();
    }

    /// As the sink to which the pool reports the task's end.
    pub(crate) fn into_sink(self) -> impl Sink {
        Borrowing(Mutex::new(Some(self)))
    }
}

struct Borrowing(Mutex<Option<Borrowed>>);

impl Sink for Borrowing {
    /// Comes once, after the task's work has been dropped.
    fn complete(&self, completion: Completion) {
        let borrowed = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(borrowed) = borrowed {
            borrowed.complete(completion);
        }
    }
}

/// How much of an environment's memory is lent.
#[derive(Default)]
pub(crate) struct Loans {
    count: Mutex<Count>,
    returned: Condvar,
}

#[derive(Default)]
struct Count {
    out: usize,
    /// The environment's end waits for it.
    is_end_waiting: bool,
}

impl Loans {
    fn lend(&self) {
        self.count().out += 1;
    }

    /// Nobody holds such memory any more.
    fn give_back(&self) {
        let mut count = self.count();
        count.out -= 1;
        // To notify nobody is a system call, too.
        if count.out == 0 && count.is_end_waiting {
            self.returned.notify_all();
        }
    }

    /// Waits until nobody holds memory of the environment.
    pub(crate) fn wait_for_all(&self) {
        let mut count = self.count();
        count.is_end_waiting = true;
        while count.out > 0 {
            count = self.returned.wait(count).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
