//! Whether to spin, judged by whether that was useful before. A thread that spins spares the next task a wake-up, if one comes in time;
//! where none has come, spinning is tried more and more rarely, since others need the CPU. The same for having another thread be the
//! idle one.
//!
//! No part of the protocol: whatever this answers, every message is seen.

use std::sync::atomic::{AtomicU32, Ordering};

/// For one idle thread at a time; which one may change.
#[derive(Debug)]
pub(super) struct SpinBackoff {
    /// After this many useless spins in a row the back-off stops growing: tasks may begin to follow each other at any time.
    longest: u32,
    /// Spins since the last useful one, up to `longest`.
    useless: AtomicU32,
    /// How often not to spin from now on.
    skip: AtomicU32,
}

impl SpinBackoff {
    /// A back-off that skips up to 2^`longest` - 1 occasions.
    pub(super) fn new(longest: u32) -> Self {
        Self { longest, useless: AtomicU32::new(0), skip: AtomicU32::new(0) }
    }

    /// Whether to spin this time.
    pub(super) fn permits(&self) -> bool {
        let skip = self.skip.load(Ordering::Relaxed);
        self.skip.store(skip.saturating_sub(1), Ordering::Relaxed);
        skip == 0
    }

    /// A thread has spun: whether something came meanwhile.
    pub(super) fn learn(&self, was_useful: bool) {
        let useless = if was_useful { 0 } else { (self.useless.load(Ordering::Relaxed) + 1).min(self.longest) };
        self.useless.store(useless, Ordering::Relaxed);
        self.skip.store((1 << useless) - 1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often the back-off does not permit to spin before it does.
    fn skipped(backoff: &SpinBackoff) -> usize {
        (0..).take_while(|_| !backoff.permits()).count()
    }

    #[test]
    fn useless_spins_become_rarer_and_rarer() {
        let backoff = SpinBackoff::new(4);
        let mut gaps = Vec::new();
        for _ in 0..6 {
            gaps.push(skipped(&backoff));
            backoff.learn(false);
        }
        assert_eq!(gaps, [0, 1, 3, 7, 15, 15]);
    }

    #[test]
    fn one_useful_spin_ends_the_back_off() {
        let backoff = SpinBackoff::new(4);
        (0..6).for_each(|_| backoff.learn(false));
        assert_eq!(skipped(&backoff), 15);
        backoff.learn(true);
        assert_eq!((skipped(&backoff), skipped(&backoff)), (0, 0));
    }
}
