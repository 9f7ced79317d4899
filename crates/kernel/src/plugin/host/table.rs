//! What all parts of a plug-in's table are checked by.

use std::fmt;

use super::text;
use crate::plugin::abi;

/// Options that one kernel may have, and choices that one option may have.
pub(super) const MOST_OPTIONS: usize = 256;
/// Bytes that one entry of a table may have, in whatever later version.
const LARGEST_ENTRY: usize = 4096;
/// Bytes of one text in a table.
const LONGEST_TEXT: usize = 1 << 20;

/// Why a plug-in's table cannot be used: a sentence without its end, to which the file is added.
#[derive(Debug, PartialEq)]
pub struct LoadError(pub String);

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(super) fn has_size<T>(size: usize, what: &str) -> std::result::Result<(), LoadError> {
    if (size_of::<T>()..=LARGEST_ENTRY).contains(&size) && size.is_multiple_of(align_of::<T>()) {
        return Ok(());
    }
    Err(LoadError(format!("its {what} has {size} bytes, where version {} has {}", abi::ABI, size_of::<T>())))
}

/// # Safety
/// As [`text`].
pub(super) unsafe fn owned_text(given: abi::Text) -> std::result::Result<String, LoadError> {
    if given.length > LONGEST_TEXT {
        return Err(LoadError(format!("it has a text of {} bytes", given.length)));
    }
    // SAFETY: passed on to the caller.
    Ok(unsafe { text(given) }.into_owned())
}

/// A text for ever; `or` if it is empty.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn kept(given: abi::Text, or: &'static str) -> std::result::Result<&'static str, LoadError> {
    // SAFETY: passed on to the caller.
    let text = unsafe { owned_text(given) }?;
    Ok(if text.is_empty() { or } else { String::leak(text) })
}

pub(super) fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(|c| c.is_ascii_alphanumeric())
}
