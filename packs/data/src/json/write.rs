//! Values as text: JSON without white space.

use heavy_load_kernel::value::reserve;

use super::document::{Part, string_end, unescape};
use super::guard::{self, Stop};
use super::value::Json;
use crate::escape::escape_json;

/// Bytes of a string that are written at once.
const PIECE: usize = 4 << 10;
/// Bytes that are looked at before they are written.
const LARGE: usize = 64 << 10;

/// Appends a value.
pub(crate) fn append(out: &mut Vec<u8>, value: &Json) {
    write(&mut Output { out, limit: usize::MAX }, value);
}

/// Appends a value; stops where that would be more than `limit` bytes.
pub(crate) fn append_within(out: &mut Vec<u8>, value: &Json, limit: usize) {
    write(&mut Output { out, limit }, value);
}

struct Output<'a> {
    out: &'a mut Vec<u8>,
    limit: usize,
}

impl Output<'_> {
    fn push(&mut self, bytes: &[u8]) {
        if bytes.len() > self.limit.saturating_sub(self.out.len()) || self.out.len() > self.limit {
            guard::stop(Stop::Output);
        }
        if bytes.len() > LARGE {
            guard::expect(bytes.len());
        }
        if reserve(self.out, bytes.len()).is_err() {
            guard::stop(Stop::OutOfMemory);
        }
        self.out.extend_from_slice(bytes);
    }
}

fn write(out: &mut Output<'_>, value: &Json) {
    guard::tick();
    match value {
        Json::Null => out.push(b"null"),
        Json::Bool(true) => out.push(b"true"),
        Json::Bool(false) => out.push(b"false"),
        Json::Num(num) => {
            let mut spelled = vec![];
            num.write(&mut spelled);
            out.push(&spelled);
        }
        Json::Str(text) => string(out, text),
        Json::Arr(array) => {
            out.push(b"[");
            for (index, item) in array.content.iter().enumerate() {
                if index > 0 {
                    out.push(b",");
                }
                write(out, item);
            }
            out.push(b"]");
        }
        Json::Obj(object) => {
            out.push(b"{");
            for (index, (key, member)) in object.content.iter().enumerate() {
                if index > 0 {
                    out.push(b",");
                }
                string(out, key);
                out.push(b":");
                write(out, member);
            }
            out.push(b"}");
        }
        Json::Part(part) => compact(out, part),
    }
}

fn string(out: &mut Output<'_>, text: &str) {
    out.push(b"\"");
    for piece in text.as_bytes().chunks(PIECE) {
        guard::tick();
        if escape_json(out.out, piece).is_err() {
            guard::stop(Stop::OutOfMemory);
        }
        // Is there still room?
        out.push(b"");
    }
    out.push(b"\"");
}

/// A document's part as it stands there, without the white space.
fn compact(out: &mut Output<'_>, part: &Part) {
    let bytes = part.bytes();
    let mut at = 0;
    // What has been looked at and not yet been appended begins here.
    let mut from = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                guard::tick();
                let end = string_end(bytes, at);
                // Strings that are equal are written alike, however they were spelled.
                if bytes[at..end].contains(&b'\\') {
                    out.push(&bytes[from..at]);
                    string(out, &unescape(&bytes[at + 1..end - 1]));
                    from = end;
                }
                at = end;
            }
            b' ' | b'\n' | b'\r' | b'\t' => {
                out.push(&bytes[from..at]);
                at += 1;
                from = at;
            }
            _ => at += 1,
        }
    }
    out.push(&bytes[from..]);
}
