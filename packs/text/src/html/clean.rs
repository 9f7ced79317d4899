//! Makes HTML clean: of the tree that the standard's parser makes of it, what is allowed is written anew.
//!
//! Invariants:
//! 1. An element is written only if it is one of HTML (not of SVG, say) and its tag is one that `policy` lets be allowed (or rendered of Markdown: `section`, `input`). None of these has content
//!    that parsers take for anything but elements and text; so what was text stays text, however often it is parsed again.
//! 2. `<`, `>`, `&` and no-break spaces of text are written as references, and quotes in values, too.

use heavy_load_kernel::value::Value;
use heavy_load_kernel::{Next, Result, Step, Stepped};
use html5ever::ns;
use std::time::{Duration, Instant};

use super::Policy;
use super::parse::{Source, parse};
use super::tree::{Content, Event, Tree, Walk};
use crate::text::{self, Text};

/// How long a step takes, but for the first, which parses.
const SLICE: Duration = Duration::from_micros(500);
/// Nodes between looks at the clock.
const AT_ONCE: usize = 64;

/// HTML that is being made clean.
pub(crate) enum Cleaning {
    Waiting { html: Option<Html>, source: Source, policy: Policy },
    Writing(Writing),
}

/// HTML that is there, or that there will be.
pub(crate) enum Html {
    Given(Text),
    Made(String),
}

impl Cleaning {
    pub(crate) fn new(html: Html, source: Source, policy: Policy) -> Self {
        Self::Waiting { html: Some(html), source, policy }
    }
}

impl Stepped for Cleaning {
    fn step(&mut self, _units: u64) -> Result<Step> {
        match self {
            Self::Waiting { html, source, policy } => {
                let html = match html.take() {
                    Some(Html::Given(text)) => text.read()?,
                    Some(Html::Made(html)) => html,
                    None => return Ok(Step::Done(Next::Done(Value::Null))),
                };
                let policy = std::mem::take(policy);
                let tree = parse(&html, *source, &|element, name| policy.keeps_attribute(&element.local, name))?;
                let mut out = String::new();
                text::reserve(&mut out, html.len())?;
                let walk = Walk::new(&tree);
                *self = Self::Writing(Writing { tree, walk, policy, out, done: 0 });
                Ok(Step::More { progress: 0.5 })
            }
            Self::Writing(writing) => {
                let began = Instant::now();
                loop {
                    for _ in 0..AT_ONCE {
                        if !writing.next()? {
                            let out = std::mem::take(&mut writing.out);
                            return Ok(Step::Done(Next::Done(Value::String(out))));
                        }
                    }
                    if began.elapsed() >= SLICE {
                        let share = writing.done as f64 / (2 * writing.tree.len()) as f64;
                        return Ok(Step::More { progress: 0.5 + share / 2.0 });
                    }
                }
            }
        }
    }
}

pub(crate) struct Writing {
    tree: Tree,
    walk: Walk,
    policy: Policy,
    out: String,
    done: usize,
}

impl Writing {
    /// Writes what the next event says; false at the end.
    fn next(&mut self) -> Result<bool> {
        let Some(event) = self.walk.next(&self.tree) else { return Ok(false) };
        self.done += 1;
        match event {
            Event::Enter(id) => match self.tree.content(id) {
                Content::Text(text) => escape(&mut self.out, text, false)?,
                Content::Element(name) => {
                    let (tag, is_html) = (&*name.local, name.ns == ns!(html));
                    if matches!(tag, "script" | "style" | "template") {
                        self.walk.skip(id);
                    } else if is_html && self.policy.keeps_tag(tag) {
                        text::append(&mut self.out, "<")?;
                        text::append(&mut self.out, tag)?;
                        for (name, value) in self.tree.attributes(id) {
                            if let Some(value) = self.policy.value(tag, name, value) {
                                attribute(&mut self.out, name, &value)?;
                            }
                        }
                        for (name, value) in self.policy.added(tag) {
                            attribute(&mut self.out, name, value)?;
                        }
                        text::append(&mut self.out, ">")?;
                        if is_void(tag) {
                            self.walk.skip(id);
                        }
                    }
                }
            },
            Event::Leave(id) => {
                if let Some(tag) = self.tree.html_name(id)
                    && self.policy.keeps_tag(tag)
                    && !is_void(tag)
                {
                    text::append(&mut self.out, "</")?;
                    text::append(&mut self.out, tag)?;
                    text::append(&mut self.out, ">")?;
                }
            }
        }
        Ok(true)
    }
}

fn attribute(out: &mut String, name: &str, value: &str) -> Result<()> {
    text::append(out, " ")?;
    text::append(out, name)?;
    text::append(out, "=\"")?;
    escape(out, value, true)?;
    text::append(out, "\"")
}

/// Appends text, or a value in quotes.
fn escape(out: &mut String, text: &str, is_value: bool) -> Result<()> {
    text::bound(out.len().saturating_add(text.len()))?;
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let (reference, len) = match byte {
            b'&' => ("&amp;", 1),
            b'<' => ("&lt;", 1),
            b'>' => ("&gt;", 1),
            b'"' if is_value => ("&quot;", 1),
            0xc2 if text.as_bytes()[at + 1] == 0xa0 => ("&nbsp;", 2),
            _ => continue,
        };
        text::append(out, &text[from..at])?;
        text::append(out, reference)?;
        from = at + len;
    }
    text::append(out, &text[from..])
}

/// Whether an element has no content, and no end tag.
fn is_void(tag: &str) -> bool {
    matches!(tag, "area" | "br" | "col" | "hr" | "img" | "input" | "source" | "track" | "wbr")
}
