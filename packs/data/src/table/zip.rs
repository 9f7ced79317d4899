//! The files of a zip archive (APPNOTE.TXT), read where they stand: the directory is searched for a name, and a file is unpacked as it is read.
//!
//! Nothing is taken from the directory but what is asked for, so that it may say what it likes; and nothing is unpacked that is not read.

use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use heavy_load_kernel::Result;
use heavy_load_kernel::error::{Code, EngineError};
use heavy_load_kernel::value::{Bytes, reserve_exact};
use zlib_rs::crc32::crc32;
use zlib_rs::{Inflate, InflateFlush, Status};

use crate::table::coroutine::{Pace, pause};
use heavy_load_kernel::value::reserve;

/// Bytes that are unpacked at once.
const BLOCK: usize = 32 << 10;
/// Bytes of memory that zlib-rs takes, about.
const INFLATE: usize = 64 << 10;

const END: u32 = 0x0605_4b50;
const END_LEN: usize = 22;
const END64: u32 = 0x0606_4b50;
const LOCATOR64: u32 = 0x0706_4b50;
const ENTRY: u32 = 0x0201_4b50;
const ENTRY_LEN: usize = 46;
const FILE: u32 = 0x0403_4b50;
const FILE_LEN: usize = 30;

/// An archive.
pub(crate) struct Archive {
    data: Bytes,
    /// Where the directory stands.
    directory: Range<usize>,
    /// Bytes that stand before the archive.
    shift: usize,
    /// Most bytes that all that is read may unpack to.
    limit: u64,
    unpacked: AtomicU64,
    read: AtomicU64,
}

/// A file, as the directory has it.
#[derive(Clone, Debug)]
pub(crate) struct File {
    is_deflated: bool,
    crc: u32,
    packed: u64,
    header: u64,
}

impl Archive {
    /// # Errors
    /// ERR_INVALID_DATA; ERR_OUT_OF_MEMORY.
    pub(crate) fn open(data: Bytes, limit: u64) -> Result<Self> {
        let len = data.len();
        let mut scratch = vec![];
        let from = len.saturating_sub(END_LEN + usize::from(u16::MAX));
        let tail = data.read(from..len, &mut scratch)?;
        let end = (0..(tail.len() + 1).saturating_sub(END_LEN))
            .rev()
            .find(|at| {
                let record = &tail[*at..];
                u32_at(record, 0) == END && END_LEN + usize::from(u16_at(record, 20)) <= record.len()
            })
            .ok_or_else(|| invalid("it has no directory"))?;
        let (size, offset) = (u32_at(tail, end + 12), u32_at(tail, end + 16));
        let (mut size, mut offset, mut end) = (u64::from(size), u64::from(offset), from + end);
        if size == u64::from(u32::MAX) || offset == u64::from(u32::MAX) {
            let locator = data.read(end.saturating_sub(20)..end, &mut scratch)?;
            if locator.len() < 20 || u32_at(locator, 0) != LOCATOR64 {
                return Err(invalid("its directory is nowhere"));
            }
            let at = usize::try_from(u64_at(locator, 8)).unwrap_or(usize::MAX);
            end = at;
            let record = data.read(at.min(len)..at.saturating_add(56).min(len), &mut scratch)?;
            if record.len() < 56 || u32_at(record, 0) != END64 {
                return Err(invalid("its directory is nowhere"));
            }
            (size, offset) = (u64_at(record, 40), u64_at(record, 48));
        }
        // The directory ends where its end record begins, whatever stands before the archive.
        let shift = (end as u64).checked_sub(size).and_then(|start| start.checked_sub(offset));
        let shift = shift.ok_or_else(|| invalid("its directory is nowhere"))? as usize;
        let directory = end - size as usize..end;
        Ok(Self { data, directory, shift, limit, unpacked: AtomicU64::new(0), read: AtomicU64::new(0) })
    }

