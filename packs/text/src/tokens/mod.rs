//! Tokens as OpenAI's models count them: a text is split into pieces by a pattern, and each piece into tokens by byte-pair encoding. The crate `bpe` does the latter in time linear in
//! the piece, whatever is in it, where tiktoken and its like take quadratic time.
//!
//! Invariants:
//! 1. An encoding's tables are made once a process, by the first task that needs them. Others that come meanwhile give their thread back again and again, and so stop with their requests.
//! 2. A piece depends on what comes after it by one character at most: so a text can be split from any piece's beginning.

mod ascii;
mod counts;
mod pieces;
mod tables;

pub(crate) use counts::Counts;
pub(crate) use pieces::Pieces;
pub(crate) use tables::{Encoding, Tables};

use heavy_load_kernel::OptionSpec;

pub(crate) const ENCODING: OptionSpec = OptionSpec::new(
    "encoding",
    "'o200k_base' | 'cl100k_base'",
    "'o200k_base' (default: GPT-4o and later) or 'cl100k_base' (GPT-4, GPT-3.5, text-embedding-3).",
);
