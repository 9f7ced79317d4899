//! Cells of a sheet of an xls file: records of BIFF8 (MS-XLS), and of BIFF5, which Excel 95 wrote.
//!
//! Records come in the order of their rows from nearly every program. Where they do not, they are put into it first.

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::append;
use heavy_load_kernel::value::{Bytes, Value, reserve_exact};

use crate::table::cfb;
use crate::table::coroutine::{Pace, pause};
use crate::table::date::{Kind, append_date};
use crate::table::sheet::{LONGEST_TEXT, MOST_COLUMNS, Sheet, too_long};
use crate::table::strings::Strings;
use crate::table::text::push;
use crate::table::writer::{Cell, Place, Writer};

const FORMULA: u16 = 0x0006;
const EOF: u16 = 0x000a;
const DATE_MODE: u16 = 0x0022;
const FILE_PASS: u16 = 0x002f;
const CONTINUE: u16 = 0x003c;
const CODE_PAGE: u16 = 0x0042;
const BOUND_SHEET: u16 = 0x0085;
const MUL_RK: u16 = 0x00bd;
const R_STRING: u16 = 0x00d6;
const XF: u16 = 0x00e0;
const SST: u16 = 0x00fc;
const LABEL_SST: u16 = 0x00fd;
const NUMBER: u16 = 0x0203;
const LABEL: u16 = 0x0204;
const BOOL_ERR: u16 = 0x0205;
const STRING: u16 = 0x0207;
const RK: u16 = 0x027e;
const FORMAT: u16 = 0x041e;
const BOF: u16 = 0x0809;

/// Formats, numbers of formats and sheets that a file may have.
const MOST: usize = 1 << 16;
const ROWS: usize = 1 << 16;

/// Writes all rows of a sheet.
///
/// # Errors
/// ERR_INVALID_DATA; what the writer says.
pub(crate) async fn convert(data: Bytes, sheet: Sheet, mut table: Writer, mut pace: Pace) -> Result<Value> {
    let stream = cfb::stream(&data, &["Workbook", "Book"], &mut pace).await?;
    drop(data);
    let records = Records { stream: &stream };
    let (book, start) = Book::read(records, &sheet, &mut pace).await?;
    if records.at(start)?.is_none_or(|record| record.kind != BOF) {
        return Err(EngineError::invalid_data("The data is no valid xls file: the sheet is nowhere"));
    }
    let order = Order::of(records, start, &mut pace).await?;
    let mut sheet = SheetReader { book, records, row: None, column: 0, text: vec![] };
    match order {
        Order::AsTheyStand => {
            let mut cells = Cells::new(records, start);
            while let Some(record) = cells.next()? {
                pace.progress(record.at);
                sheet.take(&record, &mut table, &mut pace).await?;
            }
        }
        Order::Of(places) => {
            for place in places {
                let Some(record) = records.at(place as usize)? else { continue };
                sheet.take(&record, &mut table, &mut pace).await?;
            }
        }
    }
    if sheet.row.is_some() {
        table.end_row(&mut pace).await?;
    }
    table.finish().map(Value::Buffer)
}

/// All records of the stream.
#[derive(Clone, Copy)]
struct Records<'a> {
    stream: &'a [u8],
}

/// A record, and where it stands.
struct Record<'a> {
    at: usize,
    kind: u16,
    data: &'a [u8],
}

impl<'a> Records<'a> {
    /// The record at a place; none at the end.
    fn at(self, at: usize) -> Result<Option<Record<'a>>> {
        let Some(header) = self.stream.get(at..).and_then(|rest| rest.get(..4)) else { return Ok(None) };
        let len = usize::from(u16_at(header, 2)?);
        let data = self.stream.get(at + 4..at + 4 + len).ok_or_else(cut_off)?;
        Ok(Some(Record { at, kind: u16_at(header, 0)?, data }))
    }

    /// The record with the string that is a formula's result; its own are between them.
    fn string_behind(self, formula: &Record<'_>) -> Result<Option<Record<'a>>> {
        let mut at = formula.end();
        for _ in 0..4 {
            match self.at(at)? {
                Some(record) if record.kind == STRING => return Ok(Some(record)),
                Some(record) if !is_cell(record.kind) => at = record.end(),
                _ => break,
            }
        }
        Ok(None)
    }
}

