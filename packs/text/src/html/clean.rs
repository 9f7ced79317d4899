//! Makes HTML clean: by ammonia, which parses it as a browser does, keeps what is allowed, and writes it anew.

use std::borrow::Cow;
use std::sync::LazyLock;

use ammonia::Builder;

use super::Policy;

impl Policy {
    /// What is left of HTML that was looked through.
    pub(crate) fn clean(&self, html: &str) -> String {
        if self.tags.is_none() && self.attributes.is_none() {
            return DEFAULT.clean(html).to_string();
        }
        let mut builder = Builder::default();
        if let Some(tags) = &self.tags {
            builder.tags(tags.clone());
        }
        if let Some(attributes) = &self.attributes {
            let names = |tag: &str| attributes.get(tag).into_iter().flatten().map(String::as_str).collect();
            builder.generic_attributes(names("*"));
            builder.tag_attributes(attributes.keys().map(|tag| (tag.as_str(), names(tag))).collect());
        }
        builder.clean(html).to_string()
    }
}

/// What is left of HTML that was rendered of Markdown: with what Markdown can say and the default policy does not keep.
pub(crate) fn clean_rendered(html: &str) -> String {
    RENDERED.clean(html).to_string()
}

static DEFAULT: LazyLock<Builder<'static>> = LazyLock::new(Builder::default);

static RENDERED: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder.add_tags(["section", "input"]);
    builder.add_tag_attributes("section", ["class", "data-footnotes"]);
    builder.add_tag_attributes("code", ["class", "data-meta"]);
    builder.add_tag_attributes("pre", ["lang"]);
    builder.add_tag_attributes(
        "a",
        ["class", "id", "data-footnote-ref", "data-footnote-backref", "data-footnote-backref-idx", "aria-label"],
    );
    builder.add_tag_attributes("sup", ["class"]);
    builder.add_tag_attributes("li", ["id"]);
    builder.add_tag_attributes("input", ["type", "checked"]);
    // Of tasks: boxes that show something, and take nothing.
    builder.set_tag_attribute_value("input", "disabled", "");
    builder.attribute_filter(|tag, name, value| match (tag, name) {
        // Others could be the page's own names.
        (_, "id") => value.starts_with("fn").then_some(Cow::Borrowed(value)),
        ("code", "class") => value.starts_with("language-").then_some(Cow::Borrowed(value)),
        (_, "class") => value.starts_with("footnote").then_some(Cow::Borrowed(value)),
        ("input", "type") => (value == "checkbox").then_some(Cow::Borrowed(value)),
        _ => Some(Cow::Borrowed(value)),
    });
    builder
});
