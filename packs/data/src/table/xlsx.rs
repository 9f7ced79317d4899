//! Cells of a sheet of an xlsx file (ECMA-376 part 1, 18): the workbook says where the sheet is, and what its cells refer to.

use heavy_load_kernel::Result;
use heavy_load_kernel::error::{EngineError, cut};
use heavy_load_kernel::value::append;
use heavy_load_kernel::value::{Bytes, Value};

use crate::table::coroutine::{Pace, pause};
use crate::table::date::{Kind, append_date};
use crate::table::sheet::{LONGEST_TEXT, MOST_COLUMNS, MOST_ROWS, Sheet, too_long};
use crate::table::strings::Strings;
use crate::table::text::{is_plain_number, push};
use crate::table::writer::{Cell, Place, Writer};
use crate::table::xml::{Event, Tag, Xml};
use crate::table::zip::{Archive, File};

/// Relationships that a workbook may have, and formats of cells: each is one of Excel's own limits, or beyond.
const MOST_RELATIONSHIPS: usize = 1 << 16;
const MOST_FORMATS: usize = 1 << 16;

/// Writes all rows of a sheet.
///
/// # Errors
/// ERR_INVALID_DATA; ERR_OUTPUT_TOO_LARGE if the data unpacks to more than `limit`; what the writer says.
pub(crate) async fn convert(data: Bytes, sheet: Sheet, limit: u64, mut table: Writer, mut pace: Pace) -> Result<Value> {
    let archive = Archive::open(data, limit)?;
    let path = workbook_path(&archive, &mut pace).await?;
    let (folder, name) = path.rsplit_once('/').map_or(("", &*path), |(folder, name)| (folder, name));
    let relationships = find(&archive, &join(folder, &format!("_rels/{name}.rels")), &mut pace).await?;
    let relationships = relationships_of(&archive, &relationships, &mut pace).await?;
    let workbook = find(&archive, &path, &mut pace).await?;
    let (id, from_1904) = sheet_id(&archive, &workbook, sheet, &mut pace).await?;
    let target = relationships.iter().find(|relationship| relationship.id == id);
    let target = target.ok_or_else(|| EngineError::invalid_data("The workbook does not say where the sheet is"))?;
    if target.kind != "worksheet" {
        return Err(EngineError::invalid_data(format!("The sheet has no cells: it is a {}", cut(&target.kind))));
    }
    let part = |kind: &str| {
        let relationship = relationships.iter().find(|relationship| relationship.kind == kind);
        relationship.map(|relationship| join(folder, &relationship.target))
    };
    let mut kinds = vec![];
    if let Some(path) = part("styles")
        && let Some(file) = archive.find(&path, &mut pace).await?
    {
        kinds = styles(&archive, &file, &mut pace).await?;
    }
    let mut strings = Strings::default();
    if let Some(path) = part("sharedStrings")
        && let Some(file) = archive.find(&path, &mut pace).await?
    {
        strings = strings_of(&archive, &file, &mut pace).await?;
    }
    let file = find(&archive, &join(folder, &target.target), &mut pace).await?;
    let mut reader = SheetReader { strings, kinds, from_1904, row: 0, column: 0, scratch: vec![] };
    reader.read(&archive, &file, &mut table, &mut pace).await?;
    table.finish().map(Value::Buffer)
}

/// A file that must be there.
async fn find(archive: &Archive, path: &str, pace: &mut Pace) -> Result<File> {
    let file = archive.find(path, pace).await?;
    file.ok_or_else(|| EngineError::invalid_data(format!("The data is no xlsx file: it has no {}", cut(path))))
}

/// A path from a folder, or from the archive's own.
fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = if path.starts_with('/') { vec![] } else { folder.split('/').collect() };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join("/")
}

/// A pause, if it is time for one.
async fn rest(archive: &Archive, spent: usize, pace: &mut Pace) {
    if pace.is_due(spent) {
        pace.progress(archive.read());
        pause().await;
    }
}

/// Where the workbook is.
async fn workbook_path(archive: &Archive, pace: &mut Pace) -> Result<String> {
    let file = find(archive, "_rels/.rels", pace).await?;
    let relationships = relationships_of(archive, &file, pace).await?;
    let workbook = relationships.into_iter().find(|relationship| relationship.kind == "officeDocument");
    workbook
        .map(|relationship| join("", &relationship.target))
        .ok_or_else(|| EngineError::invalid_data("The data is no xlsx file: it has no workbook"))
}

struct Relationship {
    id: String,
    /// The last part of its type.
    kind: String,
    target: String,
}

