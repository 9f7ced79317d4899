//! What is under a pool's lock: its tasks, whose turn it is, and what they take. It calls neither kernel code nor listeners: what has to
//! be done once the lock is released (dropping work, sending completions) is only noted here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::admission::{Plan, Refusal, Stake};
use super::budget::{Budget, Place};
use super::control::Stop;
use super::external::{Begin, External};
use super::job::{Finished, Job, Morsel, Ran, Timed};
use super::pace::{Lap, Pace};
use super::panics::{catch_panic, drop_catching_panic};
use super::ready::{Outlook, ReadyQueue, SeatId, Shape};
use super::stage::{Books, Stage, Step};
use super::stats::Gauges;
use super::task::{Completion, Task};
use heavy_load_kernel::Result;
use heavy_load_kernel::value::Value;

/// Nanoseconds that a task has to have run before it may be given up because of its own progress.
const TRUSTED_AFTER: u64 = 4_000_000;
/// The time before the next review, for each task that was looked at: some fifty times as long as the look takes.
const REVIEW: Duration = Duration::from_micros(50);

pub(super) struct RunQueue {
    /// The pool's threads.
    size: usize,
    /// When the pool began.
    origin: Instant,
    pace: Pace,
    gauges: Arc<Gauges>,
    ready: ReadyQueue<Entry>,
    budget: Budget,
    review: Review,
    books: Books,
    external: External,
    /// External tasks to be begun once the lock is released.
    begun: Vec<Begun>,
    /// Ends to deliver once the lock is released.
    ended: Vec<End>,
}

/// A task that was taken over.
struct Entry {
    task: Arc<Task>,
    job: Job,
    stage: Stage,
    /// If it waits, or has waited, for memory.
    place: Option<Place>,
    /// Memory that it takes.
    memory: u64,
    began: Option<Instant>,
    /// What it is counted with where waits are predicted.
    stake: Stake,
}

/// A morsel that was run.
pub(super) struct Settled {
    pub(super) ran: Result<Ran>,
    /// How long it took on the clock.
    pub(super) elapsed: Duration,
    pub(super) lap: Option<Lap>,
}

/// A morsel to run, and whose it is.
pub(super) struct Claimed {
    pub(super) task: Arc<Task>,
    pub(super) morsel: Morsel,
    seat: SeatId,
}

/// An external task whose turn has come.
pub(super) struct Begun {
    pub(super) task: Arc<Task>,
    pub(super) begin: Arc<dyn Begin>,
}

impl Begun {
    /// Tells who does the work. Not under the lock.
    pub(super) fn tell(&self) -> Result<()> {
        catch_panic(|| {
            self.begin.begin(self.task.slot);
            Ok(())
        })
    }
}

/// The end of a task, to be delivered.
pub(super) struct End {
    task: Arc<Task>,
    finished: Finished,
    /// Counts the task out when it is dropped, not under the lock.
    stake: Option<Stake>,
    wait: Duration,
    run: Duration,
}

impl End {
    /// Whether there is work left to drop, which may be large.
    pub(super) fn has_remains(&self) -> bool {
        self.finished.has_remains()
    }

    /// Whether it is that of this task.
    pub(super) fn is_of(&self, task: &Arc<Task>) -> bool {
        Arc::ptr_eq(&self.task, task)
    }

    /// Drops what is left of the work, and sends the completion. Not under the lock.
    pub(super) fn deliver(self) {
        let (task, completion) = self.complete();
        task.complete(completion);
    }

    /// Drops what is left of the work; gives the completion, and whose it is. Not under the lock.
    pub(super) fn complete(self) -> (Arc<Task>, Completion) {
        let Self { task, finished, stake, wait, run } = self;
        drop(stake);
        let mut outcome = finished.into_outcome();
        if let Some(why) = task.stopped() {
            // Nobody wants it any more, and it may be large: it is dropped here rather than by the event loop.
            let unwanted = std::mem::replace(&mut outcome, Err(why.error()));
            let _ = drop_catching_panic(unwanted);
        }
        let slot = task.slot;
        (task, Completion { slot, outcome, wait, run })
    }
}

