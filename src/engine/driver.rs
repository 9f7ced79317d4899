//! The threaded driver: what a pool's threads do, and what wakes them.
//!
//! A *ticket* is a rayon job that takes tasks' morsels from the ready queue and runs them. It re-issues itself about every
//! millisecond, so that rayon's own work (a kernel's `join` or `par_sort`) gets at the threads in between.
//!
//! Invariants:
//! 1. At most as many tickets are outstanding as there are threads, and at least one while a task is ready or submitted.
//! 2. The JavaScript thread never waits for the pool's lock: a thread of low priority may hold it and not have a core. It
//!    submits and cancels through the inbox and atomics.
//! 3. A submission, of one task or many, pushes to the inbox, then looks for a ticket that watches it, then for a free ticket; a
//!    ticket that ends stops watching, gives itself back, then looks at the inbox. All are sequentially consistent, so one of
//!    the two sees the other.
//! 4. `occupancy` counts a task as queued from `reserve` on, or from `submit_all`, until somebody wins its `begin` or `withdraw`.
//! 5. A ticket that panics is issued again.
//! 6. A completion leaves after the counts that its receiver may look at (`occupancy`) have been updated.
//! 7. What is left of work, which may be large, is dropped by a ticket, before it claims or watches anything: so by no event loop,
//!    in nobody's time, and not while others take the thread for free.

