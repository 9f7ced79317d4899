//! Cells of spreadsheets.

use super::*;

const FIRST: &str = r##"{"id":1,"name":"plain","price":1.5,"on":true,"since":"2024-01-31","seen":"2024-01-31T06:30:00","note":"a, \"b\""}
{"id":2,"name":"Grüße €","price":-0.1,"on":false,"since":"1999-12-31","seen":"2000-02-29T23:59:59","note":"two\nlines"}
{"id":3,"name":" spaces ","price":123456789.125,"on":true,"since":"1970-01-01","seen":"1970-01-02T12:00:00","note":null}
{"id":4,"name":"<&>","price":1e-7,"on":"#DIV/0!","since":null,"seen":null,"note":"𝄞"}
{"id":5,"name":"plain","price":2000000000000000,"on":false,"since":"9999-12-31","seen":null,"note":null}
"##;

fn sheet(file: &str, from: &str, to: &str, sheet: Value) -> Result<String> {
    let mut options = options(from, to);
    options.push(("sheet", sheet));
    convert_in(frozen(corpus(file)).0, options)
}

#[test]
fn every_form_has_the_same_cells() {
    for (file, from) in [("table.xlsx", "xlsx"), ("inline.xlsx", "xlsx"), ("table.xls", "xls")] {
        assert_eq!(convert(&corpus(file), from, "ndjson").unwrap(), FIRST, "{file}");
        let from_shared = convert_in(shared(corpus(file)).0, options(from, "ndjson")).unwrap();
        assert_eq!(from_shared, FIRST, "{file}");
    }
    // SheetJS writes dates as numbers there, and no errors.
    let ods = convert(&corpus("table.ods"), "ods", "ndjson").unwrap();
    for (line, expected) in ods.lines().zip(FIRST.lines()) {
        let [mut row, mut expected] =
            [line, expected].map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        for name in ["on", "since", "seen"] {
            row[name].take();
            expected[name].take();
        }
        assert_eq!(row, expected);
    }
    assert_eq!(ods.lines().count(), 5);
}

#[test]
fn sheets_have_names_and_numbers() {
    for (file, from) in [("table.xlsx", "xlsx"), ("table.xls", "xls"), ("old.xls", "xls"), ("table.ods", "ods")] {
        for which in [Value::Number(1.0), Value::String("Second & last".into())] {
            assert_eq!(sheet(file, from, "csv", which).unwrap(), "k\nv\nw\n", "{file}");
        }
        let message = "The data has no sheet 3: there are 3, counted from 0";
        assert_eq!(error_of(sheet(file, from, "csv", Value::Number(3.0))), (Code::InvalidData, message.into()));
        let message = "The data has no sheet that is called 'Third'";
        assert_eq!(
            error_of(sheet(file, from, "csv", Value::String("Third".into()))),
            (Code::InvalidData, message.into())
        );
        let sparse = sheet(file, from, "csv", Value::Number(2.0)).unwrap();
        let commas = ",".repeat(23);
        assert_eq!(sparse, format!(",,far{commas}away\n,,7{commas}\n"), "{file}");
    }
}

#[test]
fn cells_of_xlsx_are_what_they_say() {
    let rows = r#"<row><c t="inlineStr"><is><r><t>a</t></r><rPh><t>no</t></rPh><r><t xml:space="preserve"> b</t></r></is></c><c t="str"><v>x_x000D_y</v></c><c/><c t="s"><v>1</v></c></row>
        <row r="3"/><row r="4"><c r="A4"/><c r="C4"><v></v></c></row>
        <row r="5"><c r="A5"><f>1+1</f><v> 2 </v></c><c r="B5" t="n"><v>1E3</v></c><c r="C5" t="b"><v>true</v></c><c r="D5" t="d"><v>2024-01-31T00:00:00</v></c><c r="F5" t="str"><v></v></c></row>
        <row r="1048576"><c r="A1048576"><v>12345678901234567890</v></c><c><v>NaN</v></c><c t="b"><v>0</v></c><c t="e"><v>#N/A</v></c></row>"#;
    let strings = "<sst><si><t>zero</t></si><si><t>&lt;&#x20AC;&gt;</t><t><![CDATA[&]]></t></si></sst>";
    let file = xlsx(rows, strings);
    assert_eq!(
        convert(&file, "xlsx", "ndjson").unwrap(),
        "{\"a b\":2,\"x\\ry\":1000,\"column_3\":true,\"<€>&\":\"2024-01-31T00:00:00\"}\n\
         {\"a b\":12345678901234567000,\"x\\ry\":\"NaN\",\"column_3\":false,\"<€>&\":\"#N/A\"}\n"
    );
    assert_eq!(
        convert(&file, "xlsx", "csv").unwrap(),
        "a b,\"x\ry\",,<€>&\n2,1000,TRUE,2024-01-31T00:00:00\n12345678901234567000,NaN,FALSE,#N/A\n"
    );
    let rows = r#"<row><c t="str"><v>a</v></c></row><row r="7"><c r="A7"><v>1</v></c><c r="C7"><v>1</v></c></row>"#;
    let message = "Row 7 has more cells than the header, which has 1";
    assert_eq!(error_of(convert(&xlsx(rows, "<sst/>"), "xlsx", "csv")), (Code::InvalidData, message.into()));
}

