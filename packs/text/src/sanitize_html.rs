//! `sanitizeHtml`: HTML without anything that runs or leaves its place.

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, Next, Result, Spec, Work};

use crate::html::{ATTRIBUTES, Policy, TAGS, check};
use crate::text::{self, Text};

pub(crate) struct SanitizeHtml;

static SPEC: Spec = Spec::new("sanitizeHtml")
    .summary("HTML without anything that runs or leaves its place")
    .docs(
        "\
`html` as a fragment, without anything that runs or leaves its place: parsed as browsers parse it, and written anew of what is allowed. Tags that are not go, and their
content stays (of script and style it goes, too); comments go; links get `rel=\"noopener noreferrer\"`, and addresses are relative or of a known harmless scheme (http, https,
mailto, tel, ...). By default the tags and attributes stay that texts are written with, without classes, ids and styles.

Errors: ERR_INVALID_ARG_TYPE; ERR_INVALID_ARG_VALUE for tags and attributes that could run; ERR_INVALID_DATA for HTML of more than 8 MiB, with more than 256 elements within each
other, a tag of more than 1 MiB, or of more than 64 KiB with many words, or formatting that is never closed in thousands of blocks; ERR_OUT_OF_MEMORY. Working memory: some 40 bytes for each of the
HTML's. It is one call, which takes some 40 ms for each MiB.",
    )
    .input("html", text::TYPE)
    .output("string")
    .options(&[TAGS, ATTRIBUTES]);

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
        let mut given = Some(html);
        let work = Work::one_shot(move || {
            let Some(html) = given.take() else { return Ok(Next::Done(Value::Null)) };
            let html = html.read()?;
            check(&html)?;
            Ok(Next::Done(Value::String(policy.clean(&html))))
        });
        Ok((work, Estimate { cost: len, memory: MEMORY * len }))
    }
}

/// Bytes for each of the HTML's: two trees, and the result.
const MEMORY: u64 = 40;
