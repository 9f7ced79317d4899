//! The pool with real threads. Tests wait for completions, never for time to pass.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::*;
use crate::{Completion, Ended, Outcome, Part, Priority};
use heavy_load_kernel::error::Code;
use heavy_load_kernel::value::Value;
use heavy_load_kernel::{Next, Parallel, Step, Stepped};

/// Sends completions to the test.
struct Ends(Sender<Completion>);

impl Sink for Ends {
    fn complete(&self, completion: Completion) {
        self.0.send(completion).unwrap();
    }
}

/// How a task counts that ended like this.
fn outcome_of<T>(result: &Result<T>) -> Outcome {
    match result.as_ref().map_err(|error| error.code) {
        Ok(_) => Outcome::Completed,
        Err(Code::Aborted | Code::PoolClosed) => Outcome::Cancelled,
        Err(Code::TaskTimeout) => Outcome::TimedOut,
        Err(Code::PoolOverloaded) => Outcome::Rejected,
        Err(_) => Outcome::Failed,
    }
}

/// Counts what is reported to the test.
#[derive(Default)]
struct Counts([AtomicU64; 5]);

impl Tally for Counts {
    fn ended(&self) -> Ended {
        std::array::from_fn(|index| self.0[index].load(Ordering::Relaxed))
    }
}

struct Bench {
    pool: Pool,
    counts: Arc<Counts>,
    sink: Arc<dyn Sink>,
    ends: Receiver<Completion>,
}

impl Bench {
    fn new(threads: usize, max_queue: usize) -> Self {
        let (sender, ends) = unbounded();
        let pool =
            Pool::new(PoolConfig { threads, max_queue, niceness: 0, max_memory: 100, name: "test".into() }).unwrap();
        let counts = Arc::<Counts>::default();
        pool.add_tally(Arc::clone(&counts) as Arc<dyn Tally>);
        Self { pool, counts, sink: Arc::new(Ends(sender)), ends }
    }

    fn submit(&self, slot: u32, work: Work, config: TaskConfig) -> Result<Arc<Task>> {
        let reservation = self.pool.reserve(work, config, Instant::now());
        if reservation.is_err() {
            self.count(outcome_of(&reservation));
        }
        Ok(self.pool.submit(reservation?, Arc::clone(&self.sink), slot))
    }

