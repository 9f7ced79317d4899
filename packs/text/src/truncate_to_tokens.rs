//! `truncateToTokens`: as much of a text as so many tokens hold.

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, Next, OptionSpec, Result, Spec, Step, Work};

use crate::text::{self, Text};
use crate::tokenizing::{Tokenizing, Use};
use crate::tokens::{Counts, ENCODING, Encoding};

pub(crate) struct TruncateToTokens;

static SPEC: Spec = Spec::new("truncateToTokens")
    .summary("as much of a text as so many tokens hold")
    .docs(
        "\
The text of the first `maxTokens` tokens of `text`, without a last character that they hold only in part; all of it, if it has no more. What comes after these tokens' last word is not read.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE; ERR_OUT_OF_MEMORY. Working memory: the text in UTF-8, some two bytes for each of its longest piece, and 0.2 MB. The first call, and stopping: as countTokens.",
    )
    .input("text", text::TYPE)
    .output("string")
    .options(&[
        OptionSpec::new("maxTokens", "number", "Most tokens. 0..2^53 - 1.").required(),
        ENCODING,
    ]);

impl Kernel for TruncateToTokens {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.check(input, options).map(|(work, _)| work)
    }

    fn check(&self, input: Value, options: &Options) -> Result<(Work, Estimate)> {
        let input = Text::of(input, SPEC.input)?;
        let left = options.integer("maxTokens", 0..=(1 << 53) - 1, 0)?;
        let encoding = options.choice(ENCODING.name, Encoding::CHOICES)?;
        let estimate = Estimate { cost: input.len() as u64, memory: 4 * input.len() as u64 + Counts::MEMORY };
        Ok((Work::stepped(Tokenizing::new(input, encoding, Truncating { left, end: 0 })), estimate))
    }
}

struct Truncating {
    /// How many tokens may come yet, and how many bytes those have that came.
    left: u64,
    end: usize,
}

impl Use for Truncating {
    fn take(&mut self, counts: &mut Counts, piece: &str) -> bool {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        if let Some(count) = counts.of_at_most(left, piece) {
            self.left -= count as u64;
            self.end += piece.len();
            return true;
        }
        let bpe = &counts.tables().bpe;
        let tokens = bpe.encode_via_backtracking(piece.as_bytes());
        // The count gives up early, by what it takes for sure.
        if tokens.len() <= left {
            self.left -= tokens.len() as u64;
            self.end += piece.len();
            return true;
        }
        self.end += tokens.iter().take(left).map(|token| bpe.token_len(*token)).sum::<usize>();
        false
    }

    fn end(&mut self, text: &mut String) -> Result<Step> {
        let mut text = std::mem::take(text);
        let mut end = self.end.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        Ok(Step::Done(Next::Done(Value::String(text))))
    }
}
