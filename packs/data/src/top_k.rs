//! `topK`: the rows of a matrix that are nearest to a vector.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Bytes, Element, Options, Value, collect};
use heavy_load_kernel::{Estimate, Kernel, Next, OptionSpec, Parallel, Result, Spec, Work};

use crate::metric::{Metric, norm};
use crate::ranking::{Ranking, Row};

pub(crate) struct TopK;

const MOST_DIMENSIONS: u64 = 1 << 20;
/// Elements of rows that are read at once.
const BLOCK: usize = 64 << 10;

static SPEC: Spec = Spec::new("topK")
    .summary("the rows of a matrix nearest to a vector: cosine, dot product or distance; on all threads")
    .docs(
        "\
The `k` rows of `vectors` (row-major, `dimensions` elements each) that are nearest to `query`: their indices and scores, best first, equal ones by index, NaN last. `freeze()` the vectors once, and any
number of calls read them without a copy. The result is the same, however many threads there are.

Errors: ERR_INVALID_ARG_TYPE; ERR_INVALID_ARG_VALUE if `vectors` is no whole number of rows, or `query` has not `dimensions` elements; ERR_OUT_OF_RANGE; ERR_OUT_OF_MEMORY.
Working memory: 12 `k` bytes a thread. Stops within: 1 ms.",
    )
    .input("vectors", "Float32Array | FrozenBuffer")
    .output("{ index: Uint32Array; score: Float32Array }")
    .options(&[
        OptionSpec::new("query", "Float32Array", "What the rows are compared with.").numbers().required(),
        OptionSpec::new("dimensions", "number", "Elements of a row. 1..1,048,576.").required(),
        OptionSpec::new("k", "number", "How many rows; all, if there are fewer. 1..4,294,967,295.").required(),
        OptionSpec::new(
            "metric",
            "'cosine' | 'dot' | 'euclidean'",
            "'cosine' (default): of the angle, 1 for the same direction, NaN for a row of zeros. 'dot': the dot product. 'euclidean': the distance, of which smaller is better.",
        ),
    ]);

impl Kernel for TopK {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.check(input, options).map(|(work, _)| work)
    }

    fn check(&self, input: Value, options: &Options) -> Result<(Work, Estimate)> {
        let view = match input {
            // A frozen buffer has bytes alone.
            Value::View(view) if view.element == Element::Float32 || view.bare => view,
            other => {
                return Err(EngineError::invalid_type(
                    SPEC.input,
                    "an instance of Float32Array or FrozenBuffer",
                    other,
                ));
            }
        };
        let query = options.numbers::<f32>("query")?.unwrap_or_default();
        let dimensions = options.integer("dimensions", 1..=MOST_DIMENSIONS, 0)? as usize;
        let k = options.integer("k", 1..=u64::from(u32::MAX), 0)? as usize;
        let metric = options.choice("metric", Metric::CHOICES)?;
        if query.len() != dimensions {
            let reason = format!("must have options.dimensions ({dimensions}) elements");
            return Err(EngineError::invalid_value(
                "options.query",
                &reason,
                Value::Other(format!("{} elements", query.len())),
            ));
        }
        let (len, row) = (view.memory.len(), 4 * dimensions);
        if len % row != 0 || len / row > u32::MAX as usize {
            let reason = format!("must have a whole number of rows of {dimensions} elements");
            return Err(EngineError::invalid_value(SPEC.input, &reason, Value::Other(format!("{len} bytes"))));
        }
        let (rows, query) = (len / row, collect(query.iter().copied())?);
        let k = k.min(rows);
        let estimate = Estimate { cost: len as u64, memory: 24 * k as u64 };
        let best = Mutex::new(Ranking::new(k)?);
        Ok((
            Work::parallel(Searching { norm: norm(&query), query, vectors: view.into_bytes(), rows, k, metric, best }),
            estimate,
        ))
    }
}

struct Searching {
    query: Vec<f32>,
    norm: f64,
    vectors: Bytes,
    rows: usize,
    k: usize,
    metric: Metric,
    best: Mutex<Ranking>,
}

impl Parallel for Searching {
    fn len(&self) -> u64 {
        self.rows as u64
    }

    fn first_morsel(&self) -> u64 {
        (BLOCK / self.query.len()).max(1) as u64
    }

    fn run(&self, range: Range<u64>) -> Result<()> {
        let row = 4 * self.query.len();
        let at_once = (BLOCK / self.query.len()).max(1);
        let smaller = self.metric.smaller_is_better();
        let mut best = Ranking::new(self.k.min((range.end - range.start) as usize))?;
        let (mut scratch, arch) = (vec![], pulp::Arch::new());
        let (mut from, to) = (range.start as usize, range.end as usize);
        while from < to {
            let end = to.min(from + at_once);
            let bytes = self.vectors.read(from * row..end * row, &mut scratch)?;
            let copy: Vec<f32>;
            let numbers = match bytemuck::try_cast_slice(bytes) {
                Ok(numbers) => numbers,
                // A frozen Buffer may begin anywhere.
                Err(_) => {
                    copy = collect(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_ne_bytes(*bytes)))?;
                    &copy
                }
            };
            arch.dispatch(|| {
                for (index, row) in numbers.chunks_exact(self.query.len()).enumerate() {
                    let score = self.metric.score(&self.query, self.norm, row);
                    best.add(Row::new((from + index) as u32, score, smaller));
                }
            });
            from = end;
        }
        self.best.lock().unwrap_or_else(PoisonError::into_inner).take_in(best);
        Ok(())
    }

    fn merge(&mut self) -> Result<Next> {
        let best = self.best.get_mut().unwrap_or_else(PoisonError::into_inner);
        let rows = std::mem::replace(best, Ranking::new(0)?).into_sorted();
        let index = Value::numbers(collect(rows.iter().map(|row| row.index))?)?;
        let score = Value::numbers(collect(rows.iter().map(|row| row.score))?)?;
        Ok(Next::Done(Value::Record(vec![("index".into(), index), ("score".into(), score)])))
    }
}
