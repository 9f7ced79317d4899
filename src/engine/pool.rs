//! The threaded driver: a rayon pool of our own, driven by tickets.
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
//! 5. A thread sleeps inside a rayon job only while the whole pool is idle, and only one does; so no rayon work waits for it.
//! 6. A completion leaves after the counts that its receiver may look at (`occupancy`) have been updated.

use std::env;
use std::hint::spin_loop;
use std::num::NonZero;
use std::sync::atomic::{self, AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::{self, Thread, available_parallelism};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::admission::Admission;
use super::control::Stop;
use super::fence::{fence, fenced_drop};
use super::job::{Finished, Job, Morsel};
use super::occupancy::Occupancy;
use super::patience::Patience;
use super::place::{current_cpu, leave_cpu, stand_back};
use super::ready::ReadyQueue;
use super::stats::{Counters, Durations, Outcome, Stats};
use super::task::{Run, Sink, Task, TaskConfig};
use crate::error::{Code, EngineError};
use crate::kernel::{Result, Work};

/// How long a ticket runs morsels before it lets rayon have the thread for a moment.
const TICKET: Duration = Duration::from_millis(1);
/// How long a ticket without work watches the inbox: about what it costs to wake a thread.
const WATCH: Duration = Duration::from_micros(50);
/// `Shared::watch` while nobody watches.
const UNWATCHED: usize = 0;
/// The largest pool: what libuv allows, and more than any machine has use for.
const MOST_THREADS: u64 = 1024;

/// How a pool is made.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// Its threads, > 0.
    pub threads: usize,
    /// Tasks that may wait, for their first morsel or for their next; with 0, a task is taken only while a thread is idle.
    pub max_queue: usize,
    /// Linux: how far the threads stand back behind others, 0..=19.
    pub niceness: u8,
    /// The beginning of the threads' names.
    pub name: String,
}

/// The threads that a pool has by default: HEAVY_LOAD_THREADS, or the CPUs that this process may really use, with
/// affinity and cgroup quota counted in.
///
/// # Errors
/// ERR_INVALID_ARG_VALUE if HEAVY_LOAD_THREADS is set and no integer from 1 to 1024.
pub fn default_threads() -> Result<usize> {
    match env::var("HEAVY_LOAD_THREADS") {
        Err(_) => Ok(available_parallelism().map_or(1, NonZero::get)),
        Ok(text) => match text.trim().parse() {
            Ok(threads) if (1..=MOST_THREADS).contains(&threads) => Ok(threads as usize),
            _ => Err(EngineError::new(
                Code::InvalidArgValue,
                format!("HEAVY_LOAD_THREADS must be an integer >= 1 and <= {MOST_THREADS}. Received '{text}'"),
            )),
        },
    }
}

/// A pool of threads that run tasks. Dropping it lets the tasks that it has end, and then its threads.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Arc<rayon::ThreadPool>,
}

struct Shared {
    size: usize,
    max_queue: usize,
    began: Instant,
    submit: Sender<Message>,
    inbox: Receiver<Message>,
    tickets: AtomicUsize,
    /// Which thread's ticket, having nothing to do, watches the inbox: `UNWATCHED`, `watched_by(index)`, or `asleep(index)`. Who
    /// else sets it to `UNWATCHED` has handed that ticket the message it sent. (A flag would not do: by the time that the ticket
    /// sees that it has been handed one, another may watch.)
    watch: AtomicUsize,
    /// Of the threads that watch.
    patience: Patience,
    /// The CPU that the last submission came from; `usize::MAX` if that is unknown.
    submitter_cpu: AtomicUsize,
    /// The threads, once each has run a ticket.
    handles: Box<[OnceLock<Thread>]>,
    /// The pool was dropped: nothing will come any more.
    closing: AtomicBool,
    /// The demand of tasks that have begun: morsels that run, and paused tasks.
    occupancy: Occupancy,
    /// Whether any task has had a timeout: until then nobody asks what tasks wait.
    predicts: AtomicBool,
    counters: Arc<Counters>,
    /// Told when the queue has become shorter than `size`.
    drain_watchers: Mutex<Vec<Weak<dyn Fn() + Send + Sync>>>,
    state: Mutex<State>,
}

