//! The pool form.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use napi::bindgen_prelude::{Float64ArraySlice, Function, FunctionCallContext};
use napi::{Env, Result};
use napi_derive::napi;
use once_cell::sync::OnceCell;

use super::call::{self, Call, Checked, number, timeout_of};
use crate::env::borrow::Borrowed;
use crate::env::instance::{Instance, InstanceState};
use crate::env::ledger::Kept;
use crate::env::mailbox::Mailbox;
use crate::env::slots::Claim;
use crate::js::reference::Lease;
use crate::js::value::RawValue;
use crate::js::{convert, failure};
use heavy_load_engine::{
    Begin, Part, Percentiles, Pool, PoolConfig, Priority, Reservation, Sink, Stats, Tally, TaskConfig,
};
use heavy_load_kernel::error::{Code, EngineError};
use heavy_load_kernel::{Estimate, Work};

/// Where a record of `submitBatch` has what.
pub(crate) mod batch {
    pub(crate) const KERNEL: usize = 0;
    pub(crate) const SLOT: usize = 1;
    pub(crate) const INPUT: usize = 2;
    /// How many numbers it has.
    pub(crate) const LENGTH: usize = 3;
}

/// Which piece of a stream is submitted.
pub(crate) mod part {
    pub(crate) const FIRST: u32 = 0;
    pub(crate) const MIDDLE: u32 = 1;
    pub(crate) const LAST: u32 = 2;
}

/// The first kind of external tasks: half of all numbers are for those, and kernels have the others.
pub(crate) const FIRST_EXTERNAL_KIND: u32 = 1 << 31;

/// The pool that all environments of the process share, made on first use.
static DEFAULT: OnceCell<Arc<Pool>> = OnceCell::new();

/// A pool, as JavaScript holds it.
#[napi]
pub struct NativePool {
    handle: Rc<Handle>,
    interest: Arc<DrainInterest>,
    /// The pool's hold on it is weak, so that a pool that is forgotten sends no events.
    _drain_listener: Arc<dyn Fn() + Send + Sync>,
}

/// Whether JavaScript wants to know when the queue has drained: drain events are sent only if somebody listens, or has read `needsDrain`.
#[derive(Default)]
struct DrainInterest {
    /// It has listeners.
    listening: AtomicBool,
    /// It has read that the queue needs to drain, and may be about to listen.
    asked: AtomicBool,
}

/// A pool, as one environment holds it.
struct Handle {
    /// Or, once it is closed, what it was like at the end.
    pool: RefCell<std::result::Result<Arc<Pool>, Stats>>,
    size: usize,
    instance: Rc<InstanceState>,
    kept: Rc<Kept>,
}

