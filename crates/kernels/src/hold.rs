//! `hold`: takes memory and a thread for a while; only in binaries built for the tests. It sleeps: in steps, between which it may be stopped,
//! or all at once, of which a pool knows nothing until it is over, however busy the machine: no task behind it is refused.

use std::hint::black_box;
use std::time::{Duration, Instant};

use heavy_load_kernel::value::{Options, Value, reserve_exact};
use heavy_load_kernel::{Estimate, Kernel, Next, OptionSpec, Result, Spec, Step, Stepped, Work};

pub(super) static KERNEL: Hold = Hold;

pub(super) struct Hold;

static SPEC: Spec = Spec::new("hold")
    .summary("takes memory for a while")
    .docs("Takes so many MiB of memory from its first step to its end, `ms` later, and resolves with their number.")
    .input("mebibytes", "number")
    .output("number")
    .options(&[
        OptionSpec::new("ms", "number", "Milliseconds. Default 5."),
        OptionSpec::new("atOnce", "boolean", "Cannot be stopped. Default false."),
    ]);

const MOST: u64 = 4096;
/// How soon it stops.
const SLICE: Duration = Duration::from_millis(1);

impl Kernel for Hold {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn estimate(&self, input: &Value, _options: &Options) -> Estimate {
        Estimate { cost: 0, memory: input.integer(SPEC.input, 0..=MOST).unwrap_or(0) << 20 }
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        let mebibytes = input.integer(SPEC.input, 0..=MOST)? as usize;
        let time = Duration::from_millis(options.integer("ms", 0..=60_000, 5)?);
        let mut holding = Holding { mebibytes, time, held: None };
        if !options.boolean("atOnce", false)? {
            return Ok(Work::stepped(holding));
        }
        Ok(Work::one_shot(move || {
            loop {
                if let Step::Done(next) = holding.step(1)? {
                    return Ok(next);
                }
            }
        }))
    }
}

struct Holding {
    mebibytes: usize,
    time: Duration,
    held: Option<(Vec<u8>, Instant)>,
}

impl Stepped for Holding {
    fn len(&self) -> u64 {
        1
    }

    fn step(&mut self, _units: u64) -> Result<Step> {
        let Some((memory, since)) = &self.held else {
            let len = self.mebibytes << 20;
            let mut memory = vec![];
            reserve_exact(&mut memory, len)?;
            memory.resize(len, 1);
            self.held = Some((memory, Instant::now()));
            return Ok(Step::More { progress: 0.0 });
        };
        black_box(memory);
        let left = self.time.saturating_sub(since.elapsed());
        if !left.is_zero() {
            std::thread::sleep(left.min(SLICE));
            return Ok(Step::More { progress: 0.0 });
        }
        Ok(Step::Done(Next::Done(Value::Number(self.mebibytes as f64))))
    }
}