enum Message {
    Submit(Arc<Task>),
    SubmitAll(Vec<Arc<Task>>),
    /// The task has been stopped: end it now, if no morsel of it runs.
    Stopped(Arc<Task>),
}

struct State {
    queue: ReadyQueue<Arc<Task>>,
    admission: Admission,
    /// Morsels that are running.
    in_flight: usize,
    /// Tasks that have begun and of which no morsel runs.
    paused: usize,
    /// Tasks that have begun and not ended.
    running: usize,
    /// The demand that `occupancy` has been told of.
    demand: isize,
    /// Thread time used.
    busy: Duration,
    wait: Durations,
    run: Durations,
    /// Ends to deliver once the lock is released.
    ended: Vec<End>,
}

struct End {
    task: Arc<Task>,
    finished: Finished,
    wait: Duration,
    run: Duration,
}

/// A place in the queue and the task that is to have it, which nobody else knows yet. Given back if it is not submitted.
pub struct Reservation<'pool> {
    shared: &'pool Shared,
    task: Option<Arc<Task>>,
    /// Whether it has its place, to be given back.
    counted: bool,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("size", &self.shared.size).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Reservation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reservation").field("task", &self.task).finish_non_exhaustive()
    }
}

impl Pool {
    /// Starts the threads.
    ///
    /// # Errors
    /// ERR_OUT_OF_RANGE if the system does not give so many threads.
    pub fn new(config: PoolConfig) -> Result<Self> {
        let PoolConfig { threads: size, max_queue, niceness, name } = config;
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(size)
            .thread_name(move |index| format!("{name}-{index}"))
            .start_handler(move |_| stand_back(niceness))
            // Tickets catch the panics of kernels; without a handler of its own, rayon would abort the process for ours.
            .panic_handler(|_| {})
            .build()
            .map_err(|error| {
                EngineError::new(Code::OutOfRange, format!("The system does not give {size} threads: {error}"))
            })?;
        let (submit, inbox) = unbounded();
        let shared = Shared {
            size,
            max_queue,
            began: Instant::now(),
            submit,
            inbox,
            tickets: AtomicUsize::new(0),
            watch: AtomicUsize::new(UNWATCHED),
            patience: Patience::default(),
            submitter_cpu: AtomicUsize::new(usize::MAX),
            handles: (0..size).map(|_| OnceLock::new()).collect(),
            closing: AtomicBool::new(false),
            occupancy: Occupancy::default(),
            predicts: AtomicBool::new(false),
            counters: Arc::default(),
            drain_watchers: Mutex::default(),
            state: Mutex::new(State {
                queue: ReadyQueue::default(),
                admission: Admission::default(),
                in_flight: 0,
                paused: 0,
                running: 0,
                demand: 0,
                busy: Duration::ZERO,
                wait: Durations::default(),
                run: Durations::default(),
                ended: Vec::new(),
            }),
        };
        Ok(Self { shared: Arc::new(shared), threads: Arc::new(threads) })
    }

    /// The number of threads.
    pub fn size(&self) -> usize {
        self.shared.size
    }

    /// Whether as many tasks wait for their first morsel as there are threads, or more.
    pub fn needs_drain(&self) -> bool {
        self.shared.occupancy.queued() >= self.shared.size
    }

    /// Has `watcher` called, on any thread, whenever [`Pool::needs_drain`] has become false. It is forgotten with its
    /// last owner.
    pub fn watch_drain(&self, watcher: &Arc<dyn Fn() + Send + Sync>) {
        let mut watchers = self.shared.drain_watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(Arc::downgrade(watcher));
    }

