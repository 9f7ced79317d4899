//! A JavaScript value that Rust keeps alive.

use std::ptr;

use napi::{Result, sys};

use super::convert::check;

/// A strong reference. It must be released on its environment's thread; one that is not ends with its environment.
#[derive(Debug)]
pub(super) struct Pinned(sys::napi_ref);

impl Pinned {
    pub(super) fn new(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let mut reference = ptr::null_mut();
        // SAFETY: `env` and `value` are valid for the running callback; the out-pointer is a local.
        check(unsafe { sys::napi_create_reference(env, value, 1, &mut reference) })?;
        Ok(Self(reference))
    }

    pub(super) fn get(&self, env: sys::napi_env) -> Result<sys::napi_value> {
        let mut value = ptr::null_mut();
        // SAFETY: the reference was made in this environment (each is kept by the port of one) and not yet deleted, since
        // `release` consumes it.
        check(unsafe { sys::napi_get_reference_value(env, self.0, &mut value) })?;
        Ok(value)
    }

    pub(super) fn release(self, env: sys::napi_env) {
        // SAFETY: as in `get`; nothing uses the reference after this, since `self` is consumed. A failure would mean that
        // the environment is ending, which deletes its references itself.
        let _ = unsafe { sys::napi_delete_reference(env, self.0) };
    }
}

/// What keeps a task's memory alive until the task has ended: at most one view.
#[derive(Debug, Default)]
pub(super) struct Lease(Option<Pinned>);

impl Lease {
    pub(super) fn of(view: Pinned) -> Self {
        Self(Some(view))
    }

    pub(super) fn view(&self) -> Option<&Pinned> {
        self.0.as_ref()
    }

    pub(super) fn release(self, env: sys::napi_env) {
        if let Some(view) = self.0 {
            view.release(env);
        }
    }
}
