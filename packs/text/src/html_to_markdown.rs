//! `htmlToMarkdown`: HTML as Markdown.

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, Result, Spec, Work};

use crate::html::{Converting, MEMORY};
use crate::text::{self, Text};

pub(crate) struct HtmlToMarkdown;

static SPEC: Spec = Spec::new("htmlToMarkdown")
    .summary("HTML as Markdown: headings, lists, links, images, code, tables")
    .docs(
        "\
`html` as Markdown (CommonMark, with GitHub's tables): headings with `#`, lists, links, images, emphasis, quotes, code, tables. Of script, style, head and the like nothing is left. What
is text is the same text when it is rendered; where Markdown has no way to say something (emphasis that ends within a word after a `!`, a line break in a heading or a cell), a tag of HTML is
there. It does not make HTML safe: addresses come through as they are, so sanitise what is rendered of it.

Errors: ERR_INVALID_ARG_TYPE; ERR_INVALID_DATA as sanitizeHtml; ERR_OUTPUT_TOO_LARGE for more than 256 MiB (each line within 250 quotes begins with 250 marks); ERR_OUT_OF_MEMORY. Working
memory: up to 50 bytes for each of the HTML's, and the result. Stops within: as sanitizeHtml.",
    )
    .input("html", text::TYPE)
    .output("string");

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
        let work = Work::stepped(Converting::new(html));
        Ok((work, Estimate { cost: len, memory: MEMORY * len }))
    }
}
