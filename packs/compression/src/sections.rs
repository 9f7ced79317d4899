//! Encoding by sections, which threads encode at once.
//!
//! A thread takes a section that nobody has, encodes as many pieces of it as the engine asks for, and puts it back: first those that were begun,
//! so that no more encoders are alive than threads have worked at once. A thread that finds no section leaves its units undone, and so does one whose
//! pieces take longer than the last ones did; what is left when the phase has ended is another phase. The last section is encoded in steps, by one thread.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use heavy_load_kernel::value::{Bytes, View};
use heavy_load_kernel::{Next, Parallel, Result, Step, Stepped, Work};

use crate::codec::{Encoder, Encoding, Piece, Section};
use crate::joining::{self, Joining};
use heavy_load_kernel::value::append;

/// Pieces of a first step, at most: most small input is done with it.
const FIRST_STEP: u64 = 4;
/// After so long a thread does no more, whatever it was asked for: some pieces take a hundred times as long as others.
const LONGEST: Duration = Duration::from_millis(2);
/// The share of all work that encoding is; the rest joins its outputs.
const SHARE: f64 = 0.98;

/// What is to be encoded, and how far it is.
pub(crate) struct Sections {
    encoding: Box<dyn Encoding>,
    data: Bytes,
    /// Whether nobody writes the data meanwhile. Else what is before a section may not be what was encoded there.
    is_stable: bool,
    /// Where the sections begin in the input, and where the last ends.
    borders: Vec<usize>,
    /// Pieces of all sections, and those that are encoded.
    pieces: u64,
    encoded: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The first section that was not begun.
    next: usize,
    /// Sections that were begun and that no thread has.
    open: Vec<Open>,
    ended: Vec<Part>,
}

/// A section that was begun.
struct Open {
    index: usize,
    /// How far it is encoded, in the input.
    at: usize,
    encoder: Option<Box<dyn Encoder>>,
    out: Vec<u8>,
    scratch: Vec<u8>,
}

/// A section that is encoded.
pub(crate) struct Part {
    pub(crate) index: usize,
    pub(crate) out: Vec<u8>,
    pub(crate) check: u32,
}

/// Where input of so many bytes is cut into sections. It follows from the input alone, so that the result does not depend on threads.
pub(crate) fn borders(encoding: &dyn Encoding, len: usize) -> Vec<usize> {
    let (largest, smallest) = (encoding.section(), encoding.smallest_section());
    let mut borders = vec![0];
    let mut at = 0;
    if len <= largest {
        // One is best.
    } else if len < 4 * largest {
        // An even number of equal ones.
        let count = len.div_ceil(2 * largest) * 2;
        borders.extend((1..count).map(|index| (len as u128 * index as u128 / count as u128) as usize));
    } else {
        while len - at > largest.min(2 * smallest) {
            at += ((len - at) / 3).clamp(smallest, largest);
            borders.push(at);
        }
    }
    borders.push(len);
    borders
}

/// Work that encodes `view`'s bytes.
pub(crate) fn work(encoding: Box<dyn Encoding>, view: View) -> Work {
    let is_stable = !view.memory.is_shared();
    let data = view.into_bytes();
    let borders = borders(&*encoding, data.len());
    let mut sections =
        Sections { encoding, data, is_stable, borders, pieces: 0, encoded: AtomicU64::new(0), state: Mutex::default() };
    sections.pieces = sections.left(0, &[]);
    Arc::new(sections).rest()
}

impl Sections {
    pub(crate) fn encoding(&self) -> &dyn Encoding {
        &*self.encoding
    }

    /// Bytes of input.
    pub(crate) fn len(&self) -> usize {
        self.data.len()
    }

    fn count(&self) -> usize {
        self.borders.len() - 1
    }

    /// Where a section is in the input.
    pub(crate) fn range(&self, index: usize) -> Range<usize> {
        self.borders[index]..self.borders[index + 1]
    }

    /// The sections, once all are encoded, in their order.
    pub(crate) fn take_parts(&self) -> Vec<Part> {
        let mut parts = std::mem::take(&mut self.state().ended);
        parts.sort_unstable_by_key(|part| part.index);
        parts
    }

