//! Huffman codes of a JPEG's scan (ITU-T T.81, annexes C and F), and how to pass over coefficients that nobody needs.

/// Bits by which most codes are found at once.
const NEAR: u32 = 9;
/// Bits of which the table for passing over knows what is in them.
const FAR: u32 = 12;

/// A table of codes.
#[derive(Clone, Debug)]
pub(super) struct Codes {
    /// By the next `NEAR` bits: the code's length and its symbol, or a length of 0 for a longer code.
    near: Box<[(u8, u8); 1 << NEAR]>,
    /// By length: the first code that is longer, as 16 bits, and what to add to a code of this length for its symbol's place.
    longer: [u32; 17],
    offsets: [i32; 17],
    symbols: Vec<u8>,
    /// By the next `FAR` bits: see `Passed`.
    far: Box<[Passed; 1 << FAR]>,
}

/// As many whole coefficients as are in some bits.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(4))]
struct Passed {
    bits: u8,
    /// Places of coefficients, with the zeros before them.
    places: u8,
    /// Whether the last code says that the block has no more.
    ends: bool,
}

impl Codes {
    /// Of a table's content: how many codes each length has, and their symbols. None if these cannot be.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut codes = Self {
            near: Box::new([(0, 0); 1 << NEAR]),
            longer: [0; 17],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
            far: Box::new([Passed::default(); 1 << FAR]),
        };
        let (mut code, mut place) = (0_u32, 0_usize);
        for len in 1..=16_u32 {
            codes.offsets[len as usize] = place as i32 - code as i32;
            for _ in 0..counts[len as usize - 1] {
                let symbol = *symbols.get(place)?;
                if len <= NEAR {
                    let start = (code as usize) << (NEAR - len);
                    codes.near.get_mut(start..start + (1 << (NEAR - len)))?.fill((len as u8, symbol));
                }
                code += 1;
                place += 1;
            }
            // A code of ones alone is none.
            if code > (1 << len) - 1 && place > 0 && counts[len as usize - 1] > 0 {
                return None;
            }
            codes.longer[len as usize] = code << (16 - len);
            code <<= 1;
        }
        (place == symbols.len()).then_some(codes)
    }

    /// With the table for passing over coefficients.
    pub(super) fn passing(mut self) -> Self {
        for bits in 0..1 << FAR {
            self.far[bits as usize] = self.passed(bits);
        }
        self
    }

    fn passed(&self, bits: u32) -> Passed {
        let mut passed = Passed::default();
        loop {
            let used = u32::from(passed.bits);
            let Some((len, symbol)) = self.find((bits << used & ((1 << FAR) - 1)) << (16 - FAR)) else { return passed };
            let (zeros, size) = (symbol >> 4, u32::from(symbol & 15));
            if used + len + size > FAR {
                return passed;
            }
            if size == 0 && zeros < 15 {
                return Passed { bits: (used + len) as u8, ends: true, ..passed };
            }
            if passed.places + zeros + 1 > 63 {
                return passed;
            }
            passed.bits = (used + len + size) as u8;
            passed.places += zeros + 1;
        }
    }

    /// The code with which 16 bits begin: its length and symbol.
    #[inline]
    fn find(&self, bits: u32) -> Option<(u32, u8)> {
        let (len, symbol) = self.near[(bits >> (16 - NEAR)) as usize];
        if len > 0 {
            return Some((len.into(), symbol));
        }
        let len = (NEAR + 1..=16).find(|len| bits < self.longer[*len as usize])?;
        let place = (bits >> (16 - len)) as i32 + self.offsets[len as usize];
        Some((len, *self.symbols.get(usize::try_from(place).ok()?)?))
    }
}

/// Where reading is in a scan's bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Bits {
    /// The next byte.
    at: usize,
    /// What was read and not used, from the highest bit on.
    buffer: u64,
    /// How many bits of it there are; below 0 if more were used.
    count: i32,
}

impl Bits {
    pub(super) fn new(at: usize) -> Self {
        Self { at, ..Self::default() }
    }

    /// Whether all that was used was there.
    pub(super) fn is_sound(&self) -> bool {
        self.count >= 0
    }

    /// The next byte to be read, which is not behind a marker.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Where the marker is that ends what was read; None if more is left than the few bytes that libjpeg, which reads as far ahead, does not count.
    pub(super) fn end(&mut self, data: &[u8]) -> Option<usize> {
        self.fill_to_marker(data);
        ((0..=56).contains(&self.count) && data.get(self.at) == Some(&0xff)).then_some(self.at)
    }