    /// The first file of this name, in whatever case.
    ///
    /// # Errors
    /// ERR_INVALID_DATA; ERR_OUT_OF_MEMORY.
    pub(crate) async fn find(&self, name: &str, pace: &mut Pace) -> Result<Option<File>> {
        let (mut at, end) = (self.directory.start, self.directory.end);
        let (mut scratch, mut extra_scratch) = (vec![], vec![]);
        while at + ENTRY_LEN <= end {
            let entry = self.data.read(at..at + ENTRY_LEN, &mut scratch)?;
            if u32_at(entry, 0) != ENTRY {
                return Err(invalid("its directory is broken"));
            }
            let [name_len, extra_len, comment_len] = [28, 30, 32].map(|at| usize::from(u16_at(entry, at)));
            let name_at = at + ENTRY_LEN;
            let extra_at = name_at + name_len;
            let next = extra_at + extra_len + comment_len;
            if next > end {
                return Err(invalid("its directory is broken"));
            }
            if name_len == name.len() {
                let stored = self.data.read(name_at..extra_at, &mut extra_scratch)?;
                let same = |one: &u8, other: u8| one.eq_ignore_ascii_case(&other) || (*one == b'\\' && other == b'/');
                if stored.iter().zip(name.bytes()).all(|(one, other)| same(one, other)) {
                    let (flags, method) = (u16_at(entry, 8), u16_at(entry, 10));
                    let mut file = File {
                        is_deflated: method == 8,
                        crc: u32_at(entry, 16),
                        packed: u64::from(u32_at(entry, 20)),
                        header: u64::from(u32_at(entry, 42)),
                    };
                    let whole = u32_at(entry, 24);
                    if flags & 1 != 0 {
                        return Err(invalid("it is encrypted"));
                    }
                    if method != 0 && method != 8 {
                        return Err(invalid("it is packed in another way than DEFLATE"));
                    }
                    let extra = self.data.read(extra_at..extra_at + extra_len, &mut extra_scratch)?;
                    file.extend(extra, whole == u32::MAX)?;
                    return Ok(Some(file));
                }
            }
            if pace.is_due(next - at) {
                pause().await;
            }
            at = next;
        }
        Ok(None)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// ERR_INVALID_DATA; ERR_OUT_OF_MEMORY.
    pub(crate) fn unpack(&self, file: &File) -> Result<Unpacking<'_>> {
        let len = self.data.len();
        let start = usize::try_from(file.header).ok().and_then(|header| header.checked_add(self.shift));
        let start = start.filter(|start| *start < len).ok_or_else(|| invalid("a file is nowhere"))?;
        let mut scratch = vec![];
        let header = self.data.read(start..len.min(start + FILE_LEN), &mut scratch)?;
        if header.len() < FILE_LEN || u32_at(header, 0) != FILE {
            return Err(invalid("a file is nowhere"));
        }
        let at = start + FILE_LEN + usize::from(u16_at(header, 26)) + usize::from(u16_at(header, 28));
        let end = usize::try_from(file.packed).ok().and_then(|packed| at.checked_add(packed));
        let end = end.filter(|end| *end <= len).ok_or_else(|| invalid("a file is cut off"))?;
        let mut block = vec![];
        reserve_exact(&mut block, BLOCK)?;
        block.resize(BLOCK, 0);
        // zlib-rs panics where there is no memory for it.
        reserve(&mut Vec::<u8>::new(), INFLATE)?;
        Ok(Unpacking {
            archive: self,
            at,
            end,
            inflate: file.is_deflated.then(|| Inflate::new(false, 15)),
            scratch: vec![],
            block,
            block_at: 0,
            block_end: 0,
            crc: 0,
            expected: file.crc,
            is_ended: false,
            consumed: 0,
            until: u64::MAX,
        })
    }

    /// Packed bytes that were read, of all files.
    pub(crate) fn read(&self) -> usize {
        self.read.load(Ordering::Relaxed) as usize
    }
}

