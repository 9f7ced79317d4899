//! Whose turn it is: the order in which a pool's threads take tasks up. A pure data structure, without threads or clocks.
//!
//! Words: a task sits on a *seat* from `seat` to `leave`. It is *ready* while a thread may take it up. Seats of one key in one
//! priority form a *flow* (`flow.rs`). *Thread time* is what a task's morsels took on their threads, added up, in nanoseconds. A task's *rank* is
//! the thread time that it is worth waiting for: the Gittins index of its kind (`kinds.rs`), or what is left by its own progress. Virtual
//! times are thread time by weight (`weight.rs`, `shares.rs`).
//!
//! Between flows, the one goes first whose virtual time and the rank of whose best task, added, are smallest: whose task will virtually be done
//! first (packetised fair queueing: Demers, Keshav, Shenker, SIGCOMM 1989; Parekh, Gallager 1993). What that task has used itself does not
//! count, up to `GRACE` times what was expected of it: else equals of different keys would interrupt each other just before their ends. How
//! far that may part flows is bounded, by `HORIZON`.
//!
//! A task's *shape* says whether threads run it, morsel by morsel, or whether it is external: it takes a thread's place from its begin to its
//! end. The caller may have external tasks stand back, so that they do not take the last place while a task that threads run is ready.
//!
//! Invariants, each with a test of that number:
//! 1. Work conservation: `next` gives a task whenever one is ready, and never one that is not.
//! 2. Priorities are strict: no task of a priority is given while one of a higher priority is ready.
//! 3. Flows of a priority share thread time in proportion to their weights while they have ready tasks, but for `HORIZON` and a morsel a thread.
//!    A flow that comes back starts at the current virtual time, so that it has no credit for its absence; and at no less than its own, so
//!    that it gains nothing by leaving. Neither a weight at its bounds nor a morsel that took very long destroys this.
//! 4. Within a flow the smallest rank goes first: a short task passes a long one without being announced as short, be it that its kind is known
//!    to be, or that the long one has run for longer.
//! 5. Equal ranks are first in, first out. Of equal tasks of a kind that is known, or that report their progress, no more have begun than there are
//!    threads, but for lifted ones.
//! 6. Within a priority nothing starves: of the tasks that have waited while their flow used `LIFT` of thread time, the one that waited longest
//!    gets a morsel, one in each `LIFT`; and by 3, no flow waits for ever.
//! 7. Memory is bounded by the seats taken: what is left of tasks and flows that are gone is swept.
//! 8. Nothing that a task says of its progress gives it more than twice the thread time that it said at first that it needed, before its rank is
//!    its kind's again.
//! 9. External tasks that are to stand back go after the others of their priority, and before those of lower ones. Among themselves, and
//!    otherwise, they have the order that all have.

mod flow;
mod priority;
mod ranking;
mod seat;
mod shape;
mod shares;
mod weight;

use std::collections::HashMap;
use std::sync::Arc;

use slab::Slab;

use self::flow::Flow;
use self::priority::PRIORITIES;
pub use self::priority::Priority;
pub(super) use self::seat::SeatId;
use self::seat::{FlowId, Seat, Standing, graced};
use self::shape::SHAPES;
pub(super) use self::shape::Shape;
use self::shares::Shares;
use self::weight::HORIZON;
use super::kinds::{Kind, Kinds};

/// A morsel counts for no more, unless its kind's take so long: what passed on the clock while the process was stopped was no thread time.
const LONGEST_MORSEL: u64 = 16_000_000;
/// No morsel is expected to take less.
const SHORTEST_MORSEL: u64 = 1_000;

/// How a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outlook {
    /// Its rank.
    pub(super) rank: u64,
    /// Thread time used.
    pub(super) attained: u64,
    /// What it needs in all, by its own progress; 0 if it does not say, or is not believed.
    pub(super) total: u64,
    /// Smaller came earlier.
    pub(super) place: u64,
}

/// The seated tasks of a pool, and which of them are ready.
pub(super) struct ReadyQueue<T> {
    seats: Slab<Seat<T>>,
    kinds: Kinds,
    /// The first are the common flows, those without a key, one a priority; they are never removed.
    flows: Slab<Flow>,
    flow_ids: HashMap<(Priority, Arc<str>), FlowId>,
    priorities: [Shares; PRIORITIES],
    /// A flow that may not stand where it belongs among those of its priority; it has seats.
    stale: Option<FlowId>,
    /// Numbers seats: smaller came earlier. Never used twice, so a stale entry is known by it.
    sequence: u64,
    /// How many are ready, by shape.
    ready: [usize; SHAPES.len()],
}

impl<T> Default for ReadyQueue<T> {
    fn default() -> Self {
        let mut flows = Slab::new();
        for priority in [Priority::High, Priority::Normal, Priority::Low] {
            let id = flows.insert(Flow::new(priority, None));
            debug_assert_eq!(id, priority as FlowId);
        }
        Self {
            seats: Slab::new(),
            kinds: Kinds::default(),
            flows,
            flow_ids: HashMap::new(),
            priorities: Default::default(),
            stale: None,
            sequence: 0,
            ready: [0; SHAPES.len()],
        }
    }
}

