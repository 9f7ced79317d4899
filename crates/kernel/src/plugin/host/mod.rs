//! The engine's side of the border.

mod call;
mod functions;
mod option;
mod plugin;
mod table;
mod work;

pub use functions::HOST;
pub use plugin::Plugin;
pub use table::LoadError;

use std::borrow::Cow;
use std::slice;

use super::abi;

/// A plug-in's text.
///
/// # Safety
/// `text` has so many bytes at its start, which nobody writes, for `'a`; or no length.
unsafe fn text<'a>(text: abi::Text) -> Cow<'a, str> {
    // SAFETY: passed on to the caller.
    String::from_utf8_lossy(unsafe { bytes_of(text) })
}

/// Its bytes.
///
/// # Safety
/// As [`text`].
unsafe fn bytes_of<'a>(text: abi::Text) -> &'a [u8] {
    if text.start.is_null() || text.length == 0 {
        return &[];
    }
    // SAFETY: passed on to the caller.
    unsafe { slice::from_raw_parts(text.start.cast(), text.length) }
}
