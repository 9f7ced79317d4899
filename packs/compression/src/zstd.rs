//! zstd (RFC 8878) by the reference library. A section is a frame; each has its length and its checksum.

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use zstd_safe::zstd_sys::{ZSTD_EndDirective, ZSTD_ErrorCode, ZSTD_estimateCStreamSize_usingCParams, ZSTD_getCParams};
use zstd_safe::{CCtx, CParameter, DCtx, DParameter, ErrorCode, InBuffer, OutBuffer, WriteBuf};

use crate::codec::{Decoded, Decoder, Encoder, Encoding, Section};
use crate::memory::reserve;

/// Bytes of a block: what the encoder takes in before it gives anything.
const BLOCK: usize = 128 << 10;
/// The largest window that is decoded, as by `zstd -d`.
pub(crate) const WINDOW_LOG: u32 = 27;
/// Bytes of memory that a decoder takes beside its window, about.
pub(crate) const DECODER: u64 = 512 << 10;

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

    fn piece(&self) -> usize {
        BLOCK
    }

    fn encoder(&self, section: &Section<'_>) -> Result<Box<dyn Encoder>> {
        let mut context = CCtx::try_create().ok_or_else(|| EngineError::out_of_memory(BLOCK))?;
        context.set_parameter(CParameter::CompressionLevel(self.level)).map_err(unexpected)?;
        context.set_parameter(CParameter::ChecksumFlag(true)).map_err(unexpected)?;
        context.set_pledged_src_size(Some(section.len as u64)).map_err(unexpected)?;
        Ok(Box::new(Frame { context }))
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
struct Frame {
    context: CCtx<'static>,
}

impl Encoder for Frame {
    fn encode(&mut self, piece: &[u8], last: bool, out: &mut Vec<u8>) -> Result<()> {
        let end = if last { ZSTD_EndDirective::ZSTD_e_end } else { ZSTD_EndDirective::ZSTD_e_continue };
        let mut input = InBuffer::around(piece);
        loop {
            reserve(out, zstd_safe::compress_bound(piece.len() - input.pos()))?;
            let at = out.len();
            let mut room = OutBuffer::around_pos(out, at);
            let left = self.context.compress_stream2(&mut room, &mut input, end).map_err(unexpected)?;
            if input.pos() == piece.len() && (!last || left == 0) {
                return Ok(());
            }
        }
    }
}

pub(crate) struct Decoding {
    context: DCtx<'static>,
}

impl Decoding {
    pub(crate) fn new() -> Result<Self> {
        let mut context = DCtx::try_create().ok_or_else(|| EngineError::out_of_memory(DECODER as usize))?;
        context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG)).map_err(unexpected)?;
        Ok(Self { context })
    }
}

impl Decoder for Decoding {
    fn decode(&mut self, input: &[u8], room: usize, out: &mut Vec<u8>) -> Result<Decoded> {
        reserve(out, room)?;
        let end = out.len() + room;
        let at = out.len();
        let mut input = InBuffer::around(input);
        let mut room = Room { out, end };
        let decoded = self.context.decompress_stream(&mut OutBuffer::around_pos(&mut room, at), &mut input);
        let left = decoded.map_err(|code| match is(code, ZSTD_ErrorCode::ZSTD_error_memory_allocation) {
            true => unexpected(code),
            false => EngineError::invalid_data(format!("The data is not valid zstd: {}", name(code))),
        })?;
        Ok(Decoded { read: input.pos(), is_end: left == 0 })
    }
}

/// A vector of which no more than a part is filled, however much capacity it has.
struct Room<'a> {
    out: &'a mut Vec<u8>,
    end: usize,
}

// SAFETY: capacity and pointer are the vector's own, or there is less capacity; the length is set to what was written.
unsafe impl WriteBuf for Room<'_> {
    fn as_slice(&self) -> &[u8] {
        self.out
    }

    fn capacity(&self) -> usize {
        self.out.capacity().min(self.end)
    }

    fn as_mut_ptr(&mut self) -> *mut u8 {
        self.out.as_mut_ptr()
    }

    unsafe fn filled_until(&mut self, n: usize) {
        // SAFETY: passed on to the caller, who has filled so many bytes, within the capacity.
        unsafe { self.out.set_len(n) };
    }
}

fn is(code: ErrorCode, kind: ZSTD_ErrorCode) -> bool {
    zstd_safe::is_error_kind(code, kind)
}

fn name(code: ErrorCode) -> &'static str {
    zstd_safe::get_error_name(code)
}

/// Encoders have no errors but that of memory.
#[cold]
fn unexpected(code: ErrorCode) -> EngineError {
    EngineError::new(heavy_load_kernel::error::Code::OutOfMemory, format!("zstd has failed: {}", name(code)))
}