impl Record<'_> {
    fn len(&self) -> usize {
        4 + self.data.len()
    }

    fn end(&self) -> usize {
        self.at + self.len()
    }

    /// The row and the column, from 0, of a cell's record, and the format that it has.
    fn place(&self) -> Result<(u16, u16, u16)> {
        Ok((u16_at(self.data, 0)?, u16_at(self.data, 2)?, u16_at(self.data, 4)?))
    }
}

/// A sheet's records that are cells with a value.
struct Cells<'a> {
    records: Records<'a>,
    at: usize,
    depth: usize,
}

impl<'a> Cells<'a> {
    fn new(records: Records<'a>, start: usize) -> Self {
        Self { records, at: start, depth: 0 }
    }

    /// The next one; or another record, after many that are none.
    fn next(&mut self) -> Result<Option<Record<'a>>> {
        let Some(record) = self.records.at(self.at)? else { return Ok(None) };
        self.at = record.end();
        match record.kind {
            BOF => self.depth += 1,
            // What is in a chart, say, is no cell of the sheet.
            EOF => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth == 0 {
            return Ok(None);
        }
        let is_cell = is_cell(record.kind) && self.depth == 1;
        Ok(Some(if is_cell { record } else { Record { kind: CONTINUE, ..record } }))
    }
}

fn is_cell(kind: u16) -> bool {
    matches!(kind, FORMULA | MUL_RK | R_STRING | LABEL_SST | NUMBER | LABEL | BOOL_ERR | RK)
}

/// In which order records are to be read.
enum Order {
    AsTheyStand,
    /// Their places, by row and column.
    Of(Vec<u32>),
}

impl Order {
    async fn of(records: Records<'_>, start: usize, pace: &mut Pace) -> Result<Self> {
        let mut counts: Vec<u32> = vec![];
        reserve_exact(&mut counts, ROWS)?;
        counts.resize(ROWS, 0);
        let (mut cells, mut last, mut is_sorted) = (Cells::new(records, start), (0, 0), true);
        while let Some(record) = cells.next()? {
            if is_cell(record.kind) {
                let (row, column, _) = record.place()?;
                is_sorted &= (row, column) >= last;
                last = (row, column);
                let count = &mut counts[usize::from(row)];
                *count += 1;
                if *count as usize > MOST_COLUMNS {
                    return Err(EngineError::invalid_data(format!("Row {} has too many cells", u32::from(row) + 1)));
                }
            }
            if pace.is_due(record.len()) {
                pause().await;
            }
        }
        if is_sorted {
            return Ok(Self::AsTheyStand);
        }
        // Where the places of a row's cells begin, and then where they end.
        let mut total = 0;
        for count in &mut counts {
            total += std::mem::replace(count, total);
        }
        let mut places: Vec<u32> = vec![];
        reserve_exact(&mut places, total as usize)?;
        places.resize(total as usize, 0);
        let mut cells = Cells::new(records, start);
        while let Some(record) = cells.next()? {
            if is_cell(record.kind) {
                let next = &mut counts[usize::from(record.place()?.0)];
                places[*next as usize] = record.at as u32;
                *next += 1;
            }
            if pace.is_due(record.len()) {
                pause().await;
            }
        }
        let mut start = 0;
        for end in counts {
            let row = &mut places[start..end as usize];
            row.sort_by_key(|place| u16_at(records.stream, *place as usize + 6).unwrap_or(0));
            if pace.is_due(16 * row.len()) {
                pause().await;
            }
            start = end as usize;
        }
        Ok(Self::Of(places))
    }
}

/// What a workbook says of all its sheets.
struct Book {
    is_biff8: bool,
    from_1904: bool,
    kinds: Vec<Kind>,
    strings: Strings,
}

