//! Memory as a plug-in sees it: by addresses, and by functions that look at what may be done before they do it.

use std::ptr::{self, NonNull};

use super::Memory;
use super::place::Place;
use crate::value::racy::{self, Number};

/// Memory for a plug-in, which keeps its claim.
#[derive(Debug)]
pub(crate) struct Raw {
    start: NonNull<u8>,
    len: usize,
    access: Access,
    claim: Memory,
}

/// What may be done with it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Access {
    /// A copy.
    Owned,
    /// Taken from JavaScript.
    Moved,
    /// Only read, by others too.
    Frozen,
    /// Accessed by others, too.
    Shared,
    /// Nothing: there are no bytes.
    Draft,
}

// SAFETY: addresses, and the claim to what stands there; a `Memory` is Send and Sync.
unsafe impl Send for Raw {}
// SAFETY: as above: what is written through a shared reference is the plug-in's matter (`bytes_mut`), or racy.
unsafe impl Sync for Raw {}

impl Raw {
    pub(crate) fn new(mut claim: Memory) -> Self {
        let len = claim.len();
        let (start, access) = match &mut claim.0 {
            Place::Owned(owned) => (NonNull::new(owned.as_mut_ptr()).unwrap_or(NonNull::dangling()), Access::Owned),
            Place::Moved(lent) => (lent.address(), Access::Moved),
            Place::Frozen(lent) => (lent.address(), Access::Frozen),
            Place::Shared(lent) => (lent.address(), Access::Shared),
            Place::Draft(_) => (NonNull::dangling(), Access::Draft),
        };
        Self { start, len, access, claim }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.access == Access::Shared
    }

    /// Where bytes are that nobody writes, or null. They may be touched once the work runs.
    pub(crate) fn bytes(&self) -> *const u8 {
        match self.access {
            Access::Owned | Access::Moved | Access::Frozen => self.start.as_ptr(),
            Access::Shared | Access::Draft => ptr::null(),
        }
    }

    /// Where bytes are that nobody else can reach, or null. As `bytes`.
    pub(crate) fn bytes_mut(&self) -> *mut u8 {
        match self.access {
            Access::Owned | Access::Moved => self.start.as_ptr(),
            Access::Frozen | Access::Shared | Access::Draft => ptr::null_mut(),
        }
    }

    /// Where bytes are that may be accessed by the rule of `racy`, or null. As `bytes`.
    pub(crate) fn shared_start(&self) -> *mut u8 {
        match self.access {
            Access::Moved | Access::Shared => self.start.as_ptr(),
            Access::Owned | Access::Frozen | Access::Draft => ptr::null_mut(),
        }
    }

    /// Copies bytes out; false if they are not there.
    ///
    /// # Safety
    /// `into` has room for `len` bytes, elsewhere. Nobody writes these bytes meanwhile by `bytes_mut`.
    pub(crate) unsafe fn read(&self, offset: usize, len: usize, into: *mut u8) -> bool {
        if !self.has(offset, len) {
            return false;
        }
        // SAFETY: in bounds, and open: so the bytes are allocated. Those of shared memory are accessed as `racy` has it; the others nobody
        // writes, but for this plug-in itself, of which the caller knows.
        unsafe {
            let from = self.start.as_ptr().add(offset);
            if self.access == Access::Shared {
                racy::copy(from, into, len);
            } else {
                into.copy_from_nonoverlapping(from, len);
            }
        }
        true
    }

    /// Loads elements of `size` bytes; false if they are not there, or not shared or moved.
    ///
    /// # Safety
    /// `into` has room for as many bytes, elsewhere.
    pub(crate) unsafe fn load(&self, offset: usize, size: usize, count: usize, into: *mut u8) -> bool {
        // SAFETY: passed on to the caller; `each` gives addresses that `Number::load` may have.
        let load = |from: *mut u8, at| unsafe {
            match size {
                1 => into.add(at).write_unaligned(u8::load(from)),
                2 => into.add(at).cast::<u16>().write_unaligned(u16::load(from.cast())),
                4 => into.add(at).cast::<u32>().write_unaligned(u32::load(from.cast())),
                _ => into.add(at).cast::<u64>().write_unaligned(u64::load(from.cast())),
            }
        };
        self.each(offset, size, count, load)
    }

