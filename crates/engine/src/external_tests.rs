//! External tasks in a pool with real threads. Tests wait for begins and ends, never for time to pass.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::*;
use crate::{Completion, Priority};
use heavy_load_kernel::error::Code;
use heavy_load_kernel::value::Value;
use heavy_load_kernel::{Next, Step, Stepped};

/// What a pool says of its tasks, in the order in which it says it.
#[derive(Debug)]
enum Said {
    Begun(u32),
    Ended(Completion),
}

struct Listener(Sender<Said>);

impl Begin for Listener {
    fn begin(&self, slot: u32) {
        self.0.send(Said::Begun(slot)).unwrap();
    }
}

impl Sink for Listener {
    fn complete(&self, completion: Completion) {
        self.0.send(Said::Ended(completion)).unwrap();
    }
}

struct Bench {
    pool: Pool,
    listener: Arc<Listener>,
    said: Receiver<Said>,
}

impl Bench {
    fn new(threads: usize) -> Self {
        let (sender, said) = unbounded();
        let name = "external".into();
        let config = PoolConfig { threads, max_queue: usize::MAX, niceness: 0, max_memory: 100, name };
        Self { pool: Pool::new(config).unwrap(), listener: Arc::new(Listener(sender)), said }
    }

    fn external(&self, slot: u32, config: TaskConfig) -> Result<Arc<Task>> {
        let config = TaskConfig { kernel: 7, ..config };
        let begin = Arc::clone(&self.listener) as Arc<dyn Begin>;
        let reservation = self.pool.reserve_external(begin, config, Instant::now())?;
        let (task, has_begun) =
            self.pool.submit_external(reservation, Arc::clone(&self.listener) as Arc<dyn Sink>, slot);
        if has_begun {
            self.listener.begin(slot);
        }
        Ok(task)
    }

    /// Says that a task is done, and has the next begin that may.
    fn done(&self, task: &Arc<Task>) {
        let Done { completion, next } = self.pool.end(task);
        if let Some(slot) = next {
            self.listener.begin(slot);
        }
        if let Some(completion) = completion {
            self.listener.complete(completion);
        }
    }

    fn kernel(&self, slot: u32, work: Work, config: TaskConfig) -> Arc<Task> {
        let reservation = self.pool.reserve(work, config, Instant::now()).unwrap();
        self.pool.submit(reservation, Arc::clone(&self.listener) as Arc<dyn Sink>, slot)
    }

    fn said(&self) -> Said {
        self.said.recv_timeout(Duration::from_secs(60)).expect("the pool said nothing")
    }

    fn begun(&self) -> u32 {
        match self.said() {
            Said::Begun(slot) => slot,
            Said::Ended(end) => panic!("{end:?} instead of a begin"),
        }
    }

    fn ended(&self) -> Completion {
        match self.said() {
            Said::Ended(end) => end,
            Said::Begun(slot) => panic!("{slot} began instead of an end"),
        }
    }

    /// Ends a task that runs, and gives what its completion says.
    fn end(&self, task: &Arc<Task>) -> Result<Value> {
        self.done(task);
        let end = self.ended();
        assert_eq!(end.slot, task.slot);
        end.outcome
    }

    /// That nothing has been said but what was waited for. Whatever a pool does for what was sent before, it has done once
    /// this comes back: on one thread, since that reads the inbox in order.
    fn is_silent(&self) {
        assert!(self.said.try_recv().is_err());
    }

    fn idle(&self) {
        let stats = self.pool.stats();
        assert_eq!((stats.queued, stats.running, stats.memory), (0, 0, 0));
    }
}

fn value() -> Work {
    Work::one_shot(|| Ok(Next::Done(Value::Null)))
}

/// Says "more" until it is opened.
#[derive(Clone, Default)]
struct Endless(Arc<AtomicBool>);

impl Stepped for Endless {
    fn len(&self) -> u64 {
        1
    }
    fn first_morsel(&self) -> u64 {
        1
    }
    fn step(&mut self, _units: u64) -> Result<Step> {
        if self.0.load(Ordering::SeqCst) {
            Ok(Step::Done(Next::Done(Value::Null)))
        } else {
            Ok(Step::More { progress: 0.0 })
        }
    }
}

