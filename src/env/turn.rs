//! An AsyncTask between two of its turns on libuv's threads.

use std::sync::Arc;
use std::time::Instant;

use super::borrow::Borrowed;
use heavy_load_engine::{Alone, Control};

/// What is left to do of it.
pub(crate) struct Turn {
    pub(crate) work: Alone,
    pub(crate) control: Arc<Control>,
    pub(crate) submitted: Instant,
    pub(crate) began: Option<Instant>,
    /// Its hold on the memory that its work borrows, which is dropped before it.
    pub(crate) borrowed: Option<Borrowed>,
}