    fn count(&self, outcome: Outcome) {
        self.counts.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn end(&self) -> Completion {
        let end = self.ends.recv_timeout(Duration::from_secs(60)).expect("no task ended");
        self.count(outcome_of(&end.outcome));
        end
    }
}

fn value(number: f64) -> Work {
    Work::one_shot(move || Ok(Next::Done(Value::Number(number))))
}

/// A gate that a test opens: until then, the machine says "more".
#[derive(Clone, Default)]
struct Gate {
    open: Arc<AtomicBool>,
    entered: Arc<AtomicBool>,
}

struct Waiting(Gate);

impl Stepped for Waiting {
    fn len(&self) -> u64 {
        1
    }
    fn first_morsel(&self) -> u64 {
        1
    }
    fn step(&mut self, _units: u64) -> Result<Step> {
        self.0.entered.store(true, Ordering::SeqCst);
        if self.0.open.load(Ordering::SeqCst) {
            Ok(Step::Done(Next::Done(Value::Null)))
        } else {
            Ok(Step::More { progress: 0.5 })
        }
    }
}

impl Gate {
    fn work(&self) -> Work {
        Work::stepped(Waiting(self.clone()))
    }
    fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
    /// Blocks the test, not a worker, until the task has begun.
    fn entered(&self) {
        while !self.entered.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
    }
}

#[test]
fn every_task_ends_once() {
    let bench = Bench::new(3, usize::MAX);
    for slot in 0..5_000 {
        bench.submit(slot, value(f64::from(slot)), TaskConfig::default()).unwrap();
    }
    let mut seen = vec![false; 5_000];
    for _ in 0..5_000 {
        let end = bench.end();
        assert_eq!(end.outcome, Ok(Value::Number(f64::from(end.slot))));
        assert!(!std::mem::replace(&mut seen[end.slot as usize], true));
    }
    assert!(bench.ends.try_recv().is_err());
    let stats = bench.pool.stats();
    assert_eq!((stats.completed, stats.queued, stats.running), (5_000, 0, 0));
    assert_eq!((stats.wait.count, stats.run.count), (5_000, 5_000));
}

/// A part of what its caller calls one task.
fn part(is_first: bool, is_last: bool) -> TaskConfig {
    TaskConfig { part: Part { is_first, is_last, ran: Duration::from_secs(7) }, ..TaskConfig::default() }
}

#[test]
fn the_parts_of_a_task_count_once() {
    let bench = Bench::new(1, usize::MAX);
    for (slot, (is_first, is_last)) in [(true, false), (false, false), (false, true)].into_iter().enumerate() {
        bench.submit(slot as u32, value(1.0), part(is_first, is_last)).unwrap();
        bench.end();
    }
    let Stats { wait, run, .. } = bench.pool.stats();
    assert_eq!((wait.count, run.count), (1, 1));
    assert!(run.min >= 7_000.0, "{} ms: all the parts", run.min);
    // One that ends before its last part has run, too.
    bench.submit(3, value(1.0), part(true, false)).unwrap();
    bench.end();
    bench.submit(4, Work::one_shot(|| panic!("on purpose: part")), part(false, false)).unwrap();
    bench.end();
    let Stats { wait, run, .. } = bench.pool.stats();
    assert_eq!((wait.count, run.count), (2, 2));
}

#[test]
fn later_parts_are_let_in_whatever_there_is() {
    let bench = Bench::new(1, 0);
    let gate = Gate::default();
    bench.submit(0, gate.work(), TaskConfig::default()).unwrap();
    gate.entered();
    assert_eq!(bench.submit(1, value(1.0), part(true, false)).unwrap_err().code, Code::PoolOverloaded);
    bench.submit(2, value(1.0), part(false, false)).unwrap();
    gate.open();
    // The gate's has run for long by now: the part may pass it.
    let mut ends = [bench.end().slot, bench.end().slot];
    ends.sort_unstable();
    assert_eq!(ends, [0, 2]);
    let stats = bench.pool.stats();
    assert_eq!((stats.queued, stats.running), (0, 0));
}

#[test]
fn a_parallel_task_uses_many_threads_and_merges_once() {
    struct Sum(AtomicU64);
    impl Parallel for Sum {
        fn len(&self) -> u64 {
            10_000
        }
        fn first_morsel(&self) -> u64 {
            7
        }
        fn run(&self, range: std::ops::Range<u64>) -> Result<()> {
            self.0.fetch_add(range.sum(), Ordering::Relaxed);
            Ok(())
        }
        fn merge(&mut self) -> Result<Next> {
            Ok(Next::Done(Value::Number(self.0.load(Ordering::Relaxed) as f64)))
        }
    }
    let bench = Bench::new(4, usize::MAX);
    for slot in 0..200 {
        bench.submit(slot, Work::parallel(Sum(AtomicU64::new(0))), TaskConfig::default()).unwrap();
    }
    for _ in 0..200 {
        assert_eq!(bench.end().outcome, Ok(Value::Number(49_995_000.0)));
    }
}

#[test]
fn a_running_task_is_stopped_and_its_thread_serves_on() {
    let bench = Bench::new(1, usize::MAX);
    let gate = Gate::default();
    let task = bench.submit(0, gate.work(), TaskConfig::default()).unwrap();
    gate.entered();
    bench.pool.stop(&task, Stop::Aborted);
    assert_eq!(bench.end().outcome.unwrap_err().code, Code::Aborted);
    bench.submit(1, value(1.0), TaskConfig::default()).unwrap();
    assert_eq!(bench.end().slot, 1);
    let stats = bench.pool.stats();
    assert_eq!((stats.cancelled, stats.completed, stats.running), (1, 1, 0));
}

/// Else a kind of which nothing is ever done in time would be begun again and again, each in vain.
#[test]
fn what_cannot_pause_tells_how_long_it_takes_however_late_it_ends() {
    // The other thread tells those that are stopped while they run.
    let bench = Bench::new(2, usize::MAX);
    let (enter, entered) = unbounded();
    let burning = || {
        let enter = enter.clone();
        Work::one_shot(move || {
            enter.send(()).unwrap();
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(100) {
                std::hint::spin_loop();
            }
            Ok(Next::Done(Value::Null))
        })
    };
    // A quick one has been done in time: from then on only ends count.
    bench.submit(5, value(1.0), TaskConfig::default()).unwrap();
    bench.end();
    for slot in 0..3 {
        let task = bench.submit(slot, burning(), TaskConfig::default()).unwrap();
        entered.recv().unwrap();
        bench.pool.stop(&task, Stop::Aborted);
        assert_eq!(bench.end().outcome.unwrap_err().code, Code::Aborted);
    }
    for slot in 3..5 {
        bench.submit(slot, burning(), TaskConfig::default()).unwrap();
        entered.recv().unwrap();
    }
    let late = TaskConfig { timeout: Some(Duration::from_millis(20)), ..TaskConfig::default() };
    assert_eq!(bench.submit(6, burning(), late).unwrap_err().code, Code::PoolOverloaded);
    bench.end();
    bench.end();
}

/// A piece of work that reports who drops it, and then waits for leave to be gone, as large memory would take its time.
struct Heavy {
    dropping: Sender<Option<String>>,
    leave: Receiver<()>,
}

impl Heavy {
    /// The work, the names of the threads that drop it, and the way to let it go.
    fn work() -> (Work, Receiver<Option<String>>, Sender<()>) {
        let (dropping, dropped_by) = unbounded();
        let (let_go, leave) = unbounded();
        let heavy = Heavy { dropping, leave };
        let work = Work::one_shot(move || {
            let _captured = &heavy;
            Ok(Next::Done(Value::Null))
        });
        (work, dropped_by, let_go)
    }
}

impl Drop for Heavy {
    fn drop(&mut self) {
        let _ = self.dropping.send(std::thread::current().name().map(str::to_owned));
        let _ = self.leave.recv_timeout(Duration::from_secs(10));
    }
}

#[test]
fn a_queued_task_is_stopped_at_once_and_its_work_dropped_by_a_thread() {
    let bench = Bench::new(1, 1);
    let (entered, has_entered) = unbounded();
    let (release, released) = unbounded::<()>();
    let blocker = Work::one_shot(move || {
        entered.send(()).unwrap();
        let _ = released.recv();
        Ok(Next::Done(Value::Null))
    });
    bench.submit(0, blocker, TaskConfig::default()).unwrap();
    has_entered.recv().unwrap();
    let (work, dropped_by, let_go) = Heavy::work();
    let queued = bench.submit(1, work, TaskConfig::default()).unwrap();
    assert!(bench.pool.needs_drain());
    bench.pool.stop(&queued, Stop::Aborted);
    // The only thread is still in the blocker.
    assert!(!bench.pool.needs_drain());
    bench.submit(2, value(2.0), TaskConfig::default()).expect("the place is free");
    release.send(()).unwrap();
    assert_eq!(bench.end().slot, 0);
    assert_eq!(dropped_by.recv_timeout(Duration::from_secs(60)).unwrap().unwrap(), "test-0");
    assert!(bench.ends.try_recv().is_err(), "no completion before the work is dropped");
    let_go.send(()).unwrap();
    let end = bench.end();
    assert_eq!((end.slot, end.outcome.unwrap_err().code), (1, Code::Aborted));
    assert_eq!(bench.end().slot, 2);
    assert_eq!(bench.pool.stats().queued, 0);
}

#[test]
fn while_one_thread_drops_work_the_others_serve() {
    let bench = Bench::new(2, usize::MAX);
    let high = TaskConfig { priority: Priority::High, ..TaskConfig::default() };
    let gates = [Gate::default(), Gate::default()];
    for (slot, gate) in (0..).zip(&gates) {
        bench.submit(slot, gate.work(), high.clone()).unwrap();
        gate.entered();
    }
    let (work, dropped_by, let_go) = Heavy::work();
    let heavy = bench.submit(2, work, TaskConfig::default()).unwrap();
    bench.pool.stop(&heavy, Stop::Aborted);
    dropped_by.recv_timeout(Duration::from_secs(60)).unwrap();
    // The other thread takes what comes, while one drops.
    for slot in 3..50 {
        bench.submit(slot, value(0.0), high.clone()).unwrap();
        assert_eq!(bench.end().slot, slot);
    }
    let_go.send(()).unwrap();
    let end = bench.end();
    assert_eq!((end.slot, end.outcome.unwrap_err().code), (2, Code::Aborted));
    for gate in &gates {
        gate.open();
    }
    assert_eq!(bench.end().slot + bench.end().slot, 1);
}

#[test]
fn the_time_that_work_takes_to_be_dropped_is_nobody_s() {
    let bench = Bench::new(1, usize::MAX);
    let gate = Gate::default();
    bench.submit(0, gate.work(), TaskConfig { priority: Priority::High, ..TaskConfig::default() }).unwrap();
    gate.entered();
    let (work, dropped_by, let_go) = Heavy::work();
    let heavy = bench.submit(1, work, TaskConfig::default()).unwrap();
    bench.pool.stop(&heavy, Stop::Aborted);
    dropped_by.recv_timeout(Duration::from_secs(60)).unwrap();
    let before = bench.pool.stats();
    // As large memory does, it takes a while.
    while bench.pool.stats().uptime < before.uptime + Duration::from_millis(50) {
        std::thread::yield_now();
    }
    gate.open();
    let_go.send(()).unwrap();
    assert_eq!(bench.end().slot, 1);
    let end = bench.end();
    assert_eq!(end.slot, 0);
    let busy = |stats: &Stats| Duration::from_secs_f64(stats.utilization * stats.uptime.as_secs_f64());
    let after = bench.pool.stats();
    let (used, passed) = (busy(&after).saturating_sub(busy(&before)), after.uptime - before.uptime);
    assert!(used < passed / 2, "{used:?} of {passed:?}");
}

#[test]
fn a_paused_task_is_stopped_while_others_keep_the_threads() {
    let bench = Bench::new(1, usize::MAX);
    let (low, high) = (Gate::default(), Gate::default());
    let paused = bench.submit(0, low.work(), TaskConfig { priority: Priority::Low, ..TaskConfig::default() }).unwrap();
    low.entered();
    bench.submit(1, high.work(), TaskConfig { priority: Priority::High, ..TaskConfig::default() }).unwrap();
    high.entered();
    bench.pool.stop(&paused, Stop::Aborted);
    assert_eq!(bench.end().slot, 0);
    high.open();
    assert_eq!(bench.end().slot, 1);
}

#[test]
fn an_expired_task_never_runs() {
    let bench = Bench::new(1, usize::MAX);
    let gate = Gate::default();
    bench.submit(0, gate.work(), TaskConfig { priority: Priority::High, ..TaskConfig::default() }).unwrap();
    gate.entered();
    let ran = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ran);
    let work = Work::one_shot(move || {
        flag.store(true, Ordering::SeqCst);
        Ok(Next::Done(Value::Null))
    });
    let timeout = Duration::from_secs(60);
    let config = TaskConfig { timeout: Some(timeout), ..TaskConfig::default() };
    let reservation = bench.pool.reserve(work, config, Instant::now() - timeout).unwrap();
    bench.pool.submit(reservation, Arc::clone(&bench.sink), 1);
    gate.open();
    assert_eq!(bench.end().slot, 0);
    assert_eq!(bench.end().outcome.unwrap_err().code, Code::TaskTimeout);
    assert!(!ran.load(Ordering::SeqCst));
    assert_eq!(bench.pool.stats().timed_out, 1);
}

