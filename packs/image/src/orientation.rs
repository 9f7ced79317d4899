//! How an image is to be turned: EXIF's tag 0x0112, 1 to 8.

use crate::input::{be16, be32, le16, le32};

/// How the stored rows and columns are shown. 1 is as they are; from 5 on, rows are columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Orientation(u8);

impl Orientation {
    pub(crate) const NORMAL: Self = Self(1);

    /// Of a TIFF structure (EXIF 3.0, section 4.5); normal where it says nothing that makes sense.
    pub(crate) fn of_exif(tiff: &[u8]) -> Self {
        Self::find(tiff).unwrap_or(Self::NORMAL)
    }

    fn find(tiff: &[u8]) -> Option<Self> {
        type Readers = (fn(&[u8], usize) -> Option<u16>, fn(&[u8], usize) -> Option<u32>);
        let (short, long): Readers = match tiff.first_chunk()? {
            b"II" => (le16, le32),
            b"MM" => (be16, be32),
            _ => return None,
        };
        let directory = long(tiff, 4)? as usize;
        let entries = usize::from(short(tiff, directory)?);
        (0..entries).map(|index| directory + 2 + 12 * index).find_map(|entry| {
            let is_short = short(tiff, entry)? == 0x0112 && short(tiff, entry + 2)? == 3;
            let value = short(tiff, entry + 8).filter(|value| is_short && (1..=8).contains(value))?;
            Some(Self(value as u8))
        })
    }

    /// As EXIF has it.
    pub(crate) fn number(self) -> u8 {
        self.0
    }

    /// Whether rows are shown as columns.
    pub(crate) fn is_transposed(self) -> bool {
        self.0 >= 5
    }

    /// A width and a height as they are shown, of those that are stored; or the other way round.
    pub(crate) fn shown<T>(self, (width, height): (T, T)) -> (T, T) {
        if self.is_transposed() { (height, width) } else { (width, height) }
    }

    /// The stored pixel that is shown at (x, y), of an image that is stored as `width` x `height`.
    pub(crate) fn stored(self, (x, y): (usize, usize), (width, height): (usize, usize)) -> (usize, usize) {
        match self.0 {
            2 => (width - 1 - x, y),
            3 => (width - 1 - x, height - 1 - y),
            4 => (x, height - 1 - y),
            5 => (y, x),
            6 => (y, height - 1 - x),
            7 => (width - 1 - y, height - 1 - x),
            8 => (width - 1 - y, x),
            _ => (x, y),
        }
    }
}
