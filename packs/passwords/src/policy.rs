//! How passwords are to be hashed: the options of `hashPassword`, which `needsRehash` compares with.

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{OptionSpec, Result};

use crate::stored::{Argon, MOST_OF_ARGON, MOST_OF_BCRYPT};

pub(crate) enum Policy {
    Argon(Argon),
    Bcrypt { cost: u32 },
}

pub(crate) static OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("algorithm", "'argon2id' | 'bcrypt'", "Default 'argon2id'."),
    OptionSpec::new(
        "memoryCost",
        "number",
        "Of argon2id: memory in KiB, 8..262144, and at least 8 for each lane. Default 19456 (OWASP).",
    ),
    OptionSpec::new(
        "timeCost",
        "number",
        "Of argon2id: passes over the memory, from 1; times `memoryCost` at most 622,592. Default 2.",
    ),
    OptionSpec::new("parallelism", "number", "Of argon2id: lanes, 1..255; they are no threads. Default 1."),
    OptionSpec::new("cost", "number", "Of bcrypt: log2 of the number of rounds, 4..16. Default 12."),
];

impl Policy {
    pub(crate) fn of(options: &Options) -> Result<Self> {
        let is_bcrypt = options.choice("algorithm", &[("argon2id", false), ("bcrypt", true)])?;
        // One who gives them believes that they count.
        let (unused, algorithm): (&[_], _) =
            if is_bcrypt { (&["memoryCost", "timeCost", "parallelism"], "argon2id") } else { (&["cost"], "bcrypt") };
        for name in unused {
            let value = options.get(name);
            if *value != Value::Undefined {
                let reason = format!("is of {algorithm}: options.algorithm must be '{algorithm}'");
                return Err(EngineError::invalid_value(&format!("options.{name}"), &reason, value));
            }
        }
        if is_bcrypt {
            return Ok(Self::Bcrypt { cost: options.integer("cost", 4..=u64::from(MOST_OF_BCRYPT), 12)? as u32 });
        }
        let memory = options.integer("memoryCost", 8..=262_144, 19_456)?;
        let passes = options.integer("timeCost", 1..=MOST_OF_ARGON / 8, 2)?;
        let lanes = options.integer("parallelism", 1..=255, 1)?;
        if memory * passes > MOST_OF_ARGON {
            let expected =
                format!("<= {} with a memoryCost of {memory}: verifyPassword does no more", MOST_OF_ARGON / memory);
            return Err(EngineError::out_of_range("options.timeCost", &expected, passes as f64));
        }
        if memory < 8 * lanes {
            let expected = format!(">= {}, eight times the parallelism", 8 * lanes);
            return Err(EngineError::out_of_range("options.memoryCost", &expected, memory as f64));
        }
        Ok(Self::Argon(Argon::new(memory as u32, passes as u32, lanes as u32)))
    }
}
