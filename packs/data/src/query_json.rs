//! `queryJson`: a jq program over JSON.

use std::rc::Rc;

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Bytes, Options, Value};
use heavy_load_kernel::{Estimate, Kernel, Next, OptionSpec, Result, Spec, Step, Stepped, Work};

use crate::json::document::{Document, Text};
use crate::json::guard;
use crate::json::program::{Ended, LONGEST, Program};
use crate::json::routine::Routine;
use crate::json::scan::{Scan, place};
use crate::json::write;

pub(crate) struct QueryJson;

const MAX_OUTPUT_LENGTH: u64 = 256 << 20;
const MAX_MEMORY: u64 = 512 << 20;
/// Bytes that are checked in a unit of work: some 20 us.
const BLOCK: usize = 16 << 10;

/// Characters of a program's error that are told: it may have any value in it.
const LONGEST_MESSAGE: usize = 500;

static SPEC: Spec = Spec::new("queryJson")
    .summary("a jq program over JSON: the fields that are wanted of megabytes")
    .docs(
        "\
What a jq program makes of `json`: its outputs as JSON, one a line, or the only one with `single`. The text may have several values, with white space between them; each is an input. It is checked as a
whole, but only what the program looks into is read. The language is jaq's: jq 1.7's but for what its manual names. Integers of 64 bits are exact; numbers keep their spelling until something is calculated
with them. There are no files, no modules and no `input`; the environment is empty; `halt` ends the outputs.

Errors: ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE; ERR_INVALID_ARG_VALUE for a `filter` that is no jq program, and for more than 4 GiB of JSON; ERR_INVALID_DATA for what is no JSON (with line and column) or
no UTF-8, is nested more than 10,000 levels deep, for an error of the program's that it does not catch (with jq's message), and if there is not one output with `single`; ERR_OUTPUT_TOO_LARGE as soon as
there is more than `maxOutputLength`, or the program's values take more than `maxMemory`; ERR_OUT_OF_MEMORY. Working memory: 16 bytes for each array and object of the text, 16 for each element and member
that is looked at, and what the program makes. Stops within: 1 ms, but for a single function of jq's over a long string (some 10 ms for each MiB), one search by regular expression above all. Programs are compiled once, on the pool; the last 32 are
kept. Sources: RFC 8259, the manuals of jq and jaq.",
    )
    .input("json", "string | Bytes")
    .output("Buffer")
    .options(&[
        OptionSpec::new("filter", "string", "The jq program. At most 8 KiB.").required(),
        OptionSpec::new("single", "boolean", "Whether there is to be one output, and no new line behind it. Default false."),
        OptionSpec::new("maxOutputLength", "number", "Most bytes of output. Default 256 MiB."),
        OptionSpec::new("maxMemory", "number", "Most bytes that the program's values take. 1 MiB..1 TiB, default 512 MiB."),
    ]);

impl Kernel for QueryJson {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.check(input, options).map(|(work, _)| work)
    }

    fn check(&self, input: Value, options: &Options) -> Result<(Work, Estimate)> {
        let input = match input {
            Value::String(text) => Input::String(text),
            Value::View(view) => Input::Bytes(view.into_bytes()),
            other => {
                return Err(EngineError::invalid_type(
                    SPEC.input,
                    "of type string or an instance of Buffer, TypedArray, DataView, ArrayBuffer, SharedArrayBuffer or FrozenBuffer",
                    other,
                ));
            }
        };
        let len = input.len();
        if len > u32::MAX as usize {
            let reason = "must have no more than 4 GiB";
            return Err(EngineError::invalid_value(SPEC.input, reason, Value::Other(format!("{len} bytes"))));
        }
        let filter = match options.get("filter") {
            Value::String(filter) if filter.len() > LONGEST => {
                return Err(EngineError::invalid_value(
                    "options.filter",
                    "must have no more than 8 KiB",
                    Value::String(filter.clone()),
                ));
            }
            Value::String(filter) => filter.clone(),
            other => return Err(EngineError::invalid_type("options.filter", "of type string", other)),
        };
        let query = Query {
            filter,
            single: options.boolean("single", false)?,
            max_output: options.integer("maxOutputLength", 0..=1 << 53, MAX_OUTPUT_LENGTH)? as usize,
            max_memory: options.integer("maxMemory", 1 << 20..=1 << 40, MAX_MEMORY)? as usize,
        };
        // A text of brackets alone is a container for each two bytes.
        let memory = (8 * len as u64).saturating_add((query.max_memory as u64).min(64 * len as u64 + (1 << 20)));
        let estimate = Estimate { cost: len as u64, memory };
        Ok((Work::stepped(Querying::Waiting(Some((input, query)))), estimate))
    }
}

