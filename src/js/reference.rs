//! JavaScript values that Rust refers to.
//!
//! Invariants:
//! 1. A reference is made, used and dropped on its environment's thread (raw pointers are not `Send`), and before the environment has
//!    ended: the instance drops those that are left in its slots and ledgers in its cleanup.
//! 2. The memory under a [`Lease`] stays where it is until the lease is dropped. Who may touch it until when is `env::borrow`'s.

use std::ops::Range;
use std::ptr;

use napi::{Result, sys};

use super::value::check;

/// A reference that is deleted when it is dropped.
#[derive(Debug)]
pub(crate) struct Reference {
    env: sys::napi_env,
    reference: sys::napi_ref,
}

impl Reference {
    /// Keeps a value alive.
    pub(crate) fn new(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        Self::with_count(env, value, 1)
    }

    /// Refers to an object or a function without keeping it alive, until [`Reference::hold`].
    pub(crate) fn weak(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        Self::with_count(env, value, 0)
    }

    fn with_count(env: sys::napi_env, value: sys::napi_value, count: u32) -> Result<Self> {
        let mut reference = ptr::null_mut();
        // SAFETY: `env` and `value` are valid for the running callback; the out-pointer is a local.
        check(unsafe { sys::napi_create_reference(env, value, count, &mut reference) })?;
        Ok(Self { env, reference })
    }

    /// The value; null if nobody has kept it alive.
    pub(crate) fn get(&self) -> Result<sys::napi_value> {
        let mut value = ptr::null_mut();
        // SAFETY: environment and reference belong together, and both are there while `self` is (invariant 1).
        check(unsafe { sys::napi_get_reference_value(self.env, self.reference, &mut value) })?;
        Ok(value)
    }

    /// Keeps the value alive from here on, until `let_go` has been called as often.
    pub(crate) fn hold(&self) {
        // SAFETY: as in `get`. It fails only for a value that is gone, which the caller, who runs, shows not to be.
        let _ = unsafe { sys::napi_reference_ref(self.env, self.reference, ptr::null_mut()) };
    }

    /// Takes a `hold` back.
    pub(crate) fn let_go(&self) {
        // SAFETY: as in `get`; each call follows a `hold`, so the count does not fall below zero.
        let _ = unsafe { sys::napi_reference_unref(self.env, self.reference, ptr::null_mut()) };
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // SAFETY: as in `get`; nothing uses the reference after this.
        let _ = unsafe { sys::napi_delete_reference(self.env, self.reference) };
    }
}

/// What keeps a task's memory alive until the task has ended: at most one view.
#[derive(Debug, Default)]
pub(crate) struct Lease(Option<Leased>);

#[derive(Debug)]
struct Leased {
    view: Reference,
    /// Where its memory starts, as a number: nothing is read there.
    start: usize,
    bytes: usize,
    /// Others may be given the same memory later, so it is nobody's result.
    is_private: bool,
}

impl Lease {
    /// Keeps a view with so many bytes from `start` on. It is the task's result if a kernel gives its input back.
    pub(crate) fn of(view: Reference, start: *const u8, bytes: usize) -> Self {
        Self(Some(Leased { view, start: start.addr(), bytes, is_private: false }))
    }

    /// Never to be given to anybody: frozen memory, which other tasks read, or a stream's room, which is used again.
    pub(crate) fn private(mut self) -> Self {
        if let Some(leased) = &mut self.0 {
            leased.is_private = true;
        }
        self
    }

    /// The view, for a task that gives its input back.
    pub(crate) fn view(&self) -> Option<&Reference> {
        self.0.as_ref().filter(|leased| !leased.is_private).map(|leased| &leased.view)
    }

    /// Bytes that are kept.
    pub(crate) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |leased| leased.bytes)
    }

    /// Whether any of these bytes are kept.
    pub(crate) fn overlaps(&self, memory: &Range<usize>) -> bool {
        self.0.as_ref().is_some_and(|leased| leased.start < memory.end && memory.start < leased.start + leased.bytes)
    }
}