async fn relationships_of(archive: &Archive, file: &File, pace: &mut Pace) -> Result<Vec<Relationship>> {
    let mut xml = Xml::new(archive.unpack(file)?);
    let mut relationships = vec![];
    loop {
        match xml.next()? {
            Event::Start(tag) if tag.name() == "Relationship" => {
                let get = |name| Ok(tag.attribute(name)?.unwrap_or_default().into_owned());
                let (id, kind, target) = (get("Id")?, get("Type")?, get("Target")?);
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                if relationships.len() == MOST_RELATIONSHIPS {
                    return Err(EngineError::invalid_data("The workbook has too many relationships"));
                }
                push(&mut relationships, Relationship { id, kind, target })?;
            }
            Event::Eof => return Ok(relationships),
            _ => {}
        }
        rest(archive, xml.spent(), pace).await;
    }
}

/// The relationship of the sheet that is asked for; whether days are counted from 1904.
async fn sheet_id(archive: &Archive, file: &File, sheet: Sheet, pace: &mut Pace) -> Result<(String, bool)> {
    let mut xml = Xml::new(archive.unpack(file)?);
    let (mut id, mut from_1904, mut number) = (None, false, 0);
    loop {
        match xml.next()? {
            Event::Start(tag) if tag.name() == "sheet" => {
                if id.is_none() && sheet.is(number, &tag.attribute("name")?.unwrap_or_default()) {
                    // `sheetId` is another attribute.
                    id = Some(tag.attribute("id")?.unwrap_or_default().into_owned());
                }
                number += 1;
            }
            Event::Start(tag) if tag.name() == "workbookPr" => {
                from_1904 |= tag.attribute("date1904")?.is_some_and(|value| value == "1" || value == "true");
            }
            Event::Eof => break,
            _ => {}
        }
        rest(archive, xml.spent(), pace).await;
    }
    Ok((id.ok_or_else(|| sheet.missing(number))?, from_1904))
}

/// What each format of a cell makes of its number.
async fn styles(archive: &Archive, file: &File, pace: &mut Pace) -> Result<Vec<Kind>> {
    let mut xml = Xml::new(archive.unpack(file)?);
    let mut custom = std::collections::HashMap::new();
    let (mut kinds, mut is_inside) = (vec![], false);
    loop {
        match xml.next()? {
            Event::Start(tag) => match tag.name() {
                "numFmt" => {
                    let id = number_of(&tag, "numFmtId")?;
                    let format = tag.attribute("formatCode")?.unwrap_or_default();
                    if custom.len() < MOST_FORMATS {
                        custom.entry(id).or_insert_with(|| Kind::of_format(&format));
                    }
                }
                "cellXfs" => is_inside = true,
                "xf" if is_inside && kinds.len() < MOST_FORMATS => {
                    let id = number_of(&tag, "numFmtId")?;
                    push(&mut kinds, custom.get(&id).copied().unwrap_or_else(|| Kind::of_number(id)))?;
                }
                _ => {}
            },
            Event::End(tag) if tag.local_name().as_ref() == "cellXfs" => is_inside = false,
            Event::Eof => return Ok(kinds),
            _ => {}
        }
        rest(archive, xml.spent(), pace).await;
    }
}

/// A number in an attribute; 0 if it is none.
fn number_of(tag: &Tag<'_>, name: &str) -> Result<u32> {
    Ok(tag.attribute(name)?.and_then(|value| value.parse().ok()).unwrap_or(0))
}

/// The strings that cells refer to by number.
async fn strings_of(archive: &Archive, file: &File, pace: &mut Pace) -> Result<Strings> {
    let mut xml = Xml::new(archive.unpack(file)?);
    let (mut strings, mut runs) = (Strings::default(), Runs::default());
    loop {
        match xml.next()? {
            Event::Start(tag) if tag.name() == "si" => runs = Runs::default(),
            Event::Start(tag) => runs.start(tag.name()),
            Event::Text(text) if runs.is_text() => strings.add(text.as_bytes())?,
            Event::End(tag) if tag.local_name().as_ref() == "si" => strings.finish(unescape)?,
            Event::End(tag) => runs.end(tag.local_name().as_ref()),
            Event::Eof => return Ok(strings),
            _ => {}
        }
        rest(archive, xml.spent(), pace).await;
    }
}

/// The text of a string, which may be in several runs; what is there about how it is read aloud is no part of it.
#[derive(Default)]
struct Runs {
    is_inside: bool,
    is_phonetic: bool,
}

