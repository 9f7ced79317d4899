//! The bytes of an image, as one slice that stays where it is.

use std::slice;
use std::sync::Arc;

use heavy_load_kernel::Result;
use heavy_load_kernel::value::{Bytes, Value};

/// What a caller has given, before it may be touched.
#[derive(Debug)]
pub(crate) struct Given {
    bytes: Bytes,
    shared: bool,
}

impl Given {
    /// Takes bytes in any hand-over.
    pub(crate) fn take(input: Value, subject: &str) -> Result<Self> {
        let view = input.into_view(subject)?;
        let shared = view.memory.is_shared();
        Ok(Self { bytes: view.into_bytes(), shared })
    }

    /// The bytes, once the work runs. What JavaScript could change meanwhile is copied: what was checked is what is decoded.
    pub(crate) fn open(self) -> Result<Arc<Input>> {
        let mut copy = vec![];
        let given = self.bytes.read(0..self.bytes.len(), &mut copy)?;
        let (start, len) = (given.as_ptr(), given.len());
        if self.shared {
            return Ok(Input::of(copy));
        }
        Ok(Arc::new(Input { start, len, _keeper: Keeper::Lent(self.bytes) }))
    }
}

/// Bytes that nobody writes while this lives.
#[derive(Debug)]
pub(crate) struct Input {
    start: *const u8,
    len: usize,
    _keeper: Keeper,
}

/// What keeps the bytes where they are.
#[derive(Debug)]
#[expect(dead_code, reason = "they are held, not read")]
enum Keeper {
    Lent(Bytes),
    Copy(Vec<u8>),
}

// SAFETY: the bytes are read only, and what keeps them may itself be sent.
unsafe impl Send for Input {}
// SAFETY: as above.
unsafe impl Sync for Input {}

impl Input {
    /// Bytes of one's own.
    pub(crate) fn of(bytes: Vec<u8>) -> Arc<Self> {
        Arc::new(Self { start: bytes.as_ptr(), len: bytes.len(), _keeper: Keeper::Copy(bytes) })
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: they are a slice of what the keeper holds: of the copy's heap memory, which is not touched any more, or of
        // memory that `Bytes` gives by reference because nobody writes it, and that stays where it is while they live.
        unsafe { slice::from_raw_parts(self.start, self.len) }
    }
}

/// An input as std's readers take one.
#[derive(Clone, Debug)]
pub(crate) struct Shared(pub(crate) Arc<Input>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// Unsigned integers at a place, if they are there.
pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_be_bytes(*two))
}
pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}
pub(crate) fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_le_bytes(*two))
}
pub(crate) fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|[a, b, c]: &[u8; 3]| u32::from_le_bytes([*a, *b, *c, 0]))
}
pub(crate) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}
