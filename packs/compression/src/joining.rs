//! What sections were encoded to, made into one.

use std::sync::Arc;
use std::vec;

use heavy_load_kernel::value::{Value, reserve_exact};
use heavy_load_kernel::{Next, Result, Step, Stepped};

use crate::sections::{Part, Sections};
use heavy_load_kernel::value::append;

/// Bytes of a unit.
const BLOCK: usize = 256 << 10;

/// Stepped work: appends one part after the other to the first. A unit is a block.
pub(crate) struct Joining {
    sections: Arc<Sections>,
    out: Vec<u8>,
    /// The parts that follow, once it has begun; of the first of them, so many bytes are copied.
    parts: Option<vec::IntoIter<Part>>,
    copied: usize,
    check: u32,
    blocks: u64,
}

impl Joining {
    pub(crate) fn new(sections: Arc<Sections>) -> Self {
        Self { sections, out: vec![], parts: None, copied: 0, check: 0, blocks: 0 }
    }

    fn begin(&mut self) -> Result<()> {
        let parts = self.sections.take_parts();
        let bytes: usize = parts.iter().map(|part| part.out.len()).sum();
        let mut parts = parts.into_iter();
        let Some(first) = parts.next() else { unreachable!("there is a section at least") };
        (self.out, self.check) = (first.out, first.check);
        let more = bytes - self.out.len() + TAIL;
        reserve_exact(&mut self.out, more)?;
        self.blocks = bytes.div_ceil(BLOCK) as u64;
        self.parts = Some(parts);
        Ok(())
    }

    /// Copies a block; whether that was all.
    fn block(&mut self) -> bool {
        let Some(parts) = &mut self.parts else { unreachable!("it has begun") };
        let Some(part) = parts.as_slice().first() else { return true };
        let end = part.out.len().min(self.copied + BLOCK);
        self.out.extend_from_slice(&part.out[self.copied..end]);
        self.copied = end;
        if end == part.out.len() {
            let len = self.sections.range(part.index).len() as u64;
            self.check = self.sections.encoding().combine(self.check, part.check, len);
            self.copied = 0;
            parts.next();
        }
        false
    }
}

/// Bytes of the longest tail.
const TAIL: usize = 8;

impl Stepped for Joining {
    fn len(&self) -> u64 {
        self.blocks
    }

    fn step(&mut self, units: u64) -> Result<Step> {
        if self.parts.is_none() {
            self.begin()?;
        }
        for _ in 0..units {
            if self.block() {
                return end(&self.sections, std::mem::take(&mut self.out), self.check);
            }
        }
        Ok(Step::More { progress: 0.99 })
    }
}

/// The only section is all there is.
pub(crate) fn only(sections: &Sections, part: Part) -> Result<Step> {
    end(sections, part.out, part.check)
}

fn end(sections: &Sections, mut out: Vec<u8>, check: u32) -> Result<Step> {
    append(&mut out, &sections.encoding().tail(check, sections.len() as u64))?;
    Ok(Step::Done(Next::Done(Value::Buffer(out))))
}
