//! A tree of HTML, as the standard's parser makes it, in a few long vectors: nodes are numbers, text and values are pieces of two strings.
//!
//! Invariants:
//! 1. Every step of the parser on the tree takes constant time, but for `reparent_children`, which takes as many as there are children. (Siblings are a linked list, so
//!    that a node goes before a table without a search; a text that is appended where the last one ended makes that one longer.)
//! 2. Nothing recurses over it: neither what walks over it (`Walk`) nor its end.
//! 3. Memory that is refused ends as `Fault::OutOfMemory`. Only what the parser itself holds at one time is without this: tokens, and the stack of open elements.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use html5ever::interface::{ElemName, ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::{Attribute, LocalName, Namespace, QualName, local_name, ns};

use super::DEEPEST;

/// A node's number.
pub(super) type Id = u32;

/// The number of none: no parent, no sibling, and of what is not kept (comments).
pub(super) const NONE: Id = Id::MAX;
const DOCUMENT: Id = 0;

/// Names of elements that there may be: a table of names that the parser keeps gets slow with many.
const MOST_NAMES: usize = 4096;

pub(super) struct Tree {
    nodes: Vec<Node>,
    names: Vec<QualName>,
    text: String,
    attributes: Vec<Kept>,
    values: String,
}

struct Node {
    parent: Id,
    previous: Id,
    next: Id,
    first: Id,
    last: Id,
    kind: Kind,
    depth: u16,
    /// How many elements of formatting are around it, with itself.
    formatting: u16,
}

#[derive(Clone, Copy)]
enum Kind {
    Element { name: u32, attributes: u32, count: u16, is_integration_point: bool },
    Text { start: u32, end: u32 },
}

/// An attribute that was asked for.
struct Kept {
    name: LocalName,
    start: u32,
    end: u32,
}

/// What a node is.
pub(super) enum Content<'a> {
    Element(&'a QualName),
    Text(&'a str),
}

impl Tree {
    pub(super) fn content(&self, id: Id) -> Content<'_> {
        match self.nodes[id as usize].kind {
            Kind::Element { name, .. } => Content::Element(&self.names[name as usize]),
            Kind::Text { start, end } => Content::Text(&self.text[start as usize..end as usize]),
        }
    }

    /// The name of an element of HTML.
    pub(super) fn html_name(&self, id: Id) -> Option<&LocalName> {
        match self.content(id) {
            Content::Element(name) if name.ns == ns!(html) => Some(&name.local),
            _ => None,
        }
    }

    pub(super) fn attributes(&self, id: Id) -> impl Iterator<Item = (&LocalName, &str)> {
        let range = match self.nodes[id as usize].kind {
            Kind::Element { attributes, count, .. } => attributes as usize..attributes as usize + usize::from(count),
            Kind::Text { .. } => 0..0,
        };
        self.attributes[range].iter().map(|kept| (&kept.name, &self.values[kept.start as usize..kept.end as usize]))
    }

    pub(super) fn attribute(&self, id: Id, name: &LocalName) -> Option<&str> {
        self.attributes(id).find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    pub(super) fn children(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        let id_or_none = |id: Id| (id != NONE).then_some(id);
        std::iter::successors(id_or_none(self.nodes[id as usize].first), move |child| {
            id_or_none(self.nodes[*child as usize].next)
        })
    }

    /// How many nodes there are, which is how long a walk is.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }
}

/// A walk over the nodes of a fragment, without a stack.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    root: Id,
    at: Id,
    is_entering: bool,
}

/// A node is entered, then all within it is walked over, then it is left.
#[derive(Clone, Copy)]
pub(super) enum Event {
    Enter(Id),
    Leave(Id),
}

impl Walk {
    pub(super) fn new(tree: &Tree) -> Self {
        // The parser puts a fragment into an element `html` of its own.
        let root = tree.nodes[DOCUMENT as usize].first;
        Self { root, at: root, is_entering: true }
    }

