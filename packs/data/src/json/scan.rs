//! Checks a text, in steps, and notes where its arrays and objects end.
//!
//! Invariants: what has been noted is in the order in which it begins; a text that was read to its end is JSON as RFC 8259 has it, or several values with white space between them.

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::reserve;

use super::DEEPEST;

/// An array or an object, as it stands in the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Container {
    pub(crate) start: u32,
    /// Behind its bracket.
    pub(crate) end: u32,
    /// The number of the first container behind it.
    pub(crate) next: u32,
    /// Levels in it, its own included.
    pub(crate) height: u32,
}

/// What may stand next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// Within an array, or at the top.
    Value,
    /// Behind `[`.
    ValueOrEnd,
    /// Behind `{`.
    KeyOrEnd,
    Key,
    Colon,
    /// Behind a colon.
    Member,
    CommaOrEnd,
}

#[derive(Debug)]
pub(crate) struct Scan {
    at: usize,
    /// In a string, of an object's key or not.
    string: Option<bool>,
    expected: Expected,
    /// The containers that are open, with whether they are objects.
    open: Vec<(u32, bool)>,
    pub(crate) containers: Vec<Container>,
    /// Where the values at the top begin.
    pub(crate) roots: Vec<u32>,
}

impl Scan {
    pub(crate) fn new() -> Self {
        Self { at: 0, string: None, expected: Expected::Value, open: vec![], containers: vec![], roots: vec![] }
    }

    /// How far it has come.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Reads on, to `until` or a little further; whether that was all.
    ///
    /// # Errors
    /// ERR_INVALID_DATA, ERR_OUT_OF_MEMORY.
    pub(crate) fn read(&mut self, text: &[u8], until: usize) -> Result<bool> {
        if self.at == 0 && text.starts_with("\u{feff}".as_bytes()) {
            self.at = 3;
        }
        loop {
            if let Some(key) = self.string {
                if !self.rest_of_string(text, until)? {
                    return Ok(false);
                }
                self.string = None;
                self.expected = if key { Expected::Colon } else { Expected::CommaOrEnd };
            }
            while matches!(text.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
                self.at += 1;
            }
            let Some(byte) = text.get(self.at) else {
                return match self.open.last() {
                    None => Ok(true),
                    Some((_, object)) => Err(self.unexpected(text, self.wanted(*object))),
                };
            };
            if self.at >= until {
                return Ok(false);
            }
            self.token(text, *byte)?;
        }
    }

    fn token(&mut self, text: &[u8], byte: u8) -> Result<()> {
        if self.open.is_empty() {
            // Behind a value at the top, another may follow.
            if self.expected == Expected::CommaOrEnd {
                if !matches!(text[self.at - 1], b' ' | b'\n' | b'\r' | b'\t') && !matches!(byte, b'{' | b'[' | b'"') {
                    return Err(self.unexpected(text, "white space"));
                }
                self.expected = Expected::Value;
            }
            reserve(&mut self.roots, 1)?;
            self.roots.push(self.at as u32);
        }
        let object = self.open.last().is_some_and(|(_, object)| *object);
        match (self.expected, byte) {
            (Expected::ValueOrEnd, b']') | (Expected::KeyOrEnd, b'}') => self.close(),
            (Expected::CommaOrEnd, b',') => {
                self.at += 1;
                self.expected = if object { Expected::Key } else { Expected::Value };
            }
            (Expected::CommaOrEnd, b']') if !object => self.close(),
            (Expected::CommaOrEnd, b'}') if object => self.close(),
            (Expected::Key | Expected::KeyOrEnd, b'"') => {
                self.at += 1;
                self.string = Some(true);
            }
            (Expected::Colon, b':') => {
                self.at += 1;
                self.expected = Expected::Member;
            }
            (Expected::Value | Expected::ValueOrEnd | Expected::Member, _) => self.value(text, byte)?,
            _ => return Err(self.unexpected(text, self.wanted(object))),
        }
        Ok(())
    }

    fn value(&mut self, text: &[u8], byte: u8) -> Result<()> {
        let rest = &text[self.at..];
        let len = match byte {
            b'{' | b'[' => return self.begin(text, byte == b'{'),
            b'"' => {
                self.at += 1;
                self.string = Some(false);
                return Ok(());
            }
            b't' if rest.starts_with(b"true") => 4,
            b'f' if rest.starts_with(b"false") => 5,
            b'n' if rest.starts_with(b"null") => 4,
            b'-' | b'0'..=b'9' => match number(rest) {
                Ok(len) => len,
                Err(len) => {
                    self.at += len;
                    return Err(self.unexpected(text, "a digit"));
                }
            },
            _ => return Err(self.unexpected(text, "a value")),
        };
        self.at += len;
        self.expected = Expected::CommaOrEnd;
        Ok(())
    }

