//! HTML as Markdown: blocks, from one walk over the tree. What is within them is in `inline`.
//!
//! Invariants:
//! 1. Time is linear in the tree and the output, and the output is bounded: quotes and lists within each other repeat their marks in each line.
//! 2. All text comes out, but that of elements which show none (`is_hidden`). A table has as many columns as its longest row.

use std::time::{Duration, Instant};

use heavy_load_kernel::value::Value;
use heavy_load_kernel::{Next, Result, Step, Stepped};
use html5ever::{LocalName, QualName, local_name, ns};

use super::inline::{Line, Mark, Place, fence, is_space};
use super::parse::{GIVEN, parse};
use super::tree::{Content, Event, Id, Tree, Walk};
use crate::text::{self, Text};

/// How long a step takes, but for the first, which parses, and for a block.
const SLICE: Duration = Duration::from_micros(500);
/// Nodes between looks at the clock.
const AT_ONCE: usize = 64;

/// HTML that is being converted.
pub(crate) enum Converting {
    Waiting(Option<Text>),
    Writing(Box<Writer>),
}

impl Converting {
    pub(crate) fn new(html: Text) -> Self {
        Self::Waiting(Some(html))
    }
}

impl Stepped for Converting {
    fn step(&mut self, _units: u64) -> Result<Step> {
        match self {
            Self::Waiting(html) => {
                let Some(html) = html.take() else { return Ok(Step::Done(Next::Done(Value::Null))) };
                let html = html.read()?;
                let tree = parse(&html, GIVEN, &is_used)?;
                *self = Self::Writing(Box::new(Writer::new(tree)));
                Ok(Step::More { progress: 0.5 })
            }
            Self::Writing(writer) => {
                let began = Instant::now();
                loop {
                    for _ in 0..AT_ONCE {
                        if !writer.next()? {
                            let out = std::mem::take(&mut writer.out);
                            return Ok(Step::Done(Next::Done(Value::String(out))));
                        }
                    }
                    if began.elapsed() >= SLICE {
                        let share = writer.done as f64 / (2 * writer.tree.len()) as f64;
                        return Ok(Step::More { progress: 0.5 + share / 2.0 });
                    }
                }
            }
        }
    }
}

/// Whether an attribute means something to this.
fn is_used(element: &QualName, name: &LocalName) -> bool {
    matches!(
        (&*element.local, &**name),
        ("a", "href" | "title") | ("img", "src" | "alt" | "title") | ("ol", "start") | ("code" | "pre", "class")
    )
}

/// What an element has begun, and ends with it.
#[derive(Clone, Copy, Debug)]
enum Begun {
    Mark(Mark),
    Code,
    /// A paragraph of its own.
    Block,
    /// A block within a line.
    Edge,
    Heading(usize),
    Pre,
    Quote,
    List,
    Item,
    Table,
    Caption,
    Row,
    Cell,
}

struct List {
    number: Option<u32>,
    is_loose: bool,
    /// Whether its first item follows text closely.
    is_close: bool,
    is_other: bool,
    count: usize,
    /// How many containers it is in.
    depth: usize,
}

struct Table {
    columns: usize,
    has_header: bool,
    rows: usize,
    /// How many cells of the row there are; `None` between rows.
    row: Option<usize>,
}

/// A quote, an item, or all of the document.
#[derive(Default)]
struct Container {
    is_filled: bool,
    is_tight: bool,
    /// How much longer it makes the prefix.
    width: usize,
    /// The list that was its last block: whether it has numbers, and the other mark.
    last_list: Option<(bool, bool)>,
}

pub(crate) struct Writer {
    tree: Tree,
    walk: Walk,
    done: usize,
    out: String,
    /// What every line begins with.
    prefix: String,
    containers: Vec<Container>,
    /// After the mark of a quote or an item, where a block may begin.
    is_fresh: bool,
    line: Line,
    begun: Vec<(Id, Begun)>,
    /// Marks that are open, from the outside.
    marks: Vec<Mark>,
    lists: Vec<List>,
    table: Option<Table>,
    heading: bool,
    pre: Option<String>,
    language: String,
}