#[test]
fn a_full_queue_refuses_and_a_dropped_reservation_gives_its_place_back() {
    let bench = Bench::new(1, 0);
    let gate = Gate::default();
    // With no queue, an idle thread takes a task all the same.
    bench.submit(0, gate.work(), TaskConfig::default()).unwrap();
    gate.entered();
    let error = bench.submit(1, value(1.0), TaskConfig::default()).unwrap_err();
    assert_eq!(error.code, Code::PoolOverloaded);
    assert!(error.retry_after.unwrap() >= 1.0);
    gate.open();
    bench.end();
    for slot in 0..100 {
        drop(bench.pool.reserve(value(0.0), TaskConfig::default(), Instant::now()).unwrap());
        bench.submit(slot, value(1.0), TaskConfig::default()).unwrap();
        // As soon as the completion is here, the thread counts as idle.
        bench.end();
    }
    let stats = bench.pool.stats();
    assert_eq!((stats.rejected, stats.completed, stats.queued), (1, 101, 0));
}

#[test]
fn many_at_once_take_the_places_there_are_up_to_the_first_that_is_no_work() {
    let bench = Bench::new(1, 5);
    let submit = |works: Vec<Result<(Job, TaskConfig, u32)>>| {
        let mut slots = Vec::new();
        bench.pool.submit_batch(works.into_iter(), &bench.sink, |task| slots.push(task.slot));
        slots
    };
    let works = |slots: std::ops::Range<u32>| {
        slots.map(|slot| Ok((Job::new(value(f64::from(slot)))?, TaskConfig::default(), slot)))
    };
    let gate = Gate::default();
    bench.submit(100, gate.work(), TaskConfig { priority: Priority::High, ..TaskConfig::default() }).unwrap();
    gate.entered();

    let broken = std::iter::once(Err(Stop::Aborted.error()));
    assert_eq!(submit(works(0..2).chain(broken).chain(works(2..9)).collect()), [0, 1]);
    assert_eq!(bench.pool.stats().queued, 2, "what was not taken has no place");
    assert_eq!(submit(works(2..9).collect()), [2, 3, 4]);
    assert_eq!(submit(works(5..9).collect()), []);
    assert_eq!(bench.submit(9, value(9.0), TaskConfig::default()).unwrap_err().code, Code::PoolOverloaded);

    gate.open();
    let slots: Vec<_> = (0..6).map(|_| bench.end().slot).collect();
    assert_eq!(slots, [100, 0, 1, 2, 3, 4], "in order");
    let stats = bench.pool.stats();
    assert_eq!((stats.completed, stats.queued, stats.running, stats.rejected), (6, 0, 0, 1));
}

