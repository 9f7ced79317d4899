//! `matchText`: where a pattern matches.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, Next, OptionSpec, Result, Spec, Step, Stepped, Work};
use regex::{CaptureLocations, Regex};

use crate::pattern::{FLAGS, PATTERN, Pattern};
use crate::text::{self, Text};

pub(crate) struct MatchText;

static SPEC: Spec = Spec::new("matchText")
    .summary("where a pattern matches, without backtracking")
    .docs(
        "\
Every match of `pattern` in `text`: `[start, end)` in UTF-16 units, as JavaScript counts, and its groups (the first is `groups[0]`; null where it took no
part). Empty matches are found as the Rust crate regex finds them. One search takes time linear in the text, whatever pattern and text are: there is no backtracking. All matches take as many
searches, and one that looks far ahead of where its match ends (`.*[^A-Z]|[A-Z]` over letters) makes them quadratic together: then `limit` and `timeout` are what bounds it.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE (also for a pattern that is none, or too large when compiled), ERR_OUT_OF_RANGE; ERR_OUTPUT_TOO_LARGE
for groups of more than 256 MiB; ERR_OUT_OF_MEMORY. Working memory: the text in UTF-8, and the matches. Stops within: the search for one match, some 1 ms for each MiB
that has none, 50 ms for the worst patterns. Patterns are compiled once, on the pool; the last 32 are kept.",
    )
    .input("text", text::TYPE)
    .output("{ start: number; end: number; groups: (string | null)[] }[]")
    .options(&[
        PATTERN,
        FLAGS,
        OptionSpec::new("limit", "number", "Most matches; the rest is not looked for. 1..1,000,000, default 10,000."),
    ]);

/// How long a step takes, but for its last search.
const SLICE: Duration = Duration::from_micros(500);

impl Kernel for MatchText {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.check(input, options).map(|(work, _)| work)
    }

    fn check(&self, input: Value, options: &Options) -> Result<(Work, Estimate)> {
        let (input, pattern) = (Text::of(input, SPEC.input)?, Pattern::of(options)?);
        let limit = options.integer("limit", 1..=1_000_000, 10_000)?;
        let estimate = Estimate { cost: 0, memory: 2 * input.len() as u64 };
        Ok((Work::stepped(Matching::Waiting(Some((input, pattern, limit)))), estimate))
    }
}

enum Matching {
    Waiting(Option<(Text, Pattern, u64)>),
    Running(Running),
}

struct Running {
    text: String,
    regex: Regex,
    places: CaptureLocations,
    /// Where to search on, and how many UTF-16 units are before `counted`.
    at: usize,
    counted: usize,
    units: usize,
    /// Where the last match ended.
    last: Option<usize>,
    left: u64,
    json: String,
}

impl Stepped for Matching {
    fn step(&mut self, _units: u64) -> Result<Step> {
        match self {
            Self::Waiting(given) => {
                let Some((text, pattern, limit)) = given.take() else { return Ok(Step::Done(Next::Done(Value::Null))) };
                let (text, regex) = (text.read()?, pattern.compile()?);
                let places = regex.capture_locations();
                *self = Self::Running(Running {
                    text,
                    regex,
                    places,
                    at: 0,
                    counted: 0,
                    units: 0,
                    last: None,
                    left: limit,
                    json: "[".into(),
                });
                Ok(Step::More { progress: 0.0 })
            }
            Self::Running(running) => {
                let began = Instant::now();
                while running.left > 0 && running.find()? {
                    if began.elapsed() >= SLICE {
                        return Ok(Step::More { progress: running.at as f64 / running.text.len().max(1) as f64 });
                    }
                }
                text::append(&mut running.json, "]")?;
                Ok(Step::Done(Next::Done(Value::Json(std::mem::take(&mut running.json)))))
            }
        }
    }
}

impl Running {
    /// Finds the next match; false if there is none.
    fn find(&mut self) -> Result<bool> {
        while self.at <= self.text.len() {
            // Without groups a faster search does.
            let found = if self.places.len() > 1 {
                self.regex.captures_read_at(&mut self.places, &self.text, self.at)
            } else {
                self.regex.find_at(&self.text, self.at)
            };
            let Some(found) = found else { return Ok(false) };
            let (start, end) = (found.start(), found.end());
            // As the crate's own iterator: behind an empty match the next search begins one character on, and none stands where another ended.
            self.at = if end > start { end } else { next_char(&self.text, end) };
            if start == end && self.last == Some(end) {
                continue;
            }
            self.last = Some(end);
            self.left -= 1;
            self.tell(start, end)?;
            return Ok(true);
        }
        Ok(false)
    }

    fn tell(&mut self, start: usize, end: usize) -> Result<()> {
        let first = self.units + utf16_len(&self.text[self.counted..start]);
        let last = first + utf16_len(&self.text[start..end]);
        (self.counted, self.units) = (end, last);
        // A group is within the match, and six times as long at most when it is escaped.
        let groups = self.places.len() - 1;
        let most = (end - start).saturating_mul(6).saturating_add(8).saturating_mul(groups).saturating_add(80);
        text::bound(self.json.len().saturating_add(most))?;
        text::reserve(&mut self.json, most)?;
        let comma = if self.json.len() > 1 { "," } else { "" };
        // A `String` takes all that is written.
        let _ = write!(self.json, "{comma}{{\"start\":{first},\"end\":{last},\"groups\":[");
        for group in 1..=groups {
            if group > 1 {
                self.json.push(',');
            }
            match self.places.get(group) {
                Some((from, to)) => push_json(&mut self.json, &self.text[from..to]),
                None => self.json.push_str("null"),
            }
        }
        self.json.push_str("]}");
        Ok(())
    }
}

/// How many UTF-16 units a text has: one for each character, and one more for those of four bytes.
fn utf16_len(text: &str) -> usize {
    let count = |is: fn(u8) -> bool| text.bytes().filter(|byte| is(*byte)).count();
    count(|byte| byte.cast_signed() >= -64) + count(|byte| byte >= 0xf0)
}

fn next_char(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(1, char::len_utf8)
}

/// A string as JSON has it.
fn push_json(json: &mut String, text: &str) {
    json.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => json.extend(['\\', char]),
            '\0'..='\x1f' => {
                let _ = write!(json, "\\u{:04x}", u32::from(char));
            }
            _ => json.push(char),
        }
    }
    json.push('"');
}
