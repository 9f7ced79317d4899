//! AsyncTasks that have given their threads on libuv's pool back, and wait to be resumed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::borrow::Borrowed;
use heavy_load_engine::{Alone, Control};

/// What is left to do of an AsyncTask.
pub(crate) struct Unfinished {
    pub(crate) work: Alone,
    pub(crate) control: Arc<Control>,
    pub(crate) submitted: Instant,
    pub(crate) began: Option<Instant>,
    /// Its hold on the memory that its work borrows, which is dropped before it.
    pub(crate) borrowed: Option<Borrowed>,
}

/// Those that have paused, by slot; none once nobody will resume them.
pub(crate) struct Paused(Mutex<Option<HashMap<u32, Box<Unfinished>>>>);

impl Default for Paused {
    fn default() -> Self {
        Self(Mutex::new(Some(HashMap::new())))
    }
}

impl Paused {
    /// Keeps a task, or drops it if nobody will resume it.
    pub(crate) fn put(&self, slot: u32, task: Box<Unfinished>) {
        let late = match &mut *self.tasks() {
            Some(tasks) => tasks.insert(slot, task),
            None => Some(task),
        };
        // Not under the lock: it may run the kernel's code.
        drop(late);
    }

    /// The task of a slot, to go on.
    pub(crate) fn take(&self, slot: u32) -> Option<Box<Unfinished>> {
        self.tasks().as_mut().and_then(|tasks| tasks.remove(&slot))
    }

    /// Nobody will resume any.
    pub(crate) fn close(&self) {
        let tasks = self.tasks().take();
        drop(tasks);
    }

    fn tasks(&self) -> MutexGuard<'_, Option<HashMap<u32, Box<Unfinished>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
