//! Whether an event loop turns, as threads of libuv's pool see it: they have it woken, and look whether it has run JavaScript since.

use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) struct Pulse {
    /// How often the event loop was woken and ran JavaScript.
    turns: AtomicU64,
    /// `turns` when a thread found that it had not turned for long; else `u64::MAX`.
    silent: AtomicU64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { turns: AtomicU64::new(0), silent: AtomicU64::new(u64::MAX) }
    }
}

impl Pulse {
    /// The event loop was woken, and runs JavaScript.
    pub(crate) fn beat(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// The event loop has not turned for long, though it was woken.
    pub(crate) fn note_silence(&self) {
        self.silent.store(self.turns(), Ordering::Relaxed);
    }

    /// Whether the event loop has not turned since that was noted.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Relaxed) == self.turns()
    }
}
