//! `hash`: digests of bytes.
//!
//! BLAKE3 is a tree: its leaves here are hashed in parallel, as units of their own, and the inner nodes are few enough to
//! be made in the merge. The other algorithms are chains, so their work is stepped; and so is BLAKE3's over a stream, whose length
//! nobody knows. O(bytes) time; O(bytes / 64 KiB) memory for BLAKE3, O(1) for the others and for streams. Input: bytes, by any
//! hand-over, or a stream of them.

use std::ops::Range;
use std::sync::OnceLock;

use blake3::hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};
use data_encoding::{BASE64, HEXLOWER};
use sha2::Digest;

use heavy_load_kernel::fold::{Fold, Folding};
use heavy_load_kernel::value::{Bytes, Options, Value, collect};
use heavy_load_kernel::{Estimate, Kernel, Next, OptionSpec, Parallel, Result, Spec, Work};

pub(super) static KERNEL: Hash = Hash;

pub(super) struct Hash;

static SPEC: Spec = Spec::new("hash")
    .summary("digest of bytes: BLAKE3 (on all threads), SHA-256, SHA-512, XXH3, CRC-32")
    .docs(
        "\
Digest of `data`: a Buffer, or a string with `encoding` 'hex' or 'base64'. On a pool, `data` may also be a stream of bytes.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_MEMORY. Sources: BLAKE3 (O'Connor et al., 2020), SHA-2 (FIPS 180-4), XXH3 (its
64-bit form, seed 0), CRC-32 (IEEE 802.3).",
    )
    .type_parameter("E extends HashOptions['encoding'] = 'buffer'")
    .input("data", "Bytes")
    .output("E extends 'hex' | 'base64' ? string : Buffer")
    .streams()
    .options(&[
        OptionSpec::new(
            "algorithm",
            "'blake3' | 'sha256' | 'sha512' | 'xxh3' | 'crc32'",
            "Default 'blake3'. 'xxh3' gives 8 bytes and 'crc32' 4, both big-endian, as their tools print them.",
        ),
        OptionSpec::new("encoding", "'buffer' | 'hex' | 'base64'", "Of the result. Default 'buffer'."),
    ]);

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
        let algorithm = algorithm(options).unwrap_or(Algorithm::Blake3);
        let memory = if matches!(algorithm, Algorithm::Blake3) { leaves } else { 0 };
        Estimate { cost: bytes * algorithm.weight(), memory }
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        let view = input.into_view(SPEC.input)?;
        let (algorithm, encoding) = (algorithm(options)?, encoding(options)?);
        let bytes = view.into_bytes();
        Ok(match algorithm {
            Algorithm::Blake3 => Work::parallel(Leaves::new(bytes, encoding)?),
            chain => Work::stepped(Folding::whole(Box::new(Chain::new(chain, encoding)), bytes)),
        })
    }

    fn fold(&self, options: &Options) -> Result<Box<dyn Fold>> {
        Ok(Box::new(Chain::new(algorithm(options)?, encoding(options)?)))
    }
}

fn algorithm(options: &Options) -> Result<Algorithm> {
    options.choice(
        "algorithm",
        &[
            ("blake3", Algorithm::Blake3),
            ("sha256", Algorithm::Sha256),
            ("sha512", Algorithm::Sha512),
            ("xxh3", Algorithm::Xxh3),
            ("crc32", Algorithm::Crc32),
        ],
    )
}

fn encoding(options: &Options) -> Result<Encoding> {
    options.choice("encoding", &[("buffer", Encoding::Buffer), ("hex", Encoding::Hex), ("base64", Encoding::Base64)])
}

