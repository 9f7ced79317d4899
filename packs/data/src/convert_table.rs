//! `convertTable`: tables from one form to another.

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, OptionSpec, Result, Spec, Work};

use crate::table::coroutine::Coroutine;
use crate::table::sheet::Sheet;
use crate::table::writer::{Form, Writer};
use crate::table::{csv, ods, xls, xlsx};

pub(crate) struct ConvertTable;

const MAX_OUTPUT_LENGTH: u64 = 256 << 20;
/// Bytes that a row takes at most before it is written, with what reading it takes.
const ROW: u64 = 32 << 20;
const MAX_UNPACKED_LENGTH: u64 = 512 << 20;

/// What a table is read from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum From {
    Csv,
    Tsv,
    Xlsx,
    Xls,
    Ods,
}

static SPEC: Spec = Spec::new("convertTable")
    .summary("csv, tsv, xlsx, xls and ods as csv, JSON or NDJSON: row by row, with limits")
    .docs(
        "\
The table in `data` in another form, row by row. Its first row that has a value is the header, with the names of the columns: an empty one is called `column_3` by its place, and one that was there
before `name_2`; csv keeps them as they are. 'json' is an array of objects, 'ndjson' an object a line. Rows that are shorter are filled with `null` (csv: with empty fields). Of csv and tsv every value
is a string, quotes are as in RFC 4180, lines without anything are no rows, and a byte order mark is left out. Of spreadsheets numbers and booleans stay what they are, rows without any value are left
out, empty cells are `null`, and a cell with an error is its text (`#DIV/0!`). Dates are ISO 8601: `2024-01-31` where there is no time of day, `2024-01-31T06:30:00` where there is, in no time zone,
`06:30:00` for a time alone; durations, and every time in ods, are `PT36H0M0S`. Of formulas there are the results that the file has. In csv that is written lines end with `\\n`, booleans are TRUE and
FALSE, and nothing is done about texts that a spreadsheet would take for formulas.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_OUT_OF_MEMORY; ERR_INVALID_DATA if the data is broken, encrypted or not of this form, csv is not UTF-8, there is no such
sheet, a row is longer than the header (the message names it) or, in csv, than 16 MiB, a cell is longer than 1 MiB, or the names together are; ERR_OUTPUT_TOO_LARGE as soon as there is more than
`maxOutputLength` or `maxUnpackedLength`. Working memory: the result as it grows; the strings of an xlsx file as they are unpacked; about four times an xls file; 32 MiB at most of a row. A cell far
away takes nothing. Stops within: 1 ms; of data that is made to take long, 10 ms. Sources: RFC 4180, ECMA-376, OpenDocument 1.3, MS-XLS, MS-CFB.",
    )
    .input("data", "Bytes")
    .output("Buffer")
    .options(&[
        OptionSpec::new("from", "'csv' | 'tsv' | 'xlsx' | 'xls' | 'ods'", "What `data` is.").required(),
        OptionSpec::new("to", "'csv' | 'json' | 'ndjson'", "What it becomes.").required(),
        OptionSpec::new(
            "sheet",
            "string | number",
            "Of a spreadsheet: the name of the sheet, or its number from 0. Default the first.",
        ),
        OptionSpec::new(
            "delimiter",
            "string",
            "What stands between the fields of csv, read or written: one ASCII character. Default ','.",
        ),
        OptionSpec::new(
            "maxOutputLength",
            "number",
            "Most bytes that the result may have. Default 256 MiB. It is also what a pool with `maxMemory` counts: lower it.",
        ),
        OptionSpec::new(
            "maxUnpackedLength",
            "number",
            "Most bytes that may be unpacked of an xlsx or ods file, against bombs. Default 512 MiB. Of xlsx a pool with `maxMemory` counts it, too.",
        ),
    ]);

impl Kernel for ConvertTable {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.check(input, options).map(|(work, _)| work)
    }

    fn check(&self, input: Value, options: &Options) -> Result<(Work, Estimate)> {
        let view = input.into_view(SPEC.input)?;
        let delimiter = delimiter(options)?;
        let sheet = Sheet::of(options)?;
        let from = options.choice(
            "from",
            &[("csv", From::Csv), ("tsv", From::Tsv), ("xlsx", From::Xlsx), ("xls", From::Xls), ("ods", From::Ods)],
        )?;
        let to =
            options.choice("to", &[("csv", Form::Csv(delimiter)), ("json", Form::Json), ("ndjson", Form::NdJson)])?;
        let limit = options.integer("maxOutputLength", 0..=1 << 53, MAX_OUTPUT_LENGTH)?;
        let (len, data) = (view.memory.len() as u64, view.into_bytes());
        let table = Writer::new(to, limit);
        let unpacked = options.integer("maxUnpackedLength", 0..=1 << 53, MAX_UNPACKED_LENGTH)?;
        let work = match from {
            From::Csv => Coroutine::new(len, |pace| csv::convert(data, delimiter, table, pace)),
            From::Tsv => Coroutine::new(len, |pace| csv::convert(data, b'\t', table, pace)),
            From::Xlsx => Coroutine::new(len, |pace| xlsx::convert(data, sheet, unpacked, table, pace)),
            From::Xls => Coroutine::new(len, |pace| xls::convert(data, sheet, table, pace)),
            From::Ods => Coroutine::new(len, |pace| ods::convert(data, sheet, unpacked, table, pace)),
        };
        Ok((Work::stepped(work), Estimate { cost: len, memory: memory(from, len, limit, unpacked) }))
    }
}

/// Bytes of memory that a call takes at most.
fn memory(from: From, len: u64, limit: u64, unpacked: u64) -> u64 {
    // DEFLATE makes at most 1032 bytes of one.
    let unpacked = unpacked.min(len.saturating_mul(1032));
    match from {
        // Every row has a byte or two, and is written with all the names, which are no longer than the data either: an empty one, as `"column_12345":null`.
        From::Csv | From::Tsv => {
            limit.min(len.saturating_mul(len).saturating_mul(4).saturating_add(16 * len + 64)).saturating_add(ROW)
        }
        // Strings, each with its place: no string takes more than it does in the file.
        From::Xlsx => limit.saturating_add(unpacked).saturating_add(ROW),
        // The stream with the workbook, its strings (as UTF-8, each with its place), and the places of its records.
        From::Xls => limit.saturating_add(len.saturating_mul(4)).saturating_add(ROW),
        From::Ods => limit.saturating_add(ROW),
    }
}

/// What stands between fields.
fn delimiter(options: &Options) -> Result<u8> {
    match options.get("delimiter") {
        Value::Undefined => Ok(b','),
        Value::String(text) => match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
            _ => Err(EngineError::invalid_value(
                "options.delimiter",
                "must be one ASCII character, and no quote or line break",
                options.get("delimiter"),
            )),
        },
        other => Err(EngineError::invalid_type("options.delimiter", "of type string", other)),
    }
}
