//! A call's arguments on their way into a kernel's work, with the memory they bring.
//!
//! Invariants:
//! 1. The caller's code (getters of its options) runs before any address is read.
//! 2. An address is read from a view whose ArrayBuffer is not detached, and of the kind (shared or not) that its hand-over
//!    claims; it is used after the call only if JavaScript cannot free the memory: shared, frozen or moved.
//! 3. *Check*, then *commit*: memory is copied or moved only when the call cannot be refused for overload any more. Until then the work
//!    is prepared over the caller's memory, which is closed to it. If the memory is still at the
//!    same address after the commit, that is the work to run, so that all that could fail has been done before it.
//! 4. No JavaScript of the caller's runs between the two.

use std::sync::Arc;
use std::time::Duration;

use napi::{Env, Result};
use napi_derive::napi;

use crate::env::borrow::Borrowed;
use crate::env::instance::InstanceState;
use crate::env::mailbox::Mailbox;
use crate::js::convert;
use crate::js::failure;
use crate::js::reference::Lease;
use crate::js::value::RawValue;
use crate::js::view::{FoundView, copy, view};
use crate::registry;
use heavy_load_engine::{Job, catch_panic};
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::fold::KeptFold;
use heavy_load_kernel::value::{Bytes, Element, Loan, Memory, Options, Owned, Value, View};
use heavy_load_kernel::{Estimate, Kernel, Work};

/// How a buffer reaches a kernel. `lib/buffers.js` knows which it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandOver {
    Copy,
    Transfer,
    Shared,
    Frozen,
}

/// Set beside the hand-over's number if JavaScript gave a bare buffer, and the view is only ours.
pub(crate) const BARE: u32 = 8;

/// A call with a number that the kernel is sure to take, without options. If it says beforehand how much that is, it is prepared where it
/// runs.
pub(super) fn number(kernel: u32, input: f64) -> heavy_load_kernel::Result<(Job, Estimate)> {
    let (kernel, options) = (registry::kernel(kernel)?, Options::default());
    let estimate = catch_panic(|| Ok(kernel.estimate(&Value::Number(input), &options)))?;
    if estimate.cost > 0 && estimate.memory == 0 {
        return Ok((Job::unprepared(kernel, input, estimate.cost), estimate));
    }
    let (work, estimate) = catch_panic(|| kernel.check(Value::Number(input), &options))?;
    Ok((Job::new(work)?, estimate))
}

pub(super) struct Call {
    number: u32,
    kernel: &'static dyn Kernel,
    options: Options,
    arg: RawValue,
    hand_over: HandOver,
    bare: bool,
}

/// A call whose arguments are right.
pub(super) struct Checked {
    /// Unless `commit` gives other work, this is the work to run.
    pub(super) work: Work,
    /// What the call takes.
    pub(super) estimate: Estimate,
    /// The input, if it is memory.
    pub(super) memory: Option<Claim>,
}

/// Memory that is not the kernel's yet.
pub(super) struct Claim {
    found: FoundView,
    /// None for a copy, whose work is a draft.
    borrowed: Option<Borrowed>,
}

/// What `commit` leaves to do.
#[derive(Default)]
pub(super) struct Committed {
    /// The work to run instead, if the memory was copied or moved.
    pub(super) instead: Option<Work>,
    /// What keeps the memory alive until the task has ended.
    pub(super) lease: Lease,
    /// What the work holds of the lease's memory. It is to be opened, when nothing can be refused any more.
    pub(super) borrowed: Option<Borrowed>,
}

impl HandOver {
    /// By its number.
    fn of(number: u32) -> Self {
        let all = [Self::Copy, Self::Transfer, Self::Shared, Self::Frozen];
        all.into_iter().find(|one| *one as u32 == number).unwrap_or(Self::Copy)
    }
}

