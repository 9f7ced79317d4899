//! `replaceText`: a text with every match of a pattern replaced.

use std::time::{Duration, Instant};

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, Next, OptionSpec, Result, Spec, Step, Stepped, Work};
use regex::Regex;

use crate::pattern::{FLAGS, PATTERN, Pattern, string};
use crate::text::{self, Text};

pub(crate) struct ReplaceText;

static SPEC: Spec = Spec::new("replaceText")
    .summary("a text with every match of a pattern replaced, without backtracking")
    .docs(
        "\
`text` with every match of `pattern` replaced by `replacement`, in which `$1` and `${1}` stand for a group, `${name}` for a group with a name, `$0` for the match, `$$` for a
dollar. A group that took no part, or is none, is empty. (`$1a` is the group named `1a`: write `${1}a`.) Each search is linear in the text, all together need not be: see matchText.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE (also for a pattern that is none, or too large when compiled); ERR_OUTPUT_TOO_LARGE if the result could be longer
than 256 MiB; ERR_OUT_OF_MEMORY. Working memory: the text in UTF-8, and the result. Stops within: as matchText.",
    )
    .input("text", text::TYPE)
    .output("string")
    .options(&[
        PATTERN,
        OptionSpec::new("replacement", "string", "What stands for each match.").required(),
        FLAGS,
    ]);

/// How long a step takes, but for its last search.
const SLICE: Duration = Duration::from_micros(500);

impl Kernel for ReplaceText {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.check(input, options).map(|(work, _)| work)
    }

    fn check(&self, input: Value, options: &Options) -> Result<(Work, Estimate)> {
        let (input, pattern) = (Text::of(input, SPEC.input)?, Pattern::of(options)?);
        let replacement = string(options, "replacement")?.unwrap_or_default().to_owned();
        let estimate = Estimate { cost: 0, memory: 3 * input.len() as u64 };
        Ok((Work::stepped(Replacing::Waiting(Some((input, pattern, replacement)))), estimate))
    }
}

enum Replacing {
    Waiting(Option<(Text, Pattern, String)>),
    Running(Running),
}

struct Running {
    text: String,
    regex: Regex,
    replacement: String,
    /// How many groups the replacement may name.
    dollars: usize,
    at: usize,
    /// How far the text is in the output, and where the last match ended.
    copied: usize,
    last: Option<usize>,
    out: String,
}

impl Stepped for Replacing {
    fn step(&mut self, _units: u64) -> Result<Step> {
        match self {
            Self::Waiting(given) => {
                let Some((text, pattern, replacement)) = given.take() else {
                    return Ok(Step::Done(Next::Done(Value::Null)));
                };
                let (text, regex) = (text.read()?, pattern.compile()?);
                let dollars = replacement.matches('$').count();
                let (at, copied, last, out) = (0, 0, None, String::new());
                *self = Self::Running(Running { text, regex, replacement, dollars, at, copied, last, out });
                Ok(Step::More { progress: 0.0 })
            }
            Self::Running(running) => {
                let began = Instant::now();
                while running.replace()? {
                    if began.elapsed() >= SLICE {
                        return Ok(Step::More { progress: running.at as f64 / running.text.len().max(1) as f64 });
                    }
                }
                let rest = &running.text[running.copied..];
                text::bound(running.out.len().saturating_add(rest.len()))?;
                text::append(&mut running.out, rest)?;
                Ok(Step::Done(Next::Done(Value::String(std::mem::take(&mut running.out)))))
            }
        }
    }
}

impl Running {
    /// Replaces the next match; false if there is none.
    fn replace(&mut self) -> Result<bool> {
        while self.at <= self.text.len() {
            let Some(captures) = self.regex.captures_at(&self.text, self.at) else { return Ok(false) };
            let Some(found) = captures.get(0) else { return Ok(false) };
            let (start, end) = (found.start(), found.end());
            // As the crate's own iterator has it (see matchText).
            self.at = if end > start { end } else { end + self.text[end..].chars().next().map_or(1, char::len_utf8) };
            if start == end && self.last == Some(end) {
                continue;
            }
            self.last = Some(end);
            let between = &self.text[self.copied..start];
            // A group is within the match.
            let most =
                (end - start).saturating_mul(self.dollars).saturating_add(self.replacement.len() + between.len());
            text::bound(self.out.len().saturating_add(most))?;
            text::reserve(&mut self.out, most)?;
            self.out.push_str(between);
            captures.expand(&self.replacement, &mut self.out);
            self.copied = end;
            return Ok(true);
        }
        Ok(false)
    }
}
