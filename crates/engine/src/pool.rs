//! The pool as its callers see it: places in the queue, submission, stopping, statistics. Its threads' side is
//! the [`scheduler`](super::scheduler), whose invariants hold for both.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::admission::{Stake, overloaded};
use super::config::PoolConfig;
use super::control::Stop;
use super::external::Begin;
use super::job::Job;
use super::panics::drop_catching_panic;
use super::run_queue::{Begun, End};
use super::scheduler::{Message, Scheduler};
use super::stats::{Stats, Tallies, Tally};
use super::task::{Done, Sink, Task, TaskConfig};
use super::threads;
use heavy_load_kernel::{Result, Work};

/// A pool of threads that run tasks. Dropping it lets the tasks that it has end, and then its threads.
pub struct Pool {
    scheduler: Arc<Scheduler>,
    threads: Arc<rayon::ThreadPool>,
}

/// A place in the queue, and the task that has it, which nobody else knows yet. Given back if it is not submitted.
pub struct Reservation<'pool> {
    scheduler: &'pool Scheduler,
    task: Option<Arc<Task>>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("size", &self.scheduler.size).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Reservation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reservation").finish_non_exhaustive()
    }
}

impl Pool {
    /// Starts the threads: fewer than the configuration asks for if the system does not give so many.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY if the system gives none.
    pub fn new(config: PoolConfig) -> Result<Self> {
        let threads = threads::start(config.threads, &config.name, config.niceness)?;
        let scheduler = Scheduler::new(&PoolConfig { threads: threads.current_num_threads(), ..config });
        Ok(Self { scheduler: Arc::new(scheduler), threads: Arc::new(threads) })
    }

    /// The number of threads.
    pub fn size(&self) -> usize {
        self.scheduler.size
    }

    /// Whether as many tasks wait for their first morsel as there are threads, or more.
    pub fn needs_drain(&self) -> bool {
        self.scheduler.occupancy.needs_drain()
    }

