//! The threadsafe function that wakes an instance's event loop, and what happens when JavaScript cannot follow.
//!
//! JavaScript's `onWake` throws nothing: whatever the caller's code throws on its way is caught for each task, and thrown again
//! apart. If the call fails all the same, either an exception came through, or the environment does not run JavaScript any more: a
//! terminated worker thread does not, and yet Node waits for libuv's tasks before it runs cleanup hooks, so those must be stopped here.
//! Node-API reports both by the same status. So it is asked for something that it does only while JavaScript runs.

use std::ffi::c_void;
use std::ptr;
use std::rc::{Rc, Weak};

use napi::{Env, Result, sys};

use super::mailbox::{Mailbox, Waker};
use crate::js::value::check;

/// What is woken: an instance.
pub(crate) trait Woken {
    fn mailbox(&self) -> &Mailbox;
    /// JavaScript's function that drains its mailbox; null if its copy of the JavaScript has been collected.
    fn on_wake(&self) -> Result<sys::napi_value>;
    /// JavaScript runs no more, though Node waits for tasks: they are to stop.
    fn stop_all(&self);
    /// The environment ends.
    fn end(&self);
}

/// How the threadsafe function and the cleanup hook find their instance. Shared by both, freed by the former's finalizer.
pub(crate) struct Context(Option<Weak<dyn Woken>>);

impl Context {
    pub(crate) fn new() -> *mut Self {
        Box::into_raw(Box::new(Self(None)))
    }

    /// Makes the instance known.
    ///
    /// # Safety
    /// `this` is from `new`, its threadsafe function has not been finalized, and this is the environment's thread.
    pub(crate) unsafe fn set(this: *mut Self, instance: Weak<dyn Woken>) {
        // SAFETY: passed on to the caller; nobody else refers to it meanwhile, since this thread alone does.
        unsafe { (*this).0 = Some(instance) };
    }

    fn instance(&self) -> Option<Rc<dyn Woken>> {
        self.0.as_ref().and_then(Weak::upgrade)
    }
}

/// A threadsafe function without a JavaScript function: the instance has that, and does not always keep it alive. Async hooks are told of it by
/// `resource`, an object that it keeps alive.
pub(crate) fn create(env: &Env, context: *mut Context, resource: sys::napi_value) -> Result<Waker> {
    let (mut name, mut waker) = (ptr::null_mut(), ptr::null_mut());
    const NAME: &str = "heavy-load.instance";
    // SAFETY: the environment is the running callback's; `context` is a leaked box, freed by `free` alone; out-pointers are
    // locals.
    unsafe {
        check(sys::napi_create_string_utf8(env.raw(), NAME.as_ptr().cast(), NAME.len() as isize, &mut name))?;
        check(sys::napi_create_threadsafe_function(
            env.raw(),
            ptr::null_mut(),
            resource,
            name,
            0,
            1,
            context.cast(),
            Some(free),
            context.cast(),
            Some(wake),
            &mut waker,
        ))?;
        check(sys::napi_unref_threadsafe_function(env.raw(), waker))?;
    }
    Ok(Waker(waker))
}

unsafe extern "C" fn free(_env: sys::napi_env, context: *mut c_void, _hint: *mut c_void) {
    // SAFETY: Node-API calls this once, at the end, with the box that was leaked for it in `Context::new`.
    drop(unsafe { Box::from_raw(context.cast::<Context>()) });
}

/// Runs on the environment's thread, once a wake.
unsafe extern "C" fn wake(env: sys::napi_env, _: sys::napi_value, context: *mut c_void, _: *mut c_void) {
    // Node empties the queue of a function that it has finalized, without an environment: the context is freed by then.
    if env.is_null() {
        return;
    }
    // SAFETY: with an environment, Node-API gives the context that the function was created with, before it is finalized.
    if let Some(instance) = unsafe { &*context.cast::<Context>() }.instance() {
        call_on_wake(env, &*instance);
    }
}

/// The environment ends: runs on its thread.
pub(crate) unsafe extern "C" fn cleanup(context: *mut c_void) {
    // SAFETY: as in `wake`; the hook was added after the threadsafe function was made, and so runs before that is finalized.
    if let Some(instance) = unsafe { &*context.cast::<Context>() }.instance() {
        instance.end();
    }
}

fn call_on_wake(env: sys::napi_env, instance: &dyn Woken) {
    let (mut undefined, mut result) = (ptr::null_mut(), ptr::null_mut());
    let Ok(on_wake) = instance.on_wake() else { return };
    if on_wake.is_null() {
        return; // its copy of the JavaScript is gone, and so is whoever might wait
    }
    // SAFETY: `env` is the running callback's, and `on_wake` a function of it; out-pointers are locals.
    let status = unsafe {
        sys::napi_get_undefined(env, &mut undefined);
        sys::napi_call_function(env, undefined, on_wake, 0, ptr::null(), &mut result)
    };
    if status == sys::Status::napi_ok {
        instance.mailbox().pulse.beat();
        return;
    }
    let exception = pending_exception(env);
    if runs_javascript(env) {
        if let Some(exception) = exception {
            // SAFETY: both are the running callback's.
            unsafe { sys::napi_fatal_exception(env, exception) };
        }
        // Whatever was left behind.
        instance.mailbox().knock();
        return;
    }
    instance.stop_all();
    instance.mailbox().fall_asleep();
}

fn pending_exception(env: sys::napi_env) -> Option<sys::napi_value> {
    let (mut pending, mut exception) = (false, ptr::null_mut());
    // SAFETY: queries of the running callback's environment; out-pointers are locals.
    unsafe {
        sys::napi_is_exception_pending(env, &mut pending);
        if pending {
            sys::napi_get_and_clear_last_exception(env, &mut exception);
        }
    }
    (!exception.is_null()).then_some(exception)
}

/// Whether the environment still runs JavaScript: no function is made in one that does not.
pub(crate) fn runs_javascript(env: sys::napi_env) -> bool {
    unsafe extern "C" fn nothing(_: sys::napi_env, _: sys::napi_callback_info) -> sys::napi_value {
        ptr::null_mut()
    }
    let mut function = ptr::null_mut();
    // SAFETY: `env` is the running callback's; a name of no bytes may be null; the out-pointer is a local.
    let status =
        unsafe { sys::napi_create_function(env, ptr::null(), 0, Some(nothing), ptr::null_mut(), &mut function) };
    status == sys::Status::napi_ok
}
