//! What other threads hold of an instance: where completions are put, and how the event loop is woken to fetch them.
//!
//! Invariants:
//! 1. Whoever puts something in wakes the event loop unless `awake` was set; the instance clears `awake` only when it has found the
//!    mailbox empty, and looks again after that; JavaScript keeps it set only while it is going to drain anyway. So nothing
//!    stays behind.
//! 2. No thread calls the threadsafe function once the instance has taken it away: `waker` is empty from then on.

use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, PoisonError, RwLock};

use crossbeam_channel::{Receiver, Sender, unbounded};
use napi::sys;

use super::borrow::{Borrowed, Loans};
use super::disown::disown;
use super::paused::Paused;
use super::pulse::Pulse;
use heavy_load_engine::{Begin, Completion, Sink};

pub(crate) enum Event {
    Completion(Completion),
    /// The turn of the external task with this slot has come.
    Begun(u32),
    /// The queue of the pool with this number has drained.
    Drained(u32),
}

pub(crate) struct Mailbox {
    events: Sender<Event>,
    inbox: Receiver<Event>,
    awake: AtomicBool,
    /// Empty before the instance is made, and once it ends.
    waker: RwLock<Option<Waker>>,
    /// Whether the event loop turns.
    pub(crate) pulse: Pulse,
    /// What is lent of the environment's memory.
    pub(crate) loans: Arc<Loans>,
    /// AsyncTasks that have given their threads back.
    pub(crate) paused: Paused,
}

/// The threadsafe function that wakes the event loop to drain.
pub(crate) struct Waker(pub(crate) sys::napi_threadsafe_function);

// SAFETY: Node-API lets any thread call a threadsafe function until it is released or its environment ends; before either,
// the instance empties `Mailbox::waker` under its lock.
unsafe impl Send for Waker {}
// SAFETY: as above; calls may be made by many threads at once.
unsafe impl Sync for Waker {}

impl Default for Mailbox {
    fn default() -> Self {
        let (events, inbox) = unbounded();
        Self {
            events,
            inbox,
            awake: AtomicBool::new(false),
            waker: RwLock::new(None),
            pulse: Pulse::default(),
            loans: Arc::default(),
            paused: Paused::default(),
        }
    }
}

impl Mailbox {
    pub(crate) fn set_waker(&self, waker: Waker) {
        *self.waker.write().unwrap_or_else(PoisonError::into_inner) = Some(waker);
    }

    /// From here on no thread wakes the event loop.
    pub(crate) fn take_waker(&self) -> Option<Waker> {
        self.waker.write().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A task's hold on what it borrows of the environment's memory. The environment does not end before it is dropped.
    pub(crate) fn lend(self: &Arc<Self>) -> Borrowed {
        Borrowed::new(Arc::clone(self) as Arc<dyn Sink>, &self.loans)
    }

    /// Says that the queue of pool `number` has drained.
    pub(crate) fn drained(&self, number: u32) {
        self.push(Event::Drained(number));
    }

    /// The event loop is going to drain by itself, so nobody needs to wake it.
    pub(crate) fn stay_awake(&self) {
        self.awake.store(true, Ordering::SeqCst);
    }

    /// The event loop is not going to drain: whoever comes next wakes it.
    pub(crate) fn fall_asleep(&self) {
        self.awake.store(false, Ordering::SeqCst);
    }

    /// Wakes the event loop to drain, unless it is going to anyway.
    fn wake(&self) {
        // A look first, so that the many that find it awake write nothing that other threads read.
        fence(Ordering::SeqCst);
        if !self.awake.load(Ordering::SeqCst) && !self.awake.swap(true, Ordering::SeqCst) {
            self.knock();
        }
    }

    /// Wakes the event loop to drain, whatever it was going to do.
    pub(crate) fn knock(&self) {
        if let Some(waker) = &*self.waker.read().unwrap_or_else(PoisonError::into_inner) {
            // SAFETY: the lock is held, so the instance has not released the function, nor has its environment's cleanup gone on.
            unsafe {
                sys::napi_call_threadsafe_function(
                    waker.0,
                    ptr::null_mut(),
                    sys::ThreadsafeFunctionCallMode::nonblocking,
                );
            }
        }
    }

    fn push(&self, event: Event) {
        // The receiver lives in the same struct, so this cannot fail.
        let _ = self.events.send(event);
        self.wake();
    }

    /// The next event, if one is there. Whether the event loop counts as awake stays as it is.
    pub(crate) fn poll(&self) -> Option<Event> {
        self.inbox.try_recv().ok()
    }

    /// The next event. Without one: with `stay` the event loop counts as awake, else as asleep.
    pub(crate) fn next(&self, stay: bool) -> Option<Event> {
        loop {
            if let Some(event) = self.poll() {
                return Some(event);
            }
            if stay {
                self.stay_awake();
                return None;
            }
            self.fall_asleep();
            fence(Ordering::SeqCst);
            // Something that came in between may have seen `awake` still set: then it is ours to fetch.
            if self.inbox.is_empty() || self.awake.swap(true, Ordering::SeqCst) {
                return None;
            }
        }
    }
}

impl Sink for Mailbox {
    fn complete(&self, mut completion: Completion) {
        disown(&mut completion.outcome);
        self.push(Event::Completion(completion));
    }
}

impl Begin for Mailbox {
    fn begin(&self, slot: u32) {
        self.push(Event::Begun(slot));
    }
}
