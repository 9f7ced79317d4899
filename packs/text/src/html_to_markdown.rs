//! `htmlToMarkdown`: HTML as Markdown.

use htmd::HtmlToMarkdown as Converter;

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, Next, Result, Spec, Work};

use crate::html::check;
use crate::text::{self, Text};

pub(crate) struct HtmlToMarkdown;

static SPEC: Spec = Spec::new("htmlToMarkdown")
    .summary("HTML as Markdown: headings, lists, links, images, code, tables")
    .docs(
        "\
`html` as Markdown (CommonMark, with GitHub's tables): headings with `#`, lists, links, images, emphasis, quotes, code, tables. Of script, style, head and the like nothing is left. It
does not make HTML safe: what is not Markdown may come through as it is, so sanitise what is rendered of it.

Errors: ERR_INVALID_ARG_TYPE; ERR_INVALID_DATA as sanitizeHtml; ERR_OUTPUT_TOO_LARGE for more than 256 MiB; ERR_OUT_OF_MEMORY. Working memory: some 40 bytes for each of the HTML's. It is one
call, which takes some 40 ms for each MiB.",
    )
    .input("html", text::TYPE)
    .output("string");

/// Bytes for each of the HTML's: two trees, and the result.
const MEMORY: u64 = 40;

impl Kernel for HtmlToMarkdown {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.check(input, options).map(|(work, _)| work)
    }

    fn check(&self, input: Value, _options: &Options) -> Result<(Work, Estimate)> {
        let html = Text::of(input, SPEC.input)?;
        let len = html.len() as u64;
        let mut given = Some(html);
        let work = Work::one_shot(move || {
            let Some(html) = given.take() else { return Ok(Next::Done(Value::Null)) };
            let html = html.read()?;
            check(&html)?;
            let converter = Converter::builder()
                .skip_tags(vec!["script", "style", "head", "noscript", "template", "iframe"])
                .build();
            let markdown = converter.convert(&html).map_err(|error| EngineError::invalid_data(error.to_string()))?;
            text::bound(markdown.len())?;
            Ok(Next::Done(Value::String(markdown)))
        });
        Ok((work, Estimate { cost: len, memory: MEMORY * len }))
    }
}
