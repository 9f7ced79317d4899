//! Where the bytes of a claim stand, and so what may be done with them.
#![forbid(unsafe_code)]

use super::loan::Lent;
use super::owned::Owned;

#[derive(Debug, PartialEq)]
pub(super) enum Place {
    /// Rust's own copy.
    Owned(Owned),
    /// Taken away from JavaScript: nobody else touches it.
    Moved(Lent),
    /// Taken away from JavaScript for others to read too: nobody writes it.
    Frozen(Lent),
    /// JavaScript reads and writes it at any time.
    Shared(Lent),
    /// Nowhere yet: so many bytes.
    Draft(usize),
}
