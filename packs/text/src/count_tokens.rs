//! `countTokens`: how many tokens a text has.

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, Next, Result, Spec, Step, Work};

use crate::text::{self, Text};
use crate::tokenizing::{Tokenizing, Use};
use crate::tokens::{Counts, ENCODING, Encoding};

pub(crate) struct CountTokens;

static SPEC: Spec = Spec::new("countTokens")
    .summary("how many tokens a text has, as OpenAI's models count, in time linear in the text")
    .docs(
        "\
The number of tokens of `text`, in time linear in it, whatever it holds. What looks like a special token is text.

The first call for an encoding makes its tables, on the pool: about 0.5 s (cl100k_base) or 1.5 s (o200k_base) of one thread, and 35 or 60 MB that stay. So call it once, with an empty text, when the server starts.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE; ERR_OUT_OF_MEMORY. Working memory: the text in UTF-8, some two bytes for each of its longest piece, and 0.2 MB. White space is what Unicode and tiktoken itself take for it: JavaScript's tokenizers differ for U+0085 and
U+FEFF. Stops within: 1 ms, 10 ms for each MiB of one piece (a word, or a run of the like), and the time that the tables
take. Source: the encodings of github.com/openai/tiktoken.",
    )
    .input("text", text::TYPE)
    .output("number")
    .options(&[ENCODING]);

impl Kernel for CountTokens {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.check(input, options).map(|(work, _)| work)
    }

    fn check(&self, input: Value, options: &Options) -> Result<(Work, Estimate)> {
        let input = Text::of(input, SPEC.input)?;
        let encoding = options.choice(ENCODING.name, Encoding::CHOICES)?;
        let estimate = Estimate { cost: input.len() as u64, memory: 3 * input.len() as u64 + Counts::MEMORY };
        Ok((Work::stepped(Tokenizing::new(input, encoding, Counting { count: 0 })), estimate))
    }
}

struct Counting {
    count: u64,
}

impl Use for Counting {
    fn take(&mut self, counts: &mut Counts, piece: &str) -> bool {
        self.count += counts.of(piece) as u64;
        true
    }

    fn end(&mut self, _text: &mut String) -> Result<Step> {
        Ok(Step::Done(Next::Done(Value::Number(self.count as f64))))
    }
}
