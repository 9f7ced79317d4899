//! What is known of a seated task, and what its rank follows from.

use super::shape::Shape;
use crate::kinds::{KindId, Kinds};

/// What a task has used does not count against its flow up to so many times what was expected of it.
const GRACE: f64 = 1.2;
/// From here on the progress of a task is measured well enough to know what is left by it ...
const TRUSTED_AFTER: u64 = 250_000;
/// ... and until here what it needs in all may still turn out to be more.
const SETTLED: u64 = 4_000_000;

/// A task's place, from `seat` to `leave`.
pub(in super::super) type SeatId = usize;
/// A flow's.
pub(super) type FlowId = usize;

/// A seat that is taken, and the task on it.
pub(super) struct Seat<T> {
    pub(super) item: T,
    pub(super) place: u64,
    pub(super) flow: FlowId,
    pub(super) kind: KindId,
    pub(super) shape: Shape,
    pub(super) standing: Standing,
    /// Morsels that were given and not charged yet.
    pub(super) out: u32,
    /// Thread time used.
    pub(super) attained: u64,
    pub(super) rank: u64,
    /// What the flow had used when the task became ready.
    pub(super) since: u64,
    /// What it has cost its flow in virtual time, with `pending` for morsels that are out.
    pub(super) paid: u64,
    pub(super) pending: u64,
    /// How much of that does not count yet.
    pub(super) grace: u64,
    /// What it needs in all, as it said at first, and as it said last; 0 if it said nothing.
    pub(super) reported: u64,
    pub(super) total: u64,
}

/// Whether a task waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Ready, and never given.
    Fresh,
    /// Ready, and given before.
    Begun,
    /// Not ready.
    Given,
}

impl<T> Seat<T> {
    /// Whether it has reported its progress, and may be believed.
    pub(super) fn is_believed(&self) -> bool {
        self.total > 0 && self.attained <= self.reported.saturating_mul(2)
    }

    pub(super) fn rank_now(&self, kinds: &Kinds) -> u64 {
        if self.standing == Standing::Fresh {
            return kinds.expected(self.kind);
        }
        if !self.is_believed() {
            // It may be about to report progress: until then it does not make room for equals of which no more is known.
            let age = if self.attained < TRUSTED_AFTER && !kinds.is_known(self.kind) { 0 } else { self.attained };
            return kinds.rank(self.kind, age);
        }
        let left = self.total.saturating_sub(self.attained).max(1);
        let expected = kinds.expected(self.kind);
        // About as long as its kind takes: one that has begun does not make room for one that has not. Where all of the kind take alike, that
        // goes by what it has used, since a thread that lost its core for a moment makes the first estimates much too long.
        let alike = self.total <= graced(expected) || kinds.is_regular(self.kind) && self.attained <= graced(expected);
        if alike { left.min(expected) } else { left }
    }

    /// Takes in which share of its work a task says is done.
    pub(super) fn told_of(&mut self, done: f64, kinds: &mut Kinds) {
        if self.attained < TRUSTED_AFTER || !(done > 0.0 && done <= 1.0) {
            return;
        }
        self.total = ((self.attained as f64 / done) as u64).max(1);
        if self.reported == 0 {
            kinds.project(self.kind, self.total);
        }
        if self.reported == 0 || self.attained <= SETTLED {
            self.reported = self.reported.max(self.total);
        }
    }
}

/// Up to how much a task may use before it counts against its flow, if so much was expected of it.
pub(super) fn graced(expected: u64) -> u64 {
    (expected as f64 * GRACE) as u64
}
