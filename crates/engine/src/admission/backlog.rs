//! The work that is still to be served, and when a task that arrives now would be done behind it, by the scheduler's own rule. Times are
//! nanoseconds of CPU time, but for ranks and predictions, which are on the clock. All of it is relaxed atomics:
//! callers count a task in, a pool's threads correct it and count it out, and nobody waits for anybody.
//!
//! The backlog stands by priority and key, and by rank (half-octaves), because a task waits only for what goes before it:
//! - all of the priorities above;
//! - of its own key, what ranks no higher than itself (equals are first in, first out);
//! - of each other key, what that will virtually have done before this task virtually ends: `min(backlog, weight x F)`, where F is
//!   `(what is before it in its own key + its own work) / weight`, and how far its key is ahead of its priority in virtual time. That would be
//!   a sum over all keys for each question. So keys are counted in bins by `backlog / weight`, also half-octaves: those in bins below F
//!   count with all of their backlog, those above with F times their weights. A question looks at `BINS` bins, however many keys there are
//!   (it is how the finish time in packetised fair queueing follows from the virtual time: Parekh, Gallager 1993). Tasks are served whole,
//!   so that no more of them counts than is in tasks that rank below F.
//!
//! Every change of a key's total is one atomic addition, which gives the total before it; and it takes that out of one bin and puts the new
//! one into another. So what is taken out was put in by the change before, in whatever order they are seen: a reader may see one of two
//! bins changed and not the other, and is off by a task; at rest the sums are exact.
//!
//! Invariants, each with a test of that number:
//! 1. The books balance: with every share dropped, all backlogs are zero, whoever changed them in whatever order.
//! 2. Without arrivals that pass it, a task takes at most half as long again as was predicted, and no less than a quarter, give or take `HORIZON`
//!    over the threads, for any number of keys: what is whole elsewhere is taken for fluid here, so that it errs on the careful side.
//! 3. A task does not wait for what goes after it: the prediction of a short one is the same behind any number of known long ones.
//! 4. A burst whose tasks have a timeout is admitted as far as it fits, and no further.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use crate::ready::Priority;

/// Half-octaves of ranks, and of backlogs by weight.
pub(super) const BINS: usize = 60;
/// What arrivals that pass a task leave of the threads at least: rates are guesses.
const LEAST: f64 = 0.1;
/// Weights in the bins.
const ONE: f64 = (1 << 20) as f64;
/// Work that does not count: what takes no longer than counting it in and out.
pub(super) const NEGLIGIBLE: u64 = 4_000;
/// Virtual times that differ by less, in nanoseconds, are published as the same.
const ROUNDING: u64 = 50_000;

/// All that is to be served.
pub(super) struct Backlog {
    threads: f64,
    priorities: [Arc<Load>; 3],
}

struct Load {
    /// Of the keys whose backlog by weight falls into each bin: backlogs and weights, added.
    bins: [(AtomicI64, AtomicI64); BINS],
    /// The backlog of all keys, by rank.
    backlog: [AtomicU64; BINS],
    virtual_time: AtomicU64,
}

/// What a key has in one priority, at one weight. In this order, so that what every task needs stands together.
#[repr(C)]
pub(super) struct KeyLoad {
    load: Arc<Load>,
    weight: f64,
    virtual_time: AtomicU64,
    total: AtomicU64,
    priority: Priority,
    /// By rank.
    backlog: [AtomicU64; BINS],
}

/// What a task adds to the backlog of a key, for as long as there is this.
pub(super) struct Share<K: AsRef<KeyLoad>> {
    key: K,
    bin: usize,
    left: u64,
}

/// What of an arriving task decides when it would be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    /// Its rank in the ready queue.
    pub(super) rank: u64,
    /// The CPU time that it is counted with.
    pub(super) work: u64,
    /// The CPU time that it will take itself.
    pub(super) own: u64,
    /// Most threads that it can use at once.
    pub(super) lanes: usize,
    /// How many threads what comes later will keep from it.
    pub(super) passing: f64,
    /// How many threads' work comes in its priority, at whatever rank.
    pub(super) coming: f64,
    /// How many times as long as on the CPU things take on the clock.
    pub(super) pace: f64,
}

