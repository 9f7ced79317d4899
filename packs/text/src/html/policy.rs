//! Which tags and attributes are left in HTML.
//!
//! Invariant: no list of a caller's lets anything in that runs or leaves its place. Tags that may be allowed are listed; so nothing that HTML gets in the future is
//! allowed by accident. Attributes are refused by their names, and those with addresses are looked at.

use std::borrow::Cow;
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
    "The attributes that stay, by tag, `'*'` for all tags, instead of the default's. Refused: on..., style, srcset, srcdoc, form..., ping, attributionsrc, http-equiv, is, slot and names with a colon. `rel` of links is set.",
)
.json();
pub(crate) const EXTEND: OptionSpec = OptionSpec::new(
    "extendDefaults",
    "boolean",
    "`tags` and `attributes` stay beside the default's, instead of standing for them. Default false.",
);

/// The tags that stay by default.
const DEFAULT_TAGS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "area",
    "article",
    "aside",
    "b",
    "bdi",
    "bdo",
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
    "li",
    "map",
    "mark",
    "nav",
    "ol",
    "p",
    "pre",
    "q",
    "rp",
    "rt",
    "rtc",
    "ruby",
    "s",
    "samp",
    "small",
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
    "tt",
    "u",
    "ul",
    "var",
    "wbr",
];

/// The attributes that stay by default, by tag.
const DEFAULT_ATTRIBUTES: &[(&str, &[&str])] = &[
    ("*", &["lang", "title"]),
    ("a", &["href", "hreflang"]),
    ("bdo", &["dir"]),
    ("blockquote", &["cite"]),
    ("col", &["align", "char", "charoff", "span"]),
    ("colgroup", &["align", "char", "charoff", "span"]),
    ("del", &["cite", "datetime"]),
    ("hr", &["align", "size", "width"]),
    ("img", &["align", "alt", "height", "src", "width"]),
    ("ins", &["cite", "datetime"]),
    ("ol", &["start"]),
    ("q", &["cite"]),
    ("table", &["align", "char", "charoff", "summary"]),
    ("tbody", &["align", "char", "charoff"]),
    ("td", &["align", "char", "charoff", "colspan", "headers", "rowspan"]),
    ("tfoot", &["align", "char", "charoff"]),
    ("th", &["align", "char", "charoff", "colspan", "headers", "rowspan", "scope"]),
    ("thead", &["align", "char", "charoff"]),
    ("tr", &["align", "char", "charoff"]),
];

/// What Markdown can say beyond that.
const RENDERED_TAGS: &[&str] = &["section", "input"];
const RENDERED_ATTRIBUTES: &[(&str, &[&str])] = &[
    ("a", &["class", "id", "data-footnote-ref", "data-footnote-backref", "data-footnote-backref-idx", "aria-label"]),
    ("code", &["class", "data-meta"]),
    ("input", &["type", "checked"]),
    ("li", &["id"]),
    ("section", &["class", "data-footnotes"]),
    ("sup", &["class"]),
];

/// Schemes of addresses that run nothing.
const SCHEMES: &[&str] = &[
    "bitcoin",
    "ftp",
    "ftps",
    "geo",
    "http",
    "https",
    "im",
    "irc",
    "ircs",
    "magnet",
    "mailto",
    "mms",
    "mx",
    "news",
    "nntp",
    "openpgp4fpr",
    "sip",
    "sms",
    "smsto",
    "ssh",
    "tel",
    "url",
    "webcal",
    "wtai",
    "xmpp",
];

/// Attributes that hold one address each.
const ADDRESSES: &[&str] = &[
    "cite", "classid", "codebase", "data", "dynsrc", "href", "icon", "itemid", "itemtype", "longdesc", "lowsrc",
    "poster", "profile", "src", "usemap",
];

/// What may be allowed besides: like the default, elements that show something and do nothing.
const MORE_TAGS: &[&str] = &[
    "address", "audio", "big", "font", "label", "legend", "main", "menu", "meter", "picture", "progress", "section",
    "source", "track", "video",
];

const MOST_NAMES: usize = 1000;

/// What is allowed; `None` for the default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    tags: Option<HashSet<&'static str>>,
    attributes: Option<HashMap<String, HashSet<String>>>,
    /// The default's tags and attributes are allowed, too.
    extends: bool,
    is_rendered: bool,
}

impl Policy {
    /// What may be in HTML that was rendered of Markdown: the default, and what Markdown can say.
    pub(crate) fn rendered() -> Self {
        Self { is_rendered: true, ..Self::default() }
    }

