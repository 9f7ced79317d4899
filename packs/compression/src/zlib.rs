//! gzip (RFC 1952) and zlib (RFC 1950): DEFLATE (RFC 1951) by zlib-rs, in one of two wrappers.
//!
//! Sections are joined as pigz does it: each looks back at the 32 KiB before it, and ends with an empty stored block, and so at a whole byte. The
//! parts are one DEFLATE stream, in one member.

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use zlib_rs::adler32::{adler32, adler32_combine};
use zlib_rs::crc32::{crc32, crc32_combine};
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateError, InflateFlush, Status};

use crate::codec::{Decoded, Decoder, Encoder, Encoding, Piece, Section};
use heavy_load_kernel::value::reserve;

use crate::memory::fill;

/// How far back DEFLATE can point.
const WINDOW: usize = 32 << 10;
const WINDOW_BITS: u8 = 15;
/// Output that an encoder is given room for at once.
const ROOM: usize = 32 << 10;
/// Bytes of memory that an encoder and a decoder take, about.
const ENCODER: usize = 512 << 10;
pub(crate) const DECODER: u64 = 64 << 10;

/// Whether there is as much memory as a codec takes when it is made: zlib-rs panics where there is none.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
fn ask_for(bytes: usize) -> Result<()> {
    reserve(&mut Vec::<u8>::new(), bytes)
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Wrapper {
    Gzip,
    Zlib,
}

impl Wrapper {
    /// The checksum of more bytes.
    fn check(self, before: u32, bytes: &[u8]) -> u32 {
        match self {
            Self::Gzip => crc32(before, bytes),
            Self::Zlib => adler32(before, bytes),
        }
    }

    /// The checksum of no bytes.
    fn empty_check(self) -> u32 {
        match self {
            Self::Gzip => 0,
            Self::Zlib => 1,
        }
    }
}

pub(crate) struct Zlib {
    wrapper: Wrapper,
    level: i32,
    head: Vec<u8>,
}

impl Zlib {
    pub(crate) fn new(wrapper: Wrapper, level: i32) -> Self {
        let head = match wrapper {
            // No name, no time, an unknown system; XFL says which end of the levels it is.
            Wrapper::Gzip => {
                vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, if level == 9 { 2 } else { 4 * u8::from(level == 1) }, 255]
            }
            Wrapper::Zlib => {
                let effort = match level {
                    0..=1 => 0,
                    2..=5 => 1,
                    6 => 2,
                    _ => 3,
                };
                let (method, flags) = (0x78_u16, effort << 6);
                // Both bytes together are a multiple of 31.
                vec![0x78, (flags + 31 - (method << 8 | flags) % 31) as u8]
            }
        };
        Self { wrapper, level, head }
    }
}

impl Encoding for Zlib {
    fn section(&self) -> usize {
        512 << 10
    }

    fn piece(&self) -> usize {
        16 << 10
    }

    fn lookback(&self) -> usize {
        WINDOW
    }

    fn head(&self) -> &[u8] {
        &self.head
    }

    fn encoder(&self, section: &Section<'_>) -> Result<Box<dyn Encoder>> {
        ask_for(ENCODER)?;
        let mut deflate = Deflate::new(self.level, false, WINDOW_BITS);
        if !section.before.is_empty() {
            deflate.set_dictionary(section.before).map_err(|error| unexpected(error.as_str()))?;
        }
        let check = self.wrapper.empty_check();
        Ok(Box::new(Deflating { wrapper: self.wrapper, deflate, is_last: section.is_last, check }))
    }

    fn combine(&self, first: u32, second: u32, len: u64) -> u32 {
        match self.wrapper {
            Wrapper::Gzip => crc32_combine(first, second, len),
            Wrapper::Zlib => adler32_combine(first, second, len),
        }
    }

