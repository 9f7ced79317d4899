//! `queryJson`'s inside: JSON that is read where it stands, and jq programs over it.
//!
//! - `scan`: checks a text, in steps, and notes where its arrays and objects end. `document`: what was checked; its parts are opened when somebody looks into them.
//! - `value`, `number`, `arithmetic`, `order`, `paths`: jq's values, for the interpreter (the crate jaq-core). `write`: as text.
//! - `program`: parsed and compiled filters, kept by content. `natives`, `matching`, `strings`: the functions that are ours.
//! - `guard`: what stops and pauses a program. `routine`: the stack that it runs on.
//!
//! Invariants:
//! 1. A program goes through [`guard::tick`] for every item that it walks over and every definition that it calls. There it pauses and stops: nothing in it takes long, but for a single function over
//!    much (a sort, a search by regular expression).
//! 2. No value is nested more deeply than [`DEEPEST`]: so nothing that walks through one, its drop included, needs more stack than `routine` keeps in reserve.
//! 3. A part of a document is never written; what changes is a copy of one level of it.

mod arithmetic;
pub(crate) mod document;
pub(crate) mod guard;
mod matching;
mod natives;
mod number;
mod order;
mod paths;
pub(crate) mod program;
pub(crate) mod routine;
pub(crate) mod scan;
mod strings;
mod value;
pub(crate) mod write;

/// Levels of arrays and objects in each other, as jq's parser has it.
pub(crate) const DEEPEST: u32 = 10_000;

#[cfg(test)]
mod tests;
