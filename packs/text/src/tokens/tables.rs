//! An encoding's tables, made of its ranks when they are first needed.

use std::hash::BuildHasher;
use std::io::Read;
use std::sync::{Mutex, OnceLock, TryLockError};

use bpe::byte_pair_encoding::{BytePairEncoding, read_tiktoken};
use flate2::read::GzDecoder;
use hashbrown::{DefaultHashBuilder, HashTable};
use heavy_load_kernel::Result;
use heavy_load_kernel::error::{Code, EngineError};

use super::counts::Spare;
use super::pieces::Splitter;

/// With it, no two tokens of these encodings have the same hash: found by `bpe::byte_pair_encoding::find_hash_factor_for_tiktoken`.
const HASH_FACTOR: u64 = 17_846_336_922_010_275_747;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Encoding {
    O200k,
    Cl100k,
}

pub(crate) struct Tables {
    pub(crate) bpe: BytePairEncoding,
    /// Every token, by its bytes: most pieces are one.
    tokens: HashTable<u32>,
    hasher: DefaultHashBuilder,
    pub(super) splitter: Splitter,
    pub(super) spare: Spare,
}

struct Source {
    ranks: &'static [u8],
    splitter: fn() -> std::result::Result<Splitter, String>,
    made: OnceLock<Tables>,
    making: Mutex<()>,
}

static O200K_BASE: Source = Source::new(include_bytes!("../../data/o200k_base.ranks.gz"), Splitter::o200k);
static CL100K_BASE: Source = Source::new(include_bytes!("../../data/cl100k_base.ranks.gz"), Splitter::cl100k);

impl Encoding {
    pub(crate) const CHOICES: &[(&str, Self)] = &[("o200k_base", Self::O200k), ("cl100k_base", Self::Cl100k)];

    /// The tables, made if nobody has made them; none while somebody else does.
    ///
    /// # Errors
    /// ERR_KERNEL_PANIC, should the ranks be none.
    pub(crate) fn tables(self) -> Result<Option<&'static Tables>> {
        let source = match self {
            Self::O200k => &O200K_BASE,
            Self::Cl100k => &CL100K_BASE,
        };
        if let Some(tables) = source.made.get() {
            return Ok(Some(tables));
        }
        let _making = match source.making.try_lock() {
            Ok(making) => making,
            Err(TryLockError::WouldBlock) => return Ok(None),
            // Whoever made them has panicked, and has left nothing half done.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        };
        if source.made.get().is_none() {
            let _ = source.made.set(source.make()?);
        }
        Ok(source.made.get())
    }
}

impl Tables {
    /// How many tokens a piece has.
    pub(crate) fn count(&self, piece: &str) -> usize {
        let bytes = piece.as_bytes();
        let is_it = |token: &u32| self.bpe.token_bytes(*token) == bytes;
        if self.tokens.find(self.hasher.hash_one(bytes), is_it).is_some() {
            return 1;
        }
        self.bpe.count(bytes)
    }
}

impl Source {
    const fn new(ranks: &'static [u8], splitter: fn() -> std::result::Result<Splitter, String>) -> Self {
        Self { ranks, splitter, made: OnceLock::new(), making: Mutex::new(()) }
    }

    fn make(&self) -> Result<Tables> {
        let broken =
            |what: String| EngineError::new(Code::KernelPanic, format!("The ranks of tokens are broken: {what}"));
        let mut text = String::new();
        GzDecoder::new(self.ranks).read_to_string(&mut text).map_err(|error| broken(error.to_string()))?;
        let tokens = read_tiktoken(&text).map_err(|error| broken(error.to_string()))?;
        let bpe = BytePairEncoding::from_dictionary(tokens, Some(HASH_FACTOR));
        let splitter = (self.splitter)().map_err(broken)?;
        let (mut all, hasher) = (HashTable::new(), DefaultHashBuilder::default());
        let hash = |token: &u32| hasher.hash_one(bpe.token_bytes(*token));
        let count = u32::try_from(bpe.num_tokens()).map_err(|error| broken(error.to_string()))?;
        all.try_reserve(count as usize, hash).map_err(|_| EngineError::out_of_memory(8 * count as usize))?;
        for token in 0..count {
            all.insert_unique(hash(&token), token, hash);
        }
        Ok(Tables { bpe, tokens: all, hasher, splitter, spare: Spare::default() })
    }
}
