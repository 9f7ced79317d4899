//! Whether an arriving task could be done in its time. Callers have the answer at once: nothing here waits for a pool's threads.
//!
//! - `backlog`: what is to be served before a task, by the order itself;
//! - `service`: how long tasks of a kind take, whatever their key. Waiting times are no input, so a task that waited long because others
//!   went before it does not look slow;
//! - `deadlines`: how much time the tasks present have left;
//! - `rates`: the work that will arrive while a task waits, and overtake it;
//! - `plan`: which of the tasks present can still be done in their time;
//! - `recent`: where callers find the blocks of keys and kinds.
//!
//! A task is counted from `enter` on, by a *stake*, which goes with it to the pool's threads: those correct it, and count it out by dropping
//! it. So the second call of a burst sees the first, though no thread has run in between.
//!
//! Invariants, each with a test of that number:
//! 1. A task that finds a thread idle, or has nothing before it, is never refused, whatever happened earlier.
//! 2. Everything counts, with a timeout or without, from the pool's first task on.
//! 3. `callers` is locked by callers only, and for a moment: a pool's threads see only blocks of atomics.
//! 4. Bookkeeping takes constant time, and memory is bounded by the tasks present and those that came lately.

mod backlog;
mod deadlines;
mod plan;
mod rates;
mod recent;
mod service;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use self::backlog::{Ask, BINS, Backlog, KeyLoad, NEGLIGIBLE, Prediction, Share, bin_of};
use self::deadlines::{Deadlines, Present};
pub(super) use self::plan::Plan;
use self::rates::Rates;
use self::recent::Recent;
use self::service::Service;
use super::kinds::Kind;
use super::pace::PublishedPace;
use super::ready::{Outlook, Priority};
use heavy_load_kernel::error::{Code, EngineError};

/// So many tasks share an account.
const SHARING: u32 = 64;
/// Waits differ from what is predicted by so much of them ...
const MARGIN: u64 = 4;
/// ... and by no more than this: what takes longer evens out. Both by as much more as threads lose their cores.
const LONGEST_MARGIN: u64 = 40_000_000;

pub(super) struct Admission {
    size: usize,
    backlog: Backlog,
    deadlines: Arc<Deadlines>,
    callers: Mutex<Callers>,
}

/// What only callers use.
struct Callers {
    keys: [Recent<Arc<str>, KeyLoad>; 3],
    /// The blocks of tasks without a key.
    common: [Arc<KeyLoad>; 3],
    services: Recent<Kind, Service>,
    last: Option<Last>,
    rates: Rates,
}

/// An arriving task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    pub(super) priority: Priority,
    pub(super) key: Option<&'a Arc<str>>,
    pub(super) weight: f64,
    pub(super) kind: Kind,
    /// Most threads that it can use at once.
    pub(super) lanes: usize,
    pub(super) timeout: Option<Duration>,
    /// Whether it is admitted however full the pool is: it is a later part of a task that was admitted.
    pub(super) goes_on: bool,
}

/// A task that is counted, for as long as there is this.
pub(super) struct Stake {
    share: Share<Account>,
    lanes: usize,
    /// How long the task had run when it last reported, and how much of it was done by then.
    told: (u64, f64),
    /// None of a task that is over before anybody could wait for it.
    _present: Option<Present>,
}

/// Where tasks of one key and kind are counted. Some that come one after the other share it: every thread touches the reference counts of
/// what is in it, and waiting for such a cache line costs more than all else here.
#[derive(Clone)]
struct Account(Arc<(Arc<KeyLoad>, Arc<Service>)>);

/// The account that was used last: most tasks are of the same key and kind as the one before.
struct Last {
    key: Option<Arc<str>>,
    priority: Priority,
    weight: f64,
    kind: Kind,
    account: Account,
    /// How many may use it yet.
    left: u32,
}

/// Why a task was not let in, or is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// In how long it would be done.
    pub(super) predicted: Duration,
    /// What it takes by itself.
    pub(super) alone: Duration,
    /// In how long there would be room for it.
    pub(super) retry: Duration,
}

