//! `later`: is installed only when a test asks for it, as the kernels of a plug-in are; only in binaries built for the tests.

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Kernel, Next, OptionSpec, Result, Spec, Work};

pub(super) static KERNEL: Later = Later;

pub(super) struct Later;

const MOST: u64 = u32::MAX as u64;

static SPEC: Spec = Spec::new("later")
    .summary("adds one to a number")
    .docs("Resolves with a number that is larger than `number` by `by`.")
    .input("number", "number")
    .accepts_integers_up_to(MOST)
    .output("number")
    .options(&[OptionSpec::new("by", "number", "Integer. Default 1.")]);

impl Kernel for Later {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        let sum = input.integer(SPEC.input, 0..=MOST)? + options.integer("by", 0..=MOST, 1)?;
        Ok(Work::one_shot(move || Ok(Next::Done(Value::Number(sum as f64)))))
    }
}
