//! What crosses the border between JavaScript (or a queue, or a shell) and a kernel: values, options, memory.
//!
//! A value is plain data. Whoever makes one from JavaScript copies what it names, except the memory of a [`View`], for
//! which `memory` has the rules.

mod element;
mod memory;
mod racy;
mod resource;
mod utf8;

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

pub use element::Element;
pub(crate) use memory::Raw;
pub use memory::{
    Bytes, Exclusive, Loan, Memory, Owned, Parts, Shared, View, append, ask_for_large_pages, collect, reserve,
    reserve_exact,
};
pub use racy::Number;
pub use resource::Resource;
pub use utf8::decode_utf8;

use crate::error::{EngineError, cut, number_text};

/// What is bytes, in messages.
pub const BYTES: &str = "Buffer, TypedArray, DataView, ArrayBuffer, SharedArrayBuffer or FrozenBuffer";

/// What an option is that crosses as JSON, in messages.
pub(crate) const JSON: &str = "an array or an object";

/// A value at the border.
#[derive(Debug, PartialEq)]
pub enum Value {
    /// JavaScript's `undefined`; also an option that was not given.
    Undefined,
    /// JavaScript's `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    String(String),
    /// Bytes or numbers. As a result, new ones: memory that was lent goes back as [`Value::Input`] only.
    View(View),
    /// What an earlier call has given.
    Resource(Resource),
    /// As a result only: new bytes, a Buffer in JavaScript.
    Buffer(Vec<u8>),
    /// JSON. As an option: an array or an object. As a result: JavaScript gets the value that it stands for, which is parsed on the JavaScript thread.
    Json(String),
    /// As a result only: an object of these values, none of which is one itself.
    Record(Vec<(Cow<'static, str>, Value)>),
    /// As a result only: the view that the task was given, over the same memory.
    Input,
    /// Something no kernel takes; the text says what was received.
    Other(String),
}

impl fmt::Display for Value {
    /// As Node's own errors say what they received.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Undefined => f.write_str("undefined"),
            Value::Null => f.write_str("null"),
            Value::Bool(value) => write!(f, "type boolean ({value})"),
            Value::Number(value) => write!(f, "type number ({})", number_text(*value)),
            Value::String(value) => write!(f, "type string ('{}')", cut(value)),
            Value::View(view) if view.bare => f.write_str("a buffer without elements"),
            Value::View(view) => write!(f, "an instance of {}", view.element.class()),
            Value::Resource(resource) => write!(f, "an instance of {}", resource.name()),
            Value::Buffer(_) => f.write_str("an instance of Buffer"),
            Value::Json(text) if text.starts_with('[') => f.write_str("an instance of Array"),
            Value::Json(_) | Value::Record(_) => f.write_str("an instance of Object"),
            Value::Input => f.write_str("the input"),
            Value::Other(description) => f.write_str(description),
        }
    }
}

impl Value {
    /// Numbers, as a typed array: a `Vec<u32>` is a Uint32Array in JavaScript. They are not copied.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY, where the allocator has not aligned them for every element, and a copy is refused.
    pub fn numbers<T: Number>(numbers: Vec<T>) -> Result<Self, EngineError> {
        Ok(Self::View(View { element: T::ELEMENT, bare: false, memory: Memory::owned(Owned::of(numbers)?) }))
    }

    /// The bytes or numbers that `subject` must be, in whatever way they were handed over.
    ///
    /// # Errors
    /// ERR_INVALID_ARG_TYPE.
    pub fn into_view(self, subject: &str) -> Result<View, EngineError> {
        match self {
            Value::View(view) => Ok(view),
            other => Err(EngineError::invalid_type(subject, &format!("an instance of {BYTES}"), other)),
        }
    }