impl Book {
    /// Reads it; where the sheet is, too.
    async fn read(records: Records<'_>, sheet: &Sheet, pace: &mut Pace) -> Result<(Self, usize)> {
        let mut book = Self { is_biff8: true, from_1904: false, kinds: vec![], strings: Strings::default() };
        let mut formats = std::collections::HashMap::new();
        let mut numbers: Vec<u16> = vec![];
        let (mut at, mut number, mut start, mut page) = (0, 0, None, 1252);
        let mut text = vec![];
        while let Some(record) = records.at(at)? {
            at = record.end();
            let data = record.data;
            match record.kind {
                BOF => {
                    book.is_biff8 = match u16_at(data, 0)? {
                        0x0600 => true,
                        0x0500 => false,
                        _ => return Err(EngineError::invalid_data("The data is an xls file of before Excel 95")),
                    }
                }
                FILE_PASS => return Err(EngineError::invalid_data("The data is an xls file that is encrypted")),
                CODE_PAGE => page = u16_at(data, 0)?,
                DATE_MODE => book.from_1904 = u16_at(data, 0)? == 1,
                FORMAT if formats.len() < MOST => {
                    text.clear();
                    match book.is_biff8 {
                        true => Pieces::of(records, &record, 2).text(&mut text)?,
                        false => append_1252(&mut text, data.get(3..).unwrap_or_default())?,
                    }
                    formats.insert(u16_at(data, 0)?, Kind::of_format(&String::from_utf8_lossy(&text)));
                }
                XF if numbers.len() < MOST => push(&mut numbers, u16_at(data, 2)?)?,
                BOUND_SHEET => {
                    text.clear();
                    let len = usize::from(*data.get(6).ok_or_else(cut_off)?);
                    match book.is_biff8 {
                        true => Pieces::of(records, &record, 7).characters(len, &mut text)?,
                        false => append_1252(&mut text, data.get(7..7 + len).ok_or_else(cut_off)?)?,
                    }
                    if start.is_none() && sheet.is(number, &String::from_utf8_lossy(&text)) {
                        start = Some((u32_at(data, 0)? as usize, data[5]));
                    }
                    number += 1;
                }
                SST => book.read_strings(Pieces::of(records, &record, 8), u32_at(data, 4)?, pace).await?,
                EOF => break,
                _ => {}
            }
            if pace.is_due(record.len()) {
                pause().await;
            }
        }
        if !book.is_biff8 && page != 1252 && page != 0x8001 {
            return Err(EngineError::invalid_data(format!(
                "The data is an xls file of Excel 95 with the code page {page}"
            )));
        }
        for number in numbers {
            push(&mut book.kinds, formats.get(&number).copied().unwrap_or_else(|| Kind::of_number(number.into())))?;
        }
        let (start, kind) = start.ok_or_else(|| sheet.missing(number))?;
        if kind != 0 {
            return Err(EngineError::invalid_data("The sheet has no cells: it is a chart or a macro"));
        }
        Ok((book, start))
    }

    async fn read_strings(&mut self, mut pieces: Pieces<'_>, count: u32, pace: &mut Pace) -> Result<()> {
        let mut text = vec![];
        // As many as there are: the count may say anything.
        for _ in 0..count {
            if pieces.is_at_end()? {
                break;
            }
            let before = pieces.record.at + pieces.at;
            text.clear();
            pieces.rich_text(&mut text)?;
            self.strings.add(&text)?;
            self.strings.finish(|_, _| {})?;
            if pace.is_due(pieces.record.at + pieces.at - before) {
                pause().await;
            }
        }
        Ok(())
    }
}

/// What a record has, and what the records have that continue it.
struct Pieces<'a> {
    records: Records<'a>,
    record: Record<'a>,
    at: usize,
}

impl<'a> Pieces<'a> {
    fn of(records: Records<'a>, record: &Record<'a>, at: usize) -> Self {
        Self { records, record: Record { ..*record }, at }
    }

