//! Elements handed out in parts, so that several threads write them at once.

use std::slice;
use std::sync::atomic::{AtomicBool, Ordering};

use super::exclusive::Exclusive;
use super::owned::collect;
use crate::error::EngineError;
use crate::value::racy::Number;

/// Elements handed out in parts, each to one taker.
#[derive(Debug)]
pub struct Parts<T> {
    whole: Exclusive<T>,
    size: usize,
    taken: Vec<AtomicBool>,
}

impl<T> Default for Parts<T> {
    /// No parts.
    fn default() -> Self {
        Self { whole: Exclusive::default(), size: 1, taken: vec![] }
    }
}

impl<T: Number> Parts<T> {
    /// Parts of `size` elements each; the last may be shorter.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    ///
    /// # Panics
    /// If `size` is 0.
    pub fn new(whole: Exclusive<T>, size: usize) -> Result<Self, EngineError> {
        let taken = collect((0..whole.len().div_ceil(size)).map(|_| AtomicBool::new(false)))?;
        Ok(Self { whole, size, taken })
    }

    /// How many parts there are.
    pub fn count(&self) -> usize {
        self.taken.len()
    }

    /// Part `index`, which nobody else has or will get.
    ///
    /// # Panics
    /// If it was taken before, or is out of bounds, or the memory is not the kernel's yet (invariant 4).
    #[expect(clippy::mut_from_ref, reason = "each part is given once, so the references never overlap")]
    pub fn take(&self, index: usize) -> &mut [T] {
        assert!(!self.taken[index].swap(true, Ordering::AcqRel), "part {index} was taken before");
        let start = index * self.size;
        let len = self.size.min(self.whole.len() - start);
        // SAFETY: in bounds; `self.whole` is the only way to the elements and is private here, no slice of the whole is
        // made while `self` lives, and each part is given once: so this is the only reference to these elements.
        unsafe { slice::from_raw_parts_mut(self.whole.start().as_ptr().add(start), len) }
    }

    /// The whole again: all parts have been given back, since they were borrowed.
    pub fn into_whole(self) -> Exclusive<T> {
        self.whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_whole_once() {
        let parts = Parts::new(Exclusive::<u32>::zeroed(10).unwrap(), 4).unwrap();
        assert_eq!(parts.count(), 3);
        let (a, c) = (parts.take(0), parts.take(2));
        a.fill(1);
        c.fill(3);
        assert_eq!(c.len(), 2);
        parts.take(1).fill(2);
        assert_eq!(parts.into_whole().as_slice(), [1, 1, 1, 1, 2, 2, 2, 2, 3, 3]);
    }

    #[test]
    #[should_panic(expected = "part 1 was taken before")]
    fn a_part_is_given_once() {
        let parts = Parts::new(Exclusive::<u8>::zeroed(10).unwrap(), 4).unwrap();
        parts.take(1);
        parts.take(1);
    }

    #[test]
    #[should_panic(expected = "out of bounds")]
    fn parts_have_an_end() {
        Parts::new(Exclusive::<u8>::zeroed(8).unwrap(), 4).unwrap().take(2);
    }
}
