//! Encoding: JPEG and PNG in steps, WebP in one.

use heavy_load_kernel::value::Value;
use heavy_load_kernel::{Next, Result, Step, Stepped, Work};

use super::{Rest, first_rows};
use crate::header::Format;
use crate::pixels::Pixels;
use crate::{jpeg, png, webp};

/// An encoder that takes one row after the other.
pub(crate) trait Encode: Send {
    /// Takes the next row.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    fn row(&mut self, row: &[u8]) -> Result<()>;

    /// Gives the bytes, after the last row. Called once.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    fn finish(&mut self) -> Result<Vec<u8>>;
}

/// Encodes an image.
pub(crate) fn work(pixels: Pixels, rest: Rest) -> Result<Work> {
    let encoder: Box<dyn Encode> = match rest.format {
        Format::Jpeg => Box::new(jpeg::encode::Encoder::new(&pixels, rest.quality)?),
        Format::Png | Format::Gif => Box::new(png::encode::Encoder::new(&pixels)?),
        Format::Webp => {
            let call = move || Ok(Next::Done(Value::Buffer(webp::encode::encode(&pixels, rest.quality)?)));
            return Ok(Work::one_shot(call));
        }
    };
    Ok(Work::stepped(Encoding { pixels, encoder, row: 0 }))
}

/// A unit is a row; finishing is one more.
struct Encoding {
    pixels: Pixels,
    encoder: Box<dyn Encode>,
    row: u32,
}

impl Stepped for Encoding {
    fn len(&self) -> u64 {
        u64::from(self.pixels.height) + 1
    }

    fn first_morsel(&self) -> u64 {
        first_rows(self.pixels.width)
    }

    fn step(&mut self, units: u64) -> Result<Step> {
        for _ in 0..units {
            if self.row == self.pixels.height {
                return Ok(Step::Done(Next::Done(Value::Buffer(self.encoder.finish()?))));
            }
            self.encoder.row(self.pixels.row(self.row as usize))?;
            self.row += 1;
        }
        Ok(Step::More { progress: 0.9 + 0.1 * f64::from(self.row) / self.len() as f64 })
    }
}
