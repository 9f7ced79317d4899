//! `sanitizeHtml`: HTML without anything that runs or leaves its place.

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, Result, Spec, Work};

use crate::html::{ATTRIBUTES, Cleaning, EXTEND, GIVEN, Html, MEMORY, Policy, TAGS};
use crate::text::{self, Text};

pub(crate) struct SanitizeHtml;

static SPEC: Spec = Spec::new("sanitizeHtml")
    .summary("HTML without anything that runs or leaves its place")
    .docs(
        "\
`html` as a fragment, without anything that runs or leaves its place: parsed as browsers parse it, and written anew of what is allowed. Tags that are not go, and their
content stays (of script, style and template it goes, too); comments go; links (`<a>` and `<area>`) get `rel=\"noopener noreferrer\"`, and addresses are relative or of a known harmless scheme
(http, https, mailto, tel, ...). By default the tags and attributes stay that texts are written with, without classes, ids and styles.

Errors: ERR_INVALID_ARG_TYPE; ERR_INVALID_ARG_VALUE for tags and attributes that could run; ERR_INVALID_DATA for HTML of more than 8 MiB, with more than 256 elements within each
other, a tag with more than 512 attributes, thousands of different tags, or formatting within formatting (or never closed) in thousands of places; ERR_OUTPUT_TOO_LARGE for more than 256 MiB;
ERR_OUT_OF_MEMORY. Working memory: up to 50 bytes for each of the HTML's. Stops within: the time of parsing, which cannot pause: some 80 ms for each MiB of a page, 300 ms for the worst.",
    )
    .input("html", text::TYPE)
    .output("string")
    .options(&[TAGS, ATTRIBUTES, EXTEND]);

impl Kernel for SanitizeHtml {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.check(input, options).map(|(work, _)| work)
    }

    fn check(&self, input: Value, options: &Options) -> Result<(Work, Estimate)> {
        let (html, policy) = (Text::of(input, SPEC.input)?, Policy::of(options)?);
        let len = html.len() as u64;
        let work = Work::stepped(Cleaning::new(Html::Given(html), GIVEN, policy));
        Ok((work, Estimate { cost: len, memory: MEMORY * len }))
    }
}
