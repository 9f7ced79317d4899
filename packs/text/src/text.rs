//! Text as kernels get it: a string, or bytes in UTF-8, of which what is none becomes U+FFFD, as by TextDecoder.

use heavy_load_kernel::Result;
use heavy_load_kernel::error::{Code, EngineError};
use heavy_load_kernel::value::{Bytes, Value, decode_utf8};

/// The TypeScript type of an input.
pub(crate) const TYPE: &str = "string | Bytes";
/// Most bytes of output. A string of JavaScript's has at most half a billion units.
pub(crate) const LONGEST_OUTPUT: usize = 256 << 20;

/// An input that has not been read yet: bytes are the kernel's when its work runs.
pub(crate) enum Text {
    String(String),
    Bytes(Bytes),
}

impl Text {
    /// # Errors
    /// ERR_INVALID_ARG_TYPE.
    pub(crate) fn of(input: Value, subject: &str) -> Result<Self> {
        match input {
            Value::String(text) => Ok(Self::String(text)),
            Value::View(view) => Ok(Self::Bytes(view.into_bytes())),
            other => Err(EngineError::invalid_type(
                subject,
                "of type string or an instance of Buffer, TypedArray, DataView, ArrayBuffer, SharedArrayBuffer or FrozenBuffer",
                other,
            )),
        }
    }

    /// How many bytes there are, before those that are no UTF-8 are replaced.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// The text.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    pub(crate) fn read(self) -> Result<String> {
        let bytes = match self {
            Self::String(text) => return Ok(text),
            Self::Bytes(bytes) => bytes,
        };
        let mut scratch = vec![];
        let bytes = bytes.read(0..bytes.len(), &mut scratch)?;
        // A byte order mark is none of the text.
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        decode_utf8(bytes)
    }
}

/// Appends to output.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
pub(crate) fn append(out: &mut String, text: &str) -> Result<()> {
    reserve(out, text.len())?;
    out.push_str(text);
    Ok(())
}

/// Makes room for more output.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
pub(crate) fn reserve(out: &mut String, more: usize) -> Result<()> {
    out.try_reserve(more).map_err(|_| EngineError::out_of_memory(more))
}

/// Refuses output that would get too long.
///
/// # Errors
/// ERR_OUTPUT_TOO_LARGE.
pub(crate) fn bound(len: usize) -> Result<()> {
    if len <= LONGEST_OUTPUT {
        return Ok(());
    }
    let message = format!("The output would be longer than {} MiB", LONGEST_OUTPUT >> 20);
    Err(EngineError::new(Code::OutputTooLarge, message))
}
