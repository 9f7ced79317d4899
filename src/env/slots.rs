//! What is known of each *slot*, the number by which JavaScript names a task: whether it is free, in flight, or holds a result.
//!
//! Invariants:
//! 1. JavaScript gives a slot to one task at a time, from its submission until its record has been drained, or its result taken.
//! 2. `lent` is the sum of the bytes that the leases in all slots keep.

use std::cell::{Cell, RefCell};
use std::mem::{replace, take};
use std::sync::Arc;
use std::time::Duration;

use crate::js::reference::Lease;
use heavy_load_engine::{Control, Pool, Stop, Task};
use heavy_load_kernel::Result;
use heavy_load_kernel::value::Value;

#[derive(Default)]
pub(super) enum Slot {
    #[default]
    Free,
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
            Self::Free | Self::External { .. } => 0,
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

impl Slots {
    pub(super) fn put(&self, slot: u32, state: Slot) {
        let index = slot as usize;
        self.lent.set(self.lent.get() + state.lent());
        let mut slots = self.slots.borrow_mut();
        if slots.len() <= index {
            slots.resize_with(index + 1, Slot::default);
        }
        let before = replace(&mut slots[index], state);
        self.lent.set(self.lent.get() - before.lent());
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
            Some(Slot::Free | Slot::Held { .. }) | None => return false,
        };
        pool.stop(&task, why);
        true
    }

    /// Says that the work of an external task is done; gives the slot of one that has begun at once in its place, if one has.
    pub(super) fn end(&self, slot: u32) -> Option<u32> {
        let (pool, task) = match self.slots.borrow().get(slot as usize) {
            Some(Slot::External { pool, task }) => (Arc::clone(pool), Arc::clone(task)),
            _ => return None,
        };
        pool.end(&task)
    }

    /// Stops a task of which JavaScript will hear no more.
    pub(super) fn give_up(&self, slot: u32) {
        self.stop(slot, Stop::Aborted);
        // Whatever begins in its place is given up, too: this is done with all of them.
        self.end(slot);
    }

    pub(super) fn give_up_all(&self) {
        let slots = self.slots.borrow().len();
        for slot in 0..slots {
            self.give_up(slot as u32);
        }
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
