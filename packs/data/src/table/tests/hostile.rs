//! Files that are made to do harm: each ends with an error, soon, and without much memory.

use super::*;

fn code_of(data: &[u8], from: &str) -> Code {
    error_of(convert(data, from, "csv")).0
}

fn with(data: Vec<u8>, from: &str, to: &str, name: &'static str, value: f64) -> Result<String> {
    let mut options = options(from, to);
    options.push((name, Value::Number(value)));
    convert_in(frozen(data).0, options)
}

const HEADER: &str = r#"<row><c t="str"><v>a</v></c></row>"#;

#[test]
fn what_unpacks_to_much_is_too_large() {
    let bomb = " ".repeat(3 << 20);
    let rows = format!("{HEADER}{bomb}<row><c><v>1</v></c></row>");
    // A text of 3 MiB is too long in itself.
    let file = xlsx(&rows, "<sst/>");
    assert!(file.len() < 20_000);
    assert_eq!(
        error_of(convert(&file, "xlsx", "csv")),
        (Code::InvalidData, "Something in the data is longer than 1 MiB".into())
    );
    let rows = format!("{HEADER}{}", "<row/>".repeat(500_000));
    let file = xlsx(&rows, "<sst/>");
    assert_eq!(convert(&file, "xlsx", "csv").unwrap(), "a\n");
    assert_eq!(
        error_of(with(file, "xlsx", "csv", "maxUnpackedLength", 2e6)),
        (Code::OutputTooLarge, "The data unpacks to more than the 2000000 bytes of maxUnpackedLength".into())
    );
    // Files that nobody asks for are not unpacked.
    let picture = " ".repeat(8 << 20);
    let file = xlsx_of(&[("book/one.xml", "<worksheet><sheetData/></worksheet>"), ("book/picture.png", &picture)]);
    assert_eq!(with(file, "xlsx", "csv", "maxUnpackedLength", 2e6).unwrap(), "");
}

