//! jq's values.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::rc::Rc;
use std::sync::OnceLock;

use heavy_load_kernel::value::reserve;
use indexmap::IndexMap;
use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::path::Opt;
use jaq_core::val::{Range, ValR, ValX};
use jaq_core::{Error, ValT};

use super::document::Part;
use super::guard::{self, Stop};
use super::number::Num;
use super::{DEEPEST, paths, write};

/// Members in the order in which they were added.
pub(crate) type Object = IndexMap<Rc<String>, Json, Hashing>;

#[derive(Clone)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Num(Num),
    Str(Rc<String>),
    Arr(Rc<Own<Vec<Json>>>),
    Obj(Rc<Own<Object>>),
    /// An array or an object of a document.
    Part(Rc<Part>),
}

/// An array or an object that is no document's.
#[derive(Clone)]
pub(crate) struct Own<T> {
    /// Levels in it, its own included, at least.
    height: u32,
    pub(super) content: T,
}

/// Hashing with a secret of the process: attackers cannot choose keys that collide. Unlike the standard one it asks nothing of the thread: a program may go on on another.
#[derive(Clone)]
pub(crate) struct Hashing(RandomState);

impl Default for Hashing {
    fn default() -> Self {
        static SECRET: OnceLock<RandomState> = OnceLock::new();
        Self(SECRET.get_or_init(RandomState::new).clone())
    }
}

impl BuildHasher for Hashing {
    type Hasher = <RandomState as BuildHasher>::Hasher;

    fn build_hasher(&self) -> Self::Hasher {
        self.0.build_hasher()
    }
}

/// The height of what has this within; stops where that is too much.
pub(super) fn above(inner: u32) -> u32 {
    if inner >= DEEPEST {
        guard::stop(Stop::Depth);
    }
    inner + 1
}

/// Makes room for one more.
pub(super) fn grow<T>(items: &mut Vec<T>) {
    if reserve(items, 1).is_err() {
        guard::stop(Stop::OutOfMemory);
    }
}

impl<T> Own<T> {
    /// What is written next; `new` will be within.
    pub(super) fn write(&mut self, new: u32) -> &mut T {
        self.height = self.height.max(above(new));
        &mut self.content
    }
}

impl Json {
    pub(crate) fn string(text: String) -> Self {
        Self::Str(Rc::new(text))
    }

    pub(crate) fn array(items: Vec<Self>) -> Self {
        let height = above(items.iter().map(Self::height).max().unwrap_or(0));
        Self::Arr(Rc::new(Own { height, content: items }))
    }

    pub(crate) fn object(object: Object) -> Self {
        let height = above(object.values().map(Self::height).max().unwrap_or(0));
        Self::Obj(Rc::new(Own { height, content: object }))
    }

    pub(super) fn height(&self) -> u32 {
        match self {
            Self::Arr(array) => array.height,
            Self::Obj(object) => object.height,
            Self::Part(part) => part.height(),
            _ => 0,
        }
    }

    /// One that can be written: a document's part is read, one level of it.
    pub(super) fn owned(self) -> Self {
        match self {
            Self::Part(part) if part.is_object() => Self::object(part.to_object()),
            Self::Part(part) => Self::array(part.to_items()),
            other => other,
        }
    }

    pub(super) fn is_array(&self) -> bool {
        matches!(self, Self::Arr(_)) || matches!(self, Self::Part(part) if !part.is_object())
    }

    pub(super) fn is_object(&self) -> bool {
        matches!(self, Self::Obj(_)) || matches!(self, Self::Part(part) if part.is_object())
    }

    /// How many elements or members it has.
    pub(super) fn count(&self) -> Option<usize> {
        match self {
            Self::Arr(array) => Some(array.content.len()),
            Self::Obj(object) => Some(object.content.len()),
            Self::Part(part) => Some(part.len()),
            _ => None,
        }
    }

    /// The elements of an array.
    pub(super) fn items(self) -> Result<Vec<Self>, Self> {
        match self {
            Self::Arr(array) => Ok(Rc::try_unwrap(array).unwrap_or_else(|array| (*array).clone()).content),
            Self::Part(part) if !part.is_object() => Ok(part.to_items()),
            other => Err(other),
        }
    }

    /// The members of an object.
    pub(super) fn members(self) -> Result<Object, Self> {
        match self {
            Self::Obj(object) => Ok(Rc::try_unwrap(object).unwrap_or_else(|object| (*object).clone()).content),
            Self::Part(part) if part.is_object() => Ok(part.to_object()),
            other => Err(other),
        }
    }

    /// The element of an array.
    pub(super) fn item(&self, index: usize) -> Option<Self> {
        match self {
            Self::Arr(array) => array.content.get(index).cloned(),
            Self::Part(part) => part.item(index),
            _ => None,
        }
    }

    /// The member of an object.
    pub(super) fn field(&self, key: &String) -> Option<Self> {
        match self {
            Self::Part(part) => part.field(key),
            other => other.own_field(key),
        }
    }

    pub(super) fn own_field(&self, key: &String) -> Option<Self> {
        match self {
            Self::Obj(object) => object.content.get(key).cloned(),
            _ => None,
        }
    }

