//! What lives once in an environment (the main thread, or a worker thread), or once for each copy of the JavaScript in it.
//!
//! - `environment`: what an environment has once.
//! - `instance`: what each copy of the JavaScript has: the way back of completions, and all that ends with the environment. Of that
//!   `slots`: its tasks by their numbers. `record`: what has come, as numbers. `wake`: the threadsafe function that wakes its event loop.
//!   `ledger`: how callers heard that their tasks ended.
//! - `mailbox`: what other threads hold of an instance. Of that `paused`: AsyncTasks that have given their threads back. `pulse`: whether
//!   the event loop turns. `borrow`: memory that tasks have borrowed. `disown`: what no
//!   result holds of it.

pub(crate) mod borrow;
pub(crate) mod disown;
pub(crate) mod environment;
pub(crate) mod instance;
pub(crate) mod ledger;
pub(crate) mod mailbox;
pub(crate) mod paused;
pub(crate) mod pulse;
pub(crate) mod record;
pub(crate) mod slots;
pub(crate) mod wake;
