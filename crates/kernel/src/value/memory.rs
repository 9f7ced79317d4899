//! Memory at the border: bytes and numbers that JavaScript hands over, and results that go back without a copy.
//!
//! A kernel does not see how memory was handed over, except through the types:
//!
//! | type | where it comes from | how a kernel uses it |
//! |---|---|---|
//! | [`Bytes`] | any hand-over | reads blocks; a block of shared memory is copied out first |
//! | [`Exclusive`] | a copy, or a transferred ArrayBuffer | as `&mut [T]`, whole or in [`Parts`] |
//! | [`Shared`] | a SharedArrayBuffer | loads and stores of elements, atomic ones |
//!
//! Invariants:
//! 1. A plain reference (`&[T]`, `&mut [T]`) is made only to memory that JavaScript cannot reach, or has promised not to write:
//!    a copy, a moved ArrayBuffer, a frozen one.
//! 2. Shared memory is read and written through [`racy`](super::racy) only, whose rule is that to Rust every access is of single
//!    bytes, and atomic. So it does not matter in which size JavaScript, or another task, accesses the same bytes meanwhile.
//! 3. Whoever makes a [`Region`] keeps its memory where it is until the region and all that was made of it are dropped.

use std::alloc::{self, Layout};
use std::mem::{align_of, size_of};
use std::ops::Range;
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicBool, Ordering};

use super::racy::{self, Number};
use crate::error::EngineError;

/// The element type of a typed array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Element {
    Int8,
    Uint8,
    Uint8Clamped,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Float32,
    Float64,
    BigInt64,
    BigUint64,
}

impl Element {
    /// Bytes an element.
    pub fn size(self) -> usize {
        match self {
            Element::Int8 | Element::Uint8 | Element::Uint8Clamped => 1,
            Element::Int16 | Element::Uint16 => 2,
            Element::Int32 | Element::Uint32 | Element::Float32 => 4,
            Element::Float64 | Element::BigInt64 | Element::BigUint64 => 8,
        }
    }

    /// The class of such arrays in JavaScript.
    pub fn class(self) -> &'static str {
        match self {
            Element::Int8 => "Int8Array",
            Element::Uint8 => "Uint8Array",
            Element::Uint8Clamped => "Uint8ClampedArray",
            Element::Int16 => "Int16Array",
            Element::Uint16 => "Uint16Array",
            Element::Int32 => "Int32Array",
            Element::Uint32 => "Uint32Array",
            Element::Float32 => "Float32Array",
            Element::Float64 => "Float64Array",
            Element::BigInt64 => "BigInt64Array",
            Element::BigUint64 => "BigUint64Array",
        }
    }
}

/// Bytes somewhere outside Rust.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: a region is only an address; what may be done with its memory, `Memory` knows.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// `len` bytes from `start` on.
    ///
    /// # Safety
    /// The bytes stay allocated at that address until the region, and all that is made of it, is dropped (invariant 3).
    /// `start` may dangle if `len` is 0.
    pub unsafe fn new(start: *mut u8, len: usize) -> Self {
        match NonNull::new(start) {
            Some(start) => Self { start, len },
            // V8 gives null for no bytes.
            None => Self { start: NonNull::<u64>::dangling().cast(), len: 0 },
        }
    }

    /// The number of bytes.
    pub fn len(self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Copies the bytes.
    ///
    /// # Safety
    /// Nothing writes the region during the call; `to` has as many bytes, elsewhere (it may be null for none).
    pub unsafe fn copy_to(self, to: *mut u8) {
        if self.len > 0 {
            // SAFETY: passed on to the caller; the region's bytes are allocated by `new`.
            unsafe { to.copy_from_nonoverlapping(self.start.as_ptr(), self.len) };
        }
    }

    fn elements<T: Number>(self) -> (NonNull<T>, usize) {
        let start = self.start.cast::<T>();
        if self.len == 0 {
            return (NonNull::dangling(), 0);
        }
        assert!(start.as_ptr().addr().is_multiple_of(align_of::<T>()), "a typed array is aligned to its elements");
        (start, self.len / size_of::<T>())
    }
}