/// When a task would be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prediction {
    /// From now to its first instruction, or what it will be held up later, in all, on the clock.
    pub(super) wait: u64,
    /// What it takes itself, on the clock.
    pub(super) run: u64,
}

impl Prediction {
    pub(super) fn end(self) -> u64 {
        self.wait.saturating_add(self.run)
    }
}

impl Backlog {
    pub(super) fn new(threads: usize) -> Self {
        Self { threads: threads as f64, priorities: std::array::from_fn(|_| Arc::new(Load::new())) }
    }

    /// A key without tasks.
    pub(super) fn key(&self, priority: Priority, weight: f64) -> KeyLoad {
        let weight = if weight.is_nan() { 1.0 } else { weight.clamp(0.001, 1000.0) };
        KeyLoad {
            load: Arc::clone(&self.priorities[priority as usize]),
            priority,
            weight,
            backlog: zeros(),
            total: AtomicU64::new(0),
            virtual_time: AtomicU64::new(0),
        }
    }

    /// After how long a task of this key that arrives now would be done.
    pub(super) fn predict(&self, key: &KeyLoad, ask: Ask) -> Prediction {
        let bin = bin_of(ask.rank);
        let above = self.above(key.priority);
        let before = below(&key.backlog, bin + 1);
        // Virtual times and ranks are on the clock, all else here is CPU time.
        let end = key.ahead() as f64 / ask.pace + (before + ask.work) as f64 / key.weight;
        let waiting = above as f64 + before as f64 + self.priorities[key.priority as usize].others(key, end, ask.pace);
        let speed = (self.threads - ask.passing).max(LEAST * self.threads);
        let lanes = (ask.lanes as f64).min(self.threads);
        // While it begins, the other threads are, on the mean, in the middle of one like it.
        let overlap = ask.own as f64 * (self.threads - lanes) / 2.0;
        let wait = (waiting - overlap).max(0.0) / speed;
        // What comes for other keys passes what stands behind others of its own, until it has caught up; and while that goes on, more comes.
        let lead = key.ahead() as f64 / ask.pace + before as f64 / key.weight;
        let room = self.priorities[key.priority as usize].room(key, lead);
        let wait = wait + room.min(2.0 * ask.coming.min(self.threads) * wait) / speed;
        let run = ask.own as f64 / lanes.min(speed);
        Prediction { wait: (wait * ask.pace) as u64, run: (run * ask.pace) as u64 }
    }

    /// The work of higher priorities, and of this one the work that ranks below a bin.
    pub(super) fn passing(&self, priority: Priority, bin: usize) -> u64 {
        self.above(priority) + below(&self.priorities[priority as usize].backlog, bin)
    }

    fn above(&self, priority: Priority) -> u64 {
        self.priorities[..priority as usize].iter().map(|load| below(&load.backlog, BINS)).sum()
    }
}

impl Load {
    fn new() -> Self {
        Self { bins: std::array::from_fn(|_| Default::default()), backlog: zeros(), virtual_time: AtomicU64::new(0) }
    }

    /// What other keys will have been given before this one's virtual end.
    fn others(&self, own: &KeyLoad, end: f64, pace: f64) -> f64 {
        let own_total = own.total.load(Relaxed) as f64;
        let own_bin = (own_total > 0.0).then(|| bin_of((own_total / own.weight) as u64));
        let mut sum = 0.0;
        for (index, (backlog, weight)) in self.bins.iter().enumerate() {
            let (mut backlog, mut weight) = (backlog.load(Relaxed) as f64, weight.load(Relaxed) as f64 / ONE);
            if own_bin == Some(index) {
                (backlog, weight) = (backlog - own_total, weight - own.weight);
            }
            sum += backlog.min(weight * end).max(0.0);
        }
        // A task is served whole: what is longer than this one's virtual end does not go before it.
        let bin = bin_of((end * pace) as u64) + 1;
        sum.min(below(&self.backlog, bin).saturating_sub(below(&own.backlog, bin)) as f64)
    }

    /// What other keys could be given before this one has caught up, those that are yet to come among them.
    fn room(&self, own: &KeyLoad, lead: f64) -> f64 {
        let weights = self.bins.iter().map(|bin| bin.1.load(Relaxed) as f64 / ONE).sum::<f64>();
        let own = if own.total.load(Relaxed) > 0 { own.weight } else { 0.0 };
        lead * (weights - own).max(0.0)
    }
}

