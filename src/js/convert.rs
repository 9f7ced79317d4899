//! JavaScript values to and from [`Value`].

use std::ptr;
use std::sync::Arc;

use napi::bindgen_prelude::{FromNapiValue, Null};
use napi::{Env, Error, Result, sys};

use super::reference::Reference;
use super::resource::{read_resource, write_resource};
use super::value::{RawValue, check, define, get, write};
use super::view::{self, FoundView};
use super::{external, failure, intrinsics};
use heavy_load_kernel::error::{Code, EngineError};
use heavy_load_kernel::value::{Memory, Number, Options, Owned, Value, View};
use heavy_load_kernel::{Spec, Takes};

/// Bytes of a text that is short.
const SHORT: usize = 64;

/// Reads a value that is no memory.
pub(crate) fn value(env: &Env, arg: RawValue) -> Result<Value> {
    let raw = env.raw();
    let mut kind = 0;
    // SAFETY: `arg` is a value of the running callback; out-pointers are locals, here and below.
    check(unsafe { sys::napi_typeof(raw, arg.0, &mut kind) })?;
    Ok(match kind {
        sys::ValueType::napi_number => Value::Number(read(raw, arg)?),
        sys::ValueType::napi_undefined => Value::Undefined,
        sys::ValueType::napi_null => Value::Null,
        sys::ValueType::napi_boolean => Value::Bool(read(raw, arg)?),
        sys::ValueType::napi_string => Value::String(string(env, arg)?),
        sys::ValueType::napi_bigint => Value::Other("type bigint".into()),
        sys::ValueType::napi_symbol => Value::Other("type symbol".into()),
        sys::ValueType::napi_function => Value::Other("a function".into()),
        sys::ValueType::napi_object if let Some(resource) = read_resource(env, arg) => Value::Resource(resource),
        _ => {
            Value::Other(constructor_name(env, arg).map_or("an object".into(), |name| format!("an instance of {name}")))
        }
    })
}

/// A text, or none for what is none. A short one is read by a single call.
pub(crate) fn text(env: &Env, arg: RawValue) -> Result<Option<Arc<str>>> {
    let mut bytes = [0; SHORT];
    let (status, length) = read_utf8(env, arg, &mut bytes);
    if status == sys::Status::napi_string_expected {
        return Ok(None);
    }
    check(status)?;
    // With room left for a nul and the longest character, all of it is there.
    match str::from_utf8(&bytes[..length]) {
        Ok(text) if length + 1 + char::MAX.len_utf8() <= SHORT => Ok(Some(text.into())),
        _ => {
            let text = string(env, arg)?;
            // Asked for first, since an `Arc` cannot be refused.
            drop(room(env, text.len())?);
            Ok(Some(text.into()))
        }
    }
}

/// A string, however long, if there is memory for it.
fn string(env: &Env, arg: RawValue) -> Result<String> {
    let (status, length) = read_utf8(env, arg, &mut []);
    check(status)?;
    let mut bytes = room(env, length + 1)?;
    bytes.resize(length + 1, 0);
    let (status, length) = read_utf8(env, arg, &mut bytes);
    check(status)?;
    bytes.truncate(length);
    // V8 replaces what is no character.
    String::from_utf8(bytes).map_err(|_| Error::from_reason("V8 gives UTF-8"))
}

/// Writes a string's beginning as UTF-8, with a nul; gives how many bytes were written before that, or, if there is no room at
/// all, how many all of it has.
fn read_utf8(env: &Env, arg: RawValue, bytes: &mut [u8]) -> (sys::napi_status, usize) {
    let mut length = 0;
    let start = if bytes.is_empty() { ptr::null_mut() } else { bytes.as_mut_ptr().cast() };
    // SAFETY: `arg` is a value of the running callback; Node-API writes no more than the room that it is given, and
    // nothing to null; the out-pointer is a local.
    let status = unsafe { sys::napi_get_value_string_utf8(env.raw(), arg.0, start, bytes.len(), &mut length) };
    (status, length)
}

