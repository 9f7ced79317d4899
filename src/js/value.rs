//! JavaScript's values as they come, and what Node-API does with them.

use std::ffi::CStr;
use std::ptr;

use napi::bindgen_prelude::{FromNapiValue, ToNapiValue, TypeName, ValidateNapiValue};
use napi::{Env, Error, Result, Status, ValueType, sys};

/// A JavaScript value as it comes in, unconverted.
#[derive(Clone, Copy, Debug)]
pub struct RawValue(pub(crate) sys::napi_value);

impl TypeName for RawValue {
    fn type_name() -> &'static str {
        "unknown"
    }
    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl ValidateNapiValue for RawValue {}

impl FromNapiValue for RawValue {
    unsafe fn from_napi_value(_env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        Ok(Self(value))
    }
}

impl ToNapiValue for RawValue {
    unsafe fn to_napi_value(_env: sys::napi_env, value: Self) -> Result<sys::napi_value> {
        Ok(value.0)
    }
}

/// The error of a Node-API call that failed.
pub(crate) fn check(status: sys::napi_status) -> Result<()> {
    if status == sys::Status::napi_ok {
        return Ok(());
    }
    Err(Error::new(Status::from(status), "a Node-API call failed"))
}

/// A plain value as JavaScript.
pub(crate) fn write<T: ToNapiValue>(env: &Env, value: T) -> Result<sys::napi_value> {
    // SAFETY: a plain value, in the running callback's environment.
    unsafe { T::to_napi_value(env.raw(), value) }
}

/// Reads a property.
pub(crate) fn get(env: &Env, object: RawValue, name: &CStr) -> Result<RawValue> {
    let mut property = ptr::null_mut();
    // SAFETY: `object` is a value of the running callback, `name` ends with a nul, the out-pointer is a local.
    check(unsafe { sys::napi_get_named_property(env.raw(), object.0, name.as_ptr(), &mut property) })?;
    Ok(RawValue(property))
}

/// Gives an object of ours a property.
pub(crate) fn set<T: ToNapiValue>(env: &Env, object: sys::napi_value, name: &str, value: T) -> Result<()> {
    define(env, object, write(env, name)?, write(env, value)?)
}

/// Gives an object of ours a property. Defined, not assigned: the caller's code may have put a setter where objects inherit from.
pub(crate) fn define(env: &Env, object: sys::napi_value, name: sys::napi_value, value: sys::napi_value) -> Result<()> {
    let property = sys::napi_property_descriptor {
        utf8name: ptr::null(),
        name,
        method: None,
        getter: None,
        setter: None,
        value,
        attributes: sys::PropertyAttributes::writable
            | sys::PropertyAttributes::enumerable
            | sys::PropertyAttributes::configurable,
        data: ptr::null_mut(),
    };
    // SAFETY: values of the running callback.
    check(unsafe { sys::napi_define_properties(env.raw(), object, 1, &property) })
}
