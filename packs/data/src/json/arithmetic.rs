//! What jq's operators do.

use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::rc::Rc;

use jaq_core::Error;
use jaq_core::ops::Math;
use jaq_core::val::ValR;

use super::guard;
use super::number::Num;
use super::value::{Json, Object};

impl Add for Json {
    type Output = ValR<Self>;

    fn add(self, other: Self) -> Self::Output {
        guard::tick();
        match (self, other) {
            (Self::Null, value) | (value, Self::Null) => Ok(value),
            (Self::Num(one), Self::Num(other)) => {
                Ok(Self::Num(one.combine(&other, i64::checked_add, |one, other| one + other)))
            }
            (Self::Str(mut one), Self::Str(other)) => {
                guard::expect(one.len() + other.len());
                Rc::make_mut(&mut one).push_str(&other);
                Ok(Self::Str(one))
            }
            (one, other) if one.is_array() && other.is_array() => {
                let height = other.height();
                let Self::Arr(mut all) = one.owned() else { unreachable!("an array") };
                let more = other.items().unwrap_or_default();
                guard::expect((all.content.len() + more.len()) * size_of::<Self>());
                Rc::make_mut(&mut all).write(height.saturating_sub(1)).extend(more);
                Ok(Self::Arr(all))
            }
            (one, other) if one.is_object() && other.is_object() => {
                let height = other.height();
                let Self::Obj(mut all) = one.owned() else { unreachable!("an object") };
                Rc::make_mut(&mut all).write(height.saturating_sub(1)).extend(other.members().unwrap_or_default());
                Ok(Self::Obj(all))
            }
            (one, other) => Err(Error::math(one, Math::Add, other)),
        }
    }
}

impl Sub for Json {
    type Output = ValR<Self>;

    fn sub(self, other: Self) -> Self::Output {
        guard::tick();
        match (self, other) {
            (Self::Num(one), Self::Num(other)) => {
                Ok(Self::Num(one.combine(&other, i64::checked_sub, |one, other| one - other)))
            }
            (one, other) if one.is_array() && other.is_array() => {
                let mut without = other.items().unwrap_or_default();
                without.sort();
                let mut items = one.items().unwrap_or_default();
                items.retain(|item| without.binary_search(item).is_err());
                Ok(Self::array(items))
            }
            (one, other) => Err(Error::math(one, Math::Sub, other)),
        }
    }
}

impl Mul for Json {
    type Output = ValR<Self>;

    fn mul(self, other: Self) -> Self::Output {
        guard::tick();
        match (self, other) {
            (Self::Num(one), Self::Num(other)) => {
                Ok(Self::Num(one.combine(&other, i64::checked_mul, |one, other| one * other)))
            }
            (Self::Str(text), Self::Num(times)) | (Self::Num(times), Self::Str(text)) => {
                let times = times.float();
                // jq's: what is neither positive nor a number of times is null; a part of one is one.
                if times.is_nan() || times <= 0.0 {
                    return Ok(Self::Null);
                }
                let times = times.ceil() as usize;
                guard::expect(text.len().saturating_mul(times));
                Ok(Self::string(text.repeat(times)))
            }
            (one, other) if one.is_object() && other.is_object() => {
                let mut merged = one.members().unwrap_or_default();
                merge(&mut merged, other.members().unwrap_or_default());
                Ok(Self::object(merged))
            }
            (one, other) => Err(Error::math(one, Math::Mul, other)),
        }
    }
}

/// Takes in members; where both have an object, that is merged in turn.
fn merge(into: &mut Object, from: Object) {
    for (key, value) in from {
        guard::tick();
        let value = match into.get(&key) {
            Some(old) if old.is_object() && value.is_object() => {
                let mut merged = old.clone().members().unwrap_or_default();
                merge(&mut merged, value.members().unwrap_or_default());
                Json::object(merged)
            }
            _ => value,
        };
        into.insert(key, value);
    }
}

impl Div for Json {
    type Output = ValR<Self>;

    fn div(self, other: Self) -> Self::Output {
        guard::tick();
        match (self, other) {
            (Self::Num(one), Self::Num(other)) if other.float() == 0.0 => {
                let reason = "cannot be divided because the divisor is zero";
                Err(Error::str(format_args!("{} and {} {reason}", Self::Num(one), Self::Num(other))))
            }
            (Self::Num(one), Self::Num(other)) => {
                let exact =
                    |one: i64, other: i64| one.checked_rem(other).filter(|rest| *rest == 0).and(one.checked_div(other));
                Ok(Self::Num(one.combine(&other, exact, |one, other| one / other)))
            }
            (Self::Str(text), Self::Str(separator)) => Ok(split(&text, &separator)),
            (one, other) => Err(Error::math(one, Math::Div, other)),
        }
    }
}

fn split(text: &str, separator: &str) -> Json {
    let part = |part: &str| {
        guard::tick();
        Json::string(part.to_owned())
    };
    if text.is_empty() {
        return Json::array(vec![]);
    }
    if separator.is_empty() {
        return text.chars().map(|char| part(char.encode_utf8(&mut [0; 4]))).collect();
    }
    text.split(separator).map(part).collect()
}

impl Rem for Json {
    type Output = ValR<Self>;

    fn rem(self, other: Self) -> Self::Output {
        guard::tick();
        match (self, other) {
            (Self::Num(one), Self::Num(other)) if one.float().is_nan() || other.float().is_nan() => {
                Ok(Self::Num(Num::Float(f64::NAN)))
            }
            // jq's: of integers, fractions are cut off.
            (Self::Num(one), Self::Num(other)) => {
                let integer = |num: &Num| num.integer().unwrap_or_else(|| num.float() as i64);
                match integer(&one).checked_rem(integer(&other).saturating_abs()) {
                    Some(rest) => Ok(Self::Num(Num::Int(rest))),
                    None => {
                        let reason = "cannot be divided (remainder) because the divisor is zero";
                        Err(Error::str(format_args!("{} and {} {reason}", Self::Num(one), Self::Num(other))))
                    }
                }
            }
            (one, other) => Err(Error::math(one, Math::Rem, other)),
        }
    }
}

impl Neg for Json {
    type Output = ValR<Self>;

    fn neg(self) -> Self::Output {
        guard::tick();
        match self {
            Self::Num(num) => Ok(Self::Num(Num::Int(0).combine(&num, i64::checked_sub, |_, num| -num))),
            other => Err(Error::typ(other, "number")),
        }
    }
}
