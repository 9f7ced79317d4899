//! Numbers: as JavaScript has them, but that integers of 64 bits are exact, and what nobody has calculated with keeps its spelling.

use std::cmp::Ordering;
use std::rc::Rc;

#[derive(Clone, Debug)]
pub(crate) enum Num {
    Int(i64),
    Float(f64),
    /// As it stands in a text.
    Spelled(Rc<str>),
}

impl Num {
    /// A number of a text that has been checked.
    pub(crate) fn of(spelled: &[u8]) -> Self {
        let spelled = std::str::from_utf8(spelled).unwrap_or("0");
        match spelled.parse() {
            Ok(int) if spelled != "-0" => Self::Int(int),
            _ => Self::Spelled(spelled.into()),
        }
    }

    pub(crate) fn float(&self) -> f64 {
        match self {
            Self::Int(int) => *int as f64,
            Self::Float(float) => *float,
            Self::Spelled(spelled) => spelled.parse().unwrap_or(f64::NAN),
        }
    }

    /// As an integer, where it is one.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            other => {
                let float = other.float();
                // Up to 2^63 casts are exact for what has no fraction.
                (float.fract() == 0.0 && float.abs() < 9.2e18).then_some(float as i64)
            }
        }
    }

    /// Where it points to in an array: the integer below it, as jq has it. `None` for NaN.
    pub(crate) fn index(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            other => Some(other.float().floor()).filter(|float| !float.is_nan()).map(|float| float as i64),
        }
    }

    /// Of two integers, exactly where that is possible.
    pub(crate) fn combine(&self, other: &Self, exact: fn(i64, i64) -> Option<i64>, float: fn(f64, f64) -> f64) -> Self {
        if let (Self::Int(one), Self::Int(other)) = (self, other)
            && let Some(int) = exact(*one, *other)
        {
            return Self::Int(int);
        }
        Self::Float(float(self.float(), other.float()))
    }

    /// Appends it as JSON has it: what is no number is null, and what is infinite the largest number, as jq has it.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(int) => out.extend_from_slice(int.to_string().as_bytes()),
            Self::Spelled(spelled) => out.extend_from_slice(spelled.as_bytes()),
            Self::Float(float) if float.is_nan() => out.extend_from_slice(b"null"),
            Self::Float(float) => {
                let float = float.clamp(f64::MIN, f64::MAX);
                out.extend_from_slice(ryu_js::Buffer::new().format_finite(float).as_bytes());
            }
        }
    }
}

impl Eq for Num {}

impl Ord for Num {
    /// NaN comes before all else.
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Self::Int(one), Self::Int(other)) = (self, other) {
            return one.cmp(other);
        }
        let (one, other) = (self.float(), other.float());
        match (one.is_nan(), other.is_nan()) {
            (false, false) => one.partial_cmp(&other).unwrap_or(Ordering::Equal),
            (true, _) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Num {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Num {
    /// NaN is not equal to itself.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => one == other,
            _ => self.float() == other.float(),
        }
    }
}