#[napi]
impl NativePool {
    /// A pool of this environment's own, or the `shared` one of the process, which the first to come configures. `number`
    /// names it in `drain`. In `counts`, eight numbers in shared memory, JavaScript counts how it settled its promises: by value,
    /// failure, cancellation, timeout, and refusal after it had been taken; by failure and by refusal before that; and those that are
    /// tried again.
    #[napi(constructor)]
    pub fn new(
        env: Env,
        instance: &Instance,
        number: u32,
        config: NativePoolConfig,
        shared: bool,
        #[napi(ts_arg_type = "Float64Array")] counts: RawValue,
    ) -> Result<Self> {
        let kept = Rc::new(Kept::new(&env, counts)?);
        let pool = if shared {
            DEFAULT.get_or_try_init(|| config.open().map(Arc::new)).cloned()
        } else {
            config.open().map(Arc::new)
        };
        let pool = pool.map_err(|error| failure::throw(&env, &error))?;
        let mailbox: Arc<Mailbox> = Arc::clone(&instance.state.mailbox);
        let interest = Arc::new(DrainInterest::default());
        let interested = Arc::clone(&interest);
        let listener: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            if interested.asked.swap(false, Ordering::SeqCst) || interested.listening.load(Ordering::SeqCst) {
                mailbox.drained(number);
            }
        });
        pool.on_drain(&listener);
        pool.add_tally(Arc::clone(&kept.ledger) as Arc<dyn Tally>);
        instance.state.keep(&kept);
        let size = pool.size();
        let handle = Rc::new(Handle { pool: RefCell::new(Ok(pool)), size, instance: Rc::clone(&instance.state), kept });
        Ok(Self { handle, interest, _drain_listener: listener })
    }

    /// A function `(kernel, slot, input, mayPoll)` that queues a task which says nothing about itself, and is else as
    /// `submit`. It is called once a task: a function of its own costs less than a method, for which napi-rs finds and
    /// guards the instance on each call.
    #[napi(getter, ts_return_type = "(kernel: number, slot: number, input: unknown, mayPoll: boolean) => boolean")]
    pub fn submit_plain<'env>(&self, env: &'env Env) -> Result<Function<'env, (u32, u32, RawValue, bool), bool>> {
        let handle = Rc::clone(&self.handle);
        env.create_function_from_closure("submitPlain", move |call| {
            let (kernel, slot) = (call.get::<u32>(0)?, call.get(1)?);
            let config = TaskConfig { kernel: kernel as usize, ..TaskConfig::default() };
            handle.submit(call.env, &Call::new(call.env, kernel, call.get(2)?, None, 0)?, slot, config, call.get(3)?)
        })
    }

    /// A function `(records, count)` that queues tasks as `submitPlain` does, without polling: `kernel, slot, input` for each,
    /// the input a number. Gives how many were taken; the next was not, and says why if it is submitted by itself.
    #[napi(getter, ts_return_type = "(records: Float64Array, count: number) => number")]
    pub fn submit_batch<'env>(&self, env: &'env Env) -> Result<Function<'env, (Float64ArraySlice<'static>, u32), u32>> {
        let handle = Rc::clone(&self.handle);
        env.create_function_from_closure("submitBatch", move |call| {
            let (records, count): (Float64ArraySlice, u32) = (call.get(0)?, call.get(1)?);
            Ok(handle.submit_batch(records.chunks_exact(batch::LENGTH).take(count as usize)))
        })
    }

    /// A function `(kernel, slot, input, mayPoll, options, handOver, timeout, priority, key, weight, maxThreads)` that queues a
    /// task. `timeout` in milliseconds; infinite for none. True if the caller, who said that it may, is now to poll: the instance is
    /// kept awake, because a thread takes the task up at once. A function of its own, as `submitPlain`.
    #[napi(
        getter,
        ts_return_type = "(kernel: number, slot: number, input: unknown, mayPoll: boolean, options: unknown, handOver: number, timeout: number, priority: number, key: string | undefined, weight: number, maxThreads: number) => boolean"
    )]
    pub fn submit<'env>(&self, env: &'env Env) -> Result<Function<'env, (u32, u32, RawValue, bool), bool>> {
        let handle = Rc::clone(&self.handle);
        env.create_function_from_closure("submit", move |call| {
            let (env, kernel, slot): (Env, u32, u32) = (*call.env, call.get(0)?, call.get(1)?);
            let (input, may_poll, options, hand_over) = (call.get(2)?, call.get(3)?, call.get(4)?, call.get(5)?);
            let config = config_from(&call, kernel, 6)?;
            handle.submit(&env, &Call::new(&env, kernel, input, Some(options), hand_over)?, slot, config, may_poll)
        })
    }

    /// A function `(kernel, slot, piece, part, ran, mayPoll, timeout, priority, key, weight, maxThreads)` that queues the next piece
    /// of a stream, whose slot has had its `fold`: a view that nobody writes before the piece's record has come. `part`: the
    /// first, the last, or another (`constants().part`); `ran`: milliseconds that those before have run. Else as `submit`.
    #[napi(
        getter,
        ts_return_type = "(kernel: number, slot: number, piece: Uint8Array, part: number, ran: number, mayPoll: boolean, timeout: number, priority: number, key: string | undefined, weight: number, maxThreads: number) => boolean"
    )]
    pub fn submit_piece<'env>(&self, env: &'env Env) -> Result<Function<'env, (u32, u32, RawValue, u32), bool>> {
        let handle = Rc::clone(&self.handle);
        env.create_function_from_closure("submitPiece", move |call| {
            let (slot, piece, part, ran): (_, _, u32, f64) = (call.get(1)?, call.get(2)?, call.get(3)?, call.get(4)?);
            let ran = Duration::try_from_secs_f64(ran / 1e3).unwrap_or_default();
            let part = Part { is_first: part == part::FIRST, is_last: part == part::LAST, ran };
            let config = TaskConfig { part, ..config_from(&call, call.get(0)?, 6)? };
            handle.submit_piece(call.env, slot, piece, config, call.get(5)?)
        })
    }

    /// A function `(kind, slot, memory, timeout, priority, key, weight, maxThreads)` that queues an external task: JavaScript does its work,
    /// from its begin to `Instance.end`. True if it has begun at once; else a record tells. `kind`, which is
    /// `constants().firstExternalKind` or more, says which tasks are expected to take alike; `memory` in bytes. Else as `submit`.
    #[napi(
        getter,
        ts_return_type = "(kind: number, slot: number, memory: number, timeout: number, priority: number, key: string | undefined, weight: number, maxThreads: number) => boolean"
    )]
    pub fn submit_external<'env>(&self, env: &'env Env) -> Result<Function<'env, (u32, u32, f64, f64), bool>> {
        let handle = Rc::clone(&self.handle);
        env.create_function_from_closure("submitExternal", move |call| {
            let (kind, slot, memory): (_, _, f64) = (call.get(0)?, call.get(1)?, call.get(2)?);
            // The cast saturates: what is infinite runs alone.
            let config = TaskConfig { memory: memory as u64, ..config_from(&call, kind, 3)? };
            handle.submit_external(call.env, slot, config)
        })
    }

    #[napi(getter)]
    pub fn threads(&self) -> u32 {
        self.handle.size as u32
    }

    #[napi(getter)]
    pub fn needs_drain(&self) -> bool {
        // Before the look, so that a drain after it is reported.
        let asked_before = self.interest.asked.swap(true, Ordering::SeqCst);
        let needs_drain = self.handle.pool().is_ok_and(|pool| pool.needs_drain());
        if !needs_drain && !asked_before {
            self.interest.asked.store(false, Ordering::SeqCst);
        }
        needs_drain
    }

    /// Whether drain events are to be sent from now on.
    #[napi]
    pub fn listen_for_drain(&self, listening: bool) {
        self.interest.listening.store(listening, Ordering::SeqCst);
    }

    /// Lets the pool go: its threads end, unless others share it.
    #[napi]
    pub fn close(&self) {
        let last = self.handle.stats();
        *self.handle.pool.borrow_mut() = Err(last);
    }

    #[napi]
    pub fn stats(&self) -> NativeStats {
        let stats = self.handle.stats();
        NativeStats {
            threads: stats.threads as u32,
            queued: stats.queued as u32,
            running: stats.running as u32,
            completed: stats.completed as f64,
            failed: stats.failed as f64,
            cancelled: stats.cancelled as f64,
            timed_out: stats.timed_out as f64,
            rejected: stats.rejected as f64,
            memory: stats.memory as f64,
            utilization: stats.utilization,
            uptime: stats.uptime.as_secs_f64() * 1e3,
            wait: stats.wait.into(),
            run: stats.run.into(),
        }
    }
}