/// Bytes of Rust's own, aligned for any element.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Owned {
    words: Vec<u64>,
    len: usize,
}

impl Owned {
    /// `len` zero bytes. The system makes the pages of many as they are touched.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    pub fn zeroed(len: usize) -> Result<Self, EngineError> {
        Ok(Self { words: zeroed_words(len.div_ceil(size_of::<u64>()))?, len })
    }

    /// A copy of plain memory.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    ///
    /// # Safety
    /// Nothing writes the region during the call.
    pub unsafe fn copy(region: Region) -> Result<Self, EngineError> {
        let mut copy = Self::zeroed(region.len)?;
        // SAFETY: passed on to the caller; the copy has `len` bytes and is new, so the two do not overlap.
        unsafe { region.copy_to(copy.as_mut_ptr()) };
        Ok(copy)
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where they start. They stay there while this value lives, wherever it is moved.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.words.as_mut_ptr().cast()
    }

    fn region(&mut self) -> Region {
        // SAFETY: the caller keeps `self` beside the region.
        unsafe { Region::new(self.as_mut_ptr(), self.len) }
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
    reserve(&mut all, count)?;
    all.extend(items);
    Ok(all)
}

/// Room for so many more items.
fn reserve<T>(items: &mut Vec<T>, more: usize) -> Result<(), EngineError> {
    items.try_reserve_exact(more).map_err(|_| EngineError::out_of_memory(more.saturating_mul(size_of::<T>())))
}

/// Where a view's bytes stand, and so what may be done with them.
#[derive(Debug, PartialEq)]
pub enum Memory {
    /// Rust's own copy.
    Owned(Owned),
    /// Taken away from JavaScript: nobody else touches it.
    Moved(Region),
    /// Taken away from JavaScript for others to read too: nobody writes it.
    Frozen(Region),
    /// JavaScript reads and writes it at any time.
    Shared(Region),
    /// The caller's own, looked at and not touched: work over it is prepared to check the arguments, and never runs.
    Unowned(Region),
}

impl Memory {
    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        match self {
            Memory::Owned(owned) => owned.len,
            Memory::Moved(region) | Memory::Frozen(region) | Memory::Shared(region) | Memory::Unowned(region) => {
                region.len
            }
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
        Bytes(self.memory)
    }
}

/// Bytes that a kernel reads.
#[derive(Debug)]
pub struct Bytes(Memory);

impl Bytes {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of `range`: in place where nobody writes them, else copied into `scratch`.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    ///
    /// # Panics
    /// If the range is out of bounds.
    pub fn read<'a>(&'a self, range: Range<usize>, scratch: &'a mut Vec<u8>) -> Result<&'a [u8], EngineError> {
        assert!(range.start <= range.end && range.end <= self.len(), "{range:?} of {}", self.len());
        let region = match &self.0 {
            Memory::Owned(owned) => {
                // SAFETY: the words are initialised, at least `len` bytes, and borrowed with `self`.
                let bytes = unsafe { slice::from_raw_parts(owned.words.as_ptr().cast::<u8>(), owned.len) };
                return Ok(&bytes[range]);
            }
            Memory::Moved(region) | Memory::Frozen(region) | Memory::Unowned(region) => {
                // SAFETY: the bytes are allocated while `self` lives (invariant 3), and nobody writes them: nobody but
                // kernels can reach moved or frozen memory, and a kernel that has a `Bytes` only reads. Work over unowned
                // memory never runs, and so never comes here.
                return Ok(&unsafe { slice::from_raw_parts(region.start.as_ptr(), region.len) }[range]);
            }
            Memory::Shared(region) => region,
        };
        scratch.clear();
        reserve(scratch, range.len())?;
        // SAFETY: in bounds, as asserted, and allocated while `self` lives (invariant 3); there is room for as many bytes, which are
        // all written before they count as there.
        unsafe {
            racy::copy(region.start.as_ptr().add(range.start), scratch.as_mut_ptr(), range.len());
            scratch.set_len(range.len());
        }
        Ok(scratch)
    }
}

