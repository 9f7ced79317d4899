//! What the tests in JavaScript cannot see: how the work is cut.

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Kernel, Next, Step, Work};

use crate::verify_password::VerifyPassword;

/// Ends the work in steps of so many units.
fn in_steps_of(units: u64, password: &str, hash: &str) -> Value {
    let options = Options::new(vec![("hash", Value::String(hash.into()))]);
    let Work::Stepped(mut work) = VerifyPassword.prepare(Value::String(password.into()), &options).unwrap() else {
        unreachable!("it is stepped")
    };
    let mut last = 0.0;
    loop {
        match work.step(units).unwrap() {
            Step::More { progress } => {
                assert!(last < progress && progress < 1.0);
                last = progress;
            }
            Step::Done(Next::Done(value)) => return value,
            Step::Done(Next::Then(_)) => unreachable!("it has one phase"),
        }
    }
}

#[test]
fn however_it_is_cut_the_digest_is_the_same() {
    let hashes = [
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        // Python's hashlib.scrypt(b"secret", salt=b"somesalt", n=16, r=2, p=3, dklen=16)
        ("secret", "$scrypt$ln=4,r=2,p=3$c29tZXNhbHQ$23f/4ZETvfHdCvwbO9xSyQ"),
    ];
    for (password, hash) in hashes {
        for units in [1, 3, 7, 16, 1_000_000] {
            assert_eq!(in_steps_of(units, password, hash), Value::Bool(true), "{hash} by {units}");
            assert_eq!(in_steps_of(units, "another", hash), Value::Bool(false), "{hash} by {units}");
        }
    }
}
