//! The scheduler: what a pool's threads do.
//!
//! A *ticket* is a rayon job that takes tasks' morsels from the ready queue and runs them. It re-issues itself about every
//! millisecond, so that rayon's own work (a kernel's `join` or `par_sort`) gets at the threads in between. When tickets begin and end,
//! and what wakes a thread, is the wake protocol's ([`idle`](super::idle)).
//!
//! Invariants:
//! 1. A ticket is outstanding while a task is ready and a place is free: one that leaves such tasks behind in the queue issues another, if it
//!    can. External tasks take places too ([`external`](super::external)); whoever frees one looks at the queue again.
//! 2. The JavaScript thread never waits for the pool's lock: a thread of low priority may hold it and not have a core. It
//!    submits and cancels through the inbox and atomics; and what it says of external tasks, which need no thread, it does at once if
//!    nobody has the lock.
//! 3. `occupancy` counts a task as queued from `reserve` on, or from `submit_batch`, until its `begin` or `withdraw` is published.
//! 4. What the run queue has noted is done once its lock is released, in this order: the counts are published, a ticket is issued
//!    for the next morsel, external tasks are begun, work is dropped, this thread is announced as free, and completions are sent. So whoever
//!    hears of an end finds counts that include it, and a thread that will take up the next task at once.
//! 5. What is left of work, which may be large, is dropped by a ticket, before it claims anything or becomes idle: so by no event loop,
//!    in no task's time, and not while others take the thread for free.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError, Weak};
use std::time::{Duration, Instant};

use super::admission::{Admission, Arrival, Refusal, Stake};
use super::config::PoolConfig;
use super::idle::{Ticket, Wakeup};
use super::job::{Job, Timed};
use super::occupancy::Occupancy;
use super::pace::{self, lap};
use super::panics::catch_panic;
use super::run_queue::{Begun, Claimed, End, RunQueue, Settled};
use super::stats::{Gauges, Tallies};
use super::task::{Task, TaskConfig};

/// How long a ticket runs morsels before it lets rayon have the thread for a moment.
const TICKET: Duration = Duration::from_millis(1);

/// So much of the inbox is read by who has something to say of external tasks; with more, a thread does it all.
const FEW: usize = 32;

/// What a pool's callers and its threads share.
pub(super) struct Scheduler {
    pub(super) size: usize,
    pub(super) max_queue: usize,
    pub(super) began: Instant,
    /// The inbox, and how a thread is woken to read it.
    pub(super) wakeup: Wakeup<Message>,
    /// How full the pool is.
    pub(super) occupancy: Occupancy,
    /// Which tasks are admitted.
    pub(super) admission: Admission,
    pub(super) tallies: Mutex<Tallies>,
    /// Called whenever the queue has become shorter than `size`.
    pub(super) drain_listeners: RwLock<Vec<Weak<dyn Fn() + Send + Sync>>>,
    pub(super) gauges: Arc<Gauges>,
    /// The pool's lock.
    queue: Mutex<RunQueue>,
}

/// What callers send to the threads.
pub(super) enum Message {
    Submit(Arc<Task>),
    SubmitBatch(Vec<Arc<Task>>),
    /// The task has been stopped: end it now, if no morsel of it runs.
    Stopped(Arc<Task>),
    /// The work of an external task is done, or given up: its place is free.
    Done(Arc<Task>),
    /// There is something to be done, or to be predicted anew.
    Look,
    /// Has the thread that reads it panic.
    #[cfg(test)]
    Panic,
}

/// What a look at the run queue has given: a morsel to run, and what else is to be done.
struct Turn {
    claimed: Option<Claimed>,
    /// Whether another thread could have a morsel too.
    more: bool,
    /// Whether the queue has drained.
    drained: bool,
    begun: Vec<Begun>,
    ended: Vec<End>,
}

