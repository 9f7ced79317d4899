//! The synchronous form, on the calling thread, and the AsyncTask form, on libuv's thread pool.
//!
//! napi-rs does not catch the panics of an AsyncTask's `compute`, and its abort signal cannot stop one that runs
//! (docs/internals/decisions.md): so `catch_panic` and the stop flag are the engine's.
//!
//! libuv waits for its threads before the process ends, and no hook of Node-API's comes before that. So an AsyncTask
//! wakes the event loop now and then, and if that does not turn it gives its thread back, whatever the reason; JavaScript resumes it
//! when the event loop turns again.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Result, Task};
use napi_derive::napi;

use super::call::{Call, Checked, Committed, timeout_of};
use crate::env::borrow::Borrowed;
use crate::env::environment::process_ends;
use crate::env::instance::{Instance, InstanceState};
use crate::env::mailbox::Mailbox;
use crate::env::paused::Unfinished;
use crate::env::wake::runs_javascript;
use crate::js::reference::Lease;
use crate::js::value::RawValue;
use crate::js::{convert, failure};
use heavy_load_engine::{Alone, Completion, Control, Sink, Stop, run_direct};
use heavy_load_kernel::Work;
use heavy_load_kernel::value::Value;

/// How often a long AsyncTask wakes the event loop, which then sees whether its environment still runs JavaScript.
const HEARTBEAT: Duration = Duration::from_millis(50);
/// How long the event loop may not turn before an AsyncTask pauses.
const UNANSWERED: Duration = Duration::from_millis(250);

#[napi]
impl Instance {
    /// Runs a kernel to its end on this thread. `timeout` in milliseconds; infinite for none.
    #[napi(ts_return_type = "unknown")]
    pub fn run_sync(
        &self,
        env: Env,
        kernel: u32,
        #[napi(ts_arg_type = "unknown")] input: RawValue,
        #[napi(ts_arg_type = "unknown")] options: RawValue,
        hand_over: u32,
        timeout: f64,
    ) -> Result<RawValue> {
        let control = Control::new(Instant::now(), timeout_of(timeout));
        let (work, lease, borrowed) = prepare(&self.state, &env, kernel, input, options, hand_over)?;
        if let Some(borrowed) = &borrowed {
            // SAFETY: `lease` pins the memory until this function returns, which waits for those who hold it. What the memory is
            // otherwise, `call` has seen to when it lent it.
            unsafe { borrowed.open() };
        }
        let mut beat = Instant::now();
        let between = |now| {
            if now - beat >= HEARTBEAT {
                beat = now;
                // A worker thread that is terminated cannot stop this in any other way.
                if process_ends() || !runs_javascript(env.raw()) {
                    control.stop(Stop::Aborted);
                }
            }
        };
        let mut outcome = run_direct(work, &control, between);
        if let Some(borrowed) = borrowed {
            borrowed.disown(&mut outcome);
            borrowed.wait();
        }
        match outcome {
            Ok(value) => convert::output(&env, value, lease.view()).map(RawValue),
            Err(error) => Err(failure::throw(&env, &error)),
        }
    }

    /// Runs a kernel on libuv's thread pool. Its end comes as every task's does, by the instance; the promise only says that a thread
    /// is free again: with true if the task has paused, and is to be resumed.
    #[napi(ts_return_type = "Promise<boolean>")]
    pub fn run_async(
        &self,
        env: Env,
        kernel: u32,
        slot: u32,
        #[napi(ts_arg_type = "unknown")] input: RawValue,
        #[napi(ts_arg_type = "unknown")] options: RawValue,
        hand_over: u32,
        timeout: f64,
    ) -> Result<AsyncTask<LibuvTask>> {
        let submitted = Instant::now();
        self.state.reclaim();
        let claim = self.state.claim(slot).map_err(|refusal| refusal.throw(&env))?;
        let control = Arc::new(Control::new(submitted, timeout_of(timeout)));
        let (work, lease, borrowed) = prepare(&self.state, &env, kernel, input, options, hand_over)?;
        let work = Alone::new(work).map_err(|error| failure::throw(&env, &error))?;
        self.state.libuv(claim, Arc::clone(&control), lease);
        let mailbox = Arc::clone(&self.state.mailbox);
        Ok(AsyncTask::new(LibuvTask {
            mailbox,
            slot,
            task: Some(Box::new(Unfinished { work, control, submitted, began: None, borrowed })),
        }))
    }

