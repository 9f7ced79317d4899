//! A task's work as a source of morsels: pieces of about a millisecond that one thread runs without a pause.
//!
//! A thread claims a morsel, runs it, and settles it, until the job is finished:
//!
//! ```text
//! claim (locked) ──> Morsel ──> run (no lock, panics caught) ──> Ran ──> settle (locked) ──> maybe Finished
//! ```
//!
//! An *external* job has no morsels: something else does its work. It is held instead of claimed, once, and settled when that says it is done.
//!
//! Invariants:
//! 1. `claim` and `settle` run no kernel code, so a lock may be held around them; `Morsel::run` runs kernel code, which borrows the
//!    work: no closure in which panics are caught owns what a panic would drop while it unwinds. Work is dropped in a closure of its own.
//! 2. Every claimed morsel is settled once, and so is an external job that is held; `in_flight` counts those that are not.
//! 3. Ranges are claimed in order, without a gap or an overlap; the merge comes when all of them were settled.
//! 4. After the first error nothing is claimed any more. The job is finished when it has a value or an error and nothing
//!    is in flight; what is left of the work is handed out with the outcome, to be dropped outside the lock.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::control::Control;
use super::external::Begin;
use super::panics::{catch_panic, drop_catching_panic};
use super::ready::Shape;
use heavy_load_kernel::error::{Code, EngineError};
use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Kernel, Next, Parallel, Result, Step, Stepped, Work};

/// How long a morsel is meant to take.
const MORSEL: Duration = Duration::from_millis(1);
/// No morsel is made shorter than this only to share the end of a task evenly.
const SHARED_END: Duration = Duration::from_micros(50);
/// How many times larger than the last a morsel may be: one lucky measurement must not cause a long one.
const GROWTH: u64 = 8;

type OneShotFn = Box<dyn FnMut() -> Result<Next> + Send>;

/// A task's work, between morsels.
pub struct Job {
    phase: Phase,
    sizer: Sizer,
    in_flight: usize,
    /// How it has ended, while morsels are still in flight. Few jobs ever have this, so it is boxed.
    early: Option<Box<Early>>,
}

/// The end of a job of which morsels are in flight.
struct Early {
    outcome: Result<Value>,
    /// The value that came after an error: it may be large, and is dropped outside the lock too.
    unwanted: Option<Value>,
}

/// The piece of work that is under way.
pub(super) enum Phase {
    Parallel {
        work: Arc<dyn Parallel>,
        len: u64,
        /// Units that were claimed.
        claimed: u64,
        /// Units whose morsels were settled.
        done: u64,
    },
    /// The machine is away while a step runs.
    Stepped(Option<Box<dyn Stepped>>),
    /// The call is away once it was claimed.
    OneShot(Option<OneShotFn>),
    /// A call that is to be made into work by the thread that takes it up.
    Unprepared(&'static dyn Kernel, f64),
    /// Something else does the work, once it is told to begin.
    External(Arc<dyn Begin>),
    /// Everything was claimed; the last morsel brings the end, or the next phase.
    Ending,
}

/// A claimed piece of a job.
pub(super) enum Morsel {
    Range {
        work: Arc<dyn Parallel>,
        range: Range<u64>,
        /// Whether nothing else of this phase is left: the merge follows at once, in the same morsel.
        last: bool,
        /// Units that will be done once this morsel is.
        progress: u64,
    },
    Merge(Arc<dyn Parallel>),
    Step {
        machine: Box<dyn Stepped>,
        units: u64,
    },
    OneShot(OneShotFn),
    Prepare(&'static dyn Kernel, f64),
}

/// A morsel that has run.
pub(super) enum Ran {
    /// So many units of a parallel phase are done.
    Units(u64),
    /// The machine has more to do.
    More(Box<dyn Stepped>, u64),
    /// The phase has ended.
    Value(Value),
    /// The phase has ended, and here is the next.
    Phase(Phase, Sizer),
}

/// A morsel that has run, or failed, and when.
pub(super) struct Timed {
    pub(super) ran: Result<Ran>,
    /// When kernel code was left: before what is left of the work was dropped.
    pub(super) at: Instant,
    /// Whether its piece of work has come to its end, and was dropped.
    pub(super) is_last: bool,
}

/// A job that has ended.
pub(super) struct Finished {
    outcome: Result<Value>,
    /// The work came to its own end, though nobody may have waited for it by then.
    is_whole: bool,
    /// Few jobs leave anything, and a job's end is moved several times: so it is boxed.
    remains: Option<Box<Remains>>,
}

/// What is left of a job that has ended.
struct Remains {
    phase: Phase,
    unwanted: Option<Value>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}

impl Job {
    /// Asks the work for its size.
    ///
    /// # Errors
    /// ERR_KERNEL_PANIC.
    pub fn new(work: Work) -> Result<Self> {
        let (phase, sizer) = Phase::enter(work)?;
        Ok(Self { phase, sizer, in_flight: 0, early: None })
    }

