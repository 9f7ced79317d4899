//! The seats of one key in one priority, and their order among each other.
//!
//! Tasks of one kind that have not begun have the same rank, so they stand in a *line*, first in, first out; only the head of each line, and
//! what has begun, is in the flow's order. So a flood of equal tasks costs no more than a queue.
//!
//! Invariants:
//! 1. `orders` hold exactly the ready seats that have begun and the first live seat of each line, each in that of its shape, by the rank that
//!    stands in the seat. All of a line are of one shape.
//! 2. At most half of a line, and a few more, are left over from tasks that are gone.

use std::collections::VecDeque;
use std::sync::Arc;

use slab::Slab;

use super::priority::Priority;
use super::ranking::Ranking;
use super::seat::{Seat, SeatId, Standing};
use super::shape::{SHAPES, Shape};
use super::weight::Weight;
use crate::kinds::{KindId, Kinds};

/// Thread time that a flow uses before a task that waits has its turn. A lifted task gets one morsel, so at most one millisecond in a hundred
/// goes to lifted tasks.
pub(super) const LIFT: u64 = 100_000_000;
/// So many lines are kept though they are empty.
const EMPTY_LINES: usize = 8;

pub(super) struct Flow {
    pub(super) priority: Priority,
    pub(super) key: Option<Arc<str>>,
    pub(super) weight: Weight,
    pub(super) virtual_time: u128,
    /// What its tasks have used that does not count yet, because it was expected of them.
    pub(super) grace: u128,
    /// Virtual time of morsels that are out.
    pub(super) pending: u128,
    /// Thread time used.
    pub(super) used: u64,
    /// What it had used when its tasks were last looked through for one that had waited for too long.
    pub(super) lifted: u64,
    pub(super) seats: usize,
    /// Under what it is listed in its priority, by the shape of its tasks.
    pub(super) listed: [Option<(u128, u64)>; SHAPES.len()],
    /// Seats by rank and place, for each shape.
    pub(super) orders: [Ranking<(u64, u64, SeatId)>; SHAPES.len()],
    /// By kind and shape.
    lines: Vec<Line>,
}

struct Line {
    kind: KindId,
    shape: Shape,
    /// Seats and their places.
    queue: VecDeque<(SeatId, u64)>,
    /// How many of them are gone.
    gone: usize,
}

impl Flow {
    pub(super) fn new(priority: Priority, key: Option<Arc<str>>) -> Self {
        Self {
            priority,
            key,
            weight: Weight::new(1.0),
            virtual_time: 0,
            grace: 0,
            pending: 0,
            used: 0,
            lifted: 0,
            seats: 0,
            listed: Default::default(),
            orders: Default::default(),
            lines: vec![],
        }
    }

    /// The ready seats of a shape.
    pub(super) fn order_mut(&mut self, shape: Shape) -> &mut Ranking<(u64, u64, SeatId)> {
        &mut self.orders[shape as usize]
    }

    fn line(&self, kind: KindId, shape: Shape) -> Result<usize, usize> {
        self.lines.binary_search_by_key(&(kind, shape as u8), |line| (line.kind, line.shape as u8))
    }

    /// Puts a seat that has never been given at the end of its line.
    pub(super) fn add_fresh<T>(&mut self, id: SeatId, seats: &mut Slab<Seat<T>>, kinds: &Kinds) {
        let seat = &seats[id];
        let (kind, shape, place) = (seat.kind, seat.shape, seat.place);
        let index = match self.line(kind, shape) {
            Ok(index) => index,
            Err(index) => {
                self.lines.insert(index, Line { kind, shape, queue: VecDeque::new(), gone: 0 });
                index
            }
        };
        let line = &mut self.lines[index];
        line.queue.push_back((id, place));
        if line.queue.len() == 1
            && let Some(head) = line.head(seats, kinds)
        {
            self.order_mut(shape).insert(head);
        }
    }

