//! zstd (RFC 8878) by the reference library. A section is a frame; each has its length and its checksum.

use std::cell::Cell;
use std::ffi::CStr;
use std::ptr::NonNull;

use heavy_load_kernel::Result;
use heavy_load_kernel::error::{Code, EngineError};
use zstd_sys::{
    ZSTD_CCtx, ZSTD_CCtx_reset, ZSTD_CCtx_setParameter, ZSTD_CCtx_setPledgedSrcSize, ZSTD_DCtx, ZSTD_DCtx_reset,
    ZSTD_DCtx_setParameter, ZSTD_EndDirective, ZSTD_ErrorCode, ZSTD_ResetDirective, ZSTD_cParameter,
    ZSTD_compressBound, ZSTD_compressStream2, ZSTD_createCCtx, ZSTD_createDCtx, ZSTD_dParameter, ZSTD_decompressStream,
    ZSTD_estimateCStreamSize_usingCParams, ZSTD_freeCCtx, ZSTD_freeDCtx, ZSTD_getCParams, ZSTD_getErrorName,
    ZSTD_inBuffer, ZSTD_isError, ZSTD_outBuffer, ZSTD_sizeof_CCtx, ZSTD_sizeof_DCtx,
};

use crate::codec::{Decoded, Decoder, Encoder, Encoding, Piece, Section};
use crate::memory::fill;

/// Bytes of a block: what the encoder takes in before it gives anything.
const BLOCK: usize = 128 << 10;
/// From this level on, blocks are small: one is encoded in one go.
const SLOW: i32 = 12;
const SMALL_BLOCK: usize = 32 << 10;
/// The largest window that is decoded, as by `zstd -d`.
pub(crate) const WINDOW_LOG: i32 = 27;
/// Bytes of memory that a decoder takes beside its window, about.
pub(crate) const DECODER: u64 = 512 << 10;
/// Whether the encoder may look at input that it has taken in where it stands, instead of at a copy.
const STABLE_IN_BUFFER: ZSTD_cParameter = ZSTD_cParameter::ZSTD_c_experimentalParam9;
/// How many bytes a block has at most.
const MAX_BLOCK_SIZE: ZSTD_cParameter = ZSTD_cParameter::ZSTD_c_experimentalParam18;

/// The largest encoder and decoder that a thread keeps for the next call.
const LARGEST_SPARE: usize = 1 << 20;

thread_local! {
    static SPARE_ENCODER: Cell<Option<Frame>> = const { Cell::new(None) };
    static SPARE_DECODER: Cell<Option<Context>> = const { Cell::new(None) };
}

pub(crate) struct Zstd {
    level: i32,
}

impl Zstd {
    pub(crate) fn new(level: i32) -> Self {
        Self { level }
    }
}

impl Encoding for Zstd {
    /// Some times the level's window, as what is before a frame cannot be pointed at.
    fn section(&self) -> usize {
        match self.level {
            ..=16 => 8 << 20,
            17..=19 => 32 << 20,
            _ => 64 << 20,
        }
    }

    fn smallest_section(&self) -> usize {
        self.section() / 4
    }

    fn piece(&self) -> usize {
        if self.level < SLOW { BLOCK } else { SMALL_BLOCK }
    }

    fn encoder(&self, section: &Section<'_>) -> Result<Box<dyn Encoder>> {
        let reused = Reused::new()?;
        let Some(Frame(context)) = &reused.0 else { unreachable!("it is there until the drop") };
        let parameters = [
            (ZSTD_cParameter::ZSTD_c_compressionLevel, self.level),
            (ZSTD_cParameter::ZSTD_c_checksumFlag, 1),
            (STABLE_IN_BUFFER, i32::from(section.is_stable)),
            (MAX_BLOCK_SIZE, self.piece() as i32),
        ];
        for (parameter, value) in parameters {
            // SAFETY: the context is one, and no frame of it has begun.
            check(unsafe { ZSTD_CCtx_setParameter(context.as_ptr(), parameter, value) })?;
        }
        // SAFETY: as above.
        check(unsafe { ZSTD_CCtx_setPledgedSrcSize(context.as_ptr(), section.len as u64) })?;
        Ok(Box::new(reused))
    }