impl RunQueue {
    pub(super) fn new(size: usize, max_memory: u64, origin: Instant, gauges: Arc<Gauges>) -> Self {
        Self {
            size,
            origin,
            pace: Pace::default(),
            gauges,
            ready: ReadyQueue::default(),
            budget: Budget::new(max_memory),
            review: Review::default(),
            books: Books::default(),
            external: External::new(size),
            begun: vec![],
            ended: vec![],
        }
    }

    /// Whether one more thread could have a morsel: a task is ready, and a place free.
    pub(super) fn has_more(&self) -> bool {
        self.has_place() && self.ready.len() > 0
    }

    /// Whether fewer things run than there are threads.
    fn has_place(&self) -> bool {
        self.books.morsels < self.size
    }

    /// External tasks of which who does their work is to be told.
    pub(super) fn take_begun(&mut self) -> Vec<Begun> {
        std::mem::take(&mut self.begun)
    }

    pub(super) fn books(&mut self) -> &mut Books {
        &mut self.books
    }

    /// The ends that are to be delivered; `list` is for those to come.
    pub(super) fn take_ended(&mut self, list: Vec<End>) -> Vec<End> {
        std::mem::replace(&mut self.ended, list)
    }

    /// As `take_ended`, without those that have work to drop, which may take long.
    pub(super) fn take_ended_without_remains(&mut self) -> Vec<End> {
        let (later, ended) = std::mem::take(&mut self.ended).into_iter().partition(End::has_remains);
        self.ended = later;
        ended
    }

    /// Whether there is work to drop before anything else.
    pub(super) fn has_remains(&self) -> bool {
        self.ended.iter().any(End::has_remains)
    }

    /// Takes a task over.
    pub(super) fn submit(&mut self, task: Arc<Task>, now: Instant) {
        let Some((mut job, stake)) = task.unpack() else { return };
        if task.is_withdrawn() {
            let error = task.stopped().unwrap_or(Stop::Aborted).error();
            if let Some(finished) = job.fail(error) {
                self.withdrawn(task, finished, now);
            }
            return;
        }
        let config = &task.config;
        let (priority, key, weight, kind) = (config.priority, config.key.clone(), config.weight, task.kind());
        let shape = job.shape();
        let entry = Entry { stage: Stage::Queued, place: None, memory: config.memory, began: None, stake, task, job };
        let seat = self.ready.seat(entry, priority, key.as_ref(), weight, kind, shape);
        self.ready.get(seat).task.set_seat(Some(seat));
    }

    /// A task was stopped: ends it now, if no morsel of it runs.
    pub(super) fn stopped(&mut self, task: &Task, now: Instant) {
        // None if it has ended, or was taken over after it had been withdrawn.
        let Some(seat) = task.seat() else { return };
        let entry = self.ready.get_mut(seat);
        let Err(error) = entry.task.control.check(now) else { return };
        let Some(finished) = entry.job.fail(error) else { return };
        if entry.stage == Stage::Queued && task.is_withdrawn() {
            let entry = self.leave(seat, false, now);
            self.withdrawn(entry.task, finished, now);
        } else {
            self.end(seat, finished, now);
        }
    }

    /// The work of an external task is done, or given up. Comes before its end, and may come again, or for one that has not begun.
    pub(super) fn done(&mut self, task: &Task, now: Instant) {
        let Some(seat) = task.seat().filter(|seat| self.external.end(*seat)) else { return };
        let began = self.ready.get(seat).began.unwrap_or(now);
        let elapsed = now.saturating_duration_since(began);
        let settled = Settled { ran: Ok(Ran::Value(Value::Undefined)), elapsed, lap: None };
        // By the clock: whoever does the work is none of the pool's threads, of whose CPU time something is known.
        self.settle(seat, settled, elapsed, now);
    }

    /// The next morsel; none while there is something to drop first, or no place. External tasks whose turn has come begin on the way.
    pub(super) fn claim(&mut self, now: Instant) -> Option<Claimed> {
        if self.review.is_due(now) {
            self.review(now);
        }
        if self.external.recounts(now) {
            self.recount(now);
        }
        while self.may_claim()
            && let Some(seat) = self.ready.next(self.external.stands_back())
        {
            if let Some(claimed) = self.take_up(seat, now) {
                return Some(claimed);
            }
        }
        None
    }

