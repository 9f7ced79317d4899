//! Whose turn it is: the order in which a pool's threads take tasks up. A pure data structure, without threads or clocks.
//!
//! Words: a task sits on a *seat* from `seat` to `leave`. It is *ready* while a thread may take it up. Seats of one key
//! in one class form a *flow*. *Thread time* is what a task's morsels took on their threads, added up, in nanoseconds.
//!
//! Invariants, each with a test of that number:
//! 1. Work conservation: `next` gives a task whenever one is ready, and never one that is not.
//! 2. Classes are strict: no task of a class is given while one of a higher class is ready.
//! 3. Flows of a class share thread time in proportion to their weights while they have ready tasks (start-time fair
//!    queueing; Goyal, Vin, Cheng, SIGCOMM 1996): the flow with the smallest virtual time goes first. A flow that comes
//!    back starts at the current virtual time, so that it has no credit for its absence; and at no less than its own,
//!    so that it gains nothing by leaving.
//! 4. Within a flow the least attained service goes first, in levels: a task starts on level 0 and sinks as it uses
//!    thread time, so a short task passes a long one without being announced as short.
//! 5. On one level, first in, first out: a task that was given and becomes ready again on its level keeps its place.
//! 6. Within a class nothing starves: the first task of a level is given before those of higher levels once its flow has
//!    used `LIFT` of thread time since the task became ready; and by 3, no flow waits for ever.
//! 7. Memory is bounded by the seats taken: what is left of tasks and flows that are gone is swept.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use slab::Slab;

/// Priority class: strict, higher first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Class {
    /// Before everything else.
    High = 0,
    /// What a task has that says nothing.
    #[default]
    Normal = 1,
    /// Only while nothing else is ready.
    Low = 2,
}

const CLASSES: usize = 3;
/// Thread time at which a task sinks below level 0, 1, 2, ...
const SINK: [u64; 5] = [1_000_000, 8_000_000, 64_000_000, 512_000_000, 4_096_000_000];
const LEVELS: usize = SINK.len() + 1;
/// Thread time that a flow uses before a task that waits on a low level has its turn. A lifted task gets one morsel, so
/// at most one millisecond in a hundred, and level, goes to lifted tasks.
const LIFT: u64 = 100_000_000;

/// A task's place, from `seat` to `leave`.
pub(super) type SeatId = usize;
type FlowId = usize;

/// The seated tasks of a pool, and which of them are ready.
pub(super) struct ReadyQueue<T> {
    seats: Slab<Seat<T>>,
    /// The first are the common flows, those without a key, one a class; they are never removed.
    flows: Slab<Flow>,
    flow_ids: HashMap<(Class, Arc<str>), FlowId>,
    classes: [ClassState; CLASSES],
    /// Numbers places on levels: smaller came earlier. Never used twice, so it also tells a stale entry.
    sequence: u64,
    ready: usize,
    /// Entries whose tasks have left.
    stale: usize,
}

struct Seat<T> {
    item: T,
    flow: FlowId,
    attained: u64,
    level: usize,
    place: u64,
    ready: bool,
}

struct Flow {
    class: Class,
    key: Option<Arc<str>>,
    weight: f64,
    /// Thread time used, divided by weight.
    virtual_time: u64,
    /// Thread time used.
    used: u64,
    levels: [VecDeque<Entry>; LEVELS],
    seats: usize,
    ready: usize,
}

#[derive(Clone, Copy)]
struct Entry {
    seat: SeatId,
    place: u64,
    /// What the flow had used when the task became ready.
    since: u64,
}

#[derive(Default)]
struct ClassState {
    /// Flows with ready tasks, by virtual time.
    ready: BTreeSet<(u64, FlowId)>,
    /// Flows without seats that are ahead of the class's virtual time.
    absent: BTreeSet<(u64, FlowId)>,
    /// Virtual time of the flow that was served last.
    virtual_time: u64,
    seats: usize,
}

impl<T> Default for ReadyQueue<T> {
    fn default() -> Self {
        let mut flows = Slab::new();
        for class in [Class::High, Class::Normal, Class::Low] {
            let id = flows.insert(Flow::new(class, None));
            debug_assert_eq!(id, class as FlowId);
        }
        Self {
            seats: Slab::new(),
            flows,
            flow_ids: HashMap::new(),
            classes: Default::default(),
            sequence: 0,
            ready: 0,
            stale: 0,
        }
    }
}

