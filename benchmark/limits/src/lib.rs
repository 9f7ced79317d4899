//! A bare `napi_threadsafe_function`: JavaScript asks a thread, and the thread calls JavaScript back. No pool can be faster
//! than this without leaving N-API, because this is what is left of one when all of the pool is taken away.

use std::hint::spin_loop;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use napi::bindgen_prelude::*;
use napi::sys;
use napi_derive::napi;

static RESPONDER: Mutex<Option<Responder>> = Mutex::new(None);

/// The thread that answers, one a process.
struct Responder {
    asked: Arc<Asked>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Asked {
    times: AtomicU32,
    stop: AtomicBool,
}

/// Starts the thread. It waits for `ping` without sleeping if it `spins`, else parked.
#[napi]
pub fn start(env: Env, on_pong: Function<'_, (), ()>, spins: bool) -> Result<()> {
    let function = ThreadsafeFunction::new(&env, &on_pong)?;
    let asked = Arc::new(Asked::default());
    let thread = {
        let asked = Arc::clone(&asked);
        thread::spawn(move || respond(&asked, &function, spins))
    };
    *responder() = Some(Responder { asked, thread });
    Ok(())
}

/// Has the thread call `on_pong`.
#[napi]
pub fn ping() {
    if let Some(Responder { asked, thread }) = &*responder() {
        asked.times.fetch_add(1, Ordering::Release);
        // Costs one atomic swap while the thread is awake.
        thread.thread().unpark();
    }
}

/// Ends the thread.
#[napi]
pub fn stop() {
    if let Some(Responder { asked, thread }) = responder().take() {
        asked.stop.store(true, Ordering::Release);
        thread.thread().unpark();
        // A thread that panicked has nothing left to be stopped.
        thread.join().ok();
    }
}

fn responder() -> std::sync::MutexGuard<'static, Option<Responder>> {
    RESPONDER.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn respond(asked: &Asked, function: &ThreadsafeFunction, spins: bool) {
    let mut answered = 0;
    while !asked.stop.load(Ordering::Acquire) {
        if asked.times.load(Ordering::Acquire) != answered {
            answered += 1;
            function.call();
        } else if spins {
            spin_loop();
        } else {
            thread::park();
        }
    }
}

/// The raw threadsafe function; napi's own wrapper adds conversions that would be measured too.
struct ThreadsafeFunction(sys::napi_threadsafe_function);

// SAFETY: N-API makes a threadsafe function to be called and released from any thread.
unsafe impl Send for ThreadsafeFunction {}

impl ThreadsafeFunction {
    fn new(env: &Env, on_pong: &Function<'_, (), ()>) -> Result<Self> {
        let name = env.create_string("limits")?;
        let mut function = ptr::null_mut();
        // SAFETY: env, name and on_pong belong to the running call; null stands for what N-API documents as optional.
        let status = unsafe {
            sys::napi_create_threadsafe_function(
                env.raw(),
                on_pong.raw(),
                ptr::null_mut(),
                name.raw(),
                0,
                1,
                ptr::null_mut(),
                None,
                ptr::null_mut(),
                None,
                &mut function,
            )
        };
        check_status!(status)?;
        Ok(Self(function))
    }

    fn call(&self) {
        // SAFETY: the function lives until it is released in `drop`. The status says that the environment ends: no one asks then.
        unsafe {
            sys::napi_call_threadsafe_function(self.0, ptr::null_mut(), sys::ThreadsafeFunctionCallMode::nonblocking)
        };
    }
}

impl Drop for ThreadsafeFunction {
    fn drop(&mut self) {
        // SAFETY: the one acquisition, that of the creation, is given back once.
        unsafe { sys::napi_release_threadsafe_function(self.0, sys::ThreadsafeFunctionReleaseMode::release) };
    }
}