impl<T> ReadyQueue<T> {
    /// How many tasks are ready.
    pub(super) fn len(&self) -> usize {
        self.ready.iter().sum()
    }

    /// Whether an external task is ready.
    pub(super) fn has_external(&self) -> bool {
        self.ready[Shape::External as usize] > 0
    }

    /// The task on a seat.
    pub(super) fn get(&self, id: SeatId) -> &T {
        &self.seats[id].item
    }

    /// As `get`, to change it.
    pub(super) fn get_mut(&mut self, id: SeatId) -> &mut T {
        &mut self.seats[id].item
    }

    /// The turn that `next` gave was not used for a morsel. The task is not ready.
    pub(super) fn give_back(&mut self, id: SeatId) {
        let seat = &mut self.seats[id];
        let flow = &mut self.flows[seat.flow];
        flow.take_back(seat);
        let flow_id = seat.flow;
        self.touch(flow_id);
    }

    /// The virtual times of a task's key and priority, in nanoseconds at weight 1, modulo 2^64.
    pub(super) fn virtual_times(&self, id: SeatId) -> [u64; 2] {
        let flow = &self.flows[self.seats[id].flow];
        self.priorities[flow.priority as usize].times(flow)
    }

    /// How a task stands.
    pub(super) fn outlook(&self, id: SeatId) -> Outlook {
        let seat = &self.seats[id];
        let total = if seat.is_believed() { seat.total } else { 0 };
        Outlook { rank: seat.rank_now(&self.kinds), attained: seat.attained, total, place: seat.place }
    }

    /// Thread time that a task has used.
    pub(super) fn attained(&self, id: SeatId) -> u64 {
        self.seats[id].attained
    }

    /// Where a task of the same kind ranks that has not begun.
    pub(super) fn rank_of_fresh(&self, id: SeatId) -> u64 {
        self.kinds.expected(self.seats[id].kind)
    }

    /// All that have a seat.
    pub(super) fn seats(&self) -> impl Iterator<Item = SeatId> {
        self.seats.iter().map(|(id, _)| id)
    }

    /// A task has come to its own end: its kind learns from that.
    pub(super) fn learn(&mut self, id: SeatId) {
        let seat = &self.seats[id];
        self.kinds.learn(seat.kind, seat.attained);
    }

    /// Who does the work of the task on a seat.
    pub(super) fn shape(&self, id: SeatId) -> Shape {
        self.seats[id].shape
    }

    /// Whether the task on a seat is ready.
    pub(super) fn is_ready(&self, id: SeatId) -> bool {
        self.seats[id].standing != Standing::Given
    }

    /// Gives `item` a seat in the flow of `key`, whose weight becomes `weight`, and makes it ready.
    pub(super) fn seat(
        &mut self,
        item: T,
        priority: Priority,
        key: Option<&Arc<str>>,
        weight: f64,
        kind: Kind,
        shape: Shape,
    ) -> SeatId {
        let flow_id = self.flow(priority, key);
        let flow = &mut self.flows[flow_id];
        self.priorities[priority as usize].enter(flow_id, flow, weight);
        self.sequence += 1;
        let id = self.seats.insert(Seat {
            item,
            place: self.sequence,
            flow: flow_id,
            kind: self.kinds.enter(kind),
            shape,
            standing: Standing::Fresh,
            out: 0,
            attained: 0,
            rank: 0,
            since: flow.used,
            paid: 0,
            pending: 0,
            grace: 0,
            reported: 0,
            total: 0,
        });
        self.ready[shape as usize] += 1;
        flow.add_fresh(id, &mut self.seats, &self.kinds);
        self.touch(flow_id);
        id
    }

    /// Makes a seated task ready again that `next` gave.
    pub(super) fn ready(&mut self, id: SeatId) {
        let seat = &mut self.seats[id];
        debug_assert!(seat.standing == Standing::Given, "a task is ready once");
        let flow_id = seat.flow;
        let flow = &mut self.flows[flow_id];
        seat.standing = Standing::Begun;
        seat.since = flow.used;
        seat.rank = seat.rank_now(&self.kinds);
        flow.order_mut(seat.shape).insert((seat.rank, seat.place, id));
        self.ready[seat.shape as usize] += 1;
        self.touch(flow_id);
    }

    /// The task whose turn it is, if one is ready; it is ready no more. `standing_back`: whether external tasks go after the others of their
    /// priority.
    pub(super) fn next(&mut self, standing_back: bool) -> Option<SeatId> {
        let (flow_id, id, is_lifted) = self.first(standing_back)?;
        let flow = &mut self.flows[flow_id];
        if is_lifted {
            flow.lifted = flow.used;
        }
        let priority = flow.priority as usize;
        flow.take_out(id, &mut self.seats, &self.kinds);
        let seat = &mut self.seats[id];
        self.ready[seat.shape as usize] -= 1;
        // Counted as it begins, so that other threads do not all turn to the same flow before the first morsel ends.
        let expected = flow.weight.virtually(self.kinds.morsel(seat.kind).clamp(SHORTEST_MORSEL, HORIZON));
        seat.out += 1;
        seat.pending += expected;
        flow.pending += u128::from(expected);
        self.priorities[priority].serve(flow);
        self.touch(flow_id);
        Some(id)
    }

