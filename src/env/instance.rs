//! What the addon keeps for one *instance*, a copy of the package's JavaScript that was loaded in an environment (the main thread's, or
//! a worker thread's): the way back of completions, and all that ends with the environment.
//!
//! A finished task is put into the [`Mailbox`], which JavaScript drains in bounded batches: into records (`record`).
//!
//! JavaScript alone knows what was reported to its callers: it settles each promise once and counts it (`ledger`). A stopped
//! task, whether its caller or the engine has stopped it, arrives with a tag that says so, never with a value; JavaScript ignores it if its
//! promise has been settled before.
//!
//! Invariants:
//! 1. Every event that is taken out of the mailbox becomes one record, in order: those of `arrived` before all others.
//! 2. The event loop and the copy are kept alive (the threadsafe function is ref'd, its callbacks are held) exactly while
//!    records of tasks are to come. So a copy that is forgotten is collected, and this with it.
//! 3. A lease is dropped when its task's completion is taken in, unless the result stands in the view: then when that is
//!    taken or discarded. The completion comes when nobody holds the memory any more (`borrow`).
//! 4. The cleanup waits until nobody holds memory of the environment, and drops what refers to its values.
//! 5. An external task gives its place back though JavaScript, which does its work, runs no more.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::ptr;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use napi::bindgen_prelude::{Float64ArraySlice, Function};
use napi::{Env, JsValue, Result, Status, sys};
use napi_derive::napi;

use super::environment::{self, Close};
use super::ledger::Kept;
use super::mailbox::{Event, Mailbox};
use super::record::{self, REASONS, Record, place, tag};
use super::slots::{Claim, Refusal, Slot, Slots};
use super::wake::{self, Context, Woken};
use crate::js::reference::{Lease, Reference};
use crate::js::value::{RawValue, check, define, write};
use crate::js::{convert, failure};
use heavy_load_engine::{Completion, Control, Done, Pool, Sink, Stop, Task, catch_panic};
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::fold::KeptFold;
use heavy_load_kernel::value::Value;

/// Bytes that tasks may borrow before submitting one looks for tasks that have ended. Code that awaits nothing but promises
/// does not let the event loop turn, which alone drains the mailbox.
const LENT: usize = 64 << 20;

/// The part that stays on the JavaScript thread.
pub(crate) struct InstanceState {
    env: sys::napi_env,
    pub(crate) mailbox: Arc<Mailbox>,
    waker: sys::napi_threadsafe_function,
    context: *mut Context,
    slots: Slots,
    /// What streams are folded into, by their tasks' slots.
    folds: RefCell<HashMap<u32, KeptFold>>,
    /// Records that have not been drained.
    arrived: RefCell<VecDeque<Record>>,
    /// Tasks whose records have not been drained.
    in_flight: Rc<Cell<usize>>,
    /// The event loop turns no more: what is started now is stopped at once.
    closed: Cell<bool>,
    callbacks: RefCell<Option<Callbacks>>,
    ledgers: RefCell<Vec<Weak<Kept>>>,
}

/// JavaScript's functions, which are held only while tasks are in flight.
struct Callbacks {
    /// `onWake()` drains the mailbox.
    on_wake: Reference,
    /// `detach(view, kernel)` moves a view's ArrayBuffer into a private one and gives the view over that.
    detach: Reference,
}

impl InstanceState {
    fn callback(&self, which: impl Fn(&Callbacks) -> &Reference) -> Result<sys::napi_value> {
        let callbacks = self.callbacks.borrow();
        let callbacks = callbacks.as_ref().ok_or_else(|| napi::Error::from_reason("the environment has ended"))?;
        which(callbacks).get()
    }

    /// Takes a view's memory away from the caller, who gave it to this kernel; gives our own view over it.
    pub(crate) fn detach(&self, env: &Env, view: RawValue, kernel: u32) -> Result<RawValue> {
        let (mut undefined, mut number, mut detached) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        let function = self.callback(|callbacks| &callbacks.detach)?;
        // SAFETY: values and environment of the running callback; out-pointers are locals.
        unsafe {
            check(sys::napi_get_undefined(env.raw(), &mut undefined))?;
            check(sys::napi_create_uint32(env.raw(), kernel, &mut number))?;
            check(sys::napi_call_function(
                env.raw(),
                undefined,
                function,
                2,
                [view.0, number].as_ptr(),
                &mut detached,
            ))?;
        }
        Ok(RawValue(detached))
    }

