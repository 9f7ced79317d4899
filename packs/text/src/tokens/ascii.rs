//! The next piece of a text where ASCII alone decides it, as it does for most pieces of most texts: what the patterns find, without a pattern.

use Class::{Digit, End, Lower, Newline, Other, Space, Upper, Wide};

#[derive(Clone, Copy, Eq, PartialEq)]
enum Class {
    Upper,
    Lower,
    Digit,
    Newline,
    /// White space but for line ends.
    Space,
    Other,
    /// A character that is not ASCII.
    Wide,
    /// There is none.
    End,
}

/// In what an encoding's pattern differs from the other's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// A capital letter after a small one begins a piece, and `'s` and its like are the word's.
    pub(super) splits_case: bool,
    /// A slash after punctuation and a line end is theirs.
    pub(super) takes_slash: bool,
}

static CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'A'..=b'Z' => Upper,
            b'a'..=b'z' => Lower,
            b'0'..=b'9' => Digit,
            b'\n' | b'\r' => Newline,
            // The vertical tab is white space for Unicode, but not for `is_ascii_whitespace`.
            b' ' | b'\t' | 0x0b | 0x0c => Space,
            0x80.. => Wide,
            _ => Other,
        };
        byte += 1;
    }
    classes
}

/// The length of the piece at the beginning of `text`; none at its end, and where a character that is not ASCII may take part.
pub(super) fn piece(text: &[u8], rules: Rules) -> Option<usize> {
    match (class(text, 0), class(text, 1)) {
        (Wide | End, _) | (Space | Other, Wide) => None,
        (Upper | Lower, _) => word(text, 0, rules),
        (Digit, _) => number(text),
        (Newline, _) => space(text),
        (Other, Upper | Lower) => match suffix(text, 0)? {
            length if length > 0 && !rules.splits_case => Some(length),
            _ => word(text, 1, rules),
        },
        (Other, _) => punctuation(text, 0, rules),
        (Space, Upper | Lower) => word(text, 1, rules),
        (Space, Other) if text[0] == b' ' => punctuation(text, 1, rules),
        (Space, _) => space(text),
    }
}

fn class(text: &[u8], at: usize) -> Class {
    text.get(at).map_or(End, |byte| CLASSES[usize::from(*byte)])
}

/// Where those of a kind end that begin `at`; none if something may follow that is one of them, too.
fn run(text: &[u8], mut at: usize, is_one: impl Fn(Class) -> bool) -> Option<usize> {
    while is_one(class(text, at)) {
        at += 1;
    }
    (class(text, at) != Wide).then_some(at)
}

fn word(text: &[u8], at: usize, rules: Rules) -> Option<usize> {
    if !rules.splits_case {
        return run(text, at, |class| matches!(class, Upper | Lower));
    }
    let end = run(text, run(text, at, |class| class == Upper)?, |class| class == Lower)?;
    Some(end + suffix(text, end)?)
}

/// The length of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d`, or 0.
fn suffix(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at) != Some(&b'\'') {
        return Some(0);
    }
    // Among what is not ASCII is a letter that counts as an s.
    if class(text, at + 1) == Wide {
        return None;
    }
    let letter = |index: usize| text.get(at + index).map_or(0, u8::to_ascii_lowercase);
    Some(match (letter(1), letter(2)) {
        (b's' | b't' | b'm' | b'd', _) => 2,
        (b'r' | b'v', b'e') | (b'l', b'l') => 3,
        _ => 0,
    })
}

/// Three digits at most.
fn number(text: &[u8]) -> Option<usize> {
    let end = (1..3).find(|at| class(text, *at) != Digit).unwrap_or(3);
    (end == 3 || class(text, end) != Wide).then_some(end)
}

fn punctuation(text: &[u8], at: usize, rules: Rules) -> Option<usize> {
    let mut end = run(text, at, |class| class == Other)?;
    while class(text, end) == Newline || rules.takes_slash && text.get(end) == Some(&b'/') {
        end += 1;
    }
    Some(end)
}

/// White space up to its last line end. Without one all of it at the end of the text, and else all but its last character, which is the next word's.
fn space(text: &[u8]) -> Option<usize> {
    let end = run(text, 0, |class| matches!(class, Space | Newline))?;
    if let Some(last) = text[..end].iter().rposition(|byte| matches!(byte, b'\n' | b'\r')) {
        return Some(last + 1);
    }
    Some(if end == text.len() { end } else { (end - 1).max(1) })
}
