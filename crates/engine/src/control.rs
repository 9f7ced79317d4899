//! What the outside may do to a task at any time, from any thread: stop it, and read how far it is.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use heavy_load_kernel::Result;
use heavy_load_kernel::error::{Code, EngineError};

/// Why a task is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stop {
    /// The caller's signal, or the caller itself, gave the task up.
    Aborted = 1,
    /// Its time is over.
    TimedOut = 2,
    /// Its pool was closed under it.
    Closed = 3,
}

impl Stop {
    fn from_u8(value: u8) -> Option<Self> {
        [Stop::Aborted, Stop::TimedOut, Stop::Closed].into_iter().find(|stop| *stop as u8 == value)
    }

    /// The code of its error.
    pub fn code(self) -> Code {
        match self {
            Stop::Aborted => Code::Aborted,
            Stop::TimedOut => Code::TaskTimeout,
            Stop::Closed => Code::PoolClosed,
        }
    }

    /// The error a task rejects with that was stopped for this reason.
    #[cold]
    pub fn error(self) -> EngineError {
        let message = match self {
            Stop::Aborted => "The operation was aborted",
            Stop::TimedOut => "The task was not done within its timeout",
            Stop::Closed => "The pool was closed before the task was done",
        };
        EngineError::new(self.code(), message)
    }
}

/// A task's switch, deadline and progress.
#[derive(Debug, Default)]
pub struct Control {
    /// 0, or the `Stop` that came first.
    stop: AtomicU8,
    deadline: Option<Instant>,
    /// The bits of an f64 in 0..=1. For those, the order of the bits is the order of the numbers.
    progress: AtomicU64,
    /// 0 before it has begun; then how long it had waited, in nanoseconds, and 1.
    waited: AtomicU64,
}

impl Control {
    /// A control whose task stops by itself `timeout` after `start`.
    pub fn new(start: Instant, timeout: Option<Duration>) -> Self {
        // A deadline that the clock cannot hold is none.
        Self { deadline: timeout.and_then(|timeout| start.checked_add(timeout)), ..Self::default() }
    }

    /// Asks the task to stop at the end of the morsels that run. The first reason stays.
    pub fn stop(&self, why: Stop) {
        // Relaxed: nothing else is published by the flag; the workers only need to see it soon.
        let _ = self.stop.compare_exchange(0, why as u8, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Why the task was stopped, if it was.
    pub fn stopped(&self) -> Option<Stop> {
        Stop::from_u8(self.stop.load(Ordering::Relaxed))
    }

    /// Whether the task may go on at `now`.
    ///
    /// # Errors
    /// ABORT_ERR, ERR_TASK_TIMEOUT or ERR_POOL_CLOSED.
    pub fn check(&self, now: Instant) -> Result<()> {
        if let Some(why) = self.stopped() {
            return Err(why.error());
        }
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            return Err(Stop::TimedOut.error());
        }
        Ok(())
    }

    /// How much of its time is left; none if it has no deadline.
    pub(super) fn time_left(&self, now: Instant) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(now))
    }

    /// The task begins, having waited for so long.
    pub fn begin(&self, waited: Duration) {
        self.waited.store(waited.as_nanos() as u64 + 1, Ordering::Relaxed);
    }

    /// How long the task had waited when it began; none if it has not begun.
    pub fn waited(&self) -> Option<Duration> {
        self.waited.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_nanos)
    }

    /// The share of the task that is done, 0..=1; never falls.
    pub fn progress(&self) -> f64 {
        f64::from_bits(self.progress.load(Ordering::Relaxed))
    }

    pub(super) fn set_progress(&self, progress: f64) {
        if progress.is_nan() {
            return; // it has no place in the order
        }
        let progress = progress.clamp(0.0, 1.0);
        self.progress.fetch_max(progress.to_bits(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stays() {
        let control = Control::default();
        let now = Instant::now();
        assert_eq!(control.check(now), Ok(()));
        control.stop(Stop::TimedOut);
        control.stop(Stop::Aborted);
        assert_eq!(control.check(now).unwrap_err().code, Code::TaskTimeout);
    }

    #[test]
    fn a_deadline_passes() {
        let now = Instant::now();
        let control = Control::new(now, Some(Duration::from_millis(5)));
        assert_eq!(control.check(now + Duration::from_millis(4)), Ok(()));
        assert_eq!(control.check(now + Duration::from_millis(5)).unwrap_err().code, Code::TaskTimeout);
        assert_eq!(Control::new(now, Some(Duration::MAX)).check(now), Ok(()));
    }

    #[test]
    fn progress_never_falls_and_stays_a_share() {
        let control = Control::default();
        for (set, read) in [(0.5, 0.5), (0.25, 0.5), (f64::NAN, 0.5), (7.0, 1.0)] {
            control.set_progress(set);
            assert_eq!(control.progress(), read);
        }
    }
}
