//! What an environment (the main thread, or a worker thread) has once, however often the JavaScript is loaded in it.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::ptr;
use std::rc::Weak;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::bindgen_prelude::Function;
use napi::{Env, Result, sys};
use napi_derive::napi;

use crate::js::value::{RawValue, check, get};
use crate::js::view;

thread_local! {
    static ENVIRONMENT: Environment = Environment::default();
}

/// Of the environment that this thread runs.
#[derive(Default)]
struct Environment {
    instances: RefCell<Vec<Weak<dyn Close>>>,
    /// The exit listener was given to JavaScript.
    listens: Cell<bool>,
}

/// What has tasks in flight.
pub(crate) trait Close {
    /// Stops them all: the event loop does not turn any more.
    fn close(&self);
    /// Whether a task in flight holds any of this memory.
    fn holds(&self, memory: &Range<usize>) -> bool;
}

/// Whether a task in flight holds any of a typed array's memory. What is frozen is not given back before this says no: the count of
/// readers in `lib/buffers.js` is JavaScript's, which the caller's code may have led astray.
#[napi]
pub fn is_lent(env: &Env, #[napi(ts_arg_type = "Uint8Array")] view: RawValue) -> Result<bool> {
    let Some(found) = view::view(env, view)? else { return Ok(false) };
    let memory = found.range();
    let instances = ENVIRONMENT.with(|environment| environment.instances.borrow().clone());
    Ok(instances.iter().filter_map(Weak::upgrade).any(|instance| instance.holds(&memory)))
}

pub(crate) fn add(instance: Weak<dyn Close>) {
    ENVIRONMENT.with(|environment| {
        let mut instances = environment.instances.borrow_mut();
        instances.retain(|instance| instance.strong_count() > 0);
        instances.push(instance);
    });
}

/// The environment ends. This thread may run another later.
pub(crate) fn end() {
    ENVIRONMENT.with(|environment| environment.listens.set(false));
}

/// Set once the process ends: from then on every AsyncTask, of whichever environment, gives its thread back. Node stops and joins its
/// worker threads one after the other, and each waits for its own tasks in libuv's queue, which all share.
static ENDS: AtomicBool = AtomicBool::new(false);

pub(crate) fn process_ends() -> bool {
    ENDS.load(Ordering::Relaxed)
}

/// To be called when the process ends: stops every task of the environment, whose event loop does not turn any more. Given once
/// an environment, and no copy of the JavaScript is kept alive by it.
#[napi(ts_return_type = "(() => void) | null")]
pub fn exit_listener(env: &Env) -> Result<Option<Function<'_, (), ()>>> {
    if ENVIRONMENT.with(|environment| environment.listens.replace(true)) {
        return Ok(None);
    }
    let listener = env.create_function_from_closure("heavyLoadExit", |call| {
        if is_main_thread(call.env).unwrap_or(false) {
            ENDS.store(true, Ordering::Relaxed);
        }
        let instances: Vec<_> = ENVIRONMENT.with(|environment| environment.instances.borrow().clone());
        for instance in instances.iter().filter_map(Weak::upgrade) {
            instance.close();
        }
        Ok(())
    })?;
    Ok(Some(listener))
}

/// Whether this is the process's main thread, as Node says it.
fn is_main_thread(env: &Env) -> Result<bool> {
    let raw = env.raw();
    let process = get(env, host(env)?, c"process")?;
    let get_module = get(env, process, c"getBuiltinModule")?;
    let (mut name, mut threads, mut is_main) = (ptr::null_mut(), ptr::null_mut(), false);
    const NAME: &str = "node:worker_threads";
    // SAFETY: values and environment of the running callback; pointer and length are those of a str; out-pointers are locals.
    unsafe {
        check(sys::napi_create_string_utf8(raw, NAME.as_ptr().cast(), NAME.len() as isize, &mut name))?;
        check(sys::napi_call_function(raw, process.0, get_module.0, 1, &name, &mut threads))?;
        check(sys::napi_get_value_bool(raw, get(env, RawValue(threads), c"isMainThread")?.0, &mut is_main))?;
    }
    Ok(is_main)
}

/// The global object of the environment's own realm. Test runners give the JavaScript another, with copies in it or without.
#[napi(ts_return_type = "typeof globalThis")]
pub fn host(env: &Env) -> Result<RawValue> {
    let mut global = ptr::null_mut();
    // SAFETY: the environment is the running callback's; the out-pointer is a local.
    check(unsafe { sys::napi_get_global(env.raw(), &mut global) })?;
    Ok(RawValue(global))
}
