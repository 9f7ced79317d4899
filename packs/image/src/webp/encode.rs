//! Encoding of WebP: lossy, as libwebp does it by default.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::slice;

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use libwebp_sys as sys;

use crate::fail::too_long;
use crate::header::Format;
use crate::pixels::{Channels, Pixels, room_for};

/// Pixels a side.
const MOST: u32 = 16_383;

pub(crate) fn encode(pixels: &Pixels, quality: u8) -> Result<Vec<u8>> {
    super::prepare();
    unprepared(pixels, quality)
}

pub(super) fn unprepared(pixels: &Pixels, quality: u8) -> Result<Vec<u8>> {
    let Pixels { width, height, channels, .. } = *pixels;
    if width.max(height) > MOST {
        return Err(too_long(Format::Webp, width, height, MOST));
    }
    let config = config(quality);
    let mut output = Vec::new();
    let mut picture = Picture::new(width, height, &mut output);
    picture.import(pixels, channels)?;
    // SAFETY: both were filled in by libwebp's own functions; the output, to which the picture points, is not touched meanwhile.
    if unsafe { sys::WebPEncode(&config, &mut picture.0) } == 0 {
        return Err(picture.failed());
    }
    drop(picture);
    Ok(output)
}

fn config(quality: u8) -> sys::WebPConfig {
    let mut config = MaybeUninit::<sys::WebPConfig>::zeroed();
    let version = sys::WEBP_ENCODER_ABI_VERSION as c_int;
    let preset = sys::WebPPreset::WEBP_PRESET_DEFAULT;
    // SAFETY: it fills in the structure.
    if unsafe { sys::WebPConfigInitInternal(config.as_mut_ptr(), preset, quality.into(), version) } == 0 {
        unreachable!("libwebp was built with its own header, and the quality is 1 to 100");
    }
    // SAFETY: a structure of numbers, zeroed and then filled in.
    unsafe { config.assume_init() }
}

/// libwebp's picture.
struct Picture(sys::WebPPicture);

impl Picture {
    /// One that is written to this output, which it points to.
    fn new(width: u32, height: u32, output: &mut Vec<u8>) -> Self {
        let mut picture = MaybeUninit::<sys::WebPPicture>::zeroed();
        // SAFETY: it fills in the structure.
        if unsafe { sys::WebPPictureInitInternal(picture.as_mut_ptr(), sys::WEBP_ENCODER_ABI_VERSION as c_int) } == 0 {
            unreachable!("libwebp was built with its own header");
        }
        // SAFETY: a structure of numbers, pointers and optional functions, zeroed and then filled in.
        let mut picture = unsafe { picture.assume_init() };
        picture.width = width as c_int;
        picture.height = height as c_int;
        picture.writer = Some(write);
        picture.custom_ptr = (&raw mut *output).cast();
        Self(picture)
    }

    /// Takes the pixels over, as luma and chroma.
    fn import(&mut self, pixels: &Pixels, channels: Channels) -> Result<()> {
        let mut coloured = vec![];
        let (from, count) = match channels {
            Channels::Rgb | Channels::Rgba => (pixels.as_slice(), channels.count()),
            Channels::Grey => (coloured_of::<1, 3>(pixels, &mut coloured)?, 3),
            Channels::GreyAlpha => (coloured_of::<2, 4>(pixels, &mut coloured)?, 4),
        };
        let stride = self.0.width * count as c_int;
        // SAFETY: so many rows of so many bytes are there; the picture was made by `new`.
        let imported = unsafe {
            if count == 4 {
                sys::WebPPictureImportRGBA(&mut self.0, from.as_ptr(), stride)
            } else {
                sys::WebPPictureImportRGB(&mut self.0, from.as_ptr(), stride)
            }
        };
        if imported == 0 { Err(self.failed()) } else { Ok(()) }
    }

    #[cold]
    fn failed(&self) -> EngineError {
        use sys::WebPEncodingError::{
            VP8_ENC_ERROR_FILE_TOO_BIG, VP8_ENC_ERROR_PARTITION_OVERFLOW, VP8_ENC_ERROR_PARTITION0_OVERFLOW,
        };
        match self.0.error_code {
            VP8_ENC_ERROR_FILE_TOO_BIG | VP8_ENC_ERROR_PARTITION_OVERFLOW | VP8_ENC_ERROR_PARTITION0_OVERFLOW => {
                too_long(Format::Webp, self.0.width.unsigned_abs(), self.0.height.unsigned_abs(), MOST)
            }
            // Its arguments were checked: nothing but memory can be missing.
            _ => EngineError::out_of_memory(0),
        }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: made by `new`; what libwebp has allocated for it is freed once.
        unsafe { sys::WebPPictureFree(&mut self.0) };
    }
}

/// Grey pixels with all three colours.
fn coloured_of<'a, const FROM: usize, const TO: usize>(pixels: &Pixels, to: &'a mut Vec<u8>) -> Result<&'a [u8]> {
    let from = pixels.as_slice().as_chunks::<FROM>().0;
    *to = room_for(from.len() * TO)?;
    for pixel in from {
        to.extend_from_slice(&[pixel[0]; 3]);
        to.extend_from_slice(&pixel[1..]);
    }
    Ok(to)
}

unsafe extern "C" fn write(data: *const u8, len: usize, picture: *const sys::WebPPicture) -> c_int {
    // SAFETY: libwebp calls this with its picture, whose output nobody else touches meanwhile, and with so many bytes.
    unsafe {
        let output = &mut *(*picture).custom_ptr.cast::<Vec<u8>>();
        if output.try_reserve(len).is_err() {
            return 0;
        }
        output.extend_from_slice(slice::from_raw_parts(data, len));
    }
    1
}
