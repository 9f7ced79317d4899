//! The table that comes out: the first row is its header, and every other one is written as its cells come.

use std::fmt;

use heavy_load_kernel::Result;
use heavy_load_kernel::error::{Code, EngineError};
use heavy_load_kernel::value::{append, reserve};

use crate::escape::escape_json;
use crate::table::coroutine::{Pace, pause};
use crate::table::names::{self, Names};
use crate::table::text::{append_json, append_number, push, reserve_large};

/// Bytes of a text that are written together.
const PIECE: usize = 32 << 10;

/// What a table is written as.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// With what stands between fields.
    Csv(u8),
    Json,
    NdJson,
}

/// The value of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    /// UTF-8.
    Text(&'a [u8]),
    /// A number as JSON has it.
    Digits(&'a [u8]),
    /// A finite number.
    Number(f64),
    Bool(bool),
}

/// A row as messages name it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// The number of a sheet's row, from 1.
    Row(u64),
    /// The number of a record, and of the line that it ends before, both from 1.
    Record { row: u64, line: u64 },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(row) => write!(f, "Row {row}"),
            Self::Record { row, line } => write!(f, "Row {row} (line {line})"),
        }
    }
}

/// A table, as it grows.
pub(crate) struct Writer {
    form: Form,
    limit: usize,
    out: Vec<u8>,
    state: State,
    /// How many columns the header has; their names, where the rows have them.
    columns: usize,
    names: Names,
    /// Where this row begins in `out`.
    start: usize,
    /// Columns that were written, in this row.
    column: usize,
    rows: u64,
}

enum State {
    /// The header's cells that have come, and how many bytes they are together.
    Header(Vec<Vec<u8>>, usize),
    Rows,
}

impl Writer {
    pub(crate) fn new(form: Form, limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(isize::MAX as usize);
        let state = State::Header(vec![], 0);
        Self { form, limit, out: vec![], state, columns: 0, names: Names::default(), start: 0, column: 0, rows: 0 }
    }

    /// Bytes that were written.
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    /// Writes a cell of this row. Columns, from 0, come in their order; those between are empty.
    ///
    /// # Errors
    /// ERR_INVALID_DATA if the header has no such column; ERR_OUTPUT_TOO_LARGE; ERR_OUT_OF_MEMORY.
    pub(crate) fn cell(&mut self, place: Place, column: usize, cell: Cell<'_>) -> Result<()> {
        if let State::Header(cells, len) = &mut self.state {
            while cells.len() < column {
                push(cells, vec![])?;
            }
            let mut name = vec![];
            write_plain(&mut name, cell)?;
            *len += name.len();
            if *len > names::LONGEST {
                return Err(names::too_long());
            }
            return push(cells, name);
        }
        self.begin_cell(place, column)?;
        match (self.form, cell) {
            (Form::Csv(delimiter), cell) => write_field(&mut self.out, delimiter, cell)?,
            (_, Cell::Text(text)) => append_json(&mut self.out, text)?,
            (_, other) => write_plain(&mut self.out, other)?,
        }
        self.column = column + 1;
        self.check()
    }

    /// Writes a cell with a text, which may be long: then in pieces, with pauses between them.
    ///
    /// # Errors
    /// As [`Writer::cell`].
    pub(crate) async fn text(&mut self, place: Place, column: usize, text: &[u8], pace: &mut Pace) -> Result<()> {
        // Names are not written yet.
        if text.len() <= PIECE || matches!(self.state, State::Header(..)) {
            return self.cell(place, column, Cell::Text(text));
        }
        let mut is_quoted = !matches!(self.form, Form::Csv(_));
        for piece in text.chunks(PIECE) {
            is_quoted |= matches!(self.form, Form::Csv(delimiter) if needs_quotes(piece, delimiter));
            if pace.is_due(piece.len()) {
                pause().await;
            }
        }
        let quotes: &[u8] = if is_quoted { b"\"" } else { b"" };
        self.begin_cell(place, column)?;
        append(&mut self.out, quotes)?;
        for piece in text.chunks(PIECE) {
            let before = self.out.len();
            match self.form {
                Form::Csv(_) => write_doubled(&mut self.out, piece)?,
                Form::Json | Form::NdJson => escape_json(&mut self.out, piece)?,
            }
            self.check()?;
            reserve_large(&mut self.out);
            if pace.is_due(self.out.len() - before) {
                pause().await;
            }
        }
        append(&mut self.out, quotes)?;
        self.column = column + 1;
        self.check()
    }

    /// Writes what stands before a cell: those that are empty, and a delimiter or the column's key.
    fn begin_cell(&mut self, place: Place, column: usize) -> Result<()> {
        debug_assert!(column >= self.column, "{place}: {column} behind {}", self.column);
        if column >= self.columns {
            let message = format!("{place} has more cells than the header, which has {}", self.columns);
            return Err(EngineError::invalid_data(message));
        }
        reserve_large(&mut self.out);
        self.fill(column)?;
        match self.form {
            Form::Csv(delimiter) if column > 0 => push(&mut self.out, delimiter),
            Form::Csv(_) => Ok(()),
            Form::Json | Form::NdJson => self.key(),
        }
    }