    /// Resumes an AsyncTask that has paused. As `run_async`.
    #[napi(ts_return_type = "Promise<boolean>")]
    pub fn resume_async(&self, slot: u32) -> Result<AsyncTask<LibuvTask>> {
        let mailbox = Arc::clone(&self.state.mailbox);
        mailbox.pulse.beat();
        let task = mailbox.paused.take(slot);
        if task.is_none() {
            return Err(napi::Error::from_reason("nothing to resume"));
        }
        Ok(AsyncTask::new(LibuvTask { mailbox, slot, task }))
    }
}

/// Work to run at once, with what keeps its memory alive.
fn prepare(
    instance: &InstanceState,
    env: &Env,
    kernel: u32,
    input: RawValue,
    options: RawValue,
    hand_over: u32,
) -> Result<(Work, Lease, Option<Borrowed>)> {
    let call = Call::new(env, kernel, input, Some(options), hand_over)?;
    let Checked { work, memory, .. } = call.check(env, Some(&instance.mailbox))?;
    let Some(memory) = memory else { return Ok((work, Lease::default(), None)) };
    let Committed { instead, lease, borrowed } = call.commit(env, instance, memory)?;
    Ok((instead.unwrap_or(work), lease, borrowed))
}

/// A task on libuv's thread pool. Nothing of it is JavaScript's: the instance keeps its memory until it has taken in the task's end.
/// One that is dropped before it has run has ended by that, and reports so: nothing else would.
pub struct LibuvTask {
    slot: u32,
    mailbox: Arc<Mailbox>,
    /// None once it has ended, or paused.
    task: Option<Box<Unfinished>>,
}

impl Drop for LibuvTask {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            end(*task, self.slot, &self.mailbox, || Err(Stop::Aborted.error()));
        }
    }
}

/// Reports the end of a task, on this thread.
fn end(task: Unfinished, slot: u32, mailbox: &Mailbox, outcome: impl FnOnce() -> heavy_load_kernel::Result<Value>) {
    let Unfinished { work, control, submitted, began, borrowed } = task;
    let ended = Instant::now();
    // Before the end is known: what the work borrows is free then.
    drop(work);
    let outcome = control.stopped().map_or_else(outcome, |why| Err(why.error()));
    let began = began.unwrap_or(ended);
    let completion = Completion { slot, outcome, wait: began - submitted, run: ended - began };
    match borrowed {
        Some(borrowed) => borrowed.complete(completion),
        None => mailbox.complete(completion),
    }
}

impl Task for LibuvTask {
    type Output = bool;
    type JsValue = bool;

    fn compute(&mut self) -> Result<bool> {
        let Some(mut task) = self.task.take() else { unreachable!("it is computed once") };
        let Some(outcome) = run(&mut task, &self.mailbox) else {
            self.mailbox.paused.put(self.slot, task);
            return Ok(true);
        };
        end(*task, self.slot, &self.mailbox, || outcome);
        Ok(false)
    }

    fn resolve(&mut self, _env: Env, paused: bool) -> Result<bool> {
        Ok(paused)
    }
}

/// Runs a task on this thread, to its end, or until it is to pause: then there is none.
fn run(task: &mut Unfinished, mailbox: &Mailbox) -> Option<heavy_load_kernel::Result<Value>> {
    if process_ends() {
        return None;
    }
    if mailbox.pulse.is_silent() {
        mailbox.knock();
        return None;
    }
    let now = Instant::now();
    if task.began.is_none() {
        task.began = Some(now);
        task.control.begin(now.saturating_duration_since(task.submitted));
        if let Some(borrowed) = &task.borrowed {
            // SAFETY: the lease that pins the memory is in the task's slot, until the end is reported, by this hold. What the
            // memory is otherwise, `call` has seen to when it lent it.
            unsafe { borrowed.open() };
        }
    }
    let (mut beat, mut answered, mut turns) = (now, now, mailbox.pulse.turns());
    task.work.run(&task.control, |now| {
        if now - beat < HEARTBEAT {
            return ControlFlow::Continue(());
        }
        beat = now;
        if process_ends() {
            return ControlFlow::Break(());
        }
        if std::mem::replace(&mut turns, mailbox.pulse.turns()) != turns {
            answered = now;
        }
        mailbox.knock();
        if now - answered < UNANSWERED {
            return ControlFlow::Continue(());
        }
        mailbox.pulse.note_silence();
        ControlFlow::Break(())
    })
}