    /// The share of all work that is done.
    fn progress(&self) -> f64 {
        SHARE * self.encoded.load(Relaxed) as f64 / self.pieces as f64
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many pieces are to be encoded.
    fn left(&self, next: usize, open: &[Open]) -> u64 {
        let pieces = |range: Range<usize>| range.len().div_ceil(self.encoding.piece()).max(1) as u64;
        let begun = open.iter().map(|open| pieces(open.at..self.range(open.index).end));
        begun.chain((next..self.count()).map(|index| pieces(self.range(index)))).sum()
    }

    /// What is left to do, while no thread has a section.
    fn rest(self: Arc<Self>) -> Work {
        let mut state = self.state();
        match state.open.len() + (self.count() - state.next) {
            0 => {
                drop(state);
                Work::stepped(Joining::new(self))
            }
            1 => {
                let open = state.take(&self);
                drop(state);
                Work::stepped(Alone { sections: self, open })
            }
            _ => {
                let len = self.left(state.next, &state.open);
                drop(state);
                Work::parallel(Together { sections: self, len })
            }
        }
    }

    /// Encodes up to so many pieces of a section, and none after `until` but the first; gives how many, and the section or what it has become.
    fn encode(&self, mut section: Open, units: u64, until: Instant) -> Result<(u64, Encoded)> {
        let range = self.range(section.index);
        let Open { index, at, encoder, out, scratch } = &mut section;
        let encoder = match encoder {
            Some(encoder) => encoder,
            none => {
                let lookback = if self.is_stable { self.encoding.lookback().min(range.start) } else { 0 };
                if *index == 0 {
                    append(out, self.encoding.head())?;
                }
                let encoder = self.encoding.encoder(&Section {
                    offset: range.start,
                    len: range.len(),
                    is_last: range.end == self.len(),
                    before: self.data.read(range.start - lookback..range.start, scratch)?,
                    is_stable: self.is_stable,
                })?;
                none.insert(encoder)
            }
        };
        for done in 1..=units {
            let end = range.end.min(*at + self.encoding.piece());
            let is_last = end == range.end;
            let begin = if self.is_stable { range.start } else { *at };
            let all = self.data.read(begin..end, scratch)?;
            encoder.encode(&Piece { all, from: *at - begin, is_last }, out)?;
            *at = end;
            self.encoded.fetch_add(1, Relaxed);
            if is_last {
                let part = Part { index: *index, check: encoder.check(), out: std::mem::take(out) };
                return Ok((done, Encoded::All(part)));
            }
            if done == units || Instant::now() >= until {
                return Ok((done, Encoded::Some(section)));
            }
        }
        Ok((0, Encoded::Some(section)))
    }
}

impl State {
    /// A section that no thread has.
    fn take(&mut self, sections: &Sections) -> Option<Open> {
        if let Some(open) = self.open.pop() {
            return Some(open);
        }
        let index = self.next;
        (index < sections.count()).then(|| {
            self.next += 1;
            Open { index, at: sections.range(index).start, encoder: None, out: vec![], scratch: vec![] }
        })
    }
}

enum Encoded {
    Some(Open),
    All(Part),
}

/// Parallel work: several sections. A unit is a piece, whichever it is.
struct Together {
    sections: Arc<Sections>,
    len: u64,
}

impl Parallel for Together {
    fn len(&self) -> u64 {
        self.len
    }

    fn run(&self, range: Range<u64>) -> Result<()> {
        let mut units = range.end - range.start;
        let until = Instant::now() + LONGEST;
        while units > 0 && Instant::now() < until {
            let taken = self.sections.state().take(&self.sections);
            let Some(section) = taken else { return Ok(()) };
            let (done, encoded) = self.sections.encode(section, units, until)?;
            units -= done;
            let mut state = self.sections.state();
            match encoded {
                Encoded::Some(section) => state.open.push(section),
                Encoded::All(part) => state.ended.push(part),
            }
        }
        Ok(())
    }

    fn merge(&mut self) -> Result<Next> {
        Ok(Next::Then(Arc::clone(&self.sections).rest()))
    }

    fn progress(&self, _done: u64) -> f64 {
        self.sections.progress()
    }
}

/// Stepped work: one section. A unit is a piece.
struct Alone {
    sections: Arc<Sections>,
    open: Option<Open>,
}

impl Stepped for Alone {
    fn len(&self) -> u64 {
        self.sections.pieces
    }

    fn first_morsel(&self) -> u64 {
        let encoding = self.sections.encoding();
        // Of a millisecond, and about as many nanoseconds a byte as the weight says.
        (1_000_000 / (encoding.weight() * encoding.piece() as u64)).clamp(1, FIRST_STEP)
    }

    fn step(&mut self, units: u64) -> Result<Step> {
        let Some(open) = self.open.take() else { unreachable!("it is taken by a step that ends, or fails") };
        match self.sections.encode(open, units, Instant::now() + LONGEST)?.1 {
            Encoded::Some(open) => {
                self.open = Some(open);
                Ok(Step::More { progress: self.sections.progress() })
            }
            Encoded::All(part) if self.sections.count() == 1 => joining::only(&self.sections, part),
            Encoded::All(part) => {
                self.sections.state().ended.push(part);
                Ok(Step::Done(Next::Then(Work::stepped(Joining::new(Arc::clone(&self.sections))))))
            }
        }
    }
}