    /// The integer that `subject` must be, within `range`.
    ///
    /// # Errors
    /// ERR_INVALID_ARG_TYPE for no number, ERR_OUT_OF_RANGE for NaN, a fraction or a number outside `range`.
    pub fn integer(&self, subject: &str, range: RangeInclusive<u64>) -> Result<u64, EngineError> {
        let number = self.number(subject)?;
        let integer = number as u64; // saturates; NaN becomes 0 and fails the comparison below
        if integer as f64 != number || !range.contains(&integer) {
            let expected = format!("an integer >= {} and <= {}", range.start(), range.end());
            return Err(EngineError::out_of_range(subject, &expected, number));
        }
        Ok(integer)
    }

    /// The number that `subject` must be; NaN and the infinities are numbers too.
    ///
    /// # Errors
    /// ERR_INVALID_ARG_TYPE for anything else.
    pub fn number(&self, subject: &str) -> Result<f64, EngineError> {
        match self {
            Value::Number(number) => Ok(*number),
            other => Err(EngineError::invalid_type(subject, "of type number", other)),
        }
    }
}

/// A kernel's own options, by name.
#[derive(Debug, Default, PartialEq)]
pub struct Options(Vec<(&'static str, Value)>);

impl Options {
    /// Options with these values; a name that is missing counts as `undefined`.
    pub fn new(values: Vec<(&'static str, Value)>) -> Self {
        Self(values)
    }

    /// The integer option `name` within `range`, or `default` when it was not given.
    ///
    /// # Errors
    /// As [`Value::integer`], with `options.name` as the subject.
    pub fn integer(&self, name: &str, range: RangeInclusive<u64>, default: u64) -> Result<u64, EngineError> {
        match self.get(name) {
            Value::Undefined => Ok(default),
            value => value.integer(&format!("options.{name}"), range),
        }
    }

    /// The boolean option `name`, or `default` when it was not given.
    ///
    /// # Errors
    /// ERR_INVALID_ARG_TYPE.
    pub fn boolean(&self, name: &str, default: bool) -> Result<bool, EngineError> {
        match self.get(name) {
            Value::Undefined => Ok(default),
            Value::Bool(value) => Ok(*value),
            other => Err(EngineError::invalid_type(&format!("options.{name}"), "of type boolean", other)),
        }
    }

    /// The option `name`, one of `choices`, or the first of them when it was not given.
    ///
    /// # Errors
    /// ERR_INVALID_ARG_TYPE for no string, ERR_INVALID_ARG_VALUE for one that is no choice.
    pub fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<T, EngineError> {
        let subject = || format!("options.{name}");
        match self.get(name) {
            Value::Undefined => Ok(choices[0].1),
            value @ Value::String(text) => {
                let found = choices.iter().find(|(choice, _)| choice == text);
                found.map(|(_, chosen)| *chosen).ok_or_else(|| {
                    let names: Vec<_> = choices.iter().map(|(choice, _)| format!("'{choice}'")).collect();
                    EngineError::invalid_value(&subject(), &format!("must be one of: {}", names.join(", ")), value)
                })
            }
            value => Err(EngineError::invalid_type(&subject(), "of type string", value)),
        }
    }

    /// The JSON of the option `name`, an array or an object, if it was given. Its spec says [`json`](crate::OptionSpec::json).
    ///
    /// # Errors
    /// ERR_INVALID_ARG_TYPE.
    pub fn json(&self, name: &str) -> Result<Option<&str>, EngineError> {
        match self.get(name) {
            Value::Undefined => Ok(None),
            Value::Json(text) => Ok(Some(text)),
            other => Err(EngineError::invalid_type(&format!("options.{name}"), JSON, other)),
        }
    }

    /// The elements of the option `name`, a typed array, if it was given. Its spec says [`numbers`](crate::OptionSpec::numbers).
    ///
    /// # Errors
    /// ERR_INVALID_ARG_TYPE, also for a typed array of other elements.
    pub fn numbers<T: Number>(&self, name: &str) -> Result<Option<&[T]>, EngineError> {
        let value = match self.get(name) {
            Value::Undefined => return Ok(None),
            value => value,
        };
        if let Value::View(View { element, bare: false, memory }) = value
            && *element == T::ELEMENT
            && let Some(numbers) = memory.as_numbers()
        {
            return Ok(Some(numbers));
        }
        let expected = format!("an instance of {}", T::ELEMENT.class());
        Err(EngineError::invalid_type(&format!("options.{name}"), &expected, value))
    }

    /// The option `name` as it was given.
    pub fn get(&self, name: &str) -> &Value {
        self.0.iter().find(|(key, _)| *key == name).map_or(&Value::Undefined, |(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn integers_are_checked() {
        let check = |value: Value| value.integer("n", 0..=10).map_err(|error| error.code);
        assert_eq!(check(Value::Number(10.0)), Ok(10));
        assert_eq!(check(Value::Number(-0.0)), Ok(0));
        for bad in [11.0, -1.0, 0.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(check(Value::Number(bad)), Err(Code::OutOfRange), "{bad}");
        }
        for bad in [Value::Undefined, Value::Null, Value::String("1".into()), Value::Bool(true)] {
            assert_eq!(check(bad), Err(Code::InvalidArgType));
        }
    }

    #[test]
    fn booleans_and_views_are_what_they_are() {
        let options = Options::new(vec![("yes", Value::Bool(true)), ("text", Value::String("true".into()))]);
        assert_eq!(options.boolean("yes", false), Ok(true));
        assert_eq!(options.boolean("missing", true), Ok(true));
        let error = options.boolean("text", false).unwrap_err();
        assert_eq!(error.code, Code::InvalidArgType);
        assert_eq!(
            error.message,
            "The \"options.text\" property must be of type boolean. Received type string ('true')"
        );
        let view = Value::numbers(vec![1_u8, 2]).unwrap();
        assert_eq!(view.into_view("data").map(|view| view.memory.len()), Ok(2));
        assert_eq!(Value::Null.into_view("data").unwrap_err().code, Code::InvalidArgType);
    }

    #[test]
    fn options_are_json_or_numbers() {
        let options = Options::new(vec![
            ("tags", Value::Json("[\"a\"]".into())),
            ("query", Value::numbers(vec![0.5_f32, -1.0]).unwrap()),
            ("text", Value::String("[]".into())),
        ]);
        assert_eq!(options.json("tags"), Ok(Some("[\"a\"]")));
        assert_eq!(options.json("missing"), Ok(None));
        assert_eq!(
            options.json("text").unwrap_err().message,
            "The \"options.text\" property must be an array or an object. Received type string ('[]')"
        );
        assert_eq!(options.numbers::<f32>("query"), Ok(Some(&[0.5, -1.0][..])));
        assert_eq!(options.numbers::<f32>("missing"), Ok(None));
        assert_eq!(
            options.numbers::<f64>("query").unwrap_err().message,
            "The \"options.query\" property must be an instance of Float64Array. Received an instance of Float32Array"
        );
        let error = options.numbers::<f32>("tags").unwrap_err();
        assert!(error.message.ends_with("Received an instance of Array"), "{}", error.message);
    }

    #[test]
    fn an_option_that_is_not_given_has_its_default() {
        let options = Options::new(vec![("rounds", Value::Number(3.0))]);
        assert_eq!(options.integer("rounds", 0..=9, 1).unwrap(), 3);
        assert_eq!(options.integer("other", 0..=9, 1).unwrap(), 1);
        let error = Options::new(vec![("rounds", Value::Null)]).integer("rounds", 0..=9, 1).unwrap_err();
        assert_eq!(error.message, "The \"options.rounds\" property must be of type number. Received null");
    }

    #[test]
    fn long_strings_are_cut_in_messages() {
        let text = Value::String("x".repeat(100)).to_string();
        assert_eq!(text, format!("type string ('{}...')", "x".repeat(25)));
    }
}
