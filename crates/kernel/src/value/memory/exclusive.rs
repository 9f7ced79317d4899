//! Elements that only one kernel can reach.

use std::mem::size_of;
use std::ptr::NonNull;
use std::slice;
use std::sync::Arc;

use super::loan::{Lent, Loan, untouchable};
use super::owned::Owned;
use crate::error::EngineError;
use crate::value::racy::Number;

/// Elements that only this kernel can reach.
#[derive(Debug)]
pub struct Exclusive<T> {
    start: NonNull<T>,
    len: usize,
    keeper: Keeper,
}

/// What keeps the elements where they are.
#[derive(Debug)]
enum Keeper {
    /// There are none.
    Nobody,
    Owned(Owned),
    Loan(Arc<Loan>),
    /// There are none yet: only their number is known.
    Draft,
}

// SAFETY: it is the only way to its elements, like a `Box<[T]>`, and `Number`s are Send and Sync; so are a loan, and `Owned`.
unsafe impl<T: Number> Send for Exclusive<T> {}
// SAFETY: as above.
unsafe impl<T: Number> Sync for Exclusive<T> {}

impl<T> Default for Exclusive<T> {
    /// No elements.
    fn default() -> Self {
        Self { start: NonNull::dangling(), len: 0, keeper: Keeper::Nobody }
    }
}

impl<T: Number> Exclusive<T> {
    /// `len` zeros of Rust's own.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    pub fn zeroed(len: usize) -> Result<Self, EngineError> {
        Owned::zeroed(len.saturating_mul(size_of::<T>())).map(Self::own)
    }

    pub(super) fn own(mut owned: Owned) -> Self {
        // Words are aligned for every element. For none of them, too, the address is not null.
        let start = NonNull::new(owned.as_mut_ptr().cast()).unwrap_or(NonNull::dangling());
        Self { start, len: owned.len() / size_of::<T>(), keeper: Keeper::Owned(owned) }
    }

    /// Over moved memory, of which this is the only claim.
    pub(super) fn borrow(lent: Lent) -> Self {
        let (start, len, loan) = lent.into_elements();
        Self { start, len, keeper: Keeper::Loan(loan) }
    }

    pub(super) fn draft(bytes: usize) -> Self {
        Self { start: NonNull::dangling(), len: bytes / size_of::<T>(), keeper: Keeper::Draft }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where `len` allocated, aligned elements start, to which `self` is the only way: they stay there while it lives.
    ///
    /// # Panics
    /// If the memory is not the kernel's yet (invariant 4).
    pub(super) fn start(&self) -> NonNull<T> {
        match &self.keeper {
            Keeper::Nobody | Keeper::Owned(_) => {}
            Keeper::Loan(loan) => loan.check(),
            Keeper::Draft => untouchable(),
        }
        self.start
    }

    /// The elements.
    ///
    /// # Panics
    /// If the memory is not the kernel's yet (invariant 4).
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: `len` elements stand there (`start`), to which `self` is the only way; borrowed with it.
        unsafe { slice::from_raw_parts(self.start().as_ptr(), self.len) }
    }

    /// Rust's own memory, if it is that; else the elements stand in the caller's.
    pub fn into_owned(self) -> Option<Owned> {
        if let Keeper::Owned(owned) = self.keeper { Some(owned) } else { None }
    }
}
