//! What is known of tasks that can be expected to take alike: how much thread time they took, and what follows from that for one of a
//! certain age. A pure data structure; times are nanoseconds of thread time.
//!
//! A *kind* is a kernel and a size class. Its history is a histogram whose buckets are half an octave wide. What a task of some *age* (thread
//! time used so far) is worth is measured by the *Gittins index*: the smallest, over all d > 0, of E[time spent until it ends or has run for d
//! more] / P[it ends by then]; the smaller, the sooner it should run (Gittins, "Bandit processes and dynamic allocation indices", JRSS B 1979;
//! Aalto, Ayesta, Righter, "On the Gittins index in the M/G/1 queue", Queueing Systems 2009). With several threads the order is nearly
//! optimal still (Scully, Grosof, Harchol-Balter, SIGMETRICS 2020). Where all tasks took the same, the index falls with age, so what has
//! begun goes on: first in, first out. Where nothing is known, a log-uniform prior makes it rise with age: least attained service.
//!
//! Invariants, each with a test of that number:
//! 1. An index is finite and at least 1, whatever was learned, and whatever the age.
//! 2. The index of a kind that always took the same never rises until that time is used up; that of an unknown kind never falls.
//! 3. A task that took longer than any of its kind has the index that an unknown one of its age has.
//! 4. A kind that has changed is learned anew within eight tasks, from fast to slow and back.
//! 5. A few that differ change little: the history fades over some 64 tasks, and only three in a row that are alike and that it did not
//!    expect replace it.
//! 6. Memory is bounded by the kinds in use and those seen lately; every operation takes constant time, amortised.
//! 7. What a task says of its own progress counts only while no task of the kind has ended.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use slab::Slab;

/// Buckets: two to an octave, from 62.5 us to about an hour.
const BUCKETS: usize = 52;
/// The weight of the prior, in tasks, where none has ended; it falls with the cube of those that have. Were it to fall more slowly, a
/// newcomer would be worth a try after every end, since it might be over at once, and equals would pass each other.
const PRIOR: f32 = 1.0;
/// What is left of a history's weight with each task that ends.
const FADE: f32 = 1.0 - 1.0 / 64.0;
/// A task surprises if the history gave its length, and those beside it, less than this.
const SURPRISE: f32 = 1.0 / 16.0;
/// So many in a row that surprise and are alike, to an octave, mean that the kind has changed ...
const CHANGED: u8 = 3;
/// ... and this is the weight that all the others keep.
const CHANGE: f32 = 1.0 / 32.0;
/// What the progress of a task that runs counts for, while none has ended.
const PROJECTED: f32 = 8.0;
/// Indices that differ by less are the same.
const ROUNDING: f32 = 1.0 / 64.0;
/// One that has not begun is worth an interruption if its index is lower by this.
const WORTH: f32 = 1.0 / 8.0;
/// The table of indices is made again once the distribution has moved by so much (total variation).
const DRIFT: f32 = 1.0 / 16.0;
/// Kinds in each of two generations.
const GENERATION: usize = 512;

/// Upper ends of the buckets.
const ENDS: [u64; BUCKETS] = {
    let mut ends = [0; BUCKETS];
    let mut i = 0;
    while i < BUCKETS {
        // 88,388 = 62,500 times the square root of 2.
        ends[i] = (if i % 2 == 0 { 62_500 } else { 88_388 }) << (i / 2);
        i += 1;
    }
    ends
};

/// Which tasks are expected to take alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    pub(super) kernel: usize,
    /// The binary logarithm of what it costs, roughly.
    pub(super) size: u32,
}

/// A kind in use, from `enter` to `leave`.
pub(super) type KindId = usize;

/// The histories of kinds.
#[derive(Default)]
pub(super) struct Kinds {
    histories: Slab<History>,
    /// Kinds that were seen since the generations last changed ...
    recent: HashMap<Kind, KindId>,
    /// ... and those that were seen in the generation before.
    old: HashMap<Kind, KindId>,
    /// The kind asked for last: most tasks are of the same kind as the one before.
    last: Option<(Kind, KindId)>,
}

struct History {
    /// Tasks that are there.
    users: usize,
    /// Whether one of the generations knows it.
    known: bool,
    /// The weight of one task that ends now; it grows, so that those before fade.
    unit: f32,
    /// Tasks that ended in each bucket.
    seen: [f32; BUCKETS],
    /// Their time.
    time: [f32; BUCKETS],
    total: f32,
    /// Gittins index by bucket of age.
    index: [f32; BUCKETS],
    /// How far the distribution has moved since `index` was made.
    drift: f32,
    /// What was known then.
    known_then: f32,
    /// Ends in a row that are alike, and the first of which the history did not expect; and their bucket.
    surprises: u8,
    surprising: usize,
    /// What a task that runs is expected to take by its progress, while none has ended; 0 if unknown.
    projected: f32,
    /// The longest that is usual; 0 if unknown.
    usual: u64,
    /// How long its morsels are, roughly.
    morsel: f32,
}

