//! The order of values: null, false, true, numbers, strings, arrays, objects. Arrays go by their elements, objects first by their sorted keys, then by the members' values in that order.

use std::cmp::Ordering;
use std::rc::Rc;

use super::guard;
use super::value::Json;

fn rank(value: &Json) -> u8 {
    match value {
        Json::Null => 0,
        Json::Bool(false) => 1,
        Json::Bool(true) => 2,
        Json::Num(_) => 3,
        Json::Str(_) => 4,
        other if other.is_array() => 5,
        _ => 6,
    }
}

impl Ord for Json {
    fn cmp(&self, other: &Self) -> Ordering {
        guard::tick();
        match (self, other) {
            (Self::Num(one), Self::Num(other)) => one.cmp(other),
            (Self::Str(one), Self::Str(other)) => one.cmp(other),
            (Self::Arr(one), Self::Arr(other)) if Rc::ptr_eq(one, other) => Ordering::Equal,
            (one, other) if rank(one) != rank(other) => rank(one).cmp(&rank(other)),
            (one, other) if rank(one) == 5 => arrays(one, other),
            (one, other) if rank(one) == 6 => objects(one.clone(), other.clone()),
            _ => Ordering::Equal,
        }
    }
}

fn arrays(one: &Json, other: &Json) -> Ordering {
    let mut index = 0;
    loop {
        match (one.item(index), other.item(index)) {
            (Some(one), Some(other)) => match one.cmp(&other) {
                Ordering::Equal => index += 1,
                unequal => return unequal,
            },
            (one, other) => return one.is_some().cmp(&other.is_some()),
        }
    }
}

fn objects(one: Json, other: Json) -> Ordering {
    let sorted = |object: Json| {
        let mut members: Vec<_> = object.members().unwrap_or_default().into_iter().collect();
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        members
    };
    let (one, other) = (sorted(one), sorted(other));
    let keys = one.iter().map(|(key, _)| key).cmp(other.iter().map(|(key, _)| key));
    keys.then_with(|| one.iter().map(|(_, value)| value).cmp(other.iter().map(|(_, value)| value)))
}

impl PartialOrd for Json {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Num(one), Self::Num(other)) => one == other,
            (Self::Str(one), Self::Str(other)) => one == other,
            (one, other) if one.count() != other.count() => false,
            (one, other) => one.cmp(other) == Ordering::Equal,
        }
    }
}

impl Eq for Json {}
