//! A stream of a compound file (MS-CFB): sectors, each with the number of the next.

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::Bytes;
use heavy_load_kernel::value::append;

use crate::table::coroutine::{Pace, pause};
use crate::table::text::{push, reserve_large};

/// The numbers from here on mean something else than a sector.
const LAST: u32 = 0xffff_fffa;
const MAGIC: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
const HEADER: usize = 512;
/// Sectors that the header itself has room for.
const IN_HEADER: usize = 109;
const ENTRY: usize = 128;
/// Streams that are shorter are in small sectors, which are in a stream of their own.
const SHORT: usize = 4096;
const SMALL: usize = 64;

struct Compound<'a> {
    data: &'a Bytes,
    /// Bytes of a sector.
    size: usize,
    /// The sectors that say what comes after each.
    table: Vec<u32>,
}

/// The stream that has one of these names, of the first.
///
/// # Errors
/// ERR_INVALID_DATA; ERR_OUT_OF_MEMORY.
pub(crate) async fn stream(data: &Bytes, names: &[&str], pace: &mut Pace) -> Result<Vec<u8>> {
    let mut scratch = vec![];
    let header = data.read(0..data.len().min(HEADER), &mut scratch)?;
    if header.len() < HEADER || !header.starts_with(MAGIC) {
        return Err(invalid("it does not begin like one"));
    }
    let size = match u16_at(header, 30) {
        9 => 512,
        12 => 4096,
        _ => return Err(invalid("it has sectors of an unknown size")),
    };
    let [directory, small_table, mut more] = [48, 60, 68].map(|at| u32_at(header, at));
    let mut compound = Compound { data, size, table: vec![] };
    for index in 0..IN_HEADER {
        compound.take(u32_at(header, 76 + 4 * index))?;
    }
    let mut sector = vec![];
    for _ in 0..=data.len() / size {
        if more >= LAST {
            break;
        }
        let bytes = compound.sector(more, &mut sector)?.to_vec();
        let Some((next, numbers)) = bytes.as_chunks::<4>().0.split_last() else { return Err(cut_off()) };
        more = u32::from_le_bytes(*next);
        for number in numbers {
            compound.take(u32::from_le_bytes(*number))?;
        }
        if pace.is_due(size) {
            pause().await;
        }
    }
    let entries = compound.chain(directory, None, pace).await?;
    let entries = entries.as_chunks::<ENTRY>().0;
    let place = |entry: &[u8; ENTRY]| (u32_at(entry, 116), u32_at(entry, 120) as usize);
    let stream = names.iter().find_map(|name| entries.iter().find(|entry| entry[66] == 2 && is_called(*entry, name)));
    let (start, len) =
        stream.map(place).ok_or_else(|| invalid(&format!("it has no stream that is called '{}'", names[0])))?;
    if len >= SHORT {
        return compound.chain(start, Some(len), pace).await;
    }
    let root = entries.iter().find(|entry| entry[66] == 5).map(place).ok_or_else(cut_off)?;
    let small = compound.chain(root.0, Some(root.1), pace).await?;
    let table = compound.chain(small_table, None, pace).await?;
    let (mut stream, mut sector) = (vec![], start as usize);
    while stream.len() < len {
        let bytes = small.get(sector.saturating_mul(SMALL)..sector.saturating_add(1).saturating_mul(SMALL));
        append(&mut stream, bytes.ok_or_else(cut_off)?)?;
        sector =
            table.as_chunks::<4>().0.get(sector).map(|next| u32::from_le_bytes(*next) as usize).ok_or_else(cut_off)?;
    }
    stream.truncate(len);
    Ok(stream)
}

impl Compound<'_> {
    /// Takes a sector of the table.
    fn take(&mut self, sector: u32) -> Result<()> {
        if sector >= LAST {
            return Ok(());
        }
        // There are no more of them than the file has sectors.
        if self.table.len() > self.data.len() / self.size {
            return Err(invalid("its sectors go round in a circle"));
        }
        push(&mut self.table, sector)
    }

    /// The bytes of a sector; fewer at the end of the data.
    fn sector<'a>(&'a self, number: u32, scratch: &'a mut Vec<u8>) -> Result<&'a [u8]> {
        let start = (number as usize + 1).saturating_mul(self.size);
        if start >= self.data.len() {
            return Err(cut_off());
        }
        self.data.read(start..self.data.len().min(start + self.size), scratch)
    }

    /// The bytes of a sector and of all that follow it, or as many as are asked for.
    async fn chain(&self, start: u32, len: Option<usize>, pace: &mut Pace) -> Result<Vec<u8>> {
        let (mut bytes, mut number, mut scratch) = (vec![], start, vec![]);
        let len = len.unwrap_or(usize::MAX);
        for _ in 0..=self.data.len() / self.size {
            if bytes.len() >= len || number >= LAST {
                break;
            }
            reserve_large(&mut bytes);
            append(&mut bytes, self.sector(number, &mut scratch)?)?;
            let per_sector = self.size / 4;
            let sector = self.table.get(number as usize / per_sector).copied().ok_or_else(cut_off)?;
            let next = self.sector(sector, &mut scratch)?.as_chunks::<4>().0.get(number as usize % per_sector);
            number = next.map(|next| u32::from_le_bytes(*next)).ok_or_else(cut_off)?;
            if pace.is_due(self.size) {
                pause().await;
            }
        }
        if len == usize::MAX && number < LAST {
            return Err(invalid("its sectors go round in a circle"));
        }
        if len != usize::MAX {
            if bytes.len() < len {
                return Err(cut_off());
            }
            bytes.truncate(len);
        }
        Ok(bytes)
    }
}

/// Whether an entry of the directory has a name, in whatever case.
fn is_called(entry: &[u8], name: &str) -> bool {
    let len = usize::from(u16_at(entry, 64));
    let units = entry[..64].as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
    let lower = |unit: u16| u8::try_from(unit).map_or(unit, |byte| u16::from(byte.to_ascii_lowercase()));
    len == 2 * name.len() + 2
        && units.take(name.len()).map(lower).eq(name.bytes().map(|byte| u16::from(byte.to_ascii_lowercase())))
}

#[cold]
fn invalid(reason: &str) -> EngineError {
    EngineError::invalid_data(format!("The data is no xls file: {reason}"))
}

#[cold]
fn cut_off() -> EngineError {
    invalid("it is cut off")
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}