impl Writer {
    fn new(tree: Tree) -> Self {
        Self {
            walk: Walk::new(&tree),
            tree,
            done: 0,
            out: String::new(),
            prefix: String::new(),
            containers: vec![Container::default()],
            is_fresh: false,
            line: Line::default(),
            begun: vec![],
            marks: vec![],
            lists: vec![],
            table: None,
            heading: false,
            pre: None,
            language: String::new(),
        }
    }

    /// Writes what the next event says; false at the end.
    fn next(&mut self) -> Result<bool> {
        let Some(event) = self.walk.next(&self.tree) else {
            self.flush()?;
            return Ok(false);
        };
        self.done += 1;
        match event {
            Event::Enter(id) => self.enter(id)?,
            Event::Leave(id) => {
                while let Some((of, begun)) = self.begun.last().copied()
                    && of == id
                {
                    self.begun.pop();
                    self.end(begun)?;
                }
            }
        }
        Ok(true)
    }

    fn enter(&mut self, id: Id) -> Result<()> {
        let tag = match self.tree.content(id) {
            Content::Text(text) => {
                if let Some(pre) = &mut self.pre {
                    return text::append(pre, text);
                }
                return self.line.text(text);
            }
            Content::Element(name) => {
                if is_hidden(&name.local) {
                    self.walk.skip(id);
                    return Ok(());
                }
                if name.ns != ns!(html) {
                    return Ok(());
                }
                name.local.clone()
            }
        };
        let tag = &*tag;
        if let Some(pre) = &mut self.pre {
            if tag == "br" || (is_block(tag) && !pre.is_empty() && !pre.ends_with('\n')) {
                text::append(pre, "\n")?;
            }
            if tag == "code" && pre.is_empty() && self.language.is_empty() {
                self.language = language(&self.tree, id);
            }
            return Ok(());
        }
        if tag == "br" {
            return self.line.line_break(false);
        }
        if self.line.is_in_code() {
            return if is_block(tag) { self.begin_edge(id) } else { Ok(()) };
        }
        match tag {
            "b" | "strong" => self.open(id, Mark::Strong),
            "i" | "em" => self.open(id, Mark::Emphasis),
            "del" | "s" | "strike" => self.open(id, Mark::Deleted),
            "a" if self.tree.attribute(id, &local_name!("href")).is_some() => self.open(id, Mark::Link(id)),
            "code" | "kbd" | "samp" | "tt" => {
                self.line.open_code();
                self.begun.push((id, Begun::Code));
            }
            "img" => self.line.image(id)?,
            "caption" | "tr" | "td" | "th" if self.table.is_some() && self.is_part_of_table() => {
                self.enter_part(id, tag)?;
            }
            // Parts of a table that are none of its rows.
            "thead" | "tbody" | "tfoot" if self.table.is_some() && self.is_part_of_table() => self.loose_cell()?,
            _ if !is_block(tag) => {}
            "pre" | "xmp" | "listing" | "plaintext" if self.is_in_line() => {
                self.line.line_break(true)?;
                self.line.open_code();
                self.begun.push((id, Begun::Edge));
                self.begun.push((id, Begun::Code));
            }
            _ if self.is_in_line() => self.begin_edge(id)?,
            _ => {
                self.flush()?;
                self.enter_block(id, tag)?;
            }
        }
        Ok(())
    }

