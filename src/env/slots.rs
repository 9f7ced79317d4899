//! What is known of each *slot*, the number by which JavaScript names a task: whether it is free, in flight, or holds a result.
//!
//! Invariants:
//! 1. JavaScript gives a slot to one task at a time, from its submission until its record has been drained, or its result taken.
//! 2. `lent` is the sum of the bytes that the leases in all slots keep.
//! 3. What JavaScript calls a free slot is not believed: the caller's code may have led it astray. A task's slot is claimed before anything
//!    of its caller's is taken, and refused while another task has it. So no lease is dropped under a task that runs.

use std::cell::{Cell, RefCell};
use std::mem::{replace, take};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use napi::{Env, Error};

use crate::js::failure;
use crate::js::reference::Lease;
use heavy_load_engine::{Control, Done, Pool, Stop, Task};
use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::Value;

/// How far a slot may lie beyond all that there were: JavaScript gives out the next one each time, and has some wait in batches.
const AHEAD: usize = 1 << 20;

#[derive(Default)]
pub(super) enum Slot {
    #[default]
    Free,
    /// A task is being made for it. The caller's code may run meanwhile.
    Claimed,
    /// A task of the pool form.
    Pooled { pool: Arc<Pool>, task: Arc<Task>, lease: Lease },
    /// A task of a pool's whose work JavaScript does.
    External { pool: Arc<Pool>, task: Arc<Task> },
    /// A task of the AsyncTask form.
    Libuv { control: Arc<Control>, lease: Lease },
    /// The task has ended.
    Held { outcome: Result<Value>, lease: Lease },
}

impl Slot {
    fn lent(&self) -> usize {
        match self {
            Self::Free | Self::Claimed | Self::External { .. } => 0,
            Self::Pooled { lease, .. } | Self::Libuv { lease, .. } | Self::Held { lease, .. } => lease.bytes(),
        }
    }
}

/// All slots of an instance.
#[derive(Default)]
pub(super) struct Slots {
    slots: RefCell<Vec<Slot>>,
    lent: Cell<usize>,
}

/// A slot for a task that is being made. Free again if this is dropped before the task is in flight.
pub(crate) struct Claim<'a> {
    slots: &'a Slots,
    slot: u32,
}

/// Why a slot is not to be had.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    /// It has a task.
    Taken,
    /// There are no more bytes for what is known of slots.
    NoMemory(usize),
}

impl Refusal {
    /// Throws it; the value to return from the callback that did.
    pub(crate) fn throw(self, env: &Env) -> Error {
        match self {
            Self::Taken => Error::from_reason("the slot has a task"),
            Self::NoMemory(bytes) => failure::throw(env, &EngineError::out_of_memory(bytes)),
        }
    }
}

impl Claim<'_> {
    /// Its number.
    pub(crate) fn slot(&self) -> u32 {
        self.slot
    }

    /// The task is in flight.
    pub(super) fn fill(self, state: Slot) {
        self.slots.put(self.slot, state);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(slot @ Slot::Claimed) = self.slots.slots.borrow_mut().get_mut(self.slot as usize) {
            *slot = Slot::Free;
        }
    }
}

