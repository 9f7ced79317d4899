//! What is kept of a password: a text that says how its digest was made, and the digest. Read from the forms that are in use, and checked
//! against what a server may be asked to work on (Limits).
//!
//! - `$argon2id$v=19$m=19456,t=2,p=1$salt$digest` and `$scrypt$ln=17,r=8,p=1$salt$digest`: PHC strings. An argon2 one without `v` is of
//!   version 16; `data` may stand among its parameters; `keyid` may not: it means that there is a secret, too.
//! - `$2b$12$` and 53 characters: modular crypt, of bcrypt. 2a, 2b and 2y differ in what programs did that are long mended.

use argon2_rust::{Algorithm, Version};
use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};
use heavy_load_kernel::Result;
use heavy_load_kernel::error::{Code, EngineError};

use crate::phc::Phc;
use crate::{bcrypt, phc};

/// Passes over a KiB: sixteen times what OWASP recommends.
pub(crate) const MOST_OF_ARGON: u64 = 16 * 19456 * 2;
/// log2 of rounds.
pub(crate) const MOST_OF_BCRYPT: u32 = 16;
/// Blocks of 128 bytes: eight times what OWASP recommends.
const MOST_OF_SCRYPT: u64 = 8 << 20;

/// Bytes of a salt, and of a digest, in which a stored hash is believed.
const LENGTHS: std::ops::RangeInclusive<usize> = 4..=1024;