#[test]
fn at_most_as_many_run_as_there_are_threads() {
    let bench = Bench::new(2);
    let tasks: Vec<_> = (0..8).map(|slot| bench.external(slot, TaskConfig::default()).unwrap()).collect();
    assert_eq!((bench.begun(), bench.begun()), (0, 1));
    assert_eq!(bench.pool.stats().running, 2);
    for slot in 2..8 {
        bench.is_silent();
        bench.done(&tasks[slot as usize - 2]);
        // The next begins in the same look at the queue in which the place became free; who is told first is chance.
        let mut said = [bench.said(), bench.said()].map(|said| match said {
            Said::Begun(slot) => ("begun", slot),
            Said::Ended(end) => ("ended", end.slot),
        });
        said.sort_unstable();
        assert_eq!(said, [("begun", slot), ("ended", slot - 2)]);
    }
    assert_eq!(bench.end(&tasks[6]), Ok(Value::Undefined));
    assert_eq!(bench.end(&tasks[7]), Ok(Value::Undefined));
    bench.idle();
}

#[test]
fn a_thread_takes_no_morsel_while_its_place_is_held() {
    let bench = Bench::new(2);
    let held = [0, 1].map(|slot| bench.external(slot, TaskConfig::default()).unwrap());
    assert_eq!((bench.begun(), bench.begun()), (0, 1));
    let waiting = [2, 3].map(|slot| bench.external(slot, TaskConfig::default()).unwrap());
    bench.kernel(4, value(), TaskConfig::default());
    // Only a thread's look at the queue could begin something: have one look, and know that it has.
    let stopped = bench.external(5, TaskConfig::default()).unwrap();
    bench.pool.stop(&stopped, Stop::Aborted);
    assert_eq!(bench.ended().slot, 5);
    bench.is_silent();
    // The kernel's task waits for the first that ends, and not for those that wait.
    bench.done(&held[1]);
    assert_eq!(bench.ended().slot, 1);
    // It has ended by the time the next begins, of which nobody has said that it is done.
    let said = [bench.said(), bench.said()];
    assert!(said.iter().any(|said| matches!(said, Said::Begun(2))), "{said:?}");
    assert!(said.iter().any(|said| matches!(said, Said::Ended(end) if end.slot == 4)), "{said:?}");
    bench.done(&held[0]);
    bench.done(&waiting[0]);
    let mut said = [bench.said(), bench.said(), bench.said()].map(|said| match said {
        Said::Begun(slot) => slot + 100,
        Said::Ended(end) => end.slot,
    });
    said.sort_unstable();
    assert_eq!(said, [0, 2, 103]);
    assert_eq!(bench.end(&waiting[1]), Ok(Value::Undefined));
    bench.idle();
}

#[test]
fn they_get_the_only_place_though_threads_have_endless_work() {
    let bench = Bench::new(1);
    let endless = Endless::default();
    bench.kernel(0, Work::stepped(endless.clone()), TaskConfig::default());
    let external = bench.external(1, TaskConfig::default()).unwrap();
    assert_eq!(bench.begun(), 1);
    endless.0.store(true, Ordering::SeqCst);
    // Whichever is first: the thread's task needs the place that is given back.
    bench.done(&external);
    assert_eq!([bench.ended().slot, bench.ended().slot], [1, 0]);
    bench.idle();
}

#[test]
fn priorities_are_strict() {
    let bench = Bench::new(1);
    let config = |priority| TaskConfig { priority, ..TaskConfig::default() };
    let mut tasks = vec![bench.external(0, TaskConfig::default()).unwrap()];
    assert_eq!(bench.begun(), 0);
    for (slot, priority) in [(1, Priority::Low), (2, Priority::Normal), (3, Priority::High)] {
        tasks.push(bench.external(slot, config(priority)).unwrap());
    }
    bench.kernel(4, value(), config(Priority::Low));
    let mut order = vec![];
    bench.done(&tasks[0]);
    while order.len() < 5 {
        match bench.said() {
            Said::Begun(slot) => bench.done(&tasks[slot as usize]),
            Said::Ended(end) => order.push(end.slot),
        }
    }
    assert_eq!(order, [0, 3, 2, 4, 1]);
    bench.idle();
}