    /// Begins the external tasks whose turn it is, up to the next task for threads.
    pub(super) fn begin_external(&mut self, now: Instant) {
        while self.may_claim()
            && self.ready.shape_of_next(self.external.stands_back()) == Some(Shape::External)
            && let Some(seat) = self.ready.next(self.external.stands_back())
        {
            let claimed = self.take_up(seat, now);
            debug_assert!(claimed.is_none(), "nothing of it is for a thread");
        }
    }

    fn may_claim(&self) -> bool {
        self.has_place() && !self.has_remains()
    }

    /// Goes on with a task whose turn it is; gives its next morsel, if there is one to be had now.
    fn take_up(&mut self, seat: SeatId, now: Instant) -> Option<Claimed> {
        let entry = self.ready.get_mut(seat);
        let (priority, memory) = (entry.task.config.priority, entry.memory);
        if entry.stage == Stage::Queued {
            if !self.budget.admits(priority, entry.place, memory) {
                entry.place = Some(self.budget.wait(priority, entry.place, seat, memory));
                self.ready.give_back(seat);
                return None;
            }
            if !entry.task.begin() {
                // Withdrawn: the message that ends it is on its way.
                self.ready.give_back(seat);
                return None;
            }
        }
        let goes_on = entry.task.control.check(now);
        if let Err(error) = goes_on.and_then(|()| self.still_fits(seat, now)) {
            let entry = self.ready.get_mut(seat);
            match entry.job.fail(error) {
                Some(finished) => self.end(seat, finished, now),
                None => self.ready.give_back(seat),
            }
            return None;
        }
        let entry = self.ready.get_mut(seat);
        let max_threads = entry.task.config.max_threads.min(self.size);
        let begin = entry.job.hold();
        let morsel = if begin.is_some() { None } else { entry.job.claim(max_threads) };
        if begin.is_none() && morsel.is_none() {
            // Another thread has taken the last.
            self.ready.give_back(seat);
            return None;
        }
        let more = entry.job.can_claim(max_threads);
        let (was, place) = (entry.stage, entry.place.take());
        self.books.step(&mut entry.stage, Step::Give);
        let task = Arc::clone(&entry.task);
        if was == Stage::Queued {
            entry.began = Some(now);
            let waited = now.saturating_duration_since(task.submitted);
            task.control.begin(waited);
            if task.config.part.is_first {
                self.gauges.wait.record(waited);
            }
            self.budget.take(priority, place, memory);
            if place.is_some() {
                self.wake_waiting();
            }
        }
        if more {
            self.ready.ready(seat);
        }
        if let Some(begin) = begin {
            self.external.begin(seat);
            self.begun.push(Begun { task, begin });
            return None;
        }
        morsel.map(|morsel| Claimed { task, morsel, seat })
    }

    /// Takes a thread's morsel back.
    pub(super) fn settle_morsel(&mut self, seat: SeatId, settled: Settled, now: Instant) {
        self.external.passed_by(settled.elapsed, self.ready.has_external());
        // In CPU time: who has lost its core to others for a while has neither used more than its share, nor turned out to be long.
        let cpu = self.pace.cpu_of(settled.elapsed, settled.lap);
        self.settle(seat, settled, cpu, now);
    }

    /// Takes a morsel back that ran for `elapsed`, or an external task that was held for so long; it is charged with `used`.
    fn settle(&mut self, seat: SeatId, settled: Settled, used: Duration, now: Instant) {
        let Settled { ran, elapsed, lap } = settled;
        self.gauges.add_busy(elapsed);
        let progress = self.ready.get(seat).task.progress();
        self.ready.charge(seat, used.as_nanos() as u64, progress);
        let entry = self.ready.get_mut(seat);
        if let Some(lap) = lap
            && self.pace.add(lap, &self.gauges.pace, now.saturating_duration_since(self.origin).as_nanos() as u64)
        {
            self.review.ask();
        }
        let finished = entry.job.settle(ran, elapsed);
        self.books.step(&mut entry.stage, Step::TakeBack);
        if let Some(finished) = finished {
            self.end(seat, finished, now);
            return;
        }
        let threads = if entry.stage == Stage::Paused { 1 } else { entry.task.config.max_threads.min(self.size) };
        let is_ready = self.ready.is_ready(seat);
        if self.ready.get(seat).job.can_claim(threads) && !is_ready {
            self.ready.ready(seat);
        }
        self.correct(seat);
    }

