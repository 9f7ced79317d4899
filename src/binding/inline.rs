//! The synchronous form, on the calling thread, and the AsyncTask form, on libuv's thread pool.
//!
//! napi-rs runs an AsyncTask's `compute` with no fence of its own, and its abort signal cannot stop one that runs
//! (ARCHITECTURE.md, "What we do not take from napi-rs"): so the fence and the cancel flag are the engine's.
//!
//! libuv waits for its threads before the process ends, and no hook of Node-API's comes before that. So an AsyncTask has the
//! event loop woken now and then, and if that does not turn it gives its thread back, whatever the reason; JavaScript has it go
//! on once it is there again.

use std::ops::ControlFlow;
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
use crate::engine::{Alone, Control, run_inline};
use crate::kernel::{self, Work};
use crate::value::Value;

/// How often a long AsyncTask has the event loop look whether its environment still runs JavaScript.
const HEARTBEAT: Duration = Duration::from_millis(50);
/// How long the event loop may not turn before an AsyncTask pauses.
const UNANSWERED: Duration = Duration::from_millis(250);

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
        match run_inline(work, &control) {
            Ok(value) => convert::output(&env, value, lease.view()).map(JsArg),
            Err(error) => Err(failure::throw(&env, &error)),
        }
    }

    /// Runs a kernel on libuv's thread pool. Resolves with `{ value, wait, run }` or `{ failure, wait, run }`; or with
    /// `{ paused: true }`, and is then to be resumed.
    #[napi(ts_return_type = "Promise<{ paused?: true, value?: unknown, failure?: object, wait: number, run: number }>")]
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
        let work = Alone::new(work).map_err(|error| failure::throw(&env, &error))?;
        self.state.inline(slot, Arc::clone(&control));
        Ok(AsyncTask::new(InlineTask {
            slot,
            work: Some(work),
            control,
            mailbox: Arc::clone(&self.state.mailbox),
            submitted,
            began: None,
            home: Some(OnHomeThread(Home { port: Rc::clone(&self.state), lease })),
        }))
    }

    /// Has an AsyncTask go on that has paused.
    #[napi(ts_return_type = "ReturnType<Port['runAsync']>")]
    pub fn resume_async(&self, slot: u32) -> Result<AsyncTask<InlineTask>> {
        self.state.mailbox.turned();
        let task = self.state.resumed(slot);
        task.map(|task| AsyncTask::new(*task)).ok_or_else(|| napi::Error::from_reason("nothing to resume"))
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
    let (work, _) = call.prepare(env)?;
    let (instead, lease) = call.take_over(env, port)?;
    Ok((instead.unwrap_or(work), lease))
}

/// A task on libuv's thread pool.
pub struct InlineTask {
    slot: u32,
    /// None once it has ended, or paused.
    work: Option<Alone>,
    pub(super) control: Arc<Control>,
    mailbox: Arc<Mailbox>,
    submitted: Instant,
    began: Option<Instant>,
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

/// How a turn on libuv's thread ended.
pub enum Turn {
    Paused,
    Ended(kernel::Result<Value>, Instant),
}

impl<'env> ScopedTask<'env> for InlineTask {
    type Output = Turn;
    type JsValue = JsArg;

    fn compute(&mut self) -> Result<Turn> {
        if self.mailbox.is_silent() {
            self.mailbox.knock();
            return Ok(Turn::Paused);
        }
        let now = Instant::now();
        self.began.get_or_insert(now);
        let (mut beat, mut answered, mut turns) = (now, now, self.mailbox.turns());
        let Some(work) = &mut self.work else { unreachable!("it is not computed again after its end") };
        let outcome = work.run(&self.control, |now| {
            if now - beat < HEARTBEAT {
                return ControlFlow::Continue(());
            }
            beat = now;
            if std::mem::replace(&mut turns, self.mailbox.turns()) != turns {
                answered = now;
            }
            self.mailbox.knock();
            if now - answered < UNANSWERED {
                return ControlFlow::Continue(());
            }
            self.mailbox.note_silence();
            ControlFlow::Break(())
        });
        let Some(outcome) = outcome else { return Ok(Turn::Paused) };
        // What is left of it, on this thread.
        self.work = None;
        Ok(Turn::Ended(outcome, Instant::now()))
    }

    fn resolve(&mut self, env: &'env Env, turn: Turn) -> Result<JsArg> {
        let Some(OnHomeThread(Home { port, lease })) = self.home.take() else {
            return Err(napi::Error::from_reason("resolved twice"));
        };
        let mut object = std::ptr::null_mut();
        // SAFETY: `env` is the running callback's; the out-pointer is a local.
        check(unsafe { sys::napi_create_object(env.raw(), &mut object) })?;
        let (outcome, ended) = match turn {
            Turn::Paused => {
                let paused = InlineTask {
                    slot: self.slot,
                    work: self.work.take(),
                    control: Arc::clone(&self.control),
                    mailbox: Arc::clone(&self.mailbox),
                    submitted: self.submitted,
                    began: self.began,
                    home: Some(OnHomeThread(Home { port: Rc::clone(&port), lease })),
                };
                port.inline_paused(self.slot, Box::new(paused));
                set(env, object, c"paused", true)?;
                return Ok(JsArg(object));
            }
            Turn::Ended(outcome, ended) => (outcome, ended),
        };
        port.inline_ended(self.slot);
        match outcome {
            Ok(value) => set(env, object, c"value", JsArg(convert::output(env, value, lease.view())?))?,
            Err(error) => set(env, object, c"failure", JsArg(failure::to_object(env, &error)?))?,
        }
        let began = self.began.unwrap_or(ended);
        set(env, object, c"wait", (began - self.submitted).as_secs_f64() * 1e3)?;
        set(env, object, c"run", (ended - began).as_secs_f64() * 1e3)?;
        Ok(JsArg(object))
    }
}
