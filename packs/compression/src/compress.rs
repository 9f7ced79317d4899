//! `compress`: gzip, deflate, zstd or brotli.

use std::sync::OnceLock;

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, OptionSpec, Result, Spec, Work};

use crate::format::{self, Format};
use crate::sections;

pub(crate) struct Compress;

static OPTIONS: &[OptionSpec] = &[
    format::OPTION,
    OptionSpec::new(
        "level",
        "number",
        "The format's own: gzip and deflate 0..9 (default 6), zstd 1..22 (default 3), brotli 0..11 (default 4).",
    ),
];

static SPEC: Spec = Spec::new("compress")
    .summary("data compressed: gzip, deflate, zstd, brotli; large data on all threads")
    .docs(
        "\
`data` compressed, into what the format's own tools read. Large data is cut into sections that all threads work on: gzip and deflate 512 KiB (still
one member, each section looking back at the one before, as pigz does it), zstd up to 8 MiB (from level 17 on 32, from 20 on 64), each a frame with its
checksum, brotli up to 8 MiB. The result is the same, however many threads there are.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_OUT_OF_MEMORY. Working memory: the result, and an encoder a thread: 0.5 MiB
(gzip, deflate), 4 MiB (zstd 3), 90 MiB (zstd 19), 700 MiB (zstd 22), 50 MiB (brotli 4), 280 MiB (brotli 11). Shared memory that is written meanwhile gives a result that can
be decompressed, to some mixture. Stops within: 2 ms (gzip, deflate, zstd up to 11), 50 ms (zstd from 12 on), 0.1 s (zstd from 17 on), 0.5 s (zstd from
20 on, whose tables are cleared in one go), 20 ms (brotli up to 8), 0.2 s (brotli from 9 on). Sources: RFC 1950, 1951, 1952, 7932, 8878.",
    )
    .input("data", "Bytes")
    .output("Buffer")
    .options(OPTIONS);

impl Kernel for Compress {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.check(input, options).map(|(work, _)| work)
    }

    fn check(&self, input: Value, options: &Options) -> Result<(Work, Estimate)> {
        let view = input.into_view(SPEC.input)?;
        let encoding = Format::of(options)?.encoding(options)?;
        let len = view.memory.len();
        let sections = if len <= encoding.section() { 1 } else { len.div_ceil(encoding.smallest_section()) };
        let encoders = sections.min(threads()) as u64;
        let memory = len as u64 + encoders * encoding.memory(len.min(encoding.section()));
        let estimate = Estimate { cost: len as u64 * encoding.weight(), memory };
        Ok((sections::work(encoding, view), estimate))
    }
}

/// How many threads a pool has at most that somebody has not made larger.
fn threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}