    /// A call of a kernel with a number that it is sure to take, and without options: about `units` of work, which it is made into where it
    /// runs. That spares the thread that submits it; and what is allocated is freed by the same thread.
    pub fn unprepared(kernel: &'static dyn Kernel, input: f64, units: u64) -> Self {
        Self { phase: Phase::Unprepared(kernel, input), sizer: Sizer::new(units, 1), in_flight: 0, early: None }
    }

    /// A job whose work something else does.
    pub(super) fn external(begin: Arc<dyn Begin>) -> Self {
        Self { phase: Phase::External(begin), sizer: Sizer::new(1, 1), in_flight: 0, early: None }
    }

    /// How its threads' work is got at.
    pub(super) fn shape(&self) -> Shape {
        if matches!(self.phase, Phase::External(_)) { Shape::External } else { Shape::Kernel }
    }

    /// Begins an external job, whose work is done elsewhere until it is settled: gives who does it. None of any other job.
    pub(super) fn hold(&mut self) -> Option<Arc<dyn Begin>> {
        if self.early.is_some() || self.shape() == Shape::Kernel {
            return None;
        }
        let Phase::External(begin) = std::mem::replace(&mut self.phase, Phase::Ending) else { return None };
        self.in_flight += 1;
        Some(begin)
    }

    /// About how many units its first phase has.
    pub(super) fn units(&self) -> u64 {
        self.sizer.total
    }

    /// Whether more than one thread can work on it at once, in its first phase.
    pub(super) fn is_parallel(&self) -> bool {
        matches!(self.phase, Phase::Parallel { len, .. } if len > self.sizer.last)
    }

    /// Whether `claim` would give a morsel to one more of at most `max_threads` threads.
    pub(super) fn can_claim(&self, max_threads: usize) -> bool {
        self.early.is_none()
            && self.in_flight < max_threads
            && match &self.phase {
                Phase::Parallel { len, claimed, .. } => claimed < len || self.in_flight == 0,
                Phase::Stepped(machine) => machine.is_some(),
                Phase::OneShot(call) => call.is_some(),
                Phase::Unprepared(..) => true,
                Phase::External(_) | Phase::Ending => false,
            }
    }

    /// The next morsel for one of `threads` threads that work on this job, if there is one to be had now.
    pub(super) fn claim(&mut self, threads: usize) -> Option<Morsel> {
        if !self.can_claim(usize::MAX) {
            return None;
        }
        let morsel = match &mut self.phase {
            Phase::Parallel { work, len, claimed, done } if *claimed < *len => {
                let left = *len - *claimed;
                let range = *claimed..*claimed + self.sizer.units(left, threads);
                *claimed = range.end;
                let last = range.end == *len && *done == range.start;
                let progress = *done + (range.end - range.start);
                if last {
                    // Take the work along, so that it is dropped where it was run.
                    let Phase::Parallel { work, .. } = std::mem::replace(&mut self.phase, Phase::Ending) else {
                        unreachable!("matched above")
                    };
                    Morsel::Range { work, range, last, progress }
                } else {
                    Morsel::Range { work: Arc::clone(work), range, last, progress }
                }
            }
            Phase::Parallel { .. } => {
                let Phase::Parallel { work, .. } = std::mem::replace(&mut self.phase, Phase::Ending) else {
                    unreachable!("matched above")
                };
                Morsel::Merge(work)
            }
            Phase::Stepped(machine) => Morsel::Step { machine: machine.take()?, units: self.sizer.units(u64::MAX, 1) },
            Phase::OneShot(call) => Morsel::OneShot(call.take()?),
            Phase::Unprepared(kernel, input) => {
                let morsel = Morsel::Prepare(*kernel, *input);
                self.phase = Phase::Ending;
                morsel
            }
            Phase::External(_) | Phase::Ending => return None,
        };
        self.in_flight += 1;
        Some(morsel)
    }

