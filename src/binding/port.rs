//! One port an environment (the main thread, or a worker thread): the way back of completions, and all that ends with
//! the environment.
//!
//! A finished task is pushed to a channel, and the port is woken only if it is not awake already; JavaScript then drains the
//! channel in bounded batches. Completions are written as numbers into a Float64Array, so that the many that are just a
//! number cost no more than that.
//!
//! Invariants:
//! 1. Whoever pushes wakes the port unless `awake` was set; the port clears `awake` only when it has found the channel empty,
//!    and looks again after that; JavaScript keeps it set only while it is going to drain anyway. So no completion stays
//!    behind.
//! 2. The event loop is kept alive (the threadsafe function is ref'd) exactly while tasks of this environment are in flight.
//! 3. No thread calls the threadsafe function once the environment's cleanup has begun: `Link::waker` is empty from then on.
//! 4. The cleanup waits for the tasks that borrow memory of the environment.
//! 5. How a task ended is counted once, here, when its caller is told: by `stop` or by `drain`, whichever is first.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};

use crossbeam_channel::{Receiver, Sender, unbounded};
use napi::bindgen_prelude::{Float64ArraySlice, Function};
use napi::{Env, JsValue, Result, Status, sys};
use napi_derive::napi;

use super::convert::{self, JsArg, check};
use super::failure;
use super::pinned::{Lease, Pinned};
use crate::engine::{Completion, Control, Outcome, Pool, Sink, Stop, Task};
use crate::kernel;
use crate::value::Value;

/// Numbers a record has: slot, tag, value, wait and run in milliseconds.
const RECORD: usize = 5;
/// The record's third number is the result.
const TAG_NUMBER: f64 = 0.0;
/// The result, or failure, is to be fetched with `take`.
const TAG_TAKE: f64 = 1.0;
/// The slot is not a task's but a pool's, whose queue has drained.
const TAG_DRAIN: f64 = 2.0;

/// What other threads hold of a port.
pub(super) struct Link {
    events: Sender<Event>,
    inbox: Receiver<Event>,
    awake: AtomicBool,
    /// Empty once the environment is ending.
    waker: RwLock<Option<Waker>>,
    /// Tasks that borrow memory of the environment.
    borrowing: Mutex<usize>,
    returned: Condvar,
}

enum Event {
    Completion(Completion),
    Drained(u32),
}

struct Waker(sys::napi_threadsafe_function);

// SAFETY: N-API lets any thread call a threadsafe function until its environment ends; `Link::waker` is emptied, under
// its lock, before that.
unsafe impl Send for Waker {}
// SAFETY: as above; calls may be made by many threads at once.
unsafe impl Sync for Waker {}

impl Link {
    /// Tells the port that the queue of its pool `number` has drained.
    pub(super) fn drained(&self, number: u32) {
        self.push(Event::Drained(number));
    }

    /// The event loop is going to drain by itself, so nobody needs to wake it.
    pub(super) fn stay_awake(&self) {
        self.awake.store(true, Ordering::SeqCst);
    }

    /// Has the event loop drain, unless it is going to.
    fn wake(&self) {
        // A look first, so that the many that find it awake write nothing that other threads read.
        fence(Ordering::SeqCst);
        if !self.awake.load(Ordering::SeqCst) && !self.awake.swap(true, Ordering::SeqCst) {
            self.knock();
        }
    }

    /// Has the event loop look in, whatever there is to drain, and whatever JavaScript was going to do before it was
    /// terminated.
    pub(super) fn knock(&self) {
        if let Some(waker) = &*self.waker.read().unwrap_or_else(PoisonError::into_inner) {
            // SAFETY: the lock is held, so the environment's cleanup, which empties `waker` first, has not gone on.
            unsafe {
                sys::napi_call_threadsafe_function(
                    waker.0,
                    ptr::null_mut(),
                    sys::ThreadsafeFunctionCallMode::nonblocking,
                );
            }
        }
    }

    fn push(&self, event: Event) {
        // The receiver lives in the same struct, so this cannot fail.
        let _ = self.events.send(event);
        self.wake();
    }
}

impl Sink for Link {
    fn complete(&self, completion: Completion) {
        self.push(Event::Completion(completion));
    }
}

/// The sink of a task that borrows memory of the environment.
pub(super) struct Borrowing(Arc<Link>);

impl Borrowing {
    pub(super) fn new(link: &Arc<Link>) -> Self {
        *link.borrowing.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self(Arc::clone(link))
    }
}

impl Sink for Borrowing {
    /// Comes once, after the task's work, which did the borrowing, has been dropped.
    fn complete(&self, completion: Completion) {
        self.0.complete(completion);
        *self.0.borrowing.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.returned.notify_all();
    }
}

