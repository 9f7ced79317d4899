//! A kernel of one's own: `countPrimes(limit)`, on all threads of the pool.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Kernel, Next, Parallel, Result, Spec, Work};

pub struct CountPrimes;

/// What it says of itself: types, documentation and messages are made of it.
static SPEC: Spec = Spec::new("countPrimes")
    .summary("how many primes there are below a limit")
    .docs("How many primes there are below `limit`: an integer, 0..1e9.\n\nErrors: ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.")
    .input("limit", "number")
    .output("number");

impl Kernel for CountPrimes {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// Runs on the JavaScript thread: checks the arguments, and makes them into work.
    fn prepare(&self, input: Value, _options: &Options) -> Result<Work> {
        let limit = input.integer("limit", 0..=1_000_000_000)?;
        Ok(Work::parallel(Counting { limit, count: AtomicU64::new(0) }))
    }
}

/// The work: `limit` units, of which the engine gives each thread as many as take about a millisecond.
struct Counting {
    limit: u64,
    count: AtomicU64,
}

impl Parallel for Counting {
    fn len(&self) -> u64 {
        self.limit
    }

    fn first_morsel(&self) -> u64 {
        1_000
    }

    fn run(&self, range: Range<u64>) -> Result<()> {
        let count = range.filter(|number| is_prime(*number)).count();
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(())
    }

    fn merge(&mut self) -> Result<Next> {
        Ok(Next::Done(Value::Number(*self.count.get_mut() as f64)))
    }
}

fn is_prime(number: u64) -> bool {
    number >= 2 && (2..).take_while(|divisor| divisor * divisor <= number).all(|divisor| !number.is_multiple_of(divisor))
}

heavy_load_kernel::export_kernels!(CountPrimes);

#[cfg(test)]
mod tests {
    use super::*;
    use heavy_load_kernel::testing::run;

    #[test]
    fn counts_primes() {
        for (limit, count) in [(0.0, 0.0), (2.0, 0.0), (3.0, 1.0), (100.0, 25.0), (10_000.0, 1_229.0)] {
            let work = CountPrimes.prepare(Value::Number(limit), &Options::default()).unwrap();
            assert_eq!(run(work), Ok(Value::Number(count)), "below {limit}");
        }
    }

    #[test]
    fn refuses_what_is_no_limit() {
        assert!(CountPrimes.prepare(Value::Number(-1.0), &Options::default()).is_err());
        assert!(CountPrimes.prepare(Value::String("many".into()), &Options::default()).is_err());
    }
}