    /// Has `listener` called, on any thread, whenever [`Pool::needs_drain`] has become false. It is forgotten with its
    /// last owner.
    pub fn on_drain(&self, listener: &Arc<dyn Fn() + Send + Sync>) {
        let mut listeners = self.scheduler.drain_listeners.write().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(listener));
    }

    /// A place for this work, which came `now`, if there is one.
    ///
    /// # Errors
    /// ERR_POOL_OVERLOADED if the queue is full, or if the predicted wait exceeds the task's timeout, unless it is a later part of a task
    /// that was admitted; ERR_KERNEL_PANIC.
    pub fn reserve(&self, work: Work, config: TaskConfig, now: Instant) -> Result<Reservation<'_>> {
        let job = Job::new(work)?;
        match self.admit(&job, &config, now) {
            Ok(stake) => Ok(Reservation::new(&self.scheduler, Task::new(job, stake, config, now))),
            Err(error) => {
                let _ = drop_catching_panic(job);
                Err(error)
            }
        }
    }

    /// As `reserve`, for a task whose work something else does, which is told to `begin` when its turn has come. It takes a thread's place
    /// from then until [`Pool::end`]. To be submitted by [`Pool::submit_external`].
    ///
    /// # Errors
    /// ERR_POOL_OVERLOADED, as `reserve`.
    pub fn reserve_external(&self, begin: Arc<dyn Begin>, config: TaskConfig, now: Instant) -> Result<Reservation<'_>> {
        let job = Job::external(begin);
        let stake = self.admit(&job, &config, now)?;
        Ok(Reservation::new(&self.scheduler, Task::new(job, stake, config, now)))
    }

    /// Takes a place for a task, if there is one.
    fn admit(&self, job: &Job, config: &TaskConfig, now: Instant) -> Result<Stake> {
        let scheduler = &self.scheduler;
        let timeout = config.timeout.unwrap_or_default();
        let stake = match scheduler.admit(job, config, now) {
            Ok(stake) => stake,
            Err(refusal) => {
                if scheduler.gauges.external() > 0 {
                    // They have no morsels after which they are counted anew, and nothing else may happen for long.
                    self.send(Message::Look);
                }
                return Err(refusal.error(timeout));
            }
        };
        if !config.part.is_first {
            scheduler.occupancy.join_anyway();
            return Ok(stake);
        }
        // A paused task waits too: otherwise there could be any number, since every task begins soon.
        if scheduler.occupancy.join(1) == 0 {
            // Its own work is not what it would have to wait for.
            drop(stake);
            let retry = scheduler.admission.all(now.saturating_duration_since(scheduler.began));
            return Err(overloaded(
                format!("The pool is full: its queue holds {} at most", scheduler.max_queue),
                Some(retry),
            ));
        }
        Ok(stake)
    }

    /// Whether a thread is awake that would take the next task up at once.
    pub fn is_thread_awake(&self) -> bool {
        self.scheduler.wakeup.is_thread_awake()
    }

    /// Queues the work for which a place was reserved. Its end goes to `sink`.
    pub fn submit(&self, reservation: Reservation<'_>, sink: Arc<dyn Sink>, slot: u32) -> Arc<Task> {
        let task = reservation.address(sink, slot);
        self.send(Message::Submit(Arc::clone(&task)));
        task
    }

    /// Queues jobs, each with its configuration and a slot, for as long as there are places and jobs; `queued` is called with each task.
    /// None has a timeout. For many this costs a fraction of what `submit` does.
    pub fn submit_batch(
        &self,
        jobs: impl ExactSizeIterator<Item = Result<(Job, TaskConfig, u32)>>,
        sink: &Arc<dyn Sink>,
        mut queued: impl FnMut(Arc<Task>),
    ) {
        let (scheduler, now) = (&*self.scheduler, Instant::now());
        let places = scheduler.occupancy.join(jobs.len());
        let mut tasks = Vec::with_capacity(places);
        for job in jobs.take(places) {
            let task = job.and_then(|(job, config, slot)| {
                let stake = scheduler.admit(&job, &config, now).map_err(|refusal| refusal.error(Duration::ZERO))?;
                Ok(Reservation::new(scheduler, Task::new(job, stake, config, now)).address(Arc::clone(sink), slot))
            });
            let Ok(task) = task else { break };
            queued(Arc::clone(&task));
            tasks.push(task);
        }
        for _ in tasks.len()..places {
            scheduler.give_place_back();
        }
        if !tasks.is_empty() {
            self.send(Message::SubmitBatch(tasks));
        }
    }

    /// Stops a task of this pool, queued or running. A queued one gives its place back at once. Its completion comes all the same,
    /// when a thread has dropped its work: soon if no morsel of it runs, else once those have ended. An external one that has begun is only
    /// marked: whoever does its work is to give it up, and to say so by [`Pool::end`].
    pub fn stop(&self, task: &Arc<Task>, why: Stop) {
        task.control.stop(why);
        if task.withdraw() {
            self.scheduler.give_place_back();
        }
        // A worker frees the seat and drops the work, or ends the task if it is paused.
        self.send(Message::Stopped(Arc::clone(task)));
    }

    /// Stops a task of this pool that has not begun, as [`Pool::stop`]; false if it has, or has ended.
    pub fn stop_queued(&self, task: &Arc<Task>, why: Stop) -> bool {
        let is_queued = task.withdraw();
        if is_queued {
            task.control.stop(why);
            self.scheduler.give_place_back();
            self.send(Message::Stopped(Arc::clone(task)));
        }
        is_queued
    }

    /// As `submit`, for an external task. Whether it has begun at once: then nobody else is told.
    pub fn submit_external(&self, reservation: Reservation<'_>, sink: Arc<dyn Sink>, slot: u32) -> (Arc<Task>, bool) {
        let task = reservation.address(sink, slot);
        let (mut begun, ended) = self.scheduler.tell(Message::Submit(Arc::clone(&task)), &self.threads);
        let own = begun.iter().position(|begun| Arc::ptr_eq(&begun.task, &task)).map(|index| begun.remove(index));
        self.pass_on(begun, ended);
        (task, own.is_some())
    }

    /// The work of an external task of this pool is done, or given up: its place is free, and it ends. Once is enough; for one that has not
    /// begun this does nothing. What comes of it at once is given; whatever is not, is told as always.
    pub fn end(&self, task: &Arc<Task>) -> Done {
        let (mut begun, mut ended) = self.scheduler.tell(Message::Done(Arc::clone(task)), &self.threads);
        let next = begun.iter().position(|begun| begun.task.has_sink_of(task)).map(|index| begun.remove(index));
        let own = ended.iter().position(|end| end.is_of(task)).map(|index| ended.remove(index));
        let completion = own.map(|end| end.complete().1);
        self.pass_on(begun, ended);
        Done { completion, next: next.map(|begun| begun.task.slot) }
    }

    fn pass_on(&self, begun: Vec<Begun>, ended: Vec<End>) {
        self.scheduler.begin(begun, &self.threads);
        ended.into_iter().for_each(End::deliver);
    }

    /// Has `tally` added up in the statistics, until it is retired.
    pub fn add_tally(&self, tally: Arc<dyn Tally>) {
        self.tallies().add(tally);
    }

    /// This tally counts no more; what it has counted stays in the statistics.
    pub fn retire_tally(&self, tally: &Arc<dyn Tally>) {
        self.tallies().retire(tally);
    }

    fn tallies(&self) -> MutexGuard<'_, Tallies> {
        self.scheduler.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pool as it is now.
    pub fn stats(&self) -> Stats {
        let scheduler = &self.scheduler;
        let [completed, failed, cancelled, timed_out, rejected] = self.tallies().ended();
        let gauges = &scheduler.gauges;
        let uptime = scheduler.began.elapsed();
        let thread_time = uptime.as_secs_f64() * scheduler.size as f64;
        Stats {
            threads: scheduler.size,
            queued: scheduler.occupancy.queued(),
            running: gauges.running(),
            completed,
            failed,
            cancelled,
            timed_out,
            rejected,
            memory: gauges.memory(),
            utilization: (gauges.busy().as_secs_f64() / thread_time).clamp(0.0, 1.0),
            uptime,
            wait: gauges.wait.percentiles(),
            run: gauges.run.percentiles(),
        }
    }

    fn send(&self, message: Message) {
        self.scheduler.send(message, &self.threads);
    }
}

impl<'pool> Reservation<'pool> {
    fn new(scheduler: &'pool Scheduler, task: Arc<Task>) -> Self {
        Self { scheduler, task: Some(task) }
    }

    /// Puts other work into the place: the same task, over memory that has moved.
    ///
    /// # Errors
    /// ERR_KERNEL_PANIC.
    pub fn replace(&mut self, work: Work) -> Result<()> {
        let job = Job::new(work)?;
        drop_catching_panic(self.own().repack(job))
    }

    fn address(mut self, sink: Arc<dyn Sink>, slot: u32) -> Arc<Task> {
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
        self.scheduler.wakeup.close();
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        // Once submitted, a task has the place and counts itself out.
        if let Some(task) = self.task.take() {
            if let Some((job, _)) = task.unpack() {
                let _ = drop_catching_panic(job);
            }
            self.scheduler.give_place_back();
        }
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "external_tests.rs"]
mod external_tests;
