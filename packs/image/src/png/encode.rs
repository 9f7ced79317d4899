//! Encoding of PNG, as zlib's middle level compresses it. A unit is a row.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use png::{BitDepth, ColorType, Encoder as Settings, EncodingError, StreamWriter};

use crate::pipeline::encode::Encode;
use crate::pixels::{Channels, Pixels};

pub(crate) struct Encoder {
    /// None when it has ended.
    writer: Option<StreamWriter<'static, Output>>,
    output: Output,
}

/// What is written. The writer gives back nothing, so it is shared with it.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Encoder {
    pub(crate) fn new(pixels: &Pixels) -> Result<Self> {
        let output = Output::default();
        let mut settings = Settings::new(output.clone(), pixels.width, pixels.height);
        settings.set_depth(BitDepth::Eight);
        settings.set_color(match pixels.channels {
            Channels::Grey => ColorType::Grayscale,
            Channels::GreyAlpha => ColorType::GrayscaleAlpha,
            Channels::Rgb => ColorType::Rgb,
            Channels::Rgba => ColorType::Rgba,
        });
        let writer = settings.write_header().and_then(|writer| writer.into_stream_writer()).map_err(failed)?;
        Ok(Self { writer: Some(writer), output })
    }
}

impl Encode for Encoder {
    fn row(&mut self, row: &[u8]) -> Result<()> {
        let Some(writer) = &mut self.writer else { unreachable!("it ends after the last row") };
        writer.write_all(row).map_err(|error| failed(EncodingError::IoError(error)))
    }

    fn finish(&mut self) -> Result<Vec<u8>> {
        if let Some(writer) = self.writer.take() {
            writer.finish().map_err(failed)?;
        }
        Ok(std::mem::take(&mut self.output.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.try_reserve(bytes.len())?;
        written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Nothing but memory can be missing: the rows are as they were announced.
#[cold]
fn failed(_error: EncodingError) -> EngineError {
    EngineError::out_of_memory(0)
}