impl File {
    /// Takes what has no room in the directory's entry: 64 bits of it (4.5.3).
    fn extend(&mut self, mut extra: &[u8], has_whole: bool) -> Result<()> {
        if self.packed != u64::from(u32::MAX) && self.header != u64::from(u32::MAX) {
            return Ok(());
        }
        while extra.len() >= 4 {
            let (id, len) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
            let Some(mut field) = extra.get(4..4 + len) else { break };
            if id == 1 {
                let mut next = || {
                    let value = field.get(..8).map(|bytes| u64_at(bytes, 0));
                    field = field.get(8..).unwrap_or_default();
                    value.ok_or_else(|| invalid("its directory is broken"))
                };
                if has_whole {
                    next()?;
                }
                if self.packed == u64::from(u32::MAX) {
                    self.packed = next()?;
                }
                if self.header == u64::from(u32::MAX) {
                    self.header = next()?;
                }
                return Ok(());
            }
            extra = &extra[4 + len..];
        }
        Err(invalid("its directory is broken"))
    }
}

/// A file that is unpacked as it is read.
pub(crate) struct Unpacking<'a> {
    archive: &'a Archive,
    at: usize,
    end: usize,
    inflate: Option<Inflate>,
    scratch: Vec<u8>,
    block: Vec<u8>,
    /// What of the block is to be read.
    block_at: usize,
    block_end: usize,
    crc: u32,
    expected: u32,
    is_ended: bool,
    /// Bytes that were read.
    consumed: u64,
    /// How many bytes may be.
    until: u64,
}

impl Unpacking<'_> {
    /// Bytes that were read.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Has reading fail behind so many more bytes.
    pub(crate) fn allow(&mut self, bytes: u64) {
        self.until = self.consumed.saturating_add(bytes);
    }

    /// Unpacks the next block; of no bytes at the end.
    fn unpack(&mut self) -> Result<()> {
        (self.block_at, self.block_end) = (0, 0);
        while self.block_end == 0 && !self.is_ended {
            let end = self.end.min(self.at + BLOCK);
            let packed = self.archive.data.read(self.at..end, &mut self.scratch)?;
            let before = self.at;
            match &mut self.inflate {
                None => {
                    self.block[..packed.len()].copy_from_slice(packed);
                    self.block_end = packed.len();
                    self.at = end;
                    self.is_ended = self.at == self.end;
                }
                Some(inflate) => {
                    let (read, written) = (inflate.total_in(), inflate.total_out());
                    let status = inflate.decompress(packed, &mut self.block, InflateFlush::NoFlush);
                    let read = (inflate.total_in() - read) as usize;
                    self.block_end = (inflate.total_out() - written) as usize;
                    self.at += read;
                    match status {
                        Ok(Status::StreamEnd) => self.is_ended = true,
                        Ok(_) if read == 0 && self.block_end == 0 => return Err(invalid("a file is cut off")),
                        Ok(_) => {}
                        Err(_) => return Err(invalid("a file is broken")),
                    }
                }
            }
            self.archive.read.fetch_add((self.at - before) as u64, Ordering::Relaxed);
        }
        self.crc = crc32(self.crc, &self.block[..self.block_end]);
        let unpacked = self.archive.unpacked.fetch_add(self.block_end as u64, Ordering::Relaxed);
        if unpacked + self.block_end as u64 > self.archive.limit {
            let message =
                format!("The data unpacks to more than the {} bytes of maxUnpackedLength", self.archive.limit);
            return Err(EngineError::new(Code::OutputTooLarge, message));
        }
        if self.is_ended && self.crc != self.expected {
            return Err(invalid("a checksum is wrong"));
        }
        Ok(())
    }
}

impl BufRead for Unpacking<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.consumed >= self.until {
            return Err(io::Error::other(EngineError::invalid_data("Something in the data is longer than 1 MiB")));
        }
        if self.block_at == self.block_end && !self.is_ended {
            self.unpack().map_err(io::Error::other)?;
        }
        Ok(&self.block[self.block_at..self.block_end])
    }

    fn consume(&mut self, amount: usize) {
        self.block_at += amount;
        self.consumed += amount as u64;
    }
}

impl Read for Unpacking<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let block = self.fill_buf()?;
        let len = block.len().min(out.len());
        out[..len].copy_from_slice(&block[..len]);
        self.consume(len);
        Ok(len)
    }
}

#[cold]
fn invalid(reason: &str) -> EngineError {
    EngineError::invalid_data(format!("The data is no valid zip archive: {reason}"))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
