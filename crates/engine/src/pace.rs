//! How much longer things take by the clock than in CPU time: a thread of low priority may lose its core to others, on a busy machine for most
//! of the time. What tasks need is counted in CPU time, which varies little by chance; deadlines are on the clock; this is the ratio of the two.
//!
//! Invariants, each with a test of that number:
//! 1. A thread's laps are of times in which it had work: from one morsel's end to a later one's, without a wait in between.
//! 2. The pace is of the last second or so of thread time; with nothing measured, in the beginning or for long, it is 1.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

/// Laps are no shorter: asking for CPU time is a system call.
const LAP: Duration = Duration::from_millis(1);
/// Nor does a morsel begin one that is shorter than this.
const LONG: Duration = Duration::from_micros(250);
/// Between two morsels of one lap there is no more.
const GAP: Duration = Duration::from_micros(300);
/// For how much thread time, in nanoseconds, laps count.
const MEMORY: f64 = 1e9;
/// How soon the pace is forgotten while nothing is measured, in nanoseconds.
const FORGETTING: f64 = 2e9;
/// The pace before anything was measured counts like so much thread time.
const PRIOR: f64 = 2e8;
/// No pace is worse.
const SLOWEST: f64 = 20.0;

thread_local! {
    /// CPU time of this thread, and the time, at the beginning of a lap.
    static MARK: Cell<Option<(Duration, Instant)>> = const { Cell::new(None) };
    /// When its last morsel ended.
    static LAST: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// A time in which a thread had work, and how much of it it was on a CPU.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lap {
    wall: Duration,
    cpu: Duration,
}

/// A morsel has just ended that took so long; gives a lap, if one has ended with it.
pub(super) fn lap(elapsed: Duration, now: Instant) -> Option<Lap> {
    let idle = LAST.replace(Some(now)).is_none_or(|last| now - last > elapsed + GAP);
    if idle {
        // Also for the morsels after this one, should it be too short to begin a lap.
        MARK.set(None);
    }
    let mark = MARK.get();
    if elapsed < LONG && mark.is_none_or(|(_, since)| now - since < LAP) {
        return None;
    }
    let cpu = ThreadTime::now().as_duration();
    MARK.set(Some((cpu, now)));
    let (before, since) = mark?;
    Some(Lap { wall: now - since, cpu: cpu.saturating_sub(before).min(now - since) })
}

/// This thread waits for work: what it has begun to measure is no lap.
pub(super) fn wait() {
    LAST.set(None);
}

/// Kept under a pool's lock.
pub(super) struct Pace {
    wall: f64,
    cpu: f64,
    /// The pace when it had last changed much.
    noted: f64,
}

/// What is published of it.
#[derive(Debug)]
pub(super) struct PublishedPace {
    /// The bits of an f64.
    factor: AtomicU64,
    /// Since when, in nanoseconds.
    at: AtomicU64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { wall: PRIOR, cpu: PRIOR, noted: 1.0 }
    }
}

impl Default for PublishedPace {
    fn default() -> Self {
        Self { factor: AtomicU64::new(1f64.to_bits()), at: AtomicU64::new(0) }
    }
}

impl Pace {
    /// Takes a lap in; whether the pace has changed much.
    pub(super) fn add(&mut self, lap: Lap, published: &PublishedPace, now: u64) -> bool {
        let wall = lap.wall.as_nanos() as f64;
        let age = (now.saturating_sub(published.at.load(Relaxed)) as f64 - wall).max(0.0);
        let kept = (-wall / MEMORY).exp();
        // While nothing was measured, it was forgotten.
        let forgotten = (-age / FORGETTING).exp();
        let cpu = self.wall + (self.cpu - self.wall) * forgotten;
        self.wall = self.wall * kept + wall;
        self.cpu = cpu * kept + lap.cpu.as_nanos() as f64;
        let factor = self.factor();
        published.factor.store(factor.to_bits(), Relaxed);
        published.at.store(now, Relaxed);
        let has_changed = (factor / self.noted).max(self.noted / factor) > 1.25;
        if has_changed {
            self.noted = factor;
        }
        has_changed
    }

    /// How many times their CPU time things take by the clock.
    pub(super) fn factor(&self) -> f64 {
        (self.wall / self.cpu.max(1.0)).clamp(1.0, SLOWEST)
    }

    /// How much CPU time a morsel had that took so long on the clock.
    pub(super) fn cpu_of(&self, elapsed: Duration, lap: Option<Lap>) -> Duration {
        match lap {
            Some(lap) => elapsed.mul_f64(lap.cpu.as_secs_f64() / lap.wall.as_secs_f64().max(1e-9)),
            None if elapsed < LONG => elapsed,
            None => elapsed.div_f64(self.factor()),
        }
    }
}

impl PublishedPace {
    pub(super) fn factor(&self, now: u64) -> f64 {
        let age = now.saturating_sub(self.at.load(Relaxed)) as f64;
        1.0 + (f64::from_bits(self.factor.load(Relaxed)) - 1.0) * (-age / FORGETTING).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn invariant_1_a_wait_is_no_lap() {
        let now = Instant::now();
        assert!(lap(MS, now).is_none());
        assert!(lap(MS, now + MS).is_some());
        assert!(lap(MS, now + 3 * MS).is_none());
        assert!(lap(MS, now + 4 * MS).is_some());
        wait();
        assert!(lap(MS, now + 100 * MS).is_none());
        assert!(lap(MS / 10, now + 100 * MS + MS / 10).is_none());
        assert!(lap(MS, now + 101 * MS).is_some_and(|lap| lap.wall == MS));
        // What comes first after a wait may be short.
        for waits in [true, false] {
            let now = now + if waits { 1_000 * MS } else { 2_000 * MS };
            if waits {
                wait();
            }
            assert!(lap(MS / 10, now).is_none());
            assert!(lap(MS, now + MS).is_none(), "the wait is no lap");
            assert!(lap(MS, now + 2 * MS).is_some_and(|lap| lap.wall == MS));
        }
    }

    #[test]
    fn invariant_2_tells_of_the_last_second() {
        let (mut pace, published) = (Pace::default(), PublishedPace::default());
        assert_eq!(published.factor(0), 1.0);
        let mut now = 0;
        let mut run = |cpu, laps| {
            for _ in 0..laps {
                now += 1_000_000;
                pace.add(Lap { wall: MS, cpu }, &published, now);
            }
            (now, published.factor(now))
        };
        assert!((run(MS / 4, 10).1) < 1.1);
        let (at, factor) = run(MS / 4, 5_000);
        assert!(factor > 3.5, "{factor}");
        assert!(published.factor(at + 20_000_000_000) < 1.01);
        let (_, factor) = run(MS, 5_000);
        assert!(factor < 1.1, "{factor}");
    }
}
