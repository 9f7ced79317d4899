//! Looks through HTML before anything makes a tree of it. Parsers that follow the standard take time, memory and stack for some inputs that are out of all
//! proportion to their length: for elements within each other without end, for formatting that is opened again in each of thousands of paragraphs, for thousands of
//! attributes. So the standard's own parser runs first, over a tree that remembers depths alone, piece by piece, and ends as soon as there is too much of anything.
//!
//! Invariant: what passes has a tree of at most some five times `DEEPEST` elements within each other, and of about as many elements as it has bytes by three.
//! (Depths are those with which elements are made. Where formatting is closed before the blocks within it, the standard wraps what these blocks have: once for each
//! element of formatting that was open around it, of which there are at most `DEEPEST`, with three more for each.)

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use html5ever::interface::{ElemName, ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::tendril::TendrilSink;
use html5ever::{Attribute, LocalName, Namespace, ParseOpts, QualName, local_name, ns};

/// Elements within each other. Browsers make no deeper trees than 512.
const DEEPEST: u32 = 256;
/// Elements that there may be beyond those that the text can have opened itself.
const EXTRA: usize = 4096;
/// Bytes that are looked through at once.
const PIECE: usize = 4096;
/// Most bytes of HTML.
const LONGEST: usize = 8 << 20;
/// The parser compares each attribute of a tag with all before it. So a tag (or a comment) may have no more bytes than this ...
const LONGEST_TAG: usize = 1 << 20;
/// ... and one that has more than this no more than a word in so many bytes: what has more words is attributes, and what has fewer an image in its address (in Base64
/// every 64th character, on the mean, ends what could be a word).
const LONG_TAG: usize = 64 << 10;
const BYTES_PER_WORD: usize = 32;

/// Looks through HTML.
///
/// # Errors
/// ERR_INVALID_DATA, for what would take a parser too much.
pub(crate) fn check(html: &str) -> Result<()> {
    let refuse = |what: String| Err(EngineError::invalid_data(format!("The HTML {what}")));
    if html.len() > LONGEST {
        return refuse(format!("is longer than {} MiB", LONGEST >> 20));
    }
    // Each element begins with one, and what few of them can make of a short text is little, whatever it is.
    if html.len() <= LONG_TAG && html.bytes().filter(|byte| *byte == b'<').count() <= DEEPEST as usize {
        return Ok(());
    }
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let mut parser = html5ever::parse_fragment(Depths::default(), ParseOpts::default(), context, vec![], false);
    let most_elements = html.len() / 3 + EXTRA;
    // Bytes and words since the parser has made anything.
    let (mut events, mut quiet, mut words) = (0, 0, 0);
    let mut at = 0;
    while at < html.len() {
        let end = floor_char(html, at + PIECE);
        let piece = &html[at..end];
        at = end;
        parser.process(StrTendril::from(piece));
        let depths = &parser.tokenizer.sink.sink;
        if depths.deepest.get() > DEEPEST {
            return refuse(format!("has more than {DEEPEST} elements within each other"));
        }
        if depths.nodes.borrow().len() > most_elements {
            return refuse(
                "has formatting that is not closed, so that its tree would be far larger than its text".to_owned(),
            );
        }
        if events == depths.events.get() {
            quiet += piece.len();
            words += piece.split(|char: char| char.is_ascii_whitespace() || "/\"'".contains(char)).count();
        } else {
            (events, quiet, words) = (depths.events.get(), 0, 0);
        }
        if quiet > LONGEST_TAG || (quiet > LONG_TAG && words > quiet / BYTES_PER_WORD) {
            return refuse(format!(
                "has a tag of more than {} KiB, or of more than {} KiB with many words",
                LONGEST_TAG >> 10,
                LONG_TAG >> 10
            ));
        }
    }
    Ok(())
}

/// The last place up to this one where a character begins.
fn floor_char(text: &str, mut at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A tree of which only depths are remembered: a handle is a node's number.
#[derive(Default)]
struct Depths {
    nodes: RefCell<Vec<Node>>,
    deepest: Cell<u32>,
    /// How often anything was made or put anywhere.
    events: Cell<u64>,
}

struct Node {
    name: QualName,
    parent: usize,
    depth: u32,
    is_integration_point: bool,
}

/// The number of what is no element: the document, comments.
const NONE: usize = usize::MAX;

impl Depths {
    fn count(&self) {
        self.events.set(self.events.get() + 1);
    }

    fn put(&self, parent: usize, child: &NodeOrText<usize>) {
        self.count();
        let NodeOrText::AppendNode(child) = child else { return };
        if *child == NONE {
            return;
        }
        let mut nodes = self.nodes.borrow_mut();
        let depth = nodes.get(parent).map_or(0, |parent| parent.depth) + 1;
        self.deepest.set(self.deepest.get().max(depth));
        if let Some(node) = nodes.get_mut(*child) {
            (node.parent, node.depth) = (parent, depth);
        }
    }
}

/// A name that owns nothing of the tree: it is borrowed no longer than it is asked for.
#[derive(Debug)]
struct Name(QualName);

impl ElemName for Name {
    fn ns(&self) -> &Namespace {
        &self.0.ns
    }

    fn local_name(&self) -> &LocalName {
        &self.0.local
    }
}

impl TreeSink for Depths {
    type Handle = usize;
    type Output = ();
    type ElemName<'a> = Name;

    fn finish(self) {}

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn get_document(&self) -> usize {
        NONE
    }

    fn elem_name<'a>(&'a self, target: &'a usize) -> Name {
        let nodes = self.nodes.borrow();
        Name(nodes.get(*target).map_or_else(|| QualName::new(None, ns!(), local_name!("")), |node| node.name.clone()))
    }

    fn create_element(&self, name: QualName, _attributes: Vec<Attribute>, flags: ElementFlags) -> usize {
        self.count();
        let mut nodes = self.nodes.borrow_mut();
        let is_integration_point = flags.mathml_annotation_xml_integration_point;
        nodes.push(Node { name, parent: NONE, depth: 0, is_integration_point });
        nodes.len() - 1
    }

    fn create_comment(&self, _text: StrTendril) -> usize {
        self.count();
        NONE
    }

    fn create_pi(&self, _target: StrTendril, _data: StrTendril) -> usize {
        NONE
    }

    fn append(&self, parent: &usize, child: NodeOrText<usize>) {
        self.put(*parent, &child);
    }

    fn append_based_on_parent_node(&self, element: &usize, _previous: &usize, child: NodeOrText<usize>) {
        // Beside the element, or in what is before it: no deeper than within it.
        self.put(*element, &child);
    }

    fn append_doctype_to_document(&self, _name: StrTendril, _public: StrTendril, _system: StrTendril) {}

    fn get_template_contents(&self, target: &usize) -> usize {
        *target
    }

    fn same_node(&self, one: &usize, other: &usize) -> bool {
        one == other
    }

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &usize, child: NodeOrText<usize>) {
        let parent = self.nodes.borrow().get(*sibling).map_or(NONE, |node| node.parent);
        self.put(parent, &child);
    }

    fn add_attrs_if_missing(&self, _target: &usize, _attributes: Vec<Attribute>) {}

    fn remove_from_parent(&self, _target: &usize) {
        self.count();
    }

    fn reparent_children(&self, _node: &usize, _new_parent: &usize) {
        self.count();
    }

    fn is_mathml_annotation_xml_integration_point(&self, handle: &usize) -> bool {
        self.nodes.borrow().get(*handle).is_some_and(|node| node.is_integration_point)
    }
}
