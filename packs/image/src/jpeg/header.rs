//! A JPEG's segments up to its first scan (ITU-T T.81, annex B).

use heavy_load_kernel::Result;

use crate::fail::broken;
use crate::header::{Format, Header};
use crate::input::be16;
use crate::orientation::Orientation;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Jpeg {
    pub(crate) header: Header,
    /// Whether Adobe made it, which stores CMYK inverted.
    pub(crate) adobe: bool,
}

const SOI_TO_RST: std::ops::RangeInclusive<u8> = 0xd0..=0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP1: u8 = 0xe1;
const APP14: u8 = 0xee;

pub(crate) fn read(bytes: &[u8]) -> Result<Jpeg> {
    let (mut size, mut orientation, mut adobe) = (None, None, false);
    let mut at = 2;
    loop {
        let (marker, content, end) = segment(bytes, at).ok_or_else(|| broken(Format::Jpeg, "its header is cut off"))?;
        at = end;
        match marker {
            // Start of frame: all of 0xc0 to 0xcf but the tables (DHT, JPG, DAC).
            0xc0..=0xcf if ![0xc4, 0xc8, 0xcc].contains(&marker) => {
                size = size.or(be16(content, 3).zip(be16(content, 1)));
            }
            APP1 if orientation.is_none() => {
                orientation = content.strip_prefix(b"Exif\0\0").map(Orientation::of_exif);
            }
            APP14 if content.starts_with(b"Adobe") => adobe = true,
            SOS | EOI => break,
            _ => {}
        }
    }
    let Some((width @ 1.., height @ 1..)) = size else { return Err(broken(Format::Jpeg, "it says no size")) };
    let header = Header {
        format: Format::Jpeg,
        width: width.into(),
        height: height.into(),
        orientation: orientation.unwrap_or(Orientation::NORMAL),
        alpha: false,
    };
    Ok(Jpeg { header, adobe })
}

/// Whether an end of image stands at this place or behind it. What stands before it, of which encoders leave some, has no pixels.
pub(super) fn has_end(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.windows(2).any(|two| two == [0xff, EOI]))
}

/// The segment that starts at a place: its marker, what is in it, and where it ends.
pub(super) fn segment(bytes: &[u8], at: usize) -> Option<(u8, &[u8], usize)> {
    let rest = bytes.get(at..)?;
    if rest.first() != Some(&0xff) {
        return None;
    }
    // Any number of 0xff may stand before a marker.
    let marker_at = at + rest.iter().position(|byte| *byte != 0xff)?;
    let marker = bytes[marker_at];
    if SOI_TO_RST.contains(&marker) || marker == EOI || marker <= 1 {
        return Some((marker, &[], marker_at + 1));
    }
    let end = marker_at + 1 + usize::from(be16(bytes, marker_at + 1)?);
    Some((marker, bytes.get(marker_at + 3..end)?, end))
}
