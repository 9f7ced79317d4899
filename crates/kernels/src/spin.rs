//! `spin`: uses CPU time; a calibrated stand-in for any CPU work on one thread.
//!
//! The time is the CPU time of the threads that run it, not wall time: a spin that is paused, or whose thread loses the
//! core to another, does not finish sooner. A unit is a microsecond. Input: milliseconds.

use std::hint::spin_loop;
use std::time::Duration;

use cpu_time::ThreadTime;

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Kernel, Next, Result, Spec, Step, Stepped, Work};

pub(super) static KERNEL: Spin = Spin;

pub(super) struct Spin;

static SPEC: Spec = Spec::new("spin")
    .summary("uses `ms` of CPU time on one thread: a stand-in for any CPU work")
    .docs(
        "\
Uses `ms` of CPU time (of the thread that runs it, not wall time: a task that is paused for others does not finish
sooner) on one thread, in steps that can be paused and stopped; a calibrated stand-in for any CPU work. Resolves with the
CPU ms used.

`ms`: finite number >= 0, milliseconds.

Errors: ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.",
    )
    .input("ms", "number")
    .accepts_integers_up_to(u32::MAX as u64)
    .output("number");

impl Kernel for Spin {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, _options: &Options) -> Result<Work> {
        let ms = input.number(SPEC.input)?;
        let target = Duration::try_from_secs_f64(ms / 1e3).ok().filter(|_| ms.is_finite());
        let target = target.ok_or_else(|| EngineError::out_of_range(SPEC.input, "a finite number >= 0", ms))?;
        Ok(Work::stepped(Spinning { target, used: Duration::ZERO }))
    }
}

struct Spinning {
    target: Duration,
    used: Duration,
}

impl Stepped for Spinning {
    fn len(&self) -> u64 {
        self.target.as_micros() as u64
    }

    fn first_morsel(&self) -> u64 {
        1000
    }

    fn step(&mut self, units: u64) -> Result<Step> {
        let slice = Duration::from_micros(units).min(self.target - self.used);
        self.used += burn(slice);
        if self.used >= self.target {
            return Ok(Step::Done(Next::Done(Value::Number(self.used.as_secs_f64() * 1e3))));
        }
        Ok(Step::More { progress: self.used.as_secs_f64() / self.target.as_secs_f64() })
    }
}

/// Uses at least `slice` of this thread's CPU time and says how much it was.
fn burn(slice: Duration) -> Duration {
    if slice.is_zero() {
        return Duration::ZERO;
    }
    let start = ThreadTime::now();
    loop {
        let used = start.elapsed();
        if used >= slice {
            return used;
        }
        // Asking the clock is a system call on some machines: count a little between two questions.
        for _ in 0..200 {
            spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heavy_load_kernel::testing::run;

    fn spin(ms: f64) -> Result<f64> {
        let value = run(KERNEL.prepare(Value::Number(ms), &Options::default())?)?;
        value.number("result")
    }

    #[test]
    fn uses_the_cpu_time_asked_for() {
        let before = ThreadTime::now();
        let used = spin(5.0).unwrap();
        let measured = before.elapsed().as_secs_f64() * 1e3;
        assert!(used >= 5.0, "{used}");
        assert!(measured >= used * 0.999, "measured {measured}, said {used}");
        assert_eq!(spin(0.0), Ok(0.0));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert!(spin(bad).is_err(), "{bad}");
        }
    }
}
