//! Work in steps that is written as one function: an `async` block without anything to wait for, which pauses to let others run.
//!
//! Readers of tables borrow from what they have read before (an archive, its strings), and keep their place between steps. The compiler keeps both in
//! an `async` block, and does so safely; a state machine by hand could not.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use heavy_load_kernel::value::Value;
use heavy_load_kernel::{Next, Result, Step, Stepped};

/// Bytes, read and written together, after which a function pauses.
const UNIT: u64 = 64 << 10;

/// Stepped work that runs a function. A unit ends with a pause.
pub(crate) struct Coroutine {
    function: Pin<Box<dyn Future<Output = Result<Value>> + Send>>,
    /// Bytes of input that were read.
    read: Arc<AtomicU64>,
    /// Bytes of input.
    len: u64,
}

impl Coroutine {
    /// Work of what `function` makes, over `len` bytes of input.
    pub(crate) fn new<F>(len: u64, function: impl FnOnce(Pace) -> F) -> Self
    where
        F: Future<Output = Result<Value>> + Send + 'static,
    {
        let read = Arc::new(AtomicU64::new(0));
        let pace = Pace { read: Arc::clone(&read), done: 0, paused: 0 };
        Self { function: Box::pin(function(pace)), read, len }
    }
}

impl Stepped for Coroutine {
    fn len(&self) -> u64 {
        self.len.div_ceil(UNIT)
    }

    fn step(&mut self, units: u64) -> Result<Step> {
        for _ in 0..units {
            // Nobody is to be woken: the next step goes on.
            if let Poll::Ready(result) = self.function.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Ok(Step::Done(Next::Done(result?)));
            }
        }
        let read = self.read.load(Ordering::Relaxed);
        Ok(Step::More { progress: (read as f64 / self.len.max(1) as f64).min(1.0) })
    }
}

/// Says when a function is to pause.
pub(crate) struct Pace {
    read: Arc<AtomicU64>,
    done: u64,
    paused: u64,
}

impl Pace {
    /// So many bytes of input were read, in all.
    pub(crate) fn progress(&self, read: usize) {
        self.read.store(read as u64, Ordering::Relaxed);
    }

    /// So many more bytes of work were done; whether it is time to [`pause`].
    #[must_use]
    pub(crate) fn is_due(&mut self, bytes: usize) -> bool {
        self.done += bytes as u64;
        let is_due = self.done - self.paused >= UNIT;
        if is_due {
            self.paused = self.done;
        }
        is_due
    }
}

/// Ends the unit.
pub(crate) async fn pause() {
    let mut is_first = true;
    std::future::poll_fn(|_| match std::mem::take(&mut is_first) {
        true => Poll::Pending,
        false => Poll::Ready(()),
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_ends_with_a_pause() {
        let mut work = Coroutine::new(400 << 10, |mut pace| async move {
            let mut pauses = 0;
            for read in 0..40 {
                pace.progress(read * 10_240);
                if pace.is_due(10_240) {
                    pauses += 1;
                    pause().await;
                }
            }
            Ok(Value::Number(f64::from(pauses)))
        });
        let mut steps = 0;
        let value = loop {
            match work.step(1).unwrap() {
                Step::More { progress } => {
                    steps += 1;
                    assert!((0.0..=1.0).contains(&progress), "{progress}");
                }
                Step::Done(Next::Done(value)) => break value,
                Step::Done(Next::Then(_)) => unreachable!(),
            }
        };
        assert_eq!((steps, value), (5, Value::Number(5.0)));
    }
}
