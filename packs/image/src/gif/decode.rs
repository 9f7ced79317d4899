//! Decoding of GIF's first frame. A unit is a row.

use std::io::Cursor;
use std::num::NonZeroU64;
use std::sync::Arc;

use gif::{ColorOutput, DecodeOptions, Decoder as Reader, DecodingError, MemoryLimit};
use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;

use crate::fail::{broken, too_many_pixels};
use crate::header::{Format, Header};
use crate::input::{Input, Shared};
use crate::pipeline::decode::Decode;
use crate::pixels::{Channels, Data, Pixels, bytes_of, zeroed};

/// Bytes that the decoder may take: it holds palettes, and the image is not its own.
const ROOM: NonZeroU64 = NonZeroU64::new(16 << 20).unwrap();

/// Bytes of a decoded pixel.
const RGBA: usize = 4;

pub(crate) struct Decoder {
    reader: Reader<Cursor<Shared>>,
    pixels: Option<Pixels>,
    frame: Frame,
    /// Rows that are done.
    done: usize,
    /// A row of the frame.
    row: Vec<u8>,
}

/// Where the frame is on the canvas.
#[derive(Clone, Copy)]
struct Frame {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    interlaced: bool,
}

impl Decoder {
    pub(crate) fn new(input: Arc<Input>, limit: u64) -> Result<Self> {
        let Header { width, height, alpha, .. } = Header::read(input.as_slice())?;
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::RGBA);
        options.set_memory_limit(MemoryLimit::Bytes(ROOM));
        let mut reader = options.read_info(Cursor::new(Shared(input))).map_err(failed)?;
        let missing = || broken(Format::Gif, "it has no frame");
        let frame = reader.next_frame_info().map_err(failed)?.ok_or_else(missing)?;
        let frame = Frame {
            left: frame.left.into(),
            top: frame.top.into(),
            width: frame.width.into(),
            height: frame.height.into(),
            interlaced: frame.interlaced,
        };
        if frame.width == 0 || frame.height == 0 {
            return Err(missing());
        }
        // It may be larger than the canvas.
        if (frame.width * frame.height) as u64 > limit {
            return Err(too_many_pixels(frame.width as u64, frame.height as u64, limit));
        }
        let channels = if alpha { Channels::Rgba } else { Channels::Rgb };
        let data = Data::Vec(zeroed(bytes_of(width, height, channels)?)?);
        let row = zeroed(frame.width * RGBA)?;
        Ok(Self { reader, pixels: Some(Pixels { width, height, channels, data }), frame, done: 0, row })
    }
}

impl Frame {
    /// Where a row is that comes as number `index`.
    fn place(&self, index: usize) -> usize {
        if !self.interlaced {
            return index;
        }
        let mut index = index;
        for (first, by) in [(0, 8), (4, 8), (2, 4)] {
            let rows = self.height.saturating_sub(first).div_ceil(by);
            if index < rows {
                return first + index * by;
            }
            index -= rows;
        }
        1 + index * 2
    }
}

impl Decode for Decoder {
    fn len(&self) -> u64 {
        self.frame.height as u64
    }

    fn step(&mut self) -> Result<Option<Pixels>> {
        if !self.reader.fill_buffer(&mut self.row).map_err(failed)? {
            return Err(broken(Format::Gif, "it is cut off"));
        }
        let Some(pixels) = &mut self.pixels else { unreachable!("it is given away at the end") };
        let Frame { left, top, width, height, .. } = self.frame;
        let (row, stride, count) = (top + self.frame.place(self.done), pixels.stride(), pixels.channels.count());
        let across = width.min((pixels.width as usize).saturating_sub(left));
        if row < pixels.height as usize && across > 0 {
            let Data::Vec(data) = &mut pixels.data else { unreachable!("it is made so") };
            let to = &mut data[row * stride + left * count..][..across * count];
            for (to, from) in to.chunks_exact_mut(count).zip(self.row.chunks_exact(RGBA)) {
                to.copy_from_slice(&from[..count]);
            }
        }
        self.done += 1;
        Ok(if self.done == height { self.pixels.take() } else { None })
    }
}

#[cold]
fn failed(error: DecodingError) -> EngineError {
    broken(Format::Gif, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interlaced_rows_cover_all_of_them() {
        for height in 1..40 {
            let frame = Frame { left: 0, top: 0, width: 1, height, interlaced: true };
            let mut rows: Vec<_> = (0..height).map(|index| frame.place(index)).collect();
            rows.sort_unstable();
            assert_eq!(rows, (0..height).collect::<Vec<_>>());
        }
    }
}