    fn enter_block(&mut self, id: Id, tag: &str) -> Result<()> {
        let begun = match tag {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.heading = true;
                Begun::Heading(usize::from(tag.as_bytes()[1] - b'0'))
            }
            "pre" | "xmp" | "listing" | "plaintext" => {
                self.pre = Some(String::new());
                self.language = language(&self.tree, id);
                Begun::Pre
            }
            "hr" => {
                // After the mark of an item it would be one line of marks.
                let rule = if self.is_fresh { "___" } else { "* * *" };
                return self.block(rule);
            }
            "blockquote" => {
                self.begin_block(false)?;
                self.contain("> ", "> ")?;
                Begun::Quote
            }
            "ul" | "ol" | "menu" | "dir" => {
                self.begin_list(id, tag == "ol");
                Begun::List
            }
            "li" => {
                self.begin_item()?;
                Begun::Item
            }
            "table" => {
                self.table = Some(shape(&self.tree, id));
                Begun::Table
            }
            _ => Begun::Block,
        };
        self.begun.push((id, begun));
        Ok(())
    }

    /// A caption, a row or a cell begins.
    fn enter_part(&mut self, id: Id, tag: &str) -> Result<()> {
        self.loose_cell()?;
        let begun = match tag {
            "caption" => Begun::Caption,
            "tr" => {
                self.begin_row()?;
                Begun::Row
            }
            _ => {
                if self.table.as_ref().is_some_and(|table| table.row.is_none()) {
                    self.begin_row()?;
                }
                Begun::Cell
            }
        };
        self.begun.push((id, begun));
        Ok(())
    }

    fn end(&mut self, begun: Begun) -> Result<()> {
        match begun {
            Begun::Mark(mark) => {
                self.marks.pop();
                self.line.close(mark)
            }
            Begun::Code => self.line.close_code(),
            Begun::Block => self.flush(),
            Begun::Edge => self.line.line_break(true),
            Begun::Heading(level) => {
                let content = self.content(Place::Heading)?;
                self.heading = false;
                self.begin_block(false)?;
                self.write(&"######"[..level])?;
                if !content.is_empty() {
                    self.write(" ")?;
                }
                self.write(&content)
            }
            Begun::Pre => {
                let content = self.pre.take().unwrap_or_default();
                let content = content.strip_suffix('\n').unwrap_or(&content);
                let fence = fence(content, 3)?;
                let language = std::mem::take(&mut self.language);
                self.begin_block(false)?;
                self.write(&fence)?;
                self.write(&language)?;
                for line in content.split('\n') {
                    self.new_line(line.is_empty())?;
                    self.write(line)?;
                }
                self.new_line(false)?;
                self.write(&fence)
            }
            Begun::Quote | Begun::Item => {
                self.flush()?;
                self.leave();
                Ok(())
            }
            Begun::List => {
                self.flush()?;
                if let (Some(list), Some(container)) = (self.lists.pop(), self.containers.last_mut())
                    && list.count > 0
                {
                    container.last_list = Some((list.number.is_some(), list.is_other));
                }
                Ok(())
            }
            Begun::Table => {
                self.loose_cell()?;
                self.table = None;
                Ok(())
            }
            Begun::Caption => {
                if self.table.as_ref().is_some_and(|table| table.rows > 0) {
                    return self.loose_cell();
                }
                let content = self.content(Place::Caption)?;
                if content.is_empty() { Ok(()) } else { self.block(&content) }
            }
            Begun::Row => {
                self.loose_cell()?;
                self.end_row()
            }
            Begun::Cell => self.cell(),
        }
    }

    /// Whether blocks are edges within a line here.
    fn is_in_line(&self) -> bool {
        self.heading || self.table.is_some()
    }

    /// Whether a row or a cell would be of the table, and not of one within a cell.
    fn is_part_of_table(&self) -> bool {
        for (_, begun) in self.begun.iter().rev() {
            match begun {
                Begun::Table | Begun::Row => return true,
                Begun::Cell | Begun::Caption | Begun::Edge => return false,
                _ => {}
            }
        }
        false
    }

    fn begin_edge(&mut self, id: Id) -> Result<()> {
        self.begun.push((id, Begun::Edge));
        self.line.line_break(true)
    }

    /// Opens a mark that is not open.
    fn open(&mut self, id: Id, mark: Mark) {
        let is_open = self.marks.iter().any(|open| std::mem::discriminant(open) == std::mem::discriminant(&mark));
        if !is_open {
            self.marks.push(mark);
            self.line.open(mark);
            self.begun.push((id, Begun::Mark(mark)));
        }
    }

    /// The content that there is, as a line. Marks go on after it.
    fn content(&mut self, place: Place) -> Result<String> {
        for mark in self.marks.iter().rev() {
            self.line.close(*mark)?;
        }
        let content = self.line.take(&self.tree, place)?;
        for mark in &self.marks {
            self.line.open(*mark);
        }
        Ok(content)
    }

    /// Ends the paragraph that there is.
    fn flush(&mut self) -> Result<()> {
        let content = self.content(Place::Paragraph)?;
        if content.is_empty() { Ok(()) } else { self.block(&content) }
    }

    fn block(&mut self, content: &str) -> Result<()> {
        self.begin_block(false)?;
        for (index, line) in content.split('\n').enumerate() {
            if index > 0 {
                self.new_line(line.is_empty())?;
            }
            self.write(line)?;
        }
        Ok(())
    }

    /// Goes to where a block may begin; `is_close`: in the next line.
    fn begin_block(&mut self, is_close: bool) -> Result<()> {
        let is_filled = self.containers.last().is_some_and(|container| container.is_filled);
        if is_filled && !self.is_fresh {
            if !is_close {
                self.new_line(true)?;
            }
            self.new_line(false)?;
        }
        self.is_fresh = false;
        if let Some(container) = self.containers.last_mut() {
            (container.is_filled, container.last_list) = (true, None);
        }
        Ok(())
    }

    fn new_line(&mut self, is_blank: bool) -> Result<()> {
        let prefix = if is_blank { self.prefix.trim_end() } else { &self.prefix };
        text::bound(self.out.len().saturating_add(prefix.len() + 1))?;
        text::append(&mut self.out, "\n")?;
        text::append(&mut self.out, prefix)
    }

    fn write(&mut self, text: &str) -> Result<()> {
        text::bound(self.out.len().saturating_add(text.len()))?;
        text::append(&mut self.out, text)
    }

    /// Begins a quote or an item.
    fn contain(&mut self, mark: &str, prefix: &str) -> Result<()> {
        self.write(mark)?;
        text::append(&mut self.prefix, prefix)?;
        self.containers.push(Container { width: prefix.len(), ..Container::default() });
        self.is_fresh = true;
        Ok(())
    }

    fn leave(&mut self) {
        if self.is_fresh {
            self.out.truncate(self.out.trim_end_matches(' ').len());
            self.is_fresh = false;
        }
        let width = self.containers.pop().map_or(0, |container| container.width);
        self.prefix.truncate(self.prefix.len() - width);
    }

    fn begin_list(&mut self, id: Id, has_numbers: bool) {
        let start = self.tree.attribute(id, &local_name!("start"));
        let start = start.and_then(|start| start.trim().parse().ok()).filter(|start| *start < 900_000_000).unwrap_or(1);
        let mut is_loose = false;
        let mut begins_with_text = None;
        for child in self.tree.children(id) {
            if self.tree.html_name(child) != Some(&local_name!("li")) {
                continue;
            }
            let has_text =
                |id| matches!(self.tree.content(id), Content::Text(text) if !text.trim_matches(is_space).is_empty());
            begins_with_text.get_or_insert_with(|| self.tree.children(child).any(has_text));
            is_loose |= self.tree.children(child).any(|block| self.tree.html_name(block) == Some(&local_name!("p")));
        }
        let container = self.containers.last();
        // A list that follows a paragraph in the next line has to begin with text, and with 1.
        let is_close = container.is_some_and(|container| container.is_tight && container.is_filled)
            && begins_with_text == Some(true)
            && (!has_numbers || start == 1);
        // Two lists that follow each other would be one.
        let is_other = container.is_some_and(|container| container.last_list == Some((has_numbers, false)));
        let number = has_numbers.then_some(start);
        self.lists.push(List { number, is_loose, is_close, is_other, count: 0, depth: self.containers.len() });
    }

    fn begin_item(&mut self) -> Result<()> {
        let (mark, is_close, is_tight) = match self.lists.last_mut() {
            None => ("* ".to_owned(), false, true),
            Some(list) => {
                let is_close = if list.count > 0 { !list.is_loose } else { list.is_close };
                // An item within an item, without a list of its own, is no next item.
                let is_close = is_close && list.depth == self.containers.len();
                list.count += 1;
                let mark = match (&mut list.number, list.is_other) {
                    (None, false) => "* ".to_owned(),
                    (None, true) => "- ".to_owned(),
                    (Some(number), is_other) => {
                        let mark = format!("{number}{} ", if is_other { ')' } else { '.' });
                        *number += 1;
                        mark
                    }
                };
                (mark, is_close, !list.is_loose)
            }
        };
        self.begin_block(is_close)?;
        self.contain(&mark, &"            "[..mark.len()])?;
        if let Some(container) = self.containers.last_mut() {
            container.is_tight = is_tight;
        }
        Ok(())
    }

    fn begin_row(&mut self) -> Result<()> {
        let Some(table) = &mut self.table else { return Ok(()) };
        let (is_first, has_header, columns) = (table.rows == 0, table.has_header, table.columns);
        table.row = Some(0);
        if is_first {
            self.begin_block(false)?;
        } else {
            self.new_line(false)?;
        }
        if is_first && !has_header {
            self.write("|")?;
            for _ in 0..columns {
                self.write("  |")?;
            }
            self.rule(columns)?;
            self.new_line(false)?;
        }
        self.write("|")
    }

    fn rule(&mut self, columns: usize) -> Result<()> {
        self.new_line(false)?;
        self.write("|")?;
        for _ in 0..columns {
            self.write(" --- |")?;
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<()> {
        let Some(table) = &mut self.table else { return Ok(()) };
        let (is_first, has_header, columns) = (table.rows == 0, table.has_header, table.columns);
        let cells = table.row.take().unwrap_or_default();
        table.rows += 1;
        if is_first && has_header {
            for _ in cells..columns {
                self.write("  |")?;
            }
            self.rule(columns)?;
        } else if cells == 0 {
            self.write("  |")?;
        }
        Ok(())
    }

    fn cell(&mut self) -> Result<()> {
        let content = self.content(Place::Cell)?;
        if let Some(Table { row: Some(cells), .. }) = &mut self.table {
            *cells += 1;
        }
        self.write(" ")?;
        self.write(&content)?;
        self.write(" |")
    }

    /// A cell for what is in a table and in no cell of it.
    fn loose_cell(&mut self) -> Result<()> {
        if self.line.is_empty() {
            return Ok(());
        }
        if self.table.as_ref().is_some_and(|table| table.row.is_some()) {
            return self.cell();
        }
        self.begin_row()?;
        self.cell()?;
        self.end_row()
    }
}

/// How many columns a table has, and whether its first row is a header.
fn shape(tree: &Tree, table: Id) -> Table {
    let (mut columns, mut has_header, mut rows) = (1, false, 0);
    let mut row = |id: Id, in_head: bool| {
        let mut cells = 0;
        for cell in tree.children(id) {
            let is_space = matches!(tree.content(cell), Content::Text(text) if text.trim_matches(is_space).is_empty());
            cells += usize::from(!is_space);
            has_header |= rows == 0 && (in_head || tree.html_name(cell) == Some(&local_name!("th")));
        }
        rows += 1;
        columns = columns.max(cells);
    };
    for part in tree.children(table) {
        match tree.html_name(part).map(|name| &**name) {
            Some("tr") => row(part, false),
            Some("thead" | "tbody" | "tfoot") => {
                for child in tree.children(part).filter(|child| tree.html_name(*child) == Some(&local_name!("tr"))) {
                    row(child, tree.html_name(part) == Some(&local_name!("thead")));
                }
            }
            _ => {}
        }
    }
    Table { columns, has_header, rows: 0, row: None }
}

/// The language of code, of a class `language-...`.
fn language(tree: &Tree, id: Id) -> String {
    let class = tree.attribute(id, &local_name!("class")).unwrap_or_default();
    let name = class.split(is_space).find_map(|class| class.strip_prefix("language-"));
    let is_name = |name: &&str| {
        name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-_#.".contains(&byte))
    };
    name.filter(is_name).unwrap_or_default().to_owned()
}

/// Elements of which nothing is shown.
fn is_hidden(tag: &str) -> bool {
    matches!(tag, "script" | "style" | "head" | "title" | "noscript" | "template" | "iframe")
}

fn is_block(tag: &str) -> bool {
    matches!(
        tag,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "legend"
            | "li"
            | "listing"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "optgroup"
            | "option"
            | "p"
            | "plaintext"
            | "pre"
            | "search"
            | "section"
            | "select"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "textarea"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
            | "ul"
            | "xmp"
    )
}
