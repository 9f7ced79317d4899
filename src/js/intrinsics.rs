//! What the language has of its own, as it was when the addon was loaded: the caller's code may change its globals later.

use std::mem::ManuallyDrop;
use std::ptr;

use napi::{Env, Result, sys};

use super::reference::Reference;
use super::value::{RawValue, check, get};

/// Never dropped: the references end with their environment.
pub(crate) struct Intrinsics(ManuallyDrop<Kept>);

struct Kept {
    array_buffer: Reference,
    json_parse: Reference,
    json_stringify: Reference,
    /// `Symbol.toStringTag`. Of symbols there are no references in this version of Node-API: this is an object that has it, as `tag`.
    to_string_tag: Reference,
}

/// Keeps them.
pub(crate) fn keep(env: &Env) -> Result<()> {
    let raw = env.raw();
    let (mut global, mut holder, mut start, mut empty) =
        (ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: environment of the running callback; out-pointers are locals.
    unsafe {
        check(sys::napi_get_global(raw, &mut global))?;
        check(sys::napi_create_object(raw, &mut holder))?;
        check(sys::napi_create_arraybuffer(raw, 0, &mut start, &mut empty))?;
    }
    let global = RawValue(global);
    let array_buffer = get(env, RawValue(empty), c"constructor")?;
    let json = get(env, global, c"JSON")?;
    let (json_parse, json_stringify) = (get(env, json, c"parse")?, get(env, json, c"stringify")?);
    let tag = get(env, get(env, global, c"Symbol")?, c"toStringTag")?;
    super::value::set(env, holder, "tag", tag)?;
    let keep = |value: sys::napi_value| Reference::new(raw, value);
    let kept = Kept {
        array_buffer: keep(array_buffer.0)?,
        json_parse: keep(json_parse.0)?,
        json_stringify: keep(json_stringify.0)?,
        to_string_tag: keep(holder)?,
    };
    env.set_instance_data(Intrinsics(ManuallyDrop::new(kept)), (), |_| ())
}

fn of(env: &Env) -> Result<&Kept> {
    let found = env.get_instance_data::<Intrinsics>()?;
    found.map(|found| &*found.0).ok_or_else(|| napi::Error::from_reason("the addon was not loaded"))
}

/// The class ArrayBuffer.
pub(crate) fn array_buffer(env: &Env) -> Result<sys::napi_value> {
    of(env)?.array_buffer.get()
}

/// `JSON.parse`.
pub(crate) fn json_parse(env: &Env) -> Result<sys::napi_value> {
    of(env)?.json_parse.get()
}

/// `JSON.stringify`.
pub(crate) fn json_stringify(env: &Env) -> Result<sys::napi_value> {
    of(env)?.json_stringify.get()
}

/// `Symbol.toStringTag`.
pub(crate) fn to_string_tag(env: &Env) -> Result<sys::napi_value> {
    get(env, RawValue(of(env)?.to_string_tag.get()?), c"tag").map(|symbol| symbol.0)
}