    /// Has 32 bits in the buffer, if there are as many.
    #[inline(always)]
    fn fill(&mut self, data: &[u8]) {
        if self.count >= 32 {
            return;
        }
        if let Some(eight) = data.get(self.at..).and_then(|rest| rest.first_chunk()) {
            let word = u64::from_be_bytes(*eight);
            // A byte of 0xff among them is followed by a zero that is none, or is a marker.
            let inverse = !word;
            if inverse.wrapping_sub(0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 == 0 {
                let bytes = (63 - self.count) >> 3;
                // More bits than count are set: those that come next, which will be the same then.
                self.buffer |= word >> self.count;
                self.at += bytes as usize;
                self.count += 8 * bytes;
                return;
            }
        }
        self.fill_to_marker(data);
    }

    #[cold]
    fn fill_to_marker(&mut self, data: &[u8]) {
        while self.count <= 56 {
            let Some(byte) = data.get(self.at) else { return };
            if *byte == 0xff {
                // Any number of them may stand before a marker, and libjpeg takes as many for one before a zero. They are passed once, however often
                // this is called.
                while data.get(self.at + 1) == Some(&0xff) {
                    self.at += 1;
                }
                if data.get(self.at + 1) != Some(&0) {
                    return;
                }
                self.at += 1;
            }
            self.at += 1;
            // Not below 0: then this has returned already when it came to be.
            self.buffer |= u64::from(*byte) << (56 - self.count);
            self.count += 8;
        }
    }

    #[inline(always)]
    fn take(&mut self, bits: u32) -> u32 {
        let taken = (self.buffer >> 1 >> (63 - bits)) as u32;
        self.buffer <<= bits;
        self.count -= bits as i32;
        taken
    }

    /// The next symbol.
    #[inline(always)]
    fn symbol(&mut self, data: &[u8], codes: &Codes) -> Option<u8> {
        self.fill(data);
        let (len, symbol) = codes.find((self.buffer >> 48) as u32)?;
        self.take(len);
        Some(symbol)
    }

    /// A number of so many bits, as T.81 has it (F.2.2.1).
    #[inline(always)]
    fn number(&mut self, size: u32) -> i32 {
        let bits = self.take(size) as i32;
        if size > 0 && bits >> (size - 1) == 0 { bits - (1 << size) + 1 } else { bits }
    }

    /// By how much a block's mean differs from that of the one before. None if the code is none.
    #[inline(always)]
    pub(super) fn difference(&mut self, data: &[u8], codes: &Codes) -> Option<i32> {
        let size = u32::from(self.symbol(data, codes)?);
        (size <= 15).then(|| self.number(size))
    }

    /// The coefficients at the places 1 to 4, and passes over the others.
    #[inline(always)]
    pub(super) fn first_coefficients(&mut self, data: &[u8], codes: &Codes) -> Option<[i32; 5]> {
        let mut first = [0; 5];
        let mut place = 1;
        while place < 5 {
            let symbol = self.symbol(data, codes)?;
            let (zeros, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 && zeros < 15 {
                return Some(first);
            }
            place += zeros;
            let number = self.number(size);
            if let Some(coefficient) = first.get_mut(place) {
                *coefficient = number;
            }
            place += 1;
        }
        self.pass(data, codes, place)?;
        Some(first)
    }

    /// Passes over the coefficients from this place on.
    #[inline(always)]
    pub(super) fn pass(&mut self, data: &[u8], codes: &Codes, mut place: usize) -> Option<()> {
        while place < 64 {
            self.fill(data);
            let Passed { bits, places, ends } = codes.far[(self.buffer >> (64 - FAR)) as usize];
            let next = place + usize::from(places);
            // What ends the block at its last place is not an end that is said: that would be the next block's.
            if bits > 0 && next + usize::from(ends) <= 64 {
                self.take(bits.into());
                if ends {
                    return Some(());
                }
                place = next;
                continue;
            }
            let symbol = self.symbol(data, codes)?;
            let (zeros, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 && zeros < 15 {
                return Some(());
            }
            self.take(size);
            place += zeros + 1;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths 1, 2 and 3: the codes 0, 10, 110.
    fn codes(symbols: [u8; 3]) -> Codes {
        let mut counts = [0; 16];
        counts[..3].fill(1);
        Codes::new(&counts, &symbols).unwrap().passing()
    }

    #[test]
    fn passing_over_takes_the_bits_that_reading_takes() {
        // 0: one coefficient of one bit; 10: sixteen zeros; 110: the end.
        let codes = codes([0x01, 0xf0, 0x00]);
        // 62 coefficients one by one, then the end; and 63, after which none is said.
        for (count, said) in [(62, true), (63, false)] {
            let mut text = "01".repeat(count);
            if said {
                text += "110";
            }
            let len = text.len();
            text += &"1".repeat(8 - len % 8);
            let data: Vec<u8> = text
                .as_bytes()
                .chunks(8)
                .map(|bits| u8::from_str_radix(std::str::from_utf8(bits).unwrap(), 2).unwrap())
                .collect();
            let data = [&data[..], &[0xff, 0xd9]].concat();
            let mut bits = Bits::new(0);
            assert_eq!(bits.pass(&data, &codes, 1), Some(()));
            assert_eq!(bits.end(&data), Some(data.len() - 2), "{count}");
            assert!(bits.count < 8, "{count}");
        }
    }

    #[test]
    fn tables_that_cannot_be_are_refused() {
        let mut counts = [0; 16];
        counts[0] = 2;
        assert!(Codes::new(&counts, &[1, 2]).is_none(), "both codes of one bit, of which one is all ones");
        counts[0] = 3;
        assert!(Codes::new(&counts, &[1, 2, 3]).is_none());
        counts[0] = 1;
        assert!(Codes::new(&counts, &[]).is_none());
        assert!(Codes::new(&[0; 16], &[1]).is_none());
    }

    #[test]
    fn numbers_are_those_of_the_standard() {
        let number = |bits: u64, size| Bits { at: 0, buffer: bits << (64 - size), count: 64 }.number(size);
        assert_eq!(
            [number(0b0, 1), number(0b1, 1), number(0b00, 2), number(0b01, 2), number(0b10, 2), number(0b11, 2)],
            [-1, 1, -3, -2, 2, 3]
        );
        assert_eq!(Bits::default().number(0), 0);
    }
}
