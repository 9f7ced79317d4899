//! A text's pieces, one after the other.

use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};

use super::Tables;
use super::ascii::{self, Rules};

/// How a text is split: in each case tiktoken's pattern, but for `\s+(?!\S)`, which looks ahead. White space at the end of the text is in the first pattern; the second has what would be
/// looked at as its last character, which is not the piece's; the third is what is left.
const O200K: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+$";
const CL100K: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+$";
const BEFORE_SPACE: &str = r"\s+\s";
const SPACE: &str = r"\s+";
/// Which of the three it is whose last character is not the piece's.
const LOOKS_AHEAD: usize = 1;

/// An encoding's way to split a text.
pub(super) struct Splitter {
    pattern: Regex,
    rules: Rules,
}

impl Splitter {
    pub(super) fn o200k() -> Result<Self, String> {
        Self::new(O200K, Rules { splits_case: true, takes_slash: true })
    }

    pub(super) fn cl100k() -> Result<Self, String> {
        Self::new(CL100K, Rules { splits_case: false, takes_slash: false })
    }

    fn new(pattern: &str, rules: Rules) -> Result<Self, String> {
        let pattern = Regex::new_many(&[pattern, BEFORE_SPACE, SPACE]).map_err(|error| error.to_string())?;
        Ok(Self { pattern, rules })
    }

    /// The length of the piece at the beginning of a text, which is not empty.
    fn piece(&self, text: &str) -> usize {
        ascii::piece(text.as_bytes(), self.rules).unwrap_or_else(|| self.matched(text))
    }

    fn matched(&self, text: &str) -> usize {
        let found = self.pattern.find(Input::new(text).anchored(Anchored::Yes));
        let mut end = found.as_ref().map_or(0, |found| found.end());
        if found.is_some_and(|found| found.pattern().as_usize() == LOOKS_AHEAD) {
            end -= text[..end].chars().next_back().map_or(0, char::len_utf8);
        }
        // Every character is of some pattern. Should one not be, it is a piece.
        if end == 0 { text.chars().next().map_or(0, char::len_utf8) } else { end }
    }
}

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
        let end = tables.splitter.piece(rest);
        self.at += end;
        Some(&rest[..end])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    static SPLITTERS: LazyLock<[Splitter; 2]> =
        LazyLock::new(|| [Splitter::o200k(), Splitter::cl100k()].map(|made| made.expect("a pattern")));

    /// A few characters of every kind that the patterns tell apart, so that they often meet.
    const NEARBY: &str = r"[aAsStTrReEvVmMlLdDxZ09'/!(\\ \t\n\r\x0b\x0c\x1c\x7f]{1,12}";
    const MIXED: &str = r"[aAsSlLdD9'/! \t\néÉſ\u{212a}\u{301}\u{a0}\u{85}\u{3000}中ʰ٣\u{1f600}]{1,12}";

    fn is_the_same(text: &str) {
        for splitter in SPLITTERS.iter() {
            for (at, _) in text.char_indices() {
                let rest = &text[at..];
                if let Some(length) = ascii::piece(rest.as_bytes(), splitter.rules) {
                    assert_eq!(length, splitter.matched(rest), "{rest:?} by {:?}", splitter.rules);
                }
            }
        }
    }

    #[test]
    fn all_pairs_of_ascii_and_ends() {
        for first in 0..128_u8 {
            for second in 0..128_u8 {
                is_the_same(&String::from_utf8(vec![first, second]).expect("ASCII"));
            }
        }
    }

    #[test]
    fn ascii_alone_is_never_left_to_the_pattern() {
        proptest!(|(text in r"[\x00-\x7f]{1,40}")| {
            for splitter in SPLITTERS.iter() {
                prop_assert!(ascii::piece(text.as_bytes(), splitter.rules).is_some());
            }
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn ascii_is_split_as_the_pattern_does(text in NEARBY) {
            is_the_same(&text);
        }

        #[test]
        fn so_it_is_beside_other_characters(text in MIXED) {
            is_the_same(&text);
        }
    }
}
