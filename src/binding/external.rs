//! Results that JavaScript gets without a copy: memory of Rust's that the garbage collector gives back.
//!
//! V8 counts the size of an external ArrayBuffer towards the pressure that makes it collect, so it is told of ours by
//! making one; nothing has to be added.

use std::ffi::c_void;
use std::ptr;

use napi::{Env, Result, sys};

use super::call::number_of;
use super::convert::check;
use crate::value::{Element, Owned};

/// Results below this size are copied: that costs less than a finalizer.
const EXTERNAL: usize = 64 * 1024;

/// What Node-API says where the runtime does not take external memory: Electron, for one.
const NO_EXTERNAL: sys::napi_status = sys::Status::napi_no_external_buffers_allowed;

/// Bytes as a Buffer.
pub(super) fn buffer(env: &Env, mut bytes: Vec<u8>) -> Result<sys::napi_value> {
    let raw = env.raw();
    let mut value = ptr::null_mut();
    let (start, len) = (bytes.as_mut_ptr(), bytes.len());
    if len >= EXTERNAL {
        let owner = Box::into_raw(Box::new(bytes));
        // SAFETY: `start..len` belongs to `owner`, which is given to the finalizer and stays until that runs, once, when no
        // JavaScript can reach the buffer any more.
        let status = unsafe {
            sys::napi_create_external_buffer(raw, len, start.cast(), Some(free::<Vec<u8>>), owner.cast(), &mut value)
        };
        if status != NO_EXTERNAL {
            return check(status).map(|()| value);
        }
        // SAFETY: refused, so nobody else has the box.
        bytes = *unsafe { Box::from_raw(owner) };
    }
    // SAFETY: the bytes are copied during the call; out-pointers are locals, here and below.
    check(unsafe { sys::napi_create_buffer_copy(raw, len, bytes.as_ptr().cast(), ptr::null_mut(), &mut value) })?;
    Ok(value)
}

/// Elements as a typed array with an ArrayBuffer of its own.
pub(super) fn typed_array(env: &Env, element: Element, memory: Owned) -> Result<sys::napi_value> {
    let raw = env.raw();
    let len = memory.len();
    let buffer = array_buffer(env, memory)?;
    let mut value = ptr::null_mut();
    // SAFETY: the buffer has `len` bytes, a multiple of the element's size, from offset 0 on.
    check(unsafe {
        sys::napi_create_typedarray(raw, number_of(element), len / element.size(), buffer, 0, &mut value)
    })?;
    Ok(value)
}

fn array_buffer(env: &Env, mut memory: Owned) -> Result<sys::napi_value> {
    let raw = env.raw();
    let mut value = ptr::null_mut();
    let (start, len) = (memory.as_mut_ptr(), memory.len());
    if len >= EXTERNAL {
        let owner = Box::into_raw(Box::new(memory));
        // SAFETY: as in `buffer`.
        let status = unsafe {
            sys::napi_create_external_arraybuffer(raw, start.cast(), len, Some(free::<Owned>), owner.cast(), &mut value)
        };
        if status != NO_EXTERNAL {
            return check(status).map(|()| value);
        }
        // SAFETY: as in `buffer`.
        memory = *unsafe { Box::from_raw(owner) };
    }
    let mut copy = ptr::null_mut();
    // SAFETY: Node-API gives `len` new bytes at `copy`; `memory` has as many.
    unsafe {
        check(sys::napi_create_arraybuffer(raw, len, &mut copy, &mut value))?;
        if len > 0 {
            copy.cast::<u8>().copy_from_nonoverlapping(memory.as_mut_ptr(), len);
        }
    }
    Ok(value)
}

unsafe extern "C" fn free<T>(_env: sys::napi_env, _data: *mut c_void, owner: *mut c_void) {
    // SAFETY: Node-API calls this once, with the box that was leaked for it.
    drop(unsafe { Box::from_raw(owner.cast::<T>()) });
}
