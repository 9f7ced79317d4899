//! Whole loads through admission and the scheduler, with an ideal clock: who is answered in time, and how soon the others know.

use std::sync::atomic::{AtomicU64, Ordering};

use std::time::Instant;

use super::*;
use crate::job::Job;
use crate::run_queue::{Claimed, RunQueue, Settled};
use crate::task::{Completion, Sink, Task, TaskConfig};
use heavy_load_kernel::value::Value;
use heavy_load_kernel::{Next, Result as KernelResult, Step, Stepped, Work};

const MS: Duration = Duration::from_millis(1);

/// Uses so many microseconds, and says so.
struct Using {
    all: u64,
    used: u64,
    slice: Arc<AtomicU64>,
    reports: bool,
}

impl Stepped for Using {
    fn len(&self) -> u64 {
        self.all
    }
    fn first_morsel(&self) -> u64 {
        1_000
    }
    fn step(&mut self, units: u64) -> KernelResult<Step> {
        let slice = units.min(self.all - self.used);
        self.slice.store(slice, Ordering::Relaxed);
        self.used += slice;
        if self.used == self.all {
            return Ok(Step::Done(Next::Done(Value::Null)));
        }
        Ok(Step::More { progress: if self.reports { self.used as f64 / self.all as f64 } else { 0.0 } })
    }
}

#[derive(Default)]
struct Ends(Mutex<Vec<(usize, bool, Code)>>);

impl Sink for Ends {
    fn complete(&self, completion: Completion) {
        let code = completion.outcome.as_ref().err().map(|error| error.code);
        self.0.lock().unwrap().push((completion.slot as usize, code.is_none(), code.unwrap_or(Code::Remote)));
    }
}

#[derive(Debug, Default)]
struct Figures {
    answered: usize,
    late: usize,
    refused: usize,
    /// After 50 ms.
    refused_later: usize,
}

struct Simulation {
    began: Instant,
    now: Instant,
    admission: Admission,
    queue: RunQueue,
    ends: Arc<Ends>,
    slice: Arc<AtomicU64>,
    queued: usize,
    came: Vec<(Instant, Duration)>,
    figures: Figures,
    reports: bool,
}

impl Simulation {
    fn new() -> Self {
        let began = Instant::now();
        Self {
            began,
            now: began,
            admission: Admission::new(2),
            queue: RunQueue::new(2, u64::MAX, began, Arc::default()),
            ends: Arc::default(),
            slice: Arc::default(),
            queued: 0,
            came: vec![],
            figures: Figures::default(),
            reports: true,
        }
    }

    fn come(&mut self, key: Option<usize>, ms: u64, timeout: u64) {
        let machine = Using { all: ms * 1_000, used: 0, slice: Arc::clone(&self.slice), reports: self.reports };
        let timeout = Duration::from_millis(timeout);
        let config = TaskConfig {
            key: key.map(|key| Arc::from(key.to_string())),
            timeout: Some(timeout),
            ..TaskConfig::default()
        };
        let job = Job::new(Work::stepped(machine)).unwrap();
        self.came.push((self.now, timeout));
        let arrival = Arrival {
            priority: config.priority,
            key: config.key.as_ref(),
            weight: 1.0,
            kind: config.kind(&job),
            lanes: 1,
            timeout: config.timeout,
            goes_on: false,
        };
        let load = self.queued + self.queue.books().demand();
        match self.admission.enter(arrival, load, &PublishedPace::default(), self.now - self.began) {
            Ok(stake) => {
                self.queued += 1;
                let mut task = Task::new(job, stake, config, self.now);
                let sink = Arc::clone(&self.ends) as Arc<dyn Sink>;
                Arc::get_mut(&mut task).unwrap().address(sink, self.came.len() as u32 - 1);
                self.queue.submit(task, self.now);
            }
            Err(_) => self.figures.refused += 1,
        }
    }

    fn claim(&mut self) -> Option<Claimed> {
        loop {
            let claimed = self.queue.claim(self.now);
            let ended = self.queue.take_ended(vec![]);
            let again = claimed.is_none() && !ended.is_empty();
            ended.into_iter().for_each(|end| end.deliver());
            self.queued -= self.queue.books().take_unpublished().left_queue;
            self.count();
            if !again {
                return claimed;
            }
        }
    }

    fn count(&mut self) {
        for (slot, is_done, code) in self.ends.0.lock().unwrap().drain(..) {
            let took = self.now - self.came[slot].0;
            if code == Code::PoolOverloaded && took <= self.came[slot].1 {
                self.figures.refused += 1;
                self.figures.refused_later += usize::from(took > 50 * MS);
            } else if is_done && took <= self.came[slot].1 {
                self.figures.answered += 1;
            } else {
                self.figures.late += 1;
            }
        }
    }

    /// A millisecond; whether there was anything to do.
    fn step(&mut self) -> bool {
        let claimed = [self.claim(), self.claim()];
        let is_busy = claimed[0].is_some();
        let ran: Vec<_> =
            claimed.into_iter().flatten().map(|claimed| (claimed.run(), self.slice.load(Ordering::Relaxed))).collect();
        self.now += MS;
        for ((seat, ran), micros) in ran {
            self.queue.settle_morsel(
                seat,
                Settled { ran: ran.ran, elapsed: Duration::from_micros(micros), lap: None },
                self.now,
            );
        }
        is_busy
    }

    fn finish(mut self) -> Figures {
        while self.step() {}
        self.figures
    }
}

/// Tasks of 20 ms with half a second each, of so many keys, at three times the capacity for four seconds.
fn overload(keys: usize) -> Figures {
    let mut simulation = Simulation::new();
    let (mut random, mut owed) = (0x1234_5678_9abc_def0_u64, 0.0);
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut number = 0;
    for _ in 0..4_000 {
        owed += 0.3;
        while owed > 0.0 {
            simulation.come((keys > 0).then(|| number % keys.max(1)), 20, 500);
            number += 1;
            owed += (1.0 - next()).ln();
        }
        simulation.step();
    }
    simulation.finish()
}

#[test]
fn three_times_the_capacity_whatever_the_keys() {
    for keys in [0, 5, 20, 50, 100, 200, 1_000] {
        let figures = overload(keys);
        let all = figures.answered + figures.late + figures.refused;

        // 400 can be done within the time, and some 50 after it.
        assert!(figures.answered >= 340, "{keys} keys: {figures:?}");
        assert!(figures.late * 20 <= all, "{keys} keys: {figures:?}");
        assert!(figures.refused_later * 100 <= figures.refused, "{keys} keys: {figures:?}");
    }
}

#[test]
fn a_burst_is_answered_as_far_as_a_queue_could() {
    // Of what is new and does not report its progress, nothing can be known.
    for (is_warm, reports) in [(true, true), (true, false), (false, true)] {
        for all in [14, 20, 40, 100] {
            let mut simulation = Simulation { reports, ..Simulation::new() };
            if is_warm {
                (0..2).for_each(|_| simulation.come(None, 300, 10_000));
                while simulation.step() {}
                simulation.figures = Figures::default();
            }
            (0..all).for_each(|_| simulation.come(None, 300, 2_000));
            let figures = simulation.finish();
            assert_eq!((figures.answered, figures.late, figures.refused), (12, 0, all - 12), "{all}, warm {is_warm}");
            assert_eq!(figures.refused_later, 0, "{all}, warm {is_warm}");
        }
    }
}
