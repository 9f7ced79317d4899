//! What an image says of itself before it is decoded.

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;

use crate::orientation::Orientation;
use crate::{gif, jpeg, png, webp};

/// The formats that are read. All but GIF are written, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    Webp,
    Gif,
}

impl Format {
    /// As options and results have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Jpeg => "jpeg",
            Format::Png => "png",
            Format::Webp => "webp",
            Format::Gif => "gif",
        }
    }

    /// As people write it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Format::Jpeg => "JPEG",
            Format::Png => "PNG",
            Format::Webp => "WebP",
            Format::Gif => "GIF",
        }
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Format::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::Webp),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
            _ => None,
        }
    }
}

/// An image's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) format: Format,
    /// As they are stored, before the orientation is applied.
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) orientation: Orientation,
    pub(crate) alpha: bool,
}

impl Header {
    /// Reads it.
    ///
    /// # Errors
    /// ERR_INVALID_DATA.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let format = Format::of(bytes)
            .ok_or_else(|| EngineError::invalid_data("The image cannot be read: it is no JPEG, PNG, WebP or GIF"))?;
        match format {
            Format::Jpeg => jpeg::header::read(bytes).map(|jpeg| jpeg.header),
            Format::Png => png::header::read(bytes),
            Format::Webp => webp::header::read(bytes).map(|webp| webp.header),
            Format::Gif => gif::header::read(bytes),
        }
    }

    /// Pixels of a row and of a column, as they are shown.
    pub(crate) fn shown(&self) -> (u32, u32) {
        self.orientation.shown((self.width, self.height))
    }
}
