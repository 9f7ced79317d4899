//! Cells of csv and tsv.

use csv_core::{ReadRecordResult, ReaderBuilder};
use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Bytes, Value, reserve_exact};

use crate::table::coroutine::{Pace, pause};
use crate::table::writer::{Place, Writer};

/// Bytes of input that are looked at together.
const BLOCK: usize = 32 << 10;
/// Bytes that a row may have: an open quote takes all that follows it.
const LONGEST_ROW: usize = 16 << 20;
/// Fields that a row may have.
const MOST_FIELDS: usize = 1 << 16;

/// Writes all rows of `data`.
///
/// # Errors
/// ERR_INVALID_DATA if it is no UTF-8, or a row too long; what the writer says.
pub(crate) async fn convert(data: Bytes, delimiter: u8, mut table: Writer, mut pace: Pace) -> Result<Value> {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
    let (mut scratch, mut fields, mut ends) = (vec![], vec![], vec![]);
    grow(&mut fields, 4096)?;
    grow(&mut ends, 64)?;
    // How much of `fields` and `ends` the row has so far.
    let (mut filled, mut count) = (0, 0);
    let (mut at, mut row) = (0, 1_u64);
    loop {
        let end = data.len().min(at + BLOCK);
        let block = utf8(data.read(at..end, &mut scratch)?, at, end == data.len())?;
        let mut rest = block;
        // To the reader no bytes are the end of the input, at which it gives what it has left: so it gets them at the end alone.
        while !rest.is_empty() || at == data.len() {
            let before = table.len();
            let (result, read, written, ended) = reader.read_record(rest, &mut fields[filled..], &mut ends[count..]);
            (filled, count, rest) = (filled + written, count + ended, &rest[read..]);
            match result {
                ReadRecordResult::InputEmpty => break,
                ReadRecordResult::OutputFull if filled < LONGEST_ROW => grow(&mut fields, 2 * filled)?,
                ReadRecordResult::OutputEndsFull if count < MOST_FIELDS => grow(&mut ends, 2 * count)?,
                ReadRecordResult::OutputFull => {
                    return Err(EngineError::invalid_data(format!(
                        "Row {row} is longer than 16 MiB: is there a quote that is not closed?"
                    )));
                }
                ReadRecordResult::OutputEndsFull => {
                    return Err(EngineError::invalid_data(format!("Row {row} has more than {MOST_FIELDS} fields")));
                }
                ReadRecordResult::Record => {
                    let place = Place::Record { row, line: reader.line() };
                    let mut start = 0;
                    for (column, end) in ends[..count].iter().enumerate() {
                        table.text(place, column, &fields[start..*end], &mut pace).await?;
                        start = *end;
                    }
                    // A row may be far longer as it is written.
                    if pace.is_due(table.len() - before) {
                        pause().await;
                    }
                    table.end_row(&mut pace).await?;
                    (filled, count, row) = (0, 0, row + 1);
                }
                ReadRecordResult::End => return table.finish().map(Value::Buffer),
            }
        }
        at += block.len();
        pace.progress(at);
        if pace.is_due(block.len()) {
            pause().await;
        }
    }
}

/// Gives a buffer so many items.
fn grow<T: Clone + Default>(items: &mut Vec<T>, len: usize) -> Result<()> {
    reserve_exact(items, len - items.len())?;
    items.resize(len, T::default());
    Ok(())
}

/// The part of a block that is whole characters. Delimiters and quotes are ASCII: where the input is UTF-8, so is every field.
fn utf8(block: &[u8], at: usize, is_last: bool) -> Result<&[u8]> {
    match std::str::from_utf8(block) {
        Ok(_) => Ok(block),
        // A character goes on behind the block.
        Err(error) if error.error_len().is_none() && !is_last => Ok(&block[..error.valid_up_to()]),
        Err(error) => {
            let message = format!("The data is not UTF-8, at byte {}", at + error.valid_up_to());
            Err(EngineError::invalid_data(message))
        }
    }
}
