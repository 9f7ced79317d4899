//! Compiled patterns. They are kept, by content, so that a server's few are compiled once: the last of them, so memory is bounded.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{OptionSpec, Result};
use regex::{Regex, RegexBuilder};

pub(crate) const PATTERN: OptionSpec = OptionSpec::new(
    "pattern",
    "string",
    "In the syntax of the Rust crate regex: Perl's without look-around and back-references, so that a search is linear in the text. At most 64 KiB; compiled, 4 MiB.",
)
.required();
pub(crate) const FLAGS: OptionSpec = OptionSpec::new(
    "flags",
    "string",
    "Any of 'i' (letters of either case), 'm' (^ and $ at lines), 's' (. is newlines, too), 'u' (Unicode, as without it), 'x' (white space and comments in the pattern). Default ''.",
);

const LONGEST: usize = 64 << 10;
/// Bytes of a compiled pattern.
const LARGEST: usize = 4 << 20;
/// So many are kept.
const KEPT: usize = 32;

static COMPILED: Mutex<VecDeque<(Pattern, Regex)>> = Mutex::new(VecDeque::new());

/// A pattern that has not been compiled yet.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    source: String,
    flags: String,
}

impl Pattern {
    /// # Errors
    /// ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE.
    pub(crate) fn of(options: &Options) -> Result<Self> {
        let source = string(options, PATTERN.name)?.unwrap_or_default();
        if source.len() > LONGEST {
            return Err(invalid("must have no more than 64 KiB", source));
        }
        let flags = string(options, FLAGS.name)?.unwrap_or_default();
        if let Some(unknown) = flags.chars().find(|flag| !"imsux".contains(*flag)) {
            let reason = format!("must have no other flags than 'i', 'm', 's', 'u' and 'x': '{unknown}'");
            return Err(EngineError::invalid_value("options.flags", &reason, Value::String(flags.to_owned())));
        }
        Ok(Self { source: source.to_owned(), flags: flags.to_owned() })
    }

    /// Compiles it, or takes what was compiled before: milliseconds, for a large one.
    ///
    /// # Errors
    /// ERR_INVALID_ARG_VALUE, for what is no pattern, or too large.
    pub(crate) fn compile(&self) -> Result<Regex> {
        let kept = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, regex)) = kept().iter().find(|(pattern, _)| pattern == self) {
            return Ok(regex.clone());
        }
        let has = |flag| self.flags.contains(flag);
        let regex = RegexBuilder::new(&self.source)
            .case_insensitive(has('i'))
            .multi_line(has('m'))
            .dot_matches_new_line(has('s'))
            .ignore_whitespace(has('x'))
            .size_limit(LARGEST)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => invalid("is too large when it is compiled", &self.source),
                error => invalid(&format!("is no pattern ({})", summary(&error)), &self.source),
            })?;
        let mut kept = kept();
        if !kept.iter().any(|(pattern, _)| pattern == self) {
            kept.truncate(KEPT - 1);
            kept.push_front((self.clone(), regex.clone()));
        }
        Ok(regex)
    }
}

/// The option, a string, if it was given.
///
/// # Errors
/// ERR_INVALID_ARG_TYPE.
pub(crate) fn string<'a>(options: &'a Options, name: &str) -> Result<Option<&'a str>> {
    match options.get(name) {
        Value::Undefined => Ok(None),
        Value::String(text) => Ok(Some(text)),
        other => Err(EngineError::invalid_type(&format!("options.{name}"), "of type string", other)),
    }
}

fn invalid(reason: &str, source: &str) -> EngineError {
    EngineError::invalid_value("options.pattern", reason, Value::String(source.to_owned()))
}

/// What is wrong, in one line: the crate's text has the pattern in it, with a mark below.
fn summary(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
