//! `misbehave`: panics, or reads freed memory, on purpose; only in binaries built for the tests.

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Kernel, Next, Parallel, Result, Spec, Step, Stepped, Work};

pub(super) static KERNEL: Misbehave = Misbehave;

pub(super) struct Misbehave;

static SPEC: Spec = Spec::new("misbehave")
    .summary("panics on purpose")
    .docs("Panics on purpose, in the place that `how` names.")
    .input("how", "string")
    .output("undefined");

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
            "len" => Ok(Work::stepped(Panicking { place: Place::Len, then: None })),
            "run" => Ok(Work::parallel(Panicking { place: Place::Run, then: None })),
            "merge" => Ok(Work::parallel(Panicking { place: Place::Merge, then: None })),
            "step" => Ok(Work::stepped(Panicking { place: Place::Step, then: None })),
            "call" => Ok(Work::one_shot(|| panic!("on purpose: call"))),
            "drop" => Ok(Work::stepped(Panicking { place: Place::Nowhere, then: Some(Bomb) })),
            "payload" => Ok(Work::one_shot(|| std::panic::panic_any(Bomb))),
            "next" => {
                Ok(Work::one_shot(|| Ok(Next::Then(Work::stepped(Panicking { place: Place::Len, then: Some(Bomb) })))))
            }
            "len, drop" => Ok(Work::stepped(Panicking { place: Place::Len, then: Some(Bomb) })),
            "run, drop" => Ok(Work::parallel(Panicking { place: Place::Run, then: Some(Bomb) })),
            "merge, drop" => Ok(Work::parallel(Panicking { place: Place::Merge, then: Some(Bomb) })),
            "step, drop" => Ok(Work::stepped(Panicking { place: Place::Step, then: Some(Bomb) })),
            "call, drop" => {
                let bomb = Bomb;
                Ok(Work::one_shot(move || {
                    let _captured = &bomb;
                    panic!("on purpose: call")
                }))
            }
            "drop, drop" => Ok(Work::one_shot(|| {
                // The first piece panics when it is dropped, and so does what it has led to.
                let last = Panicking { place: Place::Nowhere, then: Some(Bomb) };
                Ok(Next::Then(Work::stepped(Leading { next: Some(Work::stepped(last)), _bomb: Bomb })))
            })),
            // So that a check for such reads can be seen to find one.
            "dangle" => Ok(Work::one_shot(|| Ok(Next::Done(Value::Number(dangle()))))),
            other => Err(EngineError::invalid_value(SPEC.input, "names no place", Value::String(other.into()))),
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

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("on purpose: drop");
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Len,
    Run,
    Merge,
    Step,
    Nowhere,
}

/// Panics in one place, and when it is dropped if it has a bomb.
struct Panicking {
    place: Place,
    #[expect(dead_code, reason = "it is there to be dropped")]
    then: Option<Bomb>,
}

impl Panicking {
    fn len(&self) -> u64 {
        assert!(self.place != Place::Len, "on purpose: len");
        64
    }
}

impl Parallel for Panicking {
    fn len(&self) -> u64 {
        self.len()
    }

    fn run(&self, range: std::ops::Range<u64>) -> Result<()> {
        assert!(!(self.place == Place::Run && range.contains(&40)), "on purpose: run");
        Ok(())
    }

    fn merge(&mut self) -> Result<Next> {
        panic!("on purpose: merge")
    }
}

impl Stepped for Panicking {
    fn len(&self) -> u64 {
        self.len()
    }

    fn step(&mut self, _units: u64) -> Result<Step> {
        assert!(self.place != Place::Step, "on purpose: step");
        Ok(Step::Done(Next::Done(Value::Undefined)))
    }
}

/// Leads to another piece of work, and panics when it is dropped.
struct Leading {
    next: Option<Work>,
    _bomb: Bomb,
}

impl Stepped for Leading {
    fn len(&self) -> u64 {
        1
    }

    fn step(&mut self, _units: u64) -> Result<Step> {
        Ok(Step::Done(self.next.take().map_or(Next::Done(Value::Undefined), Next::Then)))
    }
}
