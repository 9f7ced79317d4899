//! JPEG, by libjpeg.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod header;
mod library;
