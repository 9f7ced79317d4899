//! Brotli (RFC 7932) by the reference library.
//!
//! A section is encoded as what goes on after so many bytes that it does not know (the library's "stream offset"): it has no stream header, points
//! at nothing before it, and ends with an empty meta-block, and so at a whole byte. The parts are one stream.

use std::ptr::{self, NonNull};

use brotlic_sys::*;
use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;

use crate::codec::{Decoded, Decoder, Encoder, Encoding, Piece, Section};
use crate::memory::fill;

/// log2 of the window, as the library's own tool and Node have it.
const WINDOW_BITS: u32 = 22;
/// What is behind so many bytes is out of reach of every window; the library takes no larger offset.
const LARGEST_OFFSET: usize = 1 << 30;
/// Output that an encoder is given room for at once.
const ROOM: usize = 32 << 10;
/// Bytes of memory that a decoder takes beside its window, about.
pub(crate) const DECODER: u64 = 256 << 10;

pub(crate) struct Brotli {
    quality: u32,
}

impl Brotli {
    pub(crate) fn new(quality: i32) -> Self {
        Self { quality: quality.cast_unsigned() }
    }

    /// After how many bytes of input a meta-block ends. Left alone, the library makes large ones, whose ends take seconds in one go.
    fn meta_block(&self) -> usize {
        match self.quality {
            ..=4 => usize::MAX,
            5..=9 => 256 << 10,
            _ => 128 << 10,
        }
    }
}

impl Encoding for Brotli {
    /// Twice the window, as what is before a section cannot be pointed at.
    fn section(&self) -> usize {
        8 << 20
    }

    fn smallest_section(&self) -> usize {
        self.section() / 4
    }

    fn piece(&self) -> usize {
        64 << 10
    }

    fn encoder(&self, section: &Section<'_>) -> Result<Box<dyn Encoder>> {
        // SAFETY: no allocator of our own, so no arguments.
        let state = unsafe { BrotliEncoderCreateInstance(None, None, ptr::null_mut()) };
        let state = NonNull::new(state).ok_or_else(|| EngineError::out_of_memory(ROOM))?;
        let section_of = Sectioned { state, is_last: section.is_last, meta_block: self.meta_block(), taken: 0 };
        let mut parameters = vec![
            (BrotliEncoderParameter_BROTLI_PARAM_QUALITY, self.quality),
            (BrotliEncoderParameter_BROTLI_PARAM_LGWIN, WINDOW_BITS),
            (BrotliEncoderParameter_BROTLI_PARAM_SIZE_HINT, section.len.min(LARGEST_OFFSET) as u32),
            (BrotliEncoderParameter_BROTLI_PARAM_STREAM_OFFSET, section.offset.min(LARGEST_OFFSET) as u32),
        ];
        if self.quality >= 10 {
            // Blocks are encoded in one go, and slowly: so small ones, to stop between.
            parameters.push((BrotliEncoderParameter_BROTLI_PARAM_LGBLOCK, u32::from(BROTLI_MIN_INPUT_BLOCK_BITS)));
        }
        for (parameter, value) in parameters {
            // SAFETY: `state` is an encoder that was just made.
            let taken = unsafe { BrotliEncoderSetParameter(state.as_ptr(), parameter, value) };
            assert_eq!(taken, BROTLI_TRUE, "parameter {parameter}: {value}");
        }
        Ok(Box::new(section_of))
    }

    fn memory(&self, section: usize) -> u64 {
        // SAFETY: a function of numbers alone.
        let bytes = unsafe { BrotliEncoderEstimatePeakMemoryUsage(self.quality as i32, WINDOW_BITS as i32, section) };
        bytes as u64
    }

    fn weight(&self) -> u64 {
        [2, 3, 6, 8, 14, 22, 28, 38, 50, 70, 800, 1600][self.quality as usize]
    }
}

/// The encoder of a section.
struct Sectioned {
    state: NonNull<BrotliEncoderState>,
    is_last: bool,
    meta_block: usize,
    /// Bytes of input in this meta-block.
    taken: usize,
}

// SAFETY: the library ties a state to no thread, and this is the one pointer to it.
unsafe impl Send for Sectioned {}

impl Drop for Sectioned {
    fn drop(&mut self) {
        // SAFETY: it was made by `BrotliEncoderCreateInstance`, and is used no more.
        unsafe { BrotliEncoderDestroyInstance(self.state.as_ptr()) };
    }
}

impl Encoder for Sectioned {
    fn encode(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) -> Result<()> {
        let (last, piece) = (piece.is_last, piece.bytes());
        self.taken += piece.len();
        let operation = if last && self.is_last {
            BrotliEncoderOperation_BROTLI_OPERATION_FINISH
        } else if last || self.taken >= self.meta_block {
            self.taken = 0;
            BrotliEncoderOperation_BROTLI_OPERATION_FLUSH
        } else {
            BrotliEncoderOperation_BROTLI_OPERATION_PROCESS
        };
        let (mut available_in, mut next_in) = (piece.len(), piece.as_ptr());
        loop {
            let state = self.state.as_ptr();
            // SAFETY: `state` is an encoder; the library reads `available_in` bytes of the piece, and writes as many bytes of the room as
            // `available_out` shrinks by.
            let taken = unsafe {
                fill(out, ROOM, |room| {
                    let (mut available_out, mut next_out) = (room.len(), room.as_mut_ptr().cast());
                    let taken = BrotliEncoderCompressStream(
                        state,
                        operation,
                        &raw mut available_in,
                        &raw mut next_in,
                        &raw mut available_out,
                        &raw mut next_out,
                        ptr::null_mut(),
                    );
                    (room.len() - available_out, taken)
                })?
            };
            if taken != BROTLI_TRUE {
                // It has no other error.
                return Err(EngineError::out_of_memory(ROOM));
            }
            // SAFETY: `state` is an encoder.
            let has_more = unsafe { BrotliEncoderHasMoreOutput(state) } == BROTLI_TRUE;
            if available_in == 0 && !has_more {
                return Ok(());
            }
        }
    }
}