    /// Remembers the counts of a pool's tasks, to close them with the environment.
    pub(crate) fn keep(&self, ledger: &Rc<Kept>) {
        let mut ledgers = self.ledgers.borrow_mut();
        ledgers.retain(|ledger| ledger.strong_count() > 0);
        ledgers.push(Rc::downgrade(ledger));
    }

    /// Keeps a slot for a task that is about to be made; refused if it has one.
    pub(crate) fn claim(&self, slot: u32) -> std::result::Result<Claim<'_>, Refusal> {
        self.slots.claim(slot)
    }

    /// Notes a task of the pool form.
    pub(crate) fn pooled(&self, claim: Claim<'_>, pool: Arc<Pool>, task: Arc<Task>, lease: Lease) {
        self.fly(claim, Slot::Pooled { pool, task, lease });
    }

    /// Notes an external task.
    pub(crate) fn external(&self, claim: Claim<'_>, pool: Arc<Pool>, task: Arc<Task>) {
        self.fly(claim, Slot::External { pool, task });
    }

    /// Notes a task of the AsyncTask form.
    pub(crate) fn libuv(&self, claim: Claim<'_>, control: Arc<Control>, lease: Lease) {
        self.fly(claim, Slot::Libuv { control, lease });
    }

    /// A task is in flight.
    fn fly(&self, claim: Claim<'_>, state: Slot) {
        if self.in_flight.replace(self.in_flight.get() + 1) == 0 {
            // SAFETY: on the environment's thread, before its end: the threadsafe function lives.
            unsafe { sys::napi_ref_threadsafe_function(self.env, self.waker) };
            if let Some(callbacks) = &*self.callbacks.borrow() {
                callbacks.on_wake.hold();
                callbacks.detach.hold();
            }
        }
        let slot = claim.slot();
        claim.fill(state);
        if self.closed.get() {
            self.give_up(slot);
        }
    }

    /// The record of a task has been drained.
    fn landed(&self) {
        if self.in_flight.replace(self.in_flight.get() - 1) == 1 {
            // SAFETY: as in `fly`.
            unsafe { sys::napi_unref_threadsafe_function(self.env, self.waker) };
            if let Some(callbacks) = &*self.callbacks.borrow() {
                callbacks.on_wake.let_go();
                callbacks.detach.let_go();
            }
        }
    }

    /// From here on, the pieces of a slot's stream are folded into this.
    pub(crate) fn keep_fold(&self, slot: u32, fold: KeptFold) -> heavy_load_kernel::Result<()> {
        let mut folds = self.folds.borrow_mut();
        let reserved = folds.try_reserve(1);
        let (kept, gone) = match reserved {
            Ok(()) => (Ok(()), folds.insert(slot, fold)),
            Err(_) => (Err(EngineError::out_of_memory(size_of::<(u32, KeptFold)>())), Some(fold)),
        };
        drop(folds);
        let_go(gone);
        kept
    }

    /// No more of a slot's stream comes.
    pub(crate) fn drop_fold(&self, slot: u32) {
        let fold = self.folds.borrow_mut().remove(&slot);
        let_go(fold);
    }

    /// What a slot's stream is folded into.
    pub(crate) fn fold(&self, slot: u32) -> Result<KeptFold> {
        self.folds.borrow().get(&slot).cloned().ok_or_else(|| napi::Error::from_reason("nothing to fold into"))
    }

    /// Stops a task of which JavaScript will hear no more.
    fn give_up(&self, slot: u32) {
        self.slots.stop(slot, Stop::Aborted);
        // Whatever begins in its place is given up, too: this is done with all of them.
        if let Some(completion) = self.slots.end(slot).completion {
            self.mailbox.complete(completion);
        }
    }

    /// Takes in what has come: frees its memory, and keeps its records for JavaScript's next drain.
    fn take_all_in(&self) {
        // There may be as many as tasks: without memory for more records, what has come stays in the mailbox, for the next drain.
        while self.arrived.borrow_mut().try_reserve(1).is_ok()
            && let Some(event) = self.mailbox.poll()
        {
            let record = self.take_in(event);
            self.arrived.borrow_mut().push_back(record);
        }
    }

    /// Takes in what has come, if tasks have borrowed much.
    pub(crate) fn reclaim(&self) {
        if self.slots.lent() > LENT {
            self.take_all_in();
        }
    }

    /// Fills `records` with what has come; gives how many there are.
    fn drain(&self, records: &mut [f64], stay: bool) -> u32 {
        let mut count = 0;
        for numbers in records.chunks_exact_mut(place::LENGTH) {
            let arrived = self.arrived.borrow_mut().pop_front();
            let next = arrived.or_else(|| self.mailbox.next(stay).map(|event| self.take_in(event)));
            let Some(next) = next else { break };
            if record::is_end(&next) {
                self.landed();
            }
            numbers.copy_from_slice(&next);
            count += 1;
        }
        count
    }

    fn take_in(&self, event: Event) -> Record {
        match event {
            Event::Drained(pool) => record::drained(pool),
            Event::Begun(slot) => record::begun(slot),
            Event::Completion(Completion { slot, outcome, wait, run }) => {
                record::ended(slot, self.ended(slot, outcome), wait, run)
            }
        }
    }

    /// A task has ended: updates its slot; gives its record's tag and value.
    fn ended(&self, slot: u32, outcome: heavy_load_kernel::Result<Value>) -> (u32, f64) {
        let lease = match self.slots.take(slot) {
            Slot::Pooled { lease, .. } | Slot::Libuv { lease, .. } => lease,
            // Its work was JavaScript's, which has its result.
            Slot::External { .. } if outcome.is_ok() => return (tag::NUMBER, 0.0),
            Slot::External { .. } => Lease::default(),
            // Not so, by `slots`' invariants: a slot is in flight until its completion is taken in, which comes once. But to panic here
            // would cost all the others' completions.
            other => {
                debug_assert!(false, "a completion without a task");
                self.slots.put(slot, other);
                Lease::default()
            }
        };
        if let Err(error) = &outcome
            && let Some(why) = REASONS.iter().position(|why| why.code() == error.code)
        {
            return (tag::STOPPED + why as u32, 0.0);
        }
        if let Ok(Value::Number(number)) = outcome {
            return (tag::NUMBER, number);
        }
        let lease = if matches!(outcome, Ok(Value::Input)) { lease } else { Lease::default() };
        self.slots.put(slot, Slot::Held { outcome, lease });
        (tag::HELD, 0.0)
    }
}

