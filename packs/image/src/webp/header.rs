//! A WebP's chunks (RFC 9649).

use std::mem::MaybeUninit;
use std::ops::Range;

use heavy_load_kernel::Result;
use libwebp_sys as sys;

use crate::fail::broken;
use crate::header::{Format, Header};
use crate::input::{le24, le32};
use crate::orientation::Orientation;

#[derive(Clone, Debug)]
pub(crate) struct Webp {
    pub(crate) header: Header,
    pub(crate) frame: Frame,
}

/// The first frame, or the only one: where it is on the canvas, and where its chunks are in the file.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) alpha: bool,
    pub(crate) bytes: Range<usize>,
}

/// Bytes of "RIFF", the file's length and "WEBP".
const START: usize = 12;
/// Bytes of a chunk's name and its length.
const CHUNK: usize = 8;
/// Bytes before the chunks of a frame: its place, its size, its duration and flags.
const FRAME: usize = 16;
/// Flags of an extended file.
const ALPHA: u8 = 0x10;
const ANIMATION: u8 = 0x02;

pub(crate) fn read(bytes: &[u8]) -> Result<Webp> {
    let cut_off = || broken(Format::Webp, "it is cut off");
    let len = le32(bytes, 4).ok_or_else(cut_off)? as usize;
    // What stands behind the end that it says is not its own.
    let bytes = bytes.get(..len.saturating_add(CHUNK)).ok_or_else(cut_off)?;
    let (name, content, _) = chunk(bytes, START).ok_or_else(cut_off)?;
    if name != b"VP8X" {
        let (width, height, alpha) = features(bytes)?;
        let header = Header { format: Format::Webp, width, height, orientation: Orientation::NORMAL, alpha };
        return Ok(Webp { header, frame: Frame { left: 0, top: 0, width, height, alpha, bytes: 0..bytes.len() } });
    }
    let extended = bytes.get(content).ok_or_else(cut_off)?;
    let flags = *extended.first().ok_or_else(cut_off)?;
    let (width, height) = le24(extended, 4).zip(le24(extended, 7)).ok_or_else(cut_off)?;
    let mut header = Header {
        format: Format::Webp,
        width: width + 1,
        height: height + 1,
        orientation: Orientation::NORMAL,
        alpha: flags & ALPHA != 0,
    };
    let mut frame = None;
    let mut at = START;
    while let Some((name, content, end)) = chunk(bytes, at) {
        at = end;
        match name {
            b"ANMF" if frame.is_none() => frame = Some(frame_of(bytes, content)?),
            b"EXIF" => {
                let exif = bytes.get(content).unwrap_or_default();
                header.orientation = Orientation::of_exif(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif));
            }
            _ => {}
        }
    }
    if flags & ANIMATION == 0 {
        let (width, height, alpha) = features(bytes)?;
        (header.width, header.height, header.alpha) = (width, height, alpha);
        return Ok(Webp { header, frame: Frame { left: 0, top: 0, width, height, alpha, bytes: 0..bytes.len() } });
    }
    let frame = frame.ok_or_else(|| broken(Format::Webp, "it has no frame"))?;
    Ok(Webp { header, frame })
}

fn frame_of(bytes: &[u8], content: Range<usize>) -> Result<Frame> {
    let cut_off = || broken(Format::Webp, "its first frame is cut off");
    let start = content.start;
    let (left, top) = le24(bytes, start).zip(le24(bytes, start + 3)).ok_or_else(cut_off)?;
    let inner = start + FRAME..content.end;
    let (width, height, alpha) = features(bytes.get(inner.clone()).ok_or_else(cut_off)?)?;
    Ok(Frame { left: 2 * left, top: 2 * top, width, height, alpha, bytes: inner })
}

/// The chunk that starts at a place: its name, where its content is (which may be cut off), and where it ends.
fn chunk(bytes: &[u8], at: usize) -> Option<(&[u8; 4], Range<usize>, usize)> {
    let name = bytes.get(at..)?.first_chunk()?;
    let start = at + CHUNK;
    let end = start.checked_add(le32(bytes, at + 4)? as usize)?;
    // Chunks have even lengths.
    Some((name, start..end, end.checked_add(end & 1)?))
}

/// What libwebp says of an image: width, height, whether it has alpha.
fn features(bytes: &[u8]) -> Result<(u32, u32, bool)> {
    let mut features = MaybeUninit::<sys::WebPBitstreamFeatures>::zeroed();
    // SAFETY: it reads so many bytes, and writes the features, numbers of C's which are zero already.
    let (status, features) = unsafe {
        let version = sys::WEBP_DECODER_ABI_VERSION as i32;
        let status = sys::WebPGetFeaturesInternal(bytes.as_ptr(), bytes.len(), features.as_mut_ptr(), version);
        (status, features.assume_init())
    };
    if status != sys::VP8StatusCode::VP8_STATUS_OK {
        return Err(broken(Format::Webp, "its header is broken or cut off"));
    }
    Ok((features.width.unsigned_abs(), features.height.unsigned_abs(), features.has_alpha != 0))
}