impl Call {
    pub(super) fn new(
        env: &Env,
        number: u32,
        arg: RawValue,
        options: Option<RawValue>,
        hand_over: u32,
    ) -> Result<Self> {
        let kernel = registry::kernel(number).map_err(|error| failure::throw(env, &error))?;
        let options = match options {
            Some(options) => convert::options(env, options, kernel.spec())?,
            None => Options::default(),
        };
        let bare = hand_over & BARE != 0;
        Ok(Self { number, kernel, options, arg, hand_over: HandOver::of(hand_over & !BARE), bare })
    }

    /// Checks the arguments, over the caller's memory. Without a mailbox the work never runs.
    pub(super) fn check(&self, env: &Env, mailbox: Option<&Arc<Mailbox>>) -> Result<Checked> {
        let (value, memory) = match view(env, self.arg)? {
            None => (convert::value(env, self.arg)?, None),
            Some(found) => {
                self.admits(env, &found)?;
                let borrowed = mailbox.filter(|_| self.hand_over != HandOver::Copy).map(Mailbox::lend);
                let memory = self.lend(&found, borrowed.as_ref());
                (Value::View(self.view(found.element, memory)), Some(Claim { found, borrowed }))
            }
        };
        let checked = catch_panic(|| self.kernel.check(value, &self.options));
        let (work, estimate) = checked.map_err(|error| failure::throw(env, &error))?;
        Ok(Checked { work, estimate, memory })
    }

    /// Takes over the memory that was checked, now that the call cannot be refused for overload any more. No JavaScript has run since,
    /// so the view is as it was found.
    pub(super) fn commit(&self, env: &Env, instance: &InstanceState, memory: Claim) -> Result<Committed> {
        let Claim { found, borrowed } = memory;
        match self.hand_over {
            HandOver::Shared => Ok(Committed { instead: None, lease: found.pin(env, self.arg)?, borrowed }),
            HandOver::Frozen => Ok(Committed { instead: None, lease: found.pin(env, self.arg)?.private(), borrowed }),
            HandOver::Copy if self.kernel.spec().in_place => {
                let copy = copy(env, &found)?;
                self.take(env, instance, copy, None)
            }
            HandOver::Copy => {
                // SAFETY: V8 gave the address of `len` bytes, and JavaScript, which alone writes or frees them, has not run since
                // (invariant 4).
                let copy = unsafe { Owned::copy(found.start, found.len) };
                let memory = Memory::owned(copy.map_err(|error| failure::throw(env, &error))?);
                let work = self.work(env, Value::View(self.view(found.element, memory)))?;
                Ok(Committed { instead: Some(work), ..Committed::default() })
            }
            HandOver::Transfer => {
                let moved = instance.detach(env, self.arg, self.number)?;
                if !found.is_detached(env) {
                    return Err(napi::Error::from_reason("the buffer was not detached"));
                }
                self.take(env, instance, moved, Some((found, borrowed)))
            }
        }
    }

    /// Takes over a view that only we know; `before` is the memory over which the checked work was prepared.
    fn take(
        &self,
        env: &Env,
        instance: &InstanceState,
        own: RawValue,
        before: Option<(FoundView, Option<Borrowed>)>,
    ) -> Result<Committed> {
        let Some(found) = view(env, own)? else { return Err(napi::Error::from_reason("not a view")) };
        let lease = found.pin(env, own)?;
        if let Some((before, borrowed)) = before
            && (before.element, before.start, before.len) == (found.element, found.start, found.len)
        {
            return Ok(Committed { instead: None, lease, borrowed }); // the work is over this memory
        }
        let borrowed = instance.mailbox.lend();
        // SAFETY: V8 gave the address of `len` bytes, aligned to their elements. The loan is opened while the lease pins our view, the only
        // one that knows them, until the end of the task is reported.
        let memory = unsafe { Memory::moved(found.start, found.len, borrowed.loan()) };
        let work = self.work(env, Value::View(self.view(found.element, memory)))?;
        Ok(Committed { instead: Some(work), lease, borrowed: Some(borrowed) })
    }

