//! Elements that JavaScript may read and write at the same time.

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use super::loan::{Lent, Loan};
use crate::value::racy::Number;

/// Elements that JavaScript may read and write at the same time.
#[derive(Clone, Debug)]
pub struct Shared<T> {
    start: NonNull<T>,
    len: usize,
    loan: Arc<Loan>,
}

// SAFETY: all accesses are atomic, and the memory stays while the loan is held; a loan is Send and Sync itself.
unsafe impl<T: Number> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Number> Sync for Shared<T> {}

impl<T: Number> Shared<T> {
    /// Over shared memory, or over moved memory, of which this is the only claim.
    pub(super) fn new(lent: Lent) -> Self {
        let (start, len, loan) = lent.into_elements();
        Self { start, len, loan }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Replaces each element of `range` by `f` of it. Not a read-modify-write: a store that JavaScript makes meanwhile is lost.
    ///
    /// # Panics
    /// If the range is out of bounds, or the memory is not the kernel's yet (invariant 4).
    pub fn update(&self, range: Range<usize>, mut f: impl FnMut(T) -> T) {
        for at in self.addresses(range.start, range.len()) {
            // SAFETY: what `addresses` gives; all Rust code accesses it through `racy`.
            unsafe { T::store(at, f(T::load(at))) };
        }
    }

    /// Loads the elements from `first` on into `out`.
    ///
    /// # Panics
    /// As [`Shared::update`].
    pub fn load(&self, first: usize, out: &mut [T]) {
        for (at, out) in self.addresses(first, out.len()).zip(out) {
            // SAFETY: as in `update`.
            *out = unsafe { T::load(at) };
        }
    }

    /// Stores `values` from element `first` on.
    ///
    /// # Panics
    /// As [`Shared::update`].
    pub fn store(&self, first: usize, values: &[T]) {
        for (at, value) in self.addresses(first, values.len()).zip(values) {
            // SAFETY: as in `update`.
            unsafe { T::store(at, *value) };
        }
    }

    /// Addresses of `count` elements, which are allocated and aligned while `self` is borrowed: the loan is open, and held by it.
    fn addresses(&self, first: usize, count: usize) -> impl Iterator<Item = *mut T> {
        let in_bounds = first.checked_add(count).is_some_and(|end| end <= self.len);
        assert!(in_bounds, "{count} elements from {first} on, of {}", self.len);
        self.loan.check();
        let start = self.start.as_ptr().wrapping_add(first);
        // As asserted, nothing wraps.
        (0..count).map(move |at| start.wrapping_add(at))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::shared;

    #[test]
    fn shared_elements_are_loaded_and_stored() {
        let (memory, lender) = shared(vec![0.0_f64; 10]);
        let shared = memory.into_shared::<f64>().unwrap();
        shared.store(2, &[1.5, -0.0, f64::INFINITY]);
        let mut out = [0.0; 4];
        shared.load(1, &mut out);
        assert_eq!(out, [0.0, 1.5, 0.0, f64::INFINITY]);
        assert!(out[2].is_sign_negative());
        shared.update(9..10, |value| value + 2.0);
        drop(shared);
        assert_eq!(lender.take_back().unwrap()[5..], [0.0, 0.0, 0.0, 0.0, 2.0]);
    }

    #[test]
    fn shared_elements_have_an_end() {
        let shared = shared(vec![0_u32; 4]).0.into_shared::<u32>().unwrap();
        let panics = |touch: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(touch)).is_err();
        shared.load(4, &mut []);
        for first in [1, 5, usize::MAX - 3, usize::MAX] {
            assert!(panics(&|| shared.load(first, &mut [0; 4])), "{first}");
            assert!(panics(&|| shared.store(first, &[0; 4])), "{first}");
            assert!(panics(&|| shared.update(first..usize::MAX, |element| element)), "{first}");
        }
    }
}
