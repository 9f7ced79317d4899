//! What other threads hold of an instance: where completions are put, and how the event loop is woken to fetch them.
//!
//! Invariants:
//! 1. Whoever puts something in wakes the event loop unless `awake` was set; the instance clears `awake` only when it has found the
//!    mailbox empty, and looks again after that; JavaScript keeps it set only while it is going to drain anyway. So nothing
//!    stays behind.
//! 2. No thread calls the threadsafe function once the instance has taken it away: `waker` is empty from then on.

use std::collections::HashMap;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock};

use crossbeam_channel::{Receiver, Sender, unbounded};
use napi::sys;

use super::turn::Turn;
use heavy_load_engine::{Begin, Completion, Sink};
use heavy_load_kernel::value::Value;

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
    /// How often the event loop was woken and ran JavaScript.
    turns: AtomicU64,
    /// `turns` when somebody found that it had not turned for long; else `u64::MAX`.
    silent: AtomicU64,
    /// Empty before the instance is there, and once it is going.
    waker: RwLock<Option<Waker>>,
    loans: Mutex<Loans>,
    returned: Condvar,
    /// AsyncTasks that have given their threads back, by slot; none once nobody will resume them.
    paused: Mutex<Option<HashMap<u32, Box<Turn>>>>,
}

/// What is lent of the environment's memory.
#[derive(Default)]
struct Loans {
    out: usize,
    /// The environment's end waits for it.
    is_end_waiting: bool,
}

/// The threadsafe function that has the event loop drain.
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
            turns: AtomicU64::new(0),
            silent: AtomicU64::new(u64::MAX),
            waker: RwLock::new(None),
            loans: Mutex::default(),
            returned: Condvar::new(),
            paused: Mutex::new(Some(HashMap::new())),
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

    /// Has the event loop drain, unless it is going to.
    fn wake(&self) {
        // A look first, so that the many that find it awake write nothing that other threads read.
        fence(Ordering::SeqCst);
        if !self.awake.load(Ordering::SeqCst) && !self.awake.swap(true, Ordering::SeqCst) {
            self.knock();
        }
    }

    /// Has the event loop drain, whatever it was going to do.
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

    /// The event loop was woken, and runs JavaScript.
    pub(crate) fn turned(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// The event loop has not turned for long, though it was woken.
    pub(crate) fn note_silence(&self) {
        self.silent.store(self.turns(), Ordering::Relaxed);
    }

    /// Whether the event loop has not turned since that was noted.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Relaxed) == self.turns()
    }

    /// Keeps a task that has given its thread back.
    pub(crate) fn pause(&self, slot: u32, turn: Box<Turn>) {
        let late = match &mut *self.paused() {
            Some(paused) => paused.insert(slot, turn),
            None => Some(turn),
        };
        drop(late);
    }

    /// The paused task of a slot, to go on.
    pub(crate) fn resume(&self, slot: u32) -> Option<Box<Turn>> {
        self.paused().as_mut().and_then(|paused| paused.remove(&slot))
    }

    /// Nobody will resume those that have paused.
    pub(crate) fn drop_paused(&self) {
        let paused = self.paused().take();
        drop(paused);
    }

    fn paused(&self) -> MutexGuard<'_, Option<HashMap<u32, Box<Turn>>>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, event: Event) {
        // The receiver lives in the same struct, so this cannot fail.
        let _ = self.events.send(event);
        self.wake();
    }

    /// The next event, if one is there; nobody is told of it.
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

    /// Memory of the environment is lent.
    pub(crate) fn lend(&self) {
        self.loans().out += 1;
    }

    /// Nobody holds such memory any more.
    pub(crate) fn give_back(&self) {
        let mut loans = self.loans();
        loans.out -= 1;
        // To notify nobody is a system call, too.
        if loans.out == 0 && loans.is_end_waiting {
            self.returned.notify_all();
        }
    }

    /// Waits until nobody holds memory of the environment.
    pub(crate) fn wait_for_borrowers(&self) {
        let mut loans = self.loans();
        loans.is_end_waiting = true;
        while loans.out > 0 {
            loans = self.returned.wait(loans).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn loans(&self) -> MutexGuard<'_, Loans> {
        self.loans.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Takes memory that was lent out of a result: it goes back as the input alone. So no result holds what its own end waits for.
pub(crate) fn disown(outcome: &mut heavy_load_kernel::Result<Value>) {
    if matches!(outcome, Ok(Value::View(view)) if view.memory.is_lent()) {
        *outcome = Ok(Value::Undefined);
    }
}
