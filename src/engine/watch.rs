//! A thread without work that waits for the inbox: awake for a moment, and asleep if the whole pool is idle.
//!
//! A thread costs more to wake than a short task to run; and with one that watches, rayon's threads sleep on although tasks come
//! and go. (Left to rayon, a thread that is woken wakes the next before it begins.)
//!
//! Invariants:
//! 1. At most one thread watches.
//! 2. No thread begins to wait awake on the CPU that the last submission came from.
//! 3. A thread sleeps inside a rayon job only while the whole pool is idle, and only one does; so no rayon work waits for it.

use std::hint::spin_loop;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::patience::Patience;
use super::place::current_cpu;

/// How long a thread waits awake: about what it costs to wake one.
const AWAKE: Duration = Duration::from_micros(50);
/// `Watch::word` while nobody watches.
const UNWATCHED: usize = 0;

pub(super) struct Watch {
    /// Who watches: `UNWATCHED`, `awake(index)`, or `asleep(index)`. Who else sets it to `UNWATCHED` has handed that thread the
    /// message it sent. (A flag would not do: by the time that the thread sees that it has been handed one, another may watch.)
    word: AtomicUsize,
    patience: Patience,
    /// The CPU that the last submission came from; `usize::MAX` if that is unknown.
    submitter_cpu: AtomicUsize,
    /// The threads, once each has slept.
    handles: Box<[OnceLock<Thread>]>,
    /// Nothing will come any more.
    closing: AtomicBool,
}

impl Watch {
    pub(super) fn new(threads: usize) -> Self {
        Self {
            word: AtomicUsize::new(UNWATCHED),
            patience: Patience::default(),
            submitter_cpu: AtomicUsize::new(usize::MAX),
            handles: (0..threads).map(|_| OnceLock::new()).collect(),
            closing: AtomicBool::new(false),
        }
    }

    /// Whether a thread is awake that would take the next task up at once.
    pub(super) fn is_awake(&self) -> bool {
        is_awake(self.word.load(Ordering::SeqCst))
    }

    /// Has the thread that watches, if there is one, look at the inbox, to which something has been sent.
    pub(super) fn hand_over(&self) -> bool {
        let mut word = self.word.load(Ordering::SeqCst);
        if word != UNWATCHED {
            self.submitter_cpu.store(current_cpu().unwrap_or(usize::MAX), Ordering::Relaxed);
            word = self.word.swap(UNWATCHED, Ordering::SeqCst);
            self.wake(word);
        }
        word != UNWATCHED
    }

    /// Nothing will come any more: whoever sleeps may go.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.wake(self.word.load(Ordering::SeqCst));
    }

    /// Promises to look at the inbox in a moment, unless another thread has; gives this thread's index if it has promised.
    pub(super) fn begin(&self) -> Option<usize> {
        let index = rayon::current_thread_index()?;
        self.changes(UNWATCHED, awake(index)).then_some(index)
    }

    /// This thread keeps no promise that it may have made.
    pub(super) fn leave(&self) {
        if let Some(index) = rayon::current_thread_index() {
            self.changes(awake(index), UNWATCHED);
        }
    }

    /// Waits until there is something in the inbox, for a moment, and sleeps on if the whole pool is idle; whether there is.
    pub(super) fn wait(&self, index: usize, is_there: impl Fn() -> bool, is_idle: impl Fn() -> bool) -> bool {
        let (awake, asleep) = (awake(index), asleep(index));
        fence(Ordering::SeqCst);
        if self.is_apart() && self.patience.is_left() {
            let nothing_yet = || !is_there() && self.word.load(Ordering::Relaxed) == awake;
            let until = Instant::now() + AWAKE;
            while nothing_yet() && Instant::now() < until {
                for _ in 0..16 {
                    spin_loop();
                }
            }
            self.patience.learn(!nothing_yet());
        }
        if is_idle() && !is_there() {
            self.handles[index].get_or_init(thread::current);
            if self.changes(awake, asleep) {
                while self.word.load(Ordering::SeqCst) == asleep && !self.closing.load(Ordering::SeqCst) {
                    thread::park();
                }
                return !self.changes(asleep, UNWATCHED) || is_there();
            }
        }
        // Whoever has changed it meanwhile has handed this thread what it sent.
        !self.changes(awake, UNWATCHED) || is_there()
    }

    fn changes(&self, from: usize, to: usize) -> bool {
        self.word.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Who waits awake for a thread on its own CPU waits in vain: two that wait for each other, as the event loop that polls
    /// and the thread that watches do, would take turns by going to sleep. So this one sleeps at once: whoever wakes it then
    /// keeps that CPU busy, and the system puts it on another that it finds idle.
    fn is_apart(&self) -> bool {
        current_cpu().is_none_or(|cpu| cpu != self.submitter_cpu.load(Ordering::Relaxed))
    }

    /// Wakes whom `word` says to sleep.
    fn wake(&self, word: usize) {
        if let Some(index) = sleeper(word)
            && let Some(thread) = self.handles[index].get()
        {
            thread.unpark();
        }
    }
}

/// The values of `Watch::word`: odd while a thread is awake, even, and not 0, while it sleeps.
fn awake(index: usize) -> usize {
    2 * index + 1
}

fn asleep(index: usize) -> usize {
    2 * index + 2
}

fn is_awake(word: usize) -> bool {
    word % 2 == 1
}

fn sleeper(word: usize) -> Option<usize> {
    if is_awake(word) { None } else { (word / 2).checked_sub(1) }
}
