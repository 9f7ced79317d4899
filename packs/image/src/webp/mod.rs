//! WebP, by libwebp.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod header;
