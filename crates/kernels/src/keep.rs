//! `keep`: keeps its input's memory longer than its work, or touches it too early; only in binaries built for the tests.

use std::mem::take;
use std::sync::{Mutex, MutexGuard, PoisonError};

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Bytes, Options, Value};
use heavy_load_kernel::{Kernel, Next, OptionSpec, Result, Spec, Work};

pub(super) static KERNEL: Keep = Keep;

pub(super) struct Keep;

static SPEC: Spec = Spec::new("keep")
    .summary("keeps its input's memory")
    .docs("Keeps `input`, bytes, and resolves with it; or says how many inputs are kept ('count'), adds up their bytes ('sum'), or lets them go.")
    .input("input", "Bytes | 'count' | 'sum' | 'let go'")
    .options(&[OptionSpec::new("how", "'keep' | 'touch' | 'send'", "Or reads it too early, or resolves with its memory.")]);

#[derive(Clone, Copy)]
enum How {
    Keep,
    Touch,
    Send,
}

static KEPT: Mutex<Vec<Bytes>> = Mutex::new(vec![]);

fn kept() -> MutexGuard<'static, Vec<Bytes>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kernel for Keep {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        let how = options.choice("how", &[("keep", How::Keep), ("touch", How::Touch), ("send", How::Send)])?;
        let view = match input {
            Value::View(view) => view,
            Value::String(what) => {
                return Ok(Work::one_shot(move || {
                    let number = match what.as_str() {
                        "count" => kept().len(),
                        "sum" => sum(&kept())?,
                        _ => take(&mut *kept()).len(),
                    };
                    Ok(Next::Done(Value::Number(number as f64)))
                }));
            }
            other => return Err(EngineError::invalid_type(SPEC.input, "bytes, or what to do", &other)),
        };
        if let How::Send = how {
            let mut view = Some(view);
            return Ok(Work::one_shot(move || Ok(Next::Done(view.take().map_or(Value::Undefined, Value::View)))));
        }
        let mut bytes = Some(view.into_bytes());
        if let How::Touch = how {
            sum(bytes.as_slice())?;
        }
        Ok(Work::one_shot(move || {
            kept().extend(bytes.take());
            Ok(Next::Done(Value::Input))
        }))
    }
}

fn sum(all: &[Bytes]) -> Result<usize> {
    let mut sum = 0;
    for bytes in all {
        let mut scratch = vec![];
        sum += bytes.read(0..bytes.len(), &mut scratch)?.iter().map(|byte| usize::from(*byte)).sum::<usize>();
    }
    Ok(sum)
}