    /// The next event, after which `skip` may leave out what is within the node.
    pub(super) fn next(&mut self, tree: &Tree) -> Option<Event> {
        loop {
            if self.at == NONE {
                return None;
            }
            let (id, node) = (self.at, &tree.nodes[self.at as usize]);
            if self.is_entering {
                match node.first {
                    NONE => self.is_entering = false,
                    child => self.at = child,
                }
                if id != self.root {
                    return Some(Event::Enter(id));
                }
                continue;
            }
            if id == self.root {
                self.at = NONE;
                return None;
            }
            match node.next {
                NONE => self.at = node.parent,
                next => (self.at, self.is_entering) = (next, true),
            }
            return Some(Event::Leave(id));
        }
    }

    /// Leaves out what is within the node that was entered last.
    pub(super) fn skip(&mut self, id: Id) {
        (self.at, self.is_entering) = (id, false);
    }
}

/// Why parsing has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    OutOfMemory(usize),
    TooDeep,
    TooManyNames,
}

/// Which attributes are kept, of an element of this name.
pub(super) type Keep<'a> = &'a dyn Fn(&QualName, &LocalName) -> bool;

/// A tree that is being made.
pub(super) struct Maker<'a> {
    tree: RefCell<Tree>,
    names: RefCell<Names>,
    keep: Keep<'a>,
    fault: Cell<Option<Fault>>,
    work: Cell<u64>,
    elements: Cell<usize>,
    /// How many attributes the element had that was made last.
    last_attributes: Cell<u64>,
}

#[derive(Default)]
struct Names {
    all: Vec<Rc<QualName>>,
    numbers: HashMap<Rc<QualName>, u32>,
}

impl<'a> Maker<'a> {
    /// A tree with room for what a text with so many bytes and tags makes.
    pub(super) fn new(bytes: usize, tags: usize, keep: Keep<'a>) -> Result<Self, Fault> {
        let mut tree =
            Tree { nodes: vec![], names: vec![], text: String::new(), attributes: vec![], values: String::new() };
        let nodes = 2 * tags + 8;
        let reserved = tree.nodes.try_reserve_exact(nodes).is_ok() && tree.text.try_reserve_exact(bytes).is_ok();
        if !reserved {
            return Err(Fault::OutOfMemory(nodes * size_of::<Node>() + bytes));
        }
        let maker = Self {
            tree: RefCell::new(tree),
            names: RefCell::default(),
            keep,
            fault: Cell::new(None),
            work: Cell::new(0),
            elements: Cell::new(0),
            last_attributes: Cell::new(0),
        };
        maker.create_element(QualName::new(None, ns!(), local_name!("")), vec![], ElementFlags::default());
        Ok(maker)
    }

    /// Bytes that a tree takes for so many bytes of text and tags.
    pub(super) fn memory(bytes: usize, tags: usize) -> usize {
        bytes + (2 * tags + 8) * size_of::<Node>()
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault.get()
    }

    /// What the parser has done so far, in steps of some nanoseconds.
    pub(super) fn work(&self) -> u64 {
        self.work.get()
    }

    pub(super) fn elements(&self) -> usize {
        self.elements.get()
    }

    fn did(&self, work: u64) {
        self.work.set(self.work.get() + work);
    }

    fn fail(&self, fault: Fault) {
        self.fault.set(self.fault.get().or(Some(fault)));
    }

    /// A number for a new node; `NONE` without memory.
    fn add(&self, kind: Kind) -> Id {
        let nodes = &mut self.tree.borrow_mut().nodes;
        if nodes.try_reserve(1).is_err() {
            self.fail(Fault::OutOfMemory(nodes.len() * size_of::<Node>()));
            return NONE;
        }
        nodes.push(Node {
            parent: NONE,
            previous: NONE,
            next: NONE,
            first: NONE,
            last: NONE,
            kind,
            depth: 0,
            formatting: 0,
        });
        Id::try_from(nodes.len() - 1).unwrap_or(NONE)
    }

    /// The number of a text, which is put where the node before it was: that one, made longer, if that is where it has ended.
    fn add_text(&self, before: Option<Id>, text: &str) -> Option<Id> {
        let range = {
            let tree = &mut *self.tree.borrow_mut();
            if tree.text.try_reserve(text.len()).is_err() {
                self.fail(Fault::OutOfMemory(tree.text.len()));
                return None;
            }
            let start = tree.text.len();
            tree.text.push_str(text);
            let (start, new_end) = (start as u32, tree.text.len() as u32);
            if let Some(before) = before
                && let Kind::Text { end, .. } = &mut tree.nodes[before as usize].kind
                && *end == start
            {
                *end = new_end;
                return None;
            }
            start..new_end
        };
        let id = self.add(Kind::Text { start: range.start, end: range.end });
        (id != NONE).then_some(id)
    }

