//! Memory at the border: bytes and numbers that JavaScript hands over, and results that go back without a copy.
//!
//! A [`Memory`] is one claim to some bytes. A kernel turns it into one of three things, which consumes it; how the memory was handed
//! over shows only in which of them it can become:
//!
//! | type | made by | where it comes from | how a kernel uses it |
//! |---|---|---|---|
//! | [`Bytes`] | [`Memory::into_bytes`] | any hand-over | reads blocks; a block of shared memory is copied out first |
//! | [`Exclusive`] | [`Memory::into_exclusive`] | a copy, or a transferred ArrayBuffer | as `&[T]`, or as `&mut [T]` in [`Parts`] |
//! | [`Shared`] | [`Memory::into_shared`] | a SharedArrayBuffer, or a transferred ArrayBuffer | loads and stores of elements, atomic ones |
//!
//! Invariants:
//! 1. A plain reference (`&[T]`, `&mut [T]`) is made only to memory that JavaScript cannot reach, or has promised not to write:
//!    a copy, a moved ArrayBuffer, a frozen one.
//! 2. Shared memory is read and written through [`racy`](super::racy) only, whose rule is that to Rust every access is of single
//!    bytes, and atomic. So it does not matter in which size JavaScript, or another task, accesses the same bytes meanwhile.
//! 3. Memory that is lent stays where it is while anything that was made of it is there: each such thing holds the [`Loan`], and
//!    the lender takes the memory back only when nobody does.
//! 4. Nobody touches lent memory before its [`Loan`] is open. Until then it has a length only: whoever tries panics.
//! 5. A claim is neither copied nor relabelled: `Memory` has no public fields and is not `Clone`, and what is made of it consumes
//!    it. So there is one `Exclusive` for some bytes, and no `Shared` or `Bytes` beside it.
//!
//! What safe Rust can therefore not do is in `forbidden`, as examples that do not compile.

mod bytes;
mod exclusive;
#[cfg(doctest)]
mod forbidden;
mod loan;
mod owned;
mod pages;
mod parts;
mod place;
mod raw;
mod shared;

pub use bytes::Bytes;
pub use exclusive::Exclusive;
pub use loan::Loan;
pub use owned::{Owned, append, collect, reserve, reserve_exact};
pub use pages::ask_for_large_pages;
pub use parts::Parts;
pub(crate) use raw::Raw;
pub use shared::Shared;

use std::sync::Arc;

use super::element::Element;
use super::racy::Number;
use loan::Lent;
use place::Place;

/// A claim to some bytes: where they stand, and so what may be done with them.
#[derive(Debug, PartialEq)]
pub struct Memory(Place);

impl Memory {
    /// Memory of Rust's own.
    pub fn owned(owned: Owned) -> Self {
        Self(Place::Owned(owned))
    }

    /// Stands for a copy that has not been made: it has a length and no bytes. Work over it never runs.
    pub fn draft(len: usize) -> Self {
        Self(Place::Draft(len))
    }

    /// `len` bytes from `start` on that were taken away from JavaScript.
    ///
    /// # Safety
    /// While `loan` is open and not dropped, the bytes stay allocated there, aligned to the elements as which they were handed over,
    /// and nobody accesses them but by this value. `start` may be null if `len` is 0.
    pub unsafe fn moved(start: *mut u8, len: usize, loan: Arc<Loan>) -> Self {
        Self(Place::Moved(Lent::new(start, len, loan)))
    }

    /// `len` bytes from `start` on that may be read.
    ///
    /// # Safety
    /// As [`Memory::moved`], but others may read the bytes, too; nobody writes them.
    pub unsafe fn frozen(start: *mut u8, len: usize, loan: Arc<Loan>) -> Self {
        Self(Place::Frozen(Lent::new(start, len, loan)))
    }

    /// `len` bytes from `start` on that JavaScript shares.
    ///
    /// # Safety
    /// As [`Memory::moved`], but others may read and write the bytes: outside Rust, or by values that this function has made.
    pub unsafe fn shared(start: *mut u8, len: usize, loan: Arc<Loan>) -> Self {
        Self(Place::Shared(Lent::new(start, len, loan)))
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        match &self.0 {
            Place::Owned(owned) => owned.len(),
            Place::Moved(lent) | Place::Frozen(lent) | Place::Shared(lent) => lent.len(),
            Place::Draft(len) => *len,
        }
    }

    /// Whether JavaScript can read and write it meanwhile.
    pub fn is_shared(&self) -> bool {
        matches!(self.0, Place::Shared(_))
    }

    /// Whether it is somebody else's, who wants it back.
    pub fn is_lent(&self) -> bool {
        matches!(self.0, Place::Moved(_) | Place::Frozen(_) | Place::Shared(_))
    }

    /// Whether work over it never runs: it is made to check the arguments, and made again over other memory.
    pub fn is_draft(&self) -> bool {
        matches!(self.0, Place::Draft(_))
    }

