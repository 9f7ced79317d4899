//! Engine errors as JavaScript sees them first: thrown plain objects, which `lib/errors.js` makes real errors of.
//!
//! napi's own errors carry napi's own codes, and an error object made here would have no stack of the caller's.

use std::ptr;

use napi::{Env, Error, Status, sys};

use super::value::{check, set};
use heavy_load_kernel::error::EngineError;

/// `{ code, message, retryAfter }`.
pub(crate) fn to_object(env: &Env, error: &EngineError) -> napi::Result<sys::napi_value> {
    let mut object = ptr::null_mut();
    // SAFETY: `env` is the running callback's; the out-pointer is a local.
    check(unsafe { sys::napi_create_object(env.raw(), &mut object) })?;
    set(env, object, c"code", error.code.as_str())?;
    set(env, object, c"message", &*error.message)?;
    set(env, object, c"retryAfter", error.retry_after)?;
    Ok(object)
}

/// Throws the failure; the value to return from the callback that did.
pub(crate) fn throw(env: &Env, error: &EngineError) -> Error {
    match to_object(env, error) {
        Ok(object) => {
            // SAFETY: `env` is the running callback's and `object` was made in it just now.
            unsafe { sys::napi_throw(env.raw(), object) };
            // napi-rs leaves a pending exception alone that comes with this status.
            Error::from_status(Status::PendingException)
        }
        Err(error) => error,
    }
}