/// A text that has not been read yet: bytes are the kernel's when its work runs.
enum Input {
    String(String),
    Bytes(Bytes),
}

impl Input {
    fn len(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    fn text(self) -> Result<Text> {
        let bytes = match self {
            Self::String(text) => return Ok(Text::String(text)),
            Self::Bytes(bytes) => bytes,
        };
        let mut copy = vec![];
        if bytes.as_slice().is_none() {
            bytes.read(0..bytes.len(), &mut copy)?;
            return Ok(Text::Copied(copy));
        }
        Ok(Text::Held(bytes))
    }
}

struct Query {
    filter: String,
    single: bool,
    max_output: usize,
    max_memory: usize,
}

enum Querying {
    Waiting(Option<(Input, Query)>),
    /// The text up to so many bytes is UTF-8, and what `Scan` says of it.
    Checking(Option<Checking>),
    Running(Routine<Vec<u8>>),
}

struct Checking {
    text: Text,
    utf8: usize,
    scan: Scan,
    query: Query,
}

impl Stepped for Querying {
    fn step(&mut self, units: u64) -> Result<Step> {
        match self {
            Self::Waiting(given) => {
                let Some((input, query)) = given.take() else { return Ok(Step::Done(Next::Done(Value::Null))) };
                let checking = Checking { text: input.text()?, utf8: 0, scan: Scan::new(), query };
                *self = Self::Checking(Some(checking));
                Ok(Step::More { progress: 0.0 })
            }
            Self::Checking(state) => {
                let Some(checking) = state else { return Ok(Step::Done(Next::Done(Value::Null))) };
                let bytes = (units as usize).saturating_mul(BLOCK);
                if !checking.read(bytes)? {
                    let len = checking.text.bytes().len().max(1);
                    return Ok(Step::More { progress: 0.5 * checking.scan.at() as f64 / len as f64 });
                }
                let Some(Checking { text, scan, query, .. }) = state.take() else { unreachable!("it is there") };
                let limit = query.max_memory;
                *self = Self::Running(Routine::new(limit, move || query.run(text, scan))?);
                Ok(Step::More { progress: 0.5 })
            }
            Self::Running(routine) => match routine.resume(units)? {
                Some(output) => Ok(Step::Done(Next::Done(Value::Buffer(output)))),
                None => Ok(Step::More { progress: 0.5 }),
            },
        }
    }
}

impl Checking {
    /// Reads on; whether that was all.
    fn read(&mut self, bytes: usize) -> Result<bool> {
        let text = self.text.bytes();
        let until = text.len().min(self.scan.at().saturating_add(bytes));
        // A string is UTF-8.
        if !matches!(self.text, Text::String(_)) {
            while self.utf8 < until {
                self.utf8 = utf8(text, self.utf8, BLOCK)?;
            }
        }
        self.scan.read(text, until)
    }
}

/// Checks some more bytes, or a few less at a character's border.
fn utf8(text: &[u8], from: usize, more: usize) -> Result<usize> {
    let to = text.len().min(from + more);
    let error = match std::str::from_utf8(&text[from..to]) {
        Ok(_) => return Ok(to),
        Err(error) => error,
    };
    let valid = from + error.valid_up_to();
    if error.error_len().is_none() && to < text.len() {
        return Ok(valid);
    }
    let (line, column) = place(text, valid);
    Err(EngineError::invalid_data(format!("Not UTF-8 at line {line}, column {column}")))
}

impl Query {
    /// All of the output.
    fn run(self, text: Text, scan: Scan) -> Result<Vec<u8>> {
        let program = Program::of(&self.filter)?;
        let document = Rc::new(Document::new(text, scan));
        let mut out = vec![];
        let mut outputs = 0_u64;
        'inputs: for input in document.values() {
            for output in program.run(input) {
                guard::tick();
                match output {
                    Ok(_) if self.single && outputs == 1 => {
                        return Err(EngineError::invalid_data("The filter has more than one output"));
                    }
                    Ok(value) => {
                        write::append_within(&mut out, &value, self.max_output - usize::from(!self.single));
                        outputs += 1;
                        if !self.single {
                            out.push(b'\n');
                        }
                    }
                    Err(Ended::Halted(0)) => break 'inputs,
                    Err(Ended::Halted(code)) => {
                        return Err(EngineError::invalid_data(format!("The filter halted with {code}")));
                    }
                    Err(Ended::Failed(message)) => {
                        return Err(EngineError::invalid_data(format!(
                            "jq: {}",
                            message.chars().take(LONGEST_MESSAGE).collect::<String>()
                        )));
                    }
                }
            }
        }
        if self.single && outputs == 0 {
            return Err(EngineError::invalid_data("The filter has no output"));
        }
        Ok(out)
    }
}
