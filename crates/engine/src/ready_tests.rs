//! The invariants of the ready queue, by number, without threads.

use std::collections::HashMap;

use proptest::prelude::*;

use super::flow::LIFT;
use super::*;

const KIND: Kind = Kind { kernel: 0, size: 0 };

const MS: u64 = 1_000_000;

fn key(name: &str) -> Option<Arc<str>> {
    Some(Arc::from(name))
}

/// What tasks may say of their progress.
const LIES: [fn(f64) -> f64; 8] = [
    |_| f64::NAN,
    |_| 0.99,
    |_| 1.0,
    |_| 1e-300,
    |_| f64::INFINITY,
    |_| -1.0,
    |done| 1.0 - done,
    |done| if ((done * 1e6) as u64).is_multiple_of(2) { 0.9 } else { 0.1 },
];

/// A task of the simulation: how much thread time it still needs.
type Left = u64;

/// Serves tasks on one thread in morsels of a millisecond until `until` of time has passed or nothing is left; gives
/// (item, time) as they finish.
struct Simulation {
    queue: ReadyQueue<usize>,
    left: Vec<Left>,
    needs: Vec<Left>,
    /// What a task says of its progress, by what is true.
    says: fn(f64) -> f64,
    time: u64,
    used: HashMap<usize, u64>,
}

impl Simulation {
    fn new() -> Self {
        Self { queue: ReadyQueue::default(), left: vec![], needs: vec![], says: |_| 0.0, time: 0, used: HashMap::new() }
    }

    fn add(&mut self, needs: u64, priority: Priority, key: Option<Arc<str>>, weight: f64) -> usize {
        self.add_of(KIND, needs, priority, key, weight)
    }

    fn add_of(&mut self, kind: Kind, needs: u64, priority: Priority, key: Option<Arc<str>>, weight: f64) -> usize {
        self.left.push(needs);
        self.needs.push(needs);
        self.queue.seat(self.left.len() - 1, priority, key.as_ref(), weight, kind, Shape::Kernel);
        self.left.len() - 1
    }

    /// Has a kind be known before anything else happens.
    fn learn(&mut self, kind: Kind, needs: u64) {
        for _ in 0..16 {
            let seat = self.queue.seat(0, Priority::High, None, 1.0, kind, Shape::Kernel);
            assert_eq!(self.queue.next(false), Some(seat));
            self.queue.charge(seat, needs, 0.0);
            self.queue.finish(seat);
        }
    }

