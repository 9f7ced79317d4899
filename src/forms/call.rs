//! A call's arguments on their way into a kernel's work, with the memory they bring.
//!
//! Invariants:
//! 1. The caller's code (getters of its options) runs before any address is read.
//! 2. An address is read from a view whose ArrayBuffer is not detached, and of the kind (shared or not) that its hand-over
//!    claims; it is used after the call only if JavaScript cannot free the memory: shared, frozen or moved.
//! 3. Memory is copied or moved only when the call cannot be refused for overload any more. Until then the work is prepared over
//!    the caller's memory, to check the arguments, and is never run; unless the memory is the same after the move, so that all
//!    that could fail has been done before it.

use std::cell::Cell;
use std::ptr;
use std::time::Duration;

use napi::{Env, Result, sys};
use napi_derive::napi;

use crate::env::port::PortState;
use crate::js::convert;
use crate::js::elements::{element_of, number_of};
use crate::js::external::new_array_buffer;
use crate::js::failure;
use crate::js::pinned::{Lease, Pinned};
use crate::js::value::{JsArg, check};
use heavy_load_engine::fence;
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::fold::KeptFold;
use heavy_load_kernel::value::{Bytes, Element, Memory, Options, Owned, Region, Value, View};
use heavy_load_kernel::{Estimate, Kernel, Work};
use heavy_load_kernels::KERNELS;

/// How a buffer reaches a kernel: the numbers of `lib/buffers.js`, which knows which it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HandOver {
    Copy,
    Transfer,
    Shared,
    Frozen,
}

/// Set beside the hand-over's number if JavaScript gave a bare buffer, and the view is only ours.
const BARE: u32 = 8;

/// Work over a number, without options.
pub(super) fn prepare_number(kernel: usize, input: f64) -> heavy_load_kernel::Result<(Work, Estimate)> {
    let (kernel, options) = (KERNELS[kernel], Options::default());
    fence(|| {
        let estimate = kernel.estimate(&Value::Number(input), &options);
        Ok((kernel.prepare(Value::Number(input), &options)?, estimate))
    })
}

pub(super) struct Call {
    number: u32,
    kernel: &'static dyn Kernel,
    options: Options,
    arg: JsArg,
    hand_over: HandOver,
    bare: bool,
    /// What `prepare` has made the work over.
    prepared: Cell<Option<(Element, Region)>>,
}

impl Call {
    pub(super) fn new(env: &Env, number: u32, arg: JsArg, options: Option<JsArg>, hand_over: u32) -> Result<Self> {
        let kernel = KERNELS[number as usize];
        let options = match options {
            Some(options) => convert::options(env, options, kernel.spec())?,
            None => Options::default(),
        };
        let bare = hand_over & BARE != 0;
        let hand_over = match hand_over & !BARE {
            1 => HandOver::Transfer,
            2 => HandOver::Shared,
            3 => HandOver::Frozen,
            _ => HandOver::Copy,
        };
        Ok(Self { number, kernel, options, arg, hand_over, bare, prepared: Cell::new(None) })
    }

    /// Checks the arguments; what the call takes. Unless `take_over` gives other work, this is the work to run.
    pub(super) fn prepare(&self, env: &Env) -> Result<(Work, Estimate)> {
        let value = match view(env, self.arg)? {
            None => convert::value(env, self.arg)?,
            Some(found) => {
                self.admits(env, &found)?;
                self.prepared.set(Some((found.element, found.region)));
                Value::View(self.view(found.element, self.claim(found.region)))
            }
        };
        let estimate = fence(|| Ok(self.kernel.estimate(&value, &self.options))).unwrap_or_default();
        Ok((self.work(env, value)?, estimate))
    }

    /// Takes the input's memory over, now that nothing can be refused: the work to run instead, if the memory is to be
    /// copied or moved, and what keeps it alive until the task has ended.
    pub(super) fn take_over(&self, env: &Env, port: &PortState) -> Result<(Option<Work>, Lease)> {
        if self.prepared.get().is_none() {
            return Ok((None, Lease::default())); // it was no memory
        }
        let Some(found) = view(env, self.arg)? else { return Ok((None, Lease::default())) };
        let pin = |view: JsArg| Pinned::new(env.raw(), view.0).map(|pinned| Lease::of(pinned, found.region.len()));
        match self.hand_over {
            HandOver::Shared | HandOver::Frozen => Ok((None, pin(self.arg)?)),
            HandOver::Copy if self.kernel.spec().in_place => {
                let copy = copy(env, &found)?;
                self.take(env, copy)
            }
            HandOver::Copy => {
                // SAFETY: JavaScript, which alone writes the region, does not run meanwhile.
                let memory =
                    Memory::Owned(unsafe { Owned::copy(found.region) }.map_err(|error| failure::throw(env, &error))?);
                let work = self.work(env, Value::View(self.view(found.element, memory)))?;
                Ok((Some(work), Lease::default()))
            }
            HandOver::Transfer => {
                let moved = port.detach(env, self.arg, self.number)?;
                if !found.is_detached(env) {
                    return Err(napi::Error::from_reason("the buffer was not detached"));
                }
                self.take(env, moved)
            }
        }
    }

