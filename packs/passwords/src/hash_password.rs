//! `hashPassword`: what a server keeps of a password.

use heavy_load_kernel::error::{Code, EngineError};
use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, Result, Spec, Work};

use crate::password::{MOST_OF_BCRYPT, Password, refused};
use crate::policy::{OPTIONS, Policy};
use crate::stored::Bcrypt;
use crate::{argon, bcrypt};

/// Bytes of a new digest of argon2's.
pub(crate) const DIGEST: usize = 32;
/// Bytes of a new salt.
pub(crate) const SALT: usize = 16;

pub(crate) struct HashPassword;

static SPEC: Spec = Spec::new("hashPassword")
    .summary("what to keep of a password: argon2id or bcrypt, with a random salt")
    .docs(
        "\
What to keep of a password: by argon2id (default; OWASP's parameters) as a PHC string, or by bcrypt as `$2b$...`. With a random salt of the
operating system's.

`password`: a string (its UTF-8, as TextEncoder makes it: all lone surrogates are alike), or bytes; at most 4 KiB. For bcrypt at most 72 bytes, and no NUL: it would not see what follows.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE (also for an option of the other algorithm), ERR_OUT_OF_RANGE, ERR_OUT_OF_MEMORY.
Working memory: `memoryCost`. Stops within: argon2id
at its end (20 to 30 ms by default), bcrypt 1 ms. Sources: RFC 9106; Provos, Mazières, USENIX 1999.",
    )
    .input("password", "string | Bytes")
    .output("string")
    .options(OPTIONS);

impl Kernel for HashPassword {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.check(input, options).map(|(work, _)| work)
    }

    fn check(&self, input: Value, options: &Options) -> Result<(Work, Estimate)> {
        let password = Password::take(input)?;
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt).map_err(no_random)?;
        Ok(match Policy::of(options)? {
            Policy::Argon(argon) => {
                let estimate = Estimate { cost: 0, memory: u64::from(argon.memory) << 10 };
                let kept = argon.clone();
                let then = Box::new(move |digest: &[u8]| Value::String(kept.text(&salt, digest)));
                (argon::work(argon, password, salt.to_vec(), DIGEST, then), estimate)
            }
            Policy::Bcrypt { cost } => {
                if password.len() > MOST_OF_BCRYPT {
                    return Err(refused("must be at most 72 bytes long for bcrypt, which does not see more"));
                }
                let bcrypt = Bcrypt { cost, salt };
                let then = Box::new(move |digest: &[u8]| Value::String(bcrypt.text(digest)));
                (bcrypt::work(bcrypt, password, true, then), Estimate::default())
            }
        })
    }
}

#[cold]
fn no_random(error: getrandom::Error) -> EngineError {
    EngineError::new(Code::Own("ERR_NO_RANDOM"), format!("The operating system gives no random bytes: {error}"))
}