impl<T> ReadyQueue<T> {
    /// How many tasks are ready.
    pub(super) fn len(&self) -> usize {
        self.ready
    }

    /// Tasks that have a seat.
    pub(super) fn seated(&self) -> usize {
        self.seats.len()
    }

    /// The task on a seat.
    pub(super) fn get(&self, id: SeatId) -> &T {
        &self.seats[id].item
    }

    /// Whether the task on a seat is ready.
    pub(super) fn is_ready(&self, id: SeatId) -> bool {
        self.seats[id].ready
    }

    /// Gives `item` a seat in the flow of `key`, whose weight becomes `weight` (> 0), and makes it ready.
    pub(super) fn seat(&mut self, item: T, class: Class, key: Option<&Arc<str>>, weight: f64) -> SeatId {
        let flow_id = self.flow(class, key);
        let flow = &mut self.flows[flow_id];
        let state = &mut self.classes[class as usize];
        if flow.seats == 0 {
            state.absent.remove(&(flow.virtual_time, flow_id));
            flow.virtual_time = flow.virtual_time.max(state.virtual_time);
        }
        flow.weight = weight;
        flow.seats += 1;
        state.seats += 1;
        self.sequence += 1;
        let place = self.sequence;
        let id = self.seats.insert(Seat { item, flow: flow_id, attained: 0, level: 0, place, ready: false });
        self.ready(id);
        id
    }

    /// Makes a seated task ready again that `next` gave.
    pub(super) fn ready(&mut self, id: SeatId) {
        let seat = &mut self.seats[id];
        debug_assert!(!seat.ready, "a task is ready once");
        seat.ready = true;
        let level = level_of(seat.attained);
        if level != seat.level {
            self.sequence += 1;
            (seat.level, seat.place) = (level, self.sequence);
        }
        let flow = &mut self.flows[seat.flow];
        if flow.ready == 0 {
            self.classes[flow.class as usize].ready.insert((flow.virtual_time, seat.flow));
        }
        flow.ready += 1;
        self.ready += 1;
        flow.enqueue(level, Entry { seat: id, place: seat.place, since: flow.used });
    }

    /// The task whose turn it is, if one is ready; it is ready no more.
    pub(super) fn next(&mut self) -> Option<SeatId> {
        let class = self.classes.iter().position(|class| !class.ready.is_empty())?;
        let (virtual_time, flow_id) = *self.classes[class].ready.first()?;
        self.advance(class, virtual_time);
        let flow = &mut self.flows[flow_id];
        let id = loop {
            let level = flow.choose_level(&self.seats, &mut self.stale)?;
            let entry = flow.levels[level].pop_front()?;
            let seat = &mut self.seats[entry.seat];
            let sunk = level_of(seat.attained);
            if sunk == level {
                break entry.seat;
            }
            // It used thread time in other morsels while it stood here.
            self.sequence += 1;
            (seat.level, seat.place) = (sunk, self.sequence);
            flow.enqueue(sunk, Entry { seat: entry.seat, place: seat.place, since: entry.since });
        };
        self.seats[id].ready = false;
        self.count_out(flow_id);
        Some(id)
    }

    /// Notes that a task has used thread time.
    pub(super) fn charge(&mut self, id: SeatId, nanos: u64) {
        let seat = &mut self.seats[id];
        seat.attained = seat.attained.saturating_add(nanos);
        let flow = &mut self.flows[seat.flow];
        let before = flow.virtual_time;
        flow.used = flow.used.saturating_add(nanos);
        flow.virtual_time = before.saturating_add((nanos as f64 / flow.weight) as u64);
        if flow.ready > 0 && flow.virtual_time != before {
            let class = &mut self.classes[flow.class as usize];
            class.ready.remove(&(before, seat.flow));
            class.ready.insert((flow.virtual_time, seat.flow));
        }
    }

