//! The content of one block as Markdown: text, emphasis, code, links, images and line breaks, so that what reads it finds the same text.
//!
//! Invariants:
//! 1. What is text stays text: every character that could begin or end a construct of CommonMark's or GitHub's is escaped, those that mean something at the beginning of a line
//!    alone are escaped there. Addresses and titles have none that bind tighter than a link.
//! 2. A delimiter is written only where it is one. Where its neighbours make it none (`**x!**y`), or it would run into another, the tag of HTML is written instead.
//! 3. White space is collapsed as in HTML, and is never within the edge of emphasis, of code or of a link.

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use html5ever::{LocalName, local_name};

use super::tree::{Id, Tree};
use crate::text::{append, bound};

/// What is around content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Strong,
    Emphasis,
    Deleted,
    Link(Id),
}

impl Mark {
    fn is_star(self) -> bool {
        matches!(self, Self::Strong | Self::Emphasis)
    }

    /// As a delimiter, and as a tag.
    fn delimiter(self) -> (&'static str, &'static str) {
        match self {
            Self::Strong => ("**", "strong"),
            Self::Emphasis => ("*", "em"),
            Self::Deleted => ("~~", "del"),
            Self::Link(_) => ("", ""),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Token {
    Text {
        start: usize,
        end: usize,
    },
    Code {
        start: usize,
        end: usize,
    },
    Image(Id),
    Space,
    /// So many line breaks.
    Break(u32),
    Open {
        mark: Mark,
        is_tag: bool,
    },
    Close {
        mark: Mark,
        is_tag: bool,
    },
}

/// White space that comes before the next content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Break(u32),
}

/// Where the content goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Paragraph,
    Heading,
    /// A paragraph of one line.
    Caption,
    Cell,
}

/// Content that is being read.
#[derive(Debug, Default)]
pub(super) struct Line {
    raw: String,
    tokens: Vec<Token>,
    gap: Gap,
    /// Marks that were opened and have no content yet.
    opened: Vec<Mark>,
    /// Where the code begins in `raw` that is being read.
    code: Option<usize>,
}

impl Line {
    pub(super) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    pub(super) fn is_in_code(&self) -> bool {
        self.code.is_some()
    }

    pub(super) fn text(&mut self, text: &str) -> Result<()> {
        let mut is_first = true;
        for word in text.split(is_space) {
            if !is_first {
                self.space()?;
            }
            is_first = false;
            if word.is_empty() {
                continue;
            }
            if self.code.is_some() {
                append(&mut self.raw, word)?;
                continue;
            }
            // A word that follows others is of the same text.
            if self.gap <= Gap::Space
                && self.opened.is_empty()
                && let Some(Token::Text { end, .. }) = self.tokens.last_mut()
                && *end == self.raw.len()
            {
                if self.gap == Gap::Space {
                    append(&mut self.raw, " ")?;
                }
                self.gap = Gap::None;
                append(&mut self.raw, word)?;
                *end = self.raw.len();
                continue;
            }
            self.begin()?;
            let start = self.raw.len();
            append(&mut self.raw, word)?;
            self.push(Token::Text { start, end: self.raw.len() })?;
        }
        Ok(())
    }

    pub(super) fn space(&mut self) -> Result<()> {
        match self.code {
            Some(start) if self.raw.len() > start && !self.raw.ends_with(' ') => append(&mut self.raw, " "),
            Some(_) => Ok(()),
            None => {
                self.gap = self.gap.max(Gap::Space);
                Ok(())
            }
        }
    }

    /// A line break that was asked for, or the edge of a block within a line.
    pub(super) fn line_break(&mut self, is_edge: bool) -> Result<()> {
        if self.code.is_some() {
            return self.space();
        }
        self.gap = match self.gap {
            Gap::Break(count) if is_edge => Gap::Break(count),
            Gap::Break(count) => Gap::Break(count.saturating_add(1)),
            Gap::None | Gap::Space => Gap::Break(1),
        };
        Ok(())
    }

