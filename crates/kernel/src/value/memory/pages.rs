//! Large copies in large pages. The system makes each page of new memory when it is touched for the first time, 4 KiB at a time: of the copy of a
//! large buffer, for which the event loop waits, that is three quarters of the time. Linux makes pages of 2 MiB where it is asked to (its setting
//! `transparent_hugepage` is `madvise` or `always` in most distributions); elsewhere nothing is asked.
//!
//! Only memory that is written at once and as a whole is worth it. A vector that grows is not: moving large pages to where they are not aligned
//! splits them, which cost twice of what they had saved where it was tried.
//!
//! Invariants, each with a test of that number:
//! 1. Only whole large pages within the memory are asked for: what surrounds it does not become larger.
//! 2. It is a hint: where it is refused, memory is as it would have been.

use std::ops::Range;

/// A large page of Linux on x64, and on arm64 with small pages of 4 KiB. Where they are larger, none fits.
const LARGE: usize = 2 << 20;
/// From so many bytes on: at least one large page lies within, wherever they start.
const FROM: usize = 2 * LARGE;

/// Asks for large pages for new memory of `len` bytes from `start` on, if they are many. For memory of which all is about to be written.
pub fn ask_for_large_pages(start: *const u8, len: usize) {
    if len >= FROM {
        advise(whole(start.addr()..start.addr().saturating_add(len)));
    }
}

/// The whole large pages within a range of addresses.
fn whole(range: Range<usize>) -> Range<usize> {
    range.start.next_multiple_of(LARGE)..range.end / LARGE * LARGE
}

#[cfg(target_os = "linux")]
fn advise(pages: Range<usize>) {
    use std::ffi::{c_int, c_void};

    /// As in Linux's `mman.h`, on all processors that Node.js runs on.
    const MADV_HUGEPAGE: c_int = 14;

    unsafe extern "C" {
        /// Of libc, which std links.
        fn madvise(start: *mut c_void, len: usize, advice: c_int) -> c_int;
    }

    // SAFETY: this advice changes neither what is in memory nor who may use it, whosever it is; addresses that are not mapped are an error. What it
    // answers does not matter (invariant 2).
    unsafe { madvise(std::ptr::without_provenance_mut(pages.start), pages.len(), MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise(_pages: Range<usize>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_1_whole_pages_within() {
        assert_eq!(whole(0..LARGE), 0..LARGE);
        assert_eq!(whole(1..3 * LARGE - 1), LARGE..2 * LARGE);
        for start in [0, 1, 4_096, LARGE - 1, LARGE] {
            let pages = whole(start..start + FROM);
            assert!(!pages.is_empty() && pages.start >= start && pages.end <= start + FROM);
        }
    }

    #[test]
    fn invariant_2_what_cannot_be_had_harms_nobody() {
        ask_for_large_pages(std::ptr::null(), FROM);
        ask_for_large_pages(std::ptr::without_provenance(4_096), 2 * FROM);
        let memory = vec![7_u8; 2 * FROM];
        ask_for_large_pages(memory.as_ptr(), memory.len());
        assert!(memory.iter().all(|byte| *byte == 7));
    }

    /// The kernel notes the advice (`hg`) in what it says of a mapping, whether it has a large page to give or not.
    #[test]
    #[cfg(target_os = "linux")]
    fn large_memory_is_advised_and_small_is_not() {
        if !std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
            return; // A kernel that has none.
        }
        for (size, is_advised) in [(16 * FROM, true), (FROM / 4, false)] {
            // SAFETY: so many bytes are allocated, and nothing writes them.
            let copy = unsafe { super::super::Owned::copy(vec![7; size].as_ptr(), size) }.unwrap();
            assert_eq!(flags_at(copy.as_slice().as_ptr().addr() + size / 2).contains(" hg"), is_advised, "{size}");
        }
    }

    #[cfg(target_os = "linux")]
    fn flags_at(address: usize) -> String {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut is_it = false;
        for line in maps.lines() {
            if let Some((start, rest)) = line.split_once('-')
                && let (Ok(start), Some(end)) = (usize::from_str_radix(start, 16), rest.split(' ').next())
            {
                is_it = (start..usize::from_str_radix(end, 16).unwrap()).contains(&address);
            } else if let Some(flags) = line.strip_prefix("VmFlags:")
                && is_it
            {
                return flags.to_owned();
            }
        }
        panic!("{address:x} is not mapped");
    }
}
