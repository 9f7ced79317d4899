//! The synchronous form, on the calling thread, and the AsyncTask form, on libuv's thread pool.
//!
//! napi-rs runs an AsyncTask's `compute` with no fence of its own, and its abort signal cannot stop one that runs
//! (ARCHITECTURE.md, "What we do not take from napi-rs"): so the fence and the cancel flag are the engine's.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Result, ScopedTask, sys};
use napi_derive::napi;

use super::call::Call;
use super::convert::{self, JsArg, check, set};
use super::failure;
use super::mailbox::Mailbox;
use super::pinned::Lease;
use super::pool::timeout_of;
use super::port::{Port, PortState};
use crate::engine::{Control, fence, run_inline};
use crate::kernel::{self, Work};
use crate::value::Value;

/// How often a long AsyncTask has the event loop look whether its environment still runs JavaScript.
const HEARTBEAT: Duration = Duration::from_millis(50);

#[napi]
impl Port {
    /// Runs a kernel to its end on this thread. `timeout` in milliseconds; infinite for none.
    #[napi(ts_return_type = "unknown")]
    pub fn run_sync(
        &self,
        env: Env,
        kernel: u32,
        #[napi(ts_arg_type = "unknown")] input: JsArg,
        #[napi(ts_arg_type = "unknown")] options: JsArg,
        hand_over: u32,
        timeout: f64,
    ) -> Result<JsArg> {
        let control = Control::new(Instant::now(), timeout_of(timeout));
        let (work, lease) = prepare(&self.state, &env, kernel, input, options, hand_over)?;
        match run_inline(work, &control, |_| ()) {
            Ok(value) => convert::output(&env, value, lease.view()).map(JsArg),
            Err(error) => Err(failure::throw(&env, &error)),
        }
    }

    /// Runs a kernel on libuv's thread pool. Resolves with `{ value, wait, run }` or `{ failure, wait, run }`.
    #[napi(ts_return_type = "Promise<{ value?: unknown, failure?: object, wait: number, run: number }>")]
    pub fn run_async(
        &self,
        env: Env,
        kernel: u32,
        slot: u32,
        #[napi(ts_arg_type = "unknown")] input: JsArg,
        #[napi(ts_arg_type = "unknown")] options: JsArg,
        hand_over: u32,
        timeout: f64,
    ) -> Result<AsyncTask<InlineTask>> {
        let submitted = Instant::now();
        let control = Arc::new(Control::new(submitted, timeout_of(timeout)));
        let (work, lease) = prepare(&self.state, &env, kernel, input, options, hand_over)?;
        self.state.inline(slot, Arc::clone(&control));
        let mailbox = Arc::clone(&self.state.mailbox);
        let home = Home { port: Rc::clone(&self.state), lease };
        Ok(AsyncTask::new(InlineTask {
            slot,
            work: Some(work),
            control,
            mailbox,
            submitted,
            home: Some(OnHomeThread(home)),
        }))
    }
}

/// Work to run at once, with what keeps its memory alive.
fn prepare(
    port: &PortState,
    env: &Env,
    kernel: u32,
    input: JsArg,
    options: JsArg,
    hand_over: u32,
) -> Result<(Work, Lease)> {
    let call = Call::new(env, kernel, input, Some(options), hand_over)?;
    let work = call.prepare(env)?;
    let (instead, lease) = call.take_over(env, port)?;
    Ok((instead.unwrap_or(work), lease))
}

/// A task on libuv's thread pool.
pub struct InlineTask {
    slot: u32,
    work: Option<Work>,
    control: Arc<Control>,
    mailbox: Arc<Mailbox>,
    submitted: Instant,
    home: Option<OnHomeThread<Home>>,
}

/// What of a task stays on its JavaScript thread.
struct Home {
    port: Rc<PortState>,
    lease: Lease,
}

/// A value that other threads carry and only its own thread touches.
struct OnHomeThread<T>(T);

// SAFETY: `InlineTask` is made and dropped on the JavaScript thread (napi-rs drops it in the completion callback, or when
// queueing fails), and `compute`, which alone runs elsewhere, does not touch `home`.
unsafe impl<T> Send for OnHomeThread<T> {}

/// How a task ended.
pub struct Ended {
    outcome: kernel::Result<Value>,
    wait: Duration,
    run: Duration,
}

impl<'env> ScopedTask<'env> for InlineTask {
    type Output = Ended;
    type JsValue = JsArg;

    fn compute(&mut self) -> Result<Ended> {
        let began = Instant::now();
        let mut beat = began;
        let work = self.work.take();
        let outcome = match (self.control.check(began), work) {
            (Ok(()), Some(work)) => run_inline(work, &self.control, |now| {
                if now - beat >= HEARTBEAT {
                    beat = now;
                    self.mailbox.knock();
                }
            }),
            (Err(error), work) => fence(|| {
                drop(work);
                Err(error)
            }),
            (Ok(()), None) => unreachable!("napi-rs computes once"),
        };
        Ok(Ended { outcome, wait: began - self.submitted, run: began.elapsed() })
    }

    fn resolve(&mut self, env: &'env Env, ended: Ended) -> Result<JsArg> {
        let Some(OnHomeThread(Home { port, lease })) = self.home.take() else {
            return Err(napi::Error::from_reason("resolved twice"));
        };
        port.inline_ended(self.slot);
        let mut object = std::ptr::null_mut();
        // SAFETY: `env` is the running callback's; the out-pointer is a local.
        check(unsafe { sys::napi_create_object(env.raw(), &mut object) })?;
        match ended.outcome {
            Ok(value) => set(env, object, c"value", JsArg(convert::output(env, value, lease.view())?))?,
            Err(error) => set(env, object, c"failure", JsArg(failure::to_object(env, &error)?))?,
        }
        set(env, object, c"wait", ended.wait.as_secs_f64() * 1e3)?;
        set(env, object, c"run", ended.run.as_secs_f64() * 1e3)?;
        Ok(JsArg(object))
    }
}
