//! The invariants of the backlog, by number, with the ready queue as the simulator.

use proptest::prelude::*;

use std::collections::HashMap;

use super::*;
use crate::kinds::Kind;
use crate::ready::{ReadyQueue, SeatId, Shape};

const MS: u64 = 1_000_000;
const THREADS: usize = 2;

/// A ready queue whose kinds are known, and the backlog beside it.
struct Simulation {
    queue: ReadyQueue<usize>,
    backlog: Backlog,
    keys: HashMap<(Priority, usize), Arc<KeyLoad>>,
    tasks: Vec<Option<(SeatId, Share<Arc<KeyLoad>>)>>,
    left: Vec<u64>,
    threads: [Option<(usize, u64)>; THREADS],
    now: u64,
    ended: Vec<Option<u64>>,
}

impl Simulation {
    fn new(sizes: &[u64]) -> Self {
        let mut queue = ReadyQueue::default();
        for size in sizes {
            for _ in 0..32 {
                let id = queue.seat(0, Priority::High, None, 1.0, kind(*size), Shape::Kernel);
                queue.next(false);
                queue.charge(id, *size, 1.0);
                queue.finish(id);
            }
        }
        let backlog = Backlog::new(THREADS);
        let keys = HashMap::new();
        Self { queue, backlog, keys, tasks: vec![], left: vec![], threads: [None; THREADS], now: 0, ended: vec![] }
    }

    fn key(&mut self, priority: Priority, key: usize) -> Arc<KeyLoad> {
        let backlog = &self.backlog;
        Arc::clone(self.keys.entry((priority, key)).or_insert_with(|| Arc::new(backlog.key(priority, 1.0))))
    }

    fn predict(&mut self, priority: Priority, key: usize, size: u64) -> u64 {
        let key = self.key(priority, key);
        self.backlog.predict(&key, ask(size)).end()
    }

    fn add(&mut self, priority: Priority, key: usize, size: u64) -> (usize, u64) {
        let predicted = self.predict(priority, key, size);
        let id = self.tasks.len();
        let name = Arc::from(key.to_string());
        let seat = self.queue.seat(id, priority, Some(&name), 1.0, kind(size), Shape::Kernel);
        let share = Share::new(self.key(priority, key), size, size);
        self.tasks.push(Some((seat, share)));
        self.left.push(size);
        self.ended.push(None);
        (id, predicted)
    }

    /// A millisecond of both threads.
    fn step(&mut self) {
        for thread in &mut self.threads {
            *thread = self.queue.next(false).map(|seat| (*self.queue.get(seat), MS));
        }
        self.now += MS;
        for (id, slice) in self.threads.iter_mut().filter_map(Option::take) {
            let (seat, mut share) = self.tasks[id].take().unwrap();
            self.left[id] -= slice.min(self.left[id]);
            self.queue.charge(seat, slice, 0.0);
            share.key().set_virtual_times(self.queue.virtual_times(seat));
            if self.left[id] == 0 {
                self.ended[id] = Some(self.now);
                self.queue.finish(seat);
            } else {
                share.correct(self.left[id], self.left[id]);
                self.queue.ready(seat);
                self.tasks[id] = Some((seat, share));
            }
        }
    }

    fn end_of(&mut self, id: usize) -> u64 {
        while self.ended[id].is_none() {
            self.step();
        }
        self.ended[id].unwrap()
    }
}

fn kind(size: u64) -> Kind {
    Kind { kernel: 0, size: size.ilog2() }
}

fn ask(size: u64) -> Ask {
    Ask { rank: size, work: size, own: size, lanes: 1, passing: 0.0, coming: 0.0, pace: 1.0 }
}

fn assert_balanced(backlog: &Backlog) {
    for load in &backlog.priorities {
        assert_eq!(below(&load.backlog, BINS), 0);
        assert!(load.bins.iter().all(|bin| bin.0.load(Relaxed) == 0 && bin.1.load(Relaxed) == 0));
    }
}