impl Kinds {
    /// A task of this kind is there.
    pub(super) fn enter(&mut self, kind: Kind) -> KindId {
        let id = match self.last {
            Some((last, id)) if last == kind => id,
            _ => self.find(kind),
        };
        self.last = Some((kind, id));
        self.histories[id].users += 1;
        id
    }

    /// A task of this kind is gone.
    pub(super) fn leave(&mut self, id: KindId) {
        let history = &mut self.histories[id];
        history.users -= 1;
        if history.users == 0 && !history.known {
            self.histories.remove(id);
        }
    }

    /// A task of this kind has come to its own end after so much thread time. One that was stopped says only that it takes longer than that,
    /// and is left out: past all that is known, a task has the prior's index anyway.
    pub(super) fn learn(&mut self, id: KindId, nanos: u64) {
        self.histories[id].learn(nanos);
    }

    /// By its progress, a task that runs will take so much in all.
    pub(super) fn project(&mut self, id: KindId, nanos: u64) {
        let history = &mut self.histories[id];
        if history.total == 0.0 {
            history.projected = nanos as f32;
            history.remake();
        }
    }

    /// A morsel took so long.
    pub(super) fn note_morsel(&mut self, id: KindId, nanos: u64) {
        let morsel = &mut self.histories[id].morsel;
        *morsel += (nanos as f32 - *morsel) / 8.0;
    }

    /// How long a morsel of it will take, roughly.
    pub(super) fn morsel(&self, id: KindId) -> u64 {
        self.histories[id].morsel as u64
    }

    /// The Gittins index of a task that has used so much thread time.
    pub(super) fn rank(&self, id: KindId, age: u64) -> u64 {
        self.histories[id].index[bucket_of_age(age)] as u64
    }

    /// The index of a task that has not begun: what is expected of it.
    pub(super) fn expected(&self, id: KindId) -> u64 {
        self.histories[id].index[0] as u64
    }

    /// Whether anything is known of the kind: a task has come to its end, or has reported its progress.
    pub(super) fn is_known(&self, id: KindId) -> bool {
        let history = &self.histories[id];
        history.total > 0.0 || history.projected > 0.0
    }

    /// The longest that is usual for the kind: one in sixteen at least took so long.
    pub(super) fn usual(&self, id: KindId) -> u64 {
        self.histories[id].usual
    }

    /// Whether nearly all tasks of the kind take about the same.
    pub(super) fn is_regular(&self, id: KindId) -> bool {
        (1..=self.expected(id).saturating_mul(2)).contains(&self.usual(id))
    }

    fn find(&mut self, kind: Kind) -> KindId {
        if let Some(id) = self.recent.get(&kind) {
            return *id;
        }
        let id = self.old.remove(&kind).unwrap_or_else(|| self.histories.insert(History::new(*UNKNOWN)));
        if self.recent.len() >= GENERATION {
            self.last = None;
            let gone = std::mem::replace(&mut self.old, std::mem::take(&mut self.recent));
            for id in gone.into_values() {
                self.histories[id].known = false;
                if self.histories[id].users == 0 {
                    self.histories.remove(id);
                }
            }
        }
        self.recent.insert(kind, id);
        id
    }
}

impl History {
    fn new(index: [f32; BUCKETS]) -> Self {
        Self {
            users: 0,
            known: true,
            unit: 1.0,
            seen: [0.0; BUCKETS],
            time: [0.0; BUCKETS],
            total: 0.0,
            index,
            drift: 0.0,
            known_then: 0.0,
            surprises: 0,
            surprising: 0,
            projected: 0.0,
            usual: 0,
            morsel: 0.0,
        }
    }

    fn learn(&mut self, nanos: u64) {
        let bucket = bucket_of_size(nanos);
        let near =
            |seen: &[f32; BUCKETS]| seen[bucket.saturating_sub(1)..(bucket + 2).min(BUCKETS)].iter().sum::<f32>();
        if self.surprises > 0 && bucket.abs_diff(self.surprising) <= 2 {
            self.surprises = self.surprises.saturating_add(1);
        } else {
            self.surprises = u8::from(near(&self.seen) < SURPRISE * self.total);
            self.surprising = bucket;
        }
        let changed = self.surprises == CHANGED;
        if changed {
            self.replace();
        }
        let expected = self.seen[bucket] / (self.total + PRIOR * self.unit);
        // Rather than that all that was seen fades, what comes weighs more.
        self.unit *= 1.0 / FADE;
        self.seen[bucket] += self.unit;
        self.time[bucket] += self.unit * nanos.min(ENDS[BUCKETS - 1]) as f32;
        self.total += self.unit;
        self.drift += (1.0 - expected) * self.unit / self.total;
        if self.drift >= DRIFT || self.known() >= 1.25 * self.known_then || changed {
            self.remake();
        }
        if self.unit > 1e12 {
            self.scale(0..BUCKETS, 1.0 / self.unit);
            (self.total, self.unit) = (self.total / self.unit, 1.0);
        }
    }

