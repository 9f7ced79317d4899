//! Decoding of an ordinary JPEG at an eighth of its size: one pixel for each block of eight by eight, which is the block's mean. So all but one
//! of its 64 coefficients need not be decoded, nor even looked at one by one: with that, a photo takes two thirds of the time that it takes with
//! libjpeg, which is left all that is not ordinary. Ordinary is: one baseline scan of 8 bits, of luma alone, or of luma and chroma, the latter at most halved.
//!
//! Halved chroma has a block for two or four pixels, so it is what the first of its coefficients make of it. A unit is a row of blocks.

use std::sync::Arc;

use heavy_load_kernel::Result;

use super::header::{has_end, segment};
use super::huffman::{Bits, Codes};
use crate::fail::broken;
use crate::header::Format;
use crate::input::{Input, be16};
use crate::pipeline::decode::Decode;
use crate::pixels::{Channels, Data, Pixels, bytes_of, room_for, zeroed};

/// A component of the image.
#[derive(Clone, Debug, Default)]
struct Component {
    id: u8,
    /// Blocks of a unit of the scan.
    across: usize,
    down: usize,
    /// Number of its quantisers.
    table: usize,
    /// What the coefficients at the places 0 to 4 are multiplied by.
    quantisers: [i32; 5],
    means: Option<Arc<Codes>>,
    others: Option<Arc<Codes>>,
    /// The mean of its last block.
    last: i32,
}

pub(crate) struct Decoder {
    input: Arc<Input>,
    bits: Bits,
    components: Vec<Component>,
    pixels: Option<Pixels>,
    /// Units of the scan in a row, and rows of them.
    units: usize,
    rows: usize,
    row: usize,
    /// Units between restarts, or 0; how many there are until the next; and its number.
    interval: usize,
    left: usize,
    restart: u8,
    /// Samples of a row of units, by component: luma's, and chroma's as wide.
    lines: Vec<Vec<u8>>,
}

impl Decoder {
    /// None if the image is not ordinary.
    pub(crate) fn new(input: &Arc<Input>) -> Result<Option<Self>> {
        let Some(scan) = Scan::read(input.as_slice()) else { return Ok(None) };
        let (across, down) = (scan.components[0].across, scan.components[0].down);
        let (width, height) = (scan.width.div_ceil(8), scan.height.div_ceil(8));
        let channels = if scan.components.len() == 1 { Channels::Grey } else { Channels::Rgb };
        let units = width.div_ceil(across);
        let lines = scan.components.iter().map(|_| zeroed(units * across * down)).collect::<Result<_>>()?;
        let data = Data::Vec(room_for(bytes_of(width as u32, height as u32, channels)?)?);
        Ok(Some(Self {
            input: Arc::clone(input),
            bits: Bits::new(scan.start),
            components: scan.components,
            pixels: Some(Pixels { width: width as u32, height: height as u32, channels, data }),
            units,
            rows: height.div_ceil(down),
            row: 0,
            interval: scan.interval,
            left: scan.interval,
            restart: 0,
            lines,
        }))
    }

    /// Decodes a row of units into the lines. None if its codes are none, or are cut off.
    fn decode_row(&mut self) -> Option<()> {
        let Self { input, components, lines, .. } = self;
        let data = input.as_slice();
        // By value: so it is kept in registers.
        let mut bits = self.bits.clone();
        let (most_across, most_down) = (components[0].across, components[0].down);
        let stride = self.units * most_across;
        for unit in 0..self.units {
            if self.interval > 0 && self.left == 0 {
                let marker = bits.end(data)?;
                if data.get(marker + 1) != Some(&(0xd0 + self.restart)) {
                    return None;
                }
                bits = Bits::new(marker + 2);
                components.iter_mut().for_each(|component| component.last = 0);
                (self.left, self.restart) = (self.interval, (self.restart + 1) & 7);
            }
            self.left = self.left.wrapping_sub(1);
            for (component, line) in components.iter_mut().zip(lines.iter_mut()) {
                let (means, others) = (component.means.as_deref()?, component.others.as_deref()?);
                // Pixels of a block.
                let (wide, high) = (most_across / component.across, most_down / component.down);
                for block in 0..component.across * component.down {
                    component.last = component.last.wrapping_add(bits.difference(data, means)?);
                    let at = unit * most_across + block % component.across + block / component.across * stride;
                    if wide * high == 1 {
                        bits.pass(data, others, 1)?;
                        line[at] = sample(component.last.wrapping_mul(component.quantisers[0]) << 8);
                        continue;
                    }
                    let mut first = bits.first_coefficients(data, others)?;
                    first[0] = component.last;
                    for (value, by) in first.iter_mut().zip(component.quantisers) {
                        *value = value.wrapping_mul(by);
                    }
                    spread(first, wide, high, &mut line[at..], stride);
                }
            }
            if !bits.is_sound() {
                return None;
            }
        }
        self.bits = bits;
        Some(())
    }