impl Handle {
    fn pool(&self) -> heavy_load_kernel::Result<Arc<Pool>> {
        let pool = self.pool.borrow();
        pool.as_ref().map(Arc::clone).map_err(|_| EngineError::new(Code::PoolClosed, "The pool is closed"))
    }

    fn stats(&self) -> Stats {
        match &*self.pool.borrow() {
            Ok(pool) => pool.stats(),
            Err(last) => last.clone(),
        }
    }

    fn submit_batch<'a>(&self, records: impl ExactSizeIterator<Item = &'a [f64]>) -> u32 {
        let Ok(pool) = self.pool() else { return 0 };
        let sink: Arc<dyn Sink> = Arc::clone(&self.instance.mailbox) as Arc<dyn Sink>;
        // The claim of the one that is being taken: dropped, if it is not.
        let claimed = Cell::new(None);
        let jobs = records.map(|record| {
            let (kernel, slot) = (record[batch::KERNEL] as u32, record[batch::SLOT] as u32);
            // Why it is refused is not asked here.
            let claim =
                self.instance.claim(slot).map_err(|_| EngineError::new(Code::PoolClosed, "the slot is taken"))?;
            let (job, estimate) = number(kernel, record[batch::INPUT])?;
            claimed.set(Some(claim));
            Ok((job, config_of(kernel as usize, estimate, TaskConfig::default()), slot))
        });
        let mut taken = 0;
        pool.submit_batch(jobs, &sink, |task| {
            let Some(claim) = claimed.take() else { unreachable!("each is claimed just before it is taken") };
            self.kept.ledger.take();
            self.instance.pooled(claim, Arc::clone(&pool), task, Lease::default());
            taken += 1;
        });
        taken
    }

    fn submit(&self, env: &Env, call: &Call, slot: u32, config: TaskConfig, may_poll: bool) -> Result<bool> {
        let throw = |error| failure::throw(env, &error);
        self.instance.reclaim();
        let claim = self.instance.claim(slot).map_err(|refusal| refusal.throw(env))?;
        let Checked { work, estimate, memory } = call.check(env, Some(&self.instance.mailbox))?;
        let config = config_of(config.kernel, estimate, config);
        let pool = self.pool().map_err(throw)?;
        let mut reservation = pool.reserve(work, config, Instant::now()).map_err(throw)?;
        let (mut lease, mut borrowed) = (Lease::default(), None);
        if let Some(memory) = memory {
            let committed = call.commit(env, &self.instance, memory)?;
            if let Some(work) = committed.instead {
                reservation.replace(work).map_err(throw)?;
            }
            (lease, borrowed) = (committed.lease, committed.borrowed);
        }
        self.kept.ledger.take();
        Ok(self.send(&pool, reservation, lease, borrowed, claim, may_poll))
    }

    /// Queues the next piece of a stream, which is one task with those before.
    fn submit_piece(&self, env: &Env, slot: u32, piece: RawValue, config: TaskConfig, may_poll: bool) -> Result<bool> {
        let throw = |error| failure::throw(env, &error);
        self.instance.reclaim();
        let claim = self.instance.claim(slot).map_err(|refusal| refusal.throw(env))?;
        let fold = self.instance.fold(slot)?;
        let (bytes, lease, borrowed) = call::piece(env, &self.instance.mailbox, piece)?;
        let borrowed = Some(borrowed);
        let estimate = Estimate { cost: fold.cost(bytes.len() as u64), memory: 0 };
        let Part { is_first, is_last, .. } = config.part;
        let pool = self.pool().map_err(throw)?;
        let work = Work::stepped(fold.piece(bytes, is_last));
        let config = config_of(config.kernel, estimate, config);
        let reservation = pool.reserve(work, config, Instant::now()).map_err(throw)?;
        if is_first {
            self.kept.ledger.take();
        }
        Ok(self.send(&pool, reservation, lease, borrowed, claim, may_poll))
    }

    /// Queues a task whose work JavaScript does.
    fn submit_external(&self, env: &Env, slot: u32, config: TaskConfig) -> Result<bool> {
        let throw = |error| failure::throw(env, &error);
        let claim = self.instance.claim(slot).map_err(|refusal| refusal.throw(env))?;
        let pool = self.pool().map_err(throw)?;
        let mailbox = &self.instance.mailbox;
        let begin = Arc::clone(mailbox) as Arc<dyn Begin>;
        let reservation = pool.reserve_external(begin, config, Instant::now()).map_err(throw)?;
        self.kept.ledger.take();
        let (task, has_begun) = pool.submit_external(reservation, Arc::clone(mailbox) as Arc<dyn Sink>, slot);
        self.instance.external(claim, Arc::clone(&pool), task);
        Ok(has_begun)
    }

    /// Whether the caller, who said that it may, is now to poll.
    fn send(
        &self,
        pool: &Arc<Pool>,
        reservation: Reservation<'_>,
        lease: Lease,
        borrowed: Option<Borrowed>,
        claim: Claim<'_>,
        may_poll: bool,
    ) -> bool {
        let mailbox = &self.instance.mailbox;
        let sink: Arc<dyn Sink> = match borrowed {
            Some(borrowed) => {
                // SAFETY: `lease`, which pins the memory, stays in the task's slot, below, until the task's end is reported, which this hold
                // reports. What the memory is otherwise, `call` has seen to when it lent it.
                unsafe { borrowed.open() };
                Arc::new(borrowed.into_sink())
            }
            None => Arc::clone(mailbox) as Arc<dyn Sink>,
        };
        let poll = may_poll && pool.is_thread_awake();
        if poll {
            mailbox.stay_awake();
        }
        let task = pool.submit(reservation, sink, claim.slot());
        self.instance.pooled(claim, Arc::clone(pool), task, lease);
        poll
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.kept.finish();
        if let Ok(pool) = &*self.pool.borrow() {
            pool.retire_tally(&(Arc::clone(&self.kept.ledger) as Arc<dyn Tally>));
        }
    }
}

