//! The corpus, mutated: whatever comes of it is a result or an error of this pack, and no panic.
//!
//! A second of it with every test run; for longer, with another seed each time:
//! `HEAVY_LOAD_FUZZ_SECONDS=600 cargo test --release -p heavy-load-image fuzz`

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use heavy_load_kernel::error::Code;
use heavy_load_kernel::testing::{frozen, run};
use heavy_load_kernel::value::{Element, Options, Value, View};
use heavy_load_kernel::{Kernel, Result};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use crate::image_info::ImageInfo;
use crate::resize_image::ResizeImage;

/// One change of a file. Places are shares of its length.
#[derive(Clone, Debug)]
enum Mutation {
    Flip {
        at: f64,
        bit: u8,
    },
    Set {
        at: f64,
        value: u8,
    },
    Cut {
        at: f64,
    },
    Remove {
        at: f64,
        count: usize,
    },
    Repeat {
        at: f64,
        count: usize,
        times: usize,
    },
    /// The rest is that of another file.
    Splice {
        at: f64,
        file: usize,
        from: f64,
    },
}

fn mutation() -> impl Strategy<Value = Mutation> {
    // Headers are where most decisions are made.
    let place = || prop_oneof![0.0..1.0, 0.0..0.1];
    prop_oneof![
        4 => (place(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip { at, bit }),
        4 => (place(), prop_oneof![any::<u8>(), Just(0), Just(0xff), Just(0x80)]).prop_map(|(at, value)| Mutation::Set { at, value }),
        1 => place().prop_map(|at| Mutation::Cut { at }),
        1 => (place(), 1..40_usize).prop_map(|(at, count)| Mutation::Remove { at, count }),
        1 => (place(), 1..400_usize, 1..20_usize).prop_map(|(at, count, times)| Mutation::Repeat { at, count, times }),
        1 => (place(), any::<usize>(), place()).prop_map(|(at, file, from)| Mutation::Splice { at, file, from }),
    ]
}

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| path.extension().is_some_and(|extension| extension != "mjs"));
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn mutated(files: &[Vec<u8>], file: usize, mutations: &[Mutation]) -> Vec<u8> {
    let mut bytes = files[file % files.len()].clone();
    for mutation in mutations {
        let place = |share: &f64, len: usize| ((share * len as f64) as usize).min(len.saturating_sub(1));
        let len = bytes.len();
        if len == 0 {
            break;
        }
        match mutation {
            Mutation::Flip { at, bit } => bytes[place(at, len)] ^= 1 << bit,
            Mutation::Set { at, value } => bytes[place(at, len)] = *value,
            Mutation::Cut { at } => bytes.truncate(place(at, len)),
            Mutation::Remove { at, count } => {
                let start = place(at, len);
                bytes.drain(start..(start + count).min(len));
            }
            Mutation::Repeat { at, count, times } => {
                let start = place(at, len);
                let part = bytes[start..(start + count).min(len)].repeat(*times);
                bytes.splice(start..start, part);
            }
            Mutation::Splice { at, file, from } => {
                let other = &files[file % files.len()];
                bytes.truncate(place(at, len));
                bytes.extend_from_slice(&other[place(from, other.len())..]);
            }
        }
    }
    bytes
}

/// Has the checksums of a PNG's chunks right: else nothing behind them would be seen.
fn repaired(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = 8;
    while let Some(len) = crate::input::be32(&bytes, at) {
        let end = at + 8 + len as usize;
        let Some(content) = bytes.get(at + 4..end) else { break };
        let check = crc32(content).to_be_bytes();
        let Some(place) = bytes.get_mut(end..end + 4) else { break };
        place.copy_from_slice(&check);
        at = end + 4;
    }
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

fn call(kernel: &dyn Kernel, bytes: &[u8], options: Vec<(&'static str, Value)>) -> Result<Value> {
    let (memory, lender) = frozen(bytes.to_vec());
    let input = Value::View(View { element: Element::Uint8, bare: false, memory });
    let result = run(kernel.prepare(input, &Options::new(options))?);
    assert!(lender.take_back().is_ok(), "the memory goes back with the work");
    result
}

/// What may be wrong with an image.
fn check(result: Result<Value>) -> std::result::Result<(), TestCaseError> {
    let code = result.err().map(|error| error.code);
    let known = [None, Some(Code::InvalidData), Some(Code::OutputTooLarge)];
    prop_assert!(known.contains(&code), "{code:?}");
    Ok(())
}

fn fuzz(seed: u64, cases: u32) {
    let files = corpus();
    let strategy = (0..files.len(), prop::collection::vec(mutation(), 1..6), any::<bool>(), 0..4_u8);
    let config = Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, |(file, mutations, repair, how)| {
        let mut bytes = mutated(&files, file, &mutations);
        if repair && bytes.starts_with(b"\x89PNG") {
            bytes = repaired(bytes);
        }
        check(call(&ImageInfo, &bytes, vec![]))?;
        let mut options = vec![("limitInputPixels", Value::Number(1e6))];
        if how > 0 {
            options.push(("width", Value::Number([0.0, 7.0, 30.0, 300.0][usize::from(how)])));
        }
        if how == 3 {
            options.push(("format", Value::String("webp".into())));
        }
        check(call(&ResizeImage, &bytes, options))
    });
    if let Err(error) = outcome {
        panic!("with seed {seed}: {error}");
    }
}

#[test]
fn fuzz_a_little() {
    fuzz(1, 300);
}

#[test]
fn fuzz_for_as_long_as_is_asked_for() {
    let Ok(seconds) = std::env::var("HEAVY_LOAD_FUZZ_SECONDS") else { return };
    let end = Instant::now() + Duration::from_secs(seconds.parse().unwrap());
    let mut seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    while Instant::now() < end {
        fuzz(seed, 2_000);
        seed = seed.wrapping_add(1);
    }
}
