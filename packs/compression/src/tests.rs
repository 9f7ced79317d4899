//! The pieces, without an engine; and mutations of what decoders read, by chance. `HEAVY_LOAD_FUZZ_SECONDS` says how long those go on.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use heavy_load_kernel::error::Code;
use heavy_load_kernel::testing::{frozen, run, shared};
use heavy_load_kernel::value::{Element, Memory, Options, Value, View};
use heavy_load_kernel::{Kernel, Result, Work};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::compress::Compress;
use crate::decompress::Decompress;
use crate::format::{FORMATS, Format};
use crate::sections;

fn text(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
        state >> 16
    };
    let words = [&b"section "[..], b"of ", b"the ", b"window ", b"answer\n", b"task, "];
    let mut text = vec![];
    while text.len() < len {
        text.extend_from_slice(words[next() as usize % words.len()]);
        text.push(b'a' + (next() % 26) as u8);
    }
    text.truncate(len);
    text
}

fn input(memory: Memory) -> Value {
    Value::View(View { element: Element::Uint8, bare: false, memory })
}

fn options(format: &str, more: &[(&'static str, f64)]) -> Options {
    let more = more.iter().map(|(name, value)| (*name, Value::Number(*value)));
    Options::new([("format", Value::String(format.into()))].into_iter().chain(more).collect())
}

fn bytes(value: Result<Value>) -> Result<Vec<u8>> {
    value.map(|value| match value {
        Value::Buffer(bytes) => bytes,
        other => panic!("{other}"),
    })
}

fn compress(data: &[u8], format: &str, level: Option<f64>) -> Vec<u8> {
    let level: Vec<_> = level.map(|level| ("level", level)).into_iter().collect();
    let work = Compress.prepare(input(frozen(data.to_vec()).0), &options(format, &level)).unwrap();
    bytes(run(work)).unwrap()
}

fn decompress(data: &[u8], format: &str, limit: f64) -> Result<Vec<u8>> {
    let options = options(format, &[("maxOutputLength", limit)]);
    bytes(run(Decompress.prepare(input(frozen(data.to_vec()).0), &options).unwrap()))
}

#[test]
fn sections_cover_the_input_and_follow_from_its_length() {
    for (name, format) in FORMATS {
        let encoding = format.encoding(&Options::default()).unwrap();
        let largest = encoding.section();
        for len in [0, 1, largest, largest + 1, 2 * largest + 1, 4 * largest - 1, 4 * largest, 9 * largest + 12345] {
            let borders = sections::borders(&*encoding, len);
            assert_eq!((borders[0], borders[borders.len() - 1]), (0, len));
            let sizes: Vec<_> = borders.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(sizes.iter().all(|size| *size <= largest), "{name} {len}: {sizes:?}");
            // The last is what is left.
            assert!(sizes[1..].iter().rev().skip(1).all(|size| *size >= largest / 4), "{name} {len}: {sizes:?}");
            assert_eq!(sizes.len() == 1, len <= largest);
        }
    }
}

/// Runs parallel work unit by unit, as a thread that finds no section does: some units of each phase stay undone.
fn run_leaving_units(work: Work) -> Result<Value> {
    let mut work = work;
    loop {
        let next = match work {
            Work::Parallel(mut parallel) => {
                parallel.run(0..parallel.len() / 3)?;
                std::sync::Arc::get_mut(&mut parallel).unwrap().merge()?
            }
            other => return run(other),
        };
        match next {
            heavy_load_kernel::Next::Done(value) => return Ok(value),
            heavy_load_kernel::Next::Then(then) => work = then,
        }
    }
}

#[test]
fn what_a_phase_leaves_undone_is_done_in_the_next() {
    let data = text(17 << 20);
    for (name, _) in FORMATS {
        let options = options(name, &[("level", 1.0)]);
        let work = Compress.prepare(input(frozen(data.clone()).0), &options).unwrap();
        let left = bytes(run_leaving_units(work)).unwrap();
        assert!(left == compress(&data, name, Some(1.0)), "{name}");
        assert!(decompress(&left, name, 1e9).unwrap() == data, "{name}");
    }
}

#[test]
fn shared_memory_is_read_by_blocks() {
    let data = text(1_300_000);
    for (name, _) in FORMATS {
        let work = Compress.prepare(input(shared(data.clone()).0), &options(name, &[])).unwrap();
        let compressed = bytes(run(work)).unwrap();
        let work = Decompress.prepare(input(shared(compressed).0), &options(name, &[])).unwrap();
        assert!(bytes(run(work)).unwrap() == data, "{name}");
    }
}

#[test]
fn the_estimate_has_room_for_the_result() {
    for (name, _) in FORMATS {
        let options = options(name, &[]);
        let (_, estimate) = Compress.check(input(Memory::draft(50 << 20)), &options).unwrap();
        assert!(estimate.memory > 50 << 20 && estimate.memory < 1 << 30, "{name}: {}", estimate.memory);
        let (_, estimate) = Decompress.check(input(Memory::draft(50 << 20)), &options).unwrap();
        assert!(estimate.memory > 256 << 20 && estimate.memory < 1 << 30, "{name}: {}", estimate.memory);
    }
}

/// The corpus, by format.
fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let format = |path: &Path| match path.extension()?.to_str()? {
        "gz" => Some("gzip"),
        "zz" => Some("deflate"),
        "zst" => Some("zstd"),
        "br" => Some("brotli"),
        _ => None,
    };
    files.iter().filter_map(|path| Some((format(path)?, fs::read(path).unwrap()))).collect()
}

#[derive(Clone, Debug)]
enum Mutation {
    Flip(usize, u8),
    Set(usize, u8),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
    Repeat(usize, usize, usize),
}

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let at = any::<usize>;
    let one = prop_oneof![
        4 => (at(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        1 => (at(), 1..64_usize).prop_map(|(at, len)| Mutation::Remove(at, len)),
        1 => (at(), vec(any::<u8>(), 1..16)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        1 => (at(), 1..256_usize, 1..20_usize).prop_map(|(at, len, times)| Mutation::Repeat(at, len, times)),
    ];
    vec(one, 1..6)
}

fn mutate(data: &mut Vec<u8>, mutation: &Mutation) {
    let len = data.len();
    let place = |at: usize| at % len.max(1);
    match mutation {
        Mutation::Flip(at, bit) if len > 0 => data[place(*at)] ^= 1 << bit,
        Mutation::Set(at, byte) if len > 0 => data[place(*at)] = *byte,
        Mutation::Remove(at, count) if len > 0 => drop(data.drain(place(*at)..len.min(place(*at) + count))),
        Mutation::Insert(at, bytes) => drop(data.splice(place(*at)..place(*at), bytes.iter().copied())),
        Mutation::Repeat(at, count, times) => {
            let piece = data[place(*at)..len.min(place(*at) + count)].repeat(*times);
            data.splice(place(*at)..place(*at), piece);
        }
        _ => {}
    }
}

/// Every decoder, over mutations of the corpus: a result within the limit, or one of two errors.
#[test]
fn fuzz_decoders() {
    const LIMIT: usize = 1 << 20;
    let seconds = std::env::var("HEAVY_LOAD_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let corpus = corpus();
    assert!(FORMATS.iter().all(|(name, _)| corpus.iter().any(|(format, _)| format == name)));
    let config = Config { cases: 2000, failure_persistence: None, ..Config::default() };
    let seed = [7_u8; 32];
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    let (mut good, mut bad) = (0_u64, 0_u64);
    loop {
        let (good, bad) = (std::cell::Cell::from_mut(&mut good), std::cell::Cell::from_mut(&mut bad));
        let strategy = (0..corpus.len(), mutations(), any::<bool>());
        // A new one for each round: a runner counts its cases over all of its runs, and so runs no more than these.
        let mut runner = if seconds.is_some() {
            TestRunner::new(config.clone())
        } else {
            TestRunner::new_with_rng(config.clone(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
        };
        let before = good.get() + bad.get();
        runner
            .run(&strategy, |(index, mutations, exact)| {
                let (format, mut data) = corpus[index].clone();
                mutations.iter().for_each(|mutation| mutate(&mut data, mutation));
                let limit = if exact { LIMIT } else { 1000 };
                match decompress(&data, format, limit as f64) {
                    Ok(result) => {
                        good.set(good.get() + 1);
                        prop_assert!(result.len() <= limit);
                    }
                    Err(error) => {
                        bad.set(bad.get() + 1);
                        prop_assert!(matches!(error.code, Code::InvalidData | Code::OutputTooLarge), "{error}");
                    }
                }
                Ok(())
            })
            .unwrap();
        assert!(good.get() + bad.get() >= before + 2000, "a round has run");
        if Instant::now() >= until {
            break;
        }
    }
    assert!(good > 20 && bad > 1000, "{good} were decoded, {bad} refused");
}

/// What is compressed decompresses to itself, whatever it is and however it is cut into pieces by its length.
#[test]
fn round_trips() {
    let strategy = (vec(any::<u8>(), 0..300), 0..200_000_usize, 0..FORMATS.len(), 1..10_u32);
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    runner
        .run(&strategy, |(seed, len, format, level)| {
            let data: Vec<u8> =
                if seed.is_empty() { vec![0; len] } else { seed.iter().copied().cycle().take(len).collect() };
            let (name, _): (&str, Format) = FORMATS[format];
            let compressed = compress(&data, name, Some(f64::from(level)));
            prop_assert!(decompress(&compressed, name, len as f64).unwrap() == data);
            Ok(())
        })
        .unwrap();
}
