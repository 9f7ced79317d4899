//! Kernels for text: `countTokens`, `truncateToTokens`, `renderMarkdown`, `sanitizeHtml`, `htmlToMarkdown`, `matchText`, `replaceText`. What they share:
//!
//! - `text`: an input as a string, and output that grows as the system gives memory;
//! - `pattern`: compiled patterns, kept for a while;
//! - `tokens`: encodings and their tables; `tokenizing`: work over a text's pieces;
//! - `html`: a tree of HTML, what is left of it when it is made clean, and what it is in Markdown.
//!
//! Invariants:
//! 1. Time and memory are linear in the input, and the output is bounded, whatever is in it: what a parser takes more for (deep nesting, thousands of attributes,
//!    formatting that is opened again and again) is counted while it parses, and refused. (Many searches of one pattern are each linear, and stop.)
//! 2. Nothing of ours recurses over the input.
#![forbid(unsafe_code)]

mod count_tokens;
mod html;
mod html_to_markdown;
mod match_text;
mod pattern;
mod render_markdown;
mod replace_text;
mod sanitize_html;
#[cfg(test)]
mod tests;
mod text;
mod tokenizing;
mod tokens;
mod truncate_to_tokens;

heavy_load_kernel::export_kernels!(
    count_tokens::CountTokens,
    truncate_to_tokens::TruncateToTokens,
    render_markdown::RenderMarkdown,
    sanitize_html::SanitizeHtml,
    html_to_markdown::HtmlToMarkdown,
    match_text::MatchText,
    replace_text::ReplaceText,
);