    /// Whether its bytes are there and may be touched.
    fn is_open(&self) -> bool {
        match &self.0 {
            Place::Owned(_) => true,
            Place::Moved(lent) | Place::Frozen(lent) | Place::Shared(lent) => lent.is_open(),
            Place::Draft(_) => false,
        }
    }

    /// Rust's own memory, if it is that.
    pub fn into_owned(self) -> Option<Owned> {
        if let Place::Owned(owned) = self.0 { Some(owned) } else { None }
    }

    /// The elements of Rust's own memory, if it is that.
    pub(crate) fn as_numbers<T: Number>(&self) -> Option<&[T]> {
        if let Place::Owned(owned) = &self.0 { Some(owned.as_numbers()) } else { None }
    }

    /// The bytes, for reading.
    pub fn into_bytes(self) -> Bytes {
        Bytes::new(self.0)
    }

    /// The elements of memory that nobody else can reach.
    ///
    /// # Errors
    /// Gives the memory back if others can.
    ///
    /// # Panics
    /// If the memory was handed over as smaller elements, and is not aligned for these.
    pub fn into_exclusive<T: Number>(self) -> Result<Exclusive<T>, Self> {
        match self.0 {
            Place::Owned(owned) => Ok(Exclusive::own(owned)),
            Place::Moved(lent) => Ok(Exclusive::borrow(lent)),
            Place::Draft(len) => Ok(Exclusive::draft(len)),
            place @ (Place::Frozen(_) | Place::Shared(_)) => Err(Self(place)),
        }
    }

    /// The elements of memory that stays where it is, for access from several threads.
    ///
    /// # Errors
    /// Gives the memory back if it is to be read only, or a copy, whose changes nobody would see.
    ///
    /// # Panics
    /// As [`Memory::into_exclusive`].
    pub fn into_shared<T: Number>(self) -> Result<Shared<T>, Self> {
        match self.0 {
            Place::Shared(lent) | Place::Moved(lent) => Ok(Shared::new(lent)),
            place @ (Place::Owned(_) | Place::Frozen(_) | Place::Draft(_)) => Err(Self(place)),
        }
    }
}

/// A typed array's memory, with the type of its elements.
#[derive(Debug, PartialEq)]
pub struct View {
    /// The type of its elements.
    pub element: Element,
    /// Whether JavaScript gave a bare buffer, which has bytes but no elements.
    pub bare: bool,
    /// Its bytes.
    pub memory: Memory,
}

impl View {
    /// Its bytes, for reading.
    pub fn into_bytes(self) -> Bytes {
        self.memory.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{frozen, moved, shared};

    #[test]
    fn read_only_memory_is_given_to_nobody_who_writes() {
        assert!(frozen(vec![0_u8]).0.into_exclusive::<u8>().is_err());
        assert!(frozen(vec![0_u8]).0.into_shared::<u8>().is_err());
    }

    #[test]
    fn shared_memory_is_nobody_s_alone() {
        let back = shared(vec![0_u8]).0.into_exclusive::<u8>().unwrap_err();
        assert!(back.is_shared() && back.into_shared::<u8>().is_ok());
    }

    #[test]
    fn a_copy_is_not_shared() {
        assert!(Memory::owned(Owned::zeroed(8).unwrap()).into_shared::<u8>().is_err());
        assert!(Memory::draft(8).into_shared::<u8>().is_err());
    }

    #[test]
    fn no_bytes_have_no_address() {
        let nothing = |memory: unsafe fn(*mut u8, usize, Arc<Loan>) -> Memory| {
            let loan = Loan::new(());
            // SAFETY: no bytes, and so nothing to access.
            unsafe {
                loan.open();
                memory(std::ptr::null_mut(), 0, loan)
            }
        };
        assert!(nothing(Memory::shared).into_bytes().read(0..0, &mut vec![]).unwrap().is_empty());
        assert!(nothing(Memory::moved).into_exclusive::<f64>().unwrap().as_slice().is_empty());
        assert!(nothing(Memory::shared).into_shared::<u32>().unwrap().is_empty());
    }

    #[test]
    fn whatever_is_made_of_lent_memory_holds_it() {
        // Invariant 3.
        let (memory, lender) = moved(vec![1_u8, 2]);
        let exclusive = memory.into_exclusive::<u8>().unwrap();
        let lender = lender.take_back().unwrap_err();
        let parts = Parts::new(exclusive, 1).unwrap();
        let lender = lender.take_back().unwrap_err();
        drop(parts);
        assert_eq!(lender.take_back().unwrap(), [1, 2]);

        let (memory, lender) = frozen(vec![3_u8]);
        let bytes = memory.into_bytes();
        let lender = lender.take_back().unwrap_err();
        drop(bytes);
        assert_eq!(lender.take_back().unwrap(), [3]);

        let (memory, lender) = shared(vec![4_u8]);
        let shared = memory.into_shared::<u8>().unwrap();
        let second = shared.clone();
        drop(shared);
        let lender = lender.take_back().unwrap_err();
        drop(second);
        assert_eq!(lender.take_back().unwrap(), [4]);
    }
}
