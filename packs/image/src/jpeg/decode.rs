//! Decoding of JPEG: at a half, a quarter or an eighth of its size where that suffices, which leaves out most of the work but reading the
//! Huffman codes. A unit is a row; of an image in several scans, which are all read first, also a row of blocks.

use std::ffi::{c_int, c_long};
use std::sync::Arc;

use heavy_load_kernel::Result;
use mozjpeg_sys as sys;

use super::header;
use super::library::{errors, guarded, throw};
use crate::fail::broken;
use crate::header::Format;
use crate::input::Input;
use crate::pipeline::decode::Decode;
use crate::pixels::{Channels, Data, Pixels, bytes_of, room_for};

/// Scans of an image. Progressive ones have some 10; a file of a few kilobytes could have thousands, each over all of the image.
const MOST_SCANS: c_int = 100;

/// libjpeg's structures, which point to each other.
struct Library {
    info: sys::jpeg_decompress_struct,
    errors: sys::jpeg_error_mgr,
    source: sys::jpeg_source_mgr,
}

pub(crate) struct Decoder {
    /// A box's, which is made again when this is dropped. A pointer, because C holds pointers into it.
    library: *mut Library,
    /// What libjpeg reads.
    _input: Arc<Input>,
    adobe: bool,
    stage: Stage,
    /// Filled row by row.
    pixels: Option<Pixels>,
    /// A row of CMYK.
    cmyk: Vec<u8>,
    rows: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Reading all scans.
    Scans,
    Rows,
    /// Looking for the end.
    End,
}

// SAFETY: libjpeg keeps what it knows in the structures, which nobody else has; nothing of it belongs to a thread.
unsafe impl Send for Decoder {}

impl Decoder {
    pub(crate) fn new(input: Arc<Input>, shrink: u32) -> Result<Self> {
        let adobe = header::read(input.as_slice())?.adobe;
        // SAFETY: structures of C's, of numbers, pointers, optional functions and enumerations that have a zero.
        let library = Box::into_raw(Box::new(unsafe { std::mem::zeroed::<Library>() }));
        let mut decoder =
            Self { library, _input: input, adobe, stage: Stage::Rows, pixels: None, cmyk: vec![], rows: 0 };
        decoder.begin(shrink)?;
        Ok(decoder)
    }

    fn begin(&mut self, shrink: u32) -> Result<()> {
        let input = self._input.as_slice();
        let library = self.library;
        // SAFETY: the box is this decoder's, and stays where it is. The source is the input, which is kept as long. Nothing here is used
        // after an error but by `jpeg_destroy_decompress`, which can take it in any state, also all zero.
        let several = guarded(|| unsafe {
            (*library).errors = errors();
            (*library).info.common.err = &raw mut (*library).errors;
            sys::jpeg_create_decompress(&raw mut (*library).info);
            (*library).source = sys::jpeg_source_mgr {
                next_input_byte: input.as_ptr(),
                bytes_in_buffer: input.len(),
                init_source: Some(nothing),
                fill_input_buffer: Some(cut_off),
                skip_input_data: Some(skip),
                resync_to_restart: Some(sys::jpeg_resync_to_restart),
                term_source: Some(nothing),
            };
            let info = &mut (*library).info;
            info.src = &raw mut (*library).source;
            sys::jpeg_read_header(info, 1);
            info.scale_num = 1;
            info.scale_denom = shrink;
            info.do_block_smoothing = 0;
            let several = sys::jpeg_has_multiple_scans(info) != 0;
            info.buffered_image = several.into();
            info.out_color_space = match info.jpeg_color_space {
                sys::JCS_GRAYSCALE => sys::JCS_GRAYSCALE,
                sys::JCS_YCbCr | sys::JCS_RGB => sys::JCS_RGB,
                sys::JCS_CMYK | sys::JCS_YCCK => sys::JCS_CMYK,
                _ => throw(broken(Format::Jpeg, "its colours are unknown")),
            };
            sys::jpeg_calc_output_dimensions(info);
            several
        })?;
        // SAFETY: a plain read, of the box of this decoder.
        let info = unsafe { &(*self.library).info };
        let (width, height) = (info.output_width, info.output_height);
        let channels = if info.out_color_space == sys::JCS_GRAYSCALE { Channels::Grey } else { Channels::Rgb };
        if info.out_color_space == sys::JCS_CMYK {
            self.cmyk = room_for(width as usize * 4)?;
            self.cmyk.resize(width as usize * 4, 0);
        }
        let data = Data::Vec(room_for(bytes_of(width, height, channels)?)?);
        self.pixels = Some(Pixels { width, height, channels, data });
        self.rows = height.into();
        // SAFETY: as above.
        guarded(|| unsafe { sys::jpeg_start_decompress(&mut (*library).info) })?;
        if several {
            self.stage = Stage::Scans;
        }
        Ok(())
    }

