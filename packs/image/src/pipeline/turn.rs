//! Turning an image as its orientation asks, in steps: a unit is a row of the output.

use heavy_load_kernel::{Result, Step, Stepped, Work};

use super::{Rest, first_rows};
use crate::pixels::{Data, Pixels, room_for};

/// Turns an image.
pub(crate) fn work(from: Pixels, rest: Rest) -> Result<Work> {
    let (width, height) = rest.orientation.shown((from.width, from.height));
    let data = room_for(from.as_slice().len())?;
    Ok(Work::stepped(Turning { from, rest, width, height, data, row: 0 }))
}

struct Turning {
    from: Pixels,
    rest: Rest,
    width: u32,
    height: u32,
    data: Vec<u8>,
    row: u32,
}

impl Turning {
    fn turn_row(&mut self) {
        let Self { from, rest, width, row, data, .. } = self;
        let (source, count, stride) = (from.as_slice(), from.channels.count(), from.stride());
        let stored = (from.width as usize, from.height as usize);
        for x in 0..*width as usize {
            let (x, y) = rest.orientation.stored((x, *row as usize), stored);
            let start = y * stride + x * count;
            data.extend_from_slice(&source[start..start + count]);
        }
    }
}

impl Stepped for Turning {
    fn len(&self) -> u64 {
        self.height.into()
    }

    fn first_morsel(&self) -> u64 {
        first_rows(self.width)
    }

    fn step(&mut self, units: u64) -> Result<Step> {
        for _ in 0..units {
            self.turn_row();
            self.row += 1;
            if self.row == self.height {
                let data = Data::Vec(std::mem::take(&mut self.data));
                let turned = Pixels { width: self.width, height: self.height, channels: self.from.channels, data };
                return self.rest.after_turning(turned).map(Step::Done);
            }
        }
        Ok(Step::More { progress: 0.9 })
    }
}
