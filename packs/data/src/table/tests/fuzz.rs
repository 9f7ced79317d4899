//! Files that are changed by chance, as they are and in what is packed in them: what comes of it is a table within the limit, or one of two errors.
//!
//! A few seconds of it with every test run; for longer, with another seed each time:
//! `HEAVY_LOAD_FUZZ_SECONDS=600 cargo test --release -p heavy-load-data fuzz`

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use super::*;

const LIMIT: f64 = 1e6;

/// One change. Places are shares of the length.
#[derive(Clone, Debug)]
enum Mutation {
    Flip { at: f64, bit: u8 },
    Set { at: f64, value: u8 },
    Insert { at: f64, text: &'static str },
    Cut { at: f64 },
    Remove { at: f64, count: usize },
    Repeat { at: f64, count: usize, times: usize },
    Copy { from: f64, count: usize, to: f64 },
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = || 0.0..1.0;
    let words = [
        "<row>",
        "</row>",
        "<c r=\"XFD1048576\">",
        "&amp;",
        "&#0;",
        "]]>",
        "<!--",
        "\"",
        "\r\n",
        ",",
        "1e999",
        "_x0000_",
        "-",
        "999999999999",
    ];
    prop_oneof![
        4 => (place(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip { at, bit }),
        4 => (place(), prop_oneof![any::<u8>(), Just(0), Just(0xff), Just(0x80)]).prop_map(|(at, value)| Mutation::Set { at, value }),
        2 => (place(), proptest::sample::select(words.to_vec())).prop_map(|(at, text)| Mutation::Insert { at, text }),
        1 => place().prop_map(|at| Mutation::Cut { at }),
        1 => (place(), 1..40_usize).prop_map(|(at, count)| Mutation::Remove { at, count }),
        1 => (place(), 1..400_usize, 1..20_usize).prop_map(|(at, count, times)| Mutation::Repeat { at, count, times }),
        2 => (place(), 1..400_usize, place()).prop_map(|(from, count, to)| Mutation::Copy { from, count, to }),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutations: &[Mutation]) {
    for mutation in mutations {
        let len = bytes.len();
        let place = |share: &f64| ((share * len as f64) as usize).min(len.saturating_sub(1));
        if len == 0 {
            return;
        }
        match mutation {
            Mutation::Flip { at, bit } => bytes[place(at)] ^= 1 << bit,
            Mutation::Set { at, value } => bytes[place(at)] = *value,
            Mutation::Insert { at, text } => drop(bytes.splice(place(at)..place(at), text.bytes())),
            Mutation::Cut { at } => bytes.truncate(place(at)),
            Mutation::Remove { at, count } => drop(bytes.drain(place(at)..len.min(place(at) + count))),
            Mutation::Repeat { at, count, times } => {
                let piece = bytes[place(at)..len.min(place(at) + count)].repeat(*times);
                bytes.splice(place(at)..place(at), piece);
            }
            Mutation::Copy { from, count, to } => {
                let piece = bytes[place(from)..len.min(place(from) + count)].to_vec();
                bytes.splice(place(to)..place(to), piece);
            }
        }
    }
}

/// A file, and how what is changed becomes one.
struct Seed {
    from: &'static str,
    bytes: Vec<u8>,
    pack: fn(Vec<u8>) -> Vec<u8>,
}

/// Files of an xlsx archive, each behind a line with its name.
const PACKED: &str = "\n--";

fn pack(bytes: Vec<u8>) -> Vec<u8> {
    let mut files = vec![];
    let mut rest = &bytes[..];
    while let Some(line) = rest.iter().position(|byte| *byte == b'\n') {
        let name = std::str::from_utf8(&rest[..line]).unwrap_or("x");
        rest = &rest[line + 1..];
        let end = rest.windows(3).position(|window| window == PACKED.as_bytes()).unwrap_or(rest.len());
        files.push((name, &rest[..end]));
        rest = rest.get(end + 3..).unwrap_or_default();
    }
    zip(&files, false)
}

fn seeds() -> Vec<Seed> {
    let as_it_is = |bytes: Vec<u8>| bytes;
    let mut seeds: Vec<_> = [
        ("table.xlsx", "xlsx"),
        ("inline.xlsx", "xlsx"),
        ("table.xls", "xls"),
        ("old.xls", "xls"),
        ("table.xls", "xls"),
    ]
    .into_iter()
    .map(|(file, from)| Seed { from, bytes: corpus(file), pack: as_it_is })
    .collect();
    let csv = "id,name,\"a \"\"b\"\"\"\r\n1,x,\r\n\n2,\"y\nz\",é\n3\n";
    for from in ["csv", "tsv"] {
        seeds.push(Seed {
            from,
            bytes: csv.replace(',', if from == "csv" { "," } else { "\t" }).into_bytes(),
            pack: as_it_is,
        });
    }
    let sheet = r#"<worksheet><dimension ref="A1:D9"/><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>b</t></is></c><c r="D1" t="str"><v>d</v></c></row>
        <row r="2"><c r="A2" s="1"><v>45322.5</v></c><c r="B2" t="b"><v>1</v></c><c r="C2" s="2"><f>A1</f><v>1.5</v></c></row><row><c t="e"><v>#N/A</v></c><c><v>1e300</v></c></row></sheetData></worksheet>"#;
    let styles = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[h]:mm"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/></cellXfs></styleSheet>"#;
    let strings = "<sst uniqueCount=\"1\"><si><r><t>a_x000D_</t></r><rPh><t>x</t></rPh></si></sst>";
    let files = [
        ("_rels/.rels", ROOT),
        ("book/_rels/main.xml.rels", RELATIONSHIPS),
        ("book/main.xml", WORKBOOK),
        ("book/styles.xml", styles),
        ("book/strings.xml", strings),
        ("book/one.xml", sheet),
    ];
    let bytes = files.map(|(name, content)| format!("{name}\n{content}")).join(PACKED).into_bytes();
    seeds.push(Seed { from: "xlsx", bytes, pack });
    let content = r#"<office:document-content><office:body><office:spreadsheet><table:table table:name="One"><table:table-row><table:table-cell table:number-columns-repeated="2"><text:p>a <text:s text:c="2"/>b</text:p><text:p/></table:table-cell></table:table-row>
        <table:table-row table:number-rows-repeated="3"><table:table-cell office:value-type="float" office:value="1.5"/><table:covered-table-cell/></table:table-row><table:table-row><table:table-cell office:value-type="date" office:date-value="2024-01-31"/></table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"#;
    seeds.push(Seed { from: "ods", bytes: format!("content.xml\n{content}").into_bytes(), pack });
    seeds
}

/// What may come of it. A table is checked by another reader.
fn check(result: Result<String>, to: &str) -> std::result::Result<bool, TestCaseError> {
    match result {
        Err(error) => {
            prop_assert!(matches!(error.code, Code::InvalidData | Code::OutputTooLarge), "{error}");
            return Ok(false);
        }
        Ok(text) => {
            prop_assert!(text.len() <= LIMIT as usize);
            match to {
                "json" => prop_assert!(serde_json::from_str::<Vec<serde_json::Map<_, _>>>(&text).is_ok(), "{text}"),
                "ndjson" => {
                    for line in text.lines() {
                        prop_assert!(serde_json::from_str::<serde_json::Map<_, _>>(line).is_ok(), "{line}");
                    }
                }
                _ => prop_assert_eq!(convert(text.as_bytes(), "csv", "csv"), Ok(text)),
            }
        }
    }
    Ok(true)
}

/// How many tables came of it, and how many errors.
fn fuzz(seed: u64, cases: u32) -> (u32, u32) {
    let seeds = seeds();
    let strategy = (0..seeds.len(), vec(mutation(), 1..6), 0..3_usize);
    let config = Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    let counts = std::cell::Cell::new((0, 0));
    let outcome = TestRunner::new(config).run(&strategy, |(seed, mutations, to)| {
        let (Seed { from, bytes, pack }, to) = (&seeds[seed], ["csv", "json", "ndjson"][to]);
        let mut bytes = bytes.clone();
        mutate(&mut bytes, &mutations);
        let mut options = options(from, to);
        options.push(("maxOutputLength", Value::Number(LIMIT)));
        options.push(("maxUnpackedLength", Value::Number(LIMIT)));
        let (good, bad) = counts.get();
        match check(convert_in(frozen(pack(bytes)).0, options), to)? {
            true => counts.set((good + 1, bad)),
            false => counts.set((good, bad + 1)),
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("with seed {seed}: {error}");
    }
    counts.get()
}

#[test]
fn fuzz_a_little() {
    let (good, bad) = fuzz(1, 3000);
    assert!(good > 300 && bad > 300, "{good} tables, {bad} errors");
}

#[test]
fn fuzz_for_as_long_as_is_asked_for() {
    let Ok(seconds) = std::env::var("HEAVY_LOAD_FUZZ_SECONDS") else { return };
    let end = Instant::now() + Duration::from_secs(seconds.parse().unwrap());
    let mut seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    while Instant::now() < end {
        fuzz(seed, 3000);
        seed = seed.wrapping_add(1);
    }
}