impl Admission {
    pub(super) fn new(size: usize) -> Self {
        let backlog = Backlog::new(size);
        let common =
            [Priority::High, Priority::Normal, Priority::Low].map(|priority| Arc::new(backlog.key(priority, 1.0)));
        let callers = Callers {
            keys: Default::default(),
            common,
            services: Recent::default(),
            last: None,
            rates: Rates::default(),
        };
        Self { size, backlog, deadlines: Arc::default(), callers: Mutex::new(callers) }
    }

    /// Counts an arriving task from now on, while so many threads are wanted by others; refuses it if it could not be done in its time.
    pub(super) fn enter(
        &self,
        arrival: Arrival<'_>,
        load: usize,
        pace: &PublishedPace,
        now: Duration,
    ) -> Result<Stake, Refusal> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let now = nanos(now);
        let account = callers.account(&self.backlog, arrival);
        let known = account.service().known();
        let lanes = arrival.lanes.clamp(1, self.size);
        // Not by rank, which rises while the kind is new: else those that came before would count as such that pass.
        let bin = bin_of(known.work);
        if let Some(timeout) = arrival.timeout
            && load >= self.size
            && !arrival.goes_on
        {
            let pace = pace.factor(now);
            let passing = pace * callers.passing(self, arrival.priority, bin, now);
            let (came, within) = callers.rates.passing(arrival.priority, BINS, now);
            let coming = pace * came as f64 / within as f64;
            let ask = Ask { rank: known.rank, work: known.work, own: known.own, lanes, passing, coming, pace };
            let prediction = self.backlog.predict(account.as_ref(), ask);
            if let Some(predicted) = exceeds(prediction, pace, timeout) {
                let remaining = Duration::from_nanos(self.deadlines.longest(now));
                let alone = Duration::from_nanos(prediction.run);
                return Err(Refusal { predicted, alone, retry: (predicted - timeout).min(remaining) });
            }
        }
        // What is known to take no longer than to count it is not counted.
        let counts = known.work == 0 || known.work >= NEGLIGIBLE;
        let present = counts.then(|| self.deadlines.enter(arrival.timeout.map(nanos), now));
        callers.rates.add(arrival.priority, bin, known.work, now);
        Ok(Stake { share: Share::new(account, known.rank, known.work), lanes, told: (0, 0.0), _present: present })
    }

    /// Roughly, after how long all tasks present will have been served or given up.
    pub(super) fn all(&self, now: Duration) -> Duration {
        let served = self.backlog.passing(Priority::Low, BINS) / self.size as u64;
        Duration::from_nanos(served.min(self.deadlines.longest(nanos(now))))
    }
}

/// The end, if that is too late.
fn exceeds(prediction: Prediction, pace: f64, time: Duration) -> Option<Duration> {
    let margin = ((prediction.wait / MARGIN).min(LONGEST_MARGIN) as f64 * pace) as u64;
    let is_late = prediction.wait > 0 && prediction.end().saturating_add(margin) > nanos(time);
    is_late.then(|| Duration::from_nanos(prediction.end().saturating_add(margin)))
}

impl Refusal {
    /// Of a call.
    #[cold]
    pub(super) fn error(self, timeout: Duration) -> EngineError {
        let retry = self.retry_within(timeout);
        let (predicted, timeout) = (self.predicted.as_millis(), timeout.as_millis());
        overloaded(
            format!("The pool is overloaded: the predicted wait of {predicted} ms exceeds the timeout of {timeout} ms"),
            retry,
        )
    }

    /// Of a task that had been let in.
    #[cold]
    pub(super) fn given_up(self, timeout: Duration) -> EngineError {
        let retry = self.retry_within(timeout);
        let timeout = timeout.as_millis();
        let reason =
            format!("The pool is overloaded: the task can no longer be done within its timeout of {timeout} ms");
        overloaded(reason, retry)
    }

    /// When to try again; never, if not even an idle pool could do it in its time.
    fn retry_within(self, timeout: Duration) -> Option<Duration> {
        (self.alone <= timeout).then_some(self.retry)
    }
}

