//! Input that comes in pieces, a stream's: work over it is a *fold*, a state that takes in one block of bytes after the other.
//!
//! The engine sees nothing of a stream. Each piece is a task of its own, over a state that is kept between them: while there is no
//! input there is no task, and so nothing that would hold a thread, a place in the queue, or a share of the backlog.
//!
//! Invariants:
//! 1. The tasks of one stream follow each other: the next is made when the one before has ended.
//! 2. A state is in one place: in its [`KeptFold`] between the tasks, in the [`Folding`] that works on it, or gone with one that failed.
#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::value::{Bytes, Value};
use crate::{Next, Result, Step, Stepped};

/// Bytes of a unit, and the most that a fold takes in at once: also how much shared memory is copied out at a time, so that it stays in the
/// cache.
pub const BLOCK: usize = 16 * 1024;

/// A state that takes in bytes, in order.
pub trait Fold: Send {
    /// What so many bytes cost, in the units of the kernel's [`Estimate`](crate::Estimate).
    fn cost(&self, bytes: u64) -> u64 {
        bytes
    }

    /// Takes in the next bytes, at most [`BLOCK`] of them.
    ///
    /// # Errors
    /// The kernel's own.
    fn update(&mut self, block: &[u8]) -> Result<()>;

    /// The result, once all bytes are in. Called once.
    ///
    /// # Errors
    /// The kernel's own.
    fn finish(&mut self) -> Result<Next>;
}

/// A state between the tasks that work on it.
#[derive(Clone)]
pub struct KeptFold(Arc<Mutex<Option<Box<dyn Fold>>>>);

impl std::fmt::Debug for KeptFold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeptFold")
    }
}

impl KeptFold {
    /// Keeps a state that has taken in nothing.
    pub fn new(fold: Box<dyn Fold>) -> Self {
        Self(Arc::new(Mutex::new(Some(fold))))
    }

    /// What the next bytes will cost.
    pub fn cost(&self, bytes: u64) -> u64 {
        self.state().as_ref().map_or(bytes, |fold| fold.cost(bytes))
    }

    /// Work over the next piece of the input: gives how many bytes it had, or, for the `last`, the result.
    pub fn piece(&self, bytes: Bytes, last: bool) -> Folding {
        Folding { fold: None, kept: Some(self.clone()), last, bytes, at: 0, scratch: vec![] }
    }

    fn state(&self) -> MutexGuard<'_, Option<Box<dyn Fold>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stepped work: bytes that a state takes in. A unit is a block.
pub struct Folding {
    /// None before the first step of a piece.
    fold: Option<Box<dyn Fold>>,
    /// Whence the state comes, and where it goes, if these are not all bytes.
    kept: Option<KeptFold>,
    last: bool,
    bytes: Bytes,
    at: usize,
    scratch: Vec<u8>,
}

impl std::fmt::Debug for Folding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Folding").field("at", &self.at).finish_non_exhaustive()
    }
}

impl Folding {
    /// Over input that is there as a whole.
    pub fn whole(fold: Box<dyn Fold>, bytes: Bytes) -> Self {
        Self { fold: Some(fold), kept: None, last: true, bytes, at: 0, scratch: vec![] }
    }

    fn end(&mut self) -> Result<Next> {
        if self.last {
            return self
                .fold
                .as_mut()
                .map_or_else(|| unreachable!("it was there for the last block"), |fold| fold.finish());
        }
        if let Some(kept) = &self.kept {
            *kept.state() = self.fold.take();
        }
        Ok(Next::Done(Value::Number(self.bytes.len() as f64)))
    }
}

impl Stepped for Folding {
    fn len(&self) -> u64 {
        self.bytes.len().div_ceil(BLOCK) as u64
    }

    fn first_morsel(&self) -> u64 {
        4
    }

    fn step(&mut self, units: u64) -> Result<Step> {
        if self.fold.is_none() {
            self.fold = self.kept.as_ref().and_then(|kept| kept.state().take());
        }
        let Some(fold) = &mut self.fold else {
            unreachable!("pieces follow each other, and none follows one that failed")
        };
        for _ in 0..units {
            let end = self.bytes.len().min(self.at + BLOCK);
            fold.update(self.bytes.read(self.at..end, &mut self.scratch)?)?;
            self.at = end;
            if end == self.bytes.len() {
                return self.end().map(Step::Done);
            }
        }
        Ok(Step::More { progress: self.at as f64 / self.bytes.len() as f64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Work;
    use crate::testing::{frozen, run};

    /// Counts bytes and blocks.
    struct Counting(u64, u64);

    impl Fold for Counting {
        fn update(&mut self, block: &[u8]) -> Result<()> {
            assert!(block.len() <= BLOCK);
            self.0 += block.len() as u64;
            self.1 += u64::from(!block.is_empty());
            Ok(())
        }
        fn finish(&mut self) -> Result<Next> {
            Ok(Next::Done(Value::String(format!("{} in {}", self.0, self.1))))
        }
    }

    fn over<T>(len: usize, run: impl FnOnce(Bytes) -> T) -> T {
        run(frozen(vec![0_u8; len]).0.into_bytes())
    }

    #[test]
    fn pieces_are_taken_in_one_after_the_other() {
        let kept = KeptFold::new(Box::new(Counting(0, 0)));
        let mut outcomes = vec![];
        for (len, last) in [(0, false), (BLOCK + 1, false), (7, false), (0, true)] {
            let run = |bytes| run(Work::stepped(kept.piece(bytes, last)));
            outcomes.push(over(len, run).unwrap());
        }
        let all = Value::String(format!("{} in 3", BLOCK + 8));
        assert_eq!(outcomes, [Value::Number(0.0), Value::Number(BLOCK as f64 + 1.0), Value::Number(7.0), all]);
    }

    #[test]
    fn whole_input_needs_no_keeping() {
        let run = |bytes| {
            let work = Folding::whole(Box::new(Counting(0, 0)), bytes);
            run(Work::stepped(work))
        };
        assert_eq!(over(3 * BLOCK, run), Ok(Value::String(format!("{} in 3", 3 * BLOCK))));
    }
}
