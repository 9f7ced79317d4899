//! HTML: a tree of it, what is left of it when it is made clean, and what it is in Markdown.

mod clean;
mod inline;
mod markdown;
mod parse;
mod policy;
mod tree;

pub(crate) use clean::{Cleaning, Html};
pub(crate) use markdown::Converting;
pub(crate) use parse::{GIVEN, Source, probe};
pub(crate) use policy::{ATTRIBUTES, EXTEND, Policy, TAGS};

/// Elements within each other. Browsers make no deeper trees than 512.
const DEEPEST: u32 = 256;
/// The most that trees and output take, in bytes for each of the HTML's: for tags as short as they can be.
pub(crate) const MEMORY: u64 = 50;
