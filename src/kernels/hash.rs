//! `hash`: digests of bytes.
//!
//! BLAKE3 is a tree: its leaves here are hashed in parallel, as units of their own, and the inner nodes are few enough to
//! be made in the merge. The other algorithms are chains, so their work is stepped. O(bytes) time; O(bytes / 64 KiB)
//! memory for BLAKE3, O(1) for the others. Input: bytes, by any hand-over.

use std::ops::Range;
use std::sync::OnceLock;

use blake3::hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};
use data_encoding::{BASE64, HEXLOWER};
use sha2::Digest;

use crate::error::EngineError;
use crate::kernel::{Estimate, Kernel, Next, OptionSpec, Parallel, Result, Spec, Step, Stepped, Work};
use crate::value::{Bytes, Options, Value, collect};

pub(super) static KERNEL: Hash = Hash;

pub(super) struct Hash;

static SPEC: Spec = Spec {
    name: "hash",
    summary: "digest of bytes: BLAKE3 (on all threads), SHA-256, SHA-512, XXH3, CRC-32",
    docs: "\
Digest of `data`: a Buffer, or a string with `encoding` 'hex' or 'base64'.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_MEMORY. Sources: BLAKE3 (O'Connor et al., 2020), SHA-2 (FIPS 180-4), XXH3 (its
64-bit form, seed 0), CRC-32 (IEEE 802.3).",
    type_parameter: "E extends HashOptions['encoding'] = 'buffer'",
    input: "data",
    input_type: "Bytes",
    integers_to: None,
    output_type: "E extends 'hex' | 'base64' ? string : Buffer",
    in_place: false,
    options: &[
        OptionSpec {
            name: "algorithm",
            ts_type: "'blake3' | 'sha256' | 'sha512' | 'xxh3' | 'crc32'",
            docs: "Default 'blake3'. 'xxh3' gives 8 bytes and 'crc32' 4, both big-endian, as their tools print them.",
        },
        OptionSpec { name: "encoding", ts_type: "'buffer' | 'hex' | 'base64'", docs: "Of the result. Default 'buffer'." },
    ],
};

#[derive(Clone, Copy)]
enum Algorithm {
    Blake3,
    Sha256,
    Sha512,
    Xxh3,
    Crc32,
}

#[derive(Clone, Copy)]
enum Encoding {
    Buffer,
    Hex,
    Base64,
}

impl Kernel for Hash {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn estimate(&self, input: &Value, options: &Options) -> Estimate {
        let Value::View(view) = input else { return Estimate::default() };
        let bytes = view.memory.len() as u64;
        // Of the tree, what its leaves give; a chain keeps a block at most.
        let leaves = bytes / LEAF as u64 * size_of::<OnceLock<ChainingValue>>() as u64;
        // A byte's cost beside that of the cheapest, on a processor that has instructions for them; and the memory.
        let algorithms =
            [("blake3", (4, leaves)), ("sha256", (8, 0)), ("sha512", (16, 0)), ("xxh3", (1, 0)), ("crc32", (1, 0))];
        let (weight, memory) = options.choice("algorithm", &algorithms).unwrap_or((1, 0));
        Estimate { cost: bytes * weight, memory }
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        let Value::View(view) = input else {
            let expected =
                "an instance of Buffer, TypedArray, DataView, ArrayBuffer, SharedArrayBuffer or FrozenBuffer";
            return Err(EngineError::invalid_type(SPEC.input, expected, &input));
        };
        let algorithm = options.choice(
            "algorithm",
            &[
                ("blake3", Algorithm::Blake3),
                ("sha256", Algorithm::Sha256),
                ("sha512", Algorithm::Sha512),
                ("xxh3", Algorithm::Xxh3),
                ("crc32", Algorithm::Crc32),
            ],
        )?;
        let encoding = options.choice(
            "encoding",
            &[("buffer", Encoding::Buffer), ("hex", Encoding::Hex), ("base64", Encoding::Base64)],
        )?;
        let bytes = view.into_bytes();
        let chain = match algorithm {
            Algorithm::Blake3 => return Ok(Work::parallel(Leaves::new(bytes, encoding)?)),
            Algorithm::Sha256 => Chain::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => Chain::Sha512(sha2::Sha512::new()),
            Algorithm::Xxh3 => Chain::Xxh3(Box::default()),
            Algorithm::Crc32 => Chain::Crc32(crc32fast::Hasher::new()),
        };
        Ok(Work::stepped(Chained { bytes, at: 0, scratch: vec![], chain, encoding }))
    }
}