impl Runs {
    fn start(&mut self, name: &str) {
        match name {
            "t" => self.is_inside = true,
            "rPh" => self.is_phonetic = true,
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "t" => self.is_inside = false,
            "rPh" => self.is_phonetic = false,
            _ => {}
        }
    }

    /// Whether what comes is text of the string.
    fn is_text(&self) -> bool {
        self.is_inside && !self.is_phonetic
    }
}

/// Replaces `_x000D_` and the like by the characters that they stand for (22.4.2.4).
fn unescape(text: &mut Vec<u8>, start: usize) {
    let (mut read, mut write) = (start, start);
    while read < text.len() {
        if let Some(character) = escaped(&text[read..]) {
            // No longer than what it replaces.
            write += character.encode_utf8(&mut text[write..]).len();
            read += 7;
        } else {
            text[write] = text[read];
            (read, write) = (read + 1, write + 1);
        }
    }
    text.truncate(write);
}

fn escaped(text: &[u8]) -> Option<char> {
    let [b'_', b'x', digits @ .., b'_'] = text.get(..7)? else { return None };
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
}

/// A cell as it is read.
#[derive(Default)]
struct Open {
    kind: Option<Kind>,
    value: ValueType,
    text: Vec<u8>,
    runs: Runs,
    is_value: bool,
}

/// What a cell's text is.
#[derive(Clone, Copy, Default, PartialEq)]
enum ValueType {
    #[default]
    Number,
    Shared,
    Bool,
    Text,
}

struct SheetReader {
    strings: Strings,
    kinds: Vec<Kind>,
    from_1904: bool,
    /// The row and the column, from 1, of the last cell.
    row: u64,
    column: usize,
    scratch: Vec<u8>,
}

impl SheetReader {
    async fn read(&mut self, archive: &Archive, file: &File, table: &mut Writer, pace: &mut Pace) -> Result<()> {
        let mut xml = Xml::new(archive.unpack(file)?);
        let (mut open, mut is_data, mut is_cell) = (Open::default(), false, false);
        // Whether the row has a cell that was written.
        let mut has_value = false;
        loop {
            let (before, mut is_row_end, mut is_cell_end) = (table.len(), false, false);
            match xml.next()? {
                Event::Start(tag) => match tag.name() {
                    "sheetData" => is_data = true,
                    "row" if has_value || is_cell => {
                        return Err(EngineError::invalid_data("The sheet has a row in a row"));
                    }
                    "c" if is_cell => return Err(EngineError::invalid_data("The sheet has a cell in a cell")),
                    "row" if is_data => self.start_row(&tag)?,
                    "c" if is_data => {
                        self.start_cell(&tag, &mut open)?;
                        is_cell = true;
                    }
                    "v" => open.is_value = is_cell,
                    name => open.runs.start(name),
                },
                // Of a text that is too long no more is kept than to see that.
                Event::Text(text)
                    if is_cell && open.text.len() <= LONGEST_TEXT && (open.is_value || open.runs.is_text()) =>
                {
                    append(&mut open.text, text.as_bytes())?;
                }
                Event::End(tag) => match tag.local_name().as_ref() {
                    "sheetData" => is_data = false,
                    "row" if is_data => is_row_end = std::mem::take(&mut has_value),
                    "c" if is_cell => (is_cell, is_cell_end) = (false, true),
                    "v" => open.is_value = false,
                    name => open.runs.end(name),
                },
                Event::Eof if has_value => {
                    return Err(EngineError::invalid_data("The sheet has a row that does not end"));
                }
                Event::Eof => return Ok(()),
                _ => {}
            }
            if is_cell_end {
                let (place, column) = (Place::Row(self.row), self.column - 1);
                match self.value(&mut open)? {
                    None | Some(Cell::Text(b"")) => {}
                    Some(cell) => {
                        has_value = true;
                        match cell {
                            Cell::Text(text) => table.text(place, column, text, pace).await?,
                            cell => table.cell(place, column, cell)?,
                        }
                    }
                }
            }
            rest(archive, xml.spent() + table.len() - before, pace).await;
            if is_row_end {
                table.end_row(pace).await?;
            }
        }
    }

    fn start_row(&mut self, tag: &Tag<'_>) -> Result<()> {
        let row = match tag.attribute("r")? {
            None => self.row + 1,
            Some(number) => number.parse().ok().filter(|row| (1..=MOST_ROWS).contains(row)).ok_or_else(|| {
                EngineError::invalid_data(format!("The sheet has a row with the number '{}'", cut(&number)))
            })?,
        };
        if row <= self.row || row > MOST_ROWS {
            return Err(EngineError::invalid_data(format!("Row {row} comes after row {}", self.row)));
        }
        (self.row, self.column) = (row, 0);
        Ok(())
    }

