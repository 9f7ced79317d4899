//! What has happened in a pool so far: exact counts, and histograms of waits and runs.
//!
//! How tasks ended is counted by whoever tells their callers, since an abort may come between a task's end and the news of it;
//! a pool only adds the tallies up.

use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::error::{Code, EngineError};

/// How a task ended, as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It gave a value.
    Completed,
    /// Its kernel gave an error, or panicked.
    Failed,
    /// It was aborted, or its pool closed.
    Cancelled,
    /// Its time passed.
    TimedOut,
}

impl Outcome {
    /// How a task counts that ended like this.
    pub fn of<T>(result: &Result<T, EngineError>) -> Self {
        match result {
            Ok(_) => Outcome::Completed,
            Err(error) => match error.code {
                Code::Aborted | Code::PoolClosed => Outcome::Cancelled,
                Code::TaskTimeout => Outcome::TimedOut,
                _ => Outcome::Failed,
            },
        }
    }
}

/// How many tasks ended, by [`Outcome`].
pub type Ended = [u64; 4];

/// Whoever tells callers how their tasks ended counts it, and lets the pool know.
pub trait Tally: Send + Sync {
    /// The counts so far.
    fn ended(&self) -> Ended;
}

/// The tallies of those that use a pool.
#[derive(Default)]
pub(super) struct Tallies {
    open: Vec<Arc<dyn Tally>>,
    /// What those have counted that are gone.
    past: Ended,
}

impl Tallies {
    pub(super) fn add(&mut self, tally: Arc<dyn Tally>) {
        self.open.push(tally);
    }

    /// This tally counts no more.
    pub(super) fn retire(&mut self, tally: &Arc<dyn Tally>) {
        if let Some(index) = self.open.iter().position(|other| Arc::ptr_eq(other, tally)) {
            let last = self.open.swap_remove(index).ended();
            self.past = sum(self.past, last);
        }
    }

    pub(super) fn ended(&self) -> Ended {
        self.open.iter().fold(self.past, |ended, tally| sum(ended, tally.ended()))
    }
}

fn sum(one: Ended, other: Ended) -> Ended {
    std::array::from_fn(|index| one[index] + other[index])
}

/// Durations from a microsecond to a day, to three significant digits (HdrHistogram; Tene, 2012).
pub(super) struct Durations(Histogram<u64>);

/// A day, in nanoseconds: longer durations count as this.
const LONGEST: u64 = 86_400_000_000_000;

impl Default for Durations {
    fn default() -> Self {
        // Below a microsecond the buckets are coarser than three digits. The counts are zeroed lazily by the allocator,
        // so that only buckets in use take memory.
        let histogram = Histogram::new_with_bounds(1_000, LONGEST, 3);
        Self(histogram.unwrap_or_else(|_| unreachable!("the bounds are constants that hdrhistogram takes")))
    }
}

impl Durations {
    pub(super) fn record(&mut self, duration: Duration) {
        self.0.saturating_record((duration.as_nanos() as u64).min(LONGEST));
    }

    pub(super) fn percentiles(&self) -> Percentiles {
        let histogram = &self.0;
        if histogram.is_empty() {
            return Percentiles::default();
        }
        let ms = |nanos: u64| nanos as f64 / 1e6;
        let at = |quantile| ms(histogram.value_at_quantile(quantile));
        Percentiles {
            count: histogram.len(),
            mean: histogram.mean() / 1e6,
            min: ms(histogram.min()),
            max: ms(histogram.max()),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
        }
    }
}

/// A summary of durations, in milliseconds; all zero while there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Percentiles {
    pub count: u64,
    pub mean: f64,
    pub min: f64,
    pub max: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
}

/// A pool at one moment.
#[derive(Clone, Debug)]
pub struct Stats {
    /// Threads of the pool.
    pub threads: usize,
    /// Tasks that have not begun.
    pub queued: usize,
    /// Tasks that have begun and not ended, paused ones included.
    pub running: usize,
    /// Tasks that gave a value.
    pub completed: u64,
    /// Tasks whose kernel gave an error or panicked.
    pub failed: u64,
    /// Tasks that were aborted or closed.
    pub cancelled: u64,
    /// Tasks whose time passed.
    pub timed_out: u64,
    /// Calls that were refused for overload.
    pub rejected: u64,
    /// Share of thread time spent in kernels since the pool began, 0..=1.
    pub utilization: f64,
    /// Since the pool began.
    pub uptime: Duration,
    /// From the call to the first instruction.
    pub wait: Percentiles,
    /// From the first instruction to the end.
    pub run: Percentiles,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_in_milliseconds() {
        let mut durations = Durations::default();
        assert_eq!(durations.percentiles(), Percentiles::default());
        for ms in 1..=100 {
            durations.record(Duration::from_millis(ms));
        }
        durations.record(Duration::from_secs(1_000_000));
        let summary = durations.percentiles();
        assert_eq!(summary.count, 101);
        assert!((summary.p50 - 51.0).abs() < 0.1, "{summary:?}");
        assert!((summary.max - 86_400_000.0).abs() < 100_000.0, "{summary:?}");
    }

    #[test]
    fn outcomes_follow_codes() {
        let of = |code| Outcome::of::<()>(&Err(EngineError::new(code, "")));
        assert_eq!(Outcome::of(&Ok(())), Outcome::Completed);
        assert_eq!(of(Code::Aborted), Outcome::Cancelled);
        assert_eq!(of(Code::PoolClosed), Outcome::Cancelled);
        assert_eq!(of(Code::TaskTimeout), Outcome::TimedOut);
        assert_eq!(of(Code::KernelPanic), Outcome::Failed);
    }
}