impl Algorithm {
    /// A byte's cost beside that of the cheapest, on a processor that has instructions for them.
    fn weight(self) -> u64 {
        match self {
            Algorithm::Blake3 => 4,
            Algorithm::Sha256 => 8,
            Algorithm::Sha512 => 16,
            Algorithm::Xxh3 | Algorithm::Crc32 => 1,
        }
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

/// A digest in the making, whose steps follow from each other.
struct Chain {
    algorithm: Algorithm,
    encoding: Encoding,
    state: State,
}

enum State {
    Blake3(Box<blake3::Hasher>),
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
    Xxh3(Box<xxhash_rust::xxh3::Xxh3Default>),
    Crc32(crc32fast::Hasher),
}

impl Chain {
    fn new(algorithm: Algorithm, encoding: Encoding) -> Self {
        let state = match algorithm {
            Algorithm::Blake3 => State::Blake3(Box::default()),
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
            Algorithm::Xxh3 => State::Xxh3(Box::default()),
            Algorithm::Crc32 => State::Crc32(crc32fast::Hasher::new()),
        };
        Self { algorithm, encoding, state }
    }
}

impl Fold for Chain {
    fn cost(&self, bytes: u64) -> u64 {
        bytes * self.algorithm.weight()
    }

    fn update(&mut self, block: &[u8]) -> Result<()> {
        match &mut self.state {
            State::Blake3(hasher) => {
                hasher.update(block);
            }
            State::Sha256(hasher) => hasher.update(block),
            State::Sha512(hasher) => hasher.update(block),
            State::Xxh3(hasher) => hasher.update(block),
            State::Crc32(hasher) => hasher.update(block),
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Next> {
        Ok(Next::Done(match &mut self.state {
            State::Blake3(hasher) => self.encoding.value(hasher.finalize().as_bytes()),
            State::Sha256(hasher) => self.encoding.value(&hasher.finalize_reset()),
            State::Sha512(hasher) => self.encoding.value(&hasher.finalize_reset()),
            State::Xxh3(hasher) => self.encoding.value(&hasher.digest().to_be_bytes()),
            State::Crc32(hasher) => self.encoding.value(&hasher.clone().finalize().to_be_bytes()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heavy_load_kernel::fold::{BLOCK, KeptFold};
    use heavy_load_kernel::testing::{Lender, frozen, moved, run, shared};
    use heavy_load_kernel::value::{Element, Memory, View};

    type Lend = fn(Vec<u8>) -> (Memory, Lender<u8>);

    fn hash(data: Vec<u8>, algorithm: &str, encoding: &str, lend: Lend) -> Result<Value> {
        let view = View { element: Element::Uint8, bare: false, memory: lend(data).0 };
        let text = |text: &str| Value::String(text.into());
        let options = Options::new(vec![("algorithm", text(algorithm)), ("encoding", text(encoding))]);
        run(KERNEL.prepare(Value::View(view), &options)?)
    }

    fn hex(data: Vec<u8>, algorithm: &str) -> String {
        let digest = hash(data.clone(), algorithm, "hex", moved).unwrap();
        assert_eq!(hash(data, algorithm, "hex", shared).unwrap(), digest);
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
    fn pieces_make_no_difference() {
        let data: Vec<u8> = (0..BLOCK * 9 + 77).map(|i| (i * 7 % 253) as u8).collect();
        for algorithm in ["blake3", "sha256", "sha512", "xxh3", "crc32"] {
            let text = |text: &str| Value::String(text.into());
            let options = Options::new(vec![("algorithm", text(algorithm)), ("encoding", text("hex"))]);
            let kept = KeptFold::new(KERNEL.fold(&options).unwrap());
            let mut digest = Value::Undefined;
            let cuts = [0, 0, 1, BLOCK, BLOCK + 5, 8 * BLOCK + 1, data.len(), data.len()];
            for (index, cut) in cuts.windows(2).enumerate() {
                let bytes = frozen(data[cut[0]..cut[1]].to_vec()).0.into_bytes();
                let work = Work::stepped(kept.piece(bytes, index == cuts.len() - 2));
                digest = run(work).unwrap();
            }
            assert_eq!(digest, text(&hex(data.clone(), algorithm)), "{algorithm}");
        }
    }

    #[test]
    fn encodings() {
        assert_eq!(hash(b"123456789".into(), "crc32", "base64", moved), Ok(Value::String("y/Q5Jg==".into())));
        let bytes = vec![0xcb, 0xf4, 0x39, 0x26];
        assert_eq!(hash(b"123456789".into(), "crc32", "buffer", frozen), Ok(Value::Buffer(bytes)));
    }

    #[test]
    fn refuses_unknown_algorithms_and_encodings() {
        let error = hash(vec![], "md5", "hex", moved).unwrap_err();
        assert_eq!(
            error.message,
            "The \"options.algorithm\" property must be one of: 'blake3', 'sha256', 'sha512', 'xxh3', 'crc32'. \
             Received type string ('md5')"
        );
        assert!(hash(vec![], "crc32", "latin1", moved).is_err());
    }
}