    pub(super) fn open(&mut self, mark: Mark) {
        self.opened.push(mark);
    }

    pub(super) fn close(&mut self, mark: Mark) -> Result<()> {
        if self.opened.last() == Some(&mark) {
            self.opened.pop();
            return Ok(());
        }
        self.push(Token::Close { mark, is_tag: false })
    }

    pub(super) fn open_code(&mut self) {
        self.code = Some(self.raw.len());
    }

    pub(super) fn close_code(&mut self) -> Result<()> {
        let Some(start) = self.code.take() else { return Ok(()) };
        let end = start + self.raw[start..].trim_end_matches(' ').len();
        let has_space = end < self.raw.len();
        self.raw.truncate(end);
        if end > start {
            self.begin()?;
            self.push(Token::Code { start, end })?;
        }
        if has_space { self.space() } else { Ok(()) }
    }

    pub(super) fn image(&mut self, id: Id) -> Result<()> {
        if self.code.is_some() {
            return Ok(());
        }
        self.begin()?;
        self.push(Token::Image(id))
    }

    /// Writes what is before content: white space, then what was opened.
    fn begin(&mut self) -> Result<()> {
        let gap = std::mem::take(&mut self.gap);
        match gap {
            // At the beginning of a line there is none.
            _ if self.tokens.is_empty() => {}
            Gap::None => {}
            Gap::Space => self.push(Token::Space)?,
            Gap::Break(count) => self.push(Token::Break(count))?,
        }
        let opened = std::mem::take(&mut self.opened);
        for (index, mark) in opened.iter().enumerate() {
            // What ends and begins again does neither.
            if let (0, Gap::None, Some(Token::Close { mark: closed, .. })) = (index, gap, self.tokens.last())
                && closed == mark
                && !matches!(mark, Mark::Link(_))
            {
                self.tokens.pop();
                continue;
            }
            self.push(Token::Open { mark: *mark, is_tag: false })?;
        }
        Ok(())
    }

    fn push(&mut self, token: Token) -> Result<()> {
        let more = size_of::<Token>();
        self.tokens.try_reserve(1).map_err(|_| EngineError::out_of_memory(more))?;
        self.tokens.push(token);
        Ok(())
    }

    /// The content in Markdown, with `\n` between lines; there is none afterwards.
    pub(super) fn take(&mut self, tree: &Tree, place: Place) -> Result<String> {
        self.choose_tags(place);
        let mut out = String::new();
        let tokens = std::mem::take(&mut self.tokens);
        let raw = std::mem::take(&mut self.raw);
        self.gap = Gap::None;
        let mut around = 0_usize;
        for (index, token) in tokens.iter().enumerate() {
            bound(out.len())?;
            let at_start =
                matches!(place, Place::Paragraph | Place::Caption) && (out.is_empty() || out.ends_with('\n'));
            match *token {
                Token::Text { start, end } => {
                    let goes_on = !matches!(tokens.get(index + 1), None | Some(Token::Space | Token::Break(_)));
                    escape(&mut out, &raw[start..end], at_start, goes_on)?;
                }
                Token::Code { start, end } => code(&mut out, &raw[start..end], place)?,
                Token::Image(id) => image(&mut out, tree, id, place)?,
                Token::Space => append(&mut out, " ")?,
                Token::Break(_) if place != Place::Paragraph => append(&mut out, "<br>")?,
                Token::Break(count) if count > 1 && around == 0 => append(&mut out, "\n\n")?,
                Token::Break(_) => append(&mut out, "  \n")?,
                Token::Open { mark: Mark::Link(_), .. } => {
                    around += 1;
                    // It would be an image.
                    if out.ends_with('!') {
                        out.pop();
                        append(&mut out, "\\!")?;
                    }
                    append(&mut out, "[")?;
                }
                Token::Close { mark: Mark::Link(id), .. } => {
                    around -= 1;
                    append(&mut out, "]")?;
                    let address = tree.attribute(id, &local_name!("href")).unwrap_or_default();
                    destination(&mut out, address, tree.attribute(id, &local_name!("title")), place)?;
                }
                Token::Open { mark, is_tag } => {
                    around += 1;
                    let (delimiter, tag) = mark.delimiter();
                    if is_tag { tagged(&mut out, "<", tag)? } else { append(&mut out, delimiter)? }
                }
                Token::Close { mark, is_tag } => {
                    around -= 1;
                    let (delimiter, tag) = mark.delimiter();
                    if is_tag { tagged(&mut out, "</", tag)? } else { append(&mut out, delimiter)? }
                }
            }
        }
        // A line of `#` ends a heading.
        if place == Place::Heading && out.ends_with('#') {
            out.pop();
            append(&mut out, "\\#")?;
        }
        Ok(out)
    }