    /// Goes on to the next record where one ends; whether there is no more.
    fn is_at_end(&mut self) -> Result<bool> {
        while self.at >= self.record.data.len() {
            match self.records.at(self.record.end())? {
                Some(next) if next.kind == CONTINUE => {
                    (self.at, self.record) = (self.at - self.record.data.len(), next)
                }
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    fn byte(&mut self) -> Result<u8> {
        if self.is_at_end()? {
            return Err(cut_off());
        }
        self.at += 1;
        Ok(self.record.data[self.at - 1])
    }

    fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    /// A string with a length of 16 bits (2.5.294).
    fn text(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let len = self.u16()?;
        self.characters(len.into(), out)
    }

    /// A string that may have formats and a reading aid behind it (2.5.293).
    fn rich_text(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let (len, flags) = (self.u16()?, self.byte()?);
        let mut behind = 0;
        if flags & 8 != 0 {
            behind += 4 * usize::from(self.u16()?);
        }
        if flags & 4 != 0 {
            let low = self.u16()?;
            behind += usize::from(low) | usize::from(self.u16()?) << 16;
            if behind > LONGEST_TEXT {
                return Err(too_long());
            }
        }
        self.units(len.into(), flags, out)?;
        self.at += behind;
        Ok(())
    }

    /// So many characters, behind a byte that says how they are stored.
    fn characters(&mut self, len: usize, out: &mut Vec<u8>) -> Result<()> {
        let flags = self.byte()?;
        self.units(len, flags, out)
    }

    /// UTF-16: both bytes of each unit, or only the low one if all the others are 0. Where a record ends in them, the next one says that anew.
    fn units(&mut self, len: usize, mut flags: u8, out: &mut Vec<u8>) -> Result<()> {
        let mut high = None;
        for _ in 0..len {
            if self.at >= self.record.data.len() {
                flags = self.byte()?;
            }
            let low = self.byte()?;
            let unit = if flags & 1 != 0 { u16::from_le_bytes([low, self.byte()?]) } else { low.into() };
            // A character may be of two units.
            for character in char::decode_utf16(high.take().into_iter().chain([unit])) {
                match character {
                    Ok(character) => append(out, character.encode_utf8(&mut [0; 4]).as_bytes())?,
                    Err(error) if error.unpaired_surrogate() == unit && (0xd800..0xdc00).contains(&unit) => {
                        high = Some(unit)
                    }
                    Err(_) => append(out, "\u{fffd}".as_bytes())?,
                }
            }
        }
        match high {
            Some(_) => append(out, "\u{fffd}".as_bytes()),
            None => Ok(()),
        }
    }
}

struct SheetReader<'a> {
    book: Book,
    records: Records<'a>,
    /// The row that is being written, and the column behind its last cell.
    row: Option<u16>,
    column: u16,
    text: Vec<u8>,
}

impl SheetReader<'_> {
    /// Writes the cells of a record, behind the row that it ends.
    async fn take(&mut self, record: &Record<'_>, table: &mut Writer, pace: &mut Pace) -> Result<()> {
        let before = table.len();
        if is_cell(record.kind) {
            if self.row.is_some_and(|row| u16_at(record.data, 0) != Ok(row)) {
                self.row = None;
                table.end_row(pace).await?;
            }
            self.write(record, table)?;
        }
        if pace.is_due(record.len() + table.len().saturating_sub(before)) {
            pause().await;
        }
        Ok(())
    }

    fn write(&mut self, record: &Record<'_>, table: &mut Writer) -> Result<()> {
        let data = record.data;
        let (row, column, format) = record.place()?;
        match record.kind {
            NUMBER => self.number(table, row, column, format, f64_at(data, 6)?),
            RK => self.number(table, row, column, format, rk(u32_at(data, 6)?)),
            MUL_RK => {
                let cells = data.get(4..data.len().saturating_sub(2)).unwrap_or_default();
                for (index, cell) in cells.as_chunks::<6>().0.iter().enumerate() {
                    let column = u16::try_from(usize::from(column) + index).unwrap_or(u16::MAX);
                    self.number(table, row, column, u16_at(cell, 0)?, rk(u32_at(cell, 2)?))?;
                }
                Ok(())
            }
            LABEL_SST => {
                let index = u32_at(data, 6)? as usize;
                let strings = std::mem::take(&mut self.book.strings);
                let result = match strings.get(index) {
                    Some(text) => self.cell(table, row, column, Cell::Text(text)),
                    None => Err(EngineError::invalid_data(format!(
                        "Row {} has a cell whose string is nowhere",
                        u32::from(row) + 1
                    ))),
                };
                self.book.strings = strings;
                result
            }
            LABEL | R_STRING => self.label(table, row, column, record, 6),
            BOOL_ERR => match (data.get(6), data.get(7)) {
                (Some(value), Some(0)) => self.cell(table, row, column, Cell::Bool(*value != 0)),
                (Some(error), Some(_)) => self.cell(table, row, column, Cell::Text(error_text(*error))),
                _ => Err(cut_off()),
            },
            _ => {
                let result = data.get(6..14).ok_or_else(cut_off)?;
                if result[6..] != [0xff, 0xff] {
                    return self.number(table, row, column, format, f64_at(result, 0)?);
                }
                match result[0] {
                    0 => match self.records.string_behind(record)? {
                        Some(string) => self.label(table, row, column, &string, 0),
                        None => Ok(()),
                    },
                    1 => self.cell(table, row, column, Cell::Bool(result[2] != 0)),
                    2 => self.cell(table, row, column, Cell::Text(error_text(result[2]))),
                    _ => Ok(()),
                }
            }
        }
    }

    fn label(&mut self, table: &mut Writer, row: u16, column: u16, record: &Record<'_>, at: usize) -> Result<()> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        if self.book.is_biff8 {
            Pieces::of(self.records, &Record { ..*record }, at).text(&mut text)?;
        } else {
            let len = usize::from(u16_at(record.data, at)?);
            append_1252(&mut text, record.data.get(at + 2..at + 2 + len).ok_or_else(cut_off)?)?;
        }
        if text.len() > LONGEST_TEXT {
            return Err(too_long());
        }
        let result = self.cell(table, row, column, Cell::Text(&text));
        self.text = text;
        result
    }