/// What the port knows of a slot.
#[derive(Default)]
enum Slot {
    #[default]
    Free,
    /// A task of the pool form.
    Pooled { pool: Arc<Pool>, task: Arc<Task>, lease: Lease, counted: bool },
    /// A task of the AsyncTask form.
    Inline(Arc<Control>),
    /// The task has ended; its result waits to be taken.
    Ended { task: Arc<Task>, outcome: kernel::Result<Value>, lease: Lease },
    /// JavaScript has the result, and may not have settled the promise with it yet.
    Arrived { task: Arc<Task>, counted: Outcome },
}

/// The port's part that stays on the JavaScript thread.
pub(super) struct PortState {
    pub(super) link: Arc<Link>,
    waker: sys::napi_threadsafe_function,
    slots: RefCell<Vec<Slot>>,
    pooled: Cell<usize>,
    /// The event loop turns no more: what is started now is stopped at once.
    closed: Cell<bool>,
    /// `detach(view)`: moves a view's ArrayBuffer into a private one and gives the view over that.
    detach: Pinned,
}

impl PortState {
    /// Takes a view's memory away from the caller; gives our own view over it.
    pub(super) fn detach(&self, env: &Env, view: JsArg) -> Result<JsArg> {
        let (mut undefined, mut detached) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: values and environment of the running callback; out-pointers are locals.
        unsafe {
            check(sys::napi_get_undefined(env.raw(), &mut undefined))?;
            let function = self.detach.get(env.raw())?;
            check(sys::napi_call_function(env.raw(), undefined, function, 1, &view.0, &mut detached))?;
        }
        Ok(JsArg(detached))
    }

    /// Notes a task of the pool form.
    pub(super) fn pooled(&self, env: &Env, pool: Arc<Pool>, task: Arc<Task>, lease: Lease) {
        if self.pooled.replace(self.pooled.get() + 1) == 0 {
            // SAFETY: on the environment's thread, before its end: the threadsafe function lives.
            unsafe { sys::napi_ref_threadsafe_function(env.raw(), self.waker) };
        }
        let slot = task.slot;
        self.put(slot, Slot::Pooled { pool, task, lease, counted: false });
        if self.closed.get() {
            self.stop(slot, Stop::Aborted);
        }
    }

    /// Notes a task of the AsyncTask form.
    pub(super) fn inline(&self, slot: u32, control: Arc<Control>) {
        if self.closed.get() {
            control.stop(Stop::Aborted);
        }
        self.put(slot, Slot::Inline(control));
    }

    /// The task of the AsyncTask form has ended.
    pub(super) fn inline_ended(&self, slot: u32) {
        self.put(slot, Slot::Free);
    }

    fn put(&self, slot: u32, state: Slot) {
        let (mut slots, index) = (self.slots.borrow_mut(), slot as usize);
        if slots.len() <= index {
            slots.resize_with(index + 1, Slot::default);
        }
        slots[index] = state;
    }

    fn stop(&self, slot: u32, why: Stop) {
        let stopped = if why == Stop::TimedOut { Outcome::TimedOut } else { Outcome::Cancelled };
        let pooled = match self.slots.borrow_mut().get_mut(slot as usize) {
            Some(Slot::Pooled { pool, task, counted, .. }) => {
                if !std::mem::replace(counted, true) {
                    task.count(stopped);
                }
                Some((Arc::clone(pool), Arc::clone(task)))
            }
            Some(Slot::Inline(control)) => {
                control.stop(why);
                None
            }
            // Too late for the task, but not for its promise.
            Some(Slot::Ended { task, outcome, .. }) => {
                task.recount(Outcome::of(outcome), stopped);
                *outcome = Err(why.error());
                None
            }
            Some(Slot::Arrived { task, counted }) => {
                task.recount(*counted, stopped);
                *counted = stopped;
                None
            }
            _ => None,
        };
        if let Some((pool, task)) = pooled {
            pool.stop(&task, why);
        }
    }

    fn stop_all(&self, why: Stop) {
        let slots = self.slots.borrow().len();
        for slot in 0..slots {
            self.stop(slot as u32, why);
        }
    }