#[test]
fn drain_is_told_when_the_queue_gets_shorter_than_the_threads() {
    let bench = Bench::new(1, usize::MAX);
    let (sender, drained) = unbounded();
    let listener: Arc<dyn Fn() + Send + Sync> = Arc::new(move || sender.send(()).unwrap());
    bench.pool.on_drain(&listener);
    let gate = Gate::default();
    bench.submit(0, gate.work(), TaskConfig { priority: Priority::High, ..TaskConfig::default() }).unwrap();
    gate.entered();
    while drained.try_recv().is_ok() {}
    bench.submit(1, value(1.0), TaskConfig::default()).unwrap();
    assert!(bench.pool.needs_drain());
    assert!(drained.try_recv().is_err());
    gate.open();
    drained.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(!bench.pool.needs_drain());
}

#[test]
fn a_panic_costs_one_task() {
    let bench = Bench::new(2, usize::MAX);
    for slot in 0..50 {
        let work = if slot % 2 == 0 { value(1.0) } else { Work::one_shot(|| panic!("on purpose")) };
        bench.submit(slot, work, TaskConfig::default()).unwrap();
    }
    for _ in 0..50 {
        let end = bench.end();
        assert_eq!(end.outcome.is_ok(), end.slot.is_multiple_of(2));
    }
    assert_eq!(bench.pool.stats().failed, 25);
}

