//! Regular expressions: jaq's definitions (`test`, `match`, `capture`, `scan`, `split`, `sub`, ...) stand on these three functions.
//!
//! Each match is a tick, so that a program with millions of them pauses, and stops where it takes too much. A single search is linear in the text, and is not cut short.

use std::rc::Rc;

use jaq_core::native::bome;
use jaq_core::{Bind, Error};
use regex::{Regex, RegexBuilder};

use super::guard;
use super::natives::Function;
use super::value::{Json, Object};

type ValR = jaq_core::ValR<Json>;

pub(super) fn functions() -> Vec<Function> {
    let two = || -> Box<[Bind]> { [Bind::Var(()), Bind::Var(())].into() };
    vec![
        ("matches", two(), |mut cv| {
            let (flags, pattern) = (cv.0.pop_var(), cv.0.pop_var());
            bome(parts(&cv.1, &pattern, &flags, false, true))
        }),
        ("split_matches", two(), |mut cv| {
            let (flags, pattern) = (cv.0.pop_var(), cv.0.pop_var());
            bome(parts(&cv.1, &pattern, &flags, true, true))
        }),
        ("split_", two(), |mut cv| {
            let (flags, pattern) = (cv.0.pop_var(), cv.0.pop_var());
            bome(parts(&cv.1, &pattern, &flags, true, false))
        }),
    ]
}

fn text(value: &Json) -> Result<&str, Error<Json>> {
    match value {
        Json::Str(text) => Ok(text),
        other => Err(Error::typ(other.clone(), "string")),
    }
}

/// What is between the matches of a text, and the matches, each an array of what its groups matched.
fn parts(value: &Json, pattern: &Json, flags: &Json, between: bool, matches: bool) -> ValR {
    let (text, pattern, flags) = (text(value)?, text(pattern)?, text(flags)?);
    if let Some(unknown) = flags.chars().find(|flag| !"gnimslxp".contains(*flag)) {
        return Err(Error::str(format_args!("invalid regex flag: {unknown}")));
    }
    let has = |flag: char| flags.contains(flag);
    let regex = RegexBuilder::new(pattern)
        .case_insensitive(has('i'))
        .multi_line(has('m') || has('p'))
        .dot_matches_new_line(has('s') || has('p'))
        .swap_greed(has('l'))
        .ignore_whitespace(has('x'))
        .size_limit(1 << 20)
        .build()
        .map_err(|error| Error::str(format_args!("invalid regex: {error}")))?;
    // There may be millions of matches.
    let keys = ["offset", "length", "string", "name"].map(|key| Rc::new(key.to_owned()));
    let mut all: Vec<Json> = vec![];
    // Where the last match ended; and so many characters are before `counted`.
    let (mut last, mut counted, mut chars) = (0, 0, 0);
    for groups in regex.captures_iter(text) {
        guard::tick();
        let Some(whole) = groups.get(0) else { continue };
        if has('n') && whole.is_empty() {
            continue;
        }
        if between {
            all.push(Json::string(text[last..whole.start()].to_owned()));
            last = whole.end();
        }
        if matches {
            chars += text[counted..whole.start()].chars().count();
            counted = whole.start();
            all.push(groups_of(&regex, &groups, &keys, text, whole.start(), chars));
        }
        if !has('g') {
            break;
        }
    }
    if between {
        all.push(Json::string(text[last..].to_owned()));
    }
    Ok(Json::array(all))
}

/// Offsets and lengths in characters; `chars` of them are before `start`.
fn groups_of(
    regex: &Regex,
    groups: &regex::Captures<'_>,
    keys: &[Rc<String>; 4],
    text: &str,
    start: usize,
    chars: usize,
) -> Json {
    let group = |(found, name): (Option<regex::Match<'_>>, Option<&str>)| {
        let found = found?;
        let offset = chars + text[start..found.start()].chars().count();
        let mut group = Object::default();
        let length = found.as_str().chars().count();
        let values = [offset.into(), length.into(), Json::string(found.as_str().to_owned())];
        let values = values.into_iter().chain(name.map(|name| Json::string(name.to_owned())));
        group.extend(keys.iter().map(Rc::clone).zip(values));
        Some(Json::object(group))
    };
    groups.iter().zip(regex.capture_names()).filter_map(group).collect()
}