    /// Stores elements, as [`Raw::load`].
    ///
    /// # Safety
    /// `from` has as many bytes, elsewhere.
    pub(crate) unsafe fn store(&self, offset: usize, size: usize, count: usize, from: *const u8) -> bool {
        // SAFETY: as in `load`.
        let store = |to: *mut u8, at| unsafe {
            match size {
                1 => u8::store(to, from.add(at).read_unaligned()),
                2 => u16::store(to.cast(), from.add(at).cast::<u16>().read_unaligned()),
                4 => u32::store(to.cast(), from.add(at).cast::<u32>().read_unaligned()),
                _ => u64::store(to.cast(), from.add(at).cast::<u64>().read_unaligned()),
            }
        };
        self.each(offset, size, count, store)
    }

    /// Calls `access` with the address of each element, which is allocated, aligned and racy, and its place in bytes among them.
    fn each(&self, offset: usize, size: usize, count: usize, access: impl Fn(*mut u8, usize)) -> bool {
        let start = self.start.as_ptr().wrapping_add(offset);
        let fits = matches!(size, 1 | 2 | 4 | 8)
            && size.checked_mul(count).is_some_and(|len| self.has(offset, len))
            && start.addr().is_multiple_of(size)
            && matches!(self.access, Access::Moved | Access::Shared);
        if fits {
            for at in 0..count {
                access(start.wrapping_add(at * size), at * size);
            }
        }
        fits
    }

    /// Whether these bytes are there and may be touched.
    fn has(&self, offset: usize, len: usize) -> bool {
        offset.checked_add(len).is_some_and(|end| end <= self.len) && self.claim.is_open()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{frozen, moved, shared};
    use crate::value::{Loan, Owned};

    #[test]
    fn what_may_be_done_follows_the_hand_over() {
        let owned = Memory::owned(Owned::zeroed(8).unwrap());
        for (claim, reads, writes, races) in [
            (owned, true, true, false),
            (moved(vec![0_u64]).0, true, true, true),
            (frozen(vec![0_u64]).0, true, false, false),
            (shared(vec![0_u64]).0, false, false, true),
            (Memory::draft(8), false, false, false),
        ] {
            let raw = Raw::new(claim);
            assert_eq!(raw.len(), 8);
            assert_eq!(raw.bytes().is_null(), !reads, "{raw:?}");
            assert_eq!(raw.bytes_mut().is_null(), !writes, "{raw:?}");
            assert_eq!(raw.shared_start().is_null(), !races, "{raw:?}");
        }
    }

    #[test]
    fn nothing_beyond_the_end_is_touched() {
        let raw = Raw::new(shared(vec![1_u8, 2, 3, 4, 5, 6, 7, 8]).0);
        let mut into = [0_u8; 16];
        // SAFETY: there is room for all of it.
        unsafe {
            assert!(raw.read(1, 7, into.as_mut_ptr()));
            assert_eq!(into[..7], [2, 3, 4, 5, 6, 7, 8]);
            assert!(raw.load(4, 4, 1, into.as_mut_ptr()));
            assert_eq!(into[..4], [5, 6, 7, 8]);
            assert!(raw.store(6, 2, 1, into.as_ptr()));
            assert!(raw.read(6, 2, into.as_mut_ptr()) && into[..2] == [5, 6]);
            for (offset, len) in [(8, 1), (9, 0), (1, 8), (usize::MAX, 2), (2, usize::MAX)] {
                assert!(!raw.read(offset, len, into.as_mut_ptr()), "{offset} {len}");
            }
            for (offset, size, count) in
                [(0, 8, 2), (1, 2, 1), (0, 3, 1), (0, 0, 1), (8, 8, usize::MAX), (usize::MAX, 1, 1)]
            {
                assert!(!raw.load(offset, size, count, into.as_mut_ptr()), "{offset} {size} {count}");
                assert!(!raw.store(offset, size, count, into.as_ptr()), "{offset} {size} {count}");
            }
        }
    }

    #[test]
    fn memory_that_is_not_open_is_not_touched() {
        let mut bytes = [0_u64; 1];
        // SAFETY: the loan is never opened.
        let closed = Raw::new(unsafe { Memory::shared(bytes.as_mut_ptr().cast(), 8, Loan::new(())) });
        let mut into = [0_u8; 8];
        // SAFETY: there is room for it.
        unsafe {
            assert!(!closed.read(0, 8, into.as_mut_ptr()) && !closed.load(0, 8, 1, into.as_mut_ptr()));
            assert!(!Raw::new(Memory::draft(8)).read(0, 1, into.as_mut_ptr()));
        }
    }
}