    /// Work over a view that nobody but us knows.
    fn take(&self, env: &Env, own: JsArg) -> Result<(Option<Work>, Lease)> {
        let Some(found) = view(env, own)? else { return Err(napi::Error::from_reason("not a view")) };
        let lease = Lease::of(Pinned::new(env.raw(), own.0)?, found.region.len());
        if self.hand_over == HandOver::Transfer && self.prepared.get() == Some((found.element, found.region)) {
            return Ok((None, lease)); // it has kept its address: the work is over this memory
        }
        let work = self.work(env, Value::View(self.view(found.element, Memory::Moved(found.region))))?;
        Ok((Some(work), lease))
    }

    /// The caller's memory as its hand-over will have it.
    fn claim(&self, region: Region) -> Memory {
        match self.hand_over {
            HandOver::Copy => Memory::Unowned(region),
            HandOver::Transfer => Memory::Moved(region),
            HandOver::Shared => Memory::Shared(region),
            HandOver::Frozen => Memory::Frozen(region),
        }
    }

    fn view(&self, element: Element, memory: Memory) -> View {
        View { element, bare: self.bare, memory }
    }

    fn work(&self, env: &Env, value: Value) -> Result<Work> {
        fence(|| self.kernel.prepare(value, &self.options)).map_err(|error| failure::throw(env, &error))
    }

    /// Looks again at what `lib/buffers.js` has found, after the caller's code has run.
    fn admits(&self, env: &Env, found: &FoundView) -> Result<()> {
        if found.is_detached(env) || found.shared != (self.hand_over == HandOver::Shared) {
            let received = Value::Other("a detached view".into());
            let error = EngineError::invalid_value(self.kernel.spec().input, "must not be detached", &received);
            return Err(failure::throw(env, &error));
        }
        Ok(())
    }
}

/// What a stream of input is folded into by this kernel.
pub(super) fn fold(env: &Env, kernel: u32, options: JsArg) -> Result<KeptFold> {
    let kernel = KERNELS[kernel as usize];
    let options = convert::options(env, options, kernel.spec())?;
    let fold = fence(|| kernel.fold(&options)).map_err(|error| failure::throw(env, &error))?;
    Ok(KeptFold::new(fold))
}

/// A piece of a stream, in memory that nobody writes before its task has ended (`lib/pool/feed.js`), and that is pinned until then.
pub(super) fn piece(env: &Env, arg: JsArg) -> Result<(Bytes, Lease)> {
    let Some(found) = view(env, arg)? else { return Err(napi::Error::from_reason("not a view")) };
    let lease = Lease::of(Pinned::new(env.raw(), arg.0)?, found.region.len());
    let view = View { element: found.element, bare: true, memory: Memory::Frozen(found.region) };
    Ok((view.into_bytes(), lease))
}

/// Checks a call's arguments as `submit` does, and runs nothing: its work is done elsewhere.
#[napi]
pub fn check_call(
    env: Env,
    kernel: u32,
    #[napi(ts_arg_type = "unknown")] input: JsArg,
    #[napi(ts_arg_type = "unknown")] options: JsArg,
    hand_over: u32,
) -> Result<()> {
    Call::new(&env, kernel, input, Some(options), hand_over)?.prepare(&env).map(drop)
}

struct FoundView {
    element: Element,
    region: Region,
    buffer: sys::napi_value,
    shared: bool,
}

impl FoundView {
    fn is_detached(&self, env: &Env) -> bool {
        let mut detached = false;
        // SAFETY: `buffer` is a value of the running callback; the out-pointer is a local.
        let status = unsafe { sys::napi_is_detached_arraybuffer(env.raw(), self.buffer, &mut detached) };
        status == sys::Status::napi_ok && detached
    }
}

/// What a typed array stands on; none if `arg` is something else.
fn view(env: &Env, arg: JsArg) -> Result<Option<FoundView>> {
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
    // SAFETY: V8 gives the address of `len` elements. They stay there as long as the region is used: within this call,
    // because JavaScript does not run; after it, because it is used then only if it is shared (neither detached nor
    // moved, ever), frozen or moved (only our own view knows it), and pinned until the task has ended (invariant 2).
    let region = unsafe { Region::new(start.cast(), len * element.size()) };
    Ok(Some(FoundView { element, region, buffer, shared: !is_array_buffer }))
}

/// A copy of a view, with an ArrayBuffer of its own: memory of JavaScript's, so that the result can be handed over again.
fn copy(env: &Env, found: &FoundView) -> Result<JsArg> {
    let raw = env.raw();
    let mut copy = ptr::null_mut();
    let len = found.region.len();
    let (start, buffer) = new_array_buffer(env, len)?;
    // SAFETY: there are `len` new bytes at `start`, which nobody else knows; the buffer has as many elements as the view that
    // is copied; the out-pointer is a local.
    unsafe {
        found.region.copy_to(start);
        let kind = number_of(found.element);
        check(sys::napi_create_typedarray(raw, kind, len / found.element.size(), buffer, 0, &mut copy))?;
    }
    Ok(JsArg(copy))
}

/// A timeout in milliseconds as JavaScript gives it; infinite, or longer than the clock can hold, for none.
pub(super) fn timeout_of(ms: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(ms / 1e3).ok()
}
