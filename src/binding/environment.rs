//! What an environment (the main thread, or a worker thread) has once, however often the JavaScript is loaded in it.

use std::cell::{Cell, RefCell};
use std::ptr;
use std::rc::{Rc, Weak};

use napi::bindgen_prelude::Function;
use napi::{Env, Result, sys};
use napi_derive::napi;

use super::convert::{JsArg, check};
use super::port::PortState;

thread_local! {
    static ENVIRONMENT: Environment = Environment::default();
}

/// Of the environment that this thread runs.
#[derive(Default)]
struct Environment {
    ports: RefCell<Vec<Weak<PortState>>>,
    /// JavaScript has been given the listener.
    listens: Cell<bool>,
}

pub(super) fn add(port: &Rc<PortState>) {
    ENVIRONMENT.with(|environment| {
        let mut ports = environment.ports.borrow_mut();
        ports.retain(|port| port.strong_count() > 0);
        ports.push(Rc::downgrade(port));
    });
}

/// It ends. This thread may come to have another.
pub(super) fn end() {
    ENVIRONMENT.with(|environment| environment.listens.set(false));
}

/// To be called when the process ends: stops every task of the environment, whose event loop does not turn any more. Given once
/// an environment, and no copy of the JavaScript is kept alive by it.
#[napi(ts_return_type = "(() => void) | null")]
pub fn exit_listener(env: &Env) -> Result<Option<Function<'_, (), ()>>> {
    if ENVIRONMENT.with(|environment| environment.listens.replace(true)) {
        return Ok(None);
    }
    let listener = env.create_function_from_closure("heavyLoadExit", |_| {
        let ports: Vec<_> = ENVIRONMENT.with(|environment| environment.ports.borrow().clone());
        for port in ports.iter().filter_map(Weak::upgrade) {
            port.close();
        }
        Ok(())
    })?;
    Ok(Some(listener))
}

/// The global object of the environment's own realm. Test runners give the JavaScript another, with copies in it or without.
#[napi(ts_return_type = "typeof globalThis")]
pub fn host(env: &Env) -> Result<JsArg> {
    let mut global = ptr::null_mut();
    // SAFETY: the environment is the running callback's; the out-pointer is a local.
    check(unsafe { sys::napi_get_global(env.raw(), &mut global) })?;
    Ok(JsArg(global))
}
