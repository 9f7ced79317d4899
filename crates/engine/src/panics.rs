//! The one place that catches panics: a panic costs one promise, never the process.
//!
//! Invariant: the closure given to [`catch_panic`] owns nothing whose destructor may panic, unless it is there to drop that one thing. A
//! destructor that panics while a panic unwinds ends the process, and nothing can catch it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use heavy_load_kernel::Result;
use heavy_load_kernel::error::{Code, EngineError};

/// Runs kernel code; a panic in it becomes ERR_KERNEL_PANIC.
///
/// # Errors
/// Those of `f`, and ERR_KERNEL_PANIC.
pub fn catch_panic<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    // Asserted, because whatever a kernel was changing when it panicked is dropped and never run again.
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| Err(panic_error(payload)))
}

/// Drops a piece of kernel data, whose destructor may panic. One piece at a time: two in one value may both panic.
///
/// # Errors
/// ERR_KERNEL_PANIC.
pub(super) fn drop_catching_panic<T>(value: T) -> Result<()> {
    catch_panic(|| {
        drop(value);
        Ok(())
    })
}

#[cold]
fn panic_error(payload: Box<dyn Any + Send>) -> EngineError {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown panic".to_owned());
    // A payload may have a destructor of its own, which may panic again, where nothing catches it: leak such a one.
    if !payload.is::<&str>() && !payload.is::<String>() {
        std::mem::forget(payload);
    }
    EngineError::new(Code::KernelPanic, format!("The kernel panicked: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct PanicsOnDrop;

    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let error = catch_panic::<()>(|| panic!("number {}", 7)).unwrap_err();
        assert_eq!(error.code, Code::KernelPanic);
        assert_eq!(error.message, "The kernel panicked: number 7");
        assert!(drop_catching_panic(PanicsOnDrop).is_err());
    }

    #[test]
    fn a_payload_that_panics_on_drop_stays_inside() {
        let error = catch_panic::<()>(|| std::panic::panic_any(PanicsOnDrop)).unwrap_err();
        assert_eq!(error.message, "The kernel panicked: unknown panic");
    }
}
