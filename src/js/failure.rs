//! Engine errors as JavaScript sees them first: thrown plain objects, which `lib/errors.js` makes real errors of.
//!
//! napi's own errors carry napi's own codes, and an error object made here would have no stack of the caller's.

use std::ptr;

use napi::{Env, Error, Status, sys};
use napi_derive::napi;

use super::value::{RawValue, check, set};
use heavy_load_kernel::error::EngineError;

/// By this, failures are known from whatever the caller's own code throws, which may look the same.
const TAG: sys::napi_type_tag = sys::napi_type_tag { lower: 0x9f2c_41d7_b6a8_0e35, upper: 0x1d84_7ae3_52c9_4bf0 };

/// `{ code, message, retryAfter, ofCall }`.
pub(crate) fn to_object(env: &Env, error: &EngineError) -> napi::Result<sys::napi_value> {
    let mut object = ptr::null_mut();
    // SAFETY: `env` is the running callback's; the out-pointer is a local.
    check(unsafe { sys::napi_create_object(env.raw(), &mut object) })?;
    set(env, object, "code", error.code.as_str())?;
    set(env, object, "message", &*error.message)?;
    set(env, object, "retryAfter", error.retry_after)?;
    set(env, object, "ofCall", error.of_call)?;
    // SAFETY: `object` was made in the running callback just now; the tag is a constant.
    check(unsafe { sys::napi_type_tag_object(env.raw(), object, &TAG) })?;
    Ok(object)
}

/// Whether a value is what the addon throws.
#[napi]
pub fn is_failure(env: &Env, #[napi(ts_arg_type = "unknown")] value: RawValue) -> bool {
    let mut is_tagged = false;
    // SAFETY: `value` is one of the running callback; the tag is a constant, the out-pointer a local. What is no object is refused.
    let status = unsafe { sys::napi_check_object_type_tag(env.raw(), value.0, &TAG, &mut is_tagged) };
    status == sys::Status::napi_ok && is_tagged
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
