//! Tables, without an engine.

use heavy_load_kernel::error::Code;
use heavy_load_kernel::testing::{frozen, run, shared};
use heavy_load_kernel::value::{Element, Memory, Options, Value, View};
use heavy_load_kernel::{Kernel, Result};

use crate::convert_table::ConvertTable;

mod csv;
mod fuzz;
mod hostile;
mod sheets;

fn convert_in(memory: Memory, options: Vec<(&'static str, Value)>) -> Result<String> {
    let input = Value::View(View { element: Element::Uint8, bare: false, memory });
    match run(ConvertTable.prepare(input, &Options::new(options))?)? {
        Value::Buffer(bytes) => Ok(String::from_utf8(bytes).unwrap()),
        other => panic!("{other}"),
    }
}

fn options(from: &str, to: &str) -> Vec<(&'static str, Value)> {
    vec![("from", Value::String(from.into())), ("to", Value::String(to.into()))]
}

fn convert(data: &[u8], from: &str, to: &str) -> Result<String> {
    convert_in(frozen(data.to_vec()).0, options(from, to))
}

/// What is wrong with it.
fn error_of(result: Result<String>) -> (Code, String) {
    let error = result.unwrap_err();
    (error.code, error.message.into_owned())
}

fn corpus(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name)).unwrap()
}

/// A zip archive of files that are stored, or packed if that is said.
fn zip(files: &[(&str, &[u8])], is_deflated: bool) -> Vec<u8> {
    let (mut archive, mut directory) = (vec![], vec![]);
    for (name, content) in files {
        let packed = if is_deflated { deflate(content) } else { content.to_vec() };
        let mut common = vec![20, 0, 0, 0, if is_deflated { 8 } else { 0 }, 0, 0, 0, 0, 0];
        common.extend(zlib_rs::crc32::crc32(0, content).to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((archive.len() as u32).to_le_bytes());
        directory.extend(name.bytes());
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(name.bytes());
        archive.extend(packed);
    }
    let start = archive.len() as u32;
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([(files.len() as u16).to_le_bytes(), (files.len() as u16).to_le_bytes()].concat());
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

fn deflate(content: &[u8]) -> Vec<u8> {
    let mut deflate = zlib_rs::Deflate::new(6, false, 15);
    let mut out = vec![0; content.len() / 2 + 1000];
    let status = deflate.compress(content, &mut out, zlib_rs::DeflateFlush::Finish).unwrap();
    assert!(status == zlib_rs::Status::StreamEnd);
    out.truncate(deflate.total_out() as usize);
    out
}

const ROOT: &str =
    r#"<Relationships><Relationship Id="r" Type="x/officeDocument" Target="/book/main.xml"/></Relationships>"#;
const RELATIONSHIPS: &str = r#"<Relationships><Relationship Id="a" Type="x/worksheet" Target="one.xml"/><Relationship Id="s" Type="x/sharedStrings" Target="strings.xml"/>
<Relationship Id="f" Type="x/styles" Target="styles.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<workbook><sheets><sheet name="One" sheetId="1" r:id="a"/></sheets></workbook>"#;

/// An xlsx file of a sheet's rows and of what strings there are.
fn xlsx(rows: &str, strings: &str) -> Vec<u8> {
    let sheet = format!("<x:worksheet><x:sheetData>{rows}</x:sheetData></x:worksheet>");
    xlsx_of(&[("book/one.xml", &sheet), ("book/strings.xml", strings)])
}

fn xlsx_of(more: &[(&str, &str)]) -> Vec<u8> {
    let mut files =
        vec![("_rels/.rels", ROOT), ("book/_rels/main.xml.rels", RELATIONSHIPS), ("book/main.xml", WORKBOOK)];
    files.extend(more);
    let files: Vec<_> = files.iter().map(|(name, content)| (*name, content.as_bytes())).collect();
    zip(&files, true)
}

/// An ods file of a table's rows.
fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        r#"<office:document-content><office:body><office:spreadsheet><table:table table:name="One">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"#
    );
    zip(&[("content.xml", content.as_bytes())], true)
}

/// An xls file of a stream of records.
fn xls(records: &[(u16, &[u8])]) -> Vec<u8> {
    let mut stream: Vec<u8> = records
        .iter()
        .flat_map(|(kind, data)| [&kind.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat())
        .collect();
    // Shorter ones are stored in another way.
    stream.resize(stream.len().max(4096).next_multiple_of(512), 0);
    let sectors = stream.len() / 512;
    assert!(sectors < 126);
    let mut header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    header.resize(512, 0xff);
    header[30..32].copy_from_slice(&[9, 0]);
    header[48..52].copy_from_slice(&1_u32.to_le_bytes());
    header[76..80].copy_from_slice(&0_u32.to_le_bytes());
    let mut table = vec![0xffff_fffd, 0xffff_fffe];
    table.extend((3..sectors as u32 + 2).chain([0xffff_fffe]));
    table.resize(128, u32::MAX);
    let entry = |name: &str, kind: u8, start: u32, len: u32| {
        let mut entry: Vec<_> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        entry.resize(128, 0);
        entry[64] = 2 * name.len() as u8 + 2;
        entry[66] = kind;
        entry[116..120].copy_from_slice(&start.to_le_bytes());
        entry[120..124].copy_from_slice(&len.to_le_bytes());
        entry
    };
    let mut directory = [entry("Root Entry", 5, 0xffff_fffe, 0), entry("Workbook", 2, 2, stream.len() as u32)].concat();
    directory.resize(512, 0);
    let table: Vec<u8> = table.into_iter().flat_map(u32::to_le_bytes).collect();
    [header, table, directory, stream].concat()
}