    pub(super) fn object_len(&self) -> usize {
        match self {
            Self::Obj(object) => object.content.len(),
            _ => 0,
        }
    }

    pub(super) fn to_own_object(&self) -> Object {
        match self {
            Self::Obj(object) => object.content.clone(),
            _ => Object::default(),
        }
    }

    /// Its items, or those of its members, one after the other.
    fn walk<T>(items: impl IntoIterator<Item = T> + 'static) -> BoxIter<'static, ValR<T, Self>>
    where
        T: 'static,
    {
        Box::new(items.into_iter().map(|item| {
            guard::tick();
            Ok(item)
        }))
    }
}

impl ValT for Json {
    fn from_num(spelled: &str) -> ValR<Self> {
        let num = spelled.parse().map(Num::Int).or_else(|_| spelled.parse().map(Num::Float));
        num.map(Self::Num).map_err(|_| Error::str(format_args!("no number: {spelled}")))
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(iter: I) -> ValR<Self> {
        let mut object = Object::default();
        for (key, value) in iter {
            match key {
                Self::Str(key) => object.insert(key, value),
                key => return Err(Error::typ(key, "string, as keys of objects are")),
            };
        }
        Ok(Self::object(object))
    }

    fn key_values(self) -> BoxIter<'static, ValR<(Self, Self), Self>> {
        if self.is_array() {
            let items = self.items().unwrap_or_default();
            return Self::walk(items.into_iter().enumerate().map(|(index, item)| (Self::from(index), item)));
        }
        match self.members() {
            Ok(members) => Self::walk(members.into_iter().map(|(key, value)| (Self::Str(key), value))),
            Err(other) => box_once(Err(Error::typ(other, "iterable (array or object)"))),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR<Self>>> {
        match self {
            // The elements of a document's array are made one after the other.
            Self::Part(part) if !part.is_object() => {
                Self::walk((0..part.len()).filter_map(move |index| part.item(index)))
            }
            Self::Arr(array) => match Rc::try_unwrap(array) {
                Ok(array) => Self::walk(array.content),
                Err(array) => {
                    Self::walk((0..array.content.len()).filter_map(move |index| array.content.get(index).cloned()))
                }
            },
            other => match other.members() {
                Ok(members) => Self::walk(members.into_iter().map(|(_, value)| value)),
                Err(other) => box_once(Err(Error::typ(other, "iterable (array or object)"))),
            },
        }
    }

    fn index(self, index: &Self) -> ValR<Self> {
        guard::tick();
        paths::index(&self, index).map(|found| found.unwrap_or(Self::Null))
    }

    fn range(self, range: Range<&Self>) -> ValR<Self> {
        paths::range(self, range)
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(self, opt: Opt, f: impl Fn(Self) -> I) -> ValX<'a, Self> {
        paths::map_values(self, opt, f)
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        index: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        guard::tick();
        paths::map_index(self, index, opt, f)
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<&Self>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        paths::map_range(self, range, opt, f)
    }

    fn as_bool(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    fn into_string(self) -> Self {
        match self {
            Self::Str(_) => self,
            other => Self::string(other.to_string()),
        }
    }
}

impl jaq_std::ValT for Json {
    fn into_seq<S: FromIterator<Self>>(self) -> Result<S, Self> {
        self.items().map(|items| items.into_iter().collect())
    }

    fn is_int(&self) -> bool {
        matches!(self, Self::Num(num) if num.integer().is_some())
    }

    fn as_isize(&self) -> Option<isize> {
        match self {
            Self::Num(num) => num.integer().and_then(|int| int.try_into().ok()),
            _ => None,
        }
    }

    fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Num(num) => Some(num.float()),
            _ => None,
        }
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self, Self::Str(_))
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Str(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    fn as_sub_str(&self, sub: &[u8]) -> Self {
        Self::string(String::from_utf8_lossy(sub).into_owned())
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]>) -> Self {
        guard::expect(bytes.as_ref().len());
        Self::string(String::from_utf8_lossy(bytes.as_ref()).into_owned())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<isize> for Json {
    fn from(int: isize) -> Self {
        Self::Num(Num::Int(int as i64))
    }
}

impl From<usize> for Json {
    fn from(int: usize) -> Self {
        Self::Num(Num::Int(int as i64))
    }
}

impl From<f64> for Json {
    fn from(float: f64) -> Self {
        Self::Num(Num::Float(float))
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::string(text)
    }
}

impl From<Range<Self>> for Json {
    fn from(range: Range<Self>) -> Self {
        let bounds = [("start", range.start), ("end", range.end)];
        let bounds =
            bounds.into_iter().filter_map(|(name, bound)| bound.map(|bound| (Rc::new(name.to_owned()), bound)));
        Self::object(bounds.collect())
    }
}

impl FromIterator<Self> for Json {
    fn from_iter<I: IntoIterator<Item = Self>>(items: I) -> Self {
        let mut all = vec![];
        for item in items {
            grow(&mut all);
            all.push(item);
        }
        Self::array(all)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = vec![];
        write::append(&mut out, self);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