    /// A place for this work, which came `now`, if there is one.
    ///
    /// # Errors
    /// ERR_POOL_OVERLOADED if the queue is full, or if the predicted wait exceeds the task's timeout; ERR_KERNEL_PANIC.
    pub fn reserve(&self, work: Work, config: TaskConfig, now: Instant) -> Result<Reservation<'_>> {
        let shared = &*self.shared;
        let timeout = config.timeout;
        let mut reservation = Reservation::without_place(shared, work, config, now)?;
        if let Some(timeout) = timeout {
            shared.predicts.store(true, Ordering::Relaxed);
            if let Some(predicted) = shared.predict(&reservation)
                && predicted > timeout
            {
                let reason = format!(
                    "The pool is overloaded: the predicted wait of {} ms exceeds the timeout of {} ms",
                    predicted.as_millis(),
                    timeout.as_millis()
                );
                // There is room again once what is too much has been worked off.
                return Err(shared.refuse(predicted - timeout, reason));
            }
        }
        // A paused task waits too: otherwise there could be any number, since every task begins soon.
        if shared.join(1) == 0 {
            let wait = shared.predict(&reservation).unwrap_or_default();
            return Err(shared.refuse(wait, format!("The pool is full: {} tasks may wait, and do", shared.max_queue)));
        }
        reservation.counted = true;
        Ok(reservation)
    }

    /// Whether a thread is awake that would take the next task up at once.
    pub fn is_watching(&self) -> bool {
        is_watched(self.shared.watch.load(Ordering::SeqCst))
    }

    /// Queues the work for which a place was reserved. Its end goes to `sink`.
    pub fn submit(&self, reservation: Reservation<'_>, sink: Arc<dyn Sink>, slot: u32) -> Arc<Task> {
        let task = reservation.into_task(sink, slot);
        self.send(Message::Submit(Arc::clone(&task)));
        task
    }

    /// Queues works (with the number of the kernel, and a slot) whose configuration is the default, for as long as there are places
    /// and works; each task is told to `queued`. For many this costs a fraction of what `submit` does.
    pub fn submit_all(
        &self,
        works: impl ExactSizeIterator<Item = Result<(Work, usize, u32)>>,
        sink: &Arc<dyn Sink>,
        mut queued: impl FnMut(Arc<Task>),
    ) {
        let (shared, now) = (&*self.shared, Instant::now());
        let places = shared.join(works.len());
        let mut tasks = Vec::with_capacity(places);
        for work in works.take(places) {
            let task = work.and_then(|(work, kernel, slot)| {
                let config = TaskConfig { kernel, ..TaskConfig::default() };
                Ok(Reservation::without_place(shared, work, config, now)?.into_task(Arc::clone(sink), slot))
            });
            let Ok(task) = task else { break };
            queued(Arc::clone(&task));
            tasks.push(task);
        }
        for _ in tasks.len()..places {
            shared.give_place_back();
        }
        self.send(Message::SubmitAll(tasks));
    }

    /// Stops a task of this pool, queued or running. Its completion comes all the same: at once if it was queued, else
    /// once its running morsels have ended.
    pub fn stop(&self, task: &Arc<Task>, why: Stop) {
        task.control.stop(why);
        if task.withdraw() {
            let shared = &self.shared;
            let job = task.run().job.take();
            let outcome = fenced_drop(job).and(Err(why.error()));
            shared.give_place_back();
            task.complete(outcome, task.submitted.elapsed(), Duration::ZERO);
        }
        // A worker frees the seat, or ends the task if it is paused.
        self.send(Message::Stopped(Arc::clone(task)));
    }

    /// The pool as it is now.
    pub fn stats(&self) -> Stats {
        let shared = &self.shared;
        let state = shared.lock();
        let counters = &shared.counters;
        let uptime = shared.began.elapsed();
        let thread_time = uptime.as_secs_f64() * shared.size as f64;
        Stats {
            threads: shared.size,
            queued: shared.occupancy.queued(),
            running: state.running,
            completed: counters.ended(Outcome::Completed),
            failed: counters.ended(Outcome::Failed),
            cancelled: counters.ended(Outcome::Cancelled),
            timed_out: counters.ended(Outcome::TimedOut),
            rejected: counters.rejected(),
            utilization: (state.busy.as_secs_f64() / thread_time).clamp(0.0, 1.0),
            uptime,
            wait: state.wait.percentiles(),
            run: state.run.percentiles(),
        }
    }

    fn send(&self, message: Message) {
        let shared = &self.shared;
        // The receiver lives in the same struct, so this cannot fail.
        let _ = shared.submit.send(message);
        atomic::fence(Ordering::SeqCst);
        let mut watch = shared.watch.load(Ordering::SeqCst);
        if watch != UNWATCHED {
            shared.submitter_cpu.store(current_cpu().unwrap_or(usize::MAX), Ordering::Relaxed);
            watch = shared.watch.swap(UNWATCHED, Ordering::SeqCst);
        }
        if watch != UNWATCHED {
            shared.wake(watch);
        } else if shared.take_ticket() {
            issue(Arc::clone(shared), &self.threads);
        }
    }
}