    /// Puts a node, which is nowhere, into `parent`, before `next` (`NONE`: at its end).
    fn insert(&self, parent: Id, next: Id, child: Id) {
        self.did(1);
        let nodes = &mut self.tree.borrow_mut().nodes;
        let (depth, around) = (nodes[parent as usize].depth + 1, nodes[parent as usize].formatting);
        let previous = if next == NONE { nodes[parent as usize].last } else { nodes[next as usize].previous };
        let node = &mut nodes[child as usize];
        (node.parent, node.previous, node.next, node.depth) = (parent, previous, next, depth);
        if let Kind::Element { name, .. } = node.kind {
            let is_formatting = self.names.borrow().all[name as usize].is_formatting();
            node.formatting = around + u16::from(is_formatting);
            // The parser compares such an element, and its attributes, with those of its kind around it.
            if is_formatting {
                self.did((4 + 10 * self.last_attributes.get()) * u64::from(around));
            }
            // The first is the fragment's own.
            if u32::from(depth) > DEEPEST + 1 {
                self.fail(Fault::TooDeep);
            }
        }
        match previous {
            NONE => nodes[parent as usize].first = child,
            previous => nodes[previous as usize].next = child,
        }
        match next {
            NONE => nodes[parent as usize].last = child,
            next => nodes[next as usize].previous = child,
        }
    }

    fn detach(&self, id: Id) {
        let nodes = &mut self.tree.borrow_mut().nodes;
        let node = &mut nodes[id as usize];
        let (parent, previous, next) = (node.parent, node.previous, node.next);
        (node.parent, node.previous, node.next) = (NONE, NONE, NONE);
        if parent == NONE {
            return;
        }
        match previous {
            NONE => nodes[parent as usize].first = next,
            previous => nodes[previous as usize].next = next,
        }
        match next {
            NONE => nodes[parent as usize].last = previous,
            next => nodes[next as usize].previous = previous,
        }
    }

    fn put(&self, parent: Id, next: Id, child: NodeOrText<Id>) {
        self.did(1);
        // After a fault handles may be none; the parser is about to be stopped.
        if parent == NONE || self.fault.get().is_some() {
            return;
        }
        match child {
            NodeOrText::AppendNode(NONE) => {}
            NodeOrText::AppendNode(child) => {
                self.detach(child);
                self.insert(parent, next, child);
            }
            NodeOrText::AppendText(text) => {
                let before = {
                    let nodes = &self.tree.borrow().nodes;
                    if next == NONE { nodes[parent as usize].last } else { nodes[next as usize].previous }
                };
                if let Some(child) = self.add_text((before != NONE).then_some(before), &text) {
                    self.insert(parent, next, child);
                }
            }
        }
    }

    fn parent(&self, id: Id) -> Id {
        self.tree.borrow().nodes.get(id as usize).map_or(NONE, |node| node.parent)
    }

    /// The attributes that are wanted: where they begin, and how many there are.
    fn keep(&self, name: &QualName, attributes: &[Attribute]) -> (u32, u16) {
        let tree = &mut *self.tree.borrow_mut();
        let (first, mut count) = (tree.attributes.len(), 0);
        for attribute in attributes {
            if attribute.name.ns != ns!() || count == u16::MAX || !(self.keep)(name, &attribute.name.local) {
                continue;
            }
            let value = &*attribute.value;
            if tree.values.try_reserve(value.len()).is_err() || tree.attributes.try_reserve(1).is_err() {
                self.fail(Fault::OutOfMemory(tree.values.len() + value.len()));
                break;
            }
            let start = tree.values.len() as u32;
            tree.values.push_str(value);
            tree.attributes.push(Kept { name: attribute.name.local.clone(), start, end: tree.values.len() as u32 });
            count += 1;
        }
        (first as u32, count)
    }
}

trait Formatting {
    fn is_formatting(&self) -> bool;
}

