//! A text that has been checked, and its parts.
//!
//! A part (an array or an object) is not read before somebody looks into it, and then one level of it, once: so a program that wants three fields of fifty megabytes makes three values.

use std::cell::OnceCell;
use std::rc::Rc;

use heavy_load_kernel::Result;
use heavy_load_kernel::value::Bytes;

use super::guard;
use super::number::Num;
use super::scan::{Container, Scan, plain};
use super::value::{Json, Object, grow};

/// Objects of more members than this are looked up by hash.
const SMALL: usize = 16;
/// Bytes that are checked between two ticks.
const BLOCK: usize = 64 << 10;

/// The bytes of a text: UTF-8, as has been checked.
pub(crate) enum Text {
    String(String),
    Held(Bytes),
    Copied(Vec<u8>),
}

impl Text {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::String(text) => text.as_bytes(),
            Self::Held(bytes) => bytes.as_slice().unwrap_or_default(),
            Self::Copied(bytes) => bytes,
        }
    }
}

pub(crate) struct Document {
    text: Text,
    containers: Vec<Container>,
    roots: Vec<u32>,
}

impl Document {
    /// What `scan` has read to its end.
    pub(crate) fn new(text: Text, scan: Scan) -> Self {
        Self { text, containers: scan.containers, roots: scan.roots }
    }

    /// Checks a text that a program has made.
    ///
    /// # Errors
    /// ERR_INVALID_DATA, ERR_OUT_OF_MEMORY.
    pub(crate) fn of(text: String) -> Result<Self> {
        let mut scan = Scan::new();
        while !scan.read(text.as_bytes(), scan.at() + BLOCK)? {
            guard::tick();
        }
        Ok(Self::new(Text::String(text), scan))
    }

    fn bytes(&self) -> &[u8] {
        self.text.bytes()
    }

    /// The values at the top.
    pub(crate) fn values(self: &Rc<Self>) -> impl Iterator<Item = Json> + use<> {
        let document = Rc::clone(self);
        // The first container at or behind a place.
        let mut container = 0;
        (0..self.roots.len()).map(move |index| {
            let start = document.roots[index];
            while document.containers.get(container).is_some_and(|at| at.start < start) {
                container = document.containers[container].next as usize;
            }
            document.value(Place { start, container: container as u32 })
        })
    }

    /// Where the value ends that begins at a place.
    fn end(&self, place: Place) -> usize {
        let bytes = self.bytes();
        let start = place.start as usize;
        match bytes[start] {
            b'{' | b'[' => self.containers[place.container as usize].end as usize,
            b'"' => string_end(bytes, start),
            _ => {
                let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
                bytes[start..].iter().position(ends).map_or(bytes.len(), |len| start + len)
            }
        }
    }

    fn value(self: &Rc<Self>, place: Place) -> Json {
        let bytes = self.bytes();
        let start = place.start as usize;
        match bytes[start] {
            b'{' | b'[' => Json::Part(Rc::new(Part {
                document: Rc::clone(self),
                container: place.container,
                members: OnceCell::new(),
            })),
            b'"' => Json::string(unescape(&bytes[start + 1..string_end(bytes, start) - 1])),
            b't' => Json::Bool(true),
            b'f' => Json::Bool(false),
            b'n' => Json::Null,
            _ => Json::Num(Num::of(&bytes[start..self.end(place)])),
        }
    }
}

/// Where a value begins, and the first container at or behind it.
#[derive(Clone, Copy)]
struct Place {
    start: u32,
    container: u32,
}

/// The places of what is directly within a part.
enum Members {
    Items(Vec<Place>),
    /// Keys are places of strings; the last of equal ones counts.
    Fields(Vec<(u32, Place)>),
    /// A large object, once it has been looked into.
    Object(Json),
}

/// An array or an object of a document.
pub(crate) struct Part {
    document: Rc<Document>,
    container: u32,
    members: OnceCell<Members>,
}

impl Part {
    fn container(&self) -> Container {
        self.document.containers[self.container as usize]
    }

    /// The text.
    pub(crate) fn bytes(&self) -> &[u8] {
        let Container { start, end, .. } = self.container();
        &self.document.bytes()[start as usize..end as usize]
    }

    pub(crate) fn is_object(&self) -> bool {
        self.bytes().first() == Some(&b'{')
    }

    pub(crate) fn height(&self) -> u32 {
        self.container().height
    }

    /// The element of an array.
    pub(crate) fn item(&self, index: usize) -> Option<Json> {
        match self.members() {
            Members::Items(items) => items.get(index).map(|place| self.document.value(*place)),
            _ => None,
        }
    }

