//! Decoding of PNG. A unit is a row, of an interlaced image a row of one of its passes.

use std::io::Cursor;
use std::sync::Arc;

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use png::{
    ColorType, DecodeOptions, Decoder as Settings, DecodingError, InterlaceInfo, Limits, Reader, Transformations,
};

use crate::fail::broken;
use crate::header::Format;
use crate::input::{Input, Shared};
use crate::pipeline::decode::Decode;
use crate::pixels::{Channels, Data, Pixels, bytes_of, room_for, zeroed};

/// Bytes that the decoder may take beside the image: for rows, and for chunks that nobody reads.
const ROOM: usize = 64 << 20;

pub(crate) struct Decoder {
    reader: Reader<Cursor<Shared>>,
    /// Filled row by row.
    pixels: Option<Pixels>,
}

impl Decoder {
    pub(crate) fn new(input: Arc<Input>) -> Result<Self> {
        let mut options = DecodeOptions::default();
        options.set_ignore_adler32(false);
        options.set_ignore_text_chunk(true);
        options.set_ignore_iccp_chunk(true);
        let mut settings = Settings::new_with_options(Cursor::new(Shared(input)), options);
        settings.set_limits(Limits { bytes: ROOM });
        // To 8 bits a channel, palettes to colours, and a transparent colour to alpha.
        settings.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
        let reader = settings.read_info().map_err(failed)?;
        let channels = match reader.output_color_type().0 {
            ColorType::Grayscale => Channels::Grey,
            ColorType::GrayscaleAlpha => Channels::GreyAlpha,
            ColorType::Rgb => Channels::Rgb,
            ColorType::Rgba => Channels::Rgba,
            ColorType::Indexed => return Err(broken(Format::Png, "it has no palette")),
        };
        let (width, height) = (reader.info().width, reader.info().height);
        let len = bytes_of(width, height, channels)?;
        let data = Data::Vec(if reader.info().interlaced { zeroed(len)? } else { room_for(len)? });
        Ok(Self { reader, pixels: Some(Pixels { width, height, channels, data }) })
    }

    /// Takes in the next row; whether there was one.
    fn row(&mut self) -> Result<bool> {
        let Some(pixels) = &mut self.pixels else { unreachable!("it is given away at the end") };
        let stride = pixels.stride();
        let Data::Vec(data) = &mut pixels.data else { unreachable!("it is made so") };
        let Some(row) = self.reader.next_interlaced_row().map_err(failed)? else { return Ok(false) };
        match row.interlace() {
            // There is room: it was asked for.
            InterlaceInfo::Null(_) => data.extend_from_slice(row.data()),
            InterlaceInfo::Adam7(place) => {
                png::expand_interlaced_row(data, stride, row.data(), place, 8 * pixels.channels.count() as u8);
            }
        }
        Ok(true)
    }
}

impl Decode for Decoder {
    fn len(&self) -> u64 {
        // Of Adam7's passes: 15 rows for 8 of the image.
        self.reader.info().height as u64 * if self.reader.info().interlaced { 2 } else { 1 }
    }

    fn step(&mut self) -> Result<Option<Pixels>> {
        if self.row()? {
            return Ok(None);
        }
        Ok(self.pixels.take())
    }
}

#[cold]
fn failed(error: DecodingError) -> EngineError {
    match error {
        DecodingError::LimitsExceeded => broken(Format::Png, "its rows or chunks are too long"),
        other => broken(Format::Png, other),
    }
}