#[test]
fn panics_of_sinks_and_watchers_cost_no_thread() {
    struct Panicking(Arc<dyn Sink>);
    impl Sink for Panicking {
        fn complete(&self, completion: Completion) {
            assert!(completion.slot.is_multiple_of(2), "on purpose: sink");
            self.0.complete(completion);
        }
    }
    let Bench { pool, sink, ends, .. } = Bench::new(1, usize::MAX);
    let listener: Arc<dyn Fn() + Send + Sync> = Arc::new(|| panic!("on purpose: listener"));
    pool.on_drain(&listener);
    let sink: Arc<dyn Sink> = Arc::new(Panicking(sink));
    // The last has a sink that reports: by then all have ended.
    for slot in 0..101 {
        let reservation = pool.reserve(value(f64::from(slot)), TaskConfig::default(), Instant::now()).unwrap();
        pool.submit(reservation, Arc::clone(&sink), slot);
    }
    for slot in (0..101).step_by(2) {
        assert_eq!(ends.recv_timeout(Duration::from_secs(60)).unwrap().slot, slot);
    }
    let stats = pool.stats();
    assert_eq!((stats.queued, stats.run.count), (0, 101));
}

#[test]
fn a_ticket_that_panics_is_issued_again() {
    let bench = Bench::new(1, usize::MAX);
    for slot in 0..100 {
        bench.pool.send(Message::Panic);
        bench.submit(slot, value(1.0), TaskConfig::default()).unwrap();
        assert_eq!(bench.end().slot, slot);
    }
}

