//! Whether it is worth while to wait awake: as long as it has been. A thread that waits awake for the next task spares it a
//! wake-up, if it comes; where none has come, that is tried more and more rarely, since others need the CPU.

use std::sync::atomic::{AtomicU32, Ordering};

/// In vain so often in a row, and it is not tried more rarely still: tasks may begin to follow each other at any time.
const MOST: u32 = 4;

/// For one waiting thread at a time; which one may change.
#[derive(Debug, Default)]
pub(super) struct Patience {
    in_vain: AtomicU32,
    skip: AtomicU32,
}

impl Patience {
    /// Whether to wait this time.
    pub(super) fn is_left(&self) -> bool {
        let skip = self.skip.load(Ordering::Relaxed);
        self.skip.store(skip.saturating_sub(1), Ordering::Relaxed);
        skip == 0
    }

    /// What came of it when there was some left.
    pub(super) fn learn(&self, rewarded: bool) {
        let in_vain = if rewarded { 0 } else { (self.in_vain.load(Ordering::Relaxed) + 1).min(MOST) };
        self.in_vain.store(in_vain, Ordering::Relaxed);
        self.skip.store((1 << in_vain) - 1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often it is not waited until it is.
    fn skipped(patience: &Patience) -> usize {
        (0..).take_while(|_| !patience.is_left()).count()
    }

    #[test]
    fn what_is_in_vain_is_tried_more_and_more_rarely() {
        let patience = Patience::default();
        let mut gaps = Vec::new();
        for _ in 0..6 {
            gaps.push(skipped(&patience));
            patience.learn(false);
        }
        assert_eq!(gaps, [0, 1, 3, 7, 15, 15]);
    }

    #[test]
    fn one_reward_is_enough() {
        let patience = Patience::default();
        (0..6).for_each(|_| patience.learn(false));
        assert_eq!(skipped(&patience), 15);
        patience.learn(true);
        assert_eq!((skipped(&patience), skipped(&patience)), (0, 0));
    }
}
