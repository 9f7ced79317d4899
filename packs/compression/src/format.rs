//! Which formats there are.

use heavy_load_kernel::value::Options;
use heavy_load_kernel::{OptionSpec, Result};

use crate::brotli::{self, Brotli};
use crate::codec::{Decoder, Encoding};
use crate::zlib::{self, Wrapper, Zlib};
use crate::zstd::{self, Zstd};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Format {
    Gzip,
    Deflate,
    Zstd,
    Brotli,
}

pub(crate) const FORMATS: &[(&str, Format)] =
    &[("gzip", Format::Gzip), ("deflate", Format::Deflate), ("zstd", Format::Zstd), ("brotli", Format::Brotli)];

/// Of both kernels.
pub(crate) const OPTION: OptionSpec = OptionSpec::new(
    "format",
    "'gzip' | 'deflate' | 'zstd' | 'brotli'",
    "'gzip' (default), 'deflate' (in its zlib wrapper, as HTTP means it), 'zstd' or 'brotli'.",
);

impl Format {
    pub(crate) fn of(options: &Options) -> Result<Self> {
        options.choice("format", FORMATS)
    }

    /// How it is made, at the level that was asked for.
    ///
    /// # Errors
    /// ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
    pub(crate) fn encoding(self, options: &Options) -> Result<Box<dyn Encoding>> {
        let level = |range, default| options.integer("level", range, default).map(|level| level as i32);
        Ok(match self {
            Self::Gzip => Box::new(Zlib::new(Wrapper::Gzip, level(0..=9, 6)?)),
            Self::Deflate => Box::new(Zlib::new(Wrapper::Zlib, level(0..=9, 6)?)),
            Self::Zstd => Box::new(Zstd::new(level(1..=22, 3)?)),
            Self::Brotli => Box::new(Brotli::new(level(0..=11, 4)?)),
        })
    }

    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    pub(crate) fn decoder(self) -> Result<Box<dyn Decoder>> {
        Ok(match self {
            Self::Gzip => Box::new(zlib::Decoding::new(Wrapper::Gzip)?),
            Self::Deflate => Box::new(zlib::Decoding::new(Wrapper::Zlib)?),
            Self::Zstd => Box::new(zstd::Decoding::new()?),
            Self::Brotli => Box::new(brotli::Decoding::new()?),
        })
    }

    /// Whether several streams in a row stand for all that they hold.
    pub(crate) fn has_members(self) -> bool {
        matches!(self, Self::Gzip | Self::Zstd)
    }

    /// How many bytes one byte of it can become at most; about as many, and more than a call allows, where the format has no such limit.
    pub(crate) fn largest_ratio(self) -> u64 {
        match self {
            Self::Gzip | Self::Deflate => 1032,
            Self::Zstd | Self::Brotli => u64::MAX,
        }
    }

    /// Bytes of memory that its decoder takes for output of at most so many bytes.
    pub(crate) fn decoder_memory(self, output: u64) -> u64 {
        match self {
            Self::Gzip | Self::Deflate => zlib::DECODER,
            Self::Zstd => zstd::DECODER + output.min(1 << zstd::WINDOW_LOG),
            Self::Brotli => brotli::DECODER + output.min(1 << 24),
        }
    }
}