    /// What is kept by default, as the README has it.
    #[cfg(test)]
    pub(crate) fn defaults() -> [(&'static str, String); 3] {
        let code = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let row = |(tag, names): &(&str, &[&str])| format!("| `{tag}` | {} |\n", code(names));
        let rows = DEFAULT_ATTRIBUTES.iter().map(row).collect::<String>();
        [
            ("tags", format!("\n{}\n", code(DEFAULT_TAGS))),
            ("attributes", format!("\n| tag | attributes |\n|---|---|\n{rows}")),
            ("schemes", SCHEMES.join(", ")),
        ]
    }

    /// What leaves nothing but text.
    #[cfg(test)]
    pub(crate) fn nothing() -> Self {
        Self { tags: Some(HashSet::new()), ..Self::default() }
    }

    pub(super) fn keeps_tag(&self, tag: &str) -> bool {
        let in_default =
            || DEFAULT_TAGS.binary_search(&tag).is_ok() || (self.is_rendered && RENDERED_TAGS.contains(&tag));
        match &self.tags {
            None => in_default(),
            Some(tags) => tags.contains(tag) || (self.extends && in_default()),
        }
    }

    pub(super) fn keeps_attribute(&self, tag: &str, name: &str) -> bool {
        let listed = |list: &[(&str, &[&str])]| {
            list.iter().any(|(of, names)| (*of == "*" || *of == tag) && names.contains(&name))
        };
        let in_default = || listed(DEFAULT_ATTRIBUTES) || (self.is_rendered && listed(RENDERED_ATTRIBUTES));
        let in_own = |attributes: &HashMap<String, HashSet<String>>| {
            ["*", tag].iter().any(|of| attributes.get(*of).is_some_and(|names| names.contains(name)))
        };
        match &self.attributes {
            None => in_default(),
            Some(attributes) => in_own(attributes) || (self.extends && in_default()),
        }
    }

    /// What is left of the value of an attribute that is kept; `None` if it has to go.
    pub(super) fn value<'a>(&self, tag: &str, name: &str, value: &'a str) -> Option<Cow<'a, str>> {
        if ADDRESSES.contains(&name) && !is_harmless_address(value) {
            return None;
        }
        if !self.is_rendered {
            return Some(Cow::Borrowed(value));
        }
        match (tag, name) {
            // Others could be the page's own names.
            (_, "id") => ["fn-", "fnref-"].iter().any(|start| value.starts_with(start)).then_some(Cow::Borrowed(value)),
            (_, "class") => {
                let is_own = |class: &&str| match tag {
                    "code" => class.starts_with("language-"),
                    _ => matches!(*class, "footnotes" | "footnote-ref" | "footnote-backref"),
                };
                let classes: Vec<&str> = value.split_ascii_whitespace().filter(is_own).collect();
                (!classes.is_empty()).then(|| Cow::Owned(classes.join(" ")))
            }
            ("input", "type") => (value == "checkbox").then_some(Cow::Borrowed(value)),
            _ => Some(Cow::Borrowed(value)),
        }
    }

    /// Attributes that a tag gets.
    pub(super) fn added(&self, tag: &str) -> &'static [(&'static str, &'static str)] {
        match tag {
            "a" | "area" => &[("rel", "noopener noreferrer")],
            // Of tasks: boxes that show something, and take nothing.
            "input" => &[("disabled", "")],
            _ => &[],
        }
    }

    /// # Errors
    /// ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE.
    pub(crate) fn of(options: &Options) -> Result<Self> {
        let tags = match options.json(TAGS.name)? {
            None => None,
            Some(json) => {
                let names: Vec<String> =
                    serde_json::from_str(json).map_err(|_| wrong_type(TAGS.name, "an array of strings", json))?;
                bound(TAGS.name, names.len(), json)?;
                Some(names.iter().map(|name| harmless(TAGS.name, name)).collect::<Result<_>>()?)
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
                    let tag = if tag == "*" { tag } else { harmless(ATTRIBUTES.name, &tag)?.to_owned() };
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
        let extends = options.boolean(EXTEND.name, false)?;
        Ok(Self { tags, attributes, extends, is_rendered: false })
    }
}

fn harmless(option: &str, tag: &str) -> Result<&'static str> {
    let lower = tag.to_ascii_lowercase();
    let found = DEFAULT_TAGS.iter().chain(MORE_TAGS).find(|harmless| **harmless == lower);
    found.copied().ok_or_else(|| refused(option, "a tag that could run, load or send something, or is unknown", tag))
}

fn is_harmless(name: &str) -> bool {
    let is_name = name.starts_with(|char: char| char.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let is_refused = ["on", "form"].iter().any(|start| name.starts_with(start))
        || [
            "style",
            "srcdoc",
            // Several addresses in one value.
            "srcset",
            "imagesrcset",
            "archive",
            // They send.
            "ping",
            "attributionsrc",
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

/// Whether an address is relative, or of a scheme that runs nothing: read as browsers read it, which leave out what is no character of an address.
fn is_harmless_address(address: &str) -> bool {
    let address = address.trim_start_matches(|char| char <= ' ');
    // Longer than any of them is as good as none of them.
    let mut scheme = String::new();
    for char in address.chars().filter(|char| !matches!(char, '\t' | '\n' | '\r')) {
        match char {
            ':' => return scheme.is_empty() || SCHEMES.contains(&scheme.as_str()),
            'a'..='z' | 'A'..='Z' if scheme.len() < 32 => scheme.push(char.to_ascii_lowercase()),
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if !scheme.is_empty() => {
                if scheme.len() < 32 {
                    scheme.push(char);
                }
            }
            _ => return true,
        }
    }
    true
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
