//! Functions over strings that take more than their result, or long, in jaq's own form.

use jaq_core::Error;
use jaq_core::native::{bome, unary, v};

use super::guard;
use super::natives::Function;
use super::number::Num;
use super::scan::number;
use super::value::Json;

type ValR = jaq_core::ValR<Json>;

pub(super) fn functions() -> Vec<Function> {
    vec![
        ("explode", v(0), |cv| bome(explode(cv.1))),
        ("implode", v(0), |cv| bome(implode(cv.1))),
        ("reverse", v(0), |cv| bome(reverse(cv.1))),
        ("tonumber", v(0), |cv| bome(to_number(cv.1))),
        ("join", v(1), |cv| unary(cv, join)),
        ("ltrimstr", v(1), |cv| unary(cv, |value, fix| Ok(trim(value, &fix, |text, fix| text.strip_prefix(fix))))),
        ("rtrimstr", v(1), |cv| unary(cv, |value, fix| Ok(trim(value, &fix, |text, fix| text.strip_suffix(fix))))),
    ]
}

fn explode(value: Json) -> ValR {
    let Json::Str(text) = value else { return Err(Error::typ(value, "string")) };
    let point = |char: char| {
        guard::tick();
        Json::Num(Num::Int(u32::from(char).into()))
    };
    Ok(text.chars().map(point).collect())
}

fn implode(value: Json) -> ValR {
    let mut text = String::new();
    for point in value.items().map_err(|value| Error::typ(value, "array"))? {
        guard::tick();
        let char = match &point {
            Json::Num(num) => num.integer().and_then(|point| u32::try_from(point).ok()).and_then(char::from_u32),
            _ => None,
        };
        text.push(char.ok_or_else(|| Error::typ(point, "code point"))?);
    }
    Ok(Json::string(text))
}

fn reverse(value: Json) -> ValR {
    match value {
        Json::Null => Ok(Json::array(vec![])),
        Json::Str(text) => Ok(Json::string(text.chars().rev().collect())),
        other => {
            let mut items = other.items().map_err(|value| Error::typ(value, "array"))?;
            items.reverse();
            Ok(Json::array(items))
        }
    }
}

/// A string that is a number of JSON, with white space around it at most.
fn to_number(value: Json) -> ValR {
    match value {
        Json::Num(num) => Ok(Json::Num(num)),
        Json::Str(text) => {
            let spelled = text.trim_matches([' ', '\n', '\r', '\t']);
            if !spelled.is_empty() && number(spelled.as_bytes()) == Ok(spelled.len()) {
                return Ok(Json::Num(Num::of(spelled.as_bytes())));
            }
            Err(Error::str(format_args!("{} cannot be parsed as a number", Json::Str(text))))
        }
        other => Err(Error::str(format_args!("{other} cannot be parsed as a number"))),
    }
}

/// What is no string stays as it is.
fn trim(value: Json, fix: &Json, strip: for<'a> fn(&'a str, &str) -> Option<&'a str>) -> Json {
    match (&value, fix) {
        (Json::Str(text), Json::Str(fix)) => {
            strip(text, fix).map_or(value.clone(), |rest| Json::string(rest.to_owned()))
        }
        _ => value,
    }
}

/// Strings, numbers and booleans with a separator between them; null is nothing.
fn join(value: Json, separator: Json) -> ValR {
    let Json::Str(separator) = separator else { return Err(Error::typ(separator, "string")) };
    let mut all = String::new();
    let items = value.items().map_err(|value| Error::typ(value, "array"))?;
    for (index, item) in items.into_iter().enumerate() {
        guard::tick();
        if index > 0 {
            all.push_str(&separator);
        }
        match item {
            Json::Null => {}
            Json::Str(text) => all.push_str(&text),
            item @ (Json::Bool(_) | Json::Num(_)) => all.push_str(&item.to_string()),
            other => return Err(Error::typ(other, "string, number, boolean or null, as what is joined")),
        }
    }
    Ok(Json::string(all))
}
