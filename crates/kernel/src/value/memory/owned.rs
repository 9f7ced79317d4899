//! Memory of Rust's own, asked for so that a refusal is an error.

use std::alloc::{self, Layout};
use std::ffi::c_void;
use std::mem::{align_of, size_of};
use std::ptr::NonNull;
use std::slice;

use super::pages::ask_for_large_pages;
use crate::error::EngineError;
use crate::value::racy::Number;

/// Bytes of Rust's own, or of a plug-in's that has given them away; aligned for any element.
#[derive(Debug)]
pub struct Owned {
    storage: Storage,
    len: usize,
}

/// At least so many bytes as the `Owned` says.
#[derive(Debug)]
enum Storage {
    Words(Vec<u64>),
    Foreign(Foreign),
}

/// Memory with a function of its own that frees it.
#[derive(Debug)]
struct Foreign {
    start: NonNull<u8>,
    free: Option<unsafe extern "C" fn(*mut c_void)>,
    context: *mut c_void,
}

// SAFETY: `Owned::foreign` asks that nobody else touches the memory, and that any thread may free it.
unsafe impl Send for Foreign {}
// SAFETY: as above.
unsafe impl Sync for Foreign {}

impl Drop for Foreign {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: `Owned::foreign` asks that it may be called, once, by any thread, when the memory is used no more.
            unsafe { free(self.context) };
        }
    }
}

impl Default for Owned {
    /// No bytes.
    fn default() -> Self {
        Self { storage: Storage::Words(vec![]), len: 0 }
    }
}

impl PartialEq for Owned {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Owned {
    /// `len` zero bytes. The system makes the pages of many as they are touched.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    pub fn zeroed(len: usize) -> Result<Self, EngineError> {
        Ok(Self { storage: Storage::Words(zeroed_words(len.div_ceil(size_of::<u64>()))?), len })
    }

    /// A copy of plain memory: of `len` bytes from `start` on.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    ///
    /// # Safety
    /// The bytes are allocated, and nothing writes them during the call; `start` may be null if `len` is 0.
    pub unsafe fn copy(start: *const u8, len: usize) -> Result<Self, EngineError> {
        let mut copy = Self::zeroed(len)?;
        ask_for_large_pages(copy.as_slice().as_ptr(), len);
        if len > 0 {
            // SAFETY: passed on to the caller; the copy has `len` bytes and is new, so the two do not overlap.
            unsafe { copy.as_mut_ptr().copy_from_nonoverlapping(start, len) };
        }
        Ok(copy)
    }

    /// `len` bytes from `start` on, which `free` frees; copied, and freed at once, if they are not aligned for every element.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY, for a copy.
    ///
    /// # Safety
    /// From here on nobody else touches the bytes, which are initialised and stay allocated until `free` has been called with `context`; any thread may
    /// call it, once. `start` may be null if `len` is 0.
    pub unsafe fn foreign(
        start: *mut u8,
        len: usize,
        free: Option<unsafe extern "C" fn(*mut c_void)>,
        context: *mut c_void,
    ) -> Result<Self, EngineError> {
        let start = NonNull::new(start).unwrap_or(NonNull::<u64>::dangling().cast());
        let foreign = Foreign { start, free, context };
        if start.addr().get().is_multiple_of(align_of::<u64>()) {
            return Ok(Self { storage: Storage::Foreign(foreign), len });
        }
        // SAFETY: passed on to the caller; `foreign` is freed after that.
        unsafe { Self::copy(start.as_ptr(), len) }
    }

    /// The numbers of a vector, without a copy but where it is not aligned for every element.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY, for a copy.
    pub fn of<T: Number>(numbers: Vec<T>) -> Result<Self, EngineError> {
        unsafe extern "C" fn free<T>(context: *mut c_void) {
            // SAFETY: it is called once, with the box that was leaked below.
            drop(unsafe { Box::from_raw(context.cast::<Vec<T>>()) });
        }
        let mut numbers = Box::new(numbers);
        let (start, len) = (numbers.as_mut_ptr().cast(), size_of_val(&**numbers));
        // SAFETY: so many bytes, all of them initialised as they are numbers', belong to the box, which is given to `free` and to nobody else;
        // a vector of numbers may be freed by any thread.
        unsafe { Self::foreign(start, len, Some(free::<T>), Box::into_raw(numbers).cast()) }
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        let start = match &self.storage {
            Storage::Words(words) => words.as_ptr().cast(),
            Storage::Foreign(foreign) => foreign.start.as_ptr().cast_const(),
        };
        // SAFETY: there are at least `len` initialised bytes (`Storage`), borrowed with `self`.
        unsafe { slice::from_raw_parts(start, self.len) }
    }

