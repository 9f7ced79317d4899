//! Cells of a table of an ods file (OpenDocument 1.3, part 3, 9).

use std::ops::Range;

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::append;
use heavy_load_kernel::value::{Bytes, Value};

use crate::table::coroutine::{Pace, pause};
use crate::table::sheet::{LONGEST_TEXT, MOST_COLUMNS, MOST_ROWS, Sheet, too_long};
use crate::table::text::{is_plain_number, push};
use crate::table::writer::{Cell, Place, Writer};
use crate::table::xml::{Event, Tag, Xml};
use crate::table::zip::Archive;

/// Bytes that the cells of a row may have together.
const LONGEST_ROW: usize = 16 << 20;

/// Writes all rows of a table.
///
/// # Errors
/// ERR_INVALID_DATA; ERR_OUTPUT_TOO_LARGE if the data unpacks to more than `limit`; what the writer says.
pub(crate) async fn convert(data: Bytes, sheet: Sheet, limit: u64, mut table: Writer, mut pace: Pace) -> Result<Value> {
    let archive = Archive::open(data, limit)?;
    let file = archive.find("content.xml", &mut pace).await?;
    let file = file.ok_or_else(|| EngineError::invalid_data("The data is no ods file: it has no content.xml"))?;
    let mut xml = Xml::new(archive.unpack(&file)?);
    let (mut row, mut number) = (Row::default(), 0);
    // Tables that are in one another, where the outermost is the one that is asked for; and elements whose content is no cell's text.
    let (mut tables, mut skipped) = (0, 0);
    let mut was_found = false;
    loop {
        let (mut is_row, before) = (false, row.bytes.len());
        match xml.next()? {
            Event::Start(_) if skipped > 0 => skipped += 1,
            Event::End(_) if skipped > 0 => skipped -= 1,
            Event::Start(tag) => match tag.name() {
                "table" if tables > 0 => tables += 1,
                "table" => {
                    if !was_found && sheet.is(number, &tag.attribute("name")?.unwrap_or_default()) {
                        (tables, was_found) = (1, true);
                    } else {
                        skipped = 1;
                    }
                    number += 1;
                }
                // Tables that are no longer there, and what is about cells or upon them.
                "tracked-changes" | "annotation" | "frame" | "shapes" | "forms" | "named-expressions" => skipped = 1,
                name if tables == 1 => row.start(name, &tag)?,
                _ => {}
            },
            Event::End(tag) => match tag.local_name().as_ref() {
                "table" if tables > 0 => tables -= 1,
                "table-row" if tables == 1 => is_row = true,
                name if tables == 1 => row.end(name)?,
                _ => {}
            },
            Event::Text(text) if skipped == 0 && tables == 1 => row.text(&text)?,
            Event::Eof if !was_found => return Err(sheet.missing(number)),
            Event::Eof => return table.finish().map(Value::Buffer),
            _ => {}
        }
        if is_row {
            row.write(&mut table, &mut pace).await?;
        }
        if pace.is_due(xml.spent() + row.bytes.len().saturating_sub(before)) {
            pace.progress(archive.read());
            pause().await;
        }
    }
}

/// A row as it is read. It is kept until it ends, since it may be there many times.
#[derive(Default)]
struct Row {
    /// The number of the first row that is like this one, from 1, and how many there are.
    number: u64,
    repeated: u64,
    /// The next cell's column, from 0.
    column: usize,
    cells: Vec<Stored>,
    bytes: Vec<u8>,
    cell: Option<Open>,
}

/// A cell that has a value, as many times as is said.
struct Stored {
    columns: Range<usize>,
    kind: Kind,
    bytes: Range<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Digits,
    Number(f64),
    Bool(bool),
}

/// A cell that has not ended.
struct Open {
    kind: Kind,
    /// Whether its text is not its value, or was given already.
    has_value: bool,
    columns: Range<usize>,
    start: usize,
    paragraphs: usize,
    is_paragraph: bool,
    /// White space that is not at either end of a paragraph is one space.
    has_space: bool,
    is_blank: bool,
}