    /// Takes a morsel back that ran for `elapsed`; gives the end of the job, if this was it.
    pub(super) fn settle(&mut self, ran: Result<Ran>, elapsed: Duration) -> Option<Finished> {
        self.in_flight -= 1;
        match ran {
            Ok(Ran::Units(units)) => {
                self.sizer.record(units, elapsed);
                if let Phase::Parallel { done, .. } = &mut self.phase {
                    *done += units;
                }
            }
            Ok(Ran::More(machine, units)) => {
                self.sizer.record(units, elapsed);
                self.phase = Phase::Stepped(Some(machine));
            }
            Ok(Ran::Phase(phase, sizer)) => {
                self.phase = phase;
                self.sizer = sizer;
            }
            Ok(Ran::Value(value)) => return self.end(Ok(value)),
            Err(error) => return self.end(Err(error)),
        }
        let Early { outcome, unwanted } = *self.early.take_if(|_| self.in_flight == 0)?;
        Some(self.finish(outcome, unwanted, false))
    }

    /// Ends the job with an error; gives the end, if nothing is in flight.
    pub(super) fn fail(&mut self, error: EngineError) -> Option<Finished> {
        self.end(Err(error))
    }

    fn end(&mut self, outcome: Result<Value>) -> Option<Finished> {
        let is_whole = outcome.is_ok();
        let (outcome, unwanted) = match self.early.take() {
            // The first error is the one that counts.
            Some(early) => (early.outcome, outcome.ok().or(early.unwanted)),
            None => (outcome, None),
        };
        if self.in_flight > 0 {
            self.early = Some(Box::new(Early { outcome, unwanted }));
            return None;
        }
        Some(self.finish(outcome, unwanted, is_whole))
    }

    fn finish(&mut self, outcome: Result<Value>, unwanted: Option<Value>, is_whole: bool) -> Finished {
        let phase = std::mem::replace(&mut self.phase, Phase::Ending);
        let is_empty = phase.is_spent() && unwanted.is_none();
        Finished { outcome, is_whole, remains: (!is_empty).then(|| Box::new(Remains { phase, unwanted })) }
    }
}

impl Finished {
    /// Whether the job has come to its own end, so that its time says how long such jobs take. What cannot pause does so late, too: else a kind of which nothing is ever done in time would
    /// never be known to take that long, and all of it be begun in vain.
    pub(super) fn is_done(&self) -> bool {
        let stopped = [Code::Aborted, Code::PoolClosed, Code::TaskTimeout, Code::PoolOverloaded];
        self.is_whole || !self.outcome.as_ref().is_err_and(|error| stopped.contains(&error.code))
    }

    /// Whether it has a result.
    pub(super) fn gave_value(&self) -> bool {
        self.outcome.is_ok()
    }

    /// Whether there is something to drop, which may be large.
    pub(super) fn has_remains(&self) -> bool {
        // Who would have done external work is no work, and shared by all that does.
        let is_large = |remains: &Remains| remains.unwanted.is_some() || !matches!(remains.phase, Phase::External(_));
        self.remains.as_deref().is_some_and(is_large)
    }

    /// Drops what is left of the work and gives the outcome; of several errors the first.
    pub(super) fn into_outcome(self) -> Result<Value> {
        let Some(remains) = self.remains else { return self.outcome };
        let Remains { phase, unwanted } = *remains;
        let _ = drop_catching_panic(unwanted);
        let dropped = drop_catching_panic(phase);
        self.outcome.and_then(|value| dropped.map(|()| value))
    }
}

impl Phase {
    /// Whether there is nothing in it to drop.
    fn is_spent(&self) -> bool {
        match self {
            Phase::Ending | Phase::Unprepared(..) | Phase::Stepped(None) | Phase::OneShot(None) => true,
            Phase::Parallel { .. } | Phase::Stepped(Some(_)) | Phase::OneShot(Some(_)) | Phase::External(_) => false,
        }
    }