#[test]
fn cells_far_away_take_nothing() {
    let rows = format!(r#"{HEADER}<row r="1048576"><c r="A1048576"><v>1</v></c></row>"#);
    assert_eq!(convert(&xlsx(&rows, "<sst/>"), "xlsx", "csv").unwrap(), "a\n1\n");
    let rows = format!(r#"{HEADER}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>"#);
    assert_eq!(code_of(&xlsx(&rows, "<sst/>"), "xlsx"), Code::InvalidData);
    for rows in [
        r#"<row r="1048577"><c><v>1</v></c></row>"#,
        r#"<row r="0"><c><v>1</v></c></row>"#,
        r#"<row r="18446744073709551616"/>"#,
        r#"<row><c r="XFE1"><v>1</v></c></row>"#,
        r#"<row><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>"#,
        r#"<row r="2"/><row r="2"/>"#,
        r#"<row r="1048576"/><row/>"#,
        r#"<c r="A1"><v>1</v></c>"#,
        r#"<row><c t="s"><v>0</v></c></row>"#,
        r#"<row><c t="s"><v>-1</v></c></row>"#,
        r#"<row><c><v>1</v></c><row><c><v>1</v></c></row></row>"#,
        r#"<row><c><v>1</v></c><sheetData></sheetData></row>"#,
        r#"<row><c><v>1</v><c><v>1</v></c></c></row><row><c><v>1</v><row><c><v>2</v></c></row></c></row>"#,
    ] {
        assert_eq!(code_of(&xlsx(rows, "<sst/>"), "xlsx"), Code::InvalidData, "{rows}");
    }
    // A wide header makes every row wide: up to the limit.
    let wide = format!(r#"<row><c r="XFD1"><v>1</v></c></row>{}"#, "<row><c><v>1</v></c></row>".repeat(1000));
    assert_eq!(error_of(with(xlsx(&wide, "<sst/>"), "xlsx", "csv", "maxOutputLength", 1e6)).0, Code::OutputTooLarge);
    let cell = r#"<table:table-cell table:number-columns-repeated="18446744073709551615"><text:p>a</text:p></table:table-cell>"#;
    let rows = format!(r#"<table:table-row table:number-rows-repeated="1048577">{cell}</table:table-row>"#);
    assert_eq!(error_of(with(ods(&rows), "ods", "csv", "maxOutputLength", 1e6)).0, Code::OutputTooLarge);
    let rows =
        format!("<table:table-row><table:table-cell><text:p>b</text:p></table:table-cell>{cell}</table:table-row>");
    assert_eq!(code_of(&ods(&rows), "ods"), Code::InvalidData);
}

#[test]
fn counts_ask_for_no_memory() {
    let rows = format!("{HEADER}<row><c t=\"s\"><v>0</v></c></row>");
    let file = xlsx(&rows, r#"<sst count="18446744073709551615" uniqueCount="9999999999999"><si><t>x</t></si></sst>"#);
    assert_eq!(convert(&file, "xlsx", "csv").unwrap(), "a\nx\n");
    let spaces = r#"<table:table-cell><text:p><text:s text:c="99999999999"/></text:p></table:table-cell>"#;
    let rows = format!("<table:table-row>{}</table:table-row>", spaces.repeat(1000));
    assert_eq!(code_of(&ods(&rows), "ods"), Code::InvalidData);
}

#[test]
fn xml_is_not_deep_and_has_no_entities() {
    let deep = format!("{}{}", "<x>".repeat(100_000), "</x>".repeat(100_000));
    assert_eq!(code_of(&xlsx(&deep, "<sst/>"), "xlsx"), Code::InvalidData);
    assert_eq!(code_of(&ods(&deep), "ods"), Code::InvalidData);
    assert_eq!(code_of(&xlsx(r#"<row><c t="str"><v>&lol;</v></c></row>"#, "<sst/>"), "xlsx"), Code::InvalidData);
    let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]><sst><si><t>&b;</t></si></sst>"#;
    assert_eq!(
        error_of(convert(&xlsx(HEADER, bomb), "xlsx", "csv")),
        (Code::InvalidData, "The data has a document type, which has no place in it".into())
    );
    let many = format!(r#"<row><c {} t="str"><v>a</v></c></row>"#, "a=\"\" ".repeat(100_000));
    assert_eq!(code_of(&xlsx(&many, "<sst/>"), "xlsx"), Code::InvalidData);
}

#[test]
fn long_strings_that_are_there_many_times_end_at_the_limit() {
    let strings = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(1_000_000));
    let rows = format!("{HEADER}{}", "<row><c t=\"s\"><v>0</v></c></row>".repeat(20_000));
    let file = xlsx(&rows, &strings);
    assert!(file.len() < 20_000);
    assert_eq!(error_of(with(file, "xlsx", "json", "maxOutputLength", 2e7)).0, Code::OutputTooLarge);
    let strings = format!("<sst><si>{}</si></sst>", format!("<t>{}</t>", "x".repeat(1000)).repeat(2000));
    assert_eq!(code_of(&xlsx(HEADER, &strings), "xlsx"), Code::InvalidData);
}

#[test]
fn archives_are_looked_at_before_they_are_believed() {
    let file = xlsx(HEADER, "<sst/>");
    for end in 0..file.len() {
        assert_eq!(code_of(&file[..end], "xlsx"), Code::InvalidData, "{end}");
    }
    // Every byte of it, in turn: whatever comes of it is a table or an error.
    for at in 0..file.len() {
        for value in [0, 0xff, file[at] ^ 1, file[at] ^ 0x80] {
            let mut file = file.clone();
            file[at] = value;
            match convert(&file, "xlsx", "csv") {
                Ok(_) => {}
                Err(error) => assert_eq!(error.code, Code::InvalidData, "{at}: {error}"),
            }
        }
    }
}

#[test]
fn a_wrong_checksum_is_seen() {
    let sheet = r#"<worksheet><sheetData><row><c><v>12345</v></c></row></sheetData></worksheet>"#;
    let files: Vec<_> = [
        ("_rels/.rels", ROOT),
        ("book/_rels/main.xml.rels", RELATIONSHIPS),
        ("book/main.xml", WORKBOOK),
        ("book/one.xml", sheet),
    ]
    .map(|(name, content)| (name, content.as_bytes()))
    .to_vec();
    let mut file = zip(&files, false);
    assert_eq!(convert(&file, "xlsx", "csv").unwrap(), "12345\n");
    let at = file.windows(5).position(|window| window == b"12345").unwrap();
    file[at] = b'7';
    let message = "The data is no valid zip archive: a checksum is wrong";
    assert_eq!(error_of(convert(&file, "xlsx", "csv")), (Code::InvalidData, message.into()));
}

#[test]
fn compound_files_do_not_go_round_in_circles() {
    let number: &[u8] = &[0; 14];
    let begin: &[u8] = &[0, 6, 5, 0];
    let sheet: &[u8] = &[8 + 15 + 4, 0, 0, 0, 0, 0, 3, 0, b'O', b'n', b'e'];
    let file =
        xls(&[(0x0809, begin), (0x0085, sheet), (0x000a, &[]), (0x0809, begin), (0x0203, number), (0x000a, &[])]);
    assert_eq!(convert(&file, "xls", "csv").unwrap(), "0\n");
    for end in (0..file.len() - 1).step_by(7) {
        assert_eq!(code_of(&file[..end], "xls"), Code::InvalidData, "{end}");
    }
    // Each sector in turn is followed by each other one.
    for at in 0..10 {
        for next in 0..10_u32 {
            let mut file = file.clone();
            file[512 + 4 * at..][..4].copy_from_slice(&next.to_le_bytes());
            if let Err(error) = convert(&file, "xls", "csv") {
                assert_eq!(error.code, Code::InvalidData);
            }
        }
    }
    // The table's own sectors go on in a sector that comes after itself.
    let mut circle = file.clone();
    circle[68..72].copy_from_slice(&0_u32.to_le_bytes());
    circle[512 + 508..][..4].copy_from_slice(&0_u32.to_le_bytes());
    assert_eq!(code_of(&circle, "xls"), Code::InvalidData);
    // As long as can be said.
    let mut long = file.clone();
    long[512 + 512 + 128 + 120..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(code_of(&long, "xls"), Code::InvalidData);
}