    /// Reads a row of blocks of a scan.
    fn scan(&mut self) -> Result<()> {
        const REACHED_EOI: c_int = 2;
        let library = self.library;
        // SAFETY: as in `begin`.
        self.stage = guarded(|| unsafe {
            let info = &mut (*library).info;
            if sys::jpeg_consume_input(info) != REACHED_EOI {
                if info.input_scan_number > MOST_SCANS {
                    throw(broken(Format::Jpeg, "it has too many scans"));
                }
                return Stage::Scans;
            }
            sys::jpeg_start_output(info, info.input_scan_number);
            Stage::Rows
        })?;
        Ok(())
    }

    fn row(&mut self) -> Result<()> {
        let Some(pixels) = &mut self.pixels else { unreachable!("it is given away at the end") };
        let stride = pixels.stride();
        let Data::Vec(data) = &mut pixels.data else { unreachable!("it is made so") };
        let start = data.len();
        // There is room: it was asked for.
        data.resize(start + stride, 0);
        let row = &mut data[start..];
        let mut line = if self.cmyk.is_empty() { row.as_mut_ptr() } else { self.cmyk.as_mut_ptr() };
        let library = self.library;
        // SAFETY: as in `begin`. The line has room for `output_width` pixels of the output's colours.
        let at_end = guarded(|| unsafe {
            let info = &mut (*library).info;
            if sys::jpeg_read_scanlines(info, &raw mut line, 1) != 1 {
                throw(broken(Format::Jpeg, "a row is missing"));
            }
            info.output_scanline == info.output_height
        })?;
        if !self.cmyk.is_empty() {
            convert(&self.cmyk, row, self.adobe);
        }
        if at_end {
            self.stage = Stage::End;
        }
        Ok(())
    }
}

impl Decode for Decoder {
    fn len(&self) -> u64 {
        self.rows
    }

    fn step(&mut self) -> Result<Option<Pixels>> {
        match self.stage {
            Stage::Scans => self.scan()?,
            Stage::Rows => self.row()?,
            Stage::End => {
                // SAFETY: a plain read, of the box of this decoder.
                let (several, unread) =
                    unsafe { ((*self.library).info.buffered_image != 0, (*self.library).source.bytes_in_buffer) };
                let bytes = self._input.as_slice();
                // Not `jpeg_finish_decompress`, which refuses what it has to skip. Several scans were read up to the image's end; of one, the marker
                // that ends its codes may have been read.
                if !several && !header::has_end(bytes, (bytes.len() - unread).saturating_sub(2)) {
                    return Err(broken(Format::Jpeg, "it is cut off"));
                }
                return Ok(self.pixels.take());
            }
        }
        Ok(None)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the box that was leaked in `new`, and nobody else has. What libjpeg has allocated is freed before; a structure that is all zero has
        // nothing.
        unsafe {
            sys::jpeg_destroy_decompress(&mut (*self.library).info);
            drop(Box::from_raw(self.library));
        }
    }
}

/// CMYK to RGB, as if inks were perfect: profiles are not converted.
fn convert(cmyk: &[u8], rgb: &mut [u8], inverted: bool) {
    let light = |ink: u8| u32::from(if inverted { ink } else { 255 - ink });
    for (from, to) in cmyk.as_chunks::<4>().0.iter().zip(rgb.as_chunks_mut::<3>().0) {
        let black = light(from[3]);
        *to = [from[0], from[1], from[2]].map(|ink| ((light(ink) * black + 127) / 255) as u8);
    }
}

unsafe extern "C-unwind" fn nothing(_info: &mut sys::jpeg_decompress_struct) {}

unsafe extern "C-unwind" fn cut_off(_info: &mut sys::jpeg_decompress_struct) -> sys::boolean {
    throw(broken(Format::Jpeg, "it is cut off"))
}

unsafe extern "C-unwind" fn skip(info: &mut sys::jpeg_decompress_struct, bytes: c_long) {
    let bytes = usize::try_from(bytes).unwrap_or(0);
    // SAFETY: the source of `begin`, which libjpeg moves on within the input.
    unsafe {
        let source = &mut *info.src;
        if bytes > source.bytes_in_buffer {
            throw(broken(Format::Jpeg, "it is cut off"));
        }
        source.next_input_byte = source.next_input_byte.add(bytes);
        source.bytes_in_buffer -= bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inks_become_light() {
        let mut rgb = [0; 6];
        convert(&[255, 255, 255, 255, 0, 128, 255, 255], &mut rgb, true);
        assert_eq!(rgb, [255, 255, 255, 0, 128, 255]);
        convert(&[0, 0, 0, 0, 0, 0, 0, 255], &mut rgb, false);
        assert_eq!(rgb, [255, 255, 255, 0, 0, 0]);
    }
}