    /// The whole elements that they are.
    pub(crate) fn as_numbers<T: Number>(&self) -> &[T] {
        let bytes = self.as_slice();
        // SAFETY: the bytes are initialised and any of them make numbers (`Number`), are aligned for every element (`Owned`), of which so many are
        // within them, and are borrowed with `self`.
        unsafe { slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len() / size_of::<T>()) }
    }

    /// Where they start. They stay there while this value lives, wherever it is moved.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        match &mut self.storage {
            Storage::Words(words) => words.as_mut_ptr().cast(),
            Storage::Foreign(foreign) => foreign.start.as_ptr(),
        }
    }
}

/// So many zeros, of memory that the allocator gives zeroed: as `vec![0; count]`, which ends the process if there is none.
fn zeroed_words(count: usize) -> Result<Vec<u64>, EngineError> {
    if count == 0 {
        return Ok(vec![]);
    }
    let refused = || EngineError::out_of_memory(count.saturating_mul(size_of::<u64>()));
    let layout = Layout::array::<u64>(count).map_err(|_| refused())?;
    // SAFETY: the layout's size is not 0.
    let start = unsafe { alloc::alloc_zeroed(layout) };
    if start.is_null() {
        return Err(refused());
    }
    // SAFETY: the global allocator gave `start` for the layout of `count` words, and zeroed them; nobody else knows it.
    Ok(unsafe { Vec::from_raw_parts(start.cast(), count, count) })
}

/// Collects as many items as the iterator says that it has, in memory that is asked for at once.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
pub fn collect<T>(items: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>, EngineError> {
    let mut all = vec![];
    let count = items.len();
    reserve_exact(&mut all, count)?;
    all.extend(items);
    Ok(all)
}

/// Makes room for so many more items, and no more than that.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
pub fn reserve_exact<T>(items: &mut Vec<T>, more: usize) -> Result<(), EngineError> {
    items.try_reserve_exact(more).map_err(|_| EngineError::out_of_memory(more.saturating_mul(size_of::<T>())))
}

/// Appends bytes to what grows often.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
pub fn append(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), EngineError> {
    reserve(out, bytes.len())?;
    out.extend_from_slice(bytes);
    Ok(())
}

/// Makes room in a vector that grows often: for more items than that, as [`Vec::reserve`].
///
/// # Errors
/// ERR_OUT_OF_MEMORY, where `reserve` would end the process.
pub fn reserve<T>(items: &mut Vec<T>, more: usize) -> Result<(), EngineError> {
    items.try_reserve(more).map_err(|_| EngineError::out_of_memory(more.saturating_mul(size_of::<T>())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::value::Exclusive;

    #[test]
    fn a_vector_s_numbers_stay_where_they_are() {
        let numbers = vec![1_u64, 2, 3];
        let start = numbers.as_ptr().cast();
        let owned = Owned::of(numbers).unwrap();
        assert_eq!((owned.as_slice().as_ptr(), owned.len()), (start, 24));
        assert_eq!(Owned::of(Vec::<u32>::new()).unwrap().as_slice(), []);
        assert_eq!(Owned::of(vec![1_u8, 2, 3]).unwrap().as_slice(), [1, 2, 3]);
    }

    #[test]
    fn what_the_system_cannot_give_is_an_error() {
        let code = |error: EngineError| error.code;
        for len in [usize::MAX, isize::MAX as usize, 1 << 60] {
            assert_eq!(Owned::zeroed(len).map_err(code), Err(Code::OutOfMemory), "{len}");
            assert_eq!(Exclusive::<f64>::zeroed(len).map(|_| ()).map_err(code), Err(Code::OutOfMemory), "{len}");
            assert_eq!(collect((0..len).map(|_| 0_u64)).map_err(code), Err(Code::OutOfMemory), "{len}");
        }
        let error = Owned::zeroed(1 << 60).unwrap_err();
        assert_eq!(error.message, format!("There is not enough memory: {} more bytes are needed", 1_u64 << 60));
    }
}
