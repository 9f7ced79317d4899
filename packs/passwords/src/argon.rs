//! Argon2 (RFC 9106), all three variants. Its lanes are computed one after the other: a lane is no thread.

use argon2_rust::params::{Memory, TagLen};
use argon2_rust::{Argon2, Error, Params};
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::{Next, Result, Work};
use zeroize::Zeroizing;

use crate::Then;
use crate::password::Password;
use crate::stored::Argon;

/// Work that computes a digest of `len` bytes; it cannot pause.
pub(crate) fn work(argon: Argon, password: Password, salt: Vec<u8>, len: usize, then: Then) -> Work {
    let mut then = Some(then);
    Work::one_shot(move || {
        let then = then.take().unwrap_or_else(|| unreachable!("it is called once"));
        let mut digest = Zeroizing::new(vec![0; len]);
        compute(&argon, &password, &salt, &mut digest)?;
        Ok(Next::Done(then(&digest)))
    })
}

fn compute(argon: &Argon, password: &Password, salt: &[u8], digest: &mut [u8]) -> Result<()> {
    let wrong = |error| match error {
        Error::MemoryAllocationError => EngineError::out_of_memory((argon.memory as usize) << 10),
        other => EngineError::invalid_data(format!("The hash cannot be used: {other}")),
    };
    let params = Params::builder().memory(Memory::kib(argon.memory.into())).passes(argon.passes).lanes(argon.lanes);
    let params = params.tag_len(TagLen::bytes(digest.len() as u64)).build().map_err(wrong)?;
    let function = Argon2::new(argon.variant, argon.version, params);
    function.hash_into_with_ad(&password.bytes()?, salt, &[], &argon.data, digest).map_err(wrong)
}
