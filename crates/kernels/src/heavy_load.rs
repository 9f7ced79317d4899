//! `heavyLoad`: the reference load, a counting loop.
//!
//! Every step is really executed: `black_box` keeps the compiler from folding the loop, at no more than the cost of one
//! store a step. O(iterations) time, O(1) memory. Input: the number of steps.

use std::hint::black_box;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, Next, Parallel, Result, Spec, Work};

pub(super) static KERNEL: HeavyLoad = HeavyLoad;

pub(super) struct HeavyLoad;

static SPEC: Spec = Spec::new("heavyLoad")
    .summary("counts from 0 to `iterations`, on all threads: the reference load")
    .docs(
        "\
Counts from 0 to `iterations`, really executing each step, and resolves with the count. Splits over the pool's threads.

`iterations`: integer, 0..2^53-1.

Errors: ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.",
    )
    .input("iterations", "number")
    .accepts_integers_up_to(MAX_SAFE_INTEGER)
    .output("number");

/// The largest integer that a JavaScript number holds exactly, with all smaller ones.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

impl Kernel for HeavyLoad {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn estimate(&self, input: &Value, _options: &Options) -> Estimate {
        let iterations = input.integer(SPEC.input, 0..=MAX_SAFE_INTEGER).unwrap_or(0);
        Estimate { cost: iterations.max(1), memory: 0 }
    }

    fn prepare(&self, input: Value, _options: &Options) -> Result<Work> {
        let iterations = input.integer(SPEC.input, 0..=MAX_SAFE_INTEGER)?;
        Ok(Work::parallel(Counting { iterations, count: AtomicU64::new(0) }))
    }
}

struct Counting {
    iterations: u64,
    count: AtomicU64,
}

impl Parallel for Counting {
    fn len(&self) -> u64 {
        self.iterations
    }

    fn first_morsel(&self) -> u64 {
        200_000
    }

    fn run(&self, range: Range<u64>) -> Result<()> {
        self.count.fetch_add(count(range), Ordering::Relaxed);
        Ok(())
    }

    fn merge(&mut self) -> Result<Next> {
        Ok(Next::Done(Value::Number(*self.count.get_mut() as f64)))
    }
}

/// The loop, on its own so that its machine code can be read and compared.
fn count(range: Range<u64>) -> u64 {
    let mut steps = 0;
    for step in range {
        black_box(step);
        steps += 1;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use heavy_load_kernel::testing::run;

    fn heavy_load(iterations: f64) -> Result<Value> {
        run(KERNEL.prepare(Value::Number(iterations), &Options::default())?)
    }

    #[test]
    fn counts_exactly() {
        for iterations in [0.0, 1.0, 199_999.0, 200_001.0, 1e7 + 7.0] {
            assert_eq!(heavy_load(iterations), Ok(Value::Number(iterations)));
        }
    }

    #[test]
    fn refuses_what_is_no_count() {
        for bad in [-1.0, 0.5, f64::NAN, f64::INFINITY, 9007199254740992.0] {
            assert!(heavy_load(bad).is_err(), "{bad}");
        }
    }
}