#[test]
fn formats_of_xlsx_make_dates() {
    let styles = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[h]:mm"/><numFmt numFmtId="165" formatCode="0 &quot;d&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>
        <cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>"#;
    let cells: String =
        ["0", "1", "2", "3", "9", "x"].iter().map(|style| format!(r#"<c s="{style}"><v>1.5</v></c>"#)).collect();
    let header: String = (0..6).map(|column| format!(r#"<c t="str"><v>{column}</v></c>"#)).collect();
    let sheet = format!("<worksheet><sheetData><row>{header}</row><row>{cells}</row></sheetData></worksheet>");
    let file = xlsx_of(&[("BOOK/one.xml", &sheet), ("book/styles.xml", styles)]);
    assert_eq!(convert(&file, "xlsx", "csv").unwrap(), "0,1,2,3,4,5\n1.5,1900-01-01T12:00:00,PT36H0M0S,1.5,1.5,1.5\n");
    let workbook = WORKBOOK.replace("<sheets>", "<workbookPr date1904=\"1\"/><sheets>");
    let file = zip(
        &[
            ("_rels/.rels", ROOT.as_bytes()),
            ("book/_rels/main.xml.rels", RELATIONSHIPS.as_bytes()),
            ("book/main.xml", workbook.as_bytes()),
            ("book/one.xml", sheet.as_bytes()),
            ("book/styles.xml", styles.as_bytes()),
        ],
        false,
    );
    // What stands before an archive, and behind it, does not matter.
    let file = [b"#!/bin/sh\n".as_slice(), &file].concat();
    assert_eq!(convert(&file, "xlsx", "csv").unwrap(), "0,1,2,3,4,5\n1.5,1904-01-02T12:00:00,PT36H0M0S,1.5,1.5,1.5\n");
}

#[test]
fn cells_of_ods_are_what_they_say() {
    let rows = r#"<table:shapes><draw:frame><table:table><table:table-row><table:table-cell><text:p>no</text:p></table:table-cell></table:table-row></table:table></draw:frame></table:shapes>
        <table:table-header-rows><table:table-row><table:table-cell table:number-columns-repeated="2"><text:p>n</text:p></table:table-cell><table:table-cell office:value-type="string"><text:p>  some <text:span>text
         </text:span>here</text:p><text:p>a<text:s text:c="3"/>b<text:tab/><text:line-break/> </text:p><office:annotation><text:p>no</text:p></office:annotation></table:table-cell></table:table-row></table:table-header-rows>
        <table:table-row table:number-rows-repeated="1000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
        <table:table-row table:number-rows-repeated="2"><table:table-cell office:value-type="float" office:value="1.50"><text:p>no</text:p></table:table-cell><table:covered-table-cell office:value-type="float" office:value="7"/><table:table-cell office:value-type="date" office:date-value="2024-01-31"/></table:table-row>
        <table:table-row><table:table-cell office:value-type="boolean" office:boolean-value="true"/><table:table-cell office:value-type="time" office:time-value="PT1H"/><table:table-cell office:value-type="percentage" office:value="0.25"/></table:table-row>"#;
    assert_eq!(
        convert(&ods(rows), "ods", "ndjson").unwrap(),
        "{\"n\":1.5,\"n_2\":null,\"some text here\\na   b\\t\\n\":\"2024-01-31\"}\n".repeat(2)
            + "{\"n\":true,\"n_2\":\"PT1H\",\"some text here\\na   b\\t\\n\":0.25}\n"
    );
    let rows = r#"<table:table-row><table:table-cell><text:p>a</text:p></table:table-cell></table:table-row>
        <table:table-row table:number-rows-repeated="3"/>
        <table:table-row><table:table-cell table:number-columns-repeated="2"><text:p>b</text:p></table:table-cell></table:table-row>"#;
    let message = "Row 5 has more cells than the header, which has 1";
    assert_eq!(error_of(convert(&ods(rows), "ods", "json")), (Code::InvalidData, message.into()));
}

/// A workbook of BIFF8 with a sheet of these records.
fn biff8(globals: &[(u16, &[u8])], cells: &[(u16, &[u8])]) -> Vec<u8> {
    let begin: &[u8] = &[0, 6, 5, 0];
    let mut records = vec![(0x0809, begin)];
    records.extend(globals);
    let before = records.iter().map(|(_, data)| data.len() + 4).sum::<usize>() + 4 + 8 + 3 + 4;
    let sheet = [&(before as u32).to_le_bytes()[..], &[0, 0, 3, 0], b"One"].concat();
    records.extend([(0x0085, &sheet[..]), (0x000a, &[]), (0x0809, begin)]);
    records.extend(cells);
    records.push((0x000a, &[]));
    xls(&records)
}

fn label(row: u8, column: u8, string: u8) -> Vec<u8> {
    vec![row, 0, column, 0, 0, 0, string, 0, 0, 0]
}

#[test]
fn strings_of_xls_go_on_in_other_records() {
    // "ab" in one record, then "€d" in the next, where it has two bytes a character; then "𝄞" with formats and a reading aid behind it.
    let strings = [2, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, b'a', b'b'];
    let more = [1, 0xac, 0x20, b'd', 0, 2, 0, 1 | 4 | 8, 1, 0, 2, 0, 0, 0, 0x34, 0xd8];
    let rest = [1, 0x1e, 0xdd, 1, 2];
    let last = [3, 4, 5, 6];
    let cells = [label(0, 0, 0), label(1, 0, 1)];
    let globals: [(u16, &[u8]); 4] = [(0x00fc, &strings), (0x003c, &more), (0x003c, &rest), (0x003c, &last)];
    let file = biff8(&globals, &[(0x00fd, &cells[0]), (0x00fd, &cells[1])]);
    assert_eq!(convert(&file, "xls", "csv").unwrap(), "ab€d\n𝄞\n");
    let beyond = label(1, 0, 2);
    let file = biff8(&globals, &[(0x00fd, &cells[0]), (0x00fd, &beyond)]);
    assert_eq!(
        error_of(convert(&file, "xls", "csv")),
        (Code::InvalidData, "Row 2 has a cell whose string is nowhere".into())
    );
}

#[test]
fn cells_of_xls_may_come_in_any_order() {
    let number = |row: u8, column: u8, number: f64| [&[row, 0, column, 0, 0, 0][..], &number.to_le_bytes()].concat();
    let cells = [number(2, 1, 6.0), number(0, 1, 2.0), number(2, 0, 5.0), number(0, 0, 1.0), number(1, 0, -3.5)];
    let mut records: Vec<(u16, &[u8])> = cells.iter().map(|cell| (0x0203, &cell[..])).collect();
    // Some in one: 4 and 400, as integers, the latter of hundredths.
    let many = [1, 0, 1, 0, 0, 0, 18, 0, 0, 0, 1, 0];
    records.push((0x00bd, &many));
    // A chart is in the sheet, with cells of its own.
    let begin: &[u8] = &[0, 6, 0x20, 0];
    records.extend([(0x0809, begin), (0x0203, &cells[0]), (0x000a, &[])]);
    let file = biff8(&[], &records);
    assert_eq!(convert(&file, "xls", "csv").unwrap(), "1,2\n-3.5,4\n5,6\n");
    records.push((0x0203, &cells[0]));
    assert_eq!(error_of(convert(&biff8(&[], &records), "xls", "csv")).1, "Row 3 has a cell twice, or too many");
}

#[test]
fn results_of_formulas_are_cells() {
    let formula = |column: u8, result: [u8; 8]| [&[1, 0, column, 0, 0, 0][..], &result, &[0; 6]].concat();
    let formulas = [
        formula(0, 1.25_f64.to_le_bytes()),
        formula(1, [0, 0, 0, 0, 0, 0, 0xff, 0xff]),
        formula(2, [1, 0, 1, 0, 0, 0, 0xff, 0xff]),
        formula(3, [2, 0, 7, 0, 0, 0, 0xff, 0xff]),
        formula(4, [3, 0, 0, 0, 0, 0, 0xff, 0xff]),
    ];
    let header: Vec<_> =
        (0..5).map(|column| [&[0, 0, column, 0, 0, 0][..], &f64::from(column).to_le_bytes()].concat()).collect();
    let mut records: Vec<(u16, &[u8])> = header.iter().map(|cell| (0x0203, &cell[..])).collect();
    let string: &[u8] = &[2, 0, 0, b'h', b'i'];
    let shared: &[u8] = &[0; 10];
    records.extend([(0x0006, &formulas[0][..]), (0x0006, &formulas[1]), (0x04bc, shared), (0x0207, string)]);
    records.extend(formulas[2..].iter().map(|formula| (0x0006, &formula[..])));
    assert_eq!(convert(&biff8(&[], &records), "xls", "csv").unwrap(), "0,1,2,3,4\n1.25,hi,TRUE,#DIV/0!,\n");
    let secret: &[u8] = &[1, 0];
    assert_eq!(error_of(convert(&biff8(&[(0x002f, secret)], &records), "xls", "csv")).0, Code::InvalidData);
}