impl Scheduler {
    pub(super) fn new(config: &PoolConfig) -> Self {
        let (size, began, gauges) = (config.threads, Instant::now(), Arc::<Gauges>::default());
        let queue = RunQueue::new(size, config.max_memory, began, Arc::clone(&gauges));
        Self {
            size,
            max_queue: config.max_queue,
            began,
            wakeup: Wakeup::new(size),
            occupancy: Occupancy::new(size, config.max_queue),
            admission: Admission::new(size),
            tallies: Mutex::default(),
            drain_listeners: RwLock::default(),
            gauges,
            queue: Mutex::new(queue),
        }
    }

    /// Sends a message, and sees to it that a thread reads it.
    pub(super) fn send(self: &Arc<Self>, message: Message, threads: &Arc<rayon::ThreadPool>) {
        if let Some(ticket) = self.wakeup.send(message) {
            issue(Arc::clone(self), threads, ticket);
        }
    }

    /// Does at once, if nobody has the lock, what a message about an external task asks for, and begins those whose turn it is; else sends it.
    /// Gives those that have begun, and the ends, which the caller is to deliver.
    pub(super) fn tell(self: &Arc<Self>, message: Message, threads: &Arc<rayon::ThreadPool>) -> (Vec<Begun>, Vec<End>) {
        let mut queue = match self.queue.try_lock() {
            Ok(queue) => queue,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                self.send(message, threads);
                return (vec![], vec![]);
            }
        };
        let now = Instant::now();
        // What was sent before comes before.
        for message in self.wakeup.messages().take(FEW) {
            queue.read(message, now);
        }
        if self.wakeup.has_messages() {
            drop(queue);
            self.send(message, threads);
            return (vec![], vec![]);
        }
        queue.read(message, now);
        queue.begin_external(now);
        let (begun, ended) = (queue.take_begun(), queue.take_ended_without_remains());
        let more = queue.has_more() || queue.has_remains();
        let drained = self.publish(&mut queue);
        drop(queue);
        if more {
            // A thread may have found the inbox empty that was to read what has been read here.
            self.send(Message::Look, threads);
        }
        if drained {
            self.report_drained();
        }
        (begun, ended)
    }

    /// Tells those who do the work of external tasks that these have begun.
    pub(super) fn begin(self: &Arc<Self>, begun: impl IntoIterator<Item = Begun>, threads: &Arc<rayon::ThreadPool>) {
        for begun in begun {
            // One that cannot be told costs its own task, not its place.
            if begun.tell().is_err() {
                self.send(Message::Done(begun.task), threads);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, RunQueue> {
        // No kernel code runs under this lock, so a poisoned one would be our own bug; the data are still whole.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a task from now on, unless it could not be done in its time.
    pub(super) fn admit(&self, job: &Job, config: &TaskConfig, now: Instant) -> Result<Stake, Refusal> {
        let TaskConfig { priority, ref key, weight, max_threads, timeout, part, .. } = *config;
        let lanes = if job.is_parallel() { max_threads } else { 1 };
        let (kind, goes_on) = (config.kind(job), !part.is_first);
        let arrival = Arrival { priority, key: key.as_ref(), weight, kind, lanes, timeout, goes_on };
        let now = now.saturating_duration_since(self.began);
        self.admission.enter(arrival, self.occupancy.wanted_threads(), &self.gauges.pace, now)
    }

    /// A task that had not begun has gone.
    pub(super) fn give_place_back(&self) {
        if self.occupancy.leave() {
            self.report_drained();
        }
    }

    /// The queue has drained: calls the listeners.
    #[cold]
    fn report_drained(&self) {
        let listeners: Vec<_> = {
            let listeners = self.drain_listeners.read().unwrap_or_else(PoisonError::into_inner);
            listeners.iter().filter_map(Weak::upgrade).collect()
        };
        for listener in listeners {
            // A listener that panics misses this event; the thread goes on.
            let _ = catch_panic(|| {
                listener();
                Ok(())
            });
        }
    }

    /// Runs morsels until there are none, or until it is time to let rayon have the thread; then gives the ticket to be issued again.
    fn run_ticket(self: &Arc<Self>, threads: &Arc<rayon::ThreadPool>, mut ticket: Ticket) -> Option<Ticket> {
        let mut now = Instant::now();
        let mut until = now + TICKET;
        let mut list = vec![];
        let mut queue = self.lock();
        loop {
            let again = now >= until;
            let Turn { claimed, more, drained, begun, mut ended } = self.look(&mut queue, !again, list, now);
            drop(queue);
            let remains = ended.iter().any(End::has_remains);
            if more
                && (claimed.is_some() || remains)
                && let Some(another) = self.wakeup.take_ticket()
            {
                issue(Arc::clone(self), threads, another);
            }
            if !begun.is_empty() {
                self.begin(begun, threads);
            }
            if remains {
                ended.drain(..).for_each(End::deliver);
                if drained {
                    self.report_drained();
                }
                (list, now) = (ended, Instant::now());
                queue = self.lock();
                continue;
            }
            // Before the ends are delivered: a caller that hears of one and submits the next task is to find this thread awake.
            let rests = claimed.is_none() && !again;
            let relief = if rests { self.wakeup.take_relief() } else { None };
            let is_relieved = relief.is_some();
            if let Some(relief) = relief {
                issue(Arc::clone(self), threads, relief);
            }
            let announced =
                if rests && !is_relieved { self.wakeup.announce(rayon::current_thread_index()) } else { None };
            ended.drain(..).for_each(End::deliver);
            // The list is used again, so that it is not allocated for every task.
            list = ended;
            if drained {
                self.report_drained();
            }
            let Some(claimed) = claimed else {
                if again {
                    return Some(ticket);
                }
                pace::wait();
                if is_relieved {
                    self.wakeup.wait_for_relief();
                }
                // Nothing queued, running or paused: nobody needs this thread until somebody submits.
                ticket = self.wakeup.rest(ticket, announced, || self.occupancy.wanted_threads() == 0)?;
                // The wait does not count as run time.
                now = Instant::now();
                until = now + TICKET;
                queue = self.lock();
                continue;
            };
            let (seat, Timed { ran, at, is_last }) = claimed.run();
            // The little time that choosing the task took counts as its own, so that the clock is read once a morsel.
            let elapsed = at - now;
            let settled = Settled { ran, elapsed, lap: lap(elapsed, at) };
            // The time that dropping the work took counts for no task.
            now = if is_last { Instant::now() } else { at };
            queue = self.lock();
            queue.settle_morsel(seat, settled, now);
        }
    }

    /// Takes in what has been sent, and claims the next morsel, if this thread is to have one.
    fn look(&self, queue: &mut RunQueue, claims: bool, list: Vec<End>, now: Instant) -> Turn {
        for message in self.wakeup.messages() {
            queue.read(message, now);
        }
        let claimed = if claims { queue.claim(now) } else { None };
        let more = queue.has_more();
        let begun = queue.take_begun();
        let ended = queue.take_ended(list);
        let drained = self.publish(queue);
        Turn { claimed, more, drained, begun, ended }
    }

    /// Publishes what has changed under the lock; whether the queue has drained.
    fn publish(&self, queue: &mut RunQueue) -> bool {
        queue.publish();
        self.occupancy.publish(queue.books())
    }
}

impl RunQueue {
    fn read(&mut self, message: Message, now: Instant) {
        match message {
            Message::Submit(task) => self.submit(task, now),
            Message::SubmitBatch(tasks) => tasks.into_iter().for_each(|task| self.submit(task, now)),
            Message::Stopped(task) => self.stopped(&task, now),
            Message::Done(task) => self.done(&task, now),
            Message::Look => {}
            #[cfg(test)]
            Message::Panic => panic!("on purpose: ticket"),
        }
    }
}

/// Puts a ticket into rayon's queue.
fn issue(scheduler: Arc<Scheduler>, threads: &Arc<rayon::ThreadPool>, ticket: Ticket) {
    let pool = Arc::clone(threads);
    threads.spawn_fifo(move || {
        let again = catch_panic(|| Ok(scheduler.run_ticket(&pool, ticket))).unwrap_or_else(|_| {
            // Panics of kernels and listeners are caught closer by, so this is a bug of ours. It does not cost the ticket.
            Some(scheduler.wakeup.recover(rayon::current_thread_index()))
        });
        if let Some(ticket) = again {
            issue(scheduler, &pool, ticket);
        }
    });
}
