//! When a task that comes now would be done, by the scheduler's own rule. A pure data structure; times are nanoseconds.
//!
//! Two tables. *Service times* are those of `kinds.rs`: by kernel and cost, whatever the key. The *backlog* is here: by class and key, in
//! thread time that is still to be served, told apart by rank (half-octaves), because a task waits only for what goes before it:
//! - all of the classes above;
//! - of its own key, what ranks no higher than itself (equals are first in, first out);
//! - of each other key, what that will virtually have done before this task virtually ends: `min(backlog, weight x F)`, where F is
//!   `(what is before it in its own key + its own work) / weight`, and how far its key is ahead of its class in virtual time. That would be a sum over all keys for each question. So keys are counted
//!   in bins by `backlog / weight`, also half-octaves: those in bins below F count with all of their backlog, those above with F times
//!   their weights. A question looks at `BINS` bins, however many keys there are (it is how the finish time in packetised fair queueing follows
//!   from the virtual time: Parekh, Gallager 1993). Tasks are served whole, so that no more of them counts than is in tasks that rank below F;
//! - and of what will come while it waits, what will pass it: the rate at which work that ranks lower, or is of a class above, has come
//!   lately, fading with the time constant `MEMORY`: all is served at what that leaves of the threads.
//!
//! What waited long because others went before it is not slow itself: waits are no input at all, so starvation is no service time, and on idle
//! threads everything is admitted at once, whatever happened before.
//!
//! Invariants, each with a test of that number:
//! 1. The books balance: with every task gone all backlogs are zero, and no key is left.
//! 2. Without arrivals that pass it, a task takes at most half as long again as was predicted, and no less than a third, give or take `HORIZON` over
//!    the threads, for any number of keys: what is whole elsewhere is taken for fluid here, so that it errs on the careful side.
//! 3. A task does not wait for what goes after it: the prediction of a short one is the same behind any number of known long ones.
//! 4. A burst whose tasks have a timeout is admitted as far as it fits, and no further.
//! 5. Bookkeeping takes constant time and memory is bounded by the keys that are there.
//!
//! Publishing (not built yet): a class's bins, rates and total are a block of relaxed atomics, and each live key's backlog a block of its
//! own behind an `Arc` that the JavaScript thread finds in a map of its own (two generations that rotate). `reserve` adds a task's expected work to
//! them itself, so that the second call of a burst sees the first although no thread has run in between; the threads take it over at `seat`,
//! correct it at `charge`, and take it off at the end. A reader may see one of two bins updated and not the other: it is off by one task.

use std::collections::HashMap;
use std::sync::Arc;

use super::ready::Class;

/// Half-octaves of ranks, and of backlogs by weight.
const BINS: usize = 64;
/// For how long arrivals tell of those to come.
const MEMORY: f64 = 1e9;
/// What arrivals leave of the threads at least: rates are guesses.
const LEAST: f64 = 0.1;

/// A task, as far as it matters to when it and others are done.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) class: Class,
    pub(super) key: Option<Arc<str>>,
    pub(super) weight: f64,
    /// Its rank in the ready queue.
    pub(super) rank: u64,
    /// The thread time that it will take.
    pub(super) work: u64,
    /// How far its key's virtual time is ahead of its class's: what it has had lately, others are given first.
    pub(super) ahead: u64,
}

/// A task that counts.
#[derive(Debug)]
pub(super) struct Entry {
    class: Class,
    key: Option<Arc<str>>,
    bin: usize,
    left: u64,
}

pub(super) struct Forecast {
    threads: f64,
    classes: [Load; 3],
}

struct Load {
    keys: HashMap<Option<Arc<str>>, KeyLoad>,
    /// Of the keys whose backlog by weight falls into each bin: backlogs and weights, added.
    bins: [(u64, f64); BINS],
    /// The backlog of all keys, by rank.
    backlog: [u64; BINS],
    total: u64,
    rates: Rates,
}

struct KeyLoad {
    /// By rank.
    backlog: [u64; BINS],
    total: u64,
    weight: f64,
    tasks: usize,
}

/// Work that came lately, by rank.
struct Rates {
    came: [f64; BINS],
    now: u64,
}

impl Forecast {
    pub(super) fn new(threads: usize) -> Self {
        Self { threads: threads as f64, classes: Default::default() }
    }

    /// In how long a task that comes now would be done.
    pub(super) fn predict(&self, ask: &Ask, now: u64) -> u64 {
        let class = ask.class as usize;
        let load = &self.classes[class];
        let above: u64 = self.classes[..class].iter().map(|load| load.total).sum();
        let bin = bin_of(ask.rank);
        let own = load.keys.get(&ask.key);
        let before = own.map_or(0, |key| key.backlog[..=bin].iter().sum());
        let others = load.others(own, ask.ahead as f64 + (before + ask.work) as f64 / ask.weight);
        let passing =
            self.classes[..class].iter().map(|load| load.rates.all(now)).sum::<f64>() + load.rates.below(bin, now);
        let speed = (self.threads - passing / MEMORY).max(LEAST * self.threads);
        ((above as f64 + before as f64 + others) / speed) as u64 + ask.work
    }

