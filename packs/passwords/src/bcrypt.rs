//! bcrypt (Provos, Mazières: "A Future-Adaptable Password Scheme", USENIX 1999), over a library's Blowfish; in steps of some rounds, so that it
//! can stop.

use blowfish::Blowfish;
use byteorder::BE;
use heavy_load_kernel::{Next, Result, Step, Stepped, Work};
use zeroize::Zeroizing;

use crate::Then;
use crate::password::{MOST_OF_BCRYPT, Password, refused};
use crate::stored::Bcrypt;

/// Bytes of a digest: the last of the 24 that are computed is not kept.
pub(crate) const DIGEST: usize = 23;
/// Bytes of a salt.
pub(crate) const SALT: usize = 16;

/// "OrpheanBeholderScryDoubt"
const TEXT: [u32; 6] = [0x4f72_7068, 0x6561_6e42, 0x6568_6f6c, 0x6465_7253, 0x6372_7944, 0x6f75_6274];

/// Work that computes a digest; a round is a unit. `is_new`: of a password that may have no NUL, at which C's programs end.
pub(crate) fn work(bcrypt: Bcrypt, password: Password, is_new: bool, then: Then) -> Work {
    Work::stepped(Rounds { bcrypt, password, is_new, begun: None, done: 0, then: Some(then) })
}

struct Rounds {
    bcrypt: Bcrypt,
    password: Password,
    is_new: bool,
    begun: Option<(Blowfish<BE>, Zeroizing<Vec<u8>>)>,
    done: u64,
    then: Option<Then>,
}

impl Stepped for Rounds {
    fn len(&self) -> u64 {
        1 << self.bcrypt.cost
    }

    fn step(&mut self, units: u64) -> Result<Step> {
        let salt = self.bcrypt.salt;
        let (blowfish, key) = match &mut self.begun {
            Some(begun) => begun,
            begun => {
                let bytes = self.password.bytes()?;
                if self.is_new && bytes.contains(&0) {
                    return Err(refused("must have no NUL for bcrypt, which may end there"));
                }
                let key = key(&bytes);
                let mut blowfish = Blowfish::bc_init_state();
                blowfish.salted_expand_key(&salt, &key);
                begun.insert((blowfish, key))
            }
        };
        let end = self.done.saturating_add(units).min(1 << self.bcrypt.cost);
        for _ in self.done..end {
            blowfish.bc_expand_key(key);
            blowfish.bc_expand_key(&salt);
        }
        self.done = end;
        if end < 1 << self.bcrypt.cost {
            return Ok(Step::More { progress: end as f64 / (1_u64 << self.bcrypt.cost) as f64 });
        }
        let mut text = Zeroizing::new(TEXT);
        for pair in text.chunks_exact_mut(2) {
            for _ in 0..64 {
                pair.copy_from_slice(&blowfish.bc_encrypt([pair[0], pair[1]]));
            }
        }
        let digest = Zeroizing::new(text.map(u32::to_be_bytes));
        let then = self.then.take().unwrap_or_else(|| unreachable!("it ends once"));
        Ok(Step::Done(Next::Done(then(&digest.as_flattened()[..DIGEST]))))
    }
}

/// A password with the NUL that ends it in C; of all that, no more than 72 bytes count.
fn key(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(MOST_OF_BCRYPT));
    key.extend(password.iter().copied().chain([0]).take(MOST_OF_BCRYPT));
    key
}