    /// Appends the lines to the image.
    fn append(&mut self) {
        let Some(pixels) = &mut self.pixels else { unreachable!("it is given away at the end") };
        let Data::Vec(data) = &mut pixels.data else { unreachable!("it is made so") };
        let (width, down) = (pixels.width as usize, self.components[0].down);
        let stride = self.units * self.components[0].across;
        let rows = down.min(pixels.height as usize - self.row * down);
        for start in (0..rows).map(|row| row * stride) {
            let line = |index: usize| &self.lines[index][start..start + width];
            if self.lines.len() == 1 {
                data.extend_from_slice(line(0));
                continue;
            }
            for ((luma, blue), red) in line(0).iter().zip(line(1)).zip(line(2)) {
                data.extend_from_slice(&rgb(*luma, *blue, *red));
            }
        }
    }
}

impl Decode for Decoder {
    fn len(&self) -> u64 {
        self.rows as u64
    }

    fn step(&mut self) -> Result<Option<Pixels>> {
        self.decode_row().ok_or_else(|| broken(Format::Jpeg, "its codes are broken or cut off"))?;
        self.append();
        self.row += 1;
        if self.row < self.rows {
            return Ok(None);
        }
        if !has_end(self.input.as_slice(), self.bits.at()) {
            return Err(broken(Format::Jpeg, "it is cut off"));
        }
        Ok(self.pixels.take())
    }
}

/// A sample, of a coefficient times 256 that is eight times the mean.
#[inline(always)]
fn sample(value: i32) -> u8 {
    // Half of the divisor, so that it is rounded.
    ((value.wrapping_add(1 << 10) >> 11) + 128).clamp(0, 255) as u8
}

/// The pixels of a block of which there are two or four, of the coefficients at the places 0 to 4: (0, 0), (1, 0), (0, 1), (0, 2), (1, 1).
fn spread(coefficients: [i32; 5], wide: usize, high: usize, to: &mut [u8], stride: usize) {
    // The mean of half a wave of one turn, cos((2 x + 1) pi / 16) for x from 0 to 3, beside that of the constant, 1 / sqrt(2); times 256.
    const SLOPE: i32 = 232;
    // The same of a wave in both directions.
    const TWIST: i32 = 210;
    let [mean, right, down, _, twist] = coefficients.map(|value| value.clamp(-(1 << 20), 1 << 20));
    for y in 0..high {
        for x in 0..wide {
            let across = if wide == 1 { 0 } else { 1 - 2 * x as i32 };
            let along = if high == 1 { 0 } else { 1 - 2 * y as i32 };
            let value = mean * 256 + SLOPE * (across * right + along * down) + TWIST * across * along * twist;
            to[y * stride + x] = sample(value);
        }
    }
}

/// Colours of luma and chroma, as JFIF has them; in parts of 65536.
#[inline(always)]
fn rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let (luma, blue, red) = (i32::from(luma), i32::from(blue) - 128, i32::from(red) - 128);
    [
        luma + ((91_881 * red + 32_768) >> 16),
        luma + ((-22_554 * blue - 46_802 * red + 32_768) >> 16),
        luma + ((116_130 * blue + 32_768) >> 16),
    ]
    .map(|colour| colour.clamp(0, 255) as u8)
}

/// What the segments before the scan say.
struct Scan {
    width: usize,
    height: usize,
    components: Vec<Component>,
    interval: usize,
    /// Where its codes start.
    start: usize,
}