#[test]
fn memory_is_taken_from_begin_to_end() {
    let bench = Bench::new(3);
    let needs = |memory| TaskConfig { memory, ..TaskConfig::default() };
    let large = bench.external(0, needs(60)).unwrap();
    assert_eq!(bench.begun(), 0);
    let second = bench.external(1, needs(60)).unwrap();
    let small = bench.external(2, needs(30)).unwrap();
    assert_eq!(bench.begun(), 2, "the second does not fit beside the first");
    assert_eq!(bench.pool.stats().memory, 90);
    bench.pool.stop(&large, Stop::Aborted);
    assert_eq!(bench.end(&small), Ok(Value::Undefined));
    assert_eq!(bench.pool.stats().memory, 60, "one that was stopped keeps its memory until it is done");
    bench.done(&large);
    let said = [bench.said(), bench.said()];
    assert!(said.iter().any(|said| matches!(said, Said::Begun(1))), "{said:?}");
    assert_eq!(bench.end(&second), Ok(Value::Undefined));
    bench.idle();
}

#[test]
fn one_that_is_stopped_keeps_its_place_until_it_is_done() {
    let bench = Bench::new(1);
    let held = bench.external(0, TaskConfig::default()).unwrap();
    assert_eq!(bench.begun(), 0);
    bench.kernel(1, value(), TaskConfig::default());
    bench.pool.stop(&held, Stop::Aborted);
    bench.pool.stop(&held, Stop::TimedOut);
    let withdrawn = bench.external(2, TaskConfig::default()).unwrap();
    bench.pool.stop(&withdrawn, Stop::Closed);
    let end = bench.ended();
    assert_eq!((end.slot, end.outcome.unwrap_err().code), (2, Code::PoolClosed), "it never begins");
    bench.is_silent();
    bench.done(&held);
    let end = bench.ended();
    assert_eq!((end.slot, end.outcome.unwrap_err().code), (0, Code::Aborted), "the first reason stays");
    assert_eq!(bench.ended().slot, 1);
    bench.idle();
}

#[test]
fn a_second_end_and_one_before_the_begin_do_nothing() {
    let bench = Bench::new(1);
    let [first, second] = [0, 1].map(|slot| bench.external(slot, TaskConfig::default()).unwrap());
    bench.done(&second);
    assert_eq!(bench.begun(), 0);
    bench.done(&second);
    bench.done(&first);
    bench.done(&first);
    let said = [bench.said(), bench.said()];
    assert!(said.iter().any(|said| matches!(said, Said::Begun(1))), "{said:?}");
    assert!(said.iter().any(|said| matches!(said, Said::Ended(end) if end.slot == 0)), "{said:?}");
    bench.kernel(2, value(), TaskConfig::default());
    assert_eq!(bench.end(&second), Ok(Value::Undefined));
    assert_eq!(bench.ended().slot, 2);
    bench.is_silent();
    bench.idle();
}

#[test]
fn one_whose_time_is_over_before_it_begins_never_does() {
    let bench = Bench::new(1);
    let held = bench.external(0, TaskConfig::default()).unwrap();
    assert_eq!(bench.begun(), 0);
    let config = TaskConfig { timeout: Some(Duration::from_nanos(1)), ..TaskConfig::default() };
    bench.external(1, config).unwrap();
    bench.done(&held);
    let mut ends = [bench.ended(), bench.ended()].map(|end| (end.slot, end.outcome.map_err(|error| error.code)));
    ends.sort_unstable_by_key(|end| end.0);
    assert_eq!(ends, [(0, Ok(Value::Undefined)), (1, Err(Code::TaskTimeout))]);
    bench.idle();
}

