//! JPEG, by libjpeg; but what it is most asked for, an ordinary image at an eighth of its size, by `eighth`.

mod decode;
mod eighth;
pub(crate) mod encode;
pub(crate) mod header;
mod huffman;
mod library;

use std::sync::Arc;

use heavy_load_kernel::Result;

use crate::input::Input;
use crate::pipeline::decode::Decode;

/// A decoder of an image at one half, a quarter or an eighth of its size, or all of it.
pub(crate) fn decoder(input: Arc<Input>, shrink: u32) -> Result<Box<dyn Decode>> {
    if shrink == 8
        && let Some(decoder) = eighth::Decoder::new(&input)?
    {
        return Ok(Box::new(decoder));
    }
    Ok(Box::new(decode::Decoder::new(input, shrink)?))
}
