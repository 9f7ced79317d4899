//! The numbers that both sides of the border know. Each is defined once, where the addon uses it; `lib/native.js` reads all of them
//! here, by one call.

use napi_derive::napi;

use crate::env::ledger::count;
use crate::env::record::{REASONS, place, tag};
use crate::forms::call::{BARE, HandOver};
use crate::forms::pool::{FIRST_EXTERNAL_KIND, batch, part};
use heavy_load_engine::{MOST_THREADS, Priority, Stop};
use heavy_load_kernel::error::LONGEST_SHOWN;

/// The numbers that both sides know.
#[napi(object)]
pub struct Constants {
    pub record: RecordPlaces,
    pub tag: Tags,
    pub stop: StopReasons,
    pub count: CountPlaces,
    pub hand_over: HandOvers,
    pub part: Parts,
    pub priority: Priorities,
    pub batch: BatchPlaces,
    /// Characters of a value that a message shows.
    pub longest_shown: u32,
    /// Threads that a pool may have.
    pub most_threads: u32,
    /// The first kind of external tasks; kernels have the numbers below.
    pub first_external_kind: u32,
}

/// Where a completion's record, which `Instance.drain` writes, has what; and how many numbers it has.
#[napi(object)]
pub struct RecordPlaces {
    /// A task's; of a drain event, a pool's number.
    pub slot: u32,
    pub tag: u32,
    pub value: u32,
    /// Milliseconds.
    pub wait: u32,
    /// Milliseconds.
    pub run: u32,
    pub length: u32,
}

/// What a record's tag says.
#[napi(object)]
pub struct Tags {
    /// The record's value is the result.
    pub number: u32,
    /// The slot holds the result, or the failure.
    pub held: u32,
    /// The queue of a pool has drained.
    pub drained: u32,
    /// The turn of an external task has come.
    pub begun: u32,
    /// The task was stopped: this and the number of the reason.
    pub stopped: u32,
}

/// Why a task is stopped, for `Instance.stop` and in tags.
#[napi(object)]
pub struct StopReasons {
    pub aborted: u32,
    pub timed_out: u32,
    pub closed: u32,
}

/// Where the shared counts of a pool's tasks have what; and how many numbers there are.
#[napi(object)]
pub struct CountPlaces {
    pub completed: u32,
    pub failed: u32,
    pub cancelled: u32,
    pub timed_out: u32,
    /// Refused after the pool had taken it.
    pub rejected: u32,
    /// Failed before the pool had taken it.
    pub never_taken: u32,
    /// Refused before the pool had taken it.
    pub refused: u32,
    /// Refused after the pool had taken it, and tried again: an end that was reported to no caller.
    pub tried_again: u32,
    pub length: u32,
}

/// How a buffer reaches a kernel.
#[napi(object)]
pub struct HandOvers {
    pub copy: u32,
    pub transfer: u32,
    pub shared: u32,
    pub frozen: u32,
    /// Set beside these if the caller gave a bare buffer, and the view is only ours.
    pub bare: u32,
}

/// Which piece of a stream is submitted.
#[napi(object)]
pub struct Parts {
    pub first: u32,
    pub middle: u32,
    pub last: u32,
}

/// The numbers of priorities.
#[napi(object)]
pub struct Priorities {
    pub high: u32,
    pub normal: u32,
    pub low: u32,
}

/// Where a record of `submitBatch` has what; and how many numbers it has.
#[napi(object)]
pub struct BatchPlaces {
    pub kernel: u32,
    pub slot: u32,
    pub input: u32,
    pub length: u32,
}

/// The numbers that both sides know.
#[napi]
pub fn constants() -> Constants {
    let reason = |why| REASONS.iter().position(|reason| *reason == why).unwrap_or_default() as u32;
    Constants {
        record: RecordPlaces {
            slot: place::SLOT as u32,
            tag: place::TAG as u32,
            value: place::VALUE as u32,
            wait: place::WAIT as u32,
            run: place::RUN as u32,
            length: place::LENGTH as u32,
        },
        tag: Tags {
            number: tag::NUMBER,
            held: tag::HELD,
            drained: tag::DRAINED,
            begun: tag::BEGUN,
            stopped: tag::STOPPED,
        },
        stop: StopReasons {
            aborted: reason(Stop::Aborted),
            timed_out: reason(Stop::TimedOut),
            closed: reason(Stop::Closed),
        },
        count: CountPlaces {
            completed: count::COMPLETED as u32,
            failed: count::FAILED as u32,
            cancelled: count::CANCELLED as u32,
            timed_out: count::TIMED_OUT as u32,
            rejected: count::REJECTED as u32,
            never_taken: count::NEVER_TAKEN as u32,
            refused: count::REFUSED as u32,
            tried_again: count::TRIED_AGAIN as u32,
            length: count::LENGTH as u32,
        },
        hand_over: HandOvers {
            copy: HandOver::Copy as u32,
            transfer: HandOver::Transfer as u32,
            shared: HandOver::Shared as u32,
            frozen: HandOver::Frozen as u32,
            bare: BARE,
        },
        part: Parts { first: part::FIRST, middle: part::MIDDLE, last: part::LAST },
        priority: Priorities {
            high: Priority::High as u32,
            normal: Priority::Normal as u32,
            low: Priority::Low as u32,
        },
        batch: BatchPlaces {
            kernel: batch::KERNEL as u32,
            slot: batch::SLOT as u32,
            input: batch::INPUT as u32,
            length: batch::LENGTH as u32,
        },
        longest_shown: LONGEST_SHOWN as u32,
        most_threads: MOST_THREADS as u32,
        first_external_kind: FIRST_EXTERNAL_KIND,
    }
}