    fn memory(&self, section: usize) -> u64 {
        // SAFETY: functions of numbers alone.
        let bytes =
            unsafe { ZSTD_estimateCStreamSize_usingCParams(ZSTD_getCParams(self.level, section.max(1) as u64, 0)) };
        bytes as u64
    }

    fn weight(&self) -> u64 {
        const WEIGHTS: [u64; 22] =
            [2, 3, 3, 4, 6, 8, 9, 11, 12, 14, 17, 21, 30, 36, 48, 60, 80, 110, 160, 200, 240, 300];
        WEIGHTS[self.level as usize - 1]
    }
}

/// The encoder of a frame.
struct Frame(NonNull<ZSTD_CCtx>);

// SAFETY: the library ties a context to no thread, and this is the one pointer to it.
unsafe impl Send for Frame {}

impl Frame {
    fn new() -> Result<Self> {
        // SAFETY: it takes nothing.
        let context = unsafe { ZSTD_createCCtx() };
        Ok(Self(NonNull::new(context).ok_or_else(|| EngineError::out_of_memory(BLOCK))?))
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        // SAFETY: it was made by `ZSTD_createCCtx`, and is used no more.
        unsafe { ZSTD_freeCCtx(self.0.as_ptr()) };
    }
}

/// A frame's encoder, which the next of this thread may use when its frame has ended: for small data, making one takes as long as the work. One that
/// has failed, for want of memory say, is in no state to be used again, a reset or not.
struct Reused(Option<Frame>, bool);

impl Reused {
    fn new() -> Result<Self> {
        let spare = SPARE_ENCODER.try_with(Cell::take).ok().flatten();
        Ok(Self(Some(spare.map_or_else(Frame::new, Ok)?), false))
    }
}

impl Drop for Reused {
    fn drop(&mut self) {
        let Some(frame) = self.0.take().filter(|_| self.1) else { return };
        // SAFETY: the context is one, and no call of it is under way.
        let is_reset =
            unsafe { ZSTD_CCtx_reset(frame.0.as_ptr(), ZSTD_ResetDirective::ZSTD_reset_session_and_parameters) } == 0;
        // SAFETY: as above.
        if is_reset && unsafe { ZSTD_sizeof_CCtx(frame.0.as_ptr()) } <= LARGEST_SPARE {
            // Not where the thread ends.
            let _ = SPARE_ENCODER.try_with(|spare| spare.set(Some(frame)));
        }
    }
}

impl Encoder for Reused {
    fn encode(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) -> Result<()> {
        let end = if piece.is_last { ZSTD_EndDirective::ZSTD_e_end } else { ZSTD_EndDirective::ZSTD_e_continue };
        let mut input = ZSTD_inBuffer { src: piece.all.as_ptr().cast(), size: piece.all.len(), pos: piece.from };
        let Some(Frame(context)) = &self.0 else { unreachable!("it is there until the drop") };
        loop {
            // SAFETY: a function of a number alone.
            let room = unsafe { ZSTD_compressBound(input.size - input.pos) };
            // SAFETY: the context is one. The library reads nothing but `piece.all`: of what it has taken in before, either its own copy
            // or, if the section is stable, what stands before `input.pos`; that it is at the same address it checks. It writes as many
            // bytes of the room as it says.
            let left = unsafe {
                fill(out, room, |room| {
                    let mut output = ZSTD_outBuffer { dst: room.as_mut_ptr().cast(), size: room.len(), pos: 0 };
                    let left = ZSTD_compressStream2(context.as_ptr(), &raw mut output, &raw mut input, end);
                    (output.pos, left)
                })?
            };
            let left = check(left)?;
            if input.pos == input.size && (!piece.is_last || left == 0) {
                self.1 = piece.is_last;
                return Ok(());
            }
        }
    }
}