/// Room for so many bytes; throws if there is none.
fn room(env: &Env, length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![];
    let reserved = bytes.try_reserve_exact(length);
    reserved.map_err(|_| failure::throw(env, &EngineError::out_of_memory(length)))?;
    Ok(bytes)
}

fn read<T: FromNapiValue>(env: sys::napi_env, arg: RawValue) -> Result<T> {
    // SAFETY: environment and value are those of the running callback; N-API checks that the value is of the type.
    unsafe { T::from_napi_value(env, arg.0) }
}

/// The name of an object's class, for messages. Looking it up may run the user's code, whose exceptions are dropped.
fn constructor_name(env: &Env, arg: RawValue) -> Option<String> {
    let raw = env.raw();
    let constructor = get(env, arg, c"constructor");
    let name = constructor.and_then(|constructor| get(env, constructor, c"name")).and_then(|name| beginning(env, name));
    let mut pending = false;
    // SAFETY: plain queries of the running callback's environment; out-pointers are locals.
    unsafe {
        if sys::napi_is_exception_pending(raw, &mut pending) == sys::Status::napi_ok && pending {
            sys::napi_get_and_clear_last_exception(raw, &mut ptr::null_mut());
        }
    }
    name.ok().filter(|name: &String| !name.is_empty())
}

/// What a text begins with, for messages.
fn beginning(env: &Env, arg: RawValue) -> Result<String> {
    let mut bytes = [0; SHORT];
    let (status, length) = read_utf8(env, arg, &mut bytes);
    check(status).map(|()| String::from_utf8_lossy(&bytes[..length]).into_owned())
}

/// Reads a kernel's own options from the caller's options object, which `lib/options.js` has checked to be one.
pub(crate) fn options(env: &Env, object: RawValue, spec: &Spec) -> Result<Options> {
    if spec.options.is_empty() {
        return Ok(Options::default());
    }
    let mut kind = 0;
    // SAFETY: `object` is a value of the running callback; the out-pointer is a local.
    check(unsafe { sys::napi_typeof(env.raw(), object.0, &mut kind) })?;
    if kind != sys::ValueType::napi_object {
        return Ok(Options::default());
    }
    let mut values = Vec::with_capacity(spec.options.len());
    for option in spec.options {
        let mut name = ptr::null_mut();
        // SAFETY: pointer and length are those of a str; the others as above.
        let arg = unsafe {
            let length = option.name.len() as isize;
            check(sys::napi_create_string_utf8(env.raw(), option.name.as_ptr().cast(), length, &mut name))?;
            let mut property = ptr::null_mut();
            check(sys::napi_get_property(env.raw(), object.0, name, &mut property))?;
            RawValue(property)
        };
        values.push((option.name, option_value(env, arg, option.takes)?));
    }
    Ok(Options::new(values))
}

/// Reads an option. Getters of the caller's run, and may throw.
fn option_value(env: &Env, arg: RawValue, takes: Takes) -> Result<Value> {
    match takes {
        Takes::Json => match value(env, arg)? {
            other @ Value::Other(_) => Ok(stringify(env, arg)?.map_or(other, Value::Json)),
            value => Ok(value),
        },
        Takes::Numbers => match view::view(env, arg)? {
            Some(found) => copied(env, &found),
            None => value(env, arg),
        },
        _ => value(env, arg),
    }
}

/// A copy of a typed array in memory of Rust's.
fn copied(env: &Env, found: &FoundView) -> Result<Value> {
    let owned = if found.shared {
        let mut bytes = room(env, found.len)?;
        // SAFETY: so many bytes of a SharedArrayBuffer, which others access outside Rust.
        bytes.extend((0..found.len).map(|at| unsafe { u8::load(found.start.add(at)) }));
        Owned::of(bytes)
    } else {
        // SAFETY: so many bytes of an ArrayBuffer, which JavaScript does not write or free meanwhile, since none of the caller's runs.
        unsafe { Owned::copy(found.start, found.len) }
    };
    let memory = Memory::owned(owned.map_err(|error| failure::throw(env, &error))?);
    Ok(Value::View(View { element: found.element, bare: false, memory }))
}