/// Its destructor is a kernel's code.
fn let_go(fold: Option<KeptFold>) {
    let _ = catch_panic(|| {
        drop(fold);
        Ok(())
    });
}

impl Close for InstanceState {
    fn holds(&self, memory: &Range<usize>) -> bool {
        self.slots.hold(memory)
    }

    fn close(&self) {
        self.closed.set(true);
        for ledger in self.ledgers.borrow().iter().filter_map(Weak::upgrade) {
            ledger.ledger.close();
        }
        self.stop_all();
    }
}

impl Woken for InstanceState {
    fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    fn on_wake(&self) -> Result<sys::napi_value> {
        self.callback(|callbacks| &callbacks.on_wake)
    }

    fn stop_all(&self) {
        for slot in 0..self.slots.len() {
            self.give_up(slot as u32);
        }
    }

    /// Nothing is delivered any more, no memory of the environment may stay borrowed, and its values go.
    fn end(&self) {
        self.mailbox.take_waker();
        self.close();
        // Node has waited for libuv's threads before it comes here: so of AsyncTasks, these are all.
        self.mailbox.paused.close();
        self.mailbox.loans.wait_for_all();
        self.slots.clear();
        self.callbacks.take();
        for ledger in self.ledgers.take().iter().filter_map(Weak::upgrade) {
            ledger.finish();
        }
        environment::end();
    }
}