    /// Counts a task in.
    pub(super) fn enter(&mut self, ask: &Ask, now: u64) -> Entry {
        let load = &mut self.classes[ask.class as usize];
        let bin = bin_of(ask.rank);
        load.rates.add(bin, ask.work, now);
        load.change(&ask.key, |key| {
            key.weight = ask.weight;
            key.tasks += 1;
        });
        let mut entry = Entry { class: ask.class, key: ask.key.clone(), bin, left: 0 };
        self.count(&mut entry, bin, ask.work);
        entry
    }

    /// A task that counts has used some, and will take so much more: that is its rank from now on.
    pub(super) fn correct(&mut self, entry: &mut Entry, left: u64) {
        self.count(entry, bin_of(left), left);
    }

    fn count(&mut self, entry: &mut Entry, bin: usize, left: u64) {
        let (from, old) = (std::mem::replace(&mut entry.bin, bin), std::mem::replace(&mut entry.left, left));
        let load = &mut self.classes[entry.class as usize];
        load.backlog[from] -= old;
        load.backlog[bin] += left;
        load.change(&entry.key, |key| {
            key.backlog[from] -= old;
            key.backlog[bin] += left;
            key.total = key.total - old + left;
        });
    }

    /// Counts a task out, however it ended.
    pub(super) fn leave(&mut self, mut entry: Entry) {
        self.correct(&mut entry, 0);
        self.classes[entry.class as usize].change(&entry.key, |key| key.tasks -= 1);
    }
}

impl Default for Load {
    fn default() -> Self {
        Self { keys: HashMap::new(), bins: [(0, 0.0); BINS], backlog: [0; BINS], total: 0, rates: Rates::default() }
    }
}

impl Load {
    fn change(&mut self, name: &Option<Arc<str>>, change: impl FnOnce(&mut KeyLoad)) {
        let key = match self.keys.get_mut(name) {
            Some(key) => key,
            None => {
                self.keys.entry(name.clone()).or_insert(KeyLoad { backlog: [0; BINS], total: 0, weight: 1.0, tasks: 0 })
            }
        };
        let (old, weight) = (key.total, key.weight);
        change(key);
        if old > 0 {
            let bin = &mut self.bins[bin_of((old as f64 / weight) as u64)];
            *bin = (bin.0 - old, bin.1 - weight);
        }
        if key.total > 0 {
            let bin = &mut self.bins[bin_of((key.total as f64 / key.weight) as u64)];
            *bin = (bin.0 + key.total, bin.1 + key.weight);
        }
        self.total = self.total - old + key.total;
        if key.tasks == 0 {
            self.keys.remove(name);
        }
    }

    /// What other keys will have been given before this one's virtual end.
    fn others(&self, own: Option<&KeyLoad>, end: f64) -> f64 {
        let mut sum = 0.0;
        let own = own.filter(|own| own.total > 0).map(|own| (bin_of((own.total as f64 / own.weight) as u64), own));
        for (index, (backlog, weight)) in self.bins.iter().enumerate() {
            let (mut backlog, mut weight) = (*backlog as f64, *weight);
            if let Some((_, own)) = own.filter(|own| own.0 == index) {
                (backlog, weight) = (backlog - own.total as f64, weight - own.weight);
            }
            sum += backlog.min((weight * end).max(0.0));
        }
        // A task is served whole: what is longer than this one's virtual end does not go before it.
        let bin = bin_of(end as u64);
        let shorter =
            self.backlog[..=bin].iter().sum::<u64>() - own.map_or(0, |(_, own)| own.backlog[..=bin].iter().sum());
        sum.min(shorter as f64)
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self { came: [0.0; BINS], now: 0 }
    }
}

impl Rates {
    fn fade(&self, now: u64) -> f64 {
        (-(now.saturating_sub(self.now) as f64) / MEMORY).exp()
    }

    fn add(&mut self, bin: usize, work: u64, now: u64) {
        let fade = self.fade(now);
        self.came.iter_mut().for_each(|came| *came *= fade);
        self.now = self.now.max(now);
        self.came[bin] += work as f64;
    }

    fn below(&self, bin: usize, now: u64) -> f64 {
        self.came[..bin].iter().sum::<f64>() * self.fade(now)
    }

    fn all(&self, now: u64) -> f64 {
        self.below(BINS, now)
    }
}

/// Half-octaves from a microsecond on.
fn bin_of(nanos: u64) -> usize {
    let micros = (nanos / 1_000).max(1);
    let octave = micros.ilog2() as usize;
    let half = usize::from(octave > 0 && micros >> (octave - 1) & 1 == 1);
    (2 * octave + half).min(BINS - 1)
}

#[cfg(test)]
#[path = "forecast_tests.rs"]
mod tests;
