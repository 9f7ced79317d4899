//! scrypt (RFC 7914), to verify what others have made; in steps of some blocks, so that it can stop.
//!
//! The library for it allocates by itself and ends the process where memory is refused, so its outer part is here, over a library's Salsa20/8
//! and PBKDF2.

use heavy_load_kernel::value::reserve_exact;
use heavy_load_kernel::{Next, Result, Step, Stepped, Work};
use pbkdf2::pbkdf2_hmac;
use salsa20::SalsaCore;
use salsa20::cipher::StreamCipherCore;
use salsa20::cipher::consts::U4;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::Then;
use crate::password::Password;
use crate::stored::Scrypt;

/// Words of a block of Salsa20.
const WORDS: usize = 16;

/// Work that computes a digest of `len` bytes; a block of 128 r bytes is a unit.
pub(crate) fn work(scrypt: Scrypt, password: Password, salt: Vec<u8>, len: usize, then: Then) -> Work {
    Work::stepped(Mixing { scrypt, password, salt, len, begun: None, then: Some(then) })
}

struct Mixing {
    scrypt: Scrypt,
    password: Password,
    salt: Vec<u8>,
    len: usize,
    begun: Option<Lanes>,
    then: Option<Then>,
}

/// Where it stands: lane by lane, first N blocks are written, then N are read.
struct Lanes {
    password: Zeroizing<Vec<u8>>,
    /// All lanes.
    words: Zeroizing<Vec<u32>>,
    /// The blocks of the lane that is computed.
    table: Zeroizing<Vec<u32>>,
    scratch: Zeroizing<Vec<u32>>,
    done: u64,
}

impl Stepped for Mixing {
    fn len(&self) -> u64 {
        2 * self.scrypt.blocks() * u64::from(self.scrypt.p)
    }

    fn first_morsel(&self) -> u64 {
        16
    }

    fn step(&mut self, units: u64) -> Result<Step> {
        let all = Stepped::len(self);
        let Self { scrypt, password, salt, begun, .. } = self;
        let lanes = match begun {
            Some(lanes) => lanes,
            begun => begun.insert(Lanes::begin(scrypt, password, salt)?),
        };
        let end = lanes.done.saturating_add(units).min(all);
        while lanes.done < end {
            lanes.mix(scrypt);
        }
        if end < all {
            return Ok(Step::More { progress: end as f64 / all as f64 });
        }
        let mut mixed = Zeroizing::new(zeros::<u8>(lanes.words.len() * 4)?);
        for (bytes, word) in mixed.chunks_exact_mut(4).zip(lanes.words.iter()) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        let mut digest = Zeroizing::new(vec![0; self.len]);
        pbkdf2_hmac::<Sha256>(&lanes.password, &mixed, 1, &mut digest);
        self.begun = None;
        let then = self.then.take().unwrap_or_else(|| unreachable!("it ends once"));
        Ok(Step::Done(Next::Done(then(&digest))))
    }
}

impl Lanes {
    fn begin(scrypt: &Scrypt, password: &Password, salt: &[u8]) -> Result<Self> {
        let lane = scrypt.words();
        let password = password.bytes()?;
        let mut bytes = Zeroizing::new(zeros::<u8>(lane * 4 * scrypt.p as usize)?);
        pbkdf2_hmac::<Sha256>(&password, salt, 1, &mut bytes);
        let mut words = Zeroizing::new(zeros(lane * scrypt.p as usize)?);
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let table = Zeroizing::new(room(lane * scrypt.blocks() as usize)?);
        Ok(Self { password, words, table, scratch: Zeroizing::new(zeros(lane)?), done: 0 })
    }

    /// One block more: scryptROMix of the RFC, a turn of one of its loops.
    fn mix(&mut self, scrypt: &Scrypt) {
        let (lane, blocks) = (scrypt.words(), scrypt.blocks());
        let (number, at) = (self.done / (2 * blocks), self.done % (2 * blocks));
        let block = &mut self.words[number as usize * lane..][..lane];
        if at < blocks {
            let from = at as usize * lane;
            match self.table.get_mut(from..from + lane) {
                Some(place) => place.copy_from_slice(block),
                // The first lane. There is room: memory that moves would leave a copy behind.
                None => self.table.extend_from_slice(block),
            }
        } else {
            // Integerify: N is a power of two, and fits 32 bits.
            let index = u64::from(block[lane - WORDS]) & (blocks - 1);
            for (word, other) in block.iter_mut().zip(&self.table[index as usize * lane..][..lane]) {
                *word ^= other;
            }
        }
        mix_block(block, &mut self.scratch);
        self.done += 1;
    }
}

/// scryptBlockMix.
fn mix_block(block: &mut [u32], scratch: &mut [u32]) {
    let (input, _) = block.as_chunks::<WORDS>();
    let half = input.len() / 2;
    let mut last = input[input.len() - 1];
    let (output, _) = scratch.as_chunks_mut::<WORDS>();
    for (index, part) in input.iter().enumerate() {
        for (word, other) in last.iter_mut().zip(part) {
            *word ^= other;
        }
        last = salsa(last);
        output[index / 2 + index % 2 * half] = last;
    }
    block.copy_from_slice(scratch);
}

/// Salsa20/8.
fn salsa(words: [u32; WORDS]) -> [u32; WORDS] {
    let mut bytes = salsa20::cipher::array::Array::default();
    SalsaCore::<U4>::from_raw_state(words).write_keystream_block(&mut bytes);
    let mut mixed = [0; WORDS];
    for (word, bytes) in mixed.iter_mut().zip(bytes.as_slice().as_chunks().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    bytes.zeroize();
    mixed
}

fn zeros<T: Clone + Default>(count: usize) -> Result<Vec<T>> {
    let mut zeros = room(count)?;
    zeros.resize(count, T::default());
    Ok(zeros)
}

fn room<T>(count: usize) -> Result<Vec<T>> {
    let mut room = vec![];
    reserve_exact(&mut room, count)?;
    Ok(room)
}
