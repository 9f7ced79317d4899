//! The error type and its codes: the one place where codes are born.
//!
//! Codes are API: users match on `error.code`, so a code is never renamed and a retired one is never used again.
//! `lib/errors.js` and `docs/reference/errors.md` mirror the list, and a test compares them.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// What went wrong, as users see it in `error.code`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
            /// A code of a plug-in's own.
            Own(&'static str),
        }

        impl Code {
            /// Every code of heavy-load, in the order of the documentation.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The code's public name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Code::$variant => $code,)*
                    Code::Own(code) => code,
                }
            }
        }
    };
}

codes! {
    /// An argument is of the wrong type.
    InvalidArgType = "ERR_INVALID_ARG_TYPE",
    /// An argument is of the right type, but its value cannot be used.
    InvalidArgValue = "ERR_INVALID_ARG_VALUE",
    /// A number is outside the range that makes sense.
    OutOfRange = "ERR_OUT_OF_RANGE",
    /// The caller's signal aborted the task.
    Aborted = "ABORT_ERR",
    /// The task's `timeout` passed before it was done.
    TaskTimeout = "ERR_TASK_TIMEOUT",
    /// The pool has more work than it may queue, or than it could do in the caller's time.
    PoolOverloaded = "ERR_POOL_OVERLOADED",
    /// The pool is closed, or was closed under the task.
    PoolClosed = "ERR_POOL_CLOSED",
    /// The kernel panicked; the pool serves on.
    KernelPanic = "ERR_KERNEL_PANIC",
    /// No kernel has this name.
    UnknownKernel = "ERR_UNKNOWN_KERNEL",
    /// A module of the user's own cannot be loaded.
    ModuleLoad = "ERR_MODULE_LOAD",
    /// The frozen buffer is being read.
    BufferInUse = "ERR_BUFFER_IN_USE",
    /// The input's content cannot be read: a broken image, say.
    InvalidData = "ERR_INVALID_DATA",
    /// The output would be larger than the call allows.
    OutputTooLarge = "ERR_OUTPUT_TOO_LARGE",
    /// A library of kernels cannot be loaded.
    PluginLoad = "ERR_PLUGIN_LOAD",
    /// There is not so much memory as the call needs.
    OutOfMemory = "ERR_OUT_OF_MEMORY",
    /// Another machine failed, or the way to it.
    Remote = "ERR_REMOTE",
}

/// Why a task did not give a value.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineError {
    /// What went wrong, for programs.
    pub code: Code,
    /// What went wrong, for people: expected, name, received.
    pub message: Cow<'static, str>,
    /// Seconds after which a refused call is worth another try.
    pub retry_after: Option<f64>,
    /// Whether it is about how the call was written, or about what the server itself keeps: no client of a server could cause it, nor is to be told.
    pub of_call: bool,
}

impl EngineError {
    /// An error of this code.
    #[cold]
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), retry_after: None, of_call: false }
    }

    /// The system did not give so many `bytes`.
    #[cold]
    pub fn out_of_memory(bytes: usize) -> Self {
        Self::new(Code::OutOfMemory, format!("There is not enough memory: {bytes} more bytes are needed"))
    }

    /// The input's content cannot be read.
    #[cold]
    pub fn invalid_data(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidData, message)
    }

    /// `subject` (an argument, or `options.x`) is not of the type that is `expected`: "of type number", say.
    #[cold]
    pub fn invalid_type(subject: &str, expected: &str, received: impl fmt::Display) -> Self {
        let message = format!("The {} must be {expected}. Received {received}", Subject(subject));
        Self::new(Code::InvalidArgType, message)
    }

    /// `subject` has the right type but a value that cannot be used, for this `reason`.
    #[cold]
    pub fn invalid_value(subject: &str, reason: &str, received: impl fmt::Display) -> Self {
        let message = format!("The {} {reason}. Received {received}", Subject(subject));
        Self::new(Code::InvalidArgValue, message)
    }

    /// The memory of `subject` was handed over in a way in which it cannot be used, for this `reason`.
    #[cold]
    pub fn invalid_hand_over(subject: &str, reason: &str, received: impl fmt::Display) -> Self {
        Self { of_call: true, ..Self::invalid_value(subject, reason, received) }
    }

    /// The number `subject` is not what is `expected`: "an integer >= 0", say.
    #[cold]
    pub fn out_of_range(subject: &str, expected: &str, received: f64) -> Self {
        let received = number_text(received);
        let message = format!("The value of \"{subject}\" is out of range. It must be {expected}. Received {received}");
        Self::new(Code::OutOfRange, message)
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for EngineError {}

/// Node's way to say what an error is about: a property has a dot in its name, an argument has none.
struct Subject<'a>(&'a str);

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.0.contains('.') { "property" } else { "argument" };
        write!(f, "\"{}\" {kind}", self.0)
    }
}

/// A number as JavaScript prints it.
pub(crate) fn number_text(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    // Rust would write all the digits: 301 of them for 1e300.
    if number != 0.0 && !(1e-6..1e21).contains(&number.abs()) && !number.is_nan() {
        let text = format!("{number:e}");
        return if text.contains("e-") { text } else { text.replace('e', "e+") };
    }
    number.to_string()
}

/// A text as a message shows it: of a long one the beginning, as Node cuts it.
pub fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST_SHOWN) {
        None => text.into(),
        Some(_) => {
            let end = text.char_indices().nth(LONGEST_SHOWN - 3).map_or(text.len(), |(end, _)| end);
            format!("{}...", &text[..end]).into()
        }
    }
}

/// Characters of a value that a message shows.
pub const LONGEST_SHOWN: usize = 28;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        for (i, a) in Code::ALL.iter().enumerate() {
            for b in &Code::ALL[i + 1..] {
                assert_ne!(a.as_str(), b.as_str());
            }
        }
    }

    #[test]
    fn numbers_are_as_javascript_prints_them() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (1e-7, "1e-7"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(number_text(number), text);
        }
    }

    #[test]
    fn messages_say_expected_name_and_received() {
        let error = EngineError::invalid_type("iterations", "of type number", "type string ('abc')");
        assert_eq!(error.message, "The \"iterations\" argument must be of type number. Received type string ('abc')");
        let error = EngineError::out_of_range("options.rounds", "an integer >= 0", f64::INFINITY);
        assert_eq!(
            error.message,
            "The value of \"options.rounds\" is out of range. It must be an integer >= 0. Received Infinity"
        );
    }
}