    /// Makes the table of indices again. What has hardly changed stays as it is, so that tasks ranked before and after do not change places.
    fn remake(&mut self) {
        let new = self.indices();
        let (mut first, mut last) = (0.0, 0.0);
        for (index, new) in self.index.iter_mut().zip(new) {
            if (new - *index).abs() >= ROUNDING * *index {
                *index = new;
            }
            // Nor does one that has begun make room for one that has not because of rounding, or because of what little the prior says.
            for (equal, margin) in [(first, WORTH), (last, 2.0 * ROUNDING)] {
                if *index > equal && *index < equal * (1.0 + margin) {
                    *index = equal;
                }
            }
            last = *index;
            if first == 0.0 {
                first = last;
            }
        }
    }

    /// Leaves little of what is unlike the last ends.
    fn replace(&mut self) {
        let alike = self.surprising.saturating_sub(2)..(self.surprising + 3).min(BUCKETS);
        let kept: f32 = self.seen[alike.clone()].iter().sum();
        let factor = CHANGE * self.unit / (self.total - kept).max(CHANGE * self.unit);
        self.scale(0..alike.start, factor);
        self.scale(alike.end..BUCKETS, factor);
        self.total = self.seen.iter().sum();
    }

    fn scale(&mut self, buckets: Range<usize>, factor: f32) {
        self.seen[buckets.clone()].iter_mut().chain(&mut self.time[buckets]).for_each(|weight| *weight *= factor);
    }

    /// How many tasks it has learned from, those before the last some 64 hardly counted.
    fn known(&self) -> f32 {
        self.total / self.unit
    }

    /// Makes the table of indices from what was seen, in a few hundred steps: an interval is looked at only while it could still be better
    /// than the best so far, and the time that it takes grows with its end by half an octave a step.
    fn indices(&mut self) -> [f32; BUCKETS] {
        let projected = (self.total == 0.0 && self.projected > 0.0).then(|| bucket_of_size(self.projected as u64));
        let known = if projected.is_some() { PROJECTED } else { self.known() };
        let prior = PRIOR / (1.0 + known).powi(3) / BUCKETS as f32;
        let (mut weight, mut mean, mut alive) = ([0.0; BUCKETS], [0.0; BUCKETS], [0.0; BUCKETS]);
        let mut left = 0.0;
        (self.drift, self.known_then) = (0.0, known);
        self.usual = 0;
        for i in (0..BUCKETS).rev() {
            let (mut seen, mut time) = (self.seen[i] / self.unit, self.time[i] / self.unit);
            if projected == Some(i) {
                (seen, time) = (PROJECTED, PROJECTED * self.projected.min(ENDS[i] as f32));
            }
            if self.usual == 0 && seen > SURPRISE * known.max(1.0) {
                self.usual = ENDS[i];
            }
            let middle = (start_of(i) + ENDS[i] as f32) / 2.0;
            weight[i] = seen + prior;
            mean[i] = (time + prior * middle) / weight[i];
            left += weight[i];
            alive[i] = left;
        }
        std::array::from_fn(|from| {
            let mut at = start_of(from);
            let (mut time, mut ended, mut best) = (0.0, 0.0, f32::MAX);
            for i in from..BUCKETS {
                let end = ENDS[i] as f32;
                time += weight[i] * (mean[i] - at).max(0.0) + (alive[i] - weight[i]).max(0.0) * (end - at);
                ended += weight[i];
                best = best.min(time / ended);
                at = end;
                if time >= best * alive[from] {
                    break;
                }
            }
            best.max(1.0)
        })
    }
}

/// The indices of a kind of which nothing is known.
static UNKNOWN: LazyLock<[f32; BUCKETS]> = LazyLock::new(|| History::new([0.0; BUCKETS]).indices());

fn start_of(bucket: usize) -> f32 {
    if bucket == 0 { 0.0 } else { ENDS[bucket - 1] as f32 }
}

/// The bucket in which a task has ended that took so long.
fn bucket_of_size(nanos: u64) -> usize {
    // Most tasks are short where there are so many that to search matters; here and below.
    if nanos <= ENDS[0] {
        return 0;
    }
    ENDS.partition_point(|end| *end < nanos).min(BUCKETS - 1)
}

/// The bucket in which a task will end at the earliest that has used so much.
fn bucket_of_age(nanos: u64) -> usize {
    if nanos < ENDS[0] {
        return 0;
    }
    ENDS.partition_point(|end| *end <= nanos).min(BUCKETS - 1)
}

#[cfg(test)]
#[path = "kinds_tests.rs"]
mod tests;
