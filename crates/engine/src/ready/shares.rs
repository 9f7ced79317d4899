//! The flows of one priority: their virtual times, and whose turn it is among them.
//!
//! A flow's virtual time is the thread time that it has used, divided by its weight; the priority's is that of the flow that is served, and
//! goes on with what is served, shared among all that are there: so it goes on although every flow that is served has only just come.
//!
//! Invariants:
//! 1. Virtual times are whole numbers of 1/1024 ns in 128 bits: they are never full, and a morsel of one nanosecond pays at the largest weight.
//! 2. Weights are what they were said to be, within 0.001 to 1000.
//! 3. A flow without seats is kept until its priority has reached its virtual time, and no longer.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use slab::Slab;

use super::flow::Flow;
use super::priority::{PRIORITIES, Priority};
use super::ranking::Ranking;
use super::seat::FlowId;
use super::shape::{SHAPES, Shape};
use super::weight::{NANO, ONE, Weight};

#[derive(Default)]
pub(super) struct Shares {
    /// For each shape, flows with ready tasks, by when the best will virtually be done, and its place.
    ready: [Ranking<(u128, u64, FlowId)>; SHAPES.len()],
    /// Flows without seats that are ahead of the priority's virtual time.
    absent: BTreeSet<(u128, FlowId)>,
    virtual_time: u128,
    /// Weights of the flows with seats, added.
    weight: u64,
    seats: usize,
}

impl Shares {
    /// The flow whose turn it is, of those with ready tasks of these shapes.
    pub(super) fn first(&self, shapes: &[Shape]) -> Option<FlowId> {
        shapes.iter().filter_map(|shape| self.ready[*shape as usize].first()).min().map(|first| first.2)
    }

    /// The virtual times of a flow and of the priority, in nanoseconds at weight 1, modulo 2^64. What its tasks have used that does not count yet
    /// does count here: it will, for those that come after them.
    pub(super) fn times(&self, flow: &Flow) -> [u64; 2] {
        [flow.virtual_time + flow.pending, self.virtual_time].map(|time| (time / NANO as u128) as u64)
    }

    /// Whether there is nothing.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.first(&SHAPES).is_none() && self.weight == 0 && self.seats == 0
    }

    /// A seat of this flow is taken.
    pub(super) fn enter(&mut self, id: FlowId, flow: &mut Flow, weight: f64) {
        let weight = Weight::new(weight);
        if flow.seats == 0 {
            self.absent.remove(&(flow.virtual_time, id));
            flow.virtual_time = flow.virtual_time.max(self.virtual_time);
        } else {
            self.weight -= flow.weight.fixed;
        }
        self.weight += weight.fixed;
        flow.weight = weight;
        flow.seats += 1;
        self.seats += 1;
    }

    /// A seat of this flow is given up.
    pub(super) fn exit(&mut self, id: FlowId, flow: &mut Flow) {
        flow.seats -= 1;
        self.seats -= 1;
        if flow.seats == 0 {
            self.weight -= flow.weight.fixed;
            self.absent.insert((flow.virtual_time, id));
        }
        if self.seats == 0
            && let Some(last) = self.absent.last()
        {
            // Nobody is left to be fair to: the next busy period begins after the last of this one.
            self.virtual_time = self.virtual_time.max(last.0);
        }
    }

    /// A morsel of this flow begins.
    pub(super) fn serve(&mut self, flow: &Flow) {
        self.virtual_time = self.virtual_time.max(flow.start());
    }

    /// A morsel of this flow took so long; gives what that is in virtual time.
    pub(super) fn charge(&mut self, flow: &mut Flow, nanos: u64) -> u64 {
        let virtually = flow.weight.virtually(nanos);
        let shared = (nanos as f64 * NANO * ONE / self.weight as f64) as u64;
        self.virtual_time = self.virtual_time.max(flow.start() + u128::from(shared));
        flow.virtual_time += u128::from(virtually);
        flow.used = flow.used.saturating_add(nanos);
        virtually
    }

    /// Lists a flow, for its tasks of a shape, under this end and place, or not at all.
    pub(super) fn list(&mut self, id: FlowId, flow: &mut Flow, shape: Shape, finish: Option<(u128, u64)>) {
        let (listed, ready) = (&mut flow.listed[shape as usize], &mut self.ready[shape as usize]);
        if *listed == finish {
            return;
        }
        let entry = |(end, place)| (end, place, id);
        match (listed.map(entry), finish.map(entry)) {
            (None, None) => {}
            (None, Some(new)) => ready.insert(new),
            (Some(old), None) => ready.remove(old),
            (Some(old), Some(new)) => ready.replace(old, new),
        }
        *listed = finish;
    }

    /// Forgets the flows without seats that the priority's virtual time has reached.
    pub(super) fn forget(&mut self, flows: &mut Slab<Flow>, ids: &mut HashMap<(Priority, Arc<str>), FlowId>) {
        while let Some(&(first, id)) = self.absent.first()
            && first <= self.virtual_time
        {
            self.absent.pop_first();
            if id >= PRIORITIES
                && let Some(key) = flows[id].key.take()
            {
                ids.remove(&(flows[id].priority, key));
                flows.remove(id);
            }
        }
    }
}
