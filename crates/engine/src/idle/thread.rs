//! The idle thread, which watches the inbox: spinning for a moment, and parked if the whole pool is idle.
//!
//! A thread costs more to wake than a short task to run; and while one watches, rayon's other threads sleep on although tasks come
//! and go. (Left to rayon, a thread that is woken wakes the next before it begins.)
//!
//! The invariants are the protocol's ([`super`], 2 and 4 to 8).

use std::sync::atomic::{self, Ordering};
use std::time::Duration;

use super::backoff::SpinBackoff;
use super::sync::{
    AtomicBool, AtomicUsize, Instant, OnceLock, Thread, current_cpu, current_thread, fence, park, spin_loop,
};

/// How long a thread spins: about what it costs to wake one.
const SPIN: Duration = Duration::from_micros(50);
/// How long a thread that has the sender's CPU spins for another to become the idle one: it may have to be woken.
const RELIEF: Duration = Duration::from_micros(100);
/// `IdleThread::word` while no thread is idle.
const NONE: usize = 0;

pub(super) struct IdleThread {
    /// Which thread is idle: `NONE`, `awake(index)`, or `parked(index)`. Who else sets it to `NONE` has given that thread the message
    /// that it sent. (A flag would not do: by the time that the thread sees it, another may be idle.)
    word: AtomicUsize,
    backoff: SpinBackoff,
    /// Of having another thread be the idle one; that was useful once a thread that spun has been given a task.
    relief_backoff: SpinBackoff,
    /// The CPU that the last message came from; `usize::MAX` if that is unknown. No part of the protocol: std's own, like the back-off's.
    sender_cpu: atomic::AtomicUsize,
    /// The threads, once each has parked.
    handles: Box<[OnceLock<Thread>]>,
    /// Nothing will come any more.
    closing: AtomicBool,
}

impl IdleThread {
    pub(super) fn new(threads: usize) -> Self {
        Self {
            word: AtomicUsize::new(NONE),
            backoff: SpinBackoff::new(4),
            // Every 4,096th task where all threads have to share a CPU with the sender.
            relief_backoff: SpinBackoff::new(12),
            sender_cpu: atomic::AtomicUsize::new(usize::MAX),
            handles: (0..threads).map(|_| OnceLock::new()).collect(),
            closing: AtomicBool::new(false),
        }
    }

    pub(super) fn is_awake(&self) -> bool {
        is_awake(self.word.load(Ordering::SeqCst))
    }

    /// Wakes the idle thread, if there is one, to read the inbox; whether there was one. The caller has put a fence between its message and
    /// this.
    pub(super) fn wake(&self) -> bool {
        let mut word = self.word.load(Ordering::SeqCst);
        if word != NONE {
            self.sender_cpu.store(current_cpu().unwrap_or(usize::MAX), Ordering::Relaxed);
            word = self.word.swap(NONE, Ordering::SeqCst);
            self.unpark(word);
        }
        word != NONE
    }

    /// Nothing will come any more: wakes the thread that has parked.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        self.unpark(self.word.load(Ordering::SeqCst));
    }

    /// This thread is idle, unless another is; whether it is.
    pub(super) fn announce(&self, index: usize) -> bool {
        self.changes(NONE, awake(index))
    }

    /// This thread is not idle, though it may have announced it.
    pub(super) fn withdraw(&self, index: usize) {
        self.changes(awake(index), NONE);
    }

    /// Waits until there is something in the inbox, as this thread has announced: for a moment, and on if the whole pool is idle.
    /// Whether there is something.
    pub(super) fn wait(&self, index: usize, is_there: impl Fn() -> bool, is_idle: impl Fn() -> bool) -> bool {
        let (awake, parked) = (awake(index), parked(index));
        fence(Ordering::SeqCst);
        if self.is_apart() && self.backoff.permits() {
            let nothing_yet = || !is_there() && self.word.load(Ordering::Relaxed) == awake;
            let until = Instant::now() + SPIN;
            while nothing_yet() && Instant::now() < until {
                for _ in 0..16 {
                    spin_loop();
                }
            }
            let was_useful = !nothing_yet();
            self.backoff.learn(was_useful);
            if was_useful {
                self.relief_backoff.learn(true);
            }
        }
        if is_idle() && !is_there() {
            self.handles[index].get_or_init(current_thread);
            if self.changes(awake, parked) {
                fence(Ordering::SeqCst);
                while self.word.load(Ordering::SeqCst) == parked && !self.closing.load(Ordering::SeqCst) {
                    park();
                }
                return !self.changes(parked, NONE) || is_there();
            }
        }
        // Whoever has changed it meanwhile has given this thread what it sent.
        !self.changes(awake, NONE) || is_there()
    }

    fn changes(&self, from: usize, to: usize) -> bool {
        self.word.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Whether this thread ought to have another be the idle one, which may run elsewhere.
    pub(super) fn wants_relief(&self) -> bool {
        let wants = !self.is_apart() && self.relief_backoff.permits();
        if wants {
            self.relief_backoff.learn(false);
        }
        wants
    }

    /// Waits until another thread is idle, for as long as it may take to wake one.
    pub(super) fn wait_for_relief(&self) {
        let until = Instant::now() + RELIEF;
        while self.word.load(Ordering::Relaxed) == NONE && Instant::now() < until {
            spin_loop();
        }
    }

    /// A thread cannot usefully spin for one that needs the same CPU: of such a pair, the event loop that polls and the idle thread,
    /// each would run only while the other sleeps. So this one has another thread be the idle one, or
    /// parks at once. Left to itself, the system may keep such a pair together for 100 ms and more (seen in a virtual machine).
    fn is_apart(&self) -> bool {
        current_cpu().is_none_or(|cpu| cpu != self.sender_cpu.load(Ordering::Relaxed))
    }

    /// Unparks the thread that has parked, if this says one has.
    fn unpark(&self, word: usize) {
        if let Some(index) = parked_index(word)
            && let Some(thread) = self.handles[index].get()
        {
            thread.unpark();
        }
    }
}

/// The values of `IdleThread::word`: odd while a thread is awake, even, and not 0, while it is parked.
fn awake(index: usize) -> usize {
    2 * index + 1
}

fn parked(index: usize) -> usize {
    2 * index + 2
}

fn is_awake(word: usize) -> bool {
    word % 2 == 1
}

fn parked_index(word: usize) -> Option<usize> {
    if is_awake(word) { None } else { (word / 2).checked_sub(1) }
}
