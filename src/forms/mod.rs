//! How kernels are called.
//!
//! - `call`: a call's arguments, and the memory they bring.
//! - `pool`: the pool form. `libuv`: the synchronous form and the AsyncTask form. `stream`: what streams of input are folded into.

pub(crate) mod call;
mod libuv;
pub(crate) mod pool;
mod stream;