/// Elements that only this kernel can reach.
#[derive(Debug)]
pub struct Exclusive<T> {
    start: NonNull<T>,
    len: usize,
    /// Keeps the memory, if it is Rust's own.
    owned: Option<Owned>,
}

// SAFETY: it is the only way to its elements, like a `Box<[T]>`, and `Number`s are Send and Sync.
unsafe impl<T: Number> Send for Exclusive<T> {}
// SAFETY: as above.
unsafe impl<T: Number> Sync for Exclusive<T> {}

impl<T> Default for Exclusive<T> {
    /// No elements.
    fn default() -> Self {
        Self { start: NonNull::dangling(), len: 0, owned: None }
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

    fn own(mut owned: Owned) -> Self {
        let (start, len) = owned.region().elements();
        Self { start, len, owned: Some(owned) }
    }

    /// The elements of memory that nobody else can reach.
    ///
    /// # Errors
    /// Gives the memory back if others can.
    pub fn new(memory: Memory) -> Result<Self, Memory> {
        match memory {
            Memory::Owned(owned) => Ok(Self::own(owned)),
            // Over unowned memory it is made like over moved memory, and never used.
            Memory::Moved(region) | Memory::Unowned(region) => {
                let (start, len) = region.elements();
                Ok(Self { start, len, owned: None })
            }
            shared => Err(shared),
        }
    }

    /// The elements.
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: `len` allocated, aligned elements (`elements`), to which `self` is the only way; borrowed with it.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// Rust's own memory, if it is that; else the elements stand in the caller's.
    pub fn into_owned(self) -> Option<Owned> {
        self.owned
    }
}

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
    pub fn new(whole: Exclusive<T>, size: usize) -> Result<Self, EngineError> {
        let taken = collect((0..whole.len.div_ceil(size)).map(|_| AtomicBool::new(false)))?;
        Ok(Self { whole, size, taken })
    }

    /// How many parts there are.
    pub fn count(&self) -> usize {
        self.taken.len()
    }

    /// Part `index`, which nobody else has or will get.
    ///
    /// # Panics
    /// If it was taken before, or is out of bounds.
    #[expect(clippy::mut_from_ref, reason = "each part is given once, so the references never overlap")]
    pub fn take(&self, index: usize) -> &mut [T] {
        assert!(!self.taken[index].swap(true, Ordering::AcqRel), "part {index} was taken before");
        let start = index * self.size;
        let len = self.size.min(self.whole.len - start);
        // SAFETY: in bounds; `self.whole` is the only way to the elements and is private here, no slice of the whole is
        // made while `self` lives, and each part is given once: so this is the only reference to these elements.
        unsafe { slice::from_raw_parts_mut(self.whole.start.as_ptr().add(start), len) }
    }

    /// The whole again: all parts have been given back, since they were borrowed.
    pub fn into_whole(self) -> Exclusive<T> {
        self.whole
    }
}

/// Elements that JavaScript may read and write at the same time.
#[derive(Clone, Debug, PartialEq)]
pub struct Shared<T> {
    start: NonNull<T>,
    len: usize,
}

// SAFETY: all accesses are atomic; the memory stays while it is in use (invariant 3).
unsafe impl<T: Number> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Number> Sync for Shared<T> {}