    /// Counts the external tasks that are held as they stand now: they have no morsels after which that is done.
    fn recount(&mut self, now: Instant) {
        for index in 0..self.external.held().len() {
            let seat = self.external.held()[index];
            let outlook = self.outlook_now(seat, now);
            self.ready.get_mut(seat).stake.correct(outlook);
        }
    }

    /// How a task stands where waits are predicted.
    fn outlook_now(&self, seat: SeatId, now: Instant) -> Outlook {
        Outlook { attained: self.attained_now(seat, now), ..self.ready.outlook(seat) }
    }

    /// What a task has used where waits are predicted, in CPU time, which predictions multiply by the pace. That is of the pool's threads, and
    /// an external task takes as long as the clock says: so it counts here with that, divided by the pace.
    fn attained_now(&self, seat: SeatId, now: Instant) -> u64 {
        match self.ready.get(seat).began {
            Some(began) if self.ready.shape(seat) == Shape::External => {
                self.pace.cpu_of(now.saturating_duration_since(began), None).as_nanos() as u64
            }
            _ => self.ready.attained(seat),
        }
    }

    /// Corrects what a task that goes on is counted with.
    fn correct(&mut self, seat: SeatId) {
        let (outlook, times, fresh) =
            (self.ready.outlook(seat), self.ready.virtual_times(seat), self.ready.rank_of_fresh(seat));
        let stake = &mut self.ready.get_mut(seat).stake;
        if stake.reported(outlook, fresh) {
            self.review.ask();
        }
        stake.set_virtual_times(times);
        stake.correct(outlook);
    }

    /// Whether a task whose turn it is can still be done in its time: no work is begun, or continued, in vain. A task is not given up for this if
    /// its timeout was too short from the beginning, or while nothing else is waiting.
    fn still_fits(&self, seat: SeatId, now: Instant) -> Result<()> {
        let entry = self.ready.get(seat);
        let (Some(timeout), Some(time)) = (entry.task.config.timeout, entry.task.control.time_left(now)) else {
            return Ok(());
        };
        if self.ready.len() == 0 {
            return Ok(());
        }
        let outlook = self.ready.outlook(seat);
        let (left, all) = if entry.began.is_none() {
            let own = entry.stake.service().known().own;
            (own, own)
        } else if outlook.attained >= TRUSTED_AFTER && outlook.total > 0 {
            let left = outlook.total.saturating_sub(outlook.attained);
            // It has begun, and most of it may be done: give it a margin.
            (left.saturating_sub(left / 4 + TRUSTED_AFTER), outlook.total)
        } else {
            return Ok(());
        };
        let pace = self.pace.factor();
        let on_threads = |work: u64| Duration::from_nanos((work as f64 * pace) as u64 / entry.stake.lanes());
        if on_threads(left) <= time || on_threads(all) > timeout {
            return Ok(());
        }
        let retry = on_threads(left) - time;
        Err(Refusal { predicted: on_threads(left), alone: on_threads(all), retry }.given_up(timeout))
    }