/// What the functions that queue a task have in the same order, from an argument on.
fn config_from(call: &FunctionCallContext<'_>, kernel: u32, from: usize) -> Result<TaskConfig> {
    Ok(TaskConfig {
        kernel: kernel as usize,
        timeout: timeout_of(call.get(from)?),
        priority: priority_of(call.get(from + 1)?),
        key: convert::text(call.env, call.get(from + 2)?)?,
        weight: call.get(from + 3)?,
        max_threads: call.get::<u32>(from + 4)? as usize,
        ..TaskConfig::default()
    })
}

/// By its number.
fn priority_of(number: u32) -> Priority {
    let all = [Priority::High, Priority::Normal, Priority::Low];
    all.into_iter().find(|priority| *priority as u32 == number).unwrap_or(Priority::Normal)
}

/// How a task of this kernel is to be run.
fn config_of(kernel: usize, estimate: Estimate, config: TaskConfig) -> TaskConfig {
    TaskConfig { kernel, cost: estimate.cost, memory: estimate.memory, ..config }
}

/// How many threads a pool has by default, without starting any; throws if what the environment says is no number of threads.
#[napi]
pub fn default_threads(env: Env) -> Result<u32> {
    heavy_load_engine::default_threads().map(|threads| threads as u32).map_err(|error| failure::throw(&env, &error))
}

