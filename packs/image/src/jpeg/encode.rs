//! Encoding of JPEG: baseline, 4:2:0, with Huffman tables of the image's own where it is not large. A unit is a row.

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use mozjpeg_sys as sys;

use super::library::{errors, guarded, throw};
use crate::fail::too_long;
use crate::header::Format;
use crate::pipeline::encode::Encode;
use crate::pixels::{Channels, Pixels, room_for};

/// Pixels a side that libjpeg writes.
const MOST: u32 = 65_500;
/// Pixels up to which the Huffman tables are the image's own: these are made, and all codes written, when the last row is in, in one step.
const OWN_TABLES: u64 = 4 << 20;
/// Bytes that libjpeg writes before they are taken over.
const BLOCK: usize = 64 * 1024;

/// libjpeg's structures, which point to each other.
struct Library {
    info: sys::jpeg_compress_struct,
    errors: sys::jpeg_error_mgr,
    target: sys::jpeg_destination_mgr,
}

/// What libjpeg writes.
struct Output {
    /// Where it writes.
    block: [u8; BLOCK],
    /// What was taken from there.
    bytes: Vec<u8>,
}

pub(crate) struct Encoder {
    /// A box's, which is made again when this is dropped. A pointer, because C holds pointers into it.
    library: *mut Library,
    /// Another box's, for the same reason.
    output: *mut Output,
    from: Channels,
    /// A row of an image with alpha, on black.
    row: Vec<u8>,
}

// SAFETY: libjpeg keeps what it knows in the structures, which nobody else has; nothing of it belongs to a thread.
unsafe impl Send for Encoder {}

impl Encoder {
    pub(crate) fn new(pixels: &Pixels, quality: u8) -> Result<Self> {
        let Pixels { width, height, channels, .. } = *pixels;
        if width.max(height) > MOST {
            return Err(too_long(Format::Jpeg, width, height, MOST));
        }
        let grey = matches!(channels, Channels::Grey | Channels::GreyAlpha);
        let row = if channels.has_alpha() { room_for(width as usize * 3)? } else { vec![] };
        // SAFETY: structures of C's, of numbers, pointers, optional functions and enumerations that have a zero.
        let library = Box::into_raw(Box::new(unsafe { std::mem::zeroed::<Library>() }));
        let output = Box::into_raw(Box::new(Output { block: [0; BLOCK], bytes: vec![] }));
        let encoder = Self { library, output, from: channels, row };
        // SAFETY: the boxes are this encoder's, and stay where they are. Nothing here is used after an error but by `jpeg_destroy_compress`,
        // which can take it in any state, also all zero.
        guarded(|| unsafe {
            (*library).errors = errors();
            (*library).info.common.err = &raw mut (*library).errors;
            sys::jpeg_create_compress(&raw mut (*library).info);
            (*library).target = sys::jpeg_destination_mgr {
                next_output_byte: (&raw mut (*output).block).cast(),
                free_in_buffer: BLOCK,
                init_destination: Some(start),
                empty_output_buffer: Some(empty),
                term_destination: Some(end),
            };
            let info = &mut (*library).info;
            info.common.client_data = output.cast();
            info.dest = &raw mut (*library).target;
            info.image_width = width;
            info.image_height = height;
            info.input_components = if grey { 1 } else { 3 };
            info.in_color_space = if grey { sys::JCS_GRAYSCALE } else { sys::JCS_RGB };
            // libjpeg-turbo's defaults, not mozjpeg's, which take ten times as long.
            sys::jpeg_c_set_int_param(info, sys::JINT_COMPRESS_PROFILE, sys::JCP_FASTEST as i32);
            sys::jpeg_set_defaults(info);
            sys::jpeg_set_quality(info, quality.into(), 1);
            info.optimize_coding = (u64::from(width) * u64::from(height) <= OWN_TABLES).into();
            sys::jpeg_start_compress(info, 1);
        })?;
        Ok(encoder)
    }
}

impl Encode for Encoder {
    fn row(&mut self, row: &[u8]) -> Result<()> {
        let row = match self.from {
            Channels::Grey | Channels::Rgb => row,
            Channels::GreyAlpha => on_black::<2>(row, &mut self.row),
            Channels::Rgba => on_black::<4>(row, &mut self.row),
        };
        let line = row.as_ptr();
        let library = self.library;
        // SAFETY: as in `new`. The line has `image_width` pixels of the input's colours.
        guarded(|| unsafe { sys::jpeg_write_scanlines(&mut (*library).info, &raw const line, 1) })?;
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<u8>> {
        let library = self.library;
        // SAFETY: as in `new`.
        guarded(|| unsafe { sys::jpeg_finish_compress(&mut (*library).info) })?;
        // SAFETY: the box is this encoder's, and libjpeg, which has written all, is not at work.
        Ok(std::mem::take(unsafe { &mut (*self.output).bytes }))
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: the boxes that were leaked in `new`, and nobody else has. What libjpeg has allocated is freed before; a structure that is all
        // zero has nothing.
        unsafe {
            sys::jpeg_destroy_compress(&mut (*self.library).info);
            drop(Box::from_raw(self.library));
            drop(Box::from_raw(self.output));
        }
    }
}

/// Pixels whose last channel is alpha, on black.
fn on_black<'a, const N: usize>(row: &[u8], to: &'a mut Vec<u8>) -> &'a [u8] {
    to.clear();
    for pixel in row.as_chunks::<N>().0 {
        let alpha = u32::from(pixel[N - 1]);
        to.extend(pixel[..N - 1].iter().map(|colour| ((u32::from(*colour) * alpha + 127) / 255) as u8));
    }
    to
}

unsafe extern "C-unwind" fn start(_info: &mut sys::jpeg_compress_struct) {}

unsafe extern "C-unwind" fn empty(info: &mut sys::jpeg_compress_struct) -> sys::boolean {
    // SAFETY: libjpeg says so when it has filled the block.
    unsafe { take(info, BLOCK) };
    1
}

unsafe extern "C-unwind" fn end(info: &mut sys::jpeg_compress_struct) {
    // SAFETY: libjpeg has written all but what is free; the target is that of `new`.
    unsafe { take(info, BLOCK - (*info.dest).free_in_buffer) };
}

/// Appends the first `len` bytes of the block to the output, and has the block filled from its start.
///
/// # Safety
/// `info` is that of an encoder's library, and so many bytes of its block are written.
unsafe fn take(info: &mut sys::jpeg_compress_struct, len: usize) {
    // SAFETY: the client's data and the target are those of `new`, and libjpeg, which calls this, touches neither meanwhile.
    unsafe {
        let Output { block, bytes } = &mut *info.common.client_data.cast::<Output>();
        if bytes.try_reserve(len).is_err() {
            throw(EngineError::out_of_memory(len));
        }
        bytes.extend_from_slice(&block[..len]);
        (*info.dest).next_output_byte = block.as_mut_ptr();
        (*info.dest).free_in_buffer = BLOCK;
    }
}
