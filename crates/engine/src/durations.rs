//! A histogram of durations that one thread at a time writes, under the pool's lock, and any thread reads without it: a thread of low
//! priority that holds the lock would keep whoever asks waiting for as long as it has no core.
//!
//! Buckets as HdrHistogram has them (Tene, 2012): linear within an octave, and each octave's a thousandth wide, so that three
//! digits are right. Octaves that no duration was in take no memory.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets of an octave.
const BUCKETS: usize = 1 << 10;
/// Of the lowest octaves together: 0 to 2^20 ns, in steps of 2^9 ns.
const STEP: u32 = 9;
/// A day, in nanoseconds: longer durations count as this.
const LONGEST: u64 = 86_400_000_000_000;
const OCTAVES: usize = (u64::BITS - LONGEST.leading_zeros() - STEP - BUCKETS.ilog2() + 1) as usize;

pub(super) struct Durations {
    octaves: [OnceLock<Box<[AtomicU64]>>; OCTAVES],
    sum: AtomicU64,
    min: AtomicU64,
    max: AtomicU64,
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

impl Default for Durations {
    fn default() -> Self {
        Self {
            octaves: [const { OnceLock::new() }; OCTAVES],
            sum: AtomicU64::new(0),
            min: AtomicU64::new(u64::MAX),
            max: AtomicU64::new(0),
        }
    }
}

impl Durations {
    pub(super) fn record(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(LONGEST).min(LONGEST);
        let (octave, bucket) = place_of(nanos);
        let buckets = self.octaves[octave].get_or_init(|| (0..BUCKETS).map(|_| AtomicU64::new(0)).collect());
        add(&self.sum, nanos);
        if nanos < self.min.load(Ordering::Relaxed) {
            self.min.store(nanos, Ordering::Relaxed);
        }
        if nanos > self.max.load(Ordering::Relaxed) {
            self.max.store(nanos, Ordering::Relaxed);
        }
        // Last, and released: whoever counts it finds the others.
        let count = &buckets[bucket];
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    pub(super) fn percentiles(&self) -> Percentiles {
        let counts = self.counts();
        let count: u64 = counts.iter().map(|(_, count)| count).sum();
        if count == 0 {
            return Percentiles::default();
        }
        let (min, max) = (self.min.load(Ordering::Relaxed), self.max.load(Ordering::Relaxed));
        let ms = |nanos: u64| nanos as f64 / 1e6;
        let at = |quantile: f64| {
            let rank = ((quantile * count as f64).ceil() as u64).max(1);
            let mut seen = 0;
            let found = counts.iter().find(|(_, count)| {
                seen += count;
                seen >= rank
            });
            ms(found.map_or(max, |(end, _)| *end).clamp(min, max))
        };
        Percentiles {
            count,
            mean: ms(self.sum.load(Ordering::Relaxed)) / count as f64,
            min: ms(min),
            max: ms(max),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
        }
    }

    /// The largest durations of the buckets that have any, and how many these have, in order.
    fn counts(&self) -> Vec<(u64, u64)> {
        let octaves = self.octaves.iter().enumerate().filter_map(|(octave, buckets)| Some((octave, buckets.get()?)));
        octaves
            .flat_map(|(octave, buckets)| {
                let count =
                    move |(bucket, count): (usize, &AtomicU64)| (end_of(octave, bucket), count.load(Ordering::Acquire));
                buckets.iter().enumerate().map(count)
            })
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

/// Adds to what nobody else writes meanwhile: cheaper than an atomic addition.
pub(super) fn add(to: &AtomicU64, number: u64) {
    to.store(to.load(Ordering::Relaxed).wrapping_add(number), Ordering::Relaxed);
}

/// Which bucket of which octave a duration is in. The first octave stands for all that are lower.
fn place_of(nanos: u64) -> (usize, usize) {
    let steps = nanos >> STEP;
    let octave = (u64::BITS - steps.leading_zeros()).saturating_sub(BUCKETS.ilog2());
    if octave == 0 { (0, steps as usize) } else { (octave as usize, (steps >> (octave - 1)) as usize - BUCKETS) }
}

/// The largest duration of a bucket.
fn end_of(octave: usize, bucket: usize) -> u64 {
    let (first, width) =
        if octave == 0 { (bucket, 1) } else { ((bucket + BUCKETS) << (octave - 1), 1 << (octave - 1)) };
    (((first + width) as u64) << STEP) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_are_in_milliseconds() {
        let durations = Durations::default();
        assert_eq!(durations.percentiles(), Percentiles::default());
        for ms in 1..=100 {
            durations.record(Duration::from_millis(ms));
        }
        durations.record(Duration::from_secs(1_000_000));
        let summary = durations.percentiles();
        assert_eq!(summary.count, 101);
        assert!((summary.p50 - 51.0).abs() < 0.1, "{summary:?}");
        assert_eq!((summary.min, summary.max), (1.0, 86_400_000.0));
    }

    proptest! {
        #[test]
        fn a_bucket_s_end_is_its_durations_to_three_digits(nanos in 0..=LONGEST) {
            let (octave, bucket) = place_of(nanos);
            let end = end_of(octave, bucket);
            prop_assert!(end >= nanos && end - nanos <= (nanos / 1000).max(1 << STEP), "{nanos}: {end}");
            prop_assert_eq!(place_of(end), (octave, bucket));
            prop_assert!(octave < OCTAVES && bucket < BUCKETS);
        }
    }

    #[test]
    fn another_thread_reads_what_was_written() {
        let durations = Durations::default();
        (1..=4).for_each(|ms| (0..1000).for_each(|_| durations.record(Duration::from_millis(ms))));
        let summary = std::thread::scope(|scope| scope.spawn(|| durations.percentiles()).join().unwrap());
        assert_eq!((summary.count, summary.min, summary.max), (4_000, 1.0, 4.0));
        assert!((summary.mean - 2.5).abs() < 1e-9);
    }
}
