//! The invariants of the ready queue, by number, without threads.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const MS: u64 = 1_000_000;

fn key(name: &str) -> Option<Arc<str>> {
    Some(Arc::from(name))
}

/// A task of the simulation: how much thread time it still needs.
type Left = u64;

/// Serves tasks on one thread in morsels of a millisecond until `until` of time has passed or nothing is left; gives
/// (item, time) as they finish.
struct Simulation {
    queue: ReadyQueue<usize>,
    left: Vec<Left>,
    time: u64,
    used: HashMap<usize, u64>,
}

impl Simulation {
    fn new() -> Self {
        Self { queue: ReadyQueue::default(), left: vec![], time: 0, used: HashMap::new() }
    }

    fn add(&mut self, needs: u64, class: Class, key: Option<Arc<str>>, weight: f64) -> usize {
        self.left.push(needs);
        self.queue.seat(self.left.len() - 1, class, key.as_ref(), weight);
        self.left.len() - 1
    }

    /// One morsel; the task that finished with it.
    fn step(&mut self) -> Option<Option<usize>> {
        let seat = self.queue.next()?;
        let item = *self.queue.get(seat);
        let morsel = self.left[item].min(MS);
        self.left[item] -= morsel;
        self.time += morsel;
        *self.used.entry(item).or_default() += morsel;
        self.queue.charge(seat, morsel);
        if self.left[item] == 0 {
            self.queue.leave(seat);
            return Some(Some(item));
        }
        self.queue.ready(seat);
        Some(None)
    }

    fn finish_all(&mut self) -> Vec<usize> {
        let mut order = vec![];
        while let Some(finished) = self.step() {
            order.extend(finished);
        }
        order
    }
}

proptest! {
    #[test]
    fn invariant_1_work_conservation(ops in prop::collection::vec((0..5u8, 0..3usize, 0..4u8, 1..20 * MS), 1..400)) {
        let mut queue = ReadyQueue::default();
        let (mut ready, mut given) = (vec![], vec![]);
        for (op, class, key_number, nanos) in ops {
            let class = [Class::High, Class::Normal, Class::Low][class];
            match op {
                0 | 1 => ready.push(queue.seat((), class, key(&key_number.to_string()).as_ref(), 1.0 + f64::from(key_number))),
                2 => {
                    let next = queue.next();
                    prop_assert_eq!(next.is_some(), !ready.is_empty());
                    if let Some(id) = next {
                        let index = ready.iter().position(|other| *other == id);
                        prop_assert!(index.is_some(), "gave a task that was not ready");
                        ready.swap_remove(index.unwrap());
                        given.push(id);
                    }
                }
                3 => if let Some(id) = given.pop() {
                    queue.charge(id, nanos);
                    queue.ready(id);
                    ready.push(id);
                },
                _ => {
                    let from = if nanos % 2 == 0 { &mut ready } else { &mut given };
                    if !from.is_empty() {
                        let id = from.swap_remove(nanos as usize % from.len());
                        queue.leave(id);
                    }
                }
            }
            prop_assert_eq!(queue.len(), ready.len());
        }
        while queue.next().is_some() {
            prop_assert!(ready.pop().is_some());
        }
        prop_assert!(ready.is_empty());
    }

    #[test]
    fn invariant_2_classes_are_strict(tasks in prop::collection::vec((0..3usize, 1..30 * MS), 1..40)) {
        let mut simulation = Simulation::new();
        let classes = [Class::High, Class::Normal, Class::Low];
        for (class, needs) in &tasks {
            simulation.add(*needs, classes[*class], None, 1.0);
        }
        let order: Vec<usize> = simulation.finish_all().into_iter().map(|item| tasks[item].0).collect();
        prop_assert!(order.is_sorted(), "{:?}", order);
    }

    #[test]
    fn invariant_3_weights_are_respected(weights in prop::collection::vec(1..20u32, 2..6), task in 1..40u64) {
        let mut simulation = Simulation::new();
        let horizon = 4_000 * MS;
        for (number, weight) in weights.iter().enumerate() {
            let mut needs = 0;
            while needs < horizon {
                simulation.add(task * MS, Class::Normal, key(&number.to_string()), f64::from(*weight));
                needs += task * MS;
            }
        }
        let mut share = vec![0; weights.len()];
        let per_flow = horizon.div_ceil(task * MS) as usize;
        while simulation.time < horizon {
            simulation.step();
        }
        for (item, used) in &simulation.used {
            share[item / per_flow] += used;
        }
        let total: u32 = weights.iter().sum();
        for (weight, share) in weights.iter().zip(share) {
            let due = horizon as f64 * f64::from(*weight) / f64::from(total);
            prop_assert!((share as f64 - due).abs() <= 0.1 * due, "weight {weight} of {total}: {share}, due {due}");
        }
    }

    #[test]
    fn invariant_5_equals_finish_in_order(needs in 1..700 * MS, count in 2..12usize) {
        let mut simulation = Simulation::new();
        for _ in 0..count {
            simulation.add(needs, Class::Normal, None, 1.0);
        }
        prop_assert!(simulation.finish_all().is_sorted());
    }
}