impl Encoding {
    fn value(self, digest: &[u8]) -> Value {
        match self {
            Encoding::Buffer => Value::Buffer(digest.to_vec()),
            Encoding::Hex => Value::String(HEXLOWER.encode(digest)),
            Encoding::Base64 => Value::String(BASE64.encode(digest)),
        }
    }
}

/// Bytes a leaf has: a complete subtree of 64 chunks, enough for the widest SIMD instructions to be full.
const LEAF: usize = 64 * 1024;

/// BLAKE3's tree: the units are its leaves.
struct Leaves {
    bytes: Bytes,
    encoding: Encoding,
    values: Vec<OnceLock<ChainingValue>>,
}

impl Leaves {
    fn new(bytes: Bytes, encoding: Encoding) -> Result<Self> {
        // A single leaf is the root, and is hashed as that in the merge.
        let leaves = if bytes.len() <= LEAF { 0 } else { bytes.len().div_ceil(LEAF) };
        let values = collect((0..leaves).map(|_| OnceLock::new()))?;
        Ok(Self { bytes, encoding, values })
    }

    /// The chaining value of the subtree over some leaves: its left half is the largest power of two.
    fn subtree(&self, leaves: Range<usize>) -> ChainingValue {
        if let [value] = &self.values[leaves.clone()] {
            return *value.get().unwrap_or_else(|| unreachable!("every leaf was hashed before the merge"));
        }
        let (left, right) = self.children(leaves);
        merge_subtrees_non_root(&left, &right, Mode::Hash)
    }

    fn children(&self, leaves: Range<usize>) -> (ChainingValue, ChainingValue) {
        let half = leaves.len().next_power_of_two() / 2;
        (self.subtree(leaves.start..leaves.start + half), self.subtree(leaves.start + half..leaves.end))
    }
}

impl Parallel for Leaves {
    fn len(&self) -> u64 {
        self.values.len() as u64
    }

    fn first_morsel(&self) -> u64 {
        2
    }

    fn run(&self, range: Range<u64>) -> Result<()> {
        let mut scratch = vec![];
        for leaf in range.start as usize..range.end as usize {
            let start = leaf * LEAF;
            let bytes = self.bytes.read(start..self.bytes.len().min(start + LEAF), &mut scratch)?;
            let value = blake3::Hasher::new().set_input_offset(start as u64).update(bytes).finalize_non_root();
            // Ranges are disjoint, so it is not set yet.
            let _ = self.values[leaf].set(value);
        }
        Ok(())
    }

    fn merge(&mut self) -> Result<Next> {
        let digest = if self.values.is_empty() {
            blake3::hash(self.bytes.read(0..self.bytes.len(), &mut vec![])?)
        } else {
            let (left, right) = self.children(0..self.values.len());
            merge_subtrees_root(&left, &right, Mode::Hash)
        };
        Ok(Next::Done(self.encoding.value(digest.as_bytes())))
    }
}

/// A digest in the making, of an algorithm whose steps follow from each other.
enum Chain {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
    Xxh3(Box<xxhash_rust::xxh3::Xxh3Default>),
    Crc32(crc32fast::Hasher),
}

impl Chain {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Chain::Sha256(hasher) => hasher.update(bytes),
            Chain::Sha512(hasher) => hasher.update(bytes),
            Chain::Xxh3(hasher) => hasher.update(bytes),
            Chain::Crc32(hasher) => hasher.update(bytes),
        }
    }

    fn finish(&mut self, encoding: Encoding) -> Value {
        match self {
            Chain::Sha256(hasher) => encoding.value(&hasher.finalize_reset()),
            Chain::Sha512(hasher) => encoding.value(&hasher.finalize_reset()),
            Chain::Xxh3(hasher) => encoding.value(&hasher.digest().to_be_bytes()),
            Chain::Crc32(hasher) => encoding.value(&hasher.clone().finalize().to_be_bytes()),
        }
    }
}

/// A unit is a block of bytes.
struct Chained {
    bytes: Bytes,
    at: usize,
    scratch: Vec<u8>,
    chain: Chain,
    encoding: Encoding,
}

