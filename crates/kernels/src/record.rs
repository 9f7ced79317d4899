//! `record`: takes options of all kinds, and gives an object of all kinds of values; only in binaries built for the tests.

use heavy_load_kernel::value::{Options, Value, collect};
use heavy_load_kernel::{Kernel, Next, OptionSpec, Result, Spec, Work};

pub(super) static KERNEL: Record = Record;

pub(super) struct Record;

static SPEC: Spec = Spec::new("record")
    .summary("gives an object")
    .docs("Resolves with an object of its options.")
    .input("input", "unknown")
    .output("object")
    .options(&[
        OptionSpec::new("list", "unknown[] | Record<string, unknown>", "Comes back.").json(),
        OptionSpec::new("query", "Float32Array", "Comes back, with the sum of its elements.").numbers(),
    ]);

impl Kernel for Record {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, _input: Value, options: &Options) -> Result<Work> {
        let list = options.json("list")?.map_or(Value::Undefined, |json| Value::Json(json.to_owned()));
        let (query, sum) = match options.numbers::<f32>("query")? {
            Some(numbers) => {
                (Value::numbers(collect(numbers.iter().copied())?)?, Value::Number(numbers.iter().sum::<f32>().into()))
            }
            None => (Value::Undefined, Value::Null),
        };
        let (large, text) = (Value::Buffer(vec![7; 100_000]), Value::String("é".into()));
        let fields = [
            ("list", list),
            ("query", query),
            ("sum", sum),
            ("large", large),
            ("__proto__", Value::Bool(true)),
            ("text", text),
        ];
        let mut fields: Vec<_> = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Ok(Work::one_shot(move || Ok(Next::Done(Value::Record(std::mem::take(&mut fields))))))
    }
}