    /// The caller's memory as the hand-over will make it; it can never be opened if nobody borrows it.
    fn lend(&self, found: &FoundView, borrowed: Option<&Borrowed>) -> Memory {
        let (start, len) = (found.start, found.len);
        let loan = || borrowed.map_or_else(|| Loan::new(()) as Arc<Loan>, Borrowed::loan);
        // SAFETY: V8 gave the address of `len` bytes, aligned to their elements. The loan is opened only after `commit`, while the view is
        // pinned that stands on them, until the end of the task is reported. What is shared is neither detached nor moved, ever, and
        // others access it outside Rust, or as other calls' shared memory. A frozen view is known to `lib/buffers.js` alone, which gives
        // it to nobody while a task reads it, by its own count and by the instance's leases (`is_lent`). Moved bytes are known to our own
        // view alone; if they have not kept their address, `take` drops this loan.
        unsafe {
            match self.hand_over {
                HandOver::Copy => Memory::draft(len),
                HandOver::Transfer => Memory::moved(start, len, loan()),
                HandOver::Shared => Memory::shared(start, len, loan()),
                HandOver::Frozen => Memory::frozen(start, len, loan()),
            }
        }
    }

    fn view(&self, element: Element, memory: Memory) -> View {
        View { element, bare: self.bare, memory }
    }

    fn work(&self, env: &Env, value: Value) -> Result<Work> {
        catch_panic(|| self.kernel.prepare(value, &self.options)).map_err(|error| failure::throw(env, &error))
    }

    /// Checks again what `lib/buffers.js` has found, since the caller's code has run meanwhile.
    fn admits(&self, env: &Env, found: &FoundView) -> Result<()> {
        if found.is_detached(env) || found.shared != (self.hand_over == HandOver::Shared) {
            let received = Value::Other("a detached view".into());
            let error = EngineError::invalid_hand_over(self.kernel.spec().input, "must not be detached", &received);
            return Err(failure::throw(env, &error));
        }
        Ok(())
    }
}

/// What a stream of input is folded into by this kernel.
pub(super) fn fold(env: &Env, kernel: u32, options: RawValue) -> Result<KeptFold> {
    let kernel = registry::kernel(kernel).map_err(|error| failure::throw(env, &error))?;
    let options = convert::options(env, options, kernel.spec())?;
    let fold = catch_panic(|| kernel.fold(&options)).map_err(|error| failure::throw(env, &error))?;
    Ok(KeptFold::new(fold))
}

/// A piece of a stream, in memory that nobody writes before its task has ended (`lib/pool/feed.js`), and that is pinned until then.
pub(super) fn piece(env: &Env, mailbox: &Arc<Mailbox>, arg: RawValue) -> Result<(Bytes, Lease, Borrowed)> {
    let Some(found) = view(env, arg)? else { return Err(napi::Error::from_reason("not a view")) };
    let (lease, borrowed) = (found.pin(env, arg)?.private(), mailbox.lend());
    // SAFETY: V8 gave the address of `len` bytes. The loan is opened while the lease pins their view, and until the end of the task is
    // reported nobody writes or detaches them.
    let memory = unsafe { Memory::frozen(found.start, found.len, borrowed.loan()) };
    Ok((memory.into_bytes(), lease, borrowed))
}

/// Checks a call's arguments as `submit` does, and runs nothing: its work is done elsewhere.
#[napi]
pub fn check_call(
    env: Env,
    kernel: u32,
    #[napi(ts_arg_type = "unknown")] input: RawValue,
    #[napi(ts_arg_type = "unknown")] options: RawValue,
    hand_over: u32,
) -> Result<()> {
    Call::new(&env, kernel, input, Some(options), hand_over)?.check(&env, None).map(drop)
}

/// A timeout in milliseconds as JavaScript gives it; infinite, or longer than the clock can hold, for none.
pub(super) fn timeout_of(ms: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(ms / 1e3).ok()
}
