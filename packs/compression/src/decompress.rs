//! `decompress`: gzip, deflate, zstd or brotli.

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, OptionSpec, Result, Spec, Work};

use crate::decoding::Decoding;
use crate::format::{self, Format};

pub(crate) struct Decompress;

const MAX_OUTPUT_LENGTH: u64 = 256 << 20;

static OPTIONS: &[OptionSpec] = &[
    format::OPTION,
    OptionSpec::new(
        "maxOutputLength",
        "number",
        "Most bytes that the data may decompress to, against bombs. Default 256 MiB. It is also what a pool with `maxMemory` counts: lower it.",
    ),
];

static SPEC: Spec = Spec::new("decompress")
    .summary("what compressed data stands for: gzip, deflate, zstd, brotli; with a limit")
    .docs(
        "\
What compressed `data` stands for. Several gzip members or zstd frames in a row decompress to all of them; zeros behind the last are padding.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_OUT_OF_MEMORY; ERR_INVALID_DATA if the data is broken, cut off, or followed
by anything else, if a checksum is wrong, a dictionary needed, or a window of over 128 MiB (zstd) or 16 MiB (brotli); ERR_OUTPUT_TOO_LARGE as soon as
there is more than `maxOutputLength`. Working memory: the result as it grows (nothing is taken because a header says so), and the window: 32 KiB (gzip,
deflate), up to 16 MiB (brotli) or 128 MiB (zstd). Stops within: 1 ms. Sources: RFC 1950, 1951, 1952, 7932, 8878.",
    )
    .input("data", "Bytes")
    .output("Buffer")
    .options(OPTIONS);

impl Kernel for Decompress {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.check(input, options).map(|(work, _)| work)
    }

    fn check(&self, input: Value, options: &Options) -> Result<(Work, Estimate)> {
        let view = input.into_view(SPEC.input)?;
        let format = Format::of(options)?;
        let limit = options.integer("maxOutputLength", 0..=1 << 53, MAX_OUTPUT_LENGTH)?;
        let len = view.memory.len() as u64;
        let output = limit.min(len.saturating_mul(format.largest_ratio()));
        let estimate = Estimate { cost: len, memory: output.saturating_add(format.decoder_memory(output)) };
        Ok((Work::stepped(Decoding::new(format, view.into_bytes(), limit)), estimate))
    }
}