    /// The shape of the task that `next` would give.
    pub(super) fn shape_of_next(&mut self, standing_back: bool) -> Option<Shape> {
        self.first(standing_back).map(|(_, id, _)| self.seats[id].shape)
    }

    /// Whose turn it is: the flow and the seat; and whether that has waited for too long.
    fn first(&mut self, standing_back: bool) -> Option<(FlowId, SeatId, bool)> {
        self.list_stale();
        let (shapes, flow_id) = self.priorities.iter().find_map(|shares| {
            let kernels = if standing_back { shares.first(&SHAPES[..1]) } else { None };
            kernels.map_or_else(|| Some((&SHAPES[..], shares.first(&SHAPES)?)), |flow_id| Some((&SHAPES[..1], flow_id)))
        })?;
        let (id, is_lifted) = self.flows[flow_id].choose(shapes, &self.seats)?;
        Some((flow_id, id, is_lifted))
    }

    /// Notes that a morsel of a task took so much thread time, and which share of its work the task says is done, 0..=1; 0 if it does not say.
    pub(super) fn charge(&mut self, id: SeatId, nanos: u64, done: f64) {
        let seat = &mut self.seats[id];
        let flow_id = seat.flow;
        let flow = &mut self.flows[flow_id];
        let priority = &mut self.priorities[flow.priority as usize];
        self.kinds.note_morsel(seat.kind, nanos);
        seat.attained = seat.attained.saturating_add(nanos);
        flow.take_back(seat);
        let counted = nanos.min(self.kinds.usual(seat.kind).max(LONGEST_MORSEL));
        seat.paid = seat.paid.saturating_add(priority.charge(flow, counted));
        seat.told_of(done, &mut self.kinds);
        let expected = graced(self.kinds.expected(seat.kind).max(seat.reported));
        let grace = seat.paid.min(flow.weight.virtually(expected)).min(flow.weight.horizon);
        flow.grace = flow.grace + u128::from(grace) - u128::from(seat.grace);
        seat.grace = grace;
        if seat.standing == Standing::Begun {
            // Another morsel of it ran while it was ready.
            let old = (seat.rank, seat.place, id);
            seat.rank = seat.rank_now(&self.kinds);
            flow.order_mut(seat.shape).replace(old, (seat.rank, seat.place, id));
        }
        priority.forget(&mut self.flows, &mut self.flow_ids);
        self.touch(flow_id);
    }

    /// Gives the seat of a task up that has come to its own end.
    #[cfg(test)]
    pub(super) fn finish(&mut self, id: SeatId) -> T {
        self.learn(id);
        self.leave(id)
    }

    /// Gives a seat up, ready or not.
    pub(super) fn leave(&mut self, id: SeatId) -> T {
        let flow_id = self.seats[id].flow;
        let flow = &mut self.flows[flow_id];
        if self.seats[id].standing != Standing::Given {
            flow.take_out(id, &mut self.seats, &self.kinds);
            self.ready[self.seats[id].shape as usize] -= 1;
        }
        let seat = self.seats.remove(id);
        self.kinds.leave(seat.kind);
        flow.pending -= u128::from(seat.pending);
        flow.grace -= u128::from(seat.grace);
        let priority = flow.priority as usize;
        let is_last = flow.seats == 1;
        self.touch(flow_id);
        if is_last {
            self.list_stale();
        }
        self.priorities[priority].exit(flow_id, &mut self.flows[flow_id]);
        self.priorities[priority].forget(&mut self.flows, &mut self.flow_ids);
        seat.item
    }

    fn flow(&mut self, priority: Priority, key: Option<&Arc<str>>) -> FlowId {
        let Some(key) = key else { return priority as FlowId };
        *self
            .flow_ids
            .entry((priority, Arc::clone(key)))
            .or_insert_with(|| self.flows.insert(Flow::new(priority, Some(Arc::clone(key)))))
    }

    /// A flow may have changed. It is listed anew when that matters: mostly after some changes of the same flow.
    fn touch(&mut self, flow_id: FlowId) {
        if self.stale != Some(flow_id) {
            self.list_stale();
            self.stale = Some(flow_id);
        }
    }

    /// Puts the flow that has changed where it belongs among those of its priority.
    fn list_stale(&mut self) {
        let Some(flow_id) = self.stale.take() else { return };
        let flow = &mut self.flows[flow_id];
        for shape in SHAPES {
            let finish = flow.finish(shape, &mut self.seats, &self.kinds);
            self.priorities[flow.priority as usize].list(flow_id, flow, shape, finish);
        }
    }
}

#[cfg(test)]
#[path = "ready_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "ready/loads_tests.rs"]
mod loads_tests;
