//! HTML as a tree, by the standard's own parser, which takes time and memory out of all proportion to the text for some: for elements within each other without end,
//! for formatting that is opened again in each of thousands of paragraphs, for thousands of attributes. So it is fed piece by piece, what it does is counted, and it
//! ends as soon as that is too much for what it has read.
//!
//! Invariant: the time and the memory of `parse` are at most linear in the text: `WORK` for each of its bytes.

use std::collections::HashSet;

use heavy_load_kernel::Result;
use heavy_load_kernel::error::{Code, EngineError};
use html5ever::buffer_queue::BufferQueue;
use html5ever::interface::create_element;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::State;
use html5ever::tokenizer::{Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts, TreeSink};
use html5ever::{QualName, TokenizerResult, local_name, ns};
use std::cell::Cell;

use super::DEEPEST;
use super::tree::{Fault, Id, Keep, Maker, Tree};

/// Elements that there may be beyond those that the text can have opened itself.
const EXTRA: usize = 4096;
/// Bytes that are parsed at once.
const PIECE: usize = 4096;
/// Steps of work, of some nanoseconds, for each byte: texts that people write need some three.
const WORK: u64 = 40;
/// Steps that are there to begin with.
const FIRST_WORK: u64 = 4 << 20;
/// The parser compares each attribute of a tag with all before it.
const MOST_ATTRIBUTES: usize = 512;

/// What a text is called in messages, and how long it may be.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    pub(crate) name: &'static str,
    pub(crate) longest: usize,
    pub(crate) too_long: Code,
}

/// HTML of a caller's.
pub(crate) const GIVEN: Source = Source { name: "The HTML", longest: 8 << 20, too_long: Code::InvalidData };

/// The memory that parsing takes, in bytes: about as much as it can need for this text.
fn memory(html: &str, tags: usize) -> usize {
    // Characters that are tokens of their own where a table waits for them; values, and the output.
    let alone = html.bytes().filter(|byte| matches!(byte, b'&' | b'\0' | b'\r')).count();
    let attributes = if tags == 0 { 0 } else { html.bytes().filter(|byte| *byte == b'=').count() };
    Maker::memory(html.len(), tags) + 48 * alone + 32 * attributes + 2 * html.len() + (64 << 10)
}

/// HTML as the tree of a fragment.
///
/// # Errors
/// ERR_INVALID_DATA, for what would take the parser too much; ERR_OUT_OF_MEMORY.
pub(super) fn parse(html: &str, source: Source, keep: Keep<'_>) -> Result<Tree> {
    let name = source.name;
    let refuse = |what: String| Err(EngineError::invalid_data(format!("{name} {what}")));
    if html.len() > source.longest {
        let message = format!("{name} is longer than {} MiB", source.longest >> 20);
        return Err(EngineError::new(source.too_long, message));
    }
    let tags = html.bytes().filter(|byte| *byte == b'<').count();
    // What the parser allocates itself ends the process if there is no memory: so it is asked for before, and given back.
    probe(memory(html, tags))?;
    let maker = Maker::new(html.len(), tags, keep).map_err(|fault| error(name, fault))?;
    let context = create_element(&maker, QualName::new(None, ns!(html), local_name!("div")), vec![]);
    let builder = TreeBuilder::new_for_fragment(maker, context, None, TreeBuilderOpts::default());
    let options = TokenizerOpts { initial_state: Some(State::Data), ..TokenizerOpts::default() };
    let parser = Tokenizer::new(Counting { builder, tokens: Cell::new(0), attributes: Cell::new(0) }, options);
    let (sink, queue) = (&parser.sink, BufferQueue::default());
    let most_elements = html.len() / 3 + EXTRA;
    let mut tag = None;
    let mut at = 0;
    while at < html.len() {
        let end = piece_end(html, at);
        let piece = &html[at..end];
        let before = sink.tokens.get();
        queue.push_back(StrTendril::from(piece));
        // A script, or a declared encoding: the parser would wait for what a browser does.
        while !matches!(parser.feed(&queue), TokenizerResult::Done) {}
        let made = &sink.builder.sink;
        if let Some(fault) = made.fault() {
            return Err(error(name, fault));
        }
        let work = made.work() + sink.attributes.get();
        if work > FIRST_WORK + WORK * end as u64 {
            return refuse(
                "takes a parser too long: it has hundreds of elements within each other, or formatting that is not closed, in thousands of places".to_owned(),
            );
        }
        if made.elements() > most_elements {
            return refuse(
                "has formatting that is not closed, so that its tree would be far larger than its text".to_owned(),
            );
        }
        // A piece has what begins a tag at its beginning alone. So it begins a tag if the last one has ended, and if nothing came of it yet, that is not all of the tag.
        if before == sink.tokens.get() {
            let tag = tag.get_or_insert_with(Attributes::default);
            tag.read(piece);
            if tag.names.len() > MOST_ATTRIBUTES {
                return refuse(format!("has a tag with more than {MOST_ATTRIBUTES} attributes"));
            }
        } else {
            tag = None;
        }
        at = end;
    }
    parser.end();
    let made = parser.sink.builder.sink;
    match made.fault() {
        Some(fault) => Err(error(name, fault)),
        None => Ok(made.finish()),
    }
}

