//! Text as it stands in a JSON string.

use heavy_load_kernel::Result;
use heavy_load_kernel::value::{append, reserve};

/// Appends a text in UTF-8, or a piece of one, as it stands in a JSON string.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
pub(crate) fn escape_json(out: &mut Vec<u8>, text: &[u8]) -> Result<()> {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte < b' ' || *byte == b'"' || *byte == b'\\') {
        // What follows is likely to be much the same.
        reserve(out, rest.len() + 6)?;
        out.extend_from_slice(&rest[..at]);
        let byte = rest[at];
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x8 => out.extend_from_slice(b"\\b"),
            0xc => out.extend_from_slice(b"\\f"),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let (high, low) = (DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
        }
        rest = &rest[at + 1..];
    }
    append(out, rest)
}