    /// Gives up the tasks that cannot be done in their time any more, now that it is better known how long tasks take.
    fn review(&mut self, now: Instant) {
        let mut order: Vec<_> = self.ready.seats().map(|seat| (seat, self.outlook_now(seat, now))).collect();
        order.sort_unstable_by_key(|(seat, outlook)| {
            (self.ready.get(*seat).task.config.priority as u8, outlook.rank, outlook.place)
        });
        // By then all tasks present have ended; never, if one has no deadline.
        let left =
            |(seat, _): &(SeatId, Outlook)| self.ready.get(*seat).task.control.time_left(now).unwrap_or(Duration::MAX);
        let longest = order.iter().map(left).max().unwrap_or_default();
        // Half of the pace: tasks that were admitted are not given up because of a bad moment.
        let looked_at = order.len() as u32;
        let mut plan = Plan::new(self.size, (1.0 + self.pace.factor()) / 2.0);
        for (seat, outlook) in order {
            let is_held = self.external.is_held(seat);
            let entry = self.ready.get_mut(seat);
            let time = entry.task.control.time_left(now);
            let Err(mut refusal) = plan.add(&mut entry.stake, outlook, time) else { continue };
            if is_held {
                continue; // It takes its place until its work is done, given up or not.
            }
            refusal.retry = refusal.retry.min(longest);
            if entry.stage == Stage::Queued && !entry.task.begin() {
                continue; // Withdrawn: the message that ends it is on its way.
            }
            let timeout = entry.task.config.timeout.unwrap_or_default();
            if let Some(finished) = entry.job.fail(refusal.given_up(timeout)) {
                self.end(seat, finished, now);
            }
        }
        self.review.done(looked_at, now);
    }

    /// A task that was withdrawn from the queue has gone; whoever withdrew it has given its place back.
    fn withdrawn(&mut self, task: Arc<Task>, finished: Finished, now: Instant) {
        let wait = now.saturating_duration_since(task.submitted);
        self.ended.push(End { task, finished, stake: None, wait, run: Duration::ZERO });
    }

    /// Takes a task that has begun, or expired, out of the books.
    fn end(&mut self, seat: SeatId, finished: Finished, now: Instant) {
        let entry = self.ready.get_mut(seat);
        let step = if entry.began.is_some() { Step::End } else { Step::Expire };
        self.books.step(&mut entry.stage, step);
        let entry = self.leave(seat, finished.is_done(), now);
        let wait = entry.task.waited().unwrap_or_else(|| now.saturating_duration_since(entry.task.submitted));
        let run = entry.began.map_or(Duration::ZERO, |began| now.saturating_duration_since(began));
        let part = entry.task.config.part;
        if entry.began.is_some() && (part.is_last || !finished.gave_value()) {
            self.gauges.run.record(part.ran + run);
        }
        self.ended.push(End { task: entry.task, finished, stake: Some(entry.stake), wait, run });
    }

    /// Gives a task's seat up, and its memory; `done` if it has come to its own end.
    fn leave(&mut self, seat: SeatId, done: bool, now: Instant) -> Entry {
        if done {
            self.ready.learn(seat);
            let (attained, fresh) = (self.attained_now(seat, now), self.ready.rank_of_fresh(seat));
            let stake = &self.ready.get(seat).stake;
            if stake.service().ended(attained, fresh) {
                self.review.ask();
            }
            stake.set_virtual_times(self.ready.virtual_times(seat));
        }
        let entry = self.ready.leave(seat);
        entry.task.set_seat(None);
        if entry.began.is_some() {
            self.budget.give_back(entry.memory);
        } else if let Some(place) = entry.place {
            self.budget.forget(place);
        }
        if entry.memory > 0 {
            self.wake_waiting();
        }
        entry
    }

    /// Those that wait for memory, and may have it, are ready.
    fn wake_waiting(&mut self) {
        for seat in self.budget.ready() {
            if !self.ready.is_ready(seat) {
                self.ready.ready(seat);
            }
        }
    }

    /// Publishes to the statistics.
    pub(super) fn publish(&self) {
        self.gauges.set(self.books.running, self.external.held().len(), self.budget.used());
    }
}

/// When the waiting tasks are reviewed.
#[derive(Default)]
struct Review {
    asked: bool,
    /// Not before that, so that reviews take a small part of the time.
    next: Option<Instant>,
}

impl Review {
    /// It is better known how long tasks take.
    fn ask(&mut self) {
        self.asked = true;
    }

    fn is_due(&self, now: Instant) -> bool {
        self.asked && self.next.is_none_or(|next| now >= next)
    }

    fn done(&mut self, looked_at: u32, now: Instant) {
        *self = Self { asked: false, next: now.checked_add(looked_at * REVIEW) };
    }
}

impl Claimed {
    /// Runs the morsel; gives whose it was, and when kernel code was left.
    pub(super) fn run(self) -> (SeatId, Timed) {
        (self.seat, self.morsel.run(&self.task.control))
    }
}
