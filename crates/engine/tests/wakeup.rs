//! The wake protocol (`src/idle/`, whose invariants these tests name) under loom: the pool's own code, compiled with loom's
//! atomics, fences and threads for std's, in models of a few threads. Loom runs a model under every schedule with at most a
//! given number of preemptions, and with every value that the memory model lets a load have.
//!
//! A test fails by an assertion, or by a deadlock, which loom reports: whoever sends waits here for the end of what it has sent, so a
//! message that nobody is woken for blocks it for ever.

#![expect(clippy::unwrap_used, reason = "a test")]

// As in the crate, `sync` is next to the module that uses it.
#[allow(dead_code, reason = "the engine uses more of it")]
#[path = "../src/idle/mod.rs"]
mod idle;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Count, Ordering::SeqCst};

use idle::{Ticket, Wakeup};
use loom::sync::Mutex;
use loom::sync::atomic::AtomicUsize;
use loom::thread::{self, JoinHandle, Thread};

/// What the protocol uses, made of loom's parts; in the crate, `src/sync.rs`.
mod sync {
    use std::cell::Cell;
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use std::time::Duration;

    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
    pub(crate) use loom::thread::{Thread, current as current_thread, park};

    thread_local! {
        /// Whether all threads of a model share one CPU; a model's threads share one real thread.
        pub(crate) static ONE_CPU: Cell<bool> = const { Cell::new(false) };
        static CLOCK: Cell<u64> = const { Cell::new(0) };
    }

    pub(crate) fn current_cpu() -> Option<usize> {
        ONE_CPU.get().then_some(0)
    }

    pub(crate) fn spin_loop() {}

    /// Every look at the clock is a tick later, and a spin is over after one round, which shows all that more rounds would.
    #[derive(Clone, Copy, PartialEq, PartialOrd)]
    pub(crate) struct Instant(u64);

    impl Instant {
        pub(crate) fn now() -> Self {
            CLOCK.set(CLOCK.get() + 1);
            Self(CLOCK.get())
        }
    }

    impl std::ops::Add<Duration> for Instant {
        type Output = Self;
        fn add(self, _: Duration) -> Self {
            Self(self.0 + 2)
        }
    }

    /// Gives its value only to who has synchronized with the thread that set it, or by luck.
    pub(crate) struct OnceLock<T> {
        is_set: AtomicBool,
        value: std::sync::OnceLock<T>,
    }

    impl<T> OnceLock<T> {
        pub(crate) fn new() -> Self {
            Self { is_set: AtomicBool::new(false), value: std::sync::OnceLock::new() }
        }

        pub(crate) fn get(&self) -> Option<&T> {
            if self.is_set.load(Ordering::Acquire) { self.value.get() } else { None }
        }

        pub(crate) fn get_or_init(&self, init: impl FnOnce() -> T) {
            self.value.get_or_init(init);
            self.is_set.store(true, Ordering::Release);
        }
    }

    /// A channel whose order is weaker than crossbeam's: acquire and release.
    struct Channel<T> {
        length: AtomicUsize,
        messages: Mutex<VecDeque<T>>,
    }

    pub(crate) struct Sender<T>(std::sync::Arc<Channel<T>>);
    pub(crate) struct Receiver<T>(std::sync::Arc<Channel<T>>);

