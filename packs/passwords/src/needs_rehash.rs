//! `needsRehash`: whether a hash is weaker than those that are made now.

use argon2_rust::{Algorithm, Version};
use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Kernel, Next, Result, Spec, Work};

use crate::hash_password::{DIGEST, SALT};
use crate::policy::{OPTIONS, Policy};
use crate::stored::{Stored, of_server};
use crate::verify_password::hash;

pub(crate) struct NeedsRehash;

static SPEC: Spec = Spec::new("needsRehash")
    .summary("whether a password's hash should be made anew")
    .docs(
        "\
Whether a password should be hashed anew, at its next login: `hash` is of another algorithm than these options (or of none that is known
here), or has any parameter below theirs: also argon2's version before 19, a salt of less than 16 bytes, a digest of less than 32. Takes microseconds.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE; ERR_INVALID_DATA if the hash is malformed.",
    )
    .input("hash", "string")
    .output("boolean")
    .options(OPTIONS);

impl Kernel for NeedsRehash {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        let stored = hash(SPEC.input, &input).and_then(Stored::read).map_err(of_server)?;
        let policy = Policy::of(options)?;
        let weaker = is_weaker(stored.as_ref(), &policy);
        Ok(Work::one_shot(move || Ok(Next::Done(Value::Bool(weaker)))))
    }
}

fn is_weaker(stored: Option<&Stored>, policy: &Policy) -> bool {
    match (stored, policy) {
        (Some(Stored::Argon { argon, salt, digest }), Policy::Argon(wanted)) => {
            argon.variant != Algorithm::Argon2id
                || argon.version != Version::V0x13
                || argon.memory < wanted.memory
                || argon.passes < wanted.passes
                || argon.lanes < wanted.lanes
                || salt.len() < SALT
                || digest.len() < DIGEST
        }
        (Some(Stored::Bcrypt { bcrypt, .. }), Policy::Bcrypt { cost }) => bcrypt.cost < *cost,
        _ => true,
    }
}