impl Row {
    fn start(&mut self, name: &str, tag: &Tag<'_>) -> Result<()> {
        match name {
            "table-row" => {
                self.number += self.repeated;
                self.repeated = repeated(tag, "number-rows-repeated", MOST_ROWS)?;
                self.number = self.number.clamp(1, MOST_ROWS + 1);
                self.column = 0;
                self.cells.clear();
                self.bytes.clear();
                self.cell = None;
            }
            "table-cell" | "covered-table-cell" => {
                let count = repeated(tag, "number-columns-repeated", MOST_COLUMNS as u64)? as usize;
                let columns = self.column..self.column + count;
                self.column = columns.end.min(MOST_COLUMNS);
                let start = self.bytes.len();
                let (kind, has_value) = self.value(tag)?;
                // What a merged cell lies upon is not to be seen.
                let has_value = has_value || name == "covered-table-cell";
                self.cell = Some(Open {
                    kind,
                    has_value,
                    columns,
                    start,
                    paragraphs: 0,
                    is_paragraph: false,
                    has_space: false,
                    is_blank: true,
                });
                if name == "covered-table-cell" {
                    self.bytes.truncate(start);
                }
            }
            _ => {
                let Some(cell) = self.cell.as_mut().filter(|cell| !cell.has_value) else { return Ok(()) };
                match name {
                    "p" => {
                        if cell.paragraphs > 0 {
                            push(&mut self.bytes, b'\n')?;
                        }
                        cell.paragraphs += 1;
                        (cell.is_paragraph, cell.has_space, cell.is_blank) = (true, false, true);
                    }
                    "s" => {
                        let count = repeated(tag, "c", LONGEST_TEXT as u64)? as usize;
                        self.verbatim(&" ".repeat(count))?;
                    }
                    "tab" => self.verbatim("\t")?,
                    "line-break" => self.verbatim("\n")?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The value that a cell's attributes give it, and whether they do.
    fn value(&mut self, tag: &Tag<'_>) -> Result<(Kind, bool)> {
        let name = match tag.attribute("value-type")?.as_deref() {
            Some("float" | "percentage" | "currency") => "value",
            Some("date") => "date-value",
            Some("time") => "time-value",
            Some("boolean") => "boolean-value",
            _ => "string-value",
        };
        let Some(value) = tag.attribute(name)? else { return Ok((Kind::Text, false)) };
        let kind = match name {
            "boolean-value" => Kind::Bool(value == "true"),
            "value" if is_plain_number(value.as_bytes()) => Kind::Digits,
            "value" => match value.trim().parse().ok().filter(|number: &f64| number.is_finite()) {
                Some(number) => Kind::Number(number),
                None => Kind::Text,
            },
            _ => Kind::Text,
        };
        append(&mut self.bytes, value.as_bytes())?;
        self.check()?;
        Ok((kind, true))
    }

    fn text(&mut self, text: &str) -> Result<()> {
        let Some(cell) = self.cell.as_mut().filter(|cell| cell.is_paragraph && !cell.has_value) else { return Ok(()) };
        let mut rest = text;
        while !rest.is_empty() {
            let word = rest.trim_start_matches([' ', '\t', '\r', '\n']);
            cell.has_space |= word.len() < rest.len();
            let end = word.find([' ', '\t', '\r', '\n']).unwrap_or(word.len());
            if end > 0 {
                if cell.has_space && !cell.is_blank {
                    push(&mut self.bytes, b' ')?;
                }
                (cell.has_space, cell.is_blank) = (false, false);
                append(&mut self.bytes, &word.as_bytes()[..end])?;
            }
            rest = &word[end..];
        }
        self.check()
    }

    /// Text whose white space counts.
    fn verbatim(&mut self, text: &str) -> Result<()> {
        let Some(cell) = self.cell.as_mut().filter(|cell| cell.is_paragraph) else { return Ok(()) };
        if cell.has_space && !cell.is_blank {
            push(&mut self.bytes, b' ')?;
        }
        (cell.has_space, cell.is_blank) = (false, false);
        append(&mut self.bytes, text.as_bytes())?;
        self.check()
    }

    /// Text may be longer here than it is in the file: spaces have a count there.
    fn check(&self) -> Result<()> {
        match &self.cell {
            Some(cell) if self.bytes.len() - cell.start > LONGEST_TEXT => Err(too_long()),
            _ if self.bytes.len() > LONGEST_ROW => {
                Err(EngineError::invalid_data("The sheet has a row of more than 16 MiB"))
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, name: &str) -> Result<()> {
        match name {
            "p" => {
                if let Some(cell) = &mut self.cell {
                    cell.is_paragraph = false;
                }
                Ok(())
            }
            "table-cell" | "covered-table-cell" => {
                let Some(cell) = self.cell.take() else { return Ok(()) };
                let bytes = cell.start..self.bytes.len();
                if bytes.is_empty() {
                    return Ok(());
                }
                push(&mut self.cells, Stored { columns: cell.columns, kind: cell.kind, bytes })
            }
            _ => Ok(()),
        }
    }

    /// Writes the row, as many times as there are.
    async fn write(&mut self, table: &mut Writer, pace: &mut Pace) -> Result<()> {
        if self.cells.is_empty() {
            return Ok(());
        }
        for row in self.number..self.number + self.repeated {
            if row > MOST_ROWS {
                return Err(EngineError::invalid_data(format!("The sheet has more than {MOST_ROWS} rows")));
            }
            for stored in &self.cells {
                let bytes = &self.bytes[stored.bytes.clone()];
                let cell = match stored.kind {
                    Kind::Text => Cell::Text(bytes),
                    Kind::Digits => Cell::Digits(bytes),
                    Kind::Number(number) => Cell::Number(number),
                    Kind::Bool(value) => Cell::Bool(value),
                };
                for column in stored.columns.clone() {
                    if column >= MOST_COLUMNS {
                        return Err(EngineError::invalid_data(format!(
                            "Row {row} has more than {MOST_COLUMNS} columns"
                        )));
                    }
                    let before = table.len();
                    match cell {
                        Cell::Text(text) => table.text(Place::Row(row), column, text, pace).await?,
                        cell => table.cell(Place::Row(row), column, cell)?,
                    }
                    if pace.is_due(table.len() - before) {
                        pause().await;
                    }
                }
            }
            table.end_row(pace).await?;
        }
        Ok(())
    }
}

/// How many times something is there: 1 if nothing else is said, and `most` if it is more.
fn repeated(tag: &Tag<'_>, name: &str, most: u64) -> Result<u64> {
    let Some(value) = tag.attribute(name)? else { return Ok(1) };
    let count =
        value.parse::<u64>().map_err(|_| EngineError::invalid_data("The sheet has a count that is no number"))?;
    Ok(count.clamp(1, most))
}