    pub(crate) fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
        let channel = Channel { length: AtomicUsize::new(0), messages: Mutex::default() };
        let channel = std::sync::Arc::new(channel);
        (Sender(std::sync::Arc::clone(&channel)), Receiver(channel))
    }

    impl<T> Sender<T> {
        pub(crate) fn send(&self, message: T) -> Result<(), T> {
            self.0.messages.lock().unwrap().push_back(message);
            self.0.length.fetch_add(1, Ordering::Release);
            Ok(())
        }
    }

    impl<T> Receiver<T> {
        pub(crate) fn is_empty(&self) -> bool {
            self.0.length.load(Ordering::Acquire) == 0
        }

        /// By the one thread that has the model's lock.
        pub(crate) fn try_iter(&self) -> impl Iterator<Item = T> {
            let length = self.0.length.load(Ordering::Acquire);
            if length > 0 {
                self.0.length.fetch_sub(length, Ordering::Acquire);
            }
            (0..length).map(|_| self.0.messages.lock().unwrap().pop_front().unwrap())
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Message {
    Task,
    /// The stop of a task that counts no more in the occupancy.
    Stopped,
    /// A task whose thread panics when it reports the end.
    Panics,
}

use Message::{Panics, Stopped, Task};

/// A pool that does what the scheduler does, step by step, over the protocol; and rayon's part, whose threads take tickets from a queue.
struct Pool {
    size: usize,
    wakeup: Wakeup<Message>,
    /// As the scheduler's: tasks that have been sent and have not ended.
    occupancy: AtomicUsize,
    ready: Mutex<VecDeque<Message>>,
    rayon: Mutex<Rayon>,
    owner: Thread,
    // What only the tests look at, which loom is not to reorder.
    ended: Count,
    tickets: Count,
}

#[derive(Default)]
struct Rayon {
    issued: VecDeque<Ticket>,
    sleeping: Vec<Thread>,
    ends: bool,
}

impl Pool {
    /// A pool, and its threads.
    fn new(size: usize) -> (Arc<Self>, Vec<JoinHandle<()>>) {
        let pool = Arc::new(Self {
            size,
            wakeup: Wakeup::new(size),
            occupancy: AtomicUsize::new(0),
            ready: Mutex::new(VecDeque::new()),
            rayon: Mutex::new(Rayon::default()),
            owner: thread::current(),
            ended: Count::new(0),
            tickets: Count::new(0),
        });
        let threads = (0..size).map(|index| {
            let pool = Arc::clone(&pool);
            thread::spawn(move || pool.run_thread(index))
        });
        let threads = threads.collect();
        (pool, threads)
    }

    fn send(&self, message: Message) {
        if message != Stopped {
            self.occupancy.fetch_add(1, SeqCst);
        }
        if let Some(ticket) = self.wakeup.send(message) {
            self.count_ticket();
            self.issue(ticket);
        }
    }

    fn count_ticket(&self) {
        assert!(self.tickets.fetch_add(1, SeqCst) < self.size, "invariant 1: more tickets than threads");
    }

    fn issue(&self, ticket: Ticket) {
        let mut rayon = self.rayon.lock().unwrap();
        rayon.issued.push_back(ticket);
        if let Some(thread) = rayon.sleeping.pop() {
            thread.unpark();
        }
    }

    fn run_thread(&self, index: usize) {
        loop {
            let mut rayon = self.rayon.lock().unwrap();
            if let Some(ticket) = rayon.issued.pop_front() {
                drop(rayon);
                if let Some(again) = self.run_ticket(ticket, index) {
                    self.issue(again);
                }
            } else if rayon.ends {
                return;
            } else {
                rayon.sleeping.push(thread::current());
                drop(rayon);
                thread::park();
            }
        }
    }

    /// As the scheduler's, with what `issue` does after a panic.
    fn run_ticket(&self, mut ticket: Ticket, index: usize) -> Option<Ticket> {
        let mut ending = None;
        loop {
            let mut ready = self.ready.lock().unwrap();
            if ending.is_some_and(|message| message != Stopped) {
                self.occupancy.fetch_sub(1, SeqCst);
            }
            ready.extend(self.wakeup.messages());
            let claimed = if ending == Some(Panics) { None } else { ready.pop_front() };
            let more = !ready.is_empty();
            drop(ready);
            if more
                && claimed.is_some()
                && let Some(another) = self.wakeup.take_ticket()
            {
                self.count_ticket();
                self.issue(another);
            }
            let relief = if claimed.is_none() { self.wakeup.take_relief() } else { None };
            let is_relieved = relief.is_some();
            if let Some(relief) = relief {
                self.count_ticket();
                self.issue(relief);
            }
            let announced = if claimed.is_none() && !is_relieved { self.wakeup.announce(Some(index)) } else { None };
            if let Some(ended) = ending.take() {
                self.ended.fetch_add(1, SeqCst);
                self.owner.unpark();
                if ended == Panics {
                    // The ticket is gone with what has panicked.
                    drop(ticket);
                    return Some(self.wakeup.recover(Some(index)));
                }
            }
            if claimed.is_none() {
                if is_relieved {
                    self.wakeup.wait_for_relief();
                }
                self.tickets.fetch_sub(1, SeqCst);
                ticket = self.wakeup.rest(ticket, announced, || self.occupancy.load(SeqCst) == 0)?;
                self.count_ticket();
            }
            ending = claimed;
        }
    }

    /// Waits until so many tasks have ended.
    fn wait(&self, ended: usize) {
        while self.ended.load(SeqCst) < ended {
            thread::park();
        }
    }

    /// Waits for the end of the threads, once all that has been sent has ended.
    fn join(&self, threads: Vec<JoinHandle<()>>) {
        let mut rayon = self.rayon.lock().unwrap();
        rayon.ends = true;
        rayon.sleeping.drain(..).for_each(|thread| thread.unpark());
        drop(rayon);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(self.tickets.load(SeqCst), 0, "a ticket is lost");
        assert!(self.wakeup.messages().next().is_none(), "invariant 3: a message is lost");
    }

    fn close(&self, threads: Vec<JoinHandle<()>>) {
        self.wakeup.close();
        self.join(threads);
    }
}

/// Has loom try what threads may do, with at most so many preemptions.
fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// Sends messages to a pool of this size, each after the end of the one before.
fn send_in_turn(size: usize, messages: &[Message]) {
    let (pool, threads) = Pool::new(size);
    for (before, &message) in messages.iter().enumerate() {
        pool.send(message);
        pool.wait(before + 1);
    }
    pool.close(threads);
}

/// Invariants 2 to 4: whatever the thread that has ended a task does meanwhile, some thread sees the next.
#[test]
fn one_after_the_other() {
    check(3, || send_in_turn(1, &[Task, Task, Task]));
    check(2, || send_in_turn(2, &[Task, Task]));
}

/// The same where no thread spins, having the sender's CPU; each has the other become idle instead.
#[test]
fn no_thread_spins() {
    sync::ONE_CPU.set(true);
    check(3, || send_in_turn(1, &[Task, Task, Task]));
    check(2, || send_in_turn(2, &[Task, Task]));
}

/// The same for what does not keep the pool from being idle.
#[test]
fn a_stop() {
    check(3, || send_in_turn(1, &[Task, Stopped]));
    check(2, || send_in_turn(2, &[Task, Stopped]));
}

/// Invariants 1 to 4: two that send at once.
#[test]
fn two_senders() {
    for (size, message, preemptions) in [(1, Task, 2), (1, Stopped, 2), (2, Task, 1), (2, Stopped, 1)] {
        check(preemptions, move || {
            let (pool, threads) = Pool::new(size);
            let other = Arc::clone(&pool);
            let sender = thread::spawn(move || other.send(message));
            pool.send(message);
            pool.wait(2);
            sender.join().unwrap();
            pool.close(threads);
        });
    }
}

/// Invariant 5: while the pool is not idle (here as if a task were paused), no thread parks, so all end without being closed.
#[test]
fn no_thread_parks_while_a_task_is_paused() {
    check(2, || {
        let (pool, threads) = Pool::new(2);
        pool.occupancy.fetch_add(1, SeqCst);
        for ended in 1..=2 {
            pool.send(Task);
            pool.wait(ended);
        }
        pool.join(threads);
    });
}

/// Invariant 6: closing, at any time after the last end.
#[test]
fn closing() {
    check(4, || send_in_turn(1, &[Task]));
    check(3, || send_in_turn(2, &[Task]));
}

/// Invariant 7: whoever has panicked, having announced that it is idle, is not waited for, and its ticket goes on.
#[test]
fn a_ticket_that_panics() {
    check(3, || send_in_turn(1, &[Panics, Task]));
    check(2, || send_in_turn(2, &[Panics, Task]));
}