    fn enter(work: Work) -> Result<(Self, Sizer)> {
        match work {
            Work::Parallel(work) => {
                let (work, len, first) = sized(work, |work| (work.len(), work.first_morsel()))?;
                Ok((Phase::Parallel { work, len, claimed: 0, done: 0 }, Sizer::new(len, first)))
            }
            Work::Stepped(machine) => {
                let (machine, len, first) = sized(machine, |machine| (machine.len(), machine.first_morsel()))?;
                Ok((Phase::Stepped(Some(machine)), Sizer::new(len, first)))
            }
            Work::OneShot(call) => Ok((Phase::OneShot(Some(call)), Sizer::new(1, 1))),
        }
    }
}

/// Work with what it says of its size.
fn sized<W>(work: W, size: impl FnOnce(&W) -> (u64, u64)) -> Result<(W, u64, u64)> {
    match catch_panic(|| Ok(size(&work))) {
        Ok((len, first)) => Ok((work, len, first)),
        Err(error) => {
            let _ = drop_catching_panic(work);
            Err(error)
        }
    }
}

impl Morsel {
    /// Runs kernel code, whose panics are caught, and drops work that has come to its end.
    pub(super) fn run(self, control: &Control) -> Timed {
        match self {
            Morsel::Range { mut work, range, last, progress } => {
                let units = range.end - range.start;
                let ran = catch_panic(|| {
                    work.run(range)?;
                    if last {
                        return merge(&mut work).map(Some);
                    }
                    control.set_progress(work.progress(progress));
                    Ok(None)
                });
                match ran {
                    Ok(None) => Timed::more(|| drop_catching_panic(work).map(|()| Ran::Units(units))),
                    Ok(Some(next)) => Timed::last(Ok(next), work),
                    Err(error) => Timed::last(Err(error), work),
                }
            }
            Morsel::Merge(mut work) => Timed::last(catch_panic(|| merge(&mut work)), work),
            Morsel::Step { mut machine, units } => match catch_panic(|| machine.step(units)) {
                Ok(Step::More { progress }) => {
                    control.set_progress(progress);
                    Timed::more(|| Ok(Ran::More(machine, units)))
                }
                Ok(Step::Done(next)) => Timed::last(Ok(next), machine),
                Err(error) => Timed::last(Err(error), machine),
            },
            Morsel::OneShot(mut call) => Timed::last(catch_panic(&mut call), call),
            Morsel::Prepare(kernel, input) => {
                let work = catch_panic(|| kernel.prepare(Value::Number(input), &Options::default()));
                match work.and_then(Phase::enter) {
                    // All of it fits into one morsel: this one.
                    Ok((Phase::Parallel { work, len, .. }, sizer)) if len <= sizer.last => {
                        Morsel::Range { work, range: 0..len, last: true, progress: len }.run(control)
                    }
                    Ok((phase, sizer)) => Timed::more(|| Ok(Ran::Phase(phase, sizer))),
                    Err(error) => Timed::last(Err(error), ()),
                }
            }
        }
    }
}

impl Timed {
    fn more(ran: impl FnOnce() -> Result<Ran>) -> Self {
        let at = Instant::now();
        Self { ran: ran(), at, is_last: false }
    }