/// bcrypt's own base64. Some programs have left rubbish in the last bits of a salt, which nobody reads.
static BASE64: LazyLock<Encoding> = LazyLock::new(|| {
    let mut form = Specification::new();
    form.symbols.push_str("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    form.check_trailing_bits = false;
    form.encoding().unwrap_or_else(|error| unreachable!("64 symbols: {error}"))
});

/// RFC 9106.
const MOST_LANES: u32 = (1 << 24) - 1;
/// Bytes, by the reference implementation.
const LEAST_SALT: usize = 8;

#[derive(Clone)]
pub(crate) struct Argon {
    pub(crate) variant: Algorithm,
    pub(crate) version: Version,
    /// In KiB.
    pub(crate) memory: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
    /// What else was hashed with the password.
    pub(crate) data: Vec<u8>,
}

#[derive(Clone, Copy)]
pub(crate) struct Bcrypt {
    /// log2 of the number of rounds.
    pub(crate) cost: u32,
    pub(crate) salt: [u8; bcrypt::SALT],
}

#[derive(Clone, Copy)]
pub(crate) struct Scrypt {
    pub(crate) log_n: u32,
    pub(crate) r: u32,
    pub(crate) p: u32,
}

pub(crate) enum Stored {
    Argon { argon: Argon, salt: Vec<u8>, digest: Vec<u8> },
    Bcrypt { bcrypt: Bcrypt, digest: Vec<u8> },
    Scrypt { scrypt: Scrypt, salt: Vec<u8>, digest: Vec<u8> },
}

impl Argon {
    pub(crate) fn new(memory: u32, passes: u32, lanes: u32) -> Self {
        Self { variant: Algorithm::Argon2id, version: Version::V0x13, memory, passes, lanes, data: vec![] }
    }

    fn read(variant: Algorithm, phc: Phc<'_>) -> Option<Stored> {
        let version = match phc.version {
            None | Some(0x10) => Version::V0x10,
            Some(0x13) => Version::V0x13,
            Some(_) => return None,
        };
        let data = phc.text("data").map_or(Some(vec![]), phc::decode)?;
        let [memory, passes, lanes] = [phc.number("m")?, phc.number("t")?, phc.number("p")?];
        let is_sound = phc.has_only(&["m", "t", "p", "data"])
            && passes > 0
            && (1..=MOST_LANES).contains(&lanes)
            && u64::from(memory) >= 8 * u64::from(lanes)
            && phc.salt.len() >= LEAST_SALT;
        let argon = Self { variant, version, memory, passes, lanes, data };
        is_sound.then_some(Stored::Argon { argon, salt: phc.salt, digest: phc.digest })
    }

    /// What is kept.
    pub(crate) fn text(&self, salt: &[u8], digest: &[u8]) -> String {
        let (id, version) = (self.variant.as_str(), self.version.as_u32());
        let (salt, digest) = (phc::encode(salt), phc::encode(digest));
        let Self { memory, passes, lanes, .. } = self;
        format!("${id}$v={version}$m={memory},t={passes},p={lanes}${salt}${digest}")
    }
}

impl Bcrypt {
    /// Reads what follows `$2b$`.
    fn read(text: &str) -> Option<Stored> {
        let (cost, rest) = text.split_once('$')?;
        let is_cost = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
        let cost = is_cost.then(|| cost.parse().ok())??;
        if !(4..=31).contains(&cost) || rest.len() != 53 || !rest.is_ascii() {
            return None;
        }
        let (salt, digest) = rest.split_at(22);
        let salt = BASE64.decode(salt.as_bytes()).ok()?.try_into().ok()?;
        let digest = BASE64.decode(digest.as_bytes()).ok()?;
        Some(Stored::Bcrypt { bcrypt: Self { cost, salt }, digest })
    }

    /// What is kept.
    pub(crate) fn text(&self, digest: &[u8]) -> String {
        let (salt, digest) = (BASE64.encode(&self.salt), BASE64.encode(digest));
        format!("$2b${:02}${salt}{digest}", self.cost)
    }
}

impl Scrypt {
    fn read(phc: Phc<'_>) -> Option<Stored> {
        let [log_n, r, p] = [phc.number("ln")?, phc.number("r")?, phc.number("p")?];
        // As RFC 7914 has it; what is too much for a server, the limits say.
        let is_sound = phc.has_only(&["ln", "r", "p"])
            && phc.version.is_none()
            && (1..=31).contains(&log_n)
            && r > 0
            && p > 0
            && u64::from(r) * u64::from(p) < 1 << 30;
        is_sound.then_some(Stored::Scrypt { scrypt: Self { log_n, r, p }, salt: phc.salt, digest: phc.digest })
    }

    /// N.
    pub(crate) fn blocks(self) -> u64 {
        1 << self.log_n
    }

    /// 32-bit words of a block.
    pub(crate) fn words(self) -> usize {
        32 * self.r as usize
    }

    fn memory(self) -> u64 {
        128 * u64::from(self.r) * (self.blocks() + u64::from(self.p) + 1)
    }
}

impl Stored {
    /// Reads a hash. `None` if it is of no algorithm that is known here.
    ///
    /// # Errors
    /// ERR_INVALID_DATA: it is not what it says that it is.
    pub(crate) fn read(text: &str) -> Result<Option<Self>> {
        let Some((id, rest)) = text.strip_prefix('$').and_then(|text| text.split_once('$')) else { return Ok(None) };
        let phc = || Phc::read(&text[1 + id.len()..]);
        let argon = |variant| phc().and_then(|phc| Argon::read(variant, phc));
        let stored = match id {
            "argon2id" => argon(Algorithm::Argon2id),
            "argon2i" => argon(Algorithm::Argon2i),
            "argon2d" => argon(Algorithm::Argon2d),
            "2a" | "2b" | "2y" => Bcrypt::read(rest),
            "scrypt" => phc().and_then(Scrypt::read),
            _ => return Ok(None),
        };
        match stored {
            Some(stored) if stored.lengths().iter().all(|len| LENGTHS.contains(len)) => Ok(Some(stored)),
            _ => Err(malformed()),
        }
    }

    fn lengths(&self) -> [usize; 2] {
        match self {
            Self::Argon { salt, digest, .. } | Self::Scrypt { salt, digest, .. } => [salt.len(), digest.len()],
            Self::Bcrypt { bcrypt, digest } => [bcrypt.salt.len(), digest.len()],
        }
    }

    /// Bytes of memory that computing its digest takes.
    pub(crate) fn memory(&self) -> u64 {
        match self {
            Self::Argon { argon, .. } => u64::from(argon.memory) << 10,
            Self::Bcrypt { .. } => 0,
            Self::Scrypt { scrypt, .. } => scrypt.memory(),
        }
    }

    /// Refuses what takes more than so many bytes, or far more time than a login should.
    ///
    /// # Errors
    /// ERR_OUTPUT_TOO_LARGE.
    pub(crate) fn limit(&self, max_memory: u64) -> Result<()> {
        let too_much = |what: String| Err(EngineError::new(Code::OutputTooLarge, format!("The hash asks for {what}")));
        if self.memory() > max_memory {
            return too_much(format!("{} bytes of memory, and maxMemory is {max_memory}", self.memory()));
        }
        match self {
            Self::Argon { argon, .. } if u64::from(argon.memory) * u64::from(argon.passes) > MOST_OF_ARGON => too_much(
                format!("{} passes over {} KiB; their product may be {MOST_OF_ARGON}", argon.passes, argon.memory),
            ),
            Self::Bcrypt { bcrypt, .. } if bcrypt.cost > MOST_OF_BCRYPT => {
                too_much(format!("2^{} rounds of bcrypt; at most 2^{MOST_OF_BCRYPT} are done", bcrypt.cost))
            }
            Self::Scrypt { scrypt, .. }
                if scrypt.blocks() * u64::from(scrypt.r) * u64::from(scrypt.p) > MOST_OF_SCRYPT =>
            {
                too_much(format!(
                    "N r p of 2^{} {} {}; their product may be {MOST_OF_SCRYPT}",
                    scrypt.log_n, scrypt.r, scrypt.p
                ))
            }
            _ => Ok(()),
        }
    }
}

/// A hash that cannot be read.
pub(crate) fn malformed() -> EngineError {
    EngineError::invalid_data("The hash is malformed")
}

/// A hash that others may read.
pub(crate) fn unknown() -> EngineError {
    EngineError::invalid_data("The hash is of a kind that is not known here, or is malformed")
}

/// An error about what was kept: no client of the server's has caused it, and none is to learn that an account is a special one.
pub(crate) fn of_server(error: EngineError) -> EngineError {
    EngineError { of_call: true, ..error }
}
