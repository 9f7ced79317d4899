//! Bytes that a kernel reads, wherever they stand.

use std::ops::Range;
use std::slice;

use super::loan::untouchable;
use super::owned::reserve_exact;
use super::place::Place;
use crate::error::EngineError;
use crate::value::racy;

/// Bytes that a kernel reads.
#[derive(Debug)]
pub struct Bytes {
    place: Place,
    len: usize,
}

impl Bytes {
    pub(super) fn new(place: Place) -> Self {
        let len = match &place {
            Place::Owned(owned) => owned.len(),
            Place::Moved(lent) | Place::Frozen(lent) | Place::Shared(lent) => lent.len(),
            Place::Draft(len) => *len,
        };
        Self { place, len }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes of `range`: in place where nobody writes them, else copied into `scratch`.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    ///
    /// # Panics
    /// If the range is out of bounds, or the memory is not the kernel's yet (invariant 4).
    pub fn read<'a>(&'a self, range: Range<usize>, scratch: &'a mut Vec<u8>) -> Result<&'a [u8], EngineError> {
        assert!(range.start <= range.end && range.end <= self.len, "{range:?} of {}", self.len);
        let Place::Shared(lent) = &self.place else {
            return Ok(&self.as_slice().unwrap_or_default()[range]);
        };
        scratch.clear();
        reserve_exact(scratch, range.len())?;
        // SAFETY: in bounds, as asserted. The loan is open (`start`), and held by `self`: so the bytes are allocated, and others access
        // them as `racy` has it (`Memory::shared`). There is room for as many bytes, which are all written before they count as there.
        unsafe {
            racy::copy(lent.start().as_ptr().add(range.start), scratch.as_mut_ptr(), range.len());
            scratch.set_len(range.len());
        }
        Ok(scratch)
    }

    /// All of the bytes, in place; `None` where others may write them: of shared memory there is a copy only, by [`Bytes::read`].
    ///
    /// # Panics
    /// If the memory is not the kernel's yet (invariant 4).
    pub fn as_slice(&self) -> Option<&[u8]> {
        match &self.place {
            Place::Owned(owned) => Some(owned.as_slice()),
            Place::Moved(lent) | Place::Frozen(lent) => {
                // SAFETY: the loan is open (`start`), and held by `self`: so the bytes are allocated, and nobody writes them
                // (`Memory::moved`, `Memory::frozen`). Of moved memory this is the only claim, and it only reads.
                Some(unsafe { slice::from_raw_parts(lent.start().as_ptr(), lent.len()) })
            }
            Place::Shared(_) => None,
            Place::Draft(_) => untouchable(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{frozen, moved, shared};
    use crate::value::{Memory, Owned};

    #[test]
    fn bytes_read_the_same_wherever_they_stand() {
        let expected: Vec<u8> = (0..100).collect();
        // SAFETY: a slice, borrowed during the call.
        let copy = Memory::owned(unsafe { Owned::copy(expected.as_ptr(), expected.len()) }.unwrap());
        let lend = [moved, frozen, shared].map(|lend| lend(expected.clone()).0);
        for memory in lend.into_iter().chain([copy]) {
            let bytes = memory.into_bytes();
            assert!(bytes.as_slice().is_none_or(|slice| slice == expected));
            for range in [0..100, 0..0, 3..4, 1..99, 7..16, 8..24, 100..100] {
                assert_eq!(bytes.read(range.clone(), &mut vec![]).unwrap(), &expected[range]);
            }
        }
    }
}