/// The JSON of an array or an object; none of what is neither, also for its `toJSON`.
fn stringify(env: &Env, arg: RawValue) -> Result<Option<String>> {
    let (mut undefined, mut json) = (ptr::null_mut(), ptr::null_mut());
    let (mut kind, raw) = (0, env.raw());
    // SAFETY: values and environment of the running callback; out-pointers are locals.
    unsafe {
        check(sys::napi_typeof(raw, arg.0, &mut kind))?;
        if kind != sys::ValueType::napi_object {
            return Ok(None);
        }
        check(sys::napi_get_undefined(raw, &mut undefined))?;
        check(sys::napi_call_function(raw, undefined, intrinsics::json_stringify(env)?, 1, &arg.0, &mut json))?;
        check(sys::napi_typeof(raw, json, &mut kind))?;
    }
    if kind != sys::ValueType::napi_string {
        return Ok(None);
    }
    let json = string(env, RawValue(json))?;
    // A Map, say: what it holds is in no JSON, and would be missed.
    let is_lost = json == "{}" && !is_plain(env, arg)?;
    Ok((json.starts_with(['[', '{']) && !is_lost).then_some(json))
}

/// Whether an object is of no class: its prototype, if it has one, has none.
fn is_plain(env: &Env, object: RawValue) -> Result<bool> {
    let (mut kind, mut prototype) = (0, object.0);
    for _ in 0..2 {
        // SAFETY: an object of the running callback; out-pointers are locals.
        unsafe {
            check(sys::napi_get_prototype(env.raw(), prototype, &mut prototype))?;
            check(sys::napi_typeof(env.raw(), prototype, &mut kind))?;
        }
        if kind == sys::ValueType::napi_null {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A result as JavaScript. `input` is the view the task was given.
pub(crate) fn output(env: &Env, value: Value, input: Option<&Reference>) -> Result<sys::napi_value> {
    match value {
        Value::Null => write(env, Null),
        Value::Bool(value) => write(env, value),
        Value::Number(value) => write(env, value),
        Value::String(value) => text_of(env, &value),
        Value::Buffer(bytes) => external::buffer(env, bytes),
        Value::View(View { element, bare, memory }) => match memory.into_owned() {
            Some(owned) if bare => external::buffer(env, owned),
            Some(owned) => external::typed_array(env, element, owned),
            None => write(env, ()),
        },
        Value::Resource(resource) => write_resource(env, resource),
        Value::Json(text) => parse(env, &text),
        Value::Record(fields) => {
            let mut object = ptr::null_mut();
            // SAFETY: environment of the running callback; the out-pointer is a local.
            check(unsafe { sys::napi_create_object(env.raw(), &mut object) })?;
            for (name, field) in fields {
                let (name, field) = (write(env, &*name)?, output(env, field, input)?);
                define(env, object, name, field)?;
            }
            Ok(object)
        }
        Value::Input if let Some(input) = input => input.get(),
        Value::Undefined | Value::Input | Value::Other(_) => write(env, ()),
    }
}

/// A result's text as JavaScript has it, whose strings have an end.
fn text_of(env: &Env, text: &str) -> Result<sys::napi_value> {
    write(env, text).map_err(|_| {
        let message = format!("The result, a text of {} bytes, is longer than a string may be", text.len());
        failure::throw(env, &EngineError::new(Code::OutputTooLarge, message))
    })
}

/// The value that JSON stands for.
fn parse(env: &Env, text: &str) -> Result<sys::napi_value> {
    let raw = env.raw();
    let text = text_of(env, text)?;
    let (mut undefined, mut value) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: values and environment of the running callback; out-pointers are locals.
    let status = unsafe {
        check(sys::napi_get_undefined(raw, &mut undefined))?;
        sys::napi_call_function(raw, undefined, intrinsics::json_parse(env)?, 1, &text, &mut value)
    };
    if status == sys::Status::napi_pending_exception {
        // SAFETY: as above.
        check(unsafe { sys::napi_get_and_clear_last_exception(raw, &mut ptr::null_mut()) })?;
        let error = EngineError::new(Code::KernelPanic, "The kernel gave JSON that cannot be parsed");
        return Err(failure::throw(env, &error));
    }
    check(status).map(|()| value)
}
