//! What a kernel says of itself.
#![forbid(unsafe_code)]

use std::fmt;

use crate::fold::Fold;
use crate::value::{Options, Value};
use crate::{Result, Work};

/// A named CPU function.
pub trait Kernel: Sync {
    /// Its name, its documentation and its TypeScript signature.
    fn spec(&self) -> &'static Spec;

    /// Checks the arguments and makes them into work; runs nothing of it.
    ///
    /// It serves two steps of a call:
    /// - *check*, before the task is admitted: the memory is not the kernel's yet, so of its bytes nothing but their number is
    ///   to be had (whoever touches them panics), and a call that is refused has cost its caller nothing;
    /// - *commit*, once nothing can be refused any more: the memory becomes the kernel's. Where it stands as it stood at the check
    ///   (shared, frozen, as a rule moved), the work of the check runs. Where it does not (a copy), `prepare` is called once more,
    ///   over that and with the same options, and the first work is dropped.
    ///
    /// So it is to give the same work twice. What it asks for at the commit alone (much memory, say) it may leave out over
    /// [a draft](crate::value::Memory::is_draft), whose work never runs. Bytes are touched by the work, when it runs.
    ///
    /// # Errors
    /// The codes for arguments: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE; and ERR_OUT_OF_MEMORY.
    fn prepare(&self, input: Value, options: &Options) -> Result<Work>;

    /// What a stream of input is folded into, for a kernel whose [`Spec::streams`]; runs nothing yet, as `prepare`.
    ///
    /// # Errors
    /// As `prepare`.
    fn fold(&self, _options: &Options) -> Result<Box<dyn Fold>> {
        unreachable!("{} takes no streams", self.spec().name)
    }

    /// Both at once: the work of `prepare`, and what the call takes.
    ///
    /// # Errors
    /// As `prepare`.
    fn check(&self, input: Value, options: &Options) -> Result<(Work, Estimate)> {
        let estimate = self.estimate(&input, options);
        Ok((self.prepare(input, options)?, estimate))
    }

    /// What a call takes that `prepare` has taken. Cheap, as `prepare` is.
    fn estimate(&self, _input: &Value, _options: &Options) -> Estimate {
        Estimate::default()
    }
}

/// What a call takes, as far as its kernel knows beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Its work, in units of about one steady cost: calls of which each has about twice the other's units take about twice as long.
    /// 0 if that is not known: then what the first phase says of its length counts.
    pub cost: u64,
    /// Working memory that it allocates once it has begun, in bytes: scratch and result, at their most. 0 if little. The pool has no
    /// more begin at once than there is memory for; so what `prepare` asks for already stays untouched until then, and takes none.
    pub memory: u64,
}

impl fmt::Debug for dyn Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kernel({})", self.spec().name)
    }
}

/// A kernel's public face, from which its exports, types and documentation are generated. It is built from [`Spec::new`], and says
/// only what differs from that:
/// ```
/// # use heavy_load_kernel::Spec;
/// static SPEC: Spec = Spec::new("double").input("number", "number").output("number");
/// assert!(SPEC.name == "double" && SPEC.options.is_empty());
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Spec {
    /// The name of the pool form; `Sync` and `Async` are appended for the others.
    pub name: &'static str,
    /// One line for the README's table, in Markdown.
    pub summary: &'static str,
    /// The docstring: shapes, units, errors, source.
    pub docs: &'static str,
    /// TypeScript's type parameter, on which the output's type depends; empty for none. Either the input's, such as
    /// `T extends NumericView`, or an option's, such as `E extends HashOptions['encoding'] = 'buffer'`.
    pub type_parameter: &'static str,
    /// The input parameter's name in signatures and messages.
    pub input: &'static str,
    /// The input's TypeScript type.
    pub input_type: &'static str,
    /// If it takes numbers: every integer from 0 to this is an input that `prepare` is sure to take. Calls with these may be
    /// prepared later than they are made, when an error could no longer name its caller.
    pub accepts_integers_up_to: Option<u64>,
    /// The result's TypeScript type.
    pub output_type: &'static str,
    /// Whether it changes the elements it is given and gives the same view back: a copy is then made where JavaScript can
    /// have it.
    pub in_place: bool,
    /// Whether the pool form takes its bytes as a stream, too: by [`Kernel::fold`].
    pub streams: bool,
    /// Options beside those that every task has.
    pub options: &'static [OptionSpec],
}

impl Spec {
    /// A kernel of this name: of an `input` and to an output of any type (`unknown`), without documentation, options or anything else
    /// of its own.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            summary: "",
            docs: "",
            type_parameter: "",
            input: "input",
            input_type: "unknown",
            accepts_integers_up_to: None,
            output_type: "unknown",
            in_place: false,
            streams: false,
            options: &[],
        }
    }

    /// With its line for the README's table.
    pub const fn summary(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    /// With its docstring.
    pub const fn docs(self, docs: &'static str) -> Self {
        Self { docs, ..self }
    }

    /// With a type parameter.
    pub const fn type_parameter(self, type_parameter: &'static str) -> Self {
        Self { type_parameter, ..self }
    }

    /// With its input's name and TypeScript type.
    pub const fn input(self, input: &'static str, input_type: &'static str) -> Self {
        Self { input, input_type, ..self }
    }

    /// Sure to take every integer from 0 to `largest`.
    pub const fn accepts_integers_up_to(self, largest: u64) -> Self {
        Self { accepts_integers_up_to: Some(largest), ..self }
    }

    /// With its result's TypeScript type.
    pub const fn output(self, output_type: &'static str) -> Self {
        Self { output_type, ..self }
    }

    /// Changing the elements it is given.
    pub const fn in_place(self) -> Self {
        Self { in_place: true, ..self }
    }

    /// Taking streams.
    pub const fn streams(self) -> Self {
        Self { streams: true, ..self }
    }

    /// With options of its own.
    pub const fn options(self, options: &'static [OptionSpec]) -> Self {
        Self { options, ..self }
    }
}

/// One of a kernel's own options.
#[derive(Debug)]
#[non_exhaustive]
pub struct OptionSpec {
    /// Its name.
    pub name: &'static str,
    /// Its TypeScript type.
    pub ts_type: &'static str,
    /// Its docstring: range, unit, default.
    pub docs: &'static str,
    /// Whether every call has to give it. Of a plug-in's kernel, heavy-load refuses calls that do not.
    pub required: bool,
    /// Whether a missing one is the server's mistake, whatever its client has sent. Of a plug-in's kernel.
    pub of_server: bool,
    /// What it may be beside a number, a string, a boolean, `null` or a resource.
    pub takes: Takes,
}

/// What an option may be beside plain values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Takes {
    /// Nothing.
    #[default]
    Plain,
    /// An array or an object, as JSON.
    Json,
    /// A typed array, which is copied.
    Numbers,
}

impl OptionSpec {
    /// An option that a call may leave out.
    pub const fn new(name: &'static str, ts_type: &'static str, docs: &'static str) -> Self {
        Self { name, ts_type, docs, required: false, of_server: false, takes: Takes::Plain }
    }

    /// An option that a call may not leave out.
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// An option that a call may not leave out, and that servers have from no client.
    pub const fn of_server(self) -> Self {
        Self { required: true, of_server: true, ..self }
    }

    /// An option that is an array or an object: [`Options::json`](crate::value::Options::json).
    pub const fn json(self) -> Self {
        Self { takes: Takes::Json, ..self }
    }

    /// An option that is a typed array: [`Options::numbers`](crate::value::Options::numbers).
    pub const fn numbers(self) -> Self {
        Self { takes: Takes::Numbers, ..self }
    }
}
