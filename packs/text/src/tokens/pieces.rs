//! A text's pieces, one after the other.

use regex_automata::{Anchored, Input};

use super::Tables;
use super::tables::LOOKS_AHEAD;

/// Where the next piece begins.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    pub(crate) at: usize,
}

impl Pieces {
    /// The next piece; none at the end.
    pub(crate) fn next<'a>(&mut self, tables: &Tables, text: &'a str) -> Option<&'a str> {
        let rest = &text[self.at..];
        if rest.is_empty() {
            return None;
        }
        let found = tables.pattern.find(Input::new(rest).anchored(Anchored::Yes));
        // Every character is of some pattern. Should one not be, it is a piece.
        let mut end = found.as_ref().map_or(0, |found| found.end());
        if found.is_some_and(|found| found.pattern().as_usize() == LOOKS_AHEAD) {
            end -= rest[..end].chars().next_back().map_or(0, char::len_utf8);
        }
        if end == 0 {
            end = rest.chars().next().map_or(0, char::len_utf8);
        }
        self.at += end;
        Some(&rest[..end])
    }
}