#[test]
fn the_time_on_the_clock_is_what_a_kind_takes() {
    let bench = Bench::new(1);
    let began = Instant::now();
    let task = bench.external(0, TaskConfig::default()).unwrap();
    assert_eq!(bench.begun(), 0);
    // Not a sleep that a test waits for: it is what is measured.
    std::thread::sleep(Duration::from_millis(30));
    bench.done(&task);
    let end = bench.ended();
    assert!(end.run >= Duration::from_millis(30) && end.run <= began.elapsed());
    let stats = bench.pool.stats();
    assert!(stats.run.min >= 30.0 && stats.utilization > 0.0);
    // A kind is known now, and what would have to wait for two of them is refused.
    let _held = bench.external(1, TaskConfig::default()).unwrap();
    let _waiting = bench.external(2, TaskConfig::default()).unwrap();
    let short = TaskConfig { timeout: Some(Duration::from_millis(1)), ..TaskConfig::default() };
    assert_eq!(bench.external(3, short).unwrap_err().code, Code::PoolOverloaded);
}

#[test]
fn who_cannot_be_told_to_begin_costs_one_task() {
    struct Panicking;
    impl Begin for Panicking {
        fn begin(&self, _slot: u32) {
            panic!("on purpose: begin");
        }
    }
    let bench = Bench::new(1);
    let reservation = bench.pool.reserve_external(Arc::new(Panicking), TaskConfig::default(), Instant::now()).unwrap();
    bench.pool.submit(reservation, Arc::clone(&bench.listener) as Arc<dyn Sink>, 0);
    assert_eq!(bench.ended().slot, 0);
    bench.kernel(1, value(), TaskConfig::default());
    assert_eq!(bench.ended().slot, 1);
    bench.idle();
}

#[test]
fn a_pool_that_is_dropped_lets_them_end() {
    let Bench { pool, listener, said } = Bench::new(1);
    let begin = Arc::clone(&listener) as Arc<dyn Begin>;
    let reservation = pool.reserve_external(begin, TaskConfig::default(), Instant::now()).unwrap();
    let task = pool.submit(reservation, Arc::clone(&listener) as Arc<dyn Sink>, 0);
    let next = || said.recv_timeout(Duration::from_secs(60)).expect("the pool said nothing");
    assert!(matches!(next(), Said::Begun(0)));
    pool.stop(&task, Stop::Closed);
    let completion = pool.end(&task).completion;
    drop(pool);
    let end = completion.unwrap_or_else(|| match next() {
        Said::Ended(end) => end,
        Said::Begun(slot) => panic!("{slot} began"),
    });
    assert!(end.slot == 0 && end.outcome.is_err());
}

#[test]
fn a_reservation_that_is_not_submitted_gives_its_place_back() {
    let bench = Bench::new(1);
    let begin = Arc::clone(&bench.listener) as Arc<dyn Begin>;
    drop(bench.pool.reserve_external(begin, TaskConfig::default(), Instant::now()).unwrap());
    bench.idle();
    assert_eq!(Arc::strong_count(&bench.listener), 1);
}

#[test]
fn many_of_both_shapes_all_end() {
    let bench = Bench::new(2);
    let mut tasks = std::collections::HashMap::new();
    for slot in 0..2_000 {
        if slot % 2 == 0 {
            bench.kernel(slot, value(), TaskConfig::default());
        } else {
            tasks.insert(slot, bench.external(slot, TaskConfig::default()).unwrap());
        }
    }
    let (mut ended, mut running) = (0, vec![]);
    while ended < 2_000 {
        match bench.said() {
            Said::Begun(slot) => {
                running.push(slot);
                assert!(running.len() <= 2, "more than there are threads");
                if slot % 3 == 0 {
                    bench.pool.stop(&tasks[&slot], Stop::Aborted);
                }
            }
            Said::Ended(end) => {
                assert_eq!(end.outcome.is_err(), end.slot % 2 == 1 && end.slot % 3 == 0);
                ended += 1;
            }
        }
        if running.len() == 2 || ended + running.len() == 2_000 && !running.is_empty() {
            bench.done(&tasks[&running.remove(0)]);
        }
    }
    bench.is_silent();
    bench.idle();
}
