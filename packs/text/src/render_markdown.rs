//! `renderMarkdown`: Markdown as HTML.

use comrak::Options as Format;

use heavy_load_kernel::error::{Code, EngineError};
use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, Next, OptionSpec, Result, Spec, Work};

use crate::html::{Cleaning, Html, Policy, Source, probe};
use crate::text::{self, Text};

pub(crate) struct RenderMarkdown;

static SPEC: Spec = Spec::new("renderMarkdown")
    .summary("Markdown as safe HTML: CommonMark and GitHub's extensions")
    .docs(
        "\
`text` as HTML: CommonMark 0.31.2, and GitHub's extensions (tables, task lists, strikethrough, addresses that are links, footnotes; not its filter of tags, which `sanitize` is instead of). HTML in it is made clean as by sanitizeHtml, and so is all else; what
Markdown itself can say stays, too (`class=\"language-...\"` of code, the boxes of tasks, footnotes).

Errors: ERR_INVALID_ARG_TYPE; ERR_INVALID_DATA for a text of more than 4 MiB, and for HTML as sanitizeHtml has it (quotes and lists count as elements within each other); ERR_OUTPUT_TOO_LARGE
for more than 32 MiB of HTML that is to be made clean, or 256 MiB; ERR_OUT_OF_MEMORY. Working memory: up to 200 bytes for each of the text's. Stops within: the time of rendering, and then
of parsing the HTML, neither of which can pause: some 20 ms for each MiB of prose, 1000 ms for the worst (every second character a mark). Source: spec.commonmark.org/0.31.2,
github.github.com/gfm.",
    )
    .input("text", text::TYPE)
    .output("string")
    .options(&[
        OptionSpec::new("gfm", "boolean", "With GitHub's extensions. Default true."),
        OptionSpec::new("sanitize", "boolean", "Makes the result clean. Default true; without it, HTML in the text is in the result as it is: for texts of your own alone."),
    ]);

/// Most bytes of Markdown.
const LONGEST: usize = 4 << 20;
/// Bytes for each of the text's, at most.
const MEMORY: u64 = 200;
/// Bytes of a node of comrak's, with what its arena takes before it is needed.
const NODE: usize = 320;
/// What is rendered is made clean if it is no longer than this.
const SOURCE: Source =
    Source { name: "The HTML that the text makes", longest: 32 << 20, too_long: Code::OutputTooLarge };

/// The memory that rendering takes, in bytes: about as much as it can need for this text.
fn memory(text: &str) -> usize {
    let is_mark = |byte: &u8| byte.is_ascii_punctuation() || *byte == b'\n';
    let marks = text.bytes().filter(|byte| is_mark(byte)).count();
    // What is between two of them is a node, too.
    let between = text.as_bytes().windows(2).filter(|pair| is_mark(&pair[0]) && !is_mark(&pair[1])).count();
    4 * text.len() + NODE * (marks + between)
}

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
            let mut text = text.read()?;
            // What comrak allocates ends the process if there is no memory: so it is asked for before, and given back.
            probe(memory(&text))?;
            // Without the end of its last line comrak takes `1.` for text.
            if !text.is_empty() && !text.ends_with('\n') {
                text::append(&mut text, "\n")?;
            }
            let html = render(&text, gfm);
            text::bound(html.len())?;
            if !sanitize {
                return Ok(Next::Done(Value::String(html)));
            }
            let cleaning = Cleaning::new(Html::Made(html), SOURCE, Policy::rendered());
            Ok(Next::Then(Work::stepped(cleaning)))
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
