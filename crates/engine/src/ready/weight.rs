//! Weights: how fast a flow's virtual time passes. The invariants are those of `shares` (1 and 2).

/// How much thread time a task's size, and what does not count of it, may part flows by. Equal tasks of different keys that take up to twice as
/// long are as quick as in a plain queue.
pub(super) const HORIZON: u64 = 128_000_000;
/// Virtual time of a nanosecond at weight 1.
pub(super) const NANO: f64 = 1024.0;
/// A weight of 1.
pub(super) const ONE: f64 = (1 << 20) as f64;

/// A flow's share.
#[derive(Clone, Copy)]
pub(super) struct Weight {
    /// As a whole number.
    pub(super) fixed: u64,
    /// Virtual time of a nanosecond.
    nano: f64,
    /// How far a task's size may part flows, in virtual time: no more than at weight 1, so that a light flow does not use in one go what is its
    /// share of minutes.
    pub(super) horizon: u64,
}

impl Weight {
    pub(super) fn new(weight: f64) -> Self {
        let weight = if weight.is_nan() { 1.0 } else { weight.clamp(0.001, 1000.0) };
        let fixed = (weight * ONE) as u64;
        let nano = NANO * ONE / fixed as f64;
        Self { fixed, nano, horizon: (HORIZON as f64 * weight.min(1.0) * nano) as u64 }
    }

    pub(super) fn virtually(self, nanos: u64) -> u64 {
        (nanos as f64 * self.nano) as u64
    }
}
