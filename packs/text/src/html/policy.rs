//! Which tags and attributes are left in HTML.
//!
//! Invariant: no list of a caller's lets anything in that runs or leaves its place. Tags that may be allowed are listed; so nothing that HTML gets in the future is
//! allowed by accident. Attributes are refused by their names, and those with addresses are looked at (`ammonia`).

use std::collections::{HashMap, HashSet};

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{OptionSpec, Result};

pub(crate) const TAGS: OptionSpec = OptionSpec::new(
    "tags",
    "string[]",
    "The tags that stay, instead of the default's; the content of others stays without them. Refused: tags that run, load documents or send (script, style, iframe, object, svg, math, form, meta, base, link, template, ...).",
)
.json();
pub(crate) const ATTRIBUTES: OptionSpec = OptionSpec::new(
    "attributes",
    "Record<string, string[]>",
    "The attributes that stay, by tag, `'*'` for all tags, instead of the default's. Refused: on..., style, srcdoc, form..., ping, http-equiv, is, slot and names with a colon. `rel` of links is set.",
)
.json();

/// All that may be allowed: elements that show something and do nothing.
const HARMLESS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "area",
    "article",
    "aside",
    "audio",
    "b",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "label",
    "legend",
    "li",
    "main",
    "map",
    "mark",
    "menu",
    "meter",
    "nav",
    "ol",
    "p",
    "picture",
    "pre",
    "progress",
    "q",
    "rp",
    "rt",
    "rtc",
    "ruby",
    "s",
    "samp",
    "section",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "track",
    "tt",
    "u",
    "ul",
    "var",
    "video",
    "wbr",
];

const MOST_NAMES: usize = 1000;

/// What is allowed; `None` for the default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    pub(super) tags: Option<HashSet<&'static str>>,
    pub(super) attributes: Option<HashMap<String, HashSet<String>>>,
}

impl Policy {
    /// # Errors
    /// ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE.
    pub(crate) fn of(options: &Options) -> Result<Self> {
        let tags = match options.json(TAGS.name)? {
            None => None,
            Some(json) => {
                let names: Vec<String> =
                    serde_json::from_str(json).map_err(|_| wrong_type(TAGS.name, "an array of strings", json))?;
                bound(TAGS.name, names.len(), json)?;
                Some(names.iter().map(|name| harmless(name)).collect::<Result<_>>()?)
            }
        };
        let attributes = match options.json(ATTRIBUTES.name)? {
            None => None,
            Some(json) => {
                let by_tag: HashMap<String, Vec<String>> = serde_json::from_str(json)
                    .map_err(|_| wrong_type(ATTRIBUTES.name, "an object of arrays of strings", json))?;
                bound(ATTRIBUTES.name, by_tag.values().map(|names| 1 + names.len()).sum(), json)?;
                let mut checked = HashMap::new();
                for (tag, names) in by_tag {
                    let tag = if tag == "*" { tag } else { harmless(&tag)?.to_owned() };
                    let mut kept = HashSet::new();
                    for name in names {
                        let name = name.to_ascii_lowercase();
                        if !is_harmless(&name) {
                            return Err(refused(
                                ATTRIBUTES.name,
                                "an attribute that could run, load or send something",
                                &name,
                            ));
                        }
                        // It is set for links, and is of no use elsewhere.
                        if name != "rel" {
                            kept.insert(name);
                        }
                    }
                    checked.insert(tag, kept);
                }
                Some(checked)
            }
        };
        Ok(Self { tags, attributes })
    }
}

fn harmless(tag: &str) -> Result<&'static str> {
    let lower = tag.to_ascii_lowercase();
    let found = HARMLESS.iter().find(|harmless| **harmless == lower);
    found.copied().ok_or_else(|| refused(TAGS.name, "a tag that could run, load or send something, or is unknown", tag))
}

fn is_harmless(name: &str) -> bool {
    let is_name = name.starts_with(|char: char| char.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let is_refused = ["on", "form"].iter().any(|start| name.starts_with(start))
        || [
            "style",
            "srcdoc",
            "ping",
            "http-equiv",
            "is",
            "slot",
            "action",
            "background",
            "xmlns",
            "manifest",
            "autofocus",
            "part",
            "shadowrootmode",
        ]
        .contains(&name);
    is_name && !is_refused
}

fn bound(option: &str, count: usize, json: &str) -> Result<()> {
    if count <= MOST_NAMES {
        return Ok(());
    }
    Err(EngineError::invalid_value(&subject(option), "must have no more than 1000 names", Value::Json(json.to_owned())))
}

fn wrong_type(option: &str, expected: &str, json: &str) -> EngineError {
    EngineError::invalid_type(&subject(option), expected, Value::Json(json.to_owned()))
}

fn refused(option: &str, what: &str, name: &str) -> EngineError {
    EngineError::invalid_value(&subject(option), &format!("must not have {what}"), Value::String(name.to_owned()))
}

fn subject(option: &str) -> String {
    format!("options.{option}")
}
