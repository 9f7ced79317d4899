//! `editDistances(lines, { to })`: how far each line of a text is from one word.
//!
//! Two phases: first the text is cut into lines, in steps; then all of them are compared, on as many threads as the pool has.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Bytes, Options, Value, collect};
use heavy_load_kernel::{Kernel, Next, OptionSpec, Parallel, Result, Spec, Step, Stepped, Work};

pub struct EditDistances;

static OPTIONS: &[OptionSpec] = &[OptionSpec::new("to", "string", "The word that every line is compared with, at most 1,000 characters.")];

static SPEC: Spec = Spec::new("editDistances")
    .summary("the Levenshtein distance of each line of a text to one word, on all threads")
    .docs(
        "\
The Levenshtein distance of each line of a text to one word, in Unicode characters. O(lines x length of the word), on all threads.

`lines`: UTF-8, lines end with \"\\n\"; a line of more than 1,000 characters is ERR_INVALID_DATA.

Resolves with a Uint32Array, one number a line.",
    )
    .input("lines", "Buffer | Uint8Array | FrozenBuffer")
    .output("Uint32Array")
    .options(OPTIONS);

/// Characters that a word or a line may have: the time of one comparison is their product.
const LONGEST: usize = 1_000;

impl Kernel for EditDistances {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        let Value::View(view) = input else {
            return Err(EngineError::invalid_type(
                SPEC.input,
                "an instance of Buffer, Uint8Array or FrozenBuffer",
                &input,
            ));
        };
        let to: Vec<char> = match options.get("to") {
            Value::String(to) => to.chars().collect(),
            other => return Err(EngineError::invalid_type("options.to", "of type string", other)),
        };
        if to.len() > LONGEST {
            return Err(EngineError::invalid_value(
                "options.to",
                "must have at most 1,000 characters",
                options.get("to"),
            ));
        }
        Ok(Work::stepped(Cutting { bytes: Some(view.into_bytes()), at: 0, starts: vec![0], to }))
    }
}

/// The first phase: finds where lines start. A unit is 16 KiB.
struct Cutting {
    bytes: Option<Bytes>,
    at: usize,
    starts: Vec<usize>,
    to: Vec<char>,
}

const BLOCK: usize = 16 * 1024;

impl Stepped for Cutting {
    fn step(&mut self, units: u64) -> Result<Step> {
        let Some(bytes) = &self.bytes else { unreachable!("it is taken at the end") };
        let mut scratch = vec![];
        for _ in 0..units {
            let end = bytes.len().min(self.at + BLOCK);
            let block = bytes.read(self.at..end, &mut scratch)?;
            let ends = block.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            self.starts.extend(ends.map(|(index, _)| self.at + index + 1));
            self.at = end;
            if end == bytes.len() {
                if self.starts.last() != Some(&end) {
                    self.starts.push(end + 1); // as if the last line had its end
                }
                let count = self.starts.len() - 1;
                let distances = collect((0..count).map(|_| AtomicU32::new(0)))?;
                let (bytes, to) = (self.bytes.take(), std::mem::take(&mut self.to));
                let starts = std::mem::take(&mut self.starts);
                let Some(bytes) = bytes else { unreachable!("it was there a moment ago") };
                return Ok(Step::Done(Next::Then(Work::parallel(Comparing { bytes, starts, to, distances }))));
            }
        }
        // Cutting takes next to no time beside comparing.
        Ok(Step::More { progress: 0.0 })
    }
}

/// The second phase: compares. A unit is a line.
struct Comparing {
    bytes: Bytes,
    starts: Vec<usize>,
    to: Vec<char>,
    distances: Vec<AtomicU32>,
}

impl Parallel for Comparing {
    fn len(&self) -> u64 {
        self.distances.len() as u64
    }

    fn first_morsel(&self) -> u64 {
        64
    }

    fn run(&self, range: Range<u64>) -> Result<()> {
        let (mut scratch, mut row) = (vec![], vec![]);
        for line in range.start as usize..range.end as usize {
            let bytes = self.bytes.read(self.starts[line]..self.starts[line + 1] - 1, &mut scratch)?;
            let text = std::str::from_utf8(bytes)
                .map_err(|_| EngineError::invalid_data(format!("Line {} of \"lines\" is not UTF-8", line + 1)))?;
            if text.chars().nth(LONGEST).is_some() {
                return Err(EngineError::invalid_data(format!(
                    "Line {} of \"lines\" has more than 1,000 characters",
                    line + 1
                )));
            }
            self.distances[line].store(distance(text, &self.to, &mut row), Ordering::Relaxed);
        }
        Ok(())
    }

    fn merge(&mut self) -> Result<Next> {
        // A Vec<u32> is a Uint32Array in JavaScript, and is not copied.
        let distances = collect(self.distances.iter_mut().map(|distance| *distance.get_mut()))?;
        Ok(Next::Done(Value::numbers(distances)?))
    }
}

/// How many characters must be added, taken away or replaced to make one word of the other (Levenshtein 1966; Wagner, Fischer 1974).
/// `row` is room that is used again.
pub(crate) fn distance(a: &str, b: &[char], row: &mut Vec<u32>) -> u32 {
    row.clear();
    row.extend(0..=b.len() as u32);
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i as u32 + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + u32::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use heavy_load_kernel::testing::{frozen, run};
    use heavy_load_kernel::value::{Element, View};

    fn distances(lines: &str, to: &str) -> Result<Vec<u32>> {
        let (memory, _lender) = frozen(lines.as_bytes().to_vec());
        let input = Value::View(View { element: Element::Uint8, bare: false, memory });
        let options = Options::new(vec![("to", Value::String(to.into()))]);
        let result = run(EditDistances.prepare(input, &options)?)?;
        let Value::View(View { memory, .. }) = result else { panic!("a view") };
        let Some(owned) = memory.into_owned() else { panic!("its own") };
        Ok(owned
            .as_slice()
            .chunks_exact(4)
            .map(|four| u32::from_ne_bytes([four[0], four[1], four[2], four[3]]))
            .collect())
    }

    #[test]
    fn measures_every_line() {
        assert_eq!(distances("kitten\nsitting\n\nkittens", "kitten"), Ok(vec![0, 3, 6, 1]));
        assert_eq!(distances("", "abc"), Ok(vec![]), "no text has no line");
        assert_eq!(distances("größe\n", "grosse"), Ok(vec![3]));
    }

    #[test]
    fn refuses_what_is_no_text() {
        assert!(EditDistances.prepare(Value::Null, &Options::default()).is_err());
        let long = "x".repeat(1_001);
        assert!(distances(&long, "x").is_err());
    }
}
