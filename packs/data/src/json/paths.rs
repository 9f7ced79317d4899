//! What `.[k]`, `.[a:b]` and updates of them do.

use std::ops;
use std::rc::Rc;

use jaq_core::path::Opt;
use jaq_core::val::{Range, ValR, ValX};
use jaq_core::{Error, Exn};

use super::guard;
use super::number::Num;
use super::value::{Json, Object};

/// Longest array that an assignment behind its end makes, as jq has it.
const LONGEST: usize = 1 << 29;

/// `value[index]`, where it is.
pub(super) fn index(value: &Json, index: &Json) -> Result<Option<Json>, Error<Json>> {
    match (value, index) {
        (Json::Null, _) => Ok(None),
        (value, Json::Str(key)) if value.is_object() => Ok(value.field(key)),
        (value, Json::Num(num)) if value.is_array() => {
            Ok(place(num, value.count().unwrap_or(0)).and_then(|place| value.item(place)))
        }
        (value, other) if value.is_array() && other.is_array() => {
            Ok(Some(occurrences(value, &other.clone().items().unwrap_or_default())))
        }
        (value, bounds) if bounds.is_object() && (value.is_array() || matches!(value, Json::Str(_))) => {
            let (start, end) = (bounds.field(&"start".to_owned()), bounds.field(&"end".to_owned()));
            range(value.clone(), start.as_ref()..end.as_ref()).map(Some)
        }
        (value, index) => Err(Error::index(value.clone(), index.clone())),
    }
}

/// Where an index points to; negative ones count from the end.
fn place(num: &Num, len: usize) -> Option<usize> {
    let index = num.index()?;
    let from_end = index.checked_add_unsigned(if index < 0 { len as u64 } else { 0 })?;
    usize::try_from(from_end).ok()
}

/// Where a sequence stands in an array.
pub(super) fn occurrences(value: &Json, sought: &[Json]) -> Json {
    let items = value.clone().items().unwrap_or_default();
    if sought.is_empty() {
        return Json::array(vec![]);
    }
    let windows = items.windows(sought.len()).enumerate();
    windows.filter(|(_, window)| *window == sought).map(|(index, _)| Json::from(index)).collect()
}

/// The bounds of a slice of so many.
fn bounds(range: Range<&Json>, len: usize) -> Result<ops::Range<usize>, Error<Json>> {
    let bound = |bound: Option<&Json>, default: usize, up: bool| match bound {
        None | Some(Json::Null) => Ok(default),
        Some(Json::Num(num)) => {
            let float = num.float();
            let float = if up { float.ceil() } else { float.floor() };
            let float = if float < 0.0 { float + len as f64 } else { float };
            // Casts keep within the type's bounds.
            Ok((float as usize).min(len))
        }
        Some(other) => Err(Error::typ(other.clone(), "number, as bounds of slices are")),
    };
    let (start, end) = (bound(range.start, 0, false)?, bound(range.end, len, true)?);
    Ok(start..end.max(start))
}

/// `value[a:b]`.
pub(super) fn range(value: Json, range: Range<&Json>) -> ValR<Json> {
    guard::tick();
    match value {
        Json::Null => Ok(Json::Null),
        Json::Str(text) => {
            let bounds = bounds(range, text.chars().count())?;
            Ok(Json::string(text.chars().skip(bounds.start).take(bounds.len()).collect()))
        }
        value if value.is_array() => {
            let bounds = bounds(range, value.count().unwrap_or(0))?;
            let item = |index| {
                guard::tick();
                value.item(index)
            };
            Ok(bounds.filter_map(item).collect())
        }
        value => Err(Error::typ(value, "rangeable (array or string)")),
    }
}

/// `value[] |= f`.
pub(super) fn map_values<'a, I: Iterator<Item = ValX<'a, Json>>>(
    value: Json,
    opt: Opt,
    f: impl Fn(Json) -> I,
) -> ValX<'a, Json> {
    let f = |value| {
        guard::tick();
        f(value)
    };
    if value.is_array() {
        let items = value.items().unwrap_or_default();
        // As jq has it: the first output is the new element, none takes it away.
        let items = items.into_iter().filter_map(|item| f(item).next());
        return items.collect::<Result<Vec<_>, _>>().map(Json::array);
    }
    match value.members() {
        Ok(members) => {
            let members =
                members.into_iter().filter_map(|(key, value)| Some(f(value).next()?.map(|value| (key, value))));
            members.collect::<Result<Object, _>>().map(Json::object)
        }
        Err(other) => opt.fail(other, |other| Exn::from(Error::typ(other, "iterable (array or object)"))),
    }
}