pub(crate) struct Decoding {
    state: NonNull<BrotliDecoderState>,
}

// SAFETY: the library ties a state to no thread, and this is the one pointer to it.
unsafe impl Send for Decoding {}

impl Drop for Decoding {
    fn drop(&mut self) {
        // SAFETY: it was made by `BrotliDecoderCreateInstance`, and is used no more.
        unsafe { BrotliDecoderDestroyInstance(self.state.as_ptr()) };
    }
}

impl Decoding {
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: no allocator of our own, so no arguments.
        let state = unsafe { BrotliDecoderCreateInstance(None, None, ptr::null_mut()) };
        Ok(Self { state: NonNull::new(state).ok_or_else(|| EngineError::out_of_memory(DECODER as usize))? })
    }

    #[cold]
    fn error(&self) -> EngineError {
        // SAFETY: `state` is a decoder.
        let code = unsafe { BrotliDecoderGetErrorCode(self.state.as_ptr()) };
        let first = BrotliDecoderErrorCode_BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
        let last = BrotliDecoderErrorCode_BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES;
        if (first..=last).contains(&code) {
            return EngineError::out_of_memory(1 << 24);
        }
        EngineError::invalid_data(format!("The data is not valid brotli (its decoder's error {code})"))
    }
}

impl Decoder for Decoding {
    fn decode(&mut self, input: &[u8], room: usize, out: &mut Vec<u8>) -> Result<Decoded> {
        let (mut available_in, mut next_in) = (input.len(), input.as_ptr());
        let state = self.state.as_ptr();
        // SAFETY: `state` is a decoder; the library reads `available_in` bytes of the input, and writes as many bytes of the room as
        // `available_out` shrinks by.
        let result = unsafe {
            fill(out, room, |room| {
                let (mut available_out, mut next_out) = (room.len(), room.as_mut_ptr().cast());
                let result = BrotliDecoderDecompressStream(
                    state,
                    &raw mut available_in,
                    &raw mut next_in,
                    &raw mut available_out,
                    &raw mut next_out,
                    ptr::null_mut(),
                );
                (room.len() - available_out, result)
            })?
        };
        if result == BrotliDecoderResult_BROTLI_DECODER_RESULT_ERROR {
            return Err(self.error());
        }
        let is_end = result == BrotliDecoderResult_BROTLI_DECODER_RESULT_SUCCESS;
        Ok(Decoded { read: input.len() - available_in, is_end })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::ffi::c_void;

    use super::*;

    thread_local! {
        /// How many more times there is memory.
        static LEFT: Cell<u32> = const { Cell::new(0) };
    }

    extern "C" fn scarce(_: *mut c_void, bytes: usize) -> *mut c_void {
        let Some(left) = LEFT.get().checked_sub(1) else { return ptr::null_mut() };
        LEFT.set(left);
        // SAFETY: the size is not 0; `release` frees it.
        unsafe { libc_malloc(bytes.max(1)) }
    }

    extern "C" fn release(_: *mut c_void, place: *mut c_void) {
        // SAFETY: it is null or comes from `scarce`.
        unsafe { libc_free(place) };
    }

    unsafe extern "C" {
        #[link_name = "malloc"]
        fn libc_malloc(bytes: usize) -> *mut c_void;
        #[link_name = "free"]
        fn libc_free(place: *mut c_void);
    }

    /// Whether all is encoded when there is memory so many times. `.cargo/config.toml` says how the library is built: else it ends this process. (So
    /// does one that was built before: `cargo clean -p brotlic-sys`.)
    fn encodes(quality: u32, data: &[u8], times: u32) -> bool {
        LEFT.set(times);
        // SAFETY: an allocator that needs no state.
        let state = unsafe { BrotliEncoderCreateInstance(Some(scarce), Some(release), ptr::null_mut()) };
        let Some(state) = NonNull::new(state) else { return false };
        let mut encoder = Sectioned { state, is_last: true, meta_block: usize::MAX, taken: 0 };
        // SAFETY: `state` is an encoder that was just made.
        unsafe { BrotliEncoderSetParameter(state.as_ptr(), BrotliEncoderParameter_BROTLI_PARAM_QUALITY, quality) };
        encoder.encode(&Piece { all: data, from: 0, is_last: true }, &mut vec![]).is_ok()
    }

    #[test]
    fn where_there_is_no_memory_the_encoder_says_so() {
        let data: Vec<u8> = (0..40_000_u32).map(|number| ((number * number) >> 7) as u8).collect();
        for quality in [0, 1, 2, 4, 5, 9, 10, 11] {
            let needed = (0..200).find(|times| encodes(quality, &data, *times));
            assert!(needed.is_some_and(|times| times > 0), "{quality}: {needed:?}");
        }
    }
}