impl Formatting for QualName {
    fn is_formatting(&self) -> bool {
        self.ns == ns!(html)
            && matches!(
                &*self.local,
                "a" | "b"
                    | "big"
                    | "code"
                    | "em"
                    | "font"
                    | "i"
                    | "nobr"
                    | "s"
                    | "small"
                    | "strike"
                    | "strong"
                    | "tt"
                    | "u"
            )
    }
}

/// A name that owns nothing of the tree: it is borrowed no longer than it is asked for.
#[derive(Debug)]
pub(super) struct Name(Rc<QualName>);

impl ElemName for Name {
    fn ns(&self) -> &Namespace {
        &self.0.ns
    }

    fn local_name(&self) -> &LocalName {
        &self.0.local
    }
}

impl TreeSink for Maker<'_> {
    type Handle = Id;
    type Output = Tree;
    type ElemName<'b>
        = Name
    where
        Self: 'b;

    fn finish(self) -> Tree {
        let mut tree = self.tree.into_inner();
        tree.names = self.names.into_inner().all.iter().map(|name| (**name).clone()).collect();
        tree
    }

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn get_document(&self) -> Id {
        DOCUMENT
    }

    fn elem_name<'b>(&'b self, target: &'b Id) -> Name {
        self.did(1);
        let number = match self.tree.borrow().nodes.get(*target as usize) {
            Some(Node { kind: Kind::Element { name, .. }, .. }) => *name,
            // The document's: that of nothing.
            _ => 0,
        };
        Name(Rc::clone(&self.names.borrow().all[number as usize]))
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, flags: ElementFlags) -> Id {
        self.did(4 + attributes.len() as u64);
        self.last_attributes.set(attributes.len() as u64);
        self.elements.set(self.elements.get() + 1);
        let (first, count) = self.keep(&name, &attributes);
        let number = {
            let names = &mut *self.names.borrow_mut();
            match names.numbers.get(&name) {
                Some(number) => *number,
                None => {
                    if names.all.len() >= MOST_NAMES {
                        self.fail(Fault::TooManyNames);
                    }
                    let (name, number) = (Rc::new(name), names.all.len() as u32);
                    names.all.push(Rc::clone(&name));
                    names.numbers.insert(name, number);
                    number
                }
            }
        };
        let is_integration_point = flags.mathml_annotation_xml_integration_point;
        self.add(Kind::Element { name: number, attributes: first, count, is_integration_point })
    }

    fn create_comment(&self, _text: StrTendril) -> Id {
        NONE
    }

    fn create_pi(&self, _target: StrTendril, _data: StrTendril) -> Id {
        NONE
    }

    fn append(&self, parent: &Id, child: NodeOrText<Id>) {
        self.put(*parent, NONE, child);
    }

    fn append_based_on_parent_node(&self, element: &Id, previous: &Id, child: NodeOrText<Id>) {
        match self.parent(*element) {
            NONE => self.put(*previous, NONE, child),
            parent => self.put(parent, *element, child),
        }
    }

    fn append_doctype_to_document(&self, _name: StrTendril, _public: StrTendril, _system: StrTendril) {}

    fn get_template_contents(&self, target: &Id) -> Id {
        *target
    }

    fn same_node(&self, one: &Id, other: &Id) -> bool {
        self.did(1);
        one == other
    }

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Id, child: NodeOrText<Id>) {
        self.put(self.parent(*sibling), *sibling, child);
    }

    fn add_attrs_if_missing(&self, _target: &Id, _attributes: Vec<Attribute>) {}

    fn remove_from_parent(&self, target: &Id) {
        self.did(1);
        if *target != NONE {
            self.detach(*target);
        }
    }

    fn reparent_children(&self, node: &Id, new_parent: &Id) {
        if *node == NONE || *new_parent == NONE || self.fault.get().is_some() {
            return;
        }
        loop {
            let child = self.tree.borrow().nodes[*node as usize].first;
            if child == NONE {
                break;
            }
            self.detach(child);
            self.insert(*new_parent, NONE, child);
        }
    }

    fn is_mathml_annotation_xml_integration_point(&self, handle: &Id) -> bool {
        let nodes = &self.tree.borrow().nodes;
        matches!(nodes.get(*handle as usize), Some(Node { kind: Kind::Element { is_integration_point: true, .. }, .. }))
    }
}