#[test]
fn invariant_1_the_books_balance_among_threads() {
    let backlog = Backlog::new(THREADS);
    let keys: Vec<_> = (0..3).map(|_| Arc::new(backlog.key(Priority::Normal, 3.0))).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let keys = &keys;
            scope.spawn(move || {
                for number in 0..20_000_u64 {
                    let work = (number * 7 + thread) % 31 * MS;
                    let mut share = Share::new(Arc::clone(&keys[number as usize % 3]), work, work);
                    share.correct(work / 3, work / 2);
                }
            });
        }
    });
    assert_balanced(&backlog);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn invariant_1_the_books_balance(ops in prop::collection::vec((0..3usize, 0..5usize, 0..3_000 * MS, 0..4u8), 1..300)) {
        let backlog = Backlog::new(THREADS);
        let priorities = [Priority::High, Priority::Normal, Priority::Low];
        let keys = priorities.map(|priority| [0.001, 0.3, 1.0, 7.0, 1000.0].map(|weight| Arc::new(backlog.key(priority, weight))));
        let mut shares = vec![];
        for (priority, key, work, op) in ops {
            match op {
                0 | 1 => shares.push(Share::new(Arc::clone(&keys[priority][key]), work, work)),
                2 => if let Some(share) = shares.last_mut() { share.correct(work / 2, work) },
                _ => if !shares.is_empty() { drop(shares.swap_remove(key % shares.len())) },
            }
        }
        drop(shares);
        assert_balanced(&backlog);
    }

    #[test]
    fn invariant_2_predicts_what_the_queue_does(
        keys in prop::sample::select(vec![1, 20, 1_000_usize]),
        tasks in prop::collection::vec((0..1_000usize, prop::sample::select(vec![2 * MS, 10 * MS, 70 * MS])), 1..120),
        head in 0..200u32,
        last in (0..1_000usize, prop::sample::select(vec![2 * MS, 10 * MS, 70 * MS])),
    ) {
        let mut simulation = Simulation::new(&[2 * MS, 10 * MS, 70 * MS]);
        for (key, size) in tasks {
            simulation.add(Priority::Normal, key % keys, size);
        }
        for _ in 0..head {
            simulation.step();
        }
        let came = simulation.now;
        let (id, predicted) = simulation.add(Priority::Normal, last.0 % keys, last.1);
        let took = simulation.end_of(id) - came;
        // What may part flows (`HORIZON`), and two morsels of the longest that is out on each thread.
        let slack = 160 * MS / THREADS as u64 + 10 * MS;
        let within = took <= predicted * 3 / 2 + slack && predicted <= 4 * took + 3 * slack;
        prop_assert!(within, "predicted {}, took {}", predicted / MS, took / MS);
    }
}

#[test]
fn invariant_3_a_short_one_does_not_wait_for_long_ones() {
    let mut simulation = Simulation::new(&[2 * MS, 2_000 * MS]);
    for _ in 0..8 {
        simulation.add(Priority::Normal, 0, 2_000 * MS);
    }
    let (short, predicted) = simulation.add(Priority::Normal, 0, 2 * MS);
    assert_eq!(predicted, 2 * MS);
    assert!(simulation.end_of(short) <= 4 * MS);
    // Nor do tasks wait for a priority below theirs, though it starved for long.
    let (_, predicted) = simulation.add(Priority::High, 0, 2 * MS);
    assert_eq!(predicted, 2 * MS);
}

#[test]
fn invariant_4_a_burst_is_admitted_as_far_as_it_fits() {
    for keys in [1, 20, 1_000] {
        let mut simulation = Simulation::new(&[300 * MS]);
        let mut admitted = vec![];
        for number in 0..100 {
            if simulation.predict(Priority::Normal, number % keys, 300 * MS) <= 2_000 * MS {
                admitted.push(simulation.add(Priority::Normal, number % keys, 300 * MS).0);
            }
        }
        assert!((10..=14).contains(&admitted.len()), "{keys} keys: {}", admitted.len());
        let late = admitted.iter().filter(|id| simulation.end_of(**id) > 2_100 * MS).count();
        assert!(late <= 1, "{keys} keys: {late} late of {}", admitted.len());
    }
}
