//! GIF, of which the first frame counts.

pub(crate) mod decode;
pub(crate) mod header;
