//! Cells of csv: beside a plain model, and at the borders of blocks.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn rows_are_objects() {
    let data = "id,name\r\n1,\"a, \"\"b\"\"\"\n2,é\n";
    assert_eq!(
        convert(data.as_bytes(), "csv", "json").unwrap(),
        r#"[{"id":"1","name":"a, \"b\""},{"id":"2","name":"é"}]"#
    );
    assert_eq!(
        convert(data.as_bytes(), "csv", "ndjson").unwrap(),
        "{\"id\":\"1\",\"name\":\"a, \\\"b\\\"\"}\n{\"id\":\"2\",\"name\":\"é\"}\n"
    );
    assert_eq!(convert(data.as_bytes(), "csv", "csv").unwrap(), "id,name\n1,\"a, \"\"b\"\"\"\n2,é\n");
}

#[test]
fn there_may_be_little() {
    for (data, csv, json) in [
        ("", "", "[]"),
        ("\n\r\n\n", "", "[]"),
        ("\u{feff}", "", "[]"),
        ("a", "a\n", "[]"),
        ("\u{feff}a\n1", "a\n1\n", r#"[{"a":"1"}]"#),
        ("a\n\"\"\n", "a\n\"\"\n", r#"[{"a":""}]"#),
        ("\"\"\n\n1", "\"\"\n1\n", r#"[{"column_1":"1"}]"#),
        (",\n,", ",\n,\n", r#"[{"column_1":"","column_2":""}]"#),
    ] {
        assert_eq!(convert(data.as_bytes(), "csv", "csv").unwrap(), csv, "{data:?}");
        assert_eq!(convert(data.as_bytes(), "csv", "json").unwrap(), json, "{data:?}");
    }
}

#[test]
fn short_rows_are_filled_and_long_ones_refused() {
    assert_eq!(convert(b"a,b,c\n1\n1,2", "csv", "csv").unwrap(), "a,b,c\n1,,\n1,2,\n");
    assert_eq!(convert(b"a,b\n1\n", "csv", "json").unwrap(), r#"[{"a":"1","b":null}]"#);
    assert_eq!(
        error_of(convert(b"a,b\n\n1,2\n1,2,3\n", "csv", "json")),
        (Code::InvalidData, "Row 3 (line 5) has more cells than the header, which has 2".into())
    );
}

#[test]
fn delimiters_are_what_is_said() {
    let with = |from, to, delimiter: &str, data: &str| {
        let mut options = options(from, to);
        options.push(("delimiter", Value::String(delimiter.into())));
        convert_in(frozen(data.as_bytes().to_vec()).0, options)
    };
    assert_eq!(with("csv", "csv", ";", "a;b\n1,5;2").unwrap(), "a;b\n1,5;2\n");
    assert_eq!(with("tsv", "csv", ";", "a\tb\n1;5\t2").unwrap(), "a;b\n\"1;5\";2\n");
    assert_eq!(convert(b"a\tb\n1,5\t2", "tsv", "csv").unwrap(), "a,b\n\"1,5\",2\n");
    for bad in ["", ";;", "\"", "\n", "§"] {
        assert_eq!(error_of(with("csv", "csv", bad, "a")).0, Code::InvalidArgValue, "{bad:?}");
    }
}

#[test]
fn data_is_utf8() {
    for (data, at) in [(&b"a\n\xff"[..], 2), (b"a\n\xc3", 2), (b"\xff\xfea", 0), (b"a,b\n\xc3,\xa9", 4)] {
        let expected = format!("The data is not UTF-8, at byte {at}");
        assert_eq!(error_of(convert(data, "csv", "json")), (Code::InvalidData, expected));
    }
    // At each place about the end of a block: a row's end too.
    for fill in 32_760..32_776 {
        let text = format!("{}\n€𝄞é", "a".repeat(fill));
        assert!(convert(text.as_bytes(), "csv", "csv").unwrap() == format!("{text}\n"));
        assert_eq!(error_of(convert(&text.as_bytes()[..text.len() - 1], "csv", "csv")).0, Code::InvalidData);
    }
}

#[test]
fn what_is_too_long_is_refused() {
    let mut open = b"a\n\"".to_vec();
    open.resize(17 << 20, b'x');
    let (code, message) = error_of(convert(&open, "csv", "json"));
    assert_eq!(code, Code::InvalidData);
    assert!(message.starts_with("Row 2 is longer than 16 MiB"), "{message}");
    assert_eq!(error_of(convert(&[b','; 70_000], "csv", "json")).0, Code::InvalidData);
    assert_eq!(error_of(convert(&vec![b'a'; 2 << 20], "csv", "json")).0, Code::InvalidData);
}

#[test]
fn the_limit_is_exact() {
    let data = b"a,b\n1,2\n3\n";
    for to in ["csv", "json", "ndjson"] {
        let len = convert(data, "csv", to).unwrap().len();
        for (limit, fits) in [(0, false), (len - 1, false), (len, true)] {
            let mut options = options("csv", to);
            options.push(("maxOutputLength", Value::Number(limit as f64)));
            let result = convert_in(frozen(data.to_vec()).0, options);
            assert_eq!(result.err().map(|error| error.code), (!fits).then_some(Code::OutputTooLarge), "{to} {limit}");
        }
    }
}

/// A table, with what stands around its fields by chance.
fn tables() -> impl Strategy<Value = (Vec<Vec<String>>, String)> {
    let field = prop_oneof![
        4 => "[a-z0-9 ]{0,5}",
        1 => "[,\"\n\r\t;é€𝄞\\\\]{0,4}",
        // Longer than a block, at times.
        1 => (0..70_000_usize).prop_map(|len| "ö\"".repeat(len / 3)),
    ];
    (1..5_usize, 0..6_usize, any::<u64>()).prop_flat_map(move |(columns, rows, seed)| {
        let table = prop::collection::vec(prop::collection::vec(field.clone(), columns), rows + 1);
        table.prop_map(move |table| {
            let mut dice = seed;
            let mut roll = || {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                dice >> 40
            };
            let mut text = String::new();
            for row in &table {
                let fields: Vec<_> = row
                    .iter()
                    .map(|field| {
                        let needs = row.len() == 1 && field.is_empty() || field.contains([',', '"', '\n', '\r']);
                        match needs || roll() % 3 == 0 {
                            true => format!("\"{}\"", field.replace('"', "\"\"")),
                            false => field.clone(),
                        }
                    })
                    .collect();
                text += &fields.join(",");
                text += ["\n", "\r\n"][roll() as usize % 2];
            }
            (table, text)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
    #[test]
    fn any_table_is_what_a_plain_model_says((table, text) in tables()) {
        let mut names: Vec<String> = vec![];
        let numbers = table[0].iter().enumerate();
        for (at, name) in numbers {
            let name = if name.is_empty() { format!("column_{}", at + 1) } else { name.clone() };
            let mut unique = name.clone();
            let mut number = 2;
            while names.contains(&unique) || (unique != name && table[0].contains(&unique)) {
                unique = format!("{name}_{number}");
                number += 1;
            }
            names.push(unique);
        }
        let rows: Vec<_> = table[1..]
            .iter()
            .map(|row| serde_json::Value::Object(names.iter().cloned().zip(row.iter().map(|field| json!(field))).collect()))
            .collect();
        let from_frozen = convert(text.as_bytes(), "csv", "json").unwrap();
        let parsed: serde_json::Value = serde_json::from_str(&from_frozen).unwrap();
        prop_assert!(parsed == serde_json::Value::Array(rows));
        let csv = convert(text.as_bytes(), "csv", "csv").unwrap();
        prop_assert!(convert(csv.as_bytes(), "csv", "json").unwrap() == from_frozen);
        let from_shared = convert_in(shared(text.into_bytes()).0, options("csv", "json")).unwrap();
        prop_assert!(from_shared == from_frozen);
    }
}
