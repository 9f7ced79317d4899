//! What the wake protocol (`idle`) takes from the standard library, its channel and the system. `tests/wakeup.rs` compiles the protocol
//! with loom's counterparts of these instead, and so checks the very code that the pool runs.

pub(super) use std::hint::spin_loop;
pub(super) use std::sync::OnceLock;
pub(super) use std::sync::atomic::{AtomicBool, AtomicUsize, fence};
pub(super) use std::thread::{Thread, current as current_thread, park};
pub(super) use std::time::Instant;

pub(super) use crossbeam_channel::{Receiver, Sender, unbounded};

pub(super) use super::affinity::current_cpu;
