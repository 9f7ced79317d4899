//! Tables: from a file's cells to csv, JSON or NDJSON, in steps.
//!
//! - `coroutine`: work that is written as one function, and pauses where it says so;
//! - `writer`: the table that comes out, row by row, with its limit; `names`: its columns' names; `text`: bytes that grow as the system gives memory;
//! - `csv`: cells of csv; `xlsx`, `ods`, `xls`: of a workbook; `sheet`, `strings`, `date`: what workbooks have in common;
//! - `zip`, `xml`, `cfb`: what a workbook is made of.
//!
//! Invariants:
//! 1. Rows are written as they are read: there is no grid, and so nothing that grows with the place of a cell.
//! 2. Between two pauses no more is read, and no more written, than about a MiB.
//! 3. What grows with the input is asked for so that a refusal is an error.

mod cfb;
pub(crate) mod coroutine;
pub(crate) mod csv;
mod date;
mod names;
pub(crate) mod ods;
pub(crate) mod sheet;
mod strings;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod writer;
pub(crate) mod xls;
pub(crate) mod xlsx;
mod xml;
mod zip;