    fn tail(&self, check: u32, len: u64) -> Vec<u8> {
        match self.wrapper {
            Wrapper::Gzip => [check.to_le_bytes(), (len as u32).to_le_bytes()].concat(),
            Wrapper::Zlib => check.to_be_bytes().to_vec(),
        }
    }

    fn memory(&self, _section: usize) -> u64 {
        ENCODER as u64
    }

    fn weight(&self) -> u64 {
        [1, 4, 7, 9, 10, 10, 14, 20, 27, 27][self.level as usize]
    }
}

/// The encoder of a section: raw DEFLATE.
struct Deflating {
    wrapper: Wrapper,
    deflate: Deflate,
    is_last: bool,
    check: u32,
}

impl Encoder for Deflating {
    fn encode(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) -> Result<()> {
        let (last, piece) = (piece.is_last, piece.bytes());
        self.check = self.wrapper.check(self.check, piece);
        let flush = match (last, self.is_last) {
            (false, _) => DeflateFlush::NoFlush,
            (true, false) => DeflateFlush::SyncFlush,
            (true, true) => DeflateFlush::Finish,
        };
        let mut at = 0;
        loop {
            let deflate = &mut self.deflate;
            // SAFETY: zlib-rs has written as many bytes as its count has grown by.
            let (status, is_full) = unsafe {
                fill(out, ROOM, |room| {
                    let (read, written) = (deflate.total_in(), deflate.total_out());
                    let status = deflate.compress_uninit(&piece[at..], room, flush);
                    at += (deflate.total_in() - read) as usize;
                    let written = (deflate.total_out() - written) as usize;
                    (written, (status, written == room.len()))
                })?
            };
            let status = status.map_err(|error| unexpected(error.as_str()))?;
            // A full room may hide that there is more.
            if status == Status::StreamEnd || (flush != DeflateFlush::Finish && at == piece.len() && !is_full) {
                return Ok(());
            }
        }
    }

    fn check(&self) -> u32 {
        self.check
    }
}

pub(crate) struct Decoding {
    wrapper: Wrapper,
    inflate: Inflate,
}

impl Decoding {
    pub(crate) fn new(wrapper: Wrapper) -> Result<Self> {
        ask_for(DECODER as usize)?;
        // zlib's way to say which wrapper it is.
        let bits = WINDOW_BITS + if wrapper == Wrapper::Gzip { 16 } else { 0 };
        Ok(Self { wrapper, inflate: Inflate::new(true, bits) })
    }
}

impl Decoder for Decoding {
    fn decode(&mut self, input: &[u8], room: usize, out: &mut Vec<u8>) -> Result<Decoded> {
        let inflate = &mut self.inflate;
        let before = inflate.total_in();
        // SAFETY: zlib-rs has written as many bytes as its count has grown by.
        let status = unsafe {
            fill(out, room, |room| {
                let written = inflate.total_out();
                let status = inflate.decompress_uninit(input, room, InflateFlush::NoFlush);
                ((inflate.total_out() - written) as usize, status)
            })?
        };
        match status {
            Ok(status) => {
                let read = (inflate.total_in() - before) as usize;
                Ok(Decoded { read, is_end: status == Status::StreamEnd })
            }
            Err(InflateError::MemError) => Err(EngineError::out_of_memory(WINDOW)),
            Err(error) => {
                let name = if self.wrapper == Wrapper::Gzip { "gzip" } else { "deflate" };
                let reason = inflate.error_message().unwrap_or(error.as_str());
                Err(EngineError::invalid_data(format!("The data is not valid {name}: {reason}")))
            }
        }
    }

    fn restart(&mut self) -> Result<()> {
        *self = Self::new(self.wrapper)?;
        Ok(())
    }
}

/// Encoders have no errors but that of memory.
#[cold]
fn unexpected(reason: &str) -> EngineError {
    EngineError::new(heavy_load_kernel::error::Code::OutOfMemory, format!("The encoder has failed: {reason}"))
}