    /// Takes a ready seat out, wherever it stands.
    pub(super) fn take_out<T>(&mut self, id: SeatId, seats: &mut Slab<Seat<T>>, kinds: &Kinds) {
        let seat = &mut seats[id];
        let (kind, shape, entry) = (seat.kind, seat.shape, (seat.rank, seat.place, id));
        let order = &mut self.orders[shape as usize];
        let was = std::mem::replace(&mut seat.standing, Standing::Given);
        if was == Standing::Begun {
            order.remove(entry);
            return;
        }
        let Ok(index) = self.line(kind, shape) else { return };
        let order = &mut self.orders[shape as usize];
        let line = &mut self.lines[index];
        if line.queue.front().is_some_and(|front| front.0 == id) {
            line.queue.pop_front();
            match line.head(seats, kinds) {
                Some(head) => order.replace(entry, head),
                None => order.remove(entry),
            }
        } else {
            line.gone += 1;
            if line.gone > line.queue.len() / 2 + 32 {
                line.queue.retain(|entry| is_fresh(*entry, seats));
                line.gone = 0;
            }
        }
        if self.lines.len() > EMPTY_LINES && self.lines[index].queue.is_empty() {
            self.lines.remove(index);
        }
    }

    /// A morsel of a task of this flow is out no more.
    pub(super) fn take_back<T>(&mut self, seat: &mut Seat<T>) {
        if seat.out > 0 {
            let expected = seat.pending / u64::from(seat.out);
            seat.out -= 1;
            seat.pending -= expected;
            self.pending -= u128::from(expected);
        }
    }

    /// When the flow's best task of a shape will virtually be done, and the place of that task; none if none is ready.
    pub(super) fn finish<T>(&mut self, shape: Shape, seats: &mut Slab<Seat<T>>, kinds: &Kinds) -> Option<(u128, u64)> {
        loop {
            let order = &mut self.orders[shape as usize];
            let (rank, place, id) = order.first()?;
            let seat = &mut seats[id];
            let expected = kinds.expected(seat.kind);
            if seat.standing == Standing::Fresh && rank != expected {
                // Its kind has learned since.
                seat.rank = expected;
                order.replace((rank, place, id), (expected, place, id));
                continue;
            }
            let left = self.weight.virtually(rank).min(self.weight.horizon);
            return Some((self.start() + self.pending + u128::from(left), place));
        }
    }

    /// Its virtual time, without what its tasks have used that does not count yet.
    pub(super) fn start(&self) -> u128 {
        self.virtual_time - self.grace.min(u128::from(self.weight.horizon))
    }

    /// Entries of lines, those that are left over among them.
    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.lines.iter().map(|line| line.queue.len() + 1).sum()
    }

    /// The seat to be given, of one of these shapes; and whether that is because it has waited for too long.
    pub(super) fn choose<T>(&mut self, shapes: &[Shape], seats: &Slab<Seat<T>>) -> Option<(SeatId, bool)> {
        let orders = shapes.iter().map(|shape| &self.orders[*shape as usize]);
        if self.used - self.lifted >= LIFT {
            // Those that are not at the head of their line came later than those that are.
            let waiting = orders.clone().flat_map(Ranking::iter);
            let longest = waiting.map(|entry| (seats[entry.2].since, entry.1, entry.2)).min()?;
            if self.used - longest.0 >= LIFT {
                return Some((longest.2, true));
            }
            self.lifted = longest.0;
        }
        orders.filter_map(Ranking::first).min().map(|entry| (entry.2, false))
    }
}

impl Line {
    /// The first, ranked as it is now.
    fn head<T>(&mut self, seats: &mut Slab<Seat<T>>, kinds: &Kinds) -> Option<(u64, u64, SeatId)> {
        while let Some((id, place)) = self.queue.front().copied() {
            if is_fresh((id, place), seats) {
                seats[id].rank = kinds.expected(self.kind);
                return Some((seats[id].rank, place, id));
            }
            self.queue.pop_front();
            self.gone -= 1;
        }
        None
    }
}

fn is_fresh<T>((id, place): (SeatId, u64), seats: &Slab<Seat<T>>) -> bool {
    seats.get(id).is_some_and(|seat| seat.place == place && seat.standing == Standing::Fresh)
}
