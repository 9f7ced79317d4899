//! A GIF's blocks up to its first frame (GIF89a specification).

use heavy_load_kernel::Result;

use crate::fail::broken;
use crate::header::{Format, Header};
use crate::input::le16;
use crate::orientation::Orientation;

const EXTENSION: u8 = 0x21;
const GRAPHIC_CONTROL: u8 = 0xf9;
const IMAGE: u8 = 0x2c;

pub(crate) fn read(bytes: &[u8]) -> Result<Header> {
    find(bytes).ok_or_else(|| broken(Format::Gif, "it is cut off before its first frame"))?
}

fn find(bytes: &[u8]) -> Option<Result<Header>> {
    let (width, height) = (u32::from(le16(bytes, 6)?), u32::from(le16(bytes, 8)?));
    if width == 0 || height == 0 {
        return Some(Err(broken(Format::Gif, "it says no size")));
    }
    let mut alpha = false;
    let mut at = 13 + palette(*bytes.get(10)?);
    loop {
        match *bytes.get(at)? {
            EXTENSION => {
                if *bytes.get(at + 1)? == GRAPHIC_CONTROL {
                    alpha = bytes.get(at + 3)? & 1 != 0;
                }
                at += 2;
                loop {
                    let len = usize::from(*bytes.get(at)?);
                    at += 1 + len;
                    if len == 0 {
                        break;
                    }
                }
            }
            IMAGE => {
                let side = |place: usize| le16(bytes, at + place).map(u32::from);
                let (left, top, across, down) = (side(1)?, side(3)?, side(5)?, side(7)?);
                // What the frame leaves free is transparent.
                let covers = left == 0 && top == 0 && across >= width && down >= height;
                let header = Header {
                    format: Format::Gif,
                    width,
                    height,
                    orientation: Orientation::NORMAL,
                    alpha: alpha || !covers,
                };
                return Some(Ok(header));
            }
            _ => return Some(Err(broken(Format::Gif, "it has a block of no known kind"))),
        }
    }
}

/// Bytes of a palette, by its flags.
fn palette(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}
