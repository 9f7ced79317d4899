//! `compileDictionary(words)` gives a *resource*, which `closestWords(text, { dictionary })` uses: it is made once, lives in Rust, is held by
//! JavaScript as an object, and is dropped when that is collected.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Options, Resource, Value};
use heavy_load_kernel::{Kernel, Next, OptionSpec, Parallel, Result, Spec, Work};

use crate::edit_distances::distance;

/// Words, each once, in order.
struct Dictionary(Vec<String>);

pub struct CompileDictionary;

static COMPILE: Spec = Spec::new("compileDictionary")
    .summary("makes a dictionary of words, for `closestWords`")
    .docs("Makes a dictionary of a text's words, each once: for `closestWords`.\n\n`words`: text, separated by white space.")
    .input("words", "string")
    .output("object");

impl Kernel for CompileDictionary {
    fn spec(&self) -> &'static Spec {
        &COMPILE
    }

    fn prepare(&self, input: Value, _options: &Options) -> Result<Work> {
        let Value::String(text) = input else {
            return Err(EngineError::invalid_type(COMPILE.input, "of type string", &input));
        };
        Ok(Work::one_shot(move || {
            let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            words.sort_unstable();
            words.dedup();
            Ok(Next::Done(Value::Resource(Resource::new("Dictionary", Dictionary(words)))))
        }))
    }
}

pub struct ClosestWords;

static OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("dictionary", "object", "What `compileDictionary` has given."),
    OptionSpec::new("count", "number", "How many words, 1..100. Default: 3."),
];

static CLOSEST: Spec = Spec::new("closestWords")
    .summary("the words of a dictionary that are closest to one")
    .docs("The words of a dictionary that are closest to `word`, the closest first.\n\n`word`: at most 100 characters.")
    .input("word", "string")
    .output("Array<{ word: string; distance: number }>")
    .options(OPTIONS);

impl Kernel for ClosestWords {
    fn spec(&self) -> &'static Spec {
        &CLOSEST
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        let word: Vec<char> = match &input {
            Value::String(word) if word.chars().nth(100).is_none() => word.chars().collect(),
            other => return Err(EngineError::invalid_type(CLOSEST.input, "a string of at most 100 characters", other)),
        };
        let given = options.get("dictionary");
        let dictionary = match given {
            Value::Resource(resource) => resource.get::<Dictionary>(),
            _ => None,
        };
        let dictionary = dictionary.ok_or_else(|| {
            EngineError::invalid_type("options.dictionary", "what compileDictionary has given", given)
        })?;
        let count = options.integer("count", 1..=100, 3)? as usize;
        Ok(Work::parallel(Searching { dictionary, word, count, best: Mutex::default() }))
    }
}

/// Compares with every word; a unit is a word.
struct Searching {
    dictionary: Arc<Dictionary>,
    word: Vec<char>,
    count: usize,
    best: Mutex<Vec<(u32, u64)>>,
}

impl Searching {
    /// Takes in candidates, and keeps the best.
    fn keep(&self, mut found: Vec<(u32, u64)>) {
        let mut best = self.best.lock().unwrap_or_else(PoisonError::into_inner);
        best.append(&mut found);
        best.sort_unstable();
        best.truncate(self.count);
    }
}

impl Parallel for Searching {
    fn len(&self) -> u64 {
        self.dictionary.0.len() as u64
    }

    fn first_morsel(&self) -> u64 {
        64
    }

    fn run(&self, range: Range<u64>) -> Result<()> {
        let mut row = vec![];
        self.keep(range.map(|at| (distance(&self.dictionary.0[at as usize], &self.word, &mut row), at)).collect());
        Ok(())
    }

    fn merge(&mut self) -> Result<Next> {
        let best = std::mem::take(self.best.get_mut().unwrap_or_else(PoisonError::into_inner));
        let words = best.iter().map(|(distance, at)| {
            let word = json_string(&self.dictionary.0[*at as usize]);
            format!("{{\"word\":{word},\"distance\":{distance}}}")
        });
        Ok(Next::Done(Value::Json(format!("[{}]", words.collect::<Vec<_>>().join(",")))))
    }
}

/// A text as JSON has it (RFC 8259, section 7).
fn json_string(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c < ' ' => json.push_str(&format!("\\u{:04x}", c as u32)),
            c => json.push(c),
        }
    }
    json + "\""
}

#[cfg(test)]
mod tests {
    use super::*;
    use heavy_load_kernel::testing::run;

    #[test]
    fn finds_the_closest_words() {
        let text = Value::String("banana apple \"apply\" apple maple".into());
        let dictionary = run(CompileDictionary.prepare(text, &Options::default()).unwrap()).unwrap();
        let options = Options::new(vec![("dictionary", dictionary), ("count", Value::Number(2.0))]);
        let found = run(ClosestWords.prepare(Value::String("apple".into()), &options).unwrap());
        let expected = r#"[{"word":"apple","distance":0},{"word":"maple","distance":2}]"#;
        assert_eq!(found, Ok(Value::Json(expected.into())));
    }

    #[test]
    fn needs_a_dictionary() {
        let error = ClosestWords.prepare(Value::String("a".into()), &Options::default()).unwrap_err();
        assert!(error.message.contains("options.dictionary"), "{error}");
    }
}
