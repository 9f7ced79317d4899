//! What has come, as JavaScript reads it: a few numbers in a Float64Array, so that the many results that are just a number cost no more
//! than that. `lib/` has the places and tags from here (`constants`).

use std::time::Duration;

use heavy_load_engine::Stop;

/// Where a record has what.
pub(crate) mod place {
    /// A task's; with `tag::DRAINED` a pool's number.
    pub(crate) const SLOT: usize = 0;
    pub(crate) const TAG: usize = 1;
    pub(crate) const VALUE: usize = 2;
    /// In milliseconds, as `RUN`.
    pub(crate) const WAIT: usize = 3;
    pub(crate) const RUN: usize = 4;
    /// How many numbers it has.
    pub(crate) const LENGTH: usize = 5;
}

/// What a record's tag says.
pub(crate) mod tag {
    /// The value is the result.
    pub(crate) const NUMBER: u32 = 0;
    /// The slot holds the result, or the failure: to be fetched with `take`, or discarded.
    pub(crate) const HELD: u32 = 1;
    /// The queue of a pool has drained.
    pub(crate) const DRAINED: u32 = 2;
    /// The turn of an external task has come; a record of its end follows.
    pub(crate) const BEGUN: u32 = 3;
    /// The task was stopped: this and the reason's number, that of `Instance::stop`. The last, since reasons may be added.
    pub(crate) const STOPPED: u32 = 4;
}

/// The reasons of a stop, by their numbers in JavaScript.
pub(crate) const REASONS: [Stop; 3] = [Stop::Aborted, Stop::TimedOut, Stop::Closed];

pub(super) type Record = [f64; place::LENGTH];

/// The record of a task's end.
pub(super) fn ended(slot: u32, (tag, value): (u32, f64), wait: Duration, run: Duration) -> Record {
    let mut record = Record::default();
    record[place::SLOT] = slot.into();
    record[place::TAG] = tag.into();
    record[place::VALUE] = value;
    record[place::WAIT] = wait.as_secs_f64() * 1e3;
    record[place::RUN] = run.as_secs_f64() * 1e3;
    record
}

/// The record of a queue that has drained, of the pool with this number.
pub(super) fn drained(pool: u32) -> Record {
    ended(pool, (tag::DRAINED, 0.0), Duration::ZERO, Duration::ZERO)
}

/// The record of an external task whose turn has come.
pub(super) fn begun(slot: u32) -> Record {
    ended(slot, (tag::BEGUN, 0.0), Duration::ZERO, Duration::ZERO)
}

/// Whether it is of a task's end.
pub(super) fn is_end(record: &Record) -> bool {
    ![tag::DRAINED, tag::BEGUN].map(f64::from).contains(&record[place::TAG])
}