/// A pool's own configuration.
#[napi(object)]
pub struct NativePoolConfig {
    /// 0: as many as the machine has for us.
    pub threads: u32,
    pub max_queue: f64,
    pub niceness: u32,
    /// Bytes.
    pub max_memory: f64,
    pub name: String,
}

impl NativePoolConfig {
    fn open(self) -> heavy_load_kernel::Result<Pool> {
        let threads = if self.threads == 0 { heavy_load_engine::default_threads()? } else { self.threads as usize };
        let Self { max_queue, niceness, max_memory, name, .. } = self;
        // The casts saturate: what is infinite has the largest number.
        let (max_queue, max_memory) = (max_queue as usize, max_memory as u64);
        Pool::new(PoolConfig { threads, max_queue, niceness: niceness as u8, max_memory, name })
    }
}

#[napi(object)]
pub struct NativeStats {
    pub threads: u32,
    pub queued: u32,
    pub running: u32,
    pub completed: f64,
    pub failed: f64,
    pub cancelled: f64,
    pub timed_out: f64,
    pub rejected: f64,
    pub memory: f64,
    pub utilization: f64,
    /// Milliseconds.
    pub uptime: f64,
    pub wait: NativePercentiles,
    pub run: NativePercentiles,
}

#[napi(object)]
pub struct NativePercentiles {
    pub count: f64,
    pub mean: f64,
    pub min: f64,
    pub max: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
}

impl From<Percentiles> for NativePercentiles {
    fn from(percentiles: Percentiles) -> Self {
        let Percentiles { count, mean, min, max, p50, p90, p99, p999 } = percentiles;
        Self { count: count as f64, mean, min, max, p50, p90, p99, p999 }
    }
}