impl KeyLoad {
    pub(super) fn priority(&self) -> Priority {
        self.priority
    }

    pub(super) fn weight(&self) -> f64 {
        self.weight
    }

    /// How far its virtual time is ahead of its priority's.
    pub(super) fn ahead(&self) -> u64 {
        let ahead = self.virtual_time.load(Relaxed).wrapping_sub(self.load.virtual_time.load(Relaxed));
        (ahead as i64).max(0) as u64
    }

    /// What the virtual times have become of the key and its priority, in nanoseconds at weight 1, modulo 2^64.
    pub(super) fn set_virtual_times(&self, [key, priority]: [u64; 2]) {
        for (published, time) in [(&self.virtual_time, key), (&self.load.virtual_time, priority)] {
            // Written rarely: callers read what stands beside it for every task.
            let moved = time.wrapping_sub(published.load(Relaxed)) as i64;
            if moved.unsigned_abs() >= ROUNDING {
                published.store(time, Relaxed);
            }
        }
    }

    /// Its total has changed by so much, modulo 2^64: puts it where it belongs.
    fn change(&self, by: u64) {
        let old = self.total.fetch_add(by, Relaxed);
        let new = old.wrapping_add(by);
        let bin = |total: u64| (total > 0).then(|| bin_of((total as f64 / self.weight) as u64));
        let (from, to) = (bin(old), bin(new));
        if from == to {
            if let Some(bin) = to {
                self.load.bins[bin].0.fetch_add(by as i64, Relaxed);
            }
            return;
        }
        let weight = (self.weight * ONE) as i64;
        for (bin, backlog, weight) in [(from, -(old as i64), -weight), (to, new as i64, weight)] {
            if let Some(bin) = bin {
                self.load.bins[bin].0.fetch_add(backlog, Relaxed);
                self.load.bins[bin].1.fetch_add(weight, Relaxed);
            }
        }
    }
}

impl<K: AsRef<KeyLoad>> Share<K> {
    /// Counts a task in.
    pub(super) fn new(key: K, rank: u64, work: u64) -> Self {
        let mut share = Self { key, bin: 0, left: 0 };
        share.correct(rank, work);
        share
    }

    pub(super) fn key(&self) -> &K {
        &self.key
    }

    /// The task ranks like this now, and will take so much more.
    pub(super) fn correct(&mut self, rank: u64, left: u64) {
        let (bin, left) = (bin_of(rank), if left < NEGLIGIBLE { 0 } else { left });
        let (from, old) = (std::mem::replace(&mut self.bin, bin), std::mem::replace(&mut self.left, left));
        if from == bin && old == left {
            return;
        }
        let key = self.key.as_ref();
        for backlog in [&key.load.backlog, &key.backlog] {
            if from == bin {
                backlog[bin].fetch_add(left.wrapping_sub(old), Relaxed);
                continue;
            }
            for (bin, by) in [(from, old.wrapping_neg()), (bin, left)] {
                if by != 0 {
                    backlog[bin].fetch_add(by, Relaxed);
                }
            }
        }
        if old != left {
            key.change(left.wrapping_sub(old));
        }
    }
}

impl<K: AsRef<KeyLoad>> Drop for Share<K> {
    fn drop(&mut self) {
        self.correct(0, 0);
    }
}

fn zeros() -> [AtomicU64; BINS] {
    std::array::from_fn(|_| AtomicU64::new(0))
}

fn below(backlog: &[AtomicU64; BINS], bin: usize) -> u64 {
    // Read one after the other: a sum of what was there at different times.
    backlog[..bin].iter().map(|backlog| backlog.load(Relaxed)).sum()
}

/// Half-octaves from 4 us on, to more than an hour.
pub(super) fn bin_of(nanos: u64) -> usize {
    let units = (nanos / 4_000).max(1);
    let octave = units.ilog2() as usize;
    let half = usize::from(octave > 0 && units >> (octave - 1) & 1 == 1);
    (2 * octave + half).min(BINS - 1)
}

#[cfg(test)]
#[path = "backlog_tests.rs"]
mod tests;