use std::sync::atomic::{self, AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::admission::Admission;
use super::control::Stop;
use super::fence::fence;
use super::job::{Finished, Morsel, Ran};
use super::occupancy::Occupancy;
use super::ready::ReadyQueue;
use super::stats::{Durations, Tallies};
use super::task::{Run, Task};
use super::watch::Watch;
use crate::error::{Code, EngineError};
use crate::kernel::Result;

/// How long a ticket runs morsels before it lets rayon have the thread for a moment.
const TICKET: Duration = Duration::from_millis(1);
/// What a pool's callers and its threads share.
pub(super) struct Driver {
    pub(super) size: usize,
    pub(super) max_queue: usize,
    pub(super) began: Instant,
    submit: Sender<Message>,
    inbox: Receiver<Message>,
    tickets: AtomicUsize,
    /// The thread that waits for the inbox, having nothing to do.
    pub(super) watch: Watch,
    /// The demand of tasks that have begun: morsels that run, and paused tasks.
    pub(super) occupancy: Occupancy,
    /// Whether any task has had a timeout: until then nobody asks what tasks wait.
    pub(super) predicts: AtomicBool,
    /// Calls that were refused for overload.
    pub(super) rejected: AtomicU64,
    pub(super) tallies: Mutex<Tallies>,
    /// Told when the queue has become shorter than `size`.
    pub(super) drain_watchers: Mutex<Vec<Weak<dyn Fn() + Send + Sync>>>,
    state: Mutex<State>,
}

/// What callers tell the threads.
pub(super) enum Message {
    Submit(Arc<Task>),
    SubmitAll(Vec<Arc<Task>>),
    /// The task has been stopped: end it now, if no morsel of it runs.
    Stopped(Arc<Task>),
    /// Has the thread that reads it panic.
    #[cfg(test)]
    Panic,
}

/// What is under the pool's lock.
#[derive(Default)]
pub(super) struct State {
    queue: ReadyQueue<Arc<Task>>,
    admission: Admission,
    /// Morsels that are running.
    in_flight: usize,
    /// Tasks that have begun and of which no morsel runs.
    paused: usize,
    /// Tasks that have begun and not ended.
    pub(super) running: usize,
    /// The demand that `occupancy` has been told of.
    demand: isize,
    /// Thread time used.
    pub(super) busy: Duration,
    pub(super) wait: Durations,
    pub(super) run: Durations,
    /// Ends to deliver once the lock is released.
    ended: Vec<End>,
}

impl State {
    fn has_remains(&self) -> bool {
        self.ended.iter().any(|end| end.finished.has_remains())
    }
}

struct End {
    task: Arc<Task>,
    finished: Finished,
    wait: Duration,
    run: Duration,
}

impl Driver {
    pub(super) fn new(size: usize, max_queue: usize) -> Self {
        let (submit, inbox) = unbounded();
        Self {
            size,
            max_queue,
            began: Instant::now(),
            submit,
            inbox,
            tickets: AtomicUsize::new(0),
            watch: Watch::new(size),
            occupancy: Occupancy::default(),
            predicts: AtomicBool::new(false),
            rejected: AtomicU64::new(0),
            tallies: Mutex::default(),
            drain_watchers: Mutex::default(),
            state: Mutex::default(),
        }
    }

    /// Sends a message, and has a thread look at it.
    pub(super) fn send(self: &Arc<Self>, message: Message, threads: &Arc<rayon::ThreadPool>) {
        // The receiver lives in the same struct, so this cannot fail.
        let _ = self.submit.send(message);
        atomic::fence(Ordering::SeqCst);
        if !self.watch.hand_over() && self.take_ticket() {
            issue(Arc::clone(self), threads);
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // No kernel code runs under this lock, so a poisoned one would be our own bug; the data are still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this task would wait; none if it cannot be told without waiting for the lock.
    pub(super) fn predict(&self, task: &Task) -> Option<Duration> {
        if self.occupancy.load() < self.size {
            return Some(Duration::ZERO); // a thread is idle
        }
        let state = self.state.try_lock().ok()?;
        // Whoever has a seat has been taken over, and those that have begun are queued no more.
        let taken_over = state.queue.seated() - state.running;
        let ahead = self.occupancy.queued().saturating_sub(taken_over);
        Some(state.admission.predict(&task.kind(), ahead, self.began.elapsed()))
    }

    #[cold]
    pub(super) fn refuse(&self, wait: Duration, reason: String) -> EngineError {
        self.rejected.fetch_add(1, Ordering::Relaxed);
        let mut error = EngineError::new(Code::PoolOverloaded, reason);
        // Whole seconds, as HTTP's Retry-After has them (RFC 9110, 10.2.3).
        error.retry_after = Some(wait.as_secs_f64().ceil().max(1.0));
        error
    }

    /// Tells of the demand as it is now.
    fn publish(&self, state: &mut State) {
        let demand = (state.in_flight + state.paused) as isize;
        self.occupancy.demand(demand - std::mem::replace(&mut state.demand, demand));
    }

    /// Takes up to so many places in the queue; gives how many it took.
    pub(super) fn join(&self, count: usize) -> usize {
        self.occupancy.join(count, self.max_queue.saturating_add(self.size))
    }

    /// A task that had not begun is gone.
    pub(super) fn give_place_back(&self) {
        self.left_queue(self.occupancy.leave());
    }

    /// Tells who waits for it that the queue has drained, if it just has.
    fn left_queue(&self, queued_before: usize) {
        if queued_before != self.size {
            return;
        }
        let watchers: Vec<_> = {
            let watchers = self.drain_watchers.lock().unwrap_or_else(PoisonError::into_inner);
            watchers.iter().filter_map(Weak::upgrade).collect()
        };
        for watcher in watchers {
            // One that panics costs its own news, not the task that is about to begin.
            let _ = fence(|| {
                watcher();
                Ok(())
            });
        }
    }

    fn take_ticket(&self) -> bool {
        self.tickets
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |tickets| (tickets < self.size).then_some(tickets + 1))
            .is_ok()
    }

    /// Waits for the inbox, as the thread with this index has promised; whether there is something in it.
    fn wait(&self, index: usize) -> bool {
        // Nothing queued, running or paused: nobody needs this thread until somebody submits.
        self.watch.wait(index, || !self.inbox.is_empty(), || self.occupancy.load() == 0)
    }

    /// Whether this ticket, having found nothing to do, may end.
    fn give_ticket_back(&self) -> bool {
        self.tickets.fetch_sub(1, Ordering::SeqCst);
        atomic::fence(Ordering::SeqCst);
        self.inbox.is_empty() || !self.take_ticket()
    }

    /// Runs morsels until there are none, or until it is time to let rayon have the thread; true to be issued again.
    fn run_ticket(self: &Arc<Self>, threads: &Arc<rayon::ThreadPool>) -> bool {
        let mut began = Instant::now();
        let mut now = began;
        let mut state = self.lock();
        loop {
            self.read_inbox(&mut state, now);
            let again = now - began >= TICKET;
            let claimed = if again { None } else { self.claim(&mut state, now) };
            let more = state.queue.len() > 0;
            self.publish(&mut state);
            let mut ended = std::mem::take(&mut state.ended);
            drop(state);
            let remains = ended.iter().any(|end| end.finished.has_remains());
            if more && (claimed.is_some() || remains) && self.take_ticket() {
                issue(Arc::clone(self), threads);
            }
            if remains {
                ended.drain(..).for_each(deliver);
                now = Instant::now();
                state = self.lock();
                state.ended = ended;
                continue;
            }
            // Before the ends are delivered: who hears of one and submits the next task is to find this thread awake.
            let watching = if claimed.is_none() && !again { self.watch.begin() } else { None };
            ended.drain(..).for_each(deliver);
            let Some((task, morsel)) = claimed else {
                if again {
                    return true;
                }
                if !watching.is_some_and(|index| self.wait(index)) && self.give_ticket_back() {
                    return false;
                }
                // What was waited does not count as run.
                began = Instant::now();
                now = began;
                state = self.lock();
                continue;
            };
            let ran = morsel.run(&task.control);
            // The little that was spent on choosing the task counts as its own: one look at the clock a morsel.
            let start = std::mem::replace(&mut now, Instant::now());
            state = self.lock();
            // Give the list back, so that it is not allocated for every task.
            state.ended = ended;
            self.settle(&mut state, task, ran, now - start, now);
        }
    }

    fn read_inbox(&self, state: &mut State, now: Instant) {
        for message in self.inbox.try_iter() {
            match message {
                Message::Submit(task) => self.seat(state, task, now),
                Message::SubmitAll(tasks) => tasks.into_iter().for_each(|task| self.seat(state, task, now)),
                #[cfg(test)]
                Message::Panic => panic!("on purpose: ticket"),
                Message::Stopped(task) => {
                    let mut run = task.run();
                    if task.is_gone() {
                        if let Some(seat) = run.seat.take() {
                            state.queue.leave(seat);
                        }
                        self.leave_admission(state, &task, &mut run, false, now);
                        let Some(why) = task.control.stopped() else { continue };
                        let wait = now.saturating_duration_since(task.submitted);
                        if why == Stop::TimedOut {
                            self.record_wait(state, &task, wait, now);
                        }
                        if let Some(finished) = run.job.take().and_then(|mut job| job.fail(why.error())) {
                            let run = Duration::ZERO;
                            state.ended.push(End { task: Arc::clone(&task), finished, wait, run });
                        }
                    } else if let Err(error) = task.control.check(now) {
                        let finished = run.job.as_mut().and_then(|job| job.fail(error));
                        if let Some(finished) = finished {
                            self.end(state, &task, &mut run, finished, now);
                        }
                    }
                }
            }
        }
    }

    /// Takes a task over.
    fn seat(&self, state: &mut State, task: Arc<Task>, now: Instant) {
        let mut run = task.run();
        // One that was withdrawn before anyone saw it needs no seat.
        if !task.is_gone() {
            let config = &task.config;
            let (key, kind) = (config.key.as_ref(), task.size_class());
            let seat = state.queue.seat(Arc::clone(&task), config.class, key, config.weight, kind);
            run.seat = Some(seat);
            if self.predicts.load(Ordering::Relaxed) {
                state.admission.enter(task.kind(), now.saturating_duration_since(self.began));
                run.predicted_with = true;
            }
        }
    }

    /// The next morsel, and its task; none while there is something to drop first.
    fn claim(&self, state: &mut State, now: Instant) -> Option<(Arc<Task>, Morsel)> {
        while !state.has_remains()
            && let Some(seat) = state.queue.next()
        {
            let task = Arc::clone(state.queue.get(seat));
            let mut run = task.run();
            if run.began.is_none() {
                if !task.begin() {
                    // Withdrawn: the message that ends it is on its way; only the seat is left.
                    run.seat = None;
                    state.queue.leave(seat);
                    self.leave_admission(state, &task, &mut run, false, now);
                    continue;
                }
                state.running += 1;
                // Whoever hears of the shorter queue must find the load as small.
                self.publish(state);
                state.demand += 1;
                self.left_queue(self.occupancy.begin());
            }
            let Some(job) = run.job.as_mut() else { continue };
            if let Err(error) = task.control.check(now) {
                if let Some(finished) = job.fail(error) {
                    self.end(state, &task, &mut run, finished, now);
                }
                continue;
            }
            let max_threads = task.config.max_threads.min(self.size);
            let idle = job.in_flight() == 0;
            let Some(morsel) = job.claim(max_threads) else { continue };
            let more = job.can_claim(max_threads);
            if idle {
                let idle_for = now.saturating_duration_since(run.idle_since);
                run.waited += idle_for;
                state.paused -= usize::from(std::mem::take(&mut run.paused));
            }
            if run.began.is_none() {
                run.began = Some(now);
                state.wait.record(now - task.submitted);
            }
            if more {
                state.queue.ready(seat);
            }
            state.in_flight += 1;
            drop(run);
            return Some((task, morsel));
        }
        None
    }

    fn settle(&self, state: &mut State, task: Arc<Task>, ran: Result<Ran>, elapsed: Duration, now: Instant) {
        state.in_flight -= 1;
        state.busy += elapsed;
        let mut run = task.run();
        run.thread_time += elapsed;
        let Run { job: Some(job), seat: Some(seat), .. } = &mut *run else {
            unreachable!("a task with a morsel in flight has a job and a seat")
        };
        let seat = *seat;
        state.queue.charge(seat, elapsed.as_nanos() as u64, task.progress());
        let finished = job.settle(ran, elapsed);
        if job.in_flight() == 0 {
            let more = job.can_claim(1);
            run.idle_since = now;
            if let Some(finished) = finished {
                self.end(state, &task, &mut run, finished, now);
            } else {
                if run.predicted_with {
                    state.admission.progressed(&task.kind(), run.thread_time, task.progress(), self.size);
                }
                run.paused = true;
                state.paused += 1;
                if more && !state.queue.is_ready(seat) {
                    state.queue.ready(seat);
                }
            }
        } else if job.can_claim(task.config.max_threads.min(self.size)) && !state.queue.is_ready(seat) {
            state.queue.ready(seat);
        }
    }

    /// Counts a task out where waits are predicted, if it was counted in; `done` if it has come to its own end.
    fn leave_admission(&self, state: &mut State, task: &Task, run: &mut Run, done: bool, now: Instant) {
        if std::mem::take(&mut run.predicted_with) {
            let thread_time = done.then_some(run.thread_time);
            state.admission.leave(task.kind(), thread_time, self.size, now.saturating_duration_since(self.began));
        }
    }

    fn record_wait(&self, state: &mut State, task: &Task, waited: Duration, now: Instant) {
        if self.predicts.load(Ordering::Relaxed) {
            state.admission.record(task.kind(), waited, now.saturating_duration_since(self.began));
        }
    }

    /// Takes a task that has begun, or expired, out of the books; the end is delivered once the lock is released.
    fn end(&self, state: &mut State, task: &Arc<Task>, run: &mut Run, finished: Finished, now: Instant) {
        run.job = None;
        match run.seat.take() {
            Some(seat) if finished.is_done() => drop(state.queue.finish(seat)),
            Some(seat) => drop(state.queue.leave(seat)),
            None => {}
        }
        state.running -= 1;
        state.paused -= usize::from(std::mem::take(&mut run.paused));
        self.leave_admission(state, task, run, finished.is_done(), now);
        let sojourn = now.saturating_duration_since(task.submitted);
        let began = run.began.unwrap_or(now);
        let (wait, ran) = (began - task.submitted, now.saturating_duration_since(began));
        if run.began.is_some() {
            state.run.record(ran);
        }
        // An aborted task says nothing of how long it would have waited; one that expired waited at least so long.
        let waited = if run.began.is_some() { run.waited } else { sojourn };
        if !finished.is_cancelled() {
            self.record_wait(state, task, waited, now);
        }
        state.ended.push(End { task: Arc::clone(task), finished, wait, run: ran });
    }
}

fn deliver(End { task, finished, wait, run }: End) {
    task.complete(finished.into_outcome(), wait, run);
}

/// Puts a ticket, already taken, into rayon's queue.
fn issue(driver: Arc<Driver>, threads: &Arc<rayon::ThreadPool>) {
    let pool = Arc::clone(threads);
    threads.spawn_fifo(move || {
        let again = fence(|| Ok(driver.run_ticket(&pool))).unwrap_or_else(|_| {
            // What is not ours has fences of its own, so this is a bug: it costs what it was about, not the ticket.
            driver.watch.leave();
            true
        });
        if again {
            issue(driver, &pool);
        }
    });
}