/// A decoder's context.
struct Context(NonNull<ZSTD_DCtx>);

// SAFETY: the library ties a context to no thread, and this is the one pointer to it.
unsafe impl Send for Context {}

impl Context {
    fn new() -> Result<Self> {
        // SAFETY: it takes nothing.
        let context = unsafe { ZSTD_createDCtx() };
        Ok(Self(NonNull::new(context).ok_or_else(|| EngineError::out_of_memory(DECODER as usize))?))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: it was made by `ZSTD_createDCtx`, and is used no more.
        unsafe { ZSTD_freeDCtx(self.0.as_ptr()) };
    }
}

/// A decoder, whose context the next of this thread may use when it is done.
pub(crate) struct Decoding(Option<Context>);

impl Decoding {
    pub(crate) fn new() -> Result<Self> {
        let spare = SPARE_DECODER.try_with(Cell::take).ok().flatten();
        let context = spare.map_or_else(Context::new, Ok)?;
        // SAFETY: the context is one, and no frame of it has begun.
        check(unsafe { ZSTD_DCtx_setParameter(context.0.as_ptr(), ZSTD_dParameter::ZSTD_d_windowLogMax, WINDOW_LOG) })?;
        Ok(Self(Some(context)))
    }
}

impl Drop for Decoding {
    fn drop(&mut self) {
        let Some(context) = self.0.take() else { return };
        // SAFETY: the context is one, and no call of it is under way.
        let is_reset =
            unsafe { ZSTD_DCtx_reset(context.0.as_ptr(), ZSTD_ResetDirective::ZSTD_reset_session_and_parameters) } == 0;
        // SAFETY: as above.
        if is_reset && unsafe { ZSTD_sizeof_DCtx(context.0.as_ptr()) } <= LARGEST_SPARE {
            // Not where the thread ends.
            let _ = SPARE_DECODER.try_with(|spare| spare.set(Some(context)));
        }
    }
}

impl Decoder for Decoding {
    fn decode(&mut self, input: &[u8], room: usize, out: &mut Vec<u8>) -> Result<Decoded> {
        let Some(Context(context)) = &self.0 else { unreachable!("it is there until the drop") };
        let mut input = ZSTD_inBuffer { src: input.as_ptr().cast(), size: input.len(), pos: 0 };
        // SAFETY: the context is one. The library reads nothing but the input, and writes as many bytes of the room as it says.
        let left = unsafe {
            fill(out, room, |room| {
                let mut output = ZSTD_outBuffer { dst: room.as_mut_ptr().cast(), size: room.len(), pos: 0 };
                let left = ZSTD_decompressStream(context.as_ptr(), &raw mut output, &raw mut input);
                (output.pos, left)
            })?
        };
        let left = check(left)?;
        Ok(Decoded { read: input.pos, is_end: left == 0 })
    }
}

/// What a function of the library gives, or its error: encoders have none but that of memory, decoders those of the data.
fn check(given: usize) -> Result<usize> {
    // SAFETY: a function of a number alone.
    if unsafe { ZSTD_isError(given) } == 0 { Ok(given) } else { Err(error(given)) }
}

#[cold]
fn error(given: usize) -> EngineError {
    // SAFETY: it gives a static string for every number.
    let name = unsafe { CStr::from_ptr(ZSTD_getErrorName(given)) }.to_string_lossy();
    // An error is its code, below zero.
    if given.wrapping_neg() == ZSTD_ErrorCode::ZSTD_error_memory_allocation as usize {
        return EngineError::new(Code::OutOfMemory, "There is not enough memory for zstd");
    }
    EngineError::invalid_data(format!("The data is not valid zstd: {name}"))
}
