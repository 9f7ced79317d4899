//! The pack's allocator: the system's, with a count for each thread of the bytes that it has taken and not given back. So work that grows as somebody else's program likes can be held to a limit.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static TAKEN: Cell<isize> = const { Cell::new(0) };
}

/// The bytes that this thread has taken less those that it has given back, of its own and of others': of use as a difference.
///
/// Never inlined, as `count`: where a routine pauses and goes on on another thread, the place of this thread's count must be looked up anew.
#[inline(never)]
pub(crate) fn taken() -> isize {
    TAKEN.get()
}

#[inline(never)]
fn count(bytes: isize) {
    TAKEN.set(TAKEN.get().wrapping_add(bytes));
}

fn size(layout: Layout) -> isize {
    layout.size().cast_signed()
}

// SAFETY: all is done by the system's allocator; the count needs no memory (it has no destructor and a constant beginning) and does not unwind.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on, here and below.
        let pointer = unsafe { System.alloc(layout) };
        if !pointer.is_null() {
            count(size(layout));
        }
        pointer
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let pointer = unsafe { System.alloc_zeroed(layout) };
        if !pointer.is_null() {
            count(size(layout));
        }
        pointer
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-size(layout));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above.
        let pointer = unsafe { System.realloc(pointer, layout, new_size) };
        if !pointer.is_null() {
            count(new_size.cast_signed() - size(layout));
        }
        pointer
    }
}
