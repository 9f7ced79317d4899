//! What `resizeImage` does, one piece of work after the other: decoding, scaling, turning, encoding.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod scale;
pub(crate) mod turn;

use heavy_load_kernel::{Next, Result};

use crate::header::Format;
use crate::orientation::Orientation;
use crate::pixels::Pixels;

/// What is still to be done with the decoded pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    pub(crate) orientation: Orientation,
    pub(crate) format: Format,
    pub(crate) quality: u8,
}

impl Rest {
    /// What follows scaling.
    pub(crate) fn after_scaling(self, pixels: Pixels) -> Result<Next> {
        if self.orientation == Orientation::NORMAL {
            return self.after_turning(pixels);
        }
        Ok(Next::Then(turn::work(pixels, self)?))
    }

    /// What follows turning.
    pub(crate) fn after_turning(self, pixels: Pixels) -> Result<Next> {
        Ok(Next::Then(encode::work(pixels, self)?))
    }
}

/// Units of about one cost of which each is a row: how many are some 50 microseconds of work.
pub(crate) fn first_rows(width: u32) -> u64 {
    (32_768 / u64::from(width.max(1))).clamp(1, 256)
}
