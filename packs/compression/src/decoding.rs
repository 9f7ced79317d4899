//! Decoding in steps, with its limits.

use heavy_load_kernel::error::{Code, EngineError};
use heavy_load_kernel::value::{Bytes, Value, reserve_exact};
use heavy_load_kernel::{Next, Result, Step, Stepped};

use crate::codec::Decoder;
use crate::format::Format;
use heavy_load_kernel::value::reserve;

/// Bytes of input, and of output, at which a unit ends, whichever comes first.
const INPUT: usize = 16 << 10;
const OUTPUT: usize = 64 << 10;
/// Bytes of memory that are asked for before anything is decoded, at most.
const FIRST: usize = 16 << 20;

/// Stepped work: decodes. A unit is a block of input, or of output.
pub(crate) struct Decoding {
    format: Format,
    data: Bytes,
    at: usize,
    decoder: Option<Box<dyn Decoder>>,
    place: Place,
    /// Most bytes of output.
    limit: usize,
    out: Vec<u8>,
    scratch: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Nothing was decoded.
    Start,
    /// In a stream, member or frame.
    Inside,
    /// Behind one.
    Behind,
    /// Behind a zero behind the last.
    Padding,
}

impl Decoding {
    pub(crate) fn new(format: Format, data: Bytes, limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(isize::MAX as usize - 1);
        Self { format, data, at: 0, decoder: None, place: Place::Start, limit, out: vec![], scratch: vec![] }
    }

    /// Does a unit; whether it was the last.
    fn unit(&mut self) -> Result<bool> {
        match self.place {
            Place::Start => self.begin()?,
            Place::Inside => {}
            Place::Behind => match self.next_byte()? {
                0 => return self.skip_zeros(),
                _ => self.begin_another()?,
            },
            Place::Padding => return self.skip_zeros(),
        }
        let Some(decoder) = &mut self.decoder else { unreachable!("it has begun") };
        let input = self.data.read(self.at..self.data.len().min(self.at + INPUT), &mut self.scratch)?;
        let before = self.out.len();
        // A byte more than may be, to see whether there would be more.
        let room = OUTPUT.min(self.limit + 1 - before);
        reserve(&mut self.out, room)?;
        let decoded = decoder.decode(input, room, &mut self.out)?;
        self.at += decoded.read;
        if self.out.len() > self.limit {
            let message = format!("The data decompresses to more than the {} bytes of maxOutputLength", self.limit);
            return Err(EngineError::new(Code::OutputTooLarge, message));
        }
        if decoded.is_end {
            self.place = Place::Behind;
            return Ok(self.at == self.data.len());
        }
        if decoded.read == 0 && self.out.len() == before {
            return Err(EngineError::invalid_data("The data ends before it should"));
        }
        Ok(false)
    }

    fn begin(&mut self) -> Result<()> {
        let likely = self.data.len().saturating_mul(3).clamp(OUTPUT, FIRST).min(self.limit + 1);
        reserve_exact(&mut self.out, likely)?;
        self.decoder = Some(self.format.decoder()?);
        self.place = Place::Inside;
        Ok(())
    }

    fn begin_another(&mut self) -> Result<()> {
        let Some(decoder) = self.decoder.as_mut().filter(|_| self.format.has_members()) else {
            return Err(trailing());
        };
        decoder.restart()?;
        self.place = Place::Inside;
        Ok(())
    }

    fn next_byte(&mut self) -> Result<u8> {
        Ok(self.data.read(self.at..self.at + 1, &mut self.scratch)?[0])
    }

    fn skip_zeros(&mut self) -> Result<bool> {
        let end = self.data.len().min(self.at + INPUT);
        if self.data.read(self.at..end, &mut self.scratch)?.iter().any(|byte| *byte != 0) {
            return Err(trailing());
        }
        self.at = end;
        self.place = Place::Padding;
        Ok(end == self.data.len())
    }
}

#[cold]
fn trailing() -> EngineError {
    EngineError::invalid_data("There is something behind the end of the compressed data that does not belong to it")
}

impl Stepped for Decoding {
    fn len(&self) -> u64 {
        self.data.len().div_ceil(INPUT) as u64
    }

    fn first_morsel(&self) -> u64 {
        2
    }

    fn step(&mut self, units: u64) -> Result<Step> {
        for _ in 0..units {
            if self.unit()? {
                return Ok(Step::Done(Next::Done(Value::Buffer(std::mem::take(&mut self.out)))));
            }
        }
        Ok(Step::More { progress: self.at as f64 / self.data.len().max(1) as f64 })
    }
}
