//! Kernels for passwords, one a file. What they share:
//!
//! - `password`: what is hashed, and how it is taken;
//! - `stored`: what is kept of a password, as text, and the limits of what is worked on;
//! - `argon`, `bcrypt`, `scrypt`: the three functions, each as work that gives a digest.
//!
//! Invariants:
//! 1. A password, and memory that was filled from it, is overwritten before it is given back.
//! 2. No message repeats a password or a hash, or a part of one.
//! 3. What a stored hash asks for is within the limits before any memory is taken or any work done for it.
#![forbid(unsafe_code)]

mod argon;
mod bcrypt;
mod hash_password;
mod needs_rehash;
mod password;
mod phc;
mod policy;
mod scrypt;
mod stored;
mod verify_password;

heavy_load_kernel::export_kernels!(
    hash_password::HashPassword,
    verify_password::VerifyPassword,
    needs_rehash::NeedsRehash,
);

/// What is done with a digest.
type Then = Box<dyn FnOnce(&[u8]) -> heavy_load_kernel::value::Value + Send>;

#[cfg(test)]
mod tests;