    /// Finds the delimiters that would be none, or could be taken for both an opening and a closing one while there are others around or within.
    fn choose_tags(&mut self, place: Place) {
        // Where marks were opened, and whether there are others within.
        let mut open: Vec<(usize, bool)> = vec![];
        for at in 0..self.tokens.len() {
            match self.tokens[at] {
                Token::Open { mark, .. } if !matches!(mark, Mark::Link(_)) => open.push((at, false)),
                Token::Close { mark, .. } if !matches!(mark, Mark::Link(_)) => {
                    let Some((from, has_inner)) = open.pop() else { continue };
                    let is_nested = has_inner || !open.is_empty();
                    if let Some((_, has_inner)) = open.last_mut() {
                        *has_inner = true;
                    }
                    let runs_on = from > 0
                        && matches!(self.tokens[from - 1], Token::Close { mark, is_tag: false } if !matches!(mark, Mark::Link(_)));
                    let edges = [
                        (self.before(from, mark, place), self.after(from, mark, place)),
                        (self.after(at, mark, place), self.before(at, mark, place)),
                    ];
                    let is_one = |(outside, inside)| {
                        is_delimiter(outside, inside) && !(is_nested && is_ambiguous(outside, inside))
                    };
                    if runs_on || !edges.into_iter().all(is_one) {
                        for token in [from, at] {
                            if let Token::Open { is_tag, .. } | Token::Close { is_tag, .. } = &mut self.tokens[token] {
                                *is_tag = true;
                            }
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// The character before a delimiter and those that run into it; at the edge of a line a space.
    fn before(&self, at: usize, mark: Mark, place: Place) -> char {
        let tokens = self.tokens[..at].iter().rev();
        self.edge(tokens, mark, place, |text| text.chars().next_back())
    }

    fn after(&self, at: usize, mark: Mark, place: Place) -> char {
        self.edge(self.tokens[at + 1..].iter(), mark, place, |text| text.chars().next())
    }

    fn edge<'a>(
        &self,
        tokens: impl Iterator<Item = &'a Token>,
        mark: Mark,
        place: Place,
        char_of: impl Fn(&str) -> Option<char>,
    ) -> char {
        for token in tokens {
            return match *token {
                Token::Text { start, end } => char_of(&self.raw[start..end]).unwrap_or(' '),
                Token::Code { .. } => '`',
                Token::Image(_) => '!',
                Token::Break(_) if place != Place::Paragraph => '<',
                Token::Space | Token::Break(_) => ' ',
                Token::Open { mark: other, is_tag: false } | Token::Close { mark: other, is_tag: false }
                    if other.is_star() && mark.is_star() =>
                {
                    continue;
                }
                Token::Open { .. } | Token::Close { .. } => '*',
            };
        }
        ' '
    }
}

/// Whether a delimiter is one, by what is outside and inside of it. Where Unicode's classes leave a doubt, it is none.
fn is_delimiter(outside: char, inside: char) -> bool {
    let is_free = outside.is_ascii_punctuation() || outside.is_ascii_whitespace();
    inside.is_alphanumeric() || (is_free && !inside.is_whitespace())
}

/// Whether a delimiter could be both an opening and a closing one.
fn is_ambiguous(outside: char, inside: char) -> bool {
    !outside.is_whitespace() && outside.is_alphanumeric() == inside.is_alphanumeric()
}

/// White space of HTML.
pub(super) fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

fn tagged(out: &mut String, start: &str, tag: &str) -> Result<()> {
    append(out, start)?;
    append(out, tag)?;
    append(out, ">")
}

/// Appends text, so that it is text. `at_start`: at the beginning of a line; `goes_on`: there is more behind it than white space.
fn escape(out: &mut String, text: &str, at_start: bool, goes_on: bool) -> Result<()> {
    let bytes = text.as_bytes();
    let mut from = 0;
    // At the beginning of all it would be taken for a byte order mark.
    if out.is_empty() && text.starts_with('\u{feff}') {
        append(out, "&#xfeff;")?;
        from = '\u{feff}'.len_utf8();
    }
    // Where the word ends that was looked at, and whether it can be an address.
    let (mut word_end, mut is_address) = (0, true);
    // Addresses are found in text, and escapes would be taken for parts of them: so where there are any, they are no addresses.
    let mut breaks_address = |at: usize| {
        if at >= word_end {
            let start = bytes[..at].iter().rposition(|byte| *byte == b' ').map_or(0, |space| space + 1);
            word_end = bytes[at..].iter().position(|byte| *byte == b' ').map_or(bytes.len(), |len| at + len);
            let is_plain = !bytes[start..word_end].iter().any(|byte| b"\\`*[]|~_<&\x0b".contains(byte));
            is_address = is_plain && !(goes_on && word_end == bytes.len());
        }
        !is_address
    };
    for (at, byte) in text.bytes().enumerate() {
        // Renderers take it for white space.
        if byte == b'\x0b' {
            append(out, &text[from..at])?;
            append(out, "&#11;")?;
            from = at + 1;
            continue;
        }
        let next = bytes.get(at + 1).copied();
        let is_alphanumeric = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
        let ends_word = next.is_none_or(|next| next == b' ');
        let is_special = match byte {
            b'\\' | b'`' | b'*' | b'[' | b']' | b'|' | b'~' => true,
            b'_' => at == 0 || !is_alphanumeric(at - 1) || !is_alphanumeric(at + 1),
            b'<' => next.is_none_or(|next| next.is_ascii_alphabetic() || b"/!?".contains(&next)),
            b'&' => begins_reference(&text[at + 1..]),
            b':' if bytes[at + 1..].starts_with(b"//") => breaks_address(at),
            b'.' if bytes[..at].ends_with(b"www") => breaks_address(at),
            _ if !at_start => false,
            b'>' | b'=' => at == 0,
            b'+' => at == 0 && ends_word,
            b'-' => at == 0 && (ends_word || matches!(next, Some(b'-' | b':'))),
            b':' => at == 0 && next == Some(b'-'),
            b'#' => {
                at == 0 && {
                    let count = bytes.iter().take(7).take_while(|byte| **byte == b'#').count();
                    count <= 6 && bytes.get(count).is_none_or(|byte| *byte == b' ')
                }
            }
            // The number of a list.
            b'.' | b')' => (1..=9).contains(&at) && ends_word && bytes[..at].iter().all(u8::is_ascii_digit),
            _ => false,
        };
        if is_special {
            append(out, &text[from..at])?;
            append(out, "\\")?;
            from = at;
        }
    }
    append(out, &text[from..])
}

/// Whether what follows `&` could make a reference of it.
fn begins_reference(rest: &str) -> bool {
    let name = rest.strip_prefix('#').unwrap_or(rest);
    let len = name.bytes().take(33).take_while(u8::is_ascii_alphanumeric).count();
    // Other text may follow.
    len == name.len() || name.as_bytes()[len] == b';'
}

/// Backticks around code.
const MOST_BACKTICKS: usize = 32;

fn code(out: &mut String, content: &str, place: Place) -> Result<()> {
    let is_cell = place == Place::Cell;
    let fence = fence(content, 1)?;
    // In a table `\|` is a bar, also in code; code that follows code would go on; and renderers take no longer delimiters.
    if out.ends_with('`')
        || (is_cell && content.contains("\\|"))
        || fence.len() > MOST_BACKTICKS
        || content.contains('\x0b')
    {
        tagged(out, "<", "code")?;
        escape(out, content, false, true)?;
        return tagged(out, "</", "code");
    }
    let pad = if content.starts_with('`') || content.ends_with('`') { " " } else { "" };
    append(out, &fence)?;
    append(out, pad)?;
    let mut from = 0;
    if is_cell {
        for (at, bar) in content.match_indices('|') {
            append(out, &content[from..at])?;
            append(out, "\\|")?;
            from = at + bar.len();
        }
    }
    append(out, &content[from..])?;
    append(out, pad)?;
    append(out, &fence)
}

/// More backticks than the content has in a row.
pub(super) fn fence(content: &str, least: usize) -> Result<String> {
    let (mut longest, mut run) = (0, 0);
    for byte in content.bytes() {
        run = if byte == b'`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let mut fence = String::new();
    let len = least.max(longest + 1);
    crate::text::reserve(&mut fence, len)?;
    fence.extend(std::iter::repeat_n('`', len));
    Ok(fence)
}

fn image(out: &mut String, tree: &Tree, id: Id, place: Place) -> Result<()> {
    let value = |name: &LocalName| tree.attribute(id, name);
    append(out, "![")?;
    let mut is_first = true;
    for word in value(&local_name!("alt")).unwrap_or_default().split(is_space).filter(|word| !word.is_empty()) {
        if !is_first {
            append(out, " ")?;
        }
        is_first = false;
        escape(out, word, false, true)?;
    }
    append(out, "]")?;
    destination(out, value(&local_name!("src")).unwrap_or_default(), value(&local_name!("title")), place)
}

/// An address and a title, in parentheses.
fn destination(out: &mut String, address: &str, title: Option<&str>, place: Place) -> Result<()> {
    let address = address.trim_matches(|char| char <= ' ');
    let is_plain = !address.is_empty() && !address.contains([' ', '(', ')']);
    append(out, if is_plain { "(" } else { "(<" })?;
    for (at, char) in address.char_indices() {
        let rest = &address[at..];
        match char {
            // Browsers leave them out.
            '\t' | '\n' | '\r' => {}
            // They would bind tighter than the link.
            '`' => append(out, "%60")?,
            '<' => append(out, "%3C")?,
            '>' => append(out, "%3E")?,
            '\0'..='\x1f' | '\x7f' => append(out, &format!("%{:02X}", u32::from(char)))?,
            '\\' => append(out, "\\\\")?,
            '|' if place == Place::Cell => append(out, "\\|")?,
            '&' if begins_reference(&rest[1..]) => append(out, "\\&")?,
            char => append(out, &rest[..char.len_utf8()])?,
        }
    }
    if !is_plain {
        append(out, ">")?;
    }
    if let Some(title) = title {
        let mut is_first = true;
        for word in title.split(is_space).filter(|word| !word.is_empty()) {
            append(out, if is_first { " \"" } else { " " })?;
            is_first = false;
            for (at, char) in word.char_indices() {
                match char {
                    '"' => append(out, "&quot;")?,
                    '`' => append(out, "&#96;")?,
                    '<' => append(out, "&lt;")?,
                    '&' => append(out, "&amp;")?,
                    '\\' => append(out, "\\\\")?,
                    '|' if place == Place::Cell => append(out, "\\|")?,
                    char => append(out, &word[at..at + char.len_utf8()])?,
                }
            }
        }
        if !is_first {
            append(out, "\"")?;
        }
    }
    append(out, ")")
}