    /// Fills `records` with what has come; gives how many there are.
    fn drain(&self, env: &Env, records: &mut [f64], stay: bool) -> u32 {
        let mut count = 0;
        for record in records.chunks_exact_mut(RECORD) {
            let Some(event) = self.next_event(stay) else { break };
            count += 1;
            let fields: [f64; RECORD] = match event {
                Event::Drained(pool) => [f64::from(pool), TAG_DRAIN, 0.0, 0.0, 0.0],
                Event::Completion(completion) => {
                    let slot = f64::from(completion.slot);
                    let (wait, run) = (completion.wait.as_secs_f64() * 1e3, completion.run.as_secs_f64() * 1e3);
                    let (tag, value) = self.ended(env, completion);
                    if self.pooled.replace(self.pooled.get() - 1) == 1 {
                        // SAFETY: on the environment's thread, before its end: the threadsafe function lives.
                        unsafe { sys::napi_unref_threadsafe_function(env.raw(), self.waker) };
                    }
                    [slot, tag, value, wait, run]
                }
            };
            record.copy_from_slice(&fields);
        }
        count
    }

    fn next_event(&self, stay: bool) -> Option<Event> {
        let link = &self.link;
        loop {
            if let Ok(event) = link.inbox.try_recv() {
                return Some(event);
            }
            if stay {
                link.stay_awake();
                return None;
            }
            link.awake.store(false, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            // Something that came in between may have seen `awake` still set: then it is ours to fetch.
            if link.inbox.is_empty() || link.awake.swap(true, Ordering::SeqCst) {
                return None;
            }
        }
    }

    /// Takes a completion in; its record's tag and number.
    fn ended(&self, env: &Env, completion: Completion) -> (f64, f64) {
        let Completion { slot, outcome, .. } = completion;
        let mut slots = self.slots.borrow_mut();
        let Some(state) = slots.get_mut(slot as usize) else { return (TAG_TAKE, 0.0) };
        let Slot::Pooled { task, lease, counted, .. } = std::mem::take(state) else { return (TAG_TAKE, 0.0) };
        let ended = Outcome::of(&outcome);
        if counted {
            // Its promise was settled when it was stopped.
            lease.release(env.raw());
            return (TAG_NUMBER, 0.0);
        }
        task.count(ended);
        if let Ok(Value::Number(number)) = outcome {
            lease.release(env.raw());
            *state = Slot::Arrived { task, counted: ended };
            return (TAG_NUMBER, number);
        }
        *state = Slot::Ended { task, outcome, lease };
        (TAG_TAKE, 0.0)
    }

    /// The environment ends: nothing is delivered any more, and no memory of it may stay borrowed.
    fn close(&self) {
        self.closed.set(true);
        self.link.waker.write().unwrap_or_else(PoisonError::into_inner).take();
        self.stop_all(Stop::Aborted);
        let mut borrowing = self.link.borrowing.lock().unwrap_or_else(PoisonError::into_inner);
        while *borrowing > 0 {
            borrowing = self.link.returned.wait(borrowing).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The port, as JavaScript holds it.
#[napi]
pub struct Port {
    pub(super) state: Rc<PortState>,
}

#[napi]
impl Port {
    /// `on_wake()` is to drain the port; `detach(view)` is to move a view's ArrayBuffer into a private one.
    #[napi(constructor)]
    pub fn new(
        env: Env,
        on_wake: Function<(), ()>,
        #[napi(ts_arg_type = "(view: any) => unknown")] detach: Function<JsArg, JsArg>,
    ) -> Result<Self> {
        // Threads of ours may run code of this image after the last environment has ended.
        napi::bindgen_prelude::retain_current_module_for_unload_safety();
        let (events, inbox) = unbounded();
        let link = Arc::new(Link {
            events,
            inbox,
            awake: AtomicBool::new(false),
            waker: RwLock::new(None),
            borrowing: Mutex::new(0),
            returned: Condvar::new(),
        });
        // The callback finds the port through a pointer that is set below, before anything can call it.
        let context: *mut std::rc::Weak<PortState> = Box::into_raw(Box::default());
        let waker = create_waker(&env, on_wake.raw(), context.cast())?;
        let state = Rc::new(PortState {
            link,
            waker,
            slots: RefCell::default(),
            pooled: Cell::new(0),
            closed: Cell::new(false),
            detach: Pinned::new(env.raw(), detach.raw())?,
        });
        // SAFETY: the box was leaked above and is freed only by the threadsafe function's finalizer, at the end of the
        // environment; it is accessed on this thread alone.
        unsafe { *context = Rc::downgrade(&state) };
        *state.link.waker.write().unwrap_or_else(PoisonError::into_inner) = Some(Waker(waker));
        env.add_env_cleanup_hook(Rc::clone(&state), |state| state.close())?;
        Ok(Self { state })
    }

    /// A function `(records, stay)` that fills a Float64Array with what has come and gives how many records there are. If
    /// that is as many as it holds, there may be more. With `stay` the port stays awake: the caller will drain again by
    /// itself. A function of its own, as `NativePool::submit_plain`.
    #[napi(getter, ts_return_type = "(records: Float64Array, stay: boolean) => number")]
    pub fn drain<'env>(&self, env: &'env Env) -> Result<Function<'env, (Float64ArraySlice<'static>, bool), u32>> {
        let state = Rc::clone(&self.state);
        env.create_function_from_closure("drain", move |call| {
            let mut records: Float64ArraySlice = call.get(0)?;
            // SAFETY: JavaScript does not run before this returns, and `lib/tasks.js` keeps the array to itself.
            Ok(state.drain(call.env, unsafe { records.as_mut() }, call.get(1)?))
        })
    }

    /// The result of a slot that `drain` has named; throws the failure, if it is one.
    #[napi(ts_return_type = "unknown")]
    pub fn take(&self, env: Env, slot: u32) -> Result<JsArg> {
        let state = self.state.slots.borrow_mut().get_mut(slot as usize).map(std::mem::take);
        let Some(Slot::Ended { task, outcome, lease }) = state else {
            return Err(napi::Error::new(Status::InvalidArg, "nothing to take"));
        };
        self.state.put(slot, Slot::Arrived { task, counted: Outcome::of(&outcome) });
        let result = match outcome {
            Ok(value) => convert::output(&env, value, lease.view()).map(JsArg),
            Err(error) => Err(failure::throw(&env, &error)),
        };
        lease.release(env.raw());
        result
    }

    /// Stops a task whose completion has not come; gives the failure that its promise is to reject with.
    #[napi(ts_return_type = "object")]
    pub fn stop(&self, env: Env, slot: u32, why: u32) -> Result<JsArg> {
        let why = match why {
            1 => Stop::TimedOut,
            2 => Stop::Closed,
            _ => Stop::Aborted,
        };
        self.state.stop(slot, why);
        failure::to_object(&env, &why.error()).map(JsArg)
    }

    /// Stops every task of this environment, whose event loop does not turn any more.
    #[napi]
    pub fn close(&self) {
        self.state.close();
    }

    /// The share of a task that is done, 0..=1.
    #[napi]
    pub fn progress(&self, slot: u32) -> f64 {
        match self.state.slots.borrow().get(slot as usize) {
            Some(Slot::Pooled { task, .. }) => task.progress(),
            Some(Slot::Inline(control)) => control.progress(),
            _ => 0.0,
        }
    }
}

fn create_waker(env: &Env, on_wake: sys::napi_value, context: *mut c_void) -> Result<sys::napi_threadsafe_function> {
    let (mut name, mut waker) = (ptr::null_mut(), ptr::null_mut());
    const NAME: &str = "heavy-load.port";
    // SAFETY: environment and function are those of the running callback; `context` is a leaked box, freed by
    // `free_context` alone; out-pointers are locals.
    unsafe {
        check(sys::napi_create_string_utf8(env.raw(), NAME.as_ptr().cast(), NAME.len() as isize, &mut name))?;
        check(sys::napi_create_threadsafe_function(
            env.raw(),
            on_wake,
            ptr::null_mut(),
            name,
            0,
            1,
            context,
            Some(free_context),
            context,
            Some(call_on_wake),
            &mut waker,
        ))?;
        check(sys::napi_unref_threadsafe_function(env.raw(), waker))?;
    }
    Ok(waker)
}

unsafe extern "C" fn free_context(_env: sys::napi_env, context: *mut c_void, _hint: *mut c_void) {
    // SAFETY: N-API calls this once, at the end, with the box that was leaked for it in `Port::new`.
    drop(unsafe { Box::from_raw(context.cast::<std::rc::Weak<PortState>>()) });
}

/// Runs on the environment's thread, once a wake.
unsafe extern "C" fn call_on_wake(
    env: sys::napi_env,
    on_wake: sys::napi_value,
    context: *mut c_void,
    _data: *mut c_void,
) {
    if env.is_null() || on_wake.is_null() {
        return;
    }
    let (mut undefined, mut result) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: N-API gives a valid environment and function, and the context that the function was created with, which
    // lives until its finalizer; it is accessed on this thread alone.
    let (status, port) = unsafe {
        sys::napi_get_undefined(env, &mut undefined);
        let status = sys::napi_call_function(env, undefined, on_wake, 0, ptr::null(), &mut result);
        (status, (*context.cast::<std::rc::Weak<PortState>>()).upgrade())
    };
    // `on_wake` does not throw: so JavaScript cannot run, because the environment is being terminated. Node waits for
    // libuv's tasks before it runs cleanup hooks, so those have to be stopped here.
    if status != sys::Status::napi_ok
        && let Some(port) = port
    {
        port.stop_all(Stop::Aborted);
        port.link.awake.store(false, Ordering::SeqCst);
    }
}