impl Scan {
    /// None for what is not ordinary, or broken.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut scan = Self { width: 0, height: 0, components: vec![], interval: 0, start: 0 };
        let mut quantisers: [Option<[i32; 5]>; 4] = [None; 4];
        let mut codes: [[Option<Arc<Codes>>; 4]; 2] = Default::default();
        let mut at = 2;
        loop {
            let (marker, content, end) = segment(bytes, at)?;
            at = end;
            match marker {
                0xc0 | 0xc1 if scan.components.is_empty() => scan.frame(content)?,
                0xc4 => read_codes(content, &mut codes)?,
                0xdb => read_quantisers(content, &mut quantisers)?,
                0xdd => scan.interval = be16(content, 0)?.into(),
                0xda => {
                    scan.start = end;
                    scan.begin(content, &quantisers, &codes)?;
                    return Some(scan);
                }
                // Colours that are not luma and chroma.
                0xee if content.starts_with(b"Adobe") && content.get(11) != Some(&1) => return None,
                // Other frames, and what has no place here.
                0xc2..=0xcf | 0xd0..=0xd9 | 0xdc | 0..=1 => return None,
                _ => {}
            }
        }
    }

    fn frame(&mut self, content: &[u8]) -> Option<()> {
        let [8, rest @ ..] = content else { return None };
        (self.height, self.width) = (be16(rest, 0)?.into(), be16(rest, 2)?.into());
        let parts = rest.get(5..)?.as_chunks::<3>().0;
        if self.width == 0 || self.height == 0 || parts.len() != usize::from(rest[4]) {
            return None;
        }
        for [id, sampling, table] in parts {
            let (across, down) = (usize::from(sampling >> 4), usize::from(sampling & 15));
            self.components.push(Component {
                id: *id,
                across,
                down,
                table: usize::from(*table),
                ..Component::default()
            });
        }
        match &mut self.components[..] {
            // Alone it is scanned block by block, whatever it says.
            [luma] => (luma.across, luma.down) = (1, 1),
            [luma, blue, red] => {
                let is_chroma = |part: &Component| (part.across, part.down) == (1, 1);
                let halves = (1..=2).contains(&luma.across) && (1..=2).contains(&luma.down);
                if !halves || !is_chroma(blue) || !is_chroma(red) || [luma.id, blue.id, red.id] == *b"RGB" {
                    return None;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn begin(
        &mut self,
        content: &[u8],
        quantisers: &[Option<[i32; 5]>; 4],
        codes: &[[Option<Arc<Codes>>; 4]; 2],
    ) -> Option<()> {
        let (count, rest) = content.split_first()?;
        let (parts, [0, 63, 0]) = rest.split_at_checked(2 * usize::from(*count))? else { return None };
        if self.components.is_empty() || usize::from(*count) != self.components.len() {
            return None;
        }
        for (component, [id, tables]) in self.components.iter_mut().zip(parts.as_chunks::<2>().0) {
            if component.id != *id {
                return None;
            }
            component.quantisers = (*quantisers.get(component.table)?)?;
            component.means = Some(Arc::clone(codes[0].get(usize::from(tables >> 4))?.as_ref()?));
            component.others = Some(Arc::clone(codes[1].get(usize::from(tables & 15))?.as_ref()?));
        }
        Some(())
    }
}

fn read_codes(mut content: &[u8], codes: &mut [[Option<Arc<Codes>>; 4]; 2]) -> Option<()> {
    while let Some((number, rest)) = content.split_first() {
        let counts = rest.first_chunk::<16>()?;
        let end = 16 + counts.iter().map(|count| usize::from(*count)).sum::<usize>();
        let table = Codes::new(counts, rest.get(16..end)?)?;
        let others = usize::from(number >> 4);
        let table = if others == 1 { table.passing() } else { table };
        *codes.get_mut(others)?.get_mut(usize::from(number & 15))? = Some(Arc::new(table));
        content = &rest[end..];
    }
    Some(())
}

fn read_quantisers(mut content: &[u8], quantisers: &mut [Option<[i32; 5]>; 4]) -> Option<()> {
    while let Some((number, rest)) = content.split_first() {
        let wide = match number >> 4 {
            0 => 1,
            1 => 2,
            _ => return None,
        };
        let table = rest.get(..64 * wide)?;
        let at =
            |place: usize| if wide == 1 { table[place].into() } else { be16(table, 2 * place).map_or(0, i32::from) };
        *quantisers.get_mut(usize::from(number & 15))? = Some([0, 1, 2, 3, 4].map(at));
        content = &rest[64 * wide..];
    }
    Some(())
}