impl Slots {
    /// Keeps a slot for a task that is about to be made. Refused if there is one, or no memory to note it.
    pub(super) fn claim(&self, slot: u32) -> std::result::Result<Claim<'_>, Refusal> {
        let (mut slots, index) = (self.slots.borrow_mut(), slot as usize);
        if slots.len() <= index {
            let more = index + 1 - slots.len();
            if more > AHEAD || slots.try_reserve(more).is_err() {
                return Err(Refusal::NoMemory(more.saturating_mul(size_of::<Slot>())));
            }
            slots.resize_with(index + 1, Slot::default);
        }
        let left = match &mut slots[index] {
            // What is held is a result that was not fetched, of a task that has ended.
            state @ (Slot::Free | Slot::Held { .. }) => replace(state, Slot::Claimed),
            Slot::Claimed | Slot::Pooled { .. } | Slot::External { .. } | Slot::Libuv { .. } => {
                return Err(Refusal::Taken);
            }
        };
        drop(slots);
        self.lent.set(self.lent.get() - left.lent());
        Ok(Claim { slots: self, slot })
    }

    /// Whether no record is to come for a slot.
    pub(super) fn is_free(&self, slot: u32) -> bool {
        matches!(self.slots.borrow().get(slot as usize), Some(Slot::Free | Slot::Held { .. }) | None)
    }

    /// Whether a task in flight holds any of this memory.
    pub(super) fn hold(&self, memory: &Range<usize>) -> bool {
        self.slots.borrow().iter().any(|slot| match slot {
            Slot::Pooled { lease, .. } | Slot::Libuv { lease, .. } => lease.overlaps(memory),
            Slot::Free | Slot::Claimed | Slot::External { .. } | Slot::Held { .. } => false,
        })
    }

    /// Changes what is known of a slot that has been claimed before.
    pub(super) fn put(&self, slot: u32, state: Slot) {
        let lent = state.lent();
        let before = match self.slots.borrow_mut().get_mut(slot as usize) {
            Some(place) => replace(place, state),
            None => return,
        };
        self.lent.set(self.lent.get() + lent - before.lent());
    }

    /// Frees a slot; gives what was known of it.
    pub(super) fn take(&self, slot: u32) -> Slot {
        let state = self.slots.borrow_mut().get_mut(slot as usize).map(take).unwrap_or_default();
        self.lent.set(self.lent.get() - state.lent());
        state
    }

    /// Bytes that tasks in flight, and results, keep.
    pub(super) fn lent(&self) -> usize {
        self.lent.get()
    }

    /// Stops a task; false if that is too late, or there is none.
    pub(super) fn stop(&self, slot: u32, why: Stop) -> bool {
        let (pool, task) = match self.slots.borrow().get(slot as usize) {
            Some(Slot::Pooled { pool, task, .. } | Slot::External { pool, task }) => {
                (Arc::clone(pool), Arc::clone(task))
            }
            Some(Slot::Libuv { control, .. }) => {
                control.stop(why);
                return true;
            }
            Some(Slot::Free | Slot::Claimed | Slot::Held { .. }) | None => return false,
        };
        pool.stop(&task, why);
        true
    }

    /// Stops a task of a pool that has not begun; false if it has, or there is none.
    pub(super) fn stop_queued(&self, slot: u32, why: Stop) -> bool {
        let (pool, task) = match self.slots.borrow().get(slot as usize) {
            Some(Slot::Pooled { pool, task, .. } | Slot::External { pool, task }) => {
                (Arc::clone(pool), Arc::clone(task))
            }
            _ => return false,
        };
        pool.stop_queued(&task, why)
    }

    /// Says that the work of an external task is done; gives what came of that at once.
    pub(super) fn end(&self, slot: u32) -> Done {
        let (pool, task) = match self.slots.borrow().get(slot as usize) {
            Some(Slot::External { pool, task }) => (Arc::clone(pool), Arc::clone(task)),
            _ => return Done::default(),
        };
        pool.end(&task)
    }

    /// How many slots there are.
    pub(super) fn len(&self) -> usize {
        self.slots.borrow().len()
    }

    /// How long a task that has not ended had waited when it began; none if it has not begun.
    pub(super) fn waited(&self, slot: u32) -> Option<Duration> {
        match self.slots.borrow().get(slot as usize) {
            Some(Slot::Pooled { task, .. } | Slot::External { task, .. }) => task.waited(),
            Some(Slot::Libuv { control, .. }) => control.waited(),
            _ => None,
        }
    }

    /// The share of a task that is done, 0..=1.
    pub(super) fn progress(&self, slot: u32) -> f64 {
        match self.slots.borrow().get(slot as usize) {
            Some(Slot::Pooled { task, .. }) => task.progress(),
            Some(Slot::Libuv { control, .. }) => control.progress(),
            _ => 0.0,
        }
    }

    /// Drops whatever is left.
    pub(super) fn clear(&self) {
        let slots = self.slots.take();
        self.lent.set(0);
        drop(slots);
    }
}
