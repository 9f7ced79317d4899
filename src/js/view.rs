//! Typed arrays as they come, and the memory that they stand on.

use std::ops::Range;
use std::ptr;

use napi::{Env, Result, sys};

use super::elements::{element_of, number_of};
use super::external::new_array_buffer;
use super::reference::{Lease, Reference};
use super::value::{RawValue, check};
use heavy_load_kernel::value::{Element, ask_for_large_pages};

/// A typed array, and what it stands on. Good while no JavaScript of the caller's runs, which could detach it.
#[derive(Clone, Copy)]
pub(crate) struct FoundView {
    pub(crate) element: Element,
    /// Where the bytes start; may be null for none.
    pub(crate) start: *mut u8,
    /// How many bytes there are.
    pub(crate) len: usize,
    buffer: sys::napi_value,
    /// Whether it is a SharedArrayBuffer.
    pub(crate) shared: bool,
}

impl FoundView {
    /// Keeps the view alive in which it was found.
    pub(crate) fn pin(&self, env: &Env, view: RawValue) -> Result<Lease> {
        Reference::new(env.raw(), view.0).map(|pinned| Lease::of(pinned, self.start, self.len))
    }

    /// Where its bytes are, as numbers.
    pub(crate) fn range(&self) -> Range<usize> {
        let start = self.start.addr();
        start..start + self.len
    }

    pub(crate) fn is_detached(&self, env: &Env) -> bool {
        let mut detached = false;
        // SAFETY: `buffer` is a value of the running callback; the out-pointer is a local.
        let status = unsafe { sys::napi_is_detached_arraybuffer(env.raw(), self.buffer, &mut detached) };
        status == sys::Status::napi_ok && detached
    }
}

/// What a typed array stands on; none if `arg` is something else.
pub(crate) fn view(env: &Env, arg: RawValue) -> Result<Option<FoundView>> {
    let raw = env.raw();
    let mut is_typed_array = false;
    // SAFETY: `arg` is a value of the running callback; out-pointers are locals, here and below.
    check(unsafe { sys::napi_is_typedarray(raw, arg.0, &mut is_typed_array) })?;
    if !is_typed_array {
        return Ok(None);
    }
    let (mut kind, mut len, mut start, mut buffer) = (0, 0, ptr::null_mut(), ptr::null_mut());
    // SAFETY: it is a typed array; N-API takes null for the offset, which is not asked for.
    check(unsafe {
        sys::napi_get_typedarray_info(raw, arg.0, &mut kind, &mut len, &mut start, &mut buffer, ptr::null_mut())
    })?;
    let Some(element) = element_of(kind) else { return Ok(None) };
    let mut is_array_buffer = false;
    // SAFETY: `buffer` is the typed array's buffer, an object.
    check(unsafe { sys::napi_is_arraybuffer(raw, buffer, &mut is_array_buffer) })?;
    Ok(Some(FoundView { element, start: start.cast(), len: len * element.size(), buffer, shared: !is_array_buffer }))
}

/// A copy of a view, with an ArrayBuffer of its own: memory of JavaScript's, so that the result can be handed over again.
pub(crate) fn copy(env: &Env, found: &FoundView) -> Result<RawValue> {
    let raw = env.raw();
    let mut copy = ptr::null_mut();
    let len = found.len;
    let (start, buffer) = new_array_buffer(env, len)?;
    ask_for_large_pages(start, len);
    // SAFETY: there are `len` new bytes at `start`, which nobody else knows, and as many where the view was found, which JavaScript does
    // not write or free meanwhile, since none of the caller's runs; the buffer has as many elements as the view that is copied;
    // the out-pointer is a local.
    unsafe {
        if len > 0 {
            start.copy_from_nonoverlapping(found.start, len);
        }
        let kind = number_of(found.element);
        check(sys::napi_create_typedarray(raw, kind, len / found.element.size(), buffer, 0, &mut copy))?;
    }
    Ok(RawValue(copy))
}
