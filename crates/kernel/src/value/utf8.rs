//! Bytes as text.

use crate::error::EngineError;

/// The text that bytes stand for in UTF-8: what is none becomes U+FFFD.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
pub fn decode_utf8(bytes: &[u8]) -> Result<String, EngineError> {
    // Nearly all bytes are, and this looks at several of them at a time.
    if let Ok(text) = str::from_utf8(bytes) {
        let mut copy = with_room(text.len())?;
        copy.push_str(text);
        return Ok(copy);
    }
    let length =
        bytes.utf8_chunks().map(|chunk| chunk.valid().len() + if chunk.invalid().is_empty() { 0 } else { 3 }).sum();
    let mut copy = with_room(length)?;
    for chunk in bytes.utf8_chunks() {
        copy.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            copy.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Ok(copy)
}

fn with_room(bytes: usize) -> Result<String, EngineError> {
    let mut text = String::new();
    text.try_reserve_exact(bytes).map_err(|_| EngineError::out_of_memory(bytes))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::decode_utf8;

    #[test]
    fn text_is_as_it_was_and_all_else_is_replaced() {
        for bytes in [
            &b""[..],
            b"abc",
            "äöü 中 \u{1f600}".as_bytes(),
            b"a\xffb",
            b"\xe4\xb8",
            b"\xed\xa0\x80",
            b"\xf0\x9f\x98a\xff\xff",
        ] {
            let text = decode_utf8(bytes).unwrap();
            assert_eq!(text, String::from_utf8_lossy(bytes));
            assert_eq!(text.len(), text.capacity(), "as much room as it takes");
        }
    }
}