/// `value[index] |= f`.
pub(super) fn map_index<'a, I: Iterator<Item = ValX<'a, Json>>>(
    value: Json,
    index: &Json,
    opt: Opt,
    f: impl Fn(Json) -> I,
) -> ValX<'a, Json> {
    // An assignment makes what is not there; deleting does not.
    if matches!((&value, index), (Json::Null, Json::Str(_) | Json::Num(_))) {
        let Some(new) = f(Json::Null).next().transpose()? else { return Ok(Json::Null) };
        return match index {
            Json::Num(num) => array_with(num, new).map_err(Exn::from),
            Json::Str(key) => Ok(Json::object([(Rc::clone(key), new)].into_iter().collect())),
            _ => unreachable!("a string or a number"),
        };
    }
    let value = value.owned();
    match (value, index) {
        (Json::Obj(mut object), Json::Str(key)) => {
            // What is there is taken out first: so it has one owner, and is changed in place.
            let old = match Rc::make_mut(&mut object).content.get_mut(key) {
                Some(old) => std::mem::replace(old, Json::Null),
                None => Json::Null,
            };
            match f(old).next().transpose()? {
                Some(new) => {
                    Rc::make_mut(&mut object).write(new.height()).insert(Rc::clone(key), new);
                }
                None => {
                    Rc::make_mut(&mut object).content.shift_remove(key);
                }
            }
            Ok(Json::Obj(object))
        }
        (Json::Arr(mut array), Json::Num(num)) => {
            let len = array.content.len();
            let Some(place) = place(num, len).filter(|place| *place < LONGEST) else {
                let message = format!("index {} is out of bounds", Json::Num(num.clone()));
                return opt.fail(Json::Arr(array), |_| Exn::from(Error::str(message)));
            };
            let old = match Rc::make_mut(&mut array).content.get_mut(place) {
                Some(old) => std::mem::replace(old, Json::Null),
                None => Json::Null,
            };
            match f(old).next().transpose()? {
                Some(new) => {
                    guard::expect((place + 1).saturating_sub(len) * size_of::<Json>());
                    let items = Rc::make_mut(&mut array).write(new.height());
                    if place >= items.len() {
                        items.resize(place + 1, Json::Null);
                    }
                    items[place] = new;
                }
                None if place < len => {
                    Rc::make_mut(&mut array).content.remove(place);
                }
                None => {}
            }
            Ok(Json::Arr(array))
        }
        (value, bounds) if bounds.is_object() => {
            let (start, end) = (bounds.field(&"start".to_owned()), bounds.field(&"end".to_owned()));
            map_range(value, start.as_ref()..end.as_ref(), opt, f)
        }
        (value, index) => opt.fail(value, |value| Exn::from(Error::index(value, index.clone()))),
    }
}

/// The shortest array with a value at an index.
fn array_with(num: &Num, value: Json) -> ValR<Json> {
    let Some(place) = place(num, 0).filter(|place| *place < LONGEST) else {
        return Err(Error::str(format_args!("index {} is out of bounds", Json::Num(num.clone()))));
    };
    guard::expect((place + 1) * size_of::<Json>());
    let mut items = vec![Json::Null; place + 1];
    items[place] = value;
    Ok(Json::array(items))
}

/// `value[a:b] |= f`.
pub(super) fn map_range<'a, I: Iterator<Item = ValX<'a, Json>>>(
    value: Json,
    range: Range<&Json>,
    opt: Opt,
    f: impl Fn(Json) -> I,
) -> ValX<'a, Json> {
    guard::tick();
    let value = if matches!(value, Json::Null) { Json::array(vec![]) } else { value.owned() };
    let Json::Arr(mut array) = value else {
        return opt.fail(value, |value| Exn::from(Error::typ(value, "array")));
    };
    let bounds = match bounds(range, array.content.len()) {
        Ok(bounds) => bounds,
        Err(error) => return opt.fail(Json::Arr(array), |_| Exn::from(error)),
    };
    let old = Json::array(array.content[bounds.clone()].to_vec());
    let new = f(old).next().transpose()?.unwrap_or_else(|| Json::array(vec![]));
    let height = new.height();
    match new.items() {
        Ok(items) => {
            Rc::make_mut(&mut array).write(height.saturating_sub(1)).splice(bounds, items);
            Ok(Json::Arr(array))
        }
        Err(other) => Err(Exn::from(Error::typ(other, "array, as what takes the place of a slice is"))),
    }
}
