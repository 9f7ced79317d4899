//! A PNG's chunks up to its first pixels (RFC 2083).

use heavy_load_kernel::Result;

use crate::fail::broken;
use crate::header::{Format, Header};
use crate::input::be32;
use crate::orientation::Orientation;

/// Bytes of the signature.
const SIGNATURE: usize = 8;

pub(crate) fn read(bytes: &[u8]) -> Result<Header> {
    let cut_off = || broken(Format::Png, "its header is cut off");
    let (name, content, mut at) = chunk(bytes, SIGNATURE).ok_or_else(cut_off)?;
    let (width, height) = be32(content, 0).zip(be32(content, 4)).ok_or_else(cut_off)?;
    if name != b"IHDR" || content.len() != 13 {
        return Err(broken(Format::Png, "it does not begin with its header"));
    }
    if width == 0 || height == 0 || width > i32::MAX as u32 || height > i32::MAX as u32 {
        return Err(broken(Format::Png, "it says no size"));
    }
    // Of the types of colour, 4 and 6 have alpha.
    let mut header =
        Header { format: Format::Png, width, height, orientation: Orientation::NORMAL, alpha: content[9] & 4 != 0 };
    loop {
        let (name, content, end) = chunk(bytes, at).ok_or_else(cut_off)?;
        match name {
            b"tRNS" => header.alpha = true,
            b"eXIf" => header.orientation = Orientation::of_exif(content),
            b"IDAT" => return Ok(header),
            _ => {}
        }
        at = end;
    }
}

/// The chunk that starts at a place: its name, what is in it, and where it ends. Pixels may be cut off.
fn chunk(bytes: &[u8], at: usize) -> Option<(&[u8; 4], &[u8], usize)> {
    let len = be32(bytes, at)? as usize;
    let name = bytes.get(at + 4..)?.first_chunk()?;
    let start = at + 8;
    if name == b"IDAT" {
        return Some((name, &[], start));
    }
    let end = start.checked_add(len)?;
    Some((name, bytes.get(start..end)?, end.checked_add(4)?))
}
