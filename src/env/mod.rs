//! What lives once in an environment (the main thread, or a worker thread), or once for each copy of the JavaScript in it.
//!
//! - `environment`: what an environment has once.
//! - `instance`: what each copy of the JavaScript has: the way back of completions, and all that ends with the environment. `mailbox`: what other threads hold of it.
//!   `wake`: the threadsafe function between the two. `ledger`: how callers were told that their tasks ended. `turn`: an AsyncTask that
//!   has paused. `borrow`: memory that a task has borrowed.

pub(crate) mod borrow;
pub(crate) mod environment;
pub(crate) mod instance;
pub(crate) mod ledger;
pub(crate) mod mailbox;
pub(crate) mod turn;
pub(crate) mod wake;