#[test]
fn invariant_3_a_flow_has_no_credit_for_its_absence() {
    let mut simulation = Simulation::new();
    simulation.add(10_000 * MS, Class::Normal, key("always"), 1.0);
    for _ in 0..1_000 {
        simulation.step();
    }
    let late = simulation.add(10_000 * MS, Class::Normal, key("late"), 1.0);
    for _ in 0..200 {
        simulation.step();
    }
    let used = simulation.used[&late];
    assert!((95 * MS..=105 * MS).contains(&used), "half of the 200 ms since it came, not all: {used}");
}

#[test]
fn invariant_3_a_flow_gains_nothing_by_leaving() {
    let mut simulation = Simulation::new();
    simulation.add(10_000 * MS, Class::Normal, key("stays"), 1.0);
    let mut leaver = 0;
    while simulation.time < 1_000 * MS {
        // One task at a time, gone in between.
        let item = simulation.add(7 * MS, Class::Normal, key("leaves"), 1.0);
        while simulation.step().unwrap() != Some(item) {}
        leaver += 7 * MS;
    }
    assert!(leaver <= simulation.time * 55 / 100, "{leaver} of {}", simulation.time);
}

#[test]
fn invariant_4_short_tasks_pass_long_ones() {
    let mut simulation = Simulation::new();
    for _ in 0..8 {
        simulation.add(2_000 * MS, Class::Normal, None, 1.0);
    }
    for _ in 0..1_000 {
        simulation.step();
    }
    let start = simulation.time;
    let short = simulation.add(2 * MS, Class::Normal, None, 1.0);
    while simulation.step().unwrap() != Some(short) {}
    assert!(simulation.time - start <= 8 * MS, "took {}", simulation.time - start);
}

#[test]
fn invariant_6_a_flood_of_short_tasks_starves_no_long_one() {
    let mut simulation = Simulation::new();
    let long = simulation.add(30 * MS, Class::Normal, None, 1.0);
    for round in 0.. {
        assert!(round < 100_000, "the long task never finished");
        // Always a newcomer: alone, the short tasks fill the thread.
        simulation.add(MS, Class::Normal, None, 1.0);
        if simulation.step().unwrap() == Some(long) {
            break;
        }
    }
    // Lifted tasks take no more than their part from the others.
    assert!(simulation.used[&long] * 20 <= simulation.time);
}

#[test]
fn invariant_6_lifting_goes_by_the_flow_s_own_time() {
    // 300 flows, each with a long and a short task: each flow is served rarely, yet its short task goes first.
    let mut simulation = Simulation::new();
    for flow in 0..300 {
        let name = key(&flow.to_string());
        simulation.add(100 * MS, Class::Normal, name.clone(), 1.0);
        simulation.step();
        simulation.add(2 * MS, Class::Normal, name, 1.0);
    }
    let order = simulation.finish_all();
    assert!(order[..300].iter().all(|item| item % 2 == 1));
}

#[test]
fn invariant_7_nothing_is_left_of_those_that_are_gone() {
    let mut queue = ReadyQueue::default();
    // A blocker keeps the low class from ever being served.
    queue.seat((), Class::High, None, 1.0);
    for round in 0..10_000 {
        let id = queue.seat((), Class::Low, key(&round.to_string()).as_ref(), 1.0);
        queue.leave(id);
        let id = queue.seat((), Class::Low, None, 1.0);
        queue.leave(id);
    }
    let entries: usize = queue.flows.iter().flat_map(|(_, flow)| &flow.levels).map(VecDeque::len).sum();
    assert!(entries <= 200, "{entries} entries");
    assert_eq!(queue.flows.len(), CLASSES);
    assert!(queue.flow_ids.is_empty());
    assert_eq!(queue.seats.len(), 1);
}

#[test]
fn levels_sink_at_their_limits() {
    assert_eq!(level_of(0), 0);
    assert_eq!(level_of(MS - 1), 0);
    assert_eq!(level_of(MS), 1);
    assert_eq!(level_of(8 * MS), 2);
    assert_eq!(level_of(u64::MAX), LEVELS - 1);
}