/// An error that says when to try again, if there is any use in it.
#[cold]
pub(super) fn overloaded(reason: String, retry: Option<Duration>) -> EngineError {
    let mut error = EngineError::new(Code::PoolOverloaded, reason);
    // Whole seconds, as HTTP's Retry-After has them (RFC 9110, 10.2.3).
    error.retry_after = retry.map(|retry| retry.as_secs_f64().ceil().max(1.0));
    error
}

impl Callers {
    fn key(&mut self, backlog: &Backlog, Arrival { priority, key, weight, .. }: Arrival<'_>) -> Arc<KeyLoad> {
        let Some(key) = key else { return Arc::clone(&self.common[priority as usize]) };
        let keys = &mut self.keys[priority as usize];
        let make = || backlog.key(priority, weight);
        let block = keys.get(key, make);
        if block.weight() == weight.clamp(0.001, 1000.0) {
            return block;
        }
        // What is left of it at its old weight counts as another key's.
        let block = Arc::new(make());
        keys.put(key, &block);
        block
    }

    fn account(&mut self, backlog: &Backlog, arrival: Arrival<'_>) -> Account {
        if let Some(last) = &mut self.last
            && last.serves(arrival)
        {
            last.left -= 1;
            return last.account.clone();
        }
        let account =
            Account(Arc::new((self.key(backlog, arrival), self.services.get(&arrival.kind, Service::default))));
        let Arrival { priority, key, weight, kind, .. } = arrival;
        self.last = Some(Last { key: key.cloned(), priority, weight, kind, account: account.clone(), left: SHARING });
        account
    }

    /// How many threads what comes later will keep from a task, if as much comes as has lately. What has come and is still there, counts by itself.
    fn passing(&mut self, admission: &Admission, priority: Priority, bin: usize, now: u64) -> f64 {
        let (came, within) = self.rates.passing(priority, bin, now);
        came.saturating_sub(admission.backlog.passing(priority, bin)) as f64 / within as f64
    }
}

impl Account {
    fn service(&self) -> &Service {
        &self.0.1
    }
}

impl AsRef<KeyLoad> for Account {
    fn as_ref(&self) -> &KeyLoad {
        &self.0.0
    }
}

impl Last {
    /// Whether a task that comes may use it too.
    fn serves(&self, arrival: Arrival<'_>) -> bool {
        self.left > 0
            && self.kind == arrival.kind
            && self.priority == arrival.priority
            && self.key.as_ref() == arrival.key
            && self.weight.to_bits() == arrival.weight.to_bits()
    }
}

impl Stake {
    fn account(&self) -> &Account {
        self.share.key()
    }

    pub(super) fn service(&self) -> &Service {
        self.account().service()
    }

    pub(super) fn lanes(&self) -> u64 {
        self.lanes as u64
    }

    /// What the virtual times have become of the task's key and priority.
    pub(super) fn set_virtual_times(&self, times: [u64; 2]) {
        let key: &KeyLoad = self.account().as_ref();
        key.set_virtual_times(times);
    }

    /// The task is so far; those of its kind that have not begun have this rank. Whether more is known of the kind.
    pub(super) fn reported(&mut self, outlook: Outlook, fresh: u64) -> bool {
        if outlook.total == 0 {
            return false;
        }
        let done = outlook.attained as f64 / outlook.total as f64;
        let before = std::mem::replace(&mut self.told, (outlook.attained, done));
        self.service().reported(outlook.attained.saturating_sub(before.0), done - before.1, fresh)
    }

    /// The task is so far: counts what it still takes.
    pub(super) fn correct(&mut self, outlook: Outlook) {
        self.share.correct(outlook.rank, self.left(outlook));
    }

    /// How much longer it takes: by its own progress, or by what its kind takes. A task that has already taken longer may take as long again.
    pub(super) fn left(&self, outlook: Outlook) -> u64 {
        let Outlook { attained, total, .. } = outlook;
        let work = if total > 0 { total } else { self.service().known().work };
        if work > attained || attained == 0 { work - attained } else { attained }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

#[cfg(test)]
#[path = "loads_tests.rs"]
mod loads_tests;
