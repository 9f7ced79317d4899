//! Tables for work of a known type, whose state is the address of the work alone: so it allocates nothing for the border.
//!
//! Every type of work has them: [`Parallel`] and [`Stepped`] have these traits as their supertraits, which nobody implements by hand.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::abi;
use super::sdk::{answer, drop_quietly, give, host, panicked};
use crate::error::{Code, EngineError};
use crate::work::{ThinParallel, ThinStepped};
use crate::{Parallel, Step, Stepped};

impl<T: Parallel> ThinParallel for T {
    fn table(&self) -> &'static abi::WorkTable {
        &Units::<T>::TABLE
    }
}

impl<T: Stepped> ThinStepped for T {
    fn table(&self) -> &'static abi::WorkTable {
        &Machine::<T>::TABLE
    }
}

/// Work in an `Arc`, by the address in it.
struct Units<T>(PhantomData<T>);

impl<T: Parallel> Units<T> {
    const TABLE: abi::WorkTable = abi::WorkTable {
        size: size_of::<abi::WorkTable>() as u32,
        shape: abi::PARALLEL,
        run: Some(Self::run),
        merge: Some(Self::merge),
        step: None,
        call: None,
        progress: Some(Self::progress),
        free: Some(Self::free),
    };

    unsafe extern "C" fn run(state: *mut c_void, from: u64, to: u64, out: *mut abi::Outcome) -> i32 {
        // SAFETY: the state of this table is the address in an `Arc<T>` that the host has, and has not freed.
        let work = unsafe { &*state.cast::<T>() };
        answer(out, || work.run(from..to).map(|()| abi::OK))
    }

    unsafe extern "C" fn merge(state: *mut c_void, out: *mut abi::Outcome) -> i32 {
        // SAFETY: as in `run`; the host has the count of this `Arc`, which is not dropped here.
        let mut work = ManuallyDrop::new(unsafe { Arc::from_raw(state.cast::<T>()) });
        answer(out, || match Arc::get_mut(&mut work) {
            Some(work) => give(work.merge()?, out),
            None => Err(EngineError::new(Code::KernelPanic, "The kernel panicked: it keeps a share of its work")),
        })
    }

    unsafe extern "C" fn progress(state: *mut c_void, done: u64) -> f64 {
        // SAFETY: as in `run`.
        let work = unsafe { &*state.cast::<T>() };
        catch_unwind(AssertUnwindSafe(|| work.progress(done))).unwrap_or_else(|payload| {
            drop(panicked(payload));
            0.0
        })
    }

    unsafe extern "C" fn free(state: *mut c_void) {
        // SAFETY: as in `run`; the host frees it once.
        let work = unsafe { Arc::from_raw(state.cast::<T>()) };
        drop_quietly(work);
    }
}

/// Work in a `Box`, by its address.
struct Machine<T>(PhantomData<T>);

impl<T: Stepped> Machine<T> {
    const TABLE: abi::WorkTable = abi::WorkTable {
        size: size_of::<abi::WorkTable>() as u32,
        shape: abi::STEPPED,
        run: None,
        merge: None,
        step: Some(Self::step),
        call: None,
        progress: None,
        free: Some(Self::free),
    };

    unsafe extern "C" fn step(state: *mut c_void, units: u64, out: *mut abi::Outcome) -> i32 {
        // SAFETY: the state of this table is the address in a `Box<T>` that the host has, and has not freed; only one step runs at a time.
        let work = unsafe { &mut *state.cast::<T>() };
        answer(out, || match work.step(units)? {
            Step::More { progress } => {
                // SAFETY: the outcome of the call that runs.
                unsafe { (host().progress)(out, progress) };
                Ok(abi::MORE)
            }
            Step::Done(next) => give(next, out),
        })
    }

    unsafe extern "C" fn free(state: *mut c_void) {
        // SAFETY: as in `step`; the host frees it once.
        let work = unsafe { Box::from_raw(state.cast::<T>()) };
        drop_quietly(work);
    }
}