    /// Gives a seat up, ready or not.
    pub(super) fn leave(&mut self, id: SeatId) -> T {
        let seat = self.seats.remove(id);
        if seat.ready {
            self.stale += 1;
            self.count_out(seat.flow);
        }
        let flow = &mut self.flows[seat.flow];
        let class = flow.class as usize;
        flow.seats -= 1;
        self.classes[class].seats -= 1;
        if flow.seats == 0 {
            self.classes[class].absent.insert((flow.virtual_time, seat.flow));
            let now = if self.classes[class].seats == 0 {
                // Nobody is left to be fair to: the next busy period begins after the last of this one.
                u64::max(self.classes[class].virtual_time, self.classes[class].absent.last().map_or(0, |last| last.0))
            } else {
                self.classes[class].virtual_time
            };
            self.advance(class, now);
        }
        if self.stale > self.ready + 64 {
            self.sweep();
        }
        seat.item
    }

    fn flow(&mut self, class: Class, key: Option<&Arc<str>>) -> FlowId {
        let Some(key) = key else { return class as FlowId };
        *self
            .flow_ids
            .entry((class, Arc::clone(key)))
            .or_insert_with(|| self.flows.insert(Flow::new(class, Some(Arc::clone(key)))))
    }

    /// One ready task less in a flow.
    fn count_out(&mut self, flow_id: FlowId) {
        let flow = &mut self.flows[flow_id];
        flow.ready -= 1;
        self.ready -= 1;
        if flow.ready == 0 {
            self.classes[flow.class as usize].ready.remove(&(flow.virtual_time, flow_id));
        }
    }

    /// Moves a class's virtual time on and forgets the absent flows that it has reached.
    fn advance(&mut self, class: usize, virtual_time: u64) {
        let state = &mut self.classes[class];
        state.virtual_time = state.virtual_time.max(virtual_time);
        while let Some(&(first, flow_id)) = state.absent.first()
            && first <= state.virtual_time
        {
            state.absent.pop_first();
            if flow_id >= CLASSES {
                let flow = self.flows.remove(flow_id);
                self.stale -= flow.levels.iter().map(VecDeque::len).sum::<usize>();
                if let Some(key) = flow.key {
                    self.flow_ids.remove(&(flow.class, key));
                }
            }
        }
    }

    fn sweep(&mut self) {
        for (_, flow) in &mut self.flows {
            for level in &mut flow.levels {
                level.retain(|entry| entry.is_current(&self.seats));
            }
        }
        self.stale = 0;
    }
}

impl Flow {
    fn new(class: Class, key: Option<Arc<str>>) -> Self {
        Self { class, key, weight: 1.0, virtual_time: 0, used: 0, levels: Default::default(), seats: 0, ready: 0 }
    }

    fn enqueue(&mut self, level: usize, entry: Entry) {
        let queue = &mut self.levels[level];
        // A newcomer goes to the end. One that was away goes back to its old place, which is near the front: before it
        // are only those that were given earlier and came back earlier, at most one a thread.
        if queue.back().is_none_or(|back| back.place < entry.place) {
            queue.push_back(entry);
        } else {
            let index = queue.iter().position(|other| other.place > entry.place).unwrap_or(queue.len());
            queue.insert(index, entry);
        }
    }

    /// The level whose first task is to be given; none if no task of this flow is ready.
    fn choose_level<T>(&mut self, seats: &Slab<Seat<T>>, stale: &mut usize) -> Option<usize> {
        let used = self.used;
        let mut chosen = None;
        for (level, queue) in self.levels.iter_mut().enumerate() {
            while queue.front().is_some_and(|entry| !entry.is_current(seats)) {
                queue.pop_front();
                *stale -= 1;
            }
            if let Some(entry) = queue.front() {
                let lifted = used - entry.since >= LIFT;
                if chosen.is_none() || lifted {
                    chosen = Some(level);
                }
            }
        }
        chosen
    }
}

impl Entry {
    fn is_current<T>(&self, seats: &Slab<Seat<T>>) -> bool {
        seats.get(self.seat).is_some_and(|seat| seat.ready && seat.place == self.place)
    }
}

fn level_of(attained: u64) -> usize {
    SINK.iter().take_while(|limit| attained >= **limit).count()
}

#[cfg(test)]
#[path = "ready_tests.rs"]
mod tests;
