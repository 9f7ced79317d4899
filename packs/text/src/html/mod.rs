//! HTML: what parsers may be given, and what is left of it.

mod check;
mod clean;
mod policy;

pub(crate) use check::check;
pub(crate) use clean::clean_rendered;
pub(crate) use policy::{ATTRIBUTES, Policy, TAGS};