impl<T: Number> Shared<T> {
    /// The elements of memory that stays where it is, for access from several threads; none if it is to be read only, or a
    /// copy, whose changes nobody would see.
    pub fn new(memory: &Memory) -> Option<Self> {
        match memory {
            Memory::Shared(region) | Memory::Moved(region) => {
                let (start, len) = region.elements();
                Some(Self { start, len })
            }
            Memory::Owned(_) | Memory::Frozen(_) | Memory::Unowned(_) => None,
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Replaces element `index` by `f` of it. Not a read-modify-write: a store that JavaScript makes meanwhile is lost.
    ///
    /// # Panics
    /// If `index` is out of bounds.
    pub fn update(&self, index: usize, f: impl FnOnce(T) -> T) {
        assert!(index < self.len, "element {index} of {}", self.len);
        // SAFETY: in bounds, allocated while the memory is in use (invariant 3), and aligned (`elements`).
        unsafe {
            let at = self.start.as_ptr().add(index);
            T::store(at, f(T::load(at)));
        }
    }

    /// Loads the elements from `first` on into `out`.
    ///
    /// # Panics
    /// If they are out of bounds.
    pub fn load(&self, first: usize, out: &mut [T]) {
        assert!(first + out.len() <= self.len, "{first} + {} of {}", out.len(), self.len);
        for (at, out) in out.iter_mut().enumerate() {
            // SAFETY: as in `update`.
            *out = unsafe { T::load(self.start.as_ptr().add(first + at)) };
        }
    }

    /// Stores `values` from element `first` on.
    ///
    /// # Panics
    /// If they are out of bounds.
    pub fn store(&self, first: usize, values: &[T]) {
        assert!(first + values.len() <= self.len, "{first} + {} of {}", values.len(), self.len);
        for (at, value) in values.iter().enumerate() {
            // SAFETY: as in `update`.
            unsafe { T::store(self.start.as_ptr().add(first + at), *value) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn region(memory: &mut [u8]) -> Region {
        // SAFETY: the tests keep `memory` until they have dropped what they make of it.
        unsafe { Region::new(memory.as_mut_ptr(), memory.len()) }
    }

    #[test]
    fn bytes_read_the_same_wherever_they_stand() {
        let mut memory: Vec<u8> = (0..100).collect();
        let expected = memory.clone();
        let region = region(&mut memory);
        // SAFETY: nothing writes it.
        let copy = unsafe { Owned::copy(region) }.unwrap();
        for memory in [Memory::Owned(copy), Memory::Moved(region), Memory::Frozen(region), Memory::Shared(region)] {
            let bytes = Bytes(memory);
            for range in [0..100, 0..0, 3..4, 1..99, 7..16, 8..24, 100..100] {
                assert_eq!(bytes.read(range.clone(), &mut vec![]).unwrap(), &expected[range]);
            }
        }
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

    #[test]
    fn no_bytes_have_no_address() {
        // SAFETY: no bytes.
        let region = unsafe { Region::new(std::ptr::null_mut(), 0) };
        assert!(Bytes(Memory::Shared(region)).read(0..0, &mut vec![]).unwrap().is_empty());
        let exclusive = Exclusive::<f64>::new(Memory::Moved(region)).unwrap();
        assert!(exclusive.as_slice().is_empty());
        assert!(Shared::<u32>::new(&Memory::Shared(region)).unwrap().is_empty());
    }

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

    #[test]
    fn shared_elements_are_loaded_and_stored() {
        let mut memory = Owned::zeroed(80).unwrap();
        let shared = Shared::<f64>::new(&Memory::Shared(memory.region())).unwrap();
        shared.store(2, &[1.5, -0.0, f64::INFINITY]);
        let mut out = [0.0; 4];
        shared.load(1, &mut out);
        assert_eq!(out, [0.0, 1.5, 0.0, f64::INFINITY]);
        assert!(out[2].is_sign_negative());
        shared.update(9, |value| value + 2.0);
        shared.load(9, &mut out[..1]);
        assert_eq!(out[0], 2.0);
    }

    #[test]
    fn read_only_memory_is_given_to_nobody_who_writes() {
        let mut memory = Owned::zeroed(8).unwrap();
        let region = memory.region();
        assert!(Exclusive::<u8>::new(Memory::Frozen(region)).is_err());
        assert!(Exclusive::<u8>::new(Memory::Shared(region)).is_err());
        assert!(Shared::<u8>::new(&Memory::Frozen(region)).is_none());
    }
}