/// Why a task is stopped, by its number in JavaScript.
fn reason(number: u32) -> Stop {
    REASONS.get(number as usize).copied().unwrap_or(Stop::Aborted)
}

impl Drop for InstanceState {
    fn drop(&mut self) {
        // None once the environment has ended, which takes the threadsafe function and the hook by itself.
        if let Some(waker) = self.mailbox.take_waker() {
            // SAFETY: on the environment's thread, before its end; hook and function were made with these and not yet removed.
            // No thread calls the function any more, and `context` is freed by its finalizer.
            unsafe {
                sys::napi_remove_env_cleanup_hook(self.env, Some(wake::cleanup), self.context.cast());
                sys::napi_release_threadsafe_function(waker.0, sys::ThreadsafeFunctionReleaseMode::abort);
            }
        }
    }
}

/// What async hooks are told of the threadsafe function: an object whose `hasRef` says, as those of Node's own handles do, whether it keeps
/// the event loop alive. Nothing of the copy is in it, which would never be collected then.
fn resource(env: &Env, in_flight: Rc<Cell<usize>>) -> Result<sys::napi_value> {
    let has_ref = env.create_function_from_closure::<(), bool, _>("hasRef", move |_| Ok(in_flight.get() > 0))?;
    let mut object = ptr::null_mut();
    // SAFETY: the environment is the running callback's; the out-pointer is a local.
    check(unsafe { sys::napi_create_object(env.raw(), &mut object) })?;
    define(env, object, write(env, "hasRef")?, has_ref.raw())?;
    Ok(object)
}

/// The instance, as JavaScript holds it.
#[napi]
pub struct Instance {
    pub(crate) state: Rc<InstanceState>,
}

#[napi]
impl Instance {
    /// `on_wake()` is to drain the mailbox; `detach(view, kernel)` is to move a view's ArrayBuffer into a private one.
    #[napi(constructor)]
    pub fn new(
        env: Env,
        on_wake: Function<(), ()>,
        #[napi(ts_arg_type = "(view: any, kernel: number) => unknown")] detach: Function<(RawValue, u32), RawValue>,
    ) -> Result<Self> {
        // Threads of ours may run code of this image after the last environment has ended.
        napi::bindgen_prelude::retain_current_module_for_unload_safety();
        let raw = env.raw();
        let callbacks =
            Callbacks { on_wake: Reference::weak(raw, on_wake.raw())?, detach: Reference::weak(raw, detach.raw())? };
        let in_flight = Rc::new(Cell::new(0));
        let resource = resource(&env, Rc::clone(&in_flight))?;
        let context = Context::new();
        let waker = wake::create(&env, context, resource)?;
        let state = Rc::new(InstanceState {
            env: raw,
            mailbox: Arc::default(),
            waker: waker.0,
            context,
            slots: Slots::default(),
            folds: RefCell::default(),
            arrived: RefCell::default(),
            in_flight,
            closed: Cell::new(false),
            callbacks: RefCell::new(Some(callbacks)),
            ledgers: RefCell::default(),
        });
        state.mailbox.set_waker(waker);
        // SAFETY: made above with the function that finalizes it, on this thread; the hook's function takes such a pointer, and is
        // removed before the context is freed, or runs before that.
        unsafe {
            Context::set(context, Rc::downgrade(&state) as Weak<dyn Woken>);
            check(sys::napi_add_env_cleanup_hook(raw, Some(wake::cleanup), context.cast()))?;
        }
        environment::add(Rc::downgrade(&state) as Weak<dyn Close>);
        Ok(Self { state })
    }