    fn begin(&mut self, text: &[u8], object: bool) -> Result<()> {
        if self.open.len() == DEEPEST as usize {
            let (line, column) = place(text, self.at);
            let message = format!("JSON is nested more than {DEEPEST} levels deep at line {line}, column {column}");
            return Err(EngineError::invalid_data(message));
        }
        reserve(&mut self.open, 1)?;
        reserve(&mut self.containers, 1)?;
        self.open.push((self.containers.len() as u32, object));
        self.containers.push(Container { start: self.at as u32, end: 0, next: 0, height: 1 });
        self.at += 1;
        self.expected = if object { Expected::KeyOrEnd } else { Expected::ValueOrEnd };
        Ok(())
    }

    fn close(&mut self) {
        self.at += 1;
        self.expected = Expected::CommaOrEnd;
        let Some((closed, _)) = self.open.pop() else { unreachable!("what ends has begun") };
        let next = self.containers.len() as u32;
        let closed = &mut self.containers[closed as usize];
        (closed.end, closed.next) = (self.at as u32, next);
        let height = closed.height + 1;
        if let Some((around, _)) = self.open.last() {
            let around = &mut self.containers[*around as usize];
            around.height = around.height.max(height);
        }
    }

    /// Reads a string to behind its end; false if `until` comes before.
    fn rest_of_string(&mut self, text: &[u8], until: usize) -> Result<bool> {
        loop {
            let stop = text.len().min(until.max(self.at));
            self.at += plain(&text[self.at..stop]);
            if self.at == stop && stop < text.len() {
                return Ok(false);
            }
            match text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(true);
                }
                Some(b'\\') => self.escape(text)?,
                Some(_) => return Err(self.unexpected(text, "no control character in a string")),
                None => return Err(self.unexpected(text, "'\"'")),
            }
        }
    }

    fn escape(&mut self, text: &[u8]) -> Result<()> {
        let hex = |digits: &[u8]| digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit);
        self.at += match text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if text.get(self.at + 2..self.at + 6).is_some_and(hex) => 6,
            _ => return Err(self.unexpected(text, "an escape such as \\n or \\u00e9")),
        };
        Ok(())
    }

    fn wanted(&self, object: bool) -> &'static str {
        match self.expected {
            Expected::Value | Expected::Member => "a value",
            Expected::ValueOrEnd => "a value or ']'",
            Expected::KeyOrEnd => "a string or '}'",
            Expected::Key => "a string",
            Expected::Colon => "':'",
            Expected::CommaOrEnd if object => "',' or '}'",
            Expected::CommaOrEnd => "',' or ']'",
        }
    }

    fn unexpected(&self, text: &[u8], wanted: &str) -> EngineError {
        let (line, column) = place(text, self.at);
        let found = match text[self.at..].utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()) {
            Some(char) => format!("'{}'", char.escape_default()),
            None => "the end".to_owned(),
        };
        EngineError::invalid_data(format!(
            "Not JSON: expected {wanted}, found {found}, at line {line}, column {column}"
        ))
    }
}

/// Line and column, from 1; columns are characters.
pub(crate) fn place(text: &[u8], at: usize) -> (usize, usize) {
    let before = &text[..at.min(text.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let begin = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    (line, before[begin..].iter().filter(|byte| byte.cast_signed() >= -64).count() + 1)
}

/// How many bytes of a string stand for themselves: neither `"` nor `\` nor a control character.
pub(crate) fn plain(text: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
        // The lowest of the bits that are set is of a byte that is sought: a borrow reaches higher bytes alone.
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let found =
            (control | zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')))) & HIGHS;
        if found != 0 {
            return index * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    words.len() * 8 + rest.iter().position(special).unwrap_or(rest.len())
}

/// The length of the number that the text begins with, or where it is none.
pub(super) fn number(text: &[u8]) -> std::result::Result<usize, usize> {
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let some = |from: usize| match digits(from) {
        0 => Err(from),
        count => Ok(from + count),
    };
    let start = usize::from(text.first() == Some(&b'-'));
    let mut at = if text.get(start) == Some(&b'0') { start + 1 } else { some(start)? };
    if text.get(at) == Some(&b'.') {
        at = some(at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let signed = matches!(text.get(at + 1), Some(b'+' | b'-'));
        at = some(at + 1 + usize::from(signed))?;
    }
    Ok(at)
}