#[test]
fn work_may_panic_and_then_panic_when_it_is_dropped() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose: drop");
        }
    }
    let bench = Bench::new(2, usize::MAX);
    for slot in 0..20 {
        let bomb = Bomb;
        let work = Work::one_shot(move || {
            let _captured = &bomb;
            panic!("on purpose: call")
        });
        bench.submit(slot, work, TaskConfig::default()).unwrap();
    }
    for _ in 0..20 {
        assert_eq!(bench.end().outcome.unwrap_err().message, "The kernel panicked: on purpose: call");
    }
}

#[test]
fn short_tasks_pass_long_ones_of_their_own_class() {
    let bench = Bench::new(1, usize::MAX);
    let long = Gate::default();
    bench.submit(0, long.work(), TaskConfig::default()).unwrap();
    long.entered();
    // The long task says "more" at once each time, so it sinks only with the thread time it uses; either way the
    // newcomer has its turn.
    bench.submit(1, value(1.0), TaskConfig::default()).unwrap();
    assert_eq!(bench.end().slot, 1);
    long.open();
    bench.end();
}

#[test]
fn inner_rayon_parallelism_runs_on_the_pool_s_own_threads() {
    let bench = Bench::new(2, usize::MAX);
    let work = Work::one_shot(|| {
        let name = || std::thread::current().name().map(str::to_owned);
        let (a, b) = rayon::join(name, name);
        Ok(Next::Done(Value::Bool([a, b].iter().all(|name| name.as_ref().is_some_and(|n| n.starts_with("test-"))))))
    });
    bench.submit(0, work, TaskConfig::default()).unwrap();
    assert_eq!(bench.end().outcome, Ok(Value::Bool(true)));
}

#[test]
fn races_of_stop_and_end_leave_exact_counts() {
    let bench = Bench::new(2, usize::MAX);
    let mut tasks = vec![];
    for slot in 0..20_000u32 {
        let config = TaskConfig {
            timeout: (slot % 5 == 0).then_some(Duration::from_micros(u64::from(slot % 97))),
            key: (slot % 3 == 0).then(|| Arc::from((slot % 7).to_string())),
            priority: [Priority::High, Priority::Normal, Priority::Low][slot as usize % 3],
            ..TaskConfig::default()
        };
        match bench.submit(slot, value(0.0), config) {
            Ok(task) => tasks.push(task),
            Err(error) => assert_eq!(error.code, Code::PoolOverloaded),
        }
        if slot % 4 == 0
            && let Some(task) = tasks.get(tasks.len().saturating_sub(slot as usize % 11))
        {
            bench.pool.stop(task, Stop::Aborted);
        }
    }
    let mut ended = 0;
    for _ in 0..tasks.len() {
        bench.end();
        ended += 1;
    }
    assert!(bench.ends.try_recv().is_err());
    let stats = bench.pool.stats();
    // Those that were let in and given up count as refused, too.
    assert!(stats.completed + stats.cancelled + stats.timed_out <= ended);
    assert_eq!((stats.queued, stats.running, stats.failed), (0, 0, 0));
    assert_eq!(stats.completed + stats.cancelled + stats.timed_out + stats.rejected, 20_000);
}
