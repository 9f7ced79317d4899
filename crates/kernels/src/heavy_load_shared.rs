//! `heavyLoadShared`: the heavy load over a buffer, in place and without a copy.
//!
//! Advances every element by `rounds` steps of xorshift32 (Marsaglia, "Xorshift RNGs", 2003; the triple 13, 17, 5).
//! O(elements x rounds) time, O(1) memory. Input: 32-bit elements in shared or transferred memory.
//!
//! One element may need billions of rounds, so the work is cut both ways: a *phase* takes every element a limited number
//! of rounds further, and the phases follow each other.

use std::ops::Range;

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Element, Options, Shared, Value, View};
use heavy_load_kernel::{Estimate, Kernel, Next, OptionSpec, Parallel, Result, Spec, Work};

pub(super) static KERNEL: HeavyLoadShared = HeavyLoadShared;

pub(super) struct HeavyLoadShared;

static SPEC: Spec = Spec::new("heavyLoadShared")
    .summary("advances every element of a Uint32Array by `rounds` xorshift32 steps, in place, without a copy")
    .docs(
        "\
The heavy load over a buffer, in place and without a copy: advances every element by `rounds` xorshift32 steps
(x ^= x << 13; x ^= x >>> 17; x ^= x << 5). `view` stands on a SharedArrayBuffer (worked in place while JS can read it;
resolves with the same view), or on an ArrayBuffer with `transfer: true` (resolves with a new view over the same memory).
An ArrayBuffer without `transfer` rejects with ERR_INVALID_ARG_VALUE: this form never copies.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE. Source: Marsaglia, \"Xorshift RNGs\", 2003.",
    )
    .input("view", "Uint32Array")
    .output("Uint32Array")
    .options(&[OptionSpec::new("rounds", "number", "Steps for each element: integer, 0..2^32-1. Default 1000.")]);

/// Rounds of one element in one phase: some 0.2 ms, well below a morsel.
const ROUNDS_PER_PHASE: u64 = 1 << 16;

impl Kernel for HeavyLoadShared {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn estimate(&self, input: &Value, options: &Options) -> Estimate {
        let Value::View(View { memory, .. }) = input else { return Estimate::default() };
        let elements = (memory.len() / size_of::<u32>()) as u64;
        let rounds = options.integer("rounds", 0..=u64::from(u32::MAX), 1000).unwrap_or(1);
        Estimate { cost: elements.saturating_mul(rounds), memory: 0 }
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        let Value::View(View { element: element @ Element::Uint32, bare: false, memory }) = input else {
            return Err(EngineError::invalid_type(SPEC.input, "an instance of Uint32Array", &input));
        };
        let rounds = options.integer("rounds", 0..=u64::from(u32::MAX), 1000)?;
        let elements = memory.into_shared().map_err(|memory| {
            let reason = "must stand on a SharedArrayBuffer, or be given with transfer: true, since it is never copied";
            EngineError::invalid_hand_over(SPEC.input, reason, Value::View(View { element, bare: false, memory }))
        })?;
        Ok(Work::parallel(Phase { elements, rounds, done: 0 }))
    }
}

struct Phase {
    elements: Shared<u32>,
    /// Rounds in all.
    rounds: u64,
    /// Rounds that the phases before have done.
    done: u64,
}

impl Phase {
    fn rounds_now(&self) -> u64 {
        (self.rounds - self.done).min(ROUNDS_PER_PHASE)
    }
}

impl Parallel for Phase {
    fn len(&self) -> u64 {
        if self.rounds == 0 { 0 } else { self.elements.len() as u64 }
    }

    fn first_morsel(&self) -> u64 {
        (ROUNDS_PER_PHASE / 2 / self.rounds_now().max(1)).max(1)
    }

    fn run(&self, range: Range<u64>) -> Result<()> {
        let rounds = self.rounds_now();
        self.elements.update(range.start as usize..range.end as usize, |element| xorshift32(element, rounds));
        Ok(())
    }

    fn merge(&mut self) -> Result<Next> {
        let done = self.done + self.rounds_now();
        if done == self.rounds || self.elements.is_empty() {
            return Ok(Next::Done(Value::Input));
        }
        Ok(Next::Then(Work::parallel(Phase { elements: self.elements.clone(), rounds: self.rounds, done })))
    }

    fn progress(&self, units: u64) -> f64 {
        let share = units as f64 / self.len().max(1) as f64;
        (self.done as f64 + share * self.rounds_now() as f64) / self.rounds.max(1) as f64
    }
}

fn xorshift32(mut x: u32, rounds: u64) -> u32 {
    for _ in 0..rounds {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use heavy_load_kernel::testing::{run, shared};

    #[test]
    fn advances_every_element_over_phases() {
        for (len, rounds) in [(0, 5), (1, 0), (7, 1), (33, 1000), (3, ROUNDS_PER_PHASE + 1)] {
            let before: Vec<u32> = (0..len).map(|i| 2_654_435_761_u32.wrapping_mul(i)).collect();
            let (memory, lender) = shared(before.clone());
            let view = View { element: Element::Uint32, bare: false, memory };
            let options = Options::new(vec![("rounds", Value::Number(rounds as f64))]);
            let work = KERNEL.prepare(Value::View(view), &options).unwrap();
            assert_eq!(run(work), Ok(Value::Input));
            let expected: Vec<u32> = before.into_iter().map(|element| xorshift32(element, rounds)).collect();
            assert_eq!(lender.take_back().unwrap(), expected);
        }
    }

    #[test]
    fn matches_marsaglia_from_his_own_seed() {
        // The first output of the generator printed in the paper, seeded 2463534242.
        assert_eq!(xorshift32(2_463_534_242, 1), 723_471_715);
    }
}
