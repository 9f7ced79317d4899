//! `verifyPassword`: whether a password is the one of which a hash was kept.

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, OptionSpec, Result, Spec, Work};
use subtle::ConstantTimeEq;

use crate::password::{Password, wrong_type};
use crate::stored::{Stored, of_server, unknown};
use crate::{Then, argon, bcrypt, scrypt};

pub(crate) struct VerifyPassword;

static OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("hash", "string", "What was kept of the password.").of_server(),
    OptionSpec::new("maxMemory", "number", "Most bytes of memory that the hash may ask for. Default 256 MiB."),
];

static SPEC: Spec = Spec::new("verifyPassword")
    .summary("whether a password is the one of which a hash was kept: argon2, bcrypt, scrypt")
    .docs(
        "\
Whether `password` is the one of which `hash` was kept; compared in constant time. Reads argon2id, argon2i, argon2d and scrypt as PHC strings, and
bcrypt (2a, 2b, 2y), of which the first 72 bytes of a password count.

`password`: a string (its UTF-8, as TextEncoder makes it: all lone surrogates are alike), or bytes; at most 4 KiB.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_OUT_OF_MEMORY; ERR_INVALID_DATA if the hash is malformed or of another kind. What is about the hash is the server's: `offload` passes it on to `next`, and answers no client with it;
ERR_OUTPUT_TOO_LARGE, before any work, if it asks for more than `maxMemory`, over 622,592 KiB x passes (argon2), 2^16 rounds (bcrypt), or
N r p of 2^23 (scrypt). Stops within: argon2 at its end (20 to 30 ms with OWASP's parameters, and up to sixteen times that), bcrypt and scrypt
1 ms. Sources: RFC 9106, RFC 7914; Provos, Mazières, USENIX 1999.",
    )
    .input("password", "string | Bytes")
    .output("boolean")
    .options(OPTIONS);

const MAX_MEMORY: u64 = 256 << 20;

impl Kernel for VerifyPassword {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.check(input, options).map(|(work, _)| work)
    }

    fn check(&self, input: Value, options: &Options) -> Result<(Work, Estimate)> {
        let password = Password::take(input)?;
        let max_memory = options.integer("maxMemory", 0..=1 << 53, MAX_MEMORY)?;
        let stored = stored(options, max_memory).map_err(of_server)?;
        let estimate = Estimate { cost: 0, memory: stored.memory() };
        let work = match stored {
            Stored::Argon { argon, salt, digest } => argon::work(argon, password, salt, digest.len(), compare(digest)),
            Stored::Bcrypt { bcrypt, digest } => bcrypt::work(bcrypt, password, false, compare(digest)),
            Stored::Scrypt { scrypt, salt, digest } => {
                scrypt::work(scrypt, password, salt, digest.len(), compare(digest))
            }
        };
        Ok((work, estimate))
    }
}

fn stored(options: &Options, max_memory: u64) -> Result<Stored> {
    let stored = Stored::read(hash("options.hash", options.get("hash"))?)?.ok_or_else(unknown)?;
    stored.limit(max_memory)?;
    Ok(stored)
}

/// A hash as an argument. What was given is in no message.
pub(crate) fn hash<'a>(subject: &str, given: &'a Value) -> Result<&'a str> {
    match given {
        Value::String(text) => Ok(text),
        other => Err(wrong_type(subject, "of type string", other)),
    }
}

fn compare(kept: Vec<u8>) -> Then {
    Box::new(move |digest| Value::Bool(digest.ct_eq(&kept).into()))
}