    /// How many elements or members there are.
    pub(crate) fn len(&self) -> usize {
        match self.members() {
            Members::Items(items) => items.len(),
            // The same key may stand there twice.
            Members::Fields(fields) if fields.len() < 2 => fields.len(),
            Members::Fields(_) => self.to_object().len(),
            Members::Object(object) => object.object_len(),
        }
    }

    /// The member of an object.
    pub(crate) fn field(&self, key: &String) -> Option<Json> {
        let fields = match self.members() {
            Members::Fields(fields) => fields,
            Members::Object(object) => return object.own_field(key),
            Members::Items(_) => return None,
        };
        let bytes = self.document.bytes();
        let is = |start: usize| {
            let rest = &bytes[start + 1..];
            let len = plain(rest);
            match rest[len] {
                b'"' => &rest[..len] == key.as_bytes(),
                _ => unescape(&rest[..string_end(bytes, start) - start - 2]) == *key,
            }
        };
        fields.iter().rev().find(|(start, _)| is(*start as usize)).map(|(_, place)| self.document.value(*place))
    }

    /// The elements, or the members' values.
    pub(crate) fn to_items(&self) -> Vec<Json> {
        match self.members() {
            Members::Items(items) => {
                guard::expect(items.len() * size_of::<Json>());
                items.iter().map(|place| self.document.value(*place)).collect()
            }
            _ => vec![],
        }
    }

    /// The members.
    pub(crate) fn to_object(&self) -> Object {
        match self.members() {
            Members::Fields(fields) => self.object_of(fields),
            Members::Object(object) => object.to_own_object(),
            Members::Items(_) => Object::default(),
        }
    }

    fn object_of(&self, fields: &[(u32, Place)]) -> Object {
        let bytes = self.document.bytes();
        guard::expect(fields.len() * 2 * size_of::<Json>());
        let mut object = Object::default();
        object.reserve(fields.len());
        for (start, place) in fields {
            let start = *start as usize;
            let key = unescape(&bytes[start + 1..string_end(bytes, start) - 1]);
            object.insert(Rc::new(key), self.document.value(*place));
        }
        object
    }

    fn members(&self) -> &Members {
        self.members.get_or_init(|| {
            let members = self.find_members();
            match &members {
                Members::Fields(fields) if fields.len() > SMALL => {
                    Members::Object(Json::object(self.object_of(fields)))
                }
                _ => members,
            }
        })
    }

    fn find_members(&self) -> Members {
        let (document, bytes) = (&*self.document, self.document.bytes());
        let skip = |mut at: usize, also: u8| {
            while matches!(bytes[at], b' ' | b'\n' | b'\r' | b'\t') || bytes[at] == also {
                at += 1;
            }
            at
        };
        let (mut items, mut fields) = (vec![], vec![]);
        let object = self.is_object();
        let mut container = self.container + 1;
        let mut at = skip(self.container().start as usize + 1, b' ');
        while !matches!(bytes[at], b']' | b'}') {
            guard::tick();
            let key = at as u32;
            if object {
                at = skip(string_end(bytes, at), b':');
            }
            let place = Place { start: at as u32, container };
            if object {
                grow(&mut fields);
                fields.push((key, place));
            } else {
                grow(&mut items);
                items.push(place);
            }
            if matches!(bytes[at], b'{' | b'[') {
                container = document.containers[container as usize].next;
            }
            at = skip(document.end(place), b',');
        }
        if object { Members::Fields(fields) } else { Members::Items(items) }
    }
}

/// Behind the end of the string that begins at `start`.
pub(super) fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        at += plain(&bytes[at..]);
        match bytes[at] {
            b'"' => return at + 1,
            _ => at += 2,
        }
    }
}

/// What a string stands for: what is between its quotes. Halves of surrogate pairs that stand alone become U+FFFD.
pub(super) fn unescape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let len = plain(rest);
        out.push_str(&String::from_utf8_lossy(&rest[..len]));
        let Some(kind) = rest.get(len + 1) else { return out };
        rest = &rest[len + 2..];
        out.push(match kind {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let (unit, behind) = (hex(rest), &rest[4..]);
                let low = behind.strip_prefix(b"\\u").map(hex).unwrap_or_default();
                rest = behind;
                match (unit, low) {
                    (0xd800..0xdc00, 0xdc00..0xe000) => {
                        rest = &behind[6..];
                        char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)).unwrap_or('\u{fffd}')
                    }
                    _ => char::from_u32(unit).unwrap_or('\u{fffd}'),
                }
            }
            other => char::from(*other),
        });
    }
}

fn hex(bytes: &[u8]) -> u32 {
    let digits = bytes.get(..4).and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default()
}
