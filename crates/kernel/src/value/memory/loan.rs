//! Memory that is lent: where it stands, since when it may be touched, and who holds it.
//!
//! The invariants are the module's (`memory`): 3, what holds a loan; 4, when it is open.

use std::fmt;
use std::mem::{align_of, size_of};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::value::racy::Number;

/// The lender's side of memory that is lent, and what its borrowers hold. When the last of them is dropped, on any thread, so is
/// the keeper, by which the lender can know.
pub struct Loan<K: ?Sized = dyn Send + Sync> {
    open: AtomicBool,
    keeper: K,
}

impl<K: Send + Sync + 'static> Loan<K> {
    /// A loan that is not open.
    pub fn new(keeper: K) -> Arc<Self> {
        Arc::new(Self { open: AtomicBool::new(false), keeper })
    }

    /// The keeper, once there is nobody else.
    ///
    /// # Errors
    /// Gives the loan back if it is held by others.
    pub fn end(self: Arc<Self>) -> Result<K, Arc<Self>> {
        Arc::try_unwrap(self).map(|loan| loan.keeper)
    }
}

impl<K: ?Sized> Loan<K> {
    /// The keeper.
    pub fn keeper(&self) -> &K {
        &self.keeper
    }

    /// From here on the memory may be touched.
    ///
    /// # Safety
    /// From here on, until the keeper is dropped, what was promised of each [`Memory`](super::Memory) that was made with this loan
    /// is true.
    pub unsafe fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// # Panics
    /// If it is not open.
    #[inline]
    pub(super) fn check(&self) {
        // Acquire: what the lender wrote before it opened the loan is there.
        if !self.is_open() {
            untouchable();
        }
    }

    #[inline]
    fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }
}

impl<K: ?Sized> fmt::Debug for Loan<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan").field("open", &self.open).finish_non_exhaustive()
    }
}

/// # Panics
/// Always.
#[cold]
pub(super) fn untouchable() -> ! {
    panic!("the memory is not the kernel's yet: before its work runs, only its length may be asked for")
}

/// Bytes that are lent.
#[derive(Debug)]
pub(super) struct Lent {
    start: NonNull<u8>,
    len: usize,
    loan: Arc<Loan>,
}

// SAFETY: it is an address, and a loan, which is Send and Sync itself; what may be done with the memory, and from which threads, those
// types know that are made of it.
unsafe impl Send for Lent {}
// SAFETY: as above.
unsafe impl Sync for Lent {}

impl PartialEq for Lent {
    fn eq(&self, other: &Self) -> bool {
        (self.start, self.len) == (other.start, other.len) && Arc::ptr_eq(&self.loan, &other.loan)
    }
}

impl Lent {
    pub(super) fn new(start: *mut u8, len: usize, loan: Arc<Loan>) -> Self {
        match NonNull::new(start) {
            Some(start) => Self { start, len, loan },
            // V8 gives null for no bytes.
            None => Self { start: NonNull::<u64>::dangling().cast(), len: 0, loan },
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where the bytes stand, or will: not to be touched before the loan is open.
    pub(super) fn address(&self) -> NonNull<u8> {
        self.start
    }

    pub(super) fn is_open(&self) -> bool {
        self.loan.is_open()
    }

    /// Where the bytes start.
    ///
    /// # Panics
    /// If the loan is not open.
    pub(super) fn start(&self) -> NonNull<u8> {
        self.loan.check();
        self.start
    }

    /// Where elements start, and how many there are; and the loan, to be held and checked by whoever accesses them.
    pub(super) fn into_elements<T: Number>(self) -> (NonNull<T>, usize, Arc<Loan>) {
        let Self { start, len, loan } = self;
        if len == 0 {
            return (NonNull::dangling(), 0, loan);
        }
        let start = start.cast::<T>();
        assert!(start.as_ptr().addr().is_multiple_of(align_of::<T>()), "a typed array is aligned to its elements");
        (start, len / size_of::<T>(), loan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Bytes, Exclusive, Memory, Parts, Shared};

    fn closed(memory: unsafe fn(*mut u8, usize, Arc<Loan>) -> Memory) -> Memory {
        // SAFETY: the loan is never opened.
        unsafe { memory(NonNull::<u64>::dangling().as_ptr().cast(), 16, Loan::new(())) }
    }

    #[test]
    fn memory_that_is_not_open_has_its_length() {
        assert_eq!(closed(Memory::frozen).into_bytes().len(), 16);
        assert_eq!(closed(Memory::moved).into_exclusive::<u64>().unwrap().len(), 2);
        assert_eq!(closed(Memory::shared).into_shared::<u32>().unwrap().len(), 4);
        assert_eq!(Memory::draft(16).into_exclusive::<u16>().unwrap().len(), 8);
    }

    #[test]
    fn nobody_touches_memory_that_is_not_open() {
        // Invariant 4.
        let panics = |touch: Box<dyn FnOnce() + std::panic::UnwindSafe>| {
            let payload = std::panic::catch_unwind(touch).unwrap_err();
            let message = payload.downcast::<&str>().unwrap();
            assert!(message.starts_with("the memory is not the kernel's yet"), "{message}");
        };
        let read = |bytes: Bytes| drop(bytes.read(0..1, &mut vec![]).map(<[u8]>::to_vec));
        let exclusive = |memory: Memory| -> Exclusive<u64> { memory.into_exclusive().unwrap() };
        let shared = || -> Shared<u64> { closed(Memory::shared).into_shared().unwrap() };
        for memory in [Memory::moved, Memory::frozen, Memory::shared] {
            panics(Box::new(move || read(closed(memory).into_bytes())));
        }
        panics(Box::new(move || read(Memory::draft(16).into_bytes())));
        for memory in [|| closed(Memory::moved), || Memory::draft(16)] {
            panics(Box::new(move || drop(exclusive(memory()).as_slice().to_vec())));
            panics(Box::new(move || Parts::new(exclusive(memory()), 1).unwrap().take(0)[0] = 1));
        }
        panics(Box::new(move || shared().load(0, &mut [0])));
        panics(Box::new(move || shared().store(0, &[0])));
        panics(Box::new(move || shared().update(0..1, |element| element)));
    }
}
