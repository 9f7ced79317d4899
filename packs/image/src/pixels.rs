//! Decoded images: rows of pixels, 8 bits a channel.

use std::alloc::{Layout, alloc_zeroed};

use fast_image_resize::PixelType;
use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Exclusive, ask_for_large_pages, reserve_exact};

/// Channels of a pixel, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channels {
    Grey = 1,
    GreyAlpha = 2,
    Rgb = 3,
    Rgba = 4,
}

impl Channels {
    /// Bytes of a pixel.
    pub(crate) fn count(self) -> usize {
        self as usize
    }

    pub(crate) fn has_alpha(self) -> bool {
        matches!(self, Channels::GreyAlpha | Channels::Rgba)
    }

    pub(crate) fn pixel_type(self) -> PixelType {
        match self {
            Channels::Grey => PixelType::U8,
            Channels::GreyAlpha => PixelType::U8x2,
            Channels::Rgb => PixelType::U8x3,
            Channels::Rgba => PixelType::U8x4,
        }
    }
}

/// An image.
#[derive(Debug)]
pub(crate) struct Pixels {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) channels: Channels,
    pub(crate) data: Data,
}

/// Where the pixels are.
#[derive(Debug)]
pub(crate) enum Data {
    Vec(Vec<u8>),
    Exclusive(Exclusive<u8>),
}

impl Pixels {
    /// Bytes of a row.
    pub(crate) fn stride(&self) -> usize {
        self.width as usize * self.channels.count()
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match &self.data {
            Data::Vec(data) => data,
            Data::Exclusive(data) => data.as_slice(),
        }
    }

    pub(crate) fn row(&self, row: usize) -> &[u8] {
        let stride = self.stride();
        &self.as_slice()[row * stride..(row + 1) * stride]
    }
}

/// Bytes of so many rows.
///
/// # Errors
/// ERR_OUT_OF_MEMORY, if no machine has as much.
pub(crate) fn bytes_of(width: u32, height: u32, channels: Channels) -> Result<usize> {
    let bytes = u64::from(width) * u64::from(height) * channels.count() as u64;
    usize::try_from(bytes).map_err(|_| EngineError::out_of_memory(usize::MAX))
}

/// No bytes, but room for `len`.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
pub(crate) fn room_for(len: usize) -> Result<Vec<u8>> {
    let mut room = vec![];
    reserve_exact(&mut room, len)?;
    ask_for_large_pages(room.as_ptr(), len);
    Ok(room)
}

/// `len` zeros, whose pages the system makes as they are touched: as `vec![0; len]`, which ends the process if there is no memory.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
pub(crate) fn zeroed(len: usize) -> Result<Vec<u8>> {
    if len == 0 {
        return Ok(vec![]);
    }
    let layout = Layout::array::<u8>(len).map_err(|_| EngineError::out_of_memory(len))?;
    // SAFETY: the layout's size is not 0.
    let start = unsafe { alloc_zeroed(layout) };
    if start.is_null() {
        return Err(EngineError::out_of_memory(len));
    }
    ask_for_large_pages(start, len);
    // SAFETY: just allocated by the global allocator with the layout of so many bytes, which are zero.
    Ok(unsafe { Vec::from_raw_parts(start, len, len) })
}
