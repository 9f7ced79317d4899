//! `renderMarkdown`: Markdown as HTML.

use comrak::Options as Format;

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, Next, OptionSpec, Result, Spec, Work};

use crate::html::{check, clean_rendered};
use crate::text::{self, Text};

pub(crate) struct RenderMarkdown;

static SPEC: Spec = Spec::new("renderMarkdown")
    .summary("Markdown as safe HTML: CommonMark and GitHub's extensions")
    .docs(
        "\
`text` as HTML: CommonMark 0.31.2, and GitHub's extensions (tables, task lists, strikethrough, addresses that are links, footnotes; not its filter of tags, which `sanitize` is instead of). HTML in it is made clean as by sanitizeHtml, and so is all else; what
Markdown itself can say stays, too (`class=\"language-...\"` of code, the boxes of tasks, footnotes).

Errors: ERR_INVALID_ARG_TYPE; ERR_INVALID_DATA for a text of more than 4 MiB, and for HTML as sanitizeHtml has it (quotes and lists count as elements within each other); ERR_OUTPUT_TOO_LARGE; ERR_OUT_OF_MEMORY.
Working memory: some 100 bytes for each of the text's. It is one call, which takes some 50 ms for each MiB. Source: spec.commonmark.org/0.31.2, github.github.com/gfm.",
    )
    .input("text", text::TYPE)
    .output("string")
    .options(&[
        OptionSpec::new("gfm", "boolean", "With GitHub's extensions. Default true."),
        OptionSpec::new("sanitize", "boolean", "Makes the result clean. Default true; without it, HTML in the text is in the result as it is: for texts of your own alone."),
    ]);

/// Most bytes of Markdown.
const LONGEST: usize = 4 << 20;
const MEMORY: u64 = 100;

impl Kernel for RenderMarkdown {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.check(input, options).map(|(work, _)| work)
    }

    fn check(&self, input: Value, options: &Options) -> Result<(Work, Estimate)> {
        let text = Text::of(input, SPEC.input)?;
        let (gfm, sanitize) = (options.boolean("gfm", true)?, options.boolean("sanitize", true)?);
        let len = text.len();
        if len > LONGEST {
            return Err(EngineError::invalid_data(format!("The text is longer than {} MiB", LONGEST >> 20)));
        }
        let mut given = Some(text);
        let work = Work::one_shot(move || {
            let Some(text) = given.take() else { return Ok(Next::Done(Value::Null)) };
            let html = render(&text.read()?, gfm);
            text::bound(html.len())?;
            if !sanitize {
                return Ok(Next::Done(Value::String(html)));
            }
            check(&html)?;
            Ok(Next::Done(Value::String(clean_rendered(&html))))
        });
        Ok((work, Estimate { cost: len as u64, memory: MEMORY * len as u64 }))
    }
}

pub(crate) fn render(text: &str, gfm: bool) -> String {
    let mut format = Format::default();
    let extension = &mut format.extension;
    for extension in [
        &mut extension.autolink,
        &mut extension.footnotes,
        &mut extension.strikethrough,
        &mut extension.table,
        &mut extension.tasklist,
    ] {
        *extension = gfm;
    }
    // What is not clean is taken out afterwards, of all that is there.
    format.render.r#unsafe = true;
    comrak::markdown_to_html(text, &format)
}