    /// A function `(records, stay)` that fills a Float64Array with what has come and gives how many records there are. If
    /// that is as many as it holds, there may be more. With `stay` the event loop counts as awake: the caller will drain again by
    /// itself. A function of its own, as `NativePool::submit_plain`.
    #[napi(getter, ts_return_type = "(records: Float64Array, stay: boolean) => number")]
    pub fn drain<'env>(&self, env: &'env Env) -> Result<Function<'env, (Float64ArraySlice<'static>, bool), u32>> {
        let state = Rc::clone(&self.state);
        env.create_function_from_closure("drain", move |call| {
            let mut records: Float64ArraySlice = call.get(0)?;
            // SAFETY: JavaScript does not run before this returns, and `lib/pool/instance.js` keeps the array to itself.
            Ok(state.drain(unsafe { records.as_mut() }, call.get(1)?))
        })
    }

    /// The result that a slot holds; throws the failure, if it is one.
    #[napi(ts_return_type = "unknown")]
    pub fn take(&self, env: Env, slot: u32) -> Result<RawValue> {
        let (outcome, lease) = match self.state.slots.take(slot) {
            Slot::Held { outcome, lease } => (outcome, lease),
            other => {
                self.state.slots.put(slot, other);
                return Err(napi::Error::new(Status::InvalidArg, "nothing to take"));
            }
        };
        match outcome {
            Ok(value) => convert::output(&env, value, lease.view()).map(RawValue),
            Err(error) => Err(failure::throw(&env, &error)),
        }
    }

    /// Drops the result that a slot holds.
    #[napi]
    pub fn discard(&self, slot: u32) {
        match self.state.slots.take(slot) {
            Slot::Held { .. } => {}
            other => self.state.slots.put(slot, other),
        }
    }

    /// Whether no record is to come for a slot. Then alone may it have another task.
    #[napi]
    pub fn is_free(&self, slot: u32) -> bool {
        self.state.slots.is_free(slot)
    }

    /// Stops a task. False if it has ended by now, though its record may not have been drained: whoever stops it because its time is
    /// over leaves it to that.
    #[napi]
    pub fn stop(&self, slot: u32, why: u32) -> bool {
        self.state.take_all_in();
        self.state.slots.stop(slot, reason(why))
    }

    /// As `stop`, but for a task that has not begun; false if it has.
    #[napi]
    pub fn stop_queued(&self, slot: u32, why: u32) -> bool {
        self.state.take_all_in();
        self.state.slots.stop_queued(slot, reason(why))
    }

    /// A function `(slot, end)` that says that the work of an external task is done, or was given up: its place is free. Gives the slot of a
    /// task that has begun at once in its place, of which no record tells; -1 if there is none. `end[0]` becomes 1 if the task has ended
    /// at once, with `wait` and `run` in `end[1]` and `end[2]`, and no record tells of that; else 0. A function of its own, as
    /// `NativePool::submit_plain`.
    #[napi(getter, ts_return_type = "(slot: number, end: Float64Array) => number")]
    pub fn end<'env>(&self, env: &'env Env) -> Result<Function<'env, (u32, Float64ArraySlice<'static>), f64>> {
        let state = Rc::clone(&self.state);
        env.create_function_from_closure("end", move |call| {
            let mut end: Float64ArraySlice = call.get(1)?;
            let Done { completion, next } = state.slots.end(call.get(0)?);
            let record = completion.map_or([0.0; place::LENGTH], |completion| {
                let [_, _, _, wait, run] = state.take_in(Event::Completion(completion));
                state.landed();
                [1.0, wait, run, 0.0, 0.0]
            });
            // SAFETY: JavaScript does not run before this returns, and `lib/pool/external.js` keeps the array to itself.
            for (number, value) in unsafe { end.as_mut() }.iter_mut().zip(record) {
                *number = value;
            }
            Ok(next.map_or(-1.0, f64::from))
        })
    }

    /// Wakes the event loop to drain, once I/O has had its turn.
    #[napi]
    pub fn knock(&self) {
        self.state.mailbox.knock();
    }

    /// How long a task that has not ended had waited when it began, in milliseconds; -1 if it has not begun.
    #[napi]
    pub fn waited(&self, slot: u32) -> f64 {
        let waited = self.state.slots.waited(slot);
        waited.map_or(-1.0, |waited| waited.as_secs_f64() * 1e3)
    }

    /// The share of a task that is done, 0..=1.
    #[napi]
    pub fn progress(&self, slot: u32) -> f64 {
        self.state.slots.progress(slot)
    }
}
