//! The invariants of the forecast, by number, with the ready queue as the simulator.

use proptest::prelude::*;

use super::*;
use crate::engine::kinds::Kind;
use crate::engine::ready::{ReadyQueue, SeatId};

const MS: u64 = 1_000_000;
const THREADS: usize = 2;

/// A ready queue whose kinds are known, and the forecast beside it.
struct Simulation {
    queue: ReadyQueue<usize>,
    forecast: Forecast,
    tasks: Vec<Option<(SeatId, Entry)>>,
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
                let id = queue.seat(0, Class::High, None, 1.0, kind(*size));
                queue.next();
                queue.charge(id, *size, 1.0);
                queue.finish(id);
            }
        }
        let forecast = Forecast::new(THREADS);
        Self { queue, forecast, tasks: vec![], left: vec![], threads: [None; THREADS], now: 0, ended: vec![] }
    }

    fn ask(class: Class, key: usize, size: u64) -> Ask {
        Ask { class, key: Some(Arc::from(key.to_string())), weight: 1.0, rank: size, work: size, ahead: 0 }
    }

    fn add(&mut self, class: Class, key: usize, size: u64) -> (usize, u64) {
        let mut ask = Self::ask(class, key, size);
        ask.ahead = self.queue.ahead(class, ask.key.as_ref());
        // What comes at once is no rate.
        let predicted = self.forecast.predict(&ask, self.now + 1_000_000 * MS);
        let id = self.tasks.len();
        let seat = self.queue.seat(id, class, ask.key.as_ref(), 1.0, kind(size));
        self.tasks.push(Some((seat, self.forecast.enter(&ask, self.now))));
        self.left.push(size);
        self.ended.push(None);
        (id, predicted)
    }

    /// A millisecond of both threads.
    fn step(&mut self) {
        for thread in &mut self.threads {
            *thread = self.queue.next().map(|seat| (*self.queue.get(seat), MS));
        }
        self.now += MS;
        for (id, slice) in self.threads.iter_mut().filter_map(Option::take) {
            let (seat, mut entry) = self.tasks[id].take().unwrap();
            self.left[id] -= slice.min(self.left[id]);
            self.queue.charge(seat, slice, 0.0);
            if self.left[id] == 0 {
                self.ended[id] = Some(self.now);
                self.queue.finish(seat);
                self.forecast.leave(entry);
            } else {
                self.forecast.correct(&mut entry, self.left[id]);
                self.queue.ready(seat);
                self.tasks[id] = Some((seat, entry));
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn invariant_1_the_books_balance(ops in prop::collection::vec((0..3usize, 0..5usize, 0..3_000 * MS, 0..4u8), 1..300)) {
        let mut forecast = Forecast::new(THREADS);
        let mut entries = vec![];
        for (class, key, work, op) in ops {
            let class = [Class::High, Class::Normal, Class::Low][class];
            match op {
                0 | 1 => entries.push(forecast.enter(&Simulation::ask(class, key, work), work)),
                2 => if let Some(entry) = entries.last_mut() { forecast.correct(entry, work) },
                _ => if !entries.is_empty() { forecast.leave(entries.swap_remove(key % entries.len())) },
            }
        }
        entries.into_iter().for_each(|entry| forecast.leave(entry));
        for load in &forecast.classes {
            prop_assert!(load.keys.is_empty() && load.total == 0);
            prop_assert!(load.bins.iter().all(|bin| bin.0 == 0 && bin.1.abs() < 1e-6));
        }
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
            simulation.add(Class::Normal, key % keys, size);
        }
        for _ in 0..head {
            simulation.step();
        }
        let came = simulation.now;
        let (id, predicted) = simulation.add(Class::Normal, last.0 % keys, last.1);
        let took = simulation.end_of(id) - came;
        let slack = 128 * MS / THREADS as u64 + 10 * MS;
        let within = took <= predicted * 3 / 2 + slack && predicted <= 3 * took + 2 * slack;
        prop_assert!(within, "predicted {}, took {}", predicted / MS, took / MS);
    }
}

#[test]
fn invariant_3_a_short_one_does_not_wait_for_long_ones() {
    let mut simulation = Simulation::new(&[2 * MS, 2_000 * MS]);
    for _ in 0..8 {
        simulation.add(Class::Normal, 0, 2_000 * MS);
    }
    let (short, predicted) = simulation.add(Class::Normal, 0, 2 * MS);
    assert_eq!(predicted, 2 * MS);
    assert!(simulation.end_of(short) <= 4 * MS);
    // Nor do tasks wait for a class below theirs, though it starved for long.
    let (_, predicted) = simulation.add(Class::High, 0, 2 * MS);
    assert_eq!(predicted, 2 * MS);
}

#[test]
fn invariant_4_a_burst_is_admitted_as_far_as_it_fits() {
    for keys in [1, 20, 1_000] {
        let mut simulation = Simulation::new(&[300 * MS]);
        let mut admitted = vec![];
        for number in 0..100 {
            if simulation.forecast.predict(&Simulation::ask(Class::Normal, number % keys, 300 * MS), u64::MAX)
                <= 2_000 * MS
            {
                admitted.push(simulation.add(Class::Normal, number % keys, 300 * MS).0);
            }
        }
        assert!((10..=14).contains(&admitted.len()), "{keys} keys: {}", admitted.len());
        let late = admitted.iter().filter(|id| simulation.end_of(**id) > 2_100 * MS).count();
        assert!(late <= 1, "{keys} keys: {late} late of {}", admitted.len());
    }
}

#[test]
fn invariant_5_only_keys_that_are_there_are_kept() {
    let mut forecast = Forecast::new(THREADS);
    for number in 0..10_000 {
        let entry = forecast.enter(&Simulation::ask(Class::Normal, number, MS), 0);
        forecast.leave(entry);
    }
    assert!(forecast.classes[1].keys.is_empty());
}

#[test]
fn rates_count_what_will_pass() {
    let mut forecast = Forecast::new(THREADS);
    // Short tasks have taken one of two threads lately.
    for number in 0..100 {
        let entry = forecast.enter(&Simulation::ask(Class::Normal, 0, 10 * MS), number * 10 * MS);
        forecast.leave(entry);
    }
    let entry = forecast.enter(&Simulation::ask(Class::Normal, 1, 1_000 * MS), 1_000 * MS);
    let long = Simulation::ask(Class::Normal, 1, 1_000 * MS);
    let busy = forecast.predict(&long, 1_000 * MS);
    let idle = forecast.predict(&long, 60_000 * MS);
    assert!(busy > idle + 100 * MS, "{busy} {idle}");
    assert_eq!(idle, 1_500 * MS);
    forecast.leave(entry);
}