    fn number(&mut self, table: &mut Writer, row: u16, column: u16, format: u16, number: f64) -> Result<()> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let kind = self.book.kinds.get(usize::from(format)).copied().unwrap_or(Kind::Number);
        let is_date = append_date(&mut text, number, kind, self.book.from_1904)?;
        let result = match number.is_finite() {
            true => self.cell(table, row, column, if is_date { Cell::Text(&text) } else { Cell::Number(number) }),
            false => Ok(()),
        };
        self.text = text;
        result
    }

    fn cell(&mut self, table: &mut Writer, row: u16, column: u16, cell: Cell<'_>) -> Result<()> {
        if cell == Cell::Text(b"") {
            return Ok(());
        }
        if self.row.is_none() {
            (self.row, self.column) = (Some(row), 0);
        }
        let place = Place::Row(u64::from(row) + 1);
        if column < self.column || usize::from(column) >= MOST_COLUMNS {
            return Err(EngineError::invalid_data(format!("{place} has a cell twice, or too many")));
        }
        self.column = column + 1;
        table.cell(place, column.into(), cell)
    }
}

/// A number in 30 bits (2.5.217): an integer, or the upper bits of a double; perhaps times 100.
fn rk(bits: u32) -> f64 {
    let number = match bits & 2 {
        0 => f64::from_bits(u64::from(bits & !3) << 32),
        _ => f64::from(bits as i32 >> 2),
    };
    if bits & 1 == 0 { number } else { number / 100.0 }
}

/// What a cell shows that has an error (2.5.10).
fn error_text(error: u8) -> &'static [u8] {
    match error {
        0x00 => b"#NULL!",
        0x07 => b"#DIV/0!",
        0x0f => b"#VALUE!",
        0x17 => b"#REF!",
        0x1d => b"#NAME?",
        0x24 => b"#NUM!",
        _ => b"#N/A",
    }
}

/// Appends text of the code page 1252.
fn append_1252(out: &mut Vec<u8>, text: &[u8]) -> Result<()> {
    const FROM_80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    for byte in text {
        let character = match byte {
            0x80..=0x9f => FROM_80[usize::from(*byte) - 0x80],
            byte => char::from(*byte),
        };
        append(out, character.encode_utf8(&mut [0; 4]).as_bytes())?;
    }
    Ok(())
}

#[cold]
fn cut_off() -> EngineError {
    EngineError::invalid_data("The data is no valid xls file: a record is cut off")
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).copied().ok_or_else(cut_off)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16> {
    bytes_at(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    bytes_at(bytes, at).map(u32::from_le_bytes)
}

fn f64_at(bytes: &[u8], at: usize) -> Result<f64> {
    bytes_at(bytes, at).map(f64::from_le_bytes)
}
