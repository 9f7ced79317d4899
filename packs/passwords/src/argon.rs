//! Argon2 (RFC 9106), all three variants. Its lanes are computed one after the other: a lane is no thread.

use argon2::{Argon2, Block, ParamsBuilder};
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::{Next, Result, Work};
use zeroize::Zeroize;

use crate::Then;
use crate::password::Password;
use crate::stored::Argon;

/// Work that computes a digest of `len` bytes; it cannot pause.
pub(crate) fn work(argon: Argon, password: Password, salt: Vec<u8>, len: usize, then: Then) -> Work {
    let mut then = Some(then);
    Work::one_shot(move || {
        let then = then.take().unwrap_or_else(|| unreachable!("it is called once"));
        let mut digest = vec![0; len];
        compute(&argon, &password, &salt, &mut digest)?;
        Ok(Next::Done(then(&digest)))
    })
}

fn compute(argon: &Argon, password: &Password, salt: &[u8], digest: &mut [u8]) -> Result<()> {
    let wrong = |error: argon2::Error| EngineError::invalid_data(format!("The hash cannot be used: {error}"));
    let mut params = ParamsBuilder::new();
    params.m_cost(argon.memory).t_cost(argon.passes).p_cost(argon.lanes).output_len(digest.len());
    params.keyid(argon.key_id).data(argon.data);
    let params = params.build().map_err(wrong)?;
    let mut blocks = blocks(params.block_count())?;
    let password = password.bytes()?;
    let function = Argon2::new(argon.variant, argon.version, params);
    let computed = function.hash_password_into_with_memory(&password, salt, digest, &mut blocks[..]);
    blocks.zeroize();
    computed.map_err(wrong)
}

fn blocks(count: usize) -> Result<Vec<Block>> {
    let mut blocks = vec![];
    blocks.try_reserve_exact(count).map_err(|_| EngineError::out_of_memory(count * Block::SIZE))?;
    blocks.resize(count, Block::new());
    Ok(blocks)
}