/// Asks for memory, and gives it back.
///
/// # Errors
/// ERR_OUT_OF_MEMORY.
pub(crate) fn probe(bytes: usize) -> Result<()> {
    Vec::<u8>::new().try_reserve_exact(bytes).map_err(|_| EngineError::out_of_memory(bytes))
}

fn error(name: &str, fault: Fault) -> EngineError {
    match fault {
        Fault::OutOfMemory(bytes) => EngineError::out_of_memory(bytes),
        Fault::TooDeep => {
            EngineError::invalid_data(format!("{name} has more than {DEEPEST} elements within each other"))
        }
        Fault::TooManyNames => EngineError::invalid_data(format!("{name} has thousands of names of elements")),
    }
}

/// Where a piece ends: before the next `<` that could begin a tag, and after so many bytes at most.
fn piece_end(html: &str, at: usize) -> usize {
    let mut end = html.len().min(at + PIECE);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let bytes = html.as_bytes();
    let begins_tag = |at: &usize| {
        bytes[*at] == b'<' && bytes.get(at + 1).is_none_or(|next| next.is_ascii_alphabetic() || b"/!?".contains(next))
    };
    (at + 1..end).find(begins_tag).unwrap_or(end)
}

/// Counts tokens on their way to the tree.
struct Counting<'a> {
    builder: TreeBuilder<Id, Maker<'a>>,
    tokens: Cell<u64>,
    /// Steps of work for the attributes of tags.
    attributes: Cell<u64>,
}

impl TokenSink for Counting<'_> {
    type Handle = Id;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Id> {
        if !matches!(token, Token::ParseError(_)) {
            self.tokens.set(self.tokens.get() + 1);
        }
        if let Token::TagToken(tag) = &token {
            let count = tag.attrs.len() as u64;
            self.attributes.set(self.attributes.get() + 8 * count + count * count / 8);
        }
        self.builder.process_token(token, line)
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// The names of the attributes of a tag that has not ended yet, read as the parser reads it.
#[derive(Default)]
struct Attributes {
    state: Reading,
    name: String,
    names: HashSet<String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Reading {
    #[default]
    Open,
    TagName,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Value(Option<char>),
    /// No tag: a comment, a declaration.
    Other,
}

impl Attributes {
    fn read(&mut self, piece: &str) {
        for char in piece.chars() {
            if self.state == Reading::Other || self.names.len() > MOST_ATTRIBUTES {
                return;
            }
            self.next(char);
        }
    }

    fn next(&mut self, char: char) {
        let is_space = matches!(char, ' ' | '\t' | '\n' | '\r' | '\x0c');
        self.state = match self.state {
            Reading::Open => match char {
                '<' | '/' => Reading::Open,
                'a'..='z' | 'A'..='Z' => Reading::TagName,
                _ => Reading::Other,
            },
            Reading::TagName if is_space || char == '/' => Reading::BeforeName,
            Reading::TagName => Reading::TagName,
            Reading::BeforeName | Reading::AfterName if is_space || char == '/' => self.state,
            Reading::AfterName if char == '=' => Reading::BeforeValue,
            Reading::BeforeName | Reading::AfterName => {
                self.name.clear();
                self.name.push(char.to_ascii_lowercase());
                Reading::Name
            }
            Reading::Name if is_space || matches!(char, '/' | '=') => {
                if !self.names.contains(&self.name) {
                    self.names.insert(self.name.clone());
                }
                if char == '=' { Reading::BeforeValue } else { Reading::AfterName }
            }
            Reading::Name => {
                self.name.push(char.to_ascii_lowercase());
                Reading::Name
            }
            Reading::BeforeValue if is_space => Reading::BeforeValue,
            Reading::BeforeValue if matches!(char, '"' | '\'') => Reading::Value(Some(char)),
            Reading::BeforeValue => Reading::Value(None),
            Reading::Value(Some(quote)) if char == quote => Reading::BeforeName,
            Reading::Value(None) if is_space => Reading::BeforeName,
            Reading::Value(_) | Reading::Other => self.state,
        };
    }
}
