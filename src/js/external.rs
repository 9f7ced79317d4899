//! ArrayBuffers, of Rust's memory and of JavaScript's. Results that JavaScript gets without a copy are memory of Rust's that the
//! garbage collector gives back.
//!
//! V8 counts the size of an external ArrayBuffer towards the pressure that makes it collect, so it knows of ours once one
//! is made; nothing has to be added.

use std::ffi::c_void;
use std::ptr;

use napi::{Env, Result, sys};

use super::elements::number_of;
use super::failure;
use super::intrinsics;
use super::value::check;
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Element, Owned, ask_for_large_pages};

/// Results below this size are copied: that costs less than a finalizer. Memory below it is never short by itself.
const EXTERNAL: usize = 64 * 1024;

/// What Node-API says where the runtime does not take external memory: Electron, for one.
const NO_EXTERNAL: sys::napi_status = sys::Status::napi_no_external_buffers_allowed;

/// Bytes that stay where they are when their owner is moved.
pub(crate) trait Bytes {
    /// Where they start, and how many there are.
    fn place(&mut self) -> (*mut u8, usize);
}

impl Bytes for Vec<u8> {
    fn place(&mut self) -> (*mut u8, usize) {
        (self.as_mut_ptr(), self.len())
    }
}

impl Bytes for Owned {
    fn place(&mut self) -> (*mut u8, usize) {
        (self.as_mut_ptr(), self.len())
    }
}

/// Bytes as a Buffer.
pub(crate) fn buffer<T: Bytes>(env: &Env, mut bytes: T) -> Result<sys::napi_value> {
    let raw = env.raw();
    let mut value = ptr::null_mut();
    let (start, len) = bytes.place();
    if len >= EXTERNAL {
        let owner = Box::into_raw(Box::new(bytes));
        // SAFETY: `start..len` belongs to `owner`, which is given to the finalizer and stays until that runs, once, when no
        // JavaScript can reach the buffer any more.
        let status = unsafe {
            sys::napi_create_external_buffer(raw, len, start.cast(), Some(free::<T>), owner.cast(), &mut value)
        };
        if status != NO_EXTERNAL {
            return check(status).map(|()| value);
        }
        // SAFETY: refused, so nobody else has the box.
        bytes = *unsafe { Box::from_raw(owner) };
    }
    // SAFETY: the bytes are copied during the call; out-pointers are locals, here and below.
    check(unsafe { sys::napi_create_buffer_copy(raw, len, bytes.place().0.cast(), ptr::null_mut(), &mut value) })?;
    Ok(value)
}

/// Elements as a typed array with an ArrayBuffer of its own.
pub(crate) fn typed_array(env: &Env, element: Element, memory: Owned) -> Result<sys::napi_value> {
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
    let (start, len) = (memory.as_mut_ptr(), memory.len());
    if len >= EXTERNAL {
        let mut value = ptr::null_mut();
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
    let (copy, value) = new_array_buffer(env, len)?;
    ask_for_large_pages(copy, len);
    if len > 0 {
        // SAFETY: there are `len` new bytes at `copy`; `memory` has as many.
        unsafe { copy.copy_from_nonoverlapping(memory.as_mut_ptr(), len) };
    }
    Ok(value)
}

/// `len` zero bytes of JavaScript's own: where they start, and their ArrayBuffer.
pub(crate) fn new_array_buffer(env: &Env, len: usize) -> Result<(*mut u8, sys::napi_value)> {
    let raw = env.raw();
    let (mut start, mut buffer) = (ptr::null_mut(), ptr::null_mut());
    if len < EXTERNAL {
        // SAFETY: environment of the running callback; out-pointers are locals, here and below.
        check(unsafe { sys::napi_create_arraybuffer(raw, len, &mut start, &mut buffer) })?;
        return Ok((start.cast(), buffer));
    }
    // Where there is no memory, `napi_create_arraybuffer` ends the process; the language's own constructor throws.
    let constructor = intrinsics::array_buffer(env)?;
    let (mut length, mut found) = (ptr::null_mut(), 0);
    // SAFETY: as above; the constructor is a value of this environment.
    unsafe {
        check(sys::napi_create_double(raw, len as f64, &mut length))?;
        let status = sys::napi_new_instance(raw, constructor, 1, &length, &mut buffer);
        if status == sys::Status::napi_pending_exception {
            check(sys::napi_get_and_clear_last_exception(raw, &mut ptr::null_mut()))?;
            return Err(failure::throw(env, &EngineError::out_of_memory(len)));
        }
        check(status)?;
        check(sys::napi_get_arraybuffer_info(raw, buffer, &mut start, &mut found))?;
    }
    if found != len {
        return Err(napi::Error::from_reason("not the buffer that was asked for"));
    }
    Ok((start.cast(), buffer))
}

unsafe extern "C" fn free<T>(_env: sys::napi_env, _data: *mut c_void, owner: *mut c_void) {
    // SAFETY: Node-API calls this once, with the box that was leaked for it.
    drop(unsafe { Box::from_raw(owner.cast::<T>()) });
}
