//! `misbehave`: panics, or reads freed memory, on purpose; only in binaries built for the tests.

use std::sync::Arc;

use crate::error::EngineError;
use crate::kernel::{Kernel, Next, Parallel, Result, Spec, Step, Stepped, Work};
use crate::value::{Options, Value};

pub(super) static KERNEL: Misbehave = Misbehave;

pub(super) struct Misbehave;

static SPEC: Spec = Spec {
    name: "misbehave",
    summary: "panics on purpose",
    docs: "Panics on purpose, in the place that `how` names.",
    type_parameter: "",
    input: "how",
    input_type: "'prepare' | 'run' | 'merge' | 'step' | 'call' | 'drop' | 'dangle'",
    integers_to: None,
    output_type: "undefined",
    in_place: false,
    options: &[],
};

impl Kernel for Misbehave {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, _options: &Options) -> Result<Work> {
        let Value::String(how) = input else {
            return Err(EngineError::invalid_type(SPEC.input, "of type string", &input));
        };
        match how.as_str() {
            "prepare" => panic!("on purpose: prepare"),
            "run" => Ok(Work::parallel(PanickingParallel { in_run: true })),
            "merge" => Ok(Work::parallel(PanickingParallel { in_run: false })),
            "step" => Ok(Work::stepped(PanickingStepped)),
            "call" => Ok(Work::one_shot(|| panic!("on purpose: call"))),
            "drop" => Ok(Work::stepped(PanickingDrop)),
            // So that a check for such reads can be seen to find one.
            "dangle" => Ok(Work::one_shot(|| Ok(Next::Done(Value::Number(dangle()))))),
            other => Err(EngineError::invalid_value(SPEC.input, "names no place", &Value::String(other.into()))),
        }
    }
}

fn dangle() -> f64 {
    let memory = Box::into_raw(Box::new(1_u8));
    // SAFETY: none: the box is freed, and then read. AddressSanitizer (scripts/asan.mjs) is to stop the process here.
    let read = unsafe {
        drop(Box::from_raw(memory));
        memory.read_volatile()
    };
    f64::from(read)
}

struct PanickingParallel {
    in_run: bool,
}

impl Parallel for PanickingParallel {
    fn len(&self) -> u64 {
        64
    }

    fn first_morsel(&self) -> u64 {
        1
    }

    fn run(&self, range: std::ops::Range<u64>) -> Result<()> {
        assert!(!(self.in_run && range.contains(&40)), "on purpose: run");
        Ok(())
    }

    fn merge(self: Arc<Self>) -> Result<Next> {
        panic!("on purpose: merge")
    }
}

struct PanickingStepped;

impl Stepped for PanickingStepped {
    fn len(&self) -> u64 {
        1
    }

    fn first_morsel(&self) -> u64 {
        1
    }

    fn step(&mut self, _units: u64) -> Result<Step> {
        panic!("on purpose: step")
    }
}

struct PanickingDrop;

impl Stepped for PanickingDrop {
    fn len(&self) -> u64 {
        1
    }

    fn first_morsel(&self) -> u64 {
        1
    }

    fn step(&mut self, _units: u64) -> Result<Step> {
        Ok(Step::Done(Next::Done(Value::Undefined)))
    }
}

impl Drop for PanickingDrop {
    fn drop(&mut self) {
        panic!("on purpose: drop");
    }
}
