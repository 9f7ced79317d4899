//! Decoding of WebP. libwebp decodes as far as it is given bytes: a unit is as many of them as hold some ten thousand pixels, if these are
//! spread evenly.

use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::Arc;

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use libwebp_sys as sys;

use super::header::{self, Frame};
use crate::fail::broken;
use crate::header::Format;
use crate::input::Input;
use crate::pipeline::decode::Decode;
use crate::pixels::{Channels, Data, Pixels, bytes_of, zeroed};

/// Pixels of a unit, about.
const UNIT: u64 = 16 * 1024;

pub(crate) struct Decoder {
    /// Before `pixels`: it writes there until it is deleted.
    library: Library,
    input: Arc<Input>,
    frame: Frame,
    canvas: Pixels,
    /// Of the frame; libwebp's until all is decoded.
    pixels: Vec<u8>,
    /// Bytes of the frame that libwebp has been given.
    given: usize,
    unit: usize,
}

/// libwebp's decoder, and the description of its target, which it points to.
struct Library {
    decoder: NonNull<sys::WebPIDecoder>,
    _target: Box<sys::WebPDecBuffer>,
}

// SAFETY: the decoder belongs to whoever has the pointer, and to no thread; the target is plain data.
unsafe impl Send for Library {}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: it was made by `WebPINewDecoder`, and is deleted once.
        unsafe { sys::WebPIDelete(self.decoder.as_ptr()) };
    }
}

impl Decoder {
    pub(crate) fn new(input: Arc<Input>) -> Result<Self> {
        super::prepare();
        Self::unprepared(input)
    }

    pub(super) fn unprepared(input: Arc<Input>) -> Result<Self> {
        let webp = header::read(input.as_slice())?;
        let (frame, header) = (webp.frame, webp.header);
        let fits = frame.left.saturating_add(frame.width) <= header.width
            && frame.top.saturating_add(frame.height) <= header.height;
        if !fits || frame.bytes.end > input.as_slice().len() {
            return Err(broken(Format::Webp, "its frame is cut off"));
        }
        let covers = (frame.width, frame.height) == (header.width, header.height);
        let channels = if frame.alpha || !covers { Channels::Rgba } else { Channels::Rgb };
        let len = bytes_of(frame.width, frame.height, channels)?;
        let mut pixels = zeroed(len)?;
        let data = Data::Vec(if covers { vec![] } else { zeroed(bytes_of(header.width, header.height, channels)?)? });
        let canvas = Pixels { width: header.width, height: header.height, channels, data };
        let library = Library::new(&frame, channels, &mut pixels)?;
        let bytes = frame.bytes.len() as u64;
        let unit = (bytes * UNIT / (u64::from(frame.width) * u64::from(frame.height))).max(1) as usize;
        Ok(Self { library, input, frame, canvas, pixels, given: 0, unit })
    }

    /// The frame, in its place on the canvas.
    fn placed(&mut self) -> Pixels {
        let channels = self.canvas.channels;
        let mut canvas = Pixels { channels, data: Data::Vec(vec![]), ..self.canvas };
        std::mem::swap(&mut canvas.data, &mut self.canvas.data);
        let (stride, count) = (canvas.stride(), channels.count());
        let Data::Vec(data) = &mut canvas.data else { unreachable!("it is made so") };
        if data.is_empty() {
            *data = std::mem::take(&mut self.pixels);
            return canvas;
        }
        let Frame { left, top, width, .. } = self.frame;
        let from = self.pixels.chunks_exact(width as usize * count);
        for (to, from) in data.chunks_exact_mut(stride).skip(top as usize).zip(from) {
            to[left as usize * count..][..from.len()].copy_from_slice(from);
        }
        canvas
    }
}

impl Library {
    fn new(frame: &Frame, channels: Channels, pixels: &mut [u8]) -> Result<Self> {
        let mut target = MaybeUninit::<sys::WebPDecBuffer>::zeroed();
        // SAFETY: it fills in the structure.
        if unsafe { sys::WebPInitDecBufferInternal(target.as_mut_ptr(), sys::WEBP_DECODER_ABI_VERSION as i32) } == 0 {
            unreachable!("libwebp was built with its own header");
        }
        // SAFETY: a structure of numbers and pointers, zeroed and then filled in.
        let mut target = Box::new(unsafe { target.assume_init() });
        target.colorspace = match channels {
            Channels::Rgba => sys::WEBP_CSP_MODE::MODE_RGBA,
            _ => sys::WEBP_CSP_MODE::MODE_RGB,
        };
        target.is_external_memory = 1;
        let stride = frame.width as i32 * channels.count() as i32;
        target.u = sys::WebPDecBuffer__bindgen_ty_1 {
            RGBA: sys::WebPRGBABuffer { rgba: pixels.as_mut_ptr(), stride, size: pixels.len() },
        };
        // SAFETY: the target lives as long as the decoder (`Library`), and says truly how large its memory is, which lives longer (`Decoder`).
        let decoder = unsafe { sys::WebPINewDecoder(&mut *target) };
        let decoder = NonNull::new(decoder).ok_or_else(|| EngineError::out_of_memory(0))?;
        Ok(Self { decoder, _target: target })
    }
}

impl Decode for Decoder {
    fn len(&self) -> u64 {
        self.frame.bytes.len().div_ceil(self.unit) as u64
    }

    fn step(&mut self) -> Result<Option<Pixels>> {
        use sys::VP8StatusCode::{VP8_STATUS_OK, VP8_STATUS_OUT_OF_MEMORY, VP8_STATUS_SUSPENDED};
        let bytes = &self.input.as_slice()[self.frame.bytes.clone()];
        self.given = (self.given + self.unit).min(bytes.len());
        // SAFETY: the decoder's own input from its start, which stays where it is, and of which it reads so many bytes; nobody touches its target
        // meanwhile.
        let status = unsafe { sys::WebPIUpdate(self.library.decoder.as_ptr(), bytes.as_ptr(), self.given) };
        match status {
            VP8_STATUS_OK => Ok(Some(self.placed())),
            VP8_STATUS_SUSPENDED if self.given < bytes.len() => Ok(None),
            VP8_STATUS_SUSPENDED => Err(broken(Format::Webp, "it is cut off")),
            VP8_STATUS_OUT_OF_MEMORY => Err(EngineError::out_of_memory(0)),
            _ => {
                // So it calls an alpha plane, too, for which it got no memory: that is asked for once more.
                drop(zeroed(2 * self.frame.width as usize * self.frame.height as usize)?);
                Err(broken(Format::Webp, "its pixels are broken"))
            }
        }
    }
}