    fn last<W>(next: Result<Next>, work: W) -> Self {
        let at = Instant::now();
        Self { ran: Ran::after(next, work), at, is_last: true }
    }
}

fn merge(work: &mut Arc<dyn Parallel>) -> Result<Next> {
    let work =
        Arc::get_mut(work).unwrap_or_else(|| unreachable!("whoever had it too has been settled, and dropped it"));
    work.merge()
}

impl Ran {
    /// What follows a piece of work that has ended: drops that first.
    fn after<W>(next: Result<Next>, work: W) -> Result<Self> {
        let dropped = drop_catching_panic(work);
        match (next?, dropped) {
            (Next::Done(value), Ok(())) => Ok(Ran::Value(value)),
            (Next::Then(work), Ok(())) => {
                let (phase, sizer) = Phase::enter(work)?;
                Ok(Ran::Phase(phase, sizer))
            }
            (next, Err(error)) => {
                let _ = drop_catching_panic(next);
                Err(error)
            }
        }
    }
}

/// Runs one job on this thread, to its end, or until `between` two morsels says that it is to pause: then there is none.
pub(super) fn run_alone(
    job: &mut Job,
    control: &Control,
    mut between: impl FnMut(Instant) -> ControlFlow<()>,
) -> Option<Result<Value>> {
    let mut now = Instant::now();
    loop {
        let (finished, goes_on) = match control.check(now) {
            Err(error) => (job.fail(error), ControlFlow::Continue(())),
            Ok(()) => {
                // Alone on the job, there is always a morsel until the end.
                let morsel = job.claim(1).map(|morsel| morsel.run(control));
                let finished = morsel.and_then(|Timed { ran, at, .. }| {
                    let start = std::mem::replace(&mut now, at);
                    job.settle(ran, at - start)
                });
                (finished, between(now))
            }
        };
        if let Some(finished) = finished {
            return Some(finished.into_outcome());
        }
        if goes_on.is_break() {
            return None;
        }
    }
}

/// Chooses how many units make a morsel, from what the morsels before have cost.
pub(super) struct Sizer {
    total: u64,
    /// Units of the last morsel; at first, the kernel's own guess.
    last: u64,
    /// Measured cost of a unit, in nanoseconds; 0 until there is a measurement.
    cost: f64,
}

impl Sizer {
    fn new(total: u64, first: u64) -> Self {
        Self { total, last: first.max(1), cost: 0.0 }
    }

    /// Units for the next of the morsels that `threads` threads make of `left` units.
    fn units(&mut self, left: u64, threads: usize) -> u64 {
        if self.cost == 0.0 {
            return self.last.min(left);
        }
        let full = self.fitting(MORSEL).min(self.last.saturating_mul(GROWTH));
        self.last = full;
        if threads <= 1 {
            return full.min(left);
        }
        // Towards the end the morsels get smaller, so that all threads finish together.
        let share = left.div_ceil(2 * threads as u64).max(self.fitting(SHARED_END));
        full.min(share).min(left)
    }

    fn fitting(&self, time: Duration) -> u64 {
        ((time.as_nanos() as f64 / self.cost) as u64).max(1)
    }

    fn record(&mut self, units: u64, elapsed: Duration) {
        let cost = (elapsed.as_nanos() as f64 / units.max(1) as f64).max(f64::MIN_POSITIVE);
        // Half old, half new: a thread that lost its core for a moment is soon forgotten.
        self.cost = if self.cost == 0.0 { cost } else { (self.cost + cost) / 2.0 };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    struct Ranges {
        len: u64,
        seen: Arc<Mutex<Vec<Range<u64>>>>,
    }

    impl Parallel for Ranges {
        fn len(&self) -> u64 {
            self.len
        }
        fn first_morsel(&self) -> u64 {
            10
        }
        fn run(&self, range: Range<u64>) -> Result<()> {
            self.seen.lock().unwrap().push(range);
            Ok(())
        }
        fn merge(&mut self) -> Result<Next> {
            Ok(Next::Done(Value::Number(self.len as f64)))
        }
    }

    fn ranges(len: u64) -> (Job, Arc<Mutex<Vec<Range<u64>>>>) {
        let seen = Arc::new(Mutex::new(vec![]));
        (Job::new(Work::parallel(Ranges { len, seen: Arc::clone(&seen) })).unwrap(), seen)
    }

    #[test]
    fn ranges_cover_everything_once_and_in_order() {
        for len in [0, 1, 10, 11, 100_000] {
            let (mut job, seen) = ranges(len);
            assert_eq!(
                run_alone(&mut job, &Control::default(), |_| ControlFlow::Continue(())).unwrap(),
                Ok(Value::Number(len as f64))
            );
            let mut next = 0;
            for range in seen.lock().unwrap().iter() {
                assert_eq!(range.start, next);
                next = range.end;
            }
            assert_eq!(next, len);
        }
    }

    struct Counted;

    impl Kernel for Counted {
        fn spec(&self) -> &'static heavy_load_kernel::Spec {
            static SPEC: heavy_load_kernel::Spec = heavy_load_kernel::Spec::new("counted");
            &SPEC
        }
        fn prepare(&self, input: Value, _: &Options) -> Result<Work> {
            let len = input.integer("len", 0..=1_000)?;
            Ok(Work::parallel(Ranges { len, seen: Arc::default() }))
        }
    }

