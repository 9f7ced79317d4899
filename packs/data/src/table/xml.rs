//! XML of a file in an archive, piece by piece, with limits: on the length of a piece, and on how deep elements go. Names have no prefix here; there are
//! no entities but XML's own, and no document types.

use std::borrow::Cow;

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use quick_xml::errors::Error;
use quick_xml::events::{BytesEnd, BytesStart, Event as XmlEvent};
use quick_xml::{Reader, XmlVersion};

use crate::table::zip::Unpacking;

/// Bytes that a piece may have: a tag with its attributes, or a text.
const LONGEST: u64 = 1 << 20;
/// What a piece costs beside its bytes.
const PIECE: usize = 4;
/// How many attributes an element may have.
const MOST_ATTRIBUTES: usize = 1000;
/// How many elements may be in one another.
const DEEPEST: usize = 256;

pub(crate) struct Xml<'a> {
    reader: Reader<Unpacking<'a>>,
    buffer: Vec<u8>,
    depth: usize,
    /// The element that has no content, and is to end.
    empty: Option<String>,
    spent: u64,
}

/// A piece.
pub(crate) enum Event<'b> {
    Start(Tag<'b>),
    End(BytesEnd<'b>),
    Text(Cow<'b, str>),
    /// A comment, say.
    Other,
    /// The end of the file.
    Eof,
}

/// A start tag.
pub(crate) struct Tag<'b>(BytesStart<'b>);

impl<'a> Xml<'a> {
    pub(crate) fn new(file: Unpacking<'a>) -> Self {
        Self { reader: Reader::from_reader(file), buffer: vec![], depth: 0, empty: None, spent: 0 }
    }

    /// What the piece has cost, in bytes: those that were read, and some for a piece in itself.
    pub(crate) fn spent(&mut self) -> usize {
        let consumed = self.reader.get_ref().consumed();
        (consumed - std::mem::replace(&mut self.spent, consumed)) as usize + PIECE
    }

    /// The next piece.
    ///
    /// # Errors
    /// ERR_INVALID_DATA; what reading the file says.
    pub(crate) fn next(&mut self) -> Result<Event<'_>> {
        if let Some(name) = self.empty.take() {
            self.depth -= 1;
            return Ok(Event::End(BytesEnd::new(name)));
        }
        self.buffer.clear();
        self.reader.get_mut().allow(LONGEST);
        Ok(match self.reader.read_event_into(&mut self.buffer).map_err(|error| invalid(&error))? {
            XmlEvent::Start(tag) => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(EngineError::invalid_data("The data has elements that are too deep in one another"));
                }
                Event::Start(Tag(tag))
            }
            XmlEvent::Empty(tag) => {
                self.depth += 1;
                self.empty = Some(tag.local_name().as_ref().to_owned());
                Event::Start(Tag(tag))
            }
            XmlEvent::End(tag) => {
                self.depth -= 1;
                Event::End(tag)
            }
            XmlEvent::Text(text) => Event::Text(text.xml10_content()),
            XmlEvent::CData(text) => Event::Text(text.xml10_content()),
            XmlEvent::GeneralRef(reference) => Event::Text(match &*reference.xml10_content() {
                "lt" => "<".into(),
                "gt" => ">".into(),
                "amp" => "&".into(),
                "quot" => "\"".into(),
                "apos" => "'".into(),
                _ => match reference.resolve_char_ref() {
                    Ok(Some(character)) => String::from(character).into(),
                    _ => return Err(EngineError::invalid_data("The data has an unknown entity")),
                },
            }),
            XmlEvent::DocType(_) => {
                return Err(EngineError::invalid_data("The data has a document type, which has no place in it"));
            }
            XmlEvent::Eof if self.depth > 0 => return Err(EngineError::invalid_data("The data ends before it should")),
            XmlEvent::Eof => Event::Eof,
            _ => Event::Other,
        })
    }
}

impl Tag<'_> {
    /// Its name without a prefix.
    pub(crate) fn name(&self) -> &str {
        let name = self.0.name().into_inner();
        name.rsplit_once(':').map_or(name, |(_, name)| name)
    }

    /// The values of attributes, by their names without a prefix.
    ///
    /// # Errors
    /// ERR_INVALID_DATA.
    pub(crate) fn attributes<const N: usize>(&self, names: [&str; N]) -> Result<[Option<Cow<'_, str>>; N]> {
        let mut values = [const { None }; N];
        for (count, attribute) in self.0.attributes().with_checks(false).enumerate() {
            if count == MOST_ATTRIBUTES {
                return Err(EngineError::invalid_data("The data has an element with too many attributes"));
            }
            let attribute = attribute.map_err(|error| invalid(&error.into()))?;
            let name = attribute.key.into_inner();
            let name = name.rsplit_once(':').map_or(name, |(_, name)| name);
            if let Some(at) = names.iter().position(|wanted| *wanted == name)
                && values[at].is_none()
            {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| invalid(&error))?;
                values[at] = Some(value);
            }
        }
        Ok(values)
    }

    /// The value of an attribute, by its name without a prefix.
    ///
    /// # Errors
    /// ERR_INVALID_DATA.
    pub(crate) fn attribute(&self, name: &str) -> Result<Option<Cow<'_, str>>> {
        self.attributes([name]).map(|[value]| value)
    }
}

/// What is wrong: what the file's reader has said, or that the XML is broken.
#[cold]
fn invalid(error: &Error) -> EngineError {
    if let Error::Io(error) = error
        && let Some(error) = error.get_ref().and_then(|error| error.downcast_ref::<EngineError>())
    {
        return error.clone();
    }
    EngineError::invalid_data(format!("The data has XML that is broken: {error}"))
}
