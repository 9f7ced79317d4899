//! Bytes that grow as the system gives memory, and what goes into them.

use heavy_load_kernel::Result;
use heavy_load_kernel::value::{append, reserve};

use crate::escape::escape_json;

/// Makes room for much more, once bytes have grown large: allocators copy what they move, up to a size from which on they move its pages alone. Memory
/// that is not touched is not taken; where the system does not give it, bytes grow as they do otherwise.
pub(crate) fn reserve_large(out: &mut Vec<u8>) {
    const LARGE: usize = 64 << 20;
    const FROM: usize = 2 << 20;
    const MARGIN: usize = 256 << 10;
    if out.len() >= FROM && out.capacity() < LARGE && out.capacity() - out.len() < MARGIN {
        // Refused: then `reserve` asks for less.
        let _ = out.try_reserve_exact(LARGE - out.len());
    }
}

/// Appends an item.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
pub(crate) fn push<T>(items: &mut Vec<T>, item: T) -> Result<()> {
    reserve(items, 1)?;
    items.push(item);
    Ok(())
}

/// Appends a text in UTF-8 as a JSON string.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
pub(crate) fn append_json(out: &mut Vec<u8>, text: &[u8]) -> Result<()> {
    push(out, b'"')?;
    escape_json(out, text)?;
    push(out, b'"')
}

/// Appends a finite number as JavaScript writes it.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
pub(crate) fn append_number(out: &mut Vec<u8>, number: f64) -> Result<()> {
    append(out, ryu_js::Buffer::new().format_finite(number).as_bytes())
}

/// Whether a text is a number as JavaScript would write it, so that it can be copied: at most 15 digits, which a double holds exactly as well as
/// they say, and none that could be left out.
pub(crate) fn is_plain_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        None => (digits, None),
        Some(point) => (&digits[..point], Some(&digits[point + 1..])),
    };
    let are_digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    digits.len() <= 16 && whole.len() + fraction.map_or(0, <[u8]>::len) <= 15
        && match whole {
            [] => false,
            [b'0'] => fraction.is_some() || digits.len() == text.len(),
            [b'0', ..] => false,
            whole => are_digits(whole),
        }
        // Small ones have an exponent.
        && fraction.is_none_or(|fraction| {
            are_digits(fraction) && fraction.last().is_some_and(|last| *last != b'0') && !(whole == b"0" && fraction.starts_with(b"00000"))
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(number: f64) -> String {
        let mut out = vec![];
        append_number(&mut out, number).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_are_json() {
        let mut out = vec![];
        append_json(&mut out, "a\"\\\n\r\t\u{1}\u{1f}é\u{7f}".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\\\"\\\\\\n\\r\\t\\u0001\\u001fé\u{7f}\"");
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.1, "0.1"),
            (-1.5, "-1.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1e-7, "1e-7"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn numbers_that_are_copied_are_as_they_would_be_written() {
        for text in ["0", "7", "-7", "10", "0.5", "-0.5", "123456789012345", "12345.6789", "0.00001"] {
            assert!(is_plain_number(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "-",
            "-0",
            "00",
            "01",
            "+1",
            "1.",
            ".5",
            "1.0",
            "0.50",
            "1e5",
            "1234567890123456",
            "0.000001",
            " 1",
            "1 ",
            "NaN",
            "1.2.3",
        ] {
            assert!(!is_plain_number(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn plain_numbers_are_their_own_shortest_form(text in "-?[0-9]{0,16}(\\.[0-9]{0,16})?") {
            if is_plain_number(text.as_bytes()) {
                prop_assert_eq!(number(text.parse().unwrap()), text);
            }
        }
    }
}
