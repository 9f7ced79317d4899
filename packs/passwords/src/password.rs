//! What is hashed: the UTF-8 of a string, or bytes.

use heavy_load_kernel::Result;
use heavy_load_kernel::error::{Code, EngineError};
use heavy_load_kernel::value::{BYTES, Bytes, Value, reserve_exact};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a password. More are an attack: what waits in a queue takes memory.
const MOST: usize = 4096;
/// bcrypt looks at no more.
pub(crate) const MOST_OF_BCRYPT: usize = 72;

pub(crate) enum Password {
    Text(Zeroizing<String>),
    Bytes(Bytes),
}

impl Password {
    pub(crate) fn take(input: Value) -> Result<Self> {
        let password = match input {
            Value::String(text) => Self::Text(Zeroizing::new(text)),
            Value::View(view) => Self::Bytes(view.into_bytes()),
            other => {
                let expected = format!("of type string or an instance of {BYTES}");
                return Err(wrong_type("password", &expected, &other));
            }
        };
        if password.len() > MOST {
            return Err(refused("must be at most 4 KiB long"));
        }
        Ok(password)
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// Its bytes, once they are the kernel's.
    pub(crate) fn bytes(&self) -> Result<Zeroizing<Vec<u8>>> {
        let mut copy = Zeroizing::new(vec![]);
        reserve_exact(&mut *copy, self.len())?;
        match self {
            Self::Text(text) => copy.extend_from_slice(text.as_bytes()),
            Self::Bytes(bytes) => {
                let mut scratch = vec![];
                copy.extend_from_slice(bytes.read(0..bytes.len(), &mut scratch)?);
                scratch.zeroize();
            }
        }
        Ok(copy)
    }
}

/// An argument of a wrong type. Its value is not in the message: it may be a password all the same.
pub(crate) fn wrong_type(subject: &str, expected: &str, received: &Value) -> EngineError {
    match received {
        Value::Number(_) => EngineError::invalid_type(subject, expected, "a number"),
        Value::String(_) => EngineError::invalid_type(subject, expected, "a string"),
        other => EngineError::invalid_type(subject, expected, other),
    }
}

/// A password that cannot be hashed, for this `reason`.
pub(crate) fn refused(reason: &str) -> EngineError {
    EngineError::new(Code::InvalidArgValue, format!("The \"password\" argument {reason}"))
}