    /// Ends a row, and pauses where that has written much.
    ///
    /// # Errors
    /// ERR_INVALID_DATA; ERR_OUTPUT_TOO_LARGE; ERR_OUT_OF_MEMORY.
    pub(crate) async fn end_row(&mut self, pace: &mut Pace) -> Result<()> {
        if let State::Header(cells, _) = &mut self.state {
            let cells = std::mem::take(cells);
            self.state = State::Rows;
            self.columns = cells.len();
            if let Form::Csv(delimiter) = self.form {
                for (column, cell) in cells.iter().enumerate() {
                    if column > 0 {
                        push(&mut self.out, delimiter)?;
                    }
                    write_field(&mut self.out, delimiter, Cell::Text(cell))?;
                }
                self.end_line()?;
            } else {
                self.names = Names::of(&cells, pace).await?;
            }
            return self.check();
        }
        let before = self.out.len();
        self.fill(self.columns)?;
        match self.form {
            Form::Csv(_) => self.end_line()?,
            // The brackets of an empty object come with its first key; every header has one.
            Form::Json => push(&mut self.out, b'}')?,
            Form::NdJson => append(&mut self.out, b"}\n")?,
        }
        self.column = 0;
        self.rows += 1;
        self.check()?;
        if pace.is_due(self.out.len() - before) {
            pause().await;
        }
        Ok(())
    }

    /// The whole.
    ///
    /// # Errors
    /// ERR_OUTPUT_TOO_LARGE; ERR_OUT_OF_MEMORY.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>> {
        if self.form == Form::Json {
            append(&mut self.out, if self.rows == 0 { b"[]" } else { b"]" })?;
            self.check()?;
        }
        Ok(self.out)
    }

    /// Writes empty cells up to a column.
    fn fill(&mut self, column: usize) -> Result<()> {
        while self.column < column {
            match self.form {
                Form::Csv(delimiter) => {
                    if self.column > 0 {
                        push(&mut self.out, delimiter)?;
                    }
                }
                Form::Json | Form::NdJson => {
                    self.key()?;
                    append(&mut self.out, b"null")?;
                }
            }
            self.column += 1;
        }
        Ok(())
    }

    /// Writes what stands before a value.
    fn key(&mut self) -> Result<()> {
        let before: &[u8] = match (self.column, self.form, self.rows) {
            (0, Form::Json, 0) => b"[{",
            (0, Form::Json, _) => b",{",
            (0, ..) => b"{",
            _ => b",",
        };
        let key = self.names.key(self.column);
        reserve(&mut self.out, before.len() + key.len())?;
        self.out.extend_from_slice(before);
        self.out.extend_from_slice(key);
        Ok(())
    }

    /// Ends a line of csv. One that has nothing on it is no row for those who read it: so its only field gets quotes.
    fn end_line(&mut self) -> Result<()> {
        if self.out.len() == self.start {
            append(&mut self.out, b"\"\"")?;
        }
        push(&mut self.out, b'\n')?;
        self.start = self.out.len();
        Ok(())
    }

    fn check(&self) -> Result<()> {
        if self.out.len() > self.limit {
            let message = format!("The table is more than the {} bytes of maxOutputLength", self.limit);
            return Err(EngineError::new(Code::OutputTooLarge, message));
        }
        Ok(())
    }
}

/// Writes a cell without anything around it.
fn write_plain(out: &mut Vec<u8>, cell: Cell<'_>) -> Result<()> {
    match cell {
        Cell::Text(text) | Cell::Digits(text) => append(out, text),
        Cell::Number(number) => append_number(out, number),
        Cell::Bool(true) => append(out, b"true"),
        Cell::Bool(false) => append(out, b"false"),
    }
}

/// Writes a field of csv: with quotes where it needs them (RFC 4180).
fn write_field(out: &mut Vec<u8>, delimiter: u8, cell: Cell<'_>) -> Result<()> {
    let text = match cell {
        // As spreadsheets write them.
        Cell::Bool(true) => return append(out, b"TRUE"),
        Cell::Bool(false) => return append(out, b"FALSE"),
        Cell::Text(text) => text,
        other => {
            let start = out.len();
            write_plain(out, other)?;
            // A delimiter may be a digit, a point or a minus.
            if !out[start..].contains(&delimiter) {
                return Ok(());
            }
            let text = out.split_off(start);
            return write_quoted(out, &text);
        }
    };
    if needs_quotes(text, delimiter) {
        return write_quoted(out, text);
    }
    append(out, text)
}

fn needs_quotes(text: &[u8], delimiter: u8) -> bool {
    text.iter().any(|byte| *byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r'))
}

fn write_quoted(out: &mut Vec<u8>, text: &[u8]) -> Result<()> {
    push(out, b'"')?;
    write_doubled(out, text)?;
    push(out, b'"')
}

/// Writes a text in which each quote is two.
fn write_doubled(out: &mut Vec<u8>, text: &[u8]) -> Result<()> {
    reserve(out, text.len())?;
    for (index, part) in text.split(|byte| *byte == b'"').enumerate() {
        if index > 0 {
            append(out, b"\"\"")?;
        }
        append(out, part)?;
    }
    Ok(())
}
