//! What a caller of `resizeImage` wants.

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{OptionSpec, Result};

use crate::header::Format;

/// Pixels of an image unless a call says otherwise, and of any output: 16383 squared, as much as WebP can hold.
pub(crate) const DEFAULT_PIXELS: u64 = 16_383 * 16_383;

pub(crate) static OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("width", "number", "Pixels of a row, 1..65535. Default: as `height` and the aspect give it."),
    OptionSpec::new("height", "number", "Pixels of a column, 1..65535. Default: as `width` and the aspect give it."),
    OptionSpec::new(
        "fit",
        "'inside' | 'cover' | 'fill'",
        "If both are given: as large as fits inside (default), just so large that it covers them and its middle cut out, or stretched.",
    ),
    OptionSpec::new("format", "'jpeg' | 'png' | 'webp'", "Of the output. Default: the input's; PNG for GIF."),
    OptionSpec::new("quality", "number", "Of JPEG and WebP, 1..100. Default 80."),
    OptionSpec::new("enlarge", "boolean", "Whether it may become larger than it is. Default false."),
    OptionSpec::new("limitInputPixels", "number", "Most pixels of `image`, >= 1. Default 268402689 (16383 squared)."),
];

/// What happens to the aspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Inside,
    Cover,
    Fill,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) fit: Fit,
    pub(crate) format: Option<Format>,
    pub(crate) quality: u8,
    pub(crate) enlarge: bool,
    pub(crate) limit: u64,
}

impl Request {
    /// # Errors
    /// ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE.
    pub(crate) fn of(options: &Options) -> Result<Self> {
        let side = |name: &str| match options.get(name) {
            Value::Undefined => Ok(None),
            value => value.integer(&format!("options.{name}"), 1..=65_535).map(|side| Some(side as u32)),
        };
        let formats = [Format::Jpeg, Format::Png, Format::Webp].map(|format| (format.name(), Some(format)));
        let format = match options.get("format") {
            Value::Undefined => None,
            _ => options.choice("format", &formats)?,
        };
        let fits = [("inside", Fit::Inside), ("cover", Fit::Cover), ("fill", Fit::Fill)];
        Ok(Self {
            width: side("width")?,
            height: side("height")?,
            fit: options.choice("fit", &fits)?,
            format,
            quality: options.integer("quality", 1..=100, 80)? as u8,
            enlarge: options.boolean("enlarge", false)?,
            limit: options.integer("limitInputPixels", 1..=(1 << 53) - 1, DEFAULT_PIXELS)?,
        })
    }
}