impl<'pool> Reservation<'pool> {
    fn without_place(shared: &'pool Shared, work: Work, config: TaskConfig, now: Instant) -> Result<Self> {
        let task = fence(|| Ok(Arc::new(Task::new(work, config, Arc::clone(&shared.counters), now))))?;
        Ok(Self { shared, task: Some(task), counted: false })
    }

    /// Puts other work into the place: the same task, over memory that has moved.
    ///
    /// # Errors
    /// ERR_KERNEL_PANIC.
    pub fn replace(&mut self, work: Work) -> Result<()> {
        let job = fence(|| Ok(Job::new(work)))?;
        fenced_drop(self.own().run_mut().job.replace(job))
    }

    fn into_task(mut self, sink: Arc<dyn Sink>, slot: u32) -> Arc<Task> {
        self.own().address(sink, slot);
        self.task.take().unwrap_or_else(|| unreachable!("only this takes the task, and the reservation"))
    }

    fn own(&mut self) -> &mut Task {
        let task = self.task.as_mut().and_then(Arc::get_mut);
        task.unwrap_or_else(|| {
            unreachable!("nobody else knows the task, and it is not taken while there is the reservation")
        })
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        self.shared.wake(self.shared.watch.load(Ordering::SeqCst));
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        // Once submitted, a task has the place and counts itself out.
        if let Some(task) = self.task.take() {
            let _ = fenced_drop(task);
            if self.counted {
                self.shared.give_place_back();
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No kernel code runs under this lock, so a poisoned one would be our own bug; the data are still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this task would wait; none if it cannot be told without waiting for the lock.
    fn predict(&self, reservation: &Reservation<'_>) -> Option<Duration> {
        let task = reservation.task.as_ref()?;
        if self.occupancy.load() < self.size {
            return Some(Duration::ZERO); // a thread is idle
        }
        let state = self.state.try_lock().ok()?;
        // Begun or not, those that have been taken over have a seat.
        let seated = state.queue.seated() - state.running;
        let ahead = self.occupancy.queued().saturating_sub(seated);
        Some(state.admission.predict(&task.kind(), ahead, self.began.elapsed()))
    }

    #[cold]
    fn refuse(&self, wait: Duration, reason: String) -> EngineError {
        self.counters.count_rejected();
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
    fn join(&self, count: usize) -> usize {
        self.occupancy.join(count, self.max_queue.saturating_add(self.size))
    }

    /// A task that had not begun is gone.
    fn give_place_back(&self) {
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
            watcher();
        }
    }

    fn take_ticket(&self) -> bool {
        self.tickets
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |tickets| (tickets < self.size).then_some(tickets + 1))
            .is_ok()
    }

    /// Promises to look at the inbox in a moment, unless another ticket has; gives the thread's index if it has promised.
    fn begin_watch(&self) -> Option<usize> {
        let index = rayon::current_thread_index()?;
        self.watch_changes(UNWATCHED, watched_by(index)).then_some(index)
    }

    /// Looks at the inbox for a moment, as promised, and sleeps on if the whole pool is idle; whether there is something in
    /// it. A thread costs more to wake than a short task to run; and with one that watches, rayon's threads sleep on
    /// although tasks come and go. (Left to rayon, a thread that is woken wakes the next before it begins.)
    fn watch_inbox(&self, index: usize) -> bool {
        let (watched, asleep) = (watched_by(index), asleep(index));
        atomic::fence(Ordering::SeqCst);
        if self.patience.is_left() {
            let nothing_yet = || self.inbox.is_empty() && self.watch.load(Ordering::Relaxed) == watched;
            let until = Instant::now() + WATCH;
            while nothing_yet() && Instant::now() < until {
                for _ in 0..16 {
                    spin_loop();
                }
            }
            self.patience.learn(!nothing_yet());
        }
        // Nothing queued, running or paused: nobody needs this thread until somebody submits.
        if self.occupancy.load() == 0 && self.inbox.is_empty() {
            self.handles[index].get_or_init(thread::current);
            if self.watch_changes(watched, asleep) {
                while self.watch.load(Ordering::SeqCst) == asleep && !self.closing.load(Ordering::SeqCst) {
                    thread::park();
                }
                return !self.watch_changes(asleep, UNWATCHED) || !self.inbox.is_empty();
            }
        }
        if self.watch_changes(watched, UNWATCHED) {
            return !self.inbox.is_empty();
        }
        self.make_way();
        true
    }

    fn watch_changes(&self, from: usize, to: usize) -> bool {
        self.watch.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Who waits awake for a thread on its own CPU waits in vain: two that wait for each other, as the event loop that polls
    /// and the thread that watches do, would take turns by going to sleep, and the system leaves such a pair together.
    fn make_way(&self) {
        let submitter = self.submitter_cpu.load(Ordering::Relaxed);
        if current_cpu() == Some(submitter) {
            leave_cpu(submitter);
        }
    }

    /// Wakes whom `watch` says to sleep.
    fn wake(&self, watch: usize) {
        if let Some(index) = sleeper(watch)
            && let Some(thread) = self.handles[index].get()
        {
            thread.unpark();
        }
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
            // Before the ends are delivered: who hears of one and submits the next task is to find this thread awake.
            let watch = if claimed.is_none() && !again { self.begin_watch() } else { None };
            if more && claimed.is_some() && self.take_ticket() {
                issue(Arc::clone(self), threads);
            }
            ended.drain(..).for_each(deliver);
            let Some((task, morsel)) = claimed else {
                if again {
                    return true;
                }
                if !watch.is_some_and(|index| self.watch_inbox(index)) && self.give_ticket_back() {
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
                Message::Stopped(task) => {
                    let mut run = task.run();
                    if task.is_gone() {
                        if let Some(seat) = run.seat.take() {
                            state.queue.leave(seat);
                        }
                        self.leave_admission(state, &task, &mut run, false, now);
                        if task.control.stopped() == Some(Stop::TimedOut) {
                            let waited = now.saturating_duration_since(task.submitted);
                            self.record_wait(state, &task, waited, now);
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

    fn seat(&self, state: &mut State, task: Arc<Task>, now: Instant) {
        let mut run = task.run();
        // One that was withdrawn before anyone saw it needs no seat.
        if !task.is_gone() {
            let config = &task.config;
            let seat = state.queue.seat(Arc::clone(&task), config.class, config.key.as_ref(), config.weight);
            run.seat = Some(seat);
            if self.predicts.load(Ordering::Relaxed) {
                state.admission.enter(task.kind(), now.saturating_duration_since(self.began));
                run.predicted_with = true;
            }
        }
    }

    /// The next morsel, and its task.
    fn claim(&self, state: &mut State, now: Instant) -> Option<(Arc<Task>, Morsel)> {
        while let Some(seat) = state.queue.next() {
            let task = Arc::clone(state.queue.get(seat));
            let mut run = task.run();
            if run.began.is_none() {
                if !task.begin() {
                    // Withdrawn: its own end is on its way; only the seat is left.
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

    fn settle(
        &self,
        state: &mut State,
        task: Arc<Task>,
        ran: Result<super::job::Ran>,
        elapsed: Duration,
        now: Instant,
    ) {
        state.in_flight -= 1;
        state.busy += elapsed;
        let mut run = task.run();
        run.thread_time += elapsed;
        let Run { job: Some(job), seat: Some(seat), .. } = &mut *run else {
            unreachable!("a task with a morsel in flight has a job and a seat")
        };
        let seat = *seat;
        state.queue.charge(seat, elapsed.as_nanos() as u64);
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
        if let Some(seat) = run.seat.take() {
            state.queue.leave(seat);
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

/// The values of `Shared::watch`: odd while a thread is awake, even, and not 0, while it sleeps.
fn watched_by(index: usize) -> usize {
    2 * index + 1
}

fn asleep(index: usize) -> usize {
    2 * index + 2
}

fn is_watched(watch: usize) -> bool {
    watch % 2 == 1
}

fn sleeper(watch: usize) -> Option<usize> {
    if is_watched(watch) { None } else { (watch / 2).checked_sub(1) }
}

fn deliver(End { task, finished, wait, run }: End) {
    task.complete(finished.into_outcome(), wait, run);
}

/// Puts a ticket, already taken, into rayon's queue.
fn issue(shared: Arc<Shared>, threads: &Arc<rayon::ThreadPool>) {
    let pool = Arc::clone(threads);
    threads.spawn_fifo(move || {
        if shared.run_ticket(&pool) {
            issue(shared, &pool);
        }
    });
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