/// Bytes of a unit; also how much shared memory is copied out at a time, so that it stays in the cache.
const BLOCK: usize = 16 * 1024;

impl Stepped for Chained {
    fn len(&self) -> u64 {
        self.bytes.len().div_ceil(BLOCK) as u64
    }

    fn first_morsel(&self) -> u64 {
        4
    }

    fn step(&mut self, units: u64) -> Result<Step> {
        for _ in 0..units {
            let end = self.bytes.len().min(self.at + BLOCK);
            self.chain.update(self.bytes.read(self.at..end, &mut self.scratch)?);
            self.at = end;
            if end == self.bytes.len() {
                return Ok(Step::Done(Next::Done(self.chain.finish(self.encoding))));
            }
        }
        Ok(Step::More { progress: self.at as f64 / self.bytes.len() as f64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Control, run_inline};
    use crate::value::{Element, Memory, Region, View};

    fn hash(mut data: Vec<u8>, algorithm: &str, encoding: &str, memory: fn(Region) -> Memory) -> Result<Value> {
        // SAFETY: `data` outlives the work, which ends in this function.
        let region = unsafe { Region::new(data.as_mut_ptr(), data.len()) };
        let view = View { element: Element::Uint8, bare: false, memory: memory(region) };
        let text = |text: &str| Value::String(text.into());
        let options = Options::new(vec![("algorithm", text(algorithm)), ("encoding", text(encoding))]);
        run_inline(KERNEL.prepare(Value::View(view), &options)?, &Control::default(), |_| ())
    }

    fn hex(data: Vec<u8>, algorithm: &str) -> String {
        let digest = hash(data.clone(), algorithm, "hex", Memory::Moved).unwrap();
        assert_eq!(hash(data, algorithm, "hex", Memory::Shared).unwrap(), digest);
        let Value::String(digest) = digest else { panic!("{digest:?}") };
        digest
    }

    #[test]
    fn known_answers() {
        // FIPS 180-4 examples; the BLAKE3 test vectors; xxhash's and crc's check values.
        for (algorithm, data, digest) in [
            ("sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "sha512",
                "abc",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            ("blake3", "", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
            ("xxh3", "", "2d06800538d394c2"),
            ("crc32", "123456789", "cbf43926"),
        ] {
            assert_eq!(hex(data.into(), algorithm), digest, "{algorithm}");
        }
    }

    #[test]
    fn blake3_s_tree_is_the_library_s() {
        for len in [1, LEAF - 1, LEAF, LEAF + 1, 2 * LEAF, 3 * LEAF - 7, 4 * LEAF, 5 * LEAF + 1, 21 * LEAF + 1234] {
            let data: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
            assert_eq!(hex(data.clone(), "blake3"), blake3::hash(&data).to_hex().as_str(), "{len}");
        }
    }

    #[test]
    fn blocks_make_no_difference() {
        let data: Vec<u8> = (0..BLOCK * 5 + 77).map(|i| (i * 7 % 253) as u8).collect();
        assert_eq!(hex(data.clone(), "sha256"), HEXLOWER.encode(&sha2::Sha256::digest(&data)));
        assert_eq!(hex(data.clone(), "crc32"), format!("{:08x}", crc32fast::hash(&data)));
        assert_eq!(hex(data.clone(), "xxh3"), format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&data)));
    }

    #[test]
    fn encodings() {
        assert_eq!(hash(b"123456789".into(), "crc32", "base64", Memory::Moved), Ok(Value::String("y/Q5Jg==".into())));
        let bytes = vec![0xcb, 0xf4, 0x39, 0x26];
        assert_eq!(hash(b"123456789".into(), "crc32", "buffer", Memory::Frozen), Ok(Value::Buffer(bytes)));
    }

    #[test]
    fn refuses_unknown_algorithms_and_encodings() {
        let error = hash(vec![], "md5", "hex", Memory::Moved).unwrap_err();
        assert_eq!(
            error.message,
            "The \"options.algorithm\" property must be one of: 'blake3', 'sha256', 'sha512', 'xxh3', 'crc32'. \
             Received type string ('md5')"
        );
        assert!(hash(vec![], "crc32", "latin1", Memory::Moved).is_err());
    }
}