    fn start_cell(&mut self, tag: &Tag<'_>, open: &mut Open) -> Result<()> {
        let [name, style, value] = tag.attributes(["r", "s", "t"])?;
        let column = match name {
            None => self.column + 1,
            Some(name) => column_of(&name).ok_or_else(|| {
                EngineError::invalid_data(format!("The sheet has a cell with the name '{}'", cut(&name)))
            })?,
        };
        if self.row == 0 || column <= self.column || column > MOST_COLUMNS {
            let message =
                format!("Row {} has a cell of column {column} behind one of column {}", self.row, self.column);
            return Err(EngineError::invalid_data(message));
        }
        self.column = column;
        open.text.clear();
        open.runs = Runs::default();
        open.is_value = false;
        open.value = match value.as_deref() {
            None | Some("n") => ValueType::Number,
            Some("s") => ValueType::Shared,
            Some("b") => ValueType::Bool,
            // A date is ISO 8601 already.
            Some(_) => ValueType::Text,
        };
        open.kind = match style {
            Some(style) if open.value == ValueType::Number => {
                style.parse().ok().and_then(|at: usize| self.kinds.get(at).copied())
            }
            _ => None,
        };
        Ok(())
    }

    /// The value of a cell that has ended.
    fn value<'b>(&'b mut self, open: &'b mut Open) -> Result<Option<Cell<'b>>> {
        if open.text.len() > LONGEST_TEXT {
            return Err(too_long());
        }
        if open.value == ValueType::Text {
            unescape(&mut open.text, 0);
        }
        let text = open.text.trim_ascii();
        Ok(Some(match open.value {
            ValueType::Number if text.is_empty() => return Ok(None),
            ValueType::Number => {
                let kind = open.kind.unwrap_or(Kind::Number);
                if kind == Kind::Number && is_plain_number(text) {
                    Cell::Digits(text)
                } else {
                    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
                    self.scratch.clear();
                    match number.filter(|number: &f64| number.is_finite()) {
                        Some(number) if append_date(&mut self.scratch, number, kind, self.from_1904)? => {
                            Cell::Text(&self.scratch)
                        }
                        Some(number) => Cell::Number(number),
                        None => Cell::Text(&open.text),
                    }
                }
            }
            ValueType::Bool if text.is_empty() => return Ok(None),
            ValueType::Bool => Cell::Bool(text == b"1" || text.eq_ignore_ascii_case(b"true")),
            ValueType::Shared if text.is_empty() => return Ok(None),
            ValueType::Shared => {
                let index = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
                let text = index.and_then(|index| self.strings.get(index)).ok_or_else(|| {
                    EngineError::invalid_data(format!("Row {} has a cell whose string is nowhere", self.row))
                })?;
                Cell::Text(text)
            }
            ValueType::Text => Cell::Text(&open.text),
        }))
    }
}

/// The number, from 1, of a cell's column: 28 of 'AB7'.
fn column_of(name: &str) -> Option<usize> {
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic);
    let column =
        letters.take(4).fold(0, |column, letter| column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    (1..=MOST_COLUMNS).contains(&column).then_some(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_letters() {
        for (name, column) in [
            ("A1", Some(1)),
            ("Z1", Some(26)),
            ("AA10", Some(27)),
            ("xfd1", Some(16_384)),
            ("XFE1", None),
            ("1", None),
            ("AAAAAA", None),
        ] {
            assert_eq!(column_of(name), column, "{name}");
        }
    }

    #[test]
    fn paths_are_joined() {
        assert_eq!(join("xl", "worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(join("xl", "/xl/a.xml"), "xl/a.xml");
        assert_eq!(join("a/b", "../c.xml"), "a/c.xml");
        assert_eq!(join("", "../../c.xml"), "c.xml");
    }

    #[test]
    fn escapes_are_characters() {
        for (text, expected) in [
            ("a_x000D_b", "a\rb"),
            ("_x005F_x000D_", "_x000D_"),
            ("_xD800_", "_xD800_"),
            ("_x20AC_", "€"),
            ("_x00", "_x00"),
        ] {
            let mut text = text.as_bytes().to_vec();
            unescape(&mut text, 0);
            assert_eq!(String::from_utf8(text).unwrap(), expected);
        }
    }
}