    #[test]
    fn a_call_is_prepared_by_the_thread_that_takes_it_up() {
        let control = Control::default();
        // What fits into one morsel ends with it; what does not goes on as any other; what is refused fails.
        for (input, morsels) in [(0.0, 1), (10.0, 1), (1_000.0, 3)] {
            let mut job = Job::unprepared(&Counted, input, 1);
            assert!(job.can_claim(1) && !job.is_parallel());
            let mut claimed = 0;
            let outcome = loop {
                let morsel = job.claim(1).unwrap();
                claimed += 1;
                if let Some(finished) = job.settle(morsel.run(&control).ran, MORSEL) {
                    break finished.into_outcome();
                }
            };
            assert_eq!(outcome, Ok(Value::Number(input)));
            assert!(claimed >= morsels && (claimed == 1) == (morsels == 1), "{input}: {claimed}");
        }
        let run = |job: &mut Job| run_alone(job, &control, |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(run(&mut Job::unprepared(&Counted, -1.0, 1)).unwrap_err().code, Code::OutOfRange);
        assert!(Job::unprepared(&Counted, 1.0, 1).fail(EngineError::new(Code::Aborted, "x")).is_some());
    }

    #[test]
    fn the_merge_waits_for_every_morsel() {
        let (mut job, _) = ranges(20);
        let control = Control::default();
        let first = job.claim(2).unwrap();
        let second = job.claim(2).unwrap();
        assert!(!job.can_claim(9));
        assert!(job.claim(2).is_none());
        assert!(job.settle(second.run(&control).ran, MORSEL).is_none());
        assert!(!job.can_claim(9), "the first morsel is still out");
        assert!(job.settle(first.run(&control).ran, MORSEL).is_none());
        let merge = job.claim(2).unwrap();
        assert!(matches!(merge, Morsel::Merge(_)));
        assert!(job.settle(merge.run(&control).ran, MORSEL).is_some());
    }

    #[test]
    fn a_failed_job_waits_for_what_is_in_flight() {
        let (mut job, _) = ranges(100);
        let control = Control::default();
        let out = job.claim(2).unwrap();
        assert!(job.fail(EngineError::new(Code::Aborted, "x")).is_none());
        assert!(job.claim(2).is_none());
        let finished = job.settle(out.run(&control).ran, MORSEL).unwrap();
        assert_eq!(finished.into_outcome().unwrap_err().code, Code::Aborted);
    }

    #[test]
    fn max_threads_bounds_what_is_in_flight() {
        let (mut job, _) = ranges(100);
        assert!(job.can_claim(1));
        let _out = job.claim(1).unwrap();
        assert!(!job.can_claim(1));
        assert!(job.can_claim(2));
    }

    #[test]
    fn sizes_approach_a_millisecond_without_leaps() {
        let mut sizer = Sizer::new(u64::MAX, 10);
        let mut sizes = vec![];
        for _ in 0..8 {
            let units = sizer.units(u64::MAX, 1);
            sizes.push(units);
            sizer.record(units, Duration::from_nanos(units * 100)); // 100 ns a unit: 10,000 make a millisecond
        }
        assert_eq!(sizes, [10, 80, 640, 5_120, 10_000, 10_000, 10_000, 10_000]);
        // Ten times slower now: the next morsels shrink.
        sizer.record(10_000, Duration::from_millis(10));
        assert!(sizer.units(u64::MAX, 1) < 2_000);
    }

    #[test]
    fn the_end_is_shared_between_threads() {
        let mut sizer = Sizer::new(12_000, 10_000);
        sizer.record(10_000, MORSEL);
        assert_eq!(sizer.units(12_000, 2), 3_000);
        assert_eq!(sizer.units(600, 2), 500, "but not below 50 us");
    }
}
