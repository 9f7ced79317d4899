//! Output that grows as the system gives memory: a refusal is an error, and not the end of the process.

use std::mem::MaybeUninit;

use heavy_load_kernel::Result;
use heavy_load_kernel::value::reserve;

/// Has `write` append to what is there: it gets room for `room` bytes, fills as much of it as it likes from its beginning on, and gives how
/// many bytes that were, with whatever else it has to say.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
///
/// # Safety
/// `write` has initialised as many bytes as it says.
pub(crate) unsafe fn fill<T>(
    out: &mut Vec<u8>,
    room: usize,
    write: impl FnOnce(&mut [MaybeUninit<u8>]) -> (usize, T),
) -> Result<T> {
    reserve(out, room)?;
    let (written, said) = write(&mut out.spare_capacity_mut()[..room]);
    assert!(written <= room, "{written} bytes in {room}");
    // SAFETY: there is capacity for `room` bytes behind the length, and the first `written` of them are initialised, as the caller vouches.
    unsafe { out.set_len(out.len() + written) };
    Ok(said)
}