    /// One morsel; the task that finished with it.
    fn step(&mut self) -> Option<Option<usize>> {
        let seat = self.queue.next(false)?;
        let item = *self.queue.get(seat);
        let morsel = self.left[item].min(MS);
        self.left[item] -= morsel;
        self.time += morsel;
        *self.used.entry(item).or_default() += morsel;
        let done = (self.needs[item] - self.left[item]) as f64 / self.needs[item] as f64;
        self.queue.charge(seat, morsel, (self.says)(done));
        if self.left[item] == 0 {
            self.queue.finish(seat);
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
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn invariant_1_work_conservation(ops in prop::collection::vec((0..5u8, 0..3usize, 0..4u8, 1..20 * MS), 1..400)) {
        let mut queue = ReadyQueue::default();
        let (mut ready, mut given) = (vec![], vec![]);
        for (op, priority, key_number, nanos) in ops {
            let priority = [Priority::High, Priority::Normal, Priority::Low][priority];
            match op {
                0 | 1 => ready.push(queue.seat((), priority, key(&key_number.to_string()).as_ref(), 1.0 + f64::from(key_number), KIND, SHAPES[usize::from(nanos % 3 == 0)])),
                2 => {
                    let next = queue.next(nanos % 2 == 0);
                    prop_assert_eq!(next.is_some(), !ready.is_empty());
                    if let Some(id) = next {
                        let index = ready.iter().position(|other| *other == id);
                        prop_assert!(index.is_some(), "gave a task that was not ready");
                        ready.swap_remove(index.unwrap());
                        given.push(id);
                    }
                }
                3 => if let Some(id) = given.pop() {
                    queue.charge(id, nanos, 0.0);
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
        while queue.next(false).is_some() {
            prop_assert!(ready.pop().is_some());
        }
        prop_assert!(ready.is_empty());
    }

    #[test]
    fn invariant_2_classes_are_strict(tasks in prop::collection::vec((0..3usize, 1..30 * MS), 1..40)) {
        let mut simulation = Simulation::new();
        let priorities = [Priority::High, Priority::Normal, Priority::Low];
        for (priority, needs) in &tasks {
            simulation.add(*needs, priorities[*priority], None, 1.0);
        }
        let order: Vec<usize> = simulation.finish_all().into_iter().map(|item| tasks[item].0).collect();
        prop_assert!(order.is_sorted(), "{:?}", order);
    }

    #[test]
    fn invariant_3_weights_are_respected(weights in prop::collection::vec(1..20u32, 2..6), task in 1..40u64, reports: bool) {
        let mut simulation = Simulation::new();
        if reports {
            simulation.says = |done| done;
        }
        let horizon = 6_000 * MS;
        for (number, weight) in weights.iter().enumerate() {
            let mut needs = 0;
            while needs < horizon {
                simulation.add(task * MS, Priority::Normal, key(&number.to_string()), f64::from(*weight));
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
            let off = (share as f64 - due).abs();
            prop_assert!(off <= 0.05 * due + 2.0 * HORIZON as f64, "weight {weight} of {total}: {share}, due {due}");
        }
    }

    #[test]
    fn invariant_4_the_order_of_known_tasks_is_by_size(sizes in prop::collection::vec(0..12u32, 2..20)) {
        let mut simulation = Simulation::new();
        for size in 0..12 {
            simulation.learn(Kind { kernel: 7, size }, MS << size);
        }
        for size in &sizes {
            simulation.add_of(Kind { kernel: 7, size: *size }, MS << size, Priority::Normal, None, 1.0);
        }
        let order: Vec<u32> = simulation.finish_all().into_iter().map(|item| sizes[item]).collect();
        prop_assert!(order.is_sorted(), "{:?}", order);
    }

    #[test]
    fn invariant_8_nothing_that_tasks_say_starves_others(says in 0..LIES.len(), needs in prop::collection::vec(1..30u64, 1..8), keys in 1..4usize) {
        let mut simulation = Simulation::new();
        simulation.says = LIES[says];
        let name = |number: usize| key(&(number % keys).to_string());
        // Honest ones, which need 20 ms, come after the liars, one of which never ends.
        simulation.add(u64::MAX / 2, Priority::Normal, name(0), 1.0);
        for (number, needs) in needs.iter().enumerate() {
            simulation.add(needs * MS, Priority::Normal, name(number), 1.0);
        }
        let all = needs.iter().sum::<u64>() * MS;
        let count = needs.len();
        let mut ended = 0;
        while ended < count {
            prop_assert!(simulation.time < 110 * all + 1_000 * MS, "{} of {count} ended", ended);
            ended += usize::from(simulation.step().unwrap().is_some());
        }
    }

    #[test]
    fn invariant_5_equals_finish_in_order(needs in 1..200 * MS, count in 2..12usize) {
        let mut simulation = Simulation::new();
        simulation.learn(KIND, needs);
        for _ in 0..count {
            simulation.add(needs, Priority::Normal, None, 1.0);
        }
        prop_assert!(simulation.finish_all().is_sorted());
    }
}

#[test]
fn invariant_3_a_flow_has_no_credit_for_its_absence() {
    let mut simulation = Simulation::new();
    simulation.add(10_000 * MS, Priority::Normal, key("always"), 1.0);
    for _ in 0..1_000 {
        simulation.step();
    }
    let late = simulation.add(10_000 * MS, Priority::Normal, key("late"), 1.0);
    for _ in 0..200 {
        simulation.step();
    }
    let used = simulation.used[&late];
    assert!((95 * MS..=105 * MS).contains(&used), "half of the 200 ms since it came, not all: {used}");
}

#[test]
fn invariant_3_a_flow_gains_nothing_by_leaving() {
    let mut simulation = Simulation::new();
    simulation.add(10_000 * MS, Priority::Normal, key("stays"), 1.0);
    let mut leaver = 0;
    while simulation.time < 10_000 * MS {
        // One task at a time, gone in between.
        let item = simulation.add(7 * MS, Priority::Normal, key("leaves"), 1.0);
        while simulation.step().unwrap() != Some(item) {}
        leaver += 7 * MS;
    }
    assert!(leaver <= simulation.time / 2 + 2 * HORIZON, "{leaver} of {}", simulation.time);
}

#[test]
fn invariant_4_short_tasks_pass_long_ones() {
    let mut simulation = Simulation::new();
    for _ in 0..8 {
        simulation.add(2_000 * MS, Priority::Normal, None, 1.0);
    }
    for _ in 0..1_000 {
        simulation.step();
    }
    let start = simulation.time;
    let short = simulation.add(2 * MS, Priority::Normal, None, 1.0);
    while simulation.step().unwrap() != Some(short) {}
    assert!(simulation.time - start <= 8 * MS, "took {}", simulation.time - start);
}

#[test]
fn invariant_6_a_flood_of_short_tasks_starves_no_long_one() {
    let mut simulation = Simulation::new();
    let long = simulation.add(30 * MS, Priority::Normal, None, 1.0);
    for round in 0.. {
        assert!(round < 100_000, "the long task never finished");
        // Always a newcomer: alone, the short tasks fill the thread.
        simulation.add(MS, Priority::Normal, None, 1.0);
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
        simulation.add(100 * MS, Priority::Normal, name.clone(), 1.0);
        simulation.step();
        simulation.add(2 * MS, Priority::Normal, name, 1.0);
    }
    let order = simulation.finish_all();
    assert!(order[..300].iter().all(|item| item % 2 == 1));
}

#[test]
fn invariant_3_shares_at_the_bounds_of_weights() {
    for (light, heavy) in [(0.001, 1.0), (1.0, 1000.0), (0.0, f64::INFINITY)] {
        let mut simulation = Simulation::new();
        simulation.learn(KIND, 4 * MS);
        for _ in 0..30_000 {
            simulation.add(4 * MS, Priority::Normal, key("heavy"), heavy);
        }
        let first = simulation.left.len();
        for _ in 0..1_000 {
            simulation.add(4 * MS, Priority::Normal, key("light"), light);
        }
        while simulation.time < 50_000 * MS {
            simulation.step();
        }
        let used: u64 = (first..first + 1_000).filter_map(|item| simulation.used.get(&item)).sum();
        let ratio = if light == 0.0 { 1_000_000 } else { 1_000 };
        let due = simulation.time / ratio;
        assert!(used <= due + 5 * MS && used + 5 * MS >= due, "{light} beside {heavy}: {used}");
    }
}

#[test]
fn invariant_3_the_smallest_weight_does_not_end_time() {
    let mut simulation = Simulation::new();
    simulation.learn(KIND, 20 * MS);
    for (number, weight) in [(0, 1e-12), (1, 1.0), (2, 1.0)] {
        simulation.add(20 * MS, Priority::Normal, key(&number.to_string()), weight);
    }
    simulation.finish_all();
    let items: Vec<Vec<usize>> = (1..3)
        .map(|number| {
            (0..200).map(|_| simulation.add(20 * MS, Priority::Normal, key(&number.to_string()), 1.0)).collect()
        })
        .collect();
    let start = simulation.time;
    while simulation.time < start + 1_000 * MS {
        simulation.step();
    }
    for items in items {
        let used: u64 = items.iter().filter_map(|item| simulation.used.get(item)).sum();
        assert!((450 * MS..=550 * MS).contains(&used), "{used}");
    }
}

#[test]
fn invariant_3_a_paused_process_punishes_nobody() {
    let mut simulation = Simulation::new();
    simulation.learn(KIND, 10 * MS);
    let items: Vec<Vec<usize>> = (0..3)
        .map(|number| {
            (0..400).map(|_| simulation.add(10 * MS, Priority::Normal, key(&number.to_string()), 1.0)).collect()
        })
        .collect();
    for _ in 0..100 {
        simulation.step();
    }
    // A morsel during which the clock went on by 4 s.
    let seat = simulation.queue.next(false).unwrap();
    simulation.queue.charge(seat, 4_000 * MS, 0.0);
    simulation.queue.ready(seat);
    simulation.used.clear();
    let start = simulation.time;
    while simulation.time < start + 1_000 * MS {
        simulation.step();
    }
    for items in items {
        let used: u64 = items.iter().filter_map(|item| simulation.used.get(item)).sum();
        assert!((300 * MS..=367 * MS).contains(&used), "{used}");
    }
}

#[test]
fn invariant_3_what_takes_long_without_a_pause_counts_in_full() {
    // One key's tasks are calls of 200 ms that nobody can pause, the other's are of 10 ms.
    let mut queue = ReadyQueue::default();
    let kinds = [(Kind { kernel: 1, size: 0 }, 200 * MS), (Kind { kernel: 2, size: 0 }, 10 * MS)];
    let mut used = [0, 0];
    for number in [0, 1, 0, 1] {
        queue.seat(number, Priority::Normal, key(&number.to_string()).as_ref(), 1.0, kinds[number].0, Shape::Kernel);
    }
    while used[0] + used[1] < 20_000 * MS {
        let seat = queue.next(false).unwrap();
        let number = *queue.get(seat);
        queue.charge(seat, kinds[number].1, 0.0);
        used[number] += kinds[number].1;
        queue.seat(number, Priority::Normal, key(&number.to_string()).as_ref(), 1.0, kinds[number].0, Shape::Kernel);
        queue.finish(seat);
    }
    assert!(used[0].abs_diff(used[1]) <= 2_000 * MS, "{used:?}");
}

#[test]
fn invariant_3_flows_that_have_only_just_come_starve_none() {
    let mut simulation = Simulation::new();
    simulation.learn(KIND, 100 * MS);
    let waits = simulation.add(100 * MS, Priority::Normal, key("waits"), 1.0);
    let short = Kind { kernel: 9, size: 0 };
    for round in 0.. {
        // Each with a key of its own, so that each begins at the current virtual time.
        simulation.add_of(short, MS, Priority::Normal, key(&format!("k{round}")), 1.0);
        if simulation.step().unwrap() == Some(waits) {
            break;
        }
        assert!(round < 1_000, "starved");
    }
}

#[test]
fn invariant_5_what_has_begun_ends_first() {
    let mut simulation = Simulation::new();
    simulation.says = |done| done;
    simulation.learn(KIND, 10 * MS);
    for _ in 0..30 {
        simulation.add(12 * MS, Priority::Normal, None, 1.0);
    }
    let mut begun = 0;
    while simulation.step().is_some() {
        begun = begun.max(simulation.used.keys().filter(|item| simulation.left[**item] > 0).count());
    }
    assert!(begun <= 4, "{begun} had begun at once");
}

#[test]
fn invariant_5_what_is_about_to_tell_ends_first() {
    let mut queue = ReadyQueue::default();
    let seats: Vec<_> =
        (0..30).map(|item| queue.seat(item, Priority::Normal, None, 1.0, KIND, Shape::Kernel)).collect();
    let (mut ends, mut used) = (vec![], [0; 30]);
    while let Some(seat) = queue.next(false) {
        let item: usize = *queue.get(seat);
        // Morsels grow, as those of kernels do of which no more is known.
        let morsel = (used[item] / 2).clamp(50_000, MS);
        used[item] += morsel;
        queue.charge(seat, morsel, used[item] as f64 / (20 * MS) as f64);
        if used[item] < 20 * MS {
            queue.ready(seat);
        } else {
            queue.finish(seat);
            ends.push(seat);
        }
        let begun = used.iter().filter(|used| (1..20 * MS).contains(*used)).count() as u64;
        let lifted = used.iter().sum::<u64>() / LIFT;
        assert!(begun <= 1 + lifted, "{begun} have begun");
    }
    assert_eq!(ends, seats);
}

#[test]
fn invariant_5_a_thread_that_lost_its_core_changes_no_order() {
    let mut queue = ReadyQueue::default();
    for _ in 0..16 {
        let seat = queue.seat(0, Priority::Normal, None, 1.0, KIND, Shape::Kernel);
        queue.next(false);
        queue.charge(seat, 70 * MS, 1.0);
        queue.finish(seat);
    }
    let first = queue.seat(1, Priority::Normal, None, 1.0, KIND, Shape::Kernel);
    queue.seat(2, Priority::Normal, None, 1.0, KIND, Shape::Kernel);
    assert_eq!(queue.next(false), Some(first));
    // A morsel of 1 ms took 5 ms.
    queue.charge(first, 5 * MS, 1.0 / 70.0);
    queue.ready(first);
    assert_eq!(queue.next(false), Some(first));
}

/// Every operation against the simplest model that has the invariants: what is ready, in which priority, and who waits.
#[test]
fn many_random_operations() {
    let mut queue = ReadyQueue::default();
    let mut seats: Vec<(SeatId, Priority, bool)> = vec![];
    let mut random = 1_u64;
    for step in 0..100_000_u64 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let dice = random >> 33;
        let some = (dice / 64) as usize % seats.len().max(1);
        match dice % 16 {
            0..5 if seats.len() < 500 => {
                let priority = [Priority::High, Priority::Normal, Priority::Low][(dice / 16 % 3) as usize];
                let name = (!dice.is_multiple_of(3)).then(|| Arc::from((dice % 40).to_string()));
                let kind = Kind { kernel: (dice % 5) as usize, size: (dice % 3) as u32 };
                seats.push((
                    queue.seat(step, priority, name.as_ref(), (dice % 7) as f64, kind, Shape::Kernel),
                    priority,
                    true,
                ));
            }
            0..9 => {
                let highest = seats.iter().filter(|seat| seat.2).map(|seat| seat.1 as usize).min();
                let next = queue.next(false);
                assert_eq!(next.is_some(), highest.is_some());
                if let Some(id) = next {
                    let seat = seats.iter_mut().find(|seat| seat.0 == id).unwrap();
                    assert!(seat.2, "gave what was not ready");
                    assert_eq!(Some(seat.1 as usize), highest);
                    seat.2 = false;
                }
            }
            9..13 if !seats.is_empty() => {
                let (id, _, ready) = &mut seats[some];
                queue.charge(*id, dice % 7 * MS / 2, f64::from(dice as u32 % 13) / 11.0);
                if !*ready {
                    queue.ready(*id);
                    *ready = true;
                }
            }
            _ if !seats.is_empty() => {
                let (id, ..) = seats.swap_remove(some);
                if dice.is_multiple_of(2) {
                    queue.finish(id)
                } else {
                    queue.leave(id)
                };
            }
            _ => {}
        }
        assert_eq!(queue.len(), seats.iter().filter(|seat| seat.2).count());
    }
    for (id, ..) in seats {
        queue.leave(id);
    }
    assert!(queue.priorities.iter().all(Shares::is_idle));
    assert!(queue.flows.iter().all(|(_, flow)| flow.pending == 0
        && flow.grace == 0
        && flow.orders.iter().all(|order| order.first().is_none())));
}

#[test]
fn invariant_7_nothing_is_left_of_those_that_are_gone() {
    let mut queue = ReadyQueue::default();
    // A blocker keeps the low priority from ever being served.
    queue.seat((), Priority::High, None, 1.0, KIND, Shape::Kernel);
    let stays = queue.seat((), Priority::Low, None, 1.0, KIND, Shape::Kernel);
    for round in 0..10_000 {
        let kind = Kind { kernel: round, size: 0 };
        let id = queue.seat((), Priority::Low, key(&round.to_string()).as_ref(), 1.0, kind, Shape::Kernel);
        queue.leave(id);
        let id = queue.seat((), Priority::Low, None, 1.0, if round % 2 == 0 { kind } else { KIND }, Shape::Kernel);
        queue.leave(id);
    }
    let flow = &queue.flows[Priority::Low as usize];
    assert!(flow.entries() <= 100, "{} entries", flow.entries());
    assert_eq!(flow.orders.iter().map(|order| order.iter().count()).sum::<usize>(), 1);
    assert_eq!(queue.flows.len(), PRIORITIES);
    assert!(queue.flow_ids.is_empty());
    assert_eq!(queue.seats.len(), 2);
    queue.leave(stays);
}

#[test]
fn invariant_9_external_tasks_that_stand_back_go_after_their_priority() {
    let external = Kind { kernel: 1, size: 0 };
    let mut queue = ReadyQueue::default();
    let mut seat = |name, priority, kind, shape| queue.seat(name, priority, key(name).as_ref(), 1.0, kind, shape);
    seat("low kernel", Priority::Low, KIND, Shape::Kernel);
    seat("first gate", Priority::Normal, external, Shape::External);
    seat("kernel", Priority::Normal, KIND, Shape::Kernel);
    seat("second gate", Priority::Normal, external, Shape::External);
    assert!(queue.has_external());
    let mut next = |standing_back| {
        let seat = queue.next(standing_back)?;
        Some(queue.leave(seat))
    };
    assert_eq!(next(true), Some("kernel"));
    assert_eq!(next(true), Some("first gate"), "nothing else of their priority is ready");
    assert_eq!(next(true), Some("second gate"));
    assert_eq!(next(true), Some("low kernel"));
    assert_eq!(next(true), None);
    assert!(!queue.has_external());
}

#[test]
fn invariant_9_external_tasks_have_the_order_that_all_have() {
    let (short, long) = (Kind { kernel: 1, size: 0 }, Kind { kernel: 2, size: 0 });
    for short_is_external in [false, true] {
        let mut simulation = Simulation::new();
        simulation.learn(short, 2 * MS);
        simulation.learn(long, 50 * MS);
        let queue = &mut simulation.queue;
        let shapes = [Shape::Kernel, Shape::External];
        let [short_shape, long_shape] =
            [shapes[usize::from(short_is_external)], shapes[usize::from(!short_is_external)]];
        queue.seat(0, Priority::Normal, None, 1.0, long, long_shape);
        queue.seat(1, Priority::Normal, None, 1.0, short, short_shape);
        queue.seat(2, Priority::Normal, None, 1.0, long, short_shape);
        let order: Vec<_> = std::iter::from_fn(|| queue.next(false).map(|seat| queue.leave(seat))).collect();
        assert_eq!(order, [1, 0, 2]);
    }
}

#[test]
fn invariant_6_an_external_task_is_lifted_too() {
    let (short, long) = (Kind { kernel: 1, size: 0 }, Kind { kernel: 2, size: 0 });
    let mut simulation = Simulation::new();
    simulation.learn(short, MS);
    simulation.learn(long, 500 * MS);
    let waiting = simulation.queue.seat(0, Priority::Normal, None, 1.0, long, Shape::External);
    let mut used = 0;
    loop {
        let seat = simulation.queue.seat(1, Priority::Normal, None, 1.0, short, Shape::Kernel);
        let next = simulation.queue.next(false).unwrap();
        if next == waiting {
            break;
        }
        assert_eq!(next, seat);
        simulation.queue.charge(seat, MS, 0.0);
        simulation.queue.finish(seat);
        used += MS;
        assert!(used <= 2 * LIFT, "it starves");
    }
    assert!(used >= LIFT - MS);
}

#[test]
fn invariant_3_external_tasks_share_with_all_others() {
    let kind = |kernel| Kind { kernel, size: 0 };
    for shape in SHAPES {
        let mut simulation = Simulation::new();
        simulation.learn(kind(1), 200 * MS);
        let queue = &mut simulation.queue;
        for item in 0..8 {
            queue.seat(item, Priority::Normal, key("many").as_ref(), 1.0, kind(1), Shape::External);
        }
        for item in 8..10 {
            queue.seat(item, Priority::Normal, key("few").as_ref(), 1.0, kind(1), shape);
        }
        let mut order = vec![];
        while let Some(seat) = queue.next(false) {
            queue.charge(seat, 200 * MS, 0.0);
            order.push(queue.finish(seat));
        }
        assert_eq!(order[..5].iter().filter(|item| **item >= 8).count(), 2, "{order:?}");
    }
}
