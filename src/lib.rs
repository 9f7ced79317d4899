//! heavy-load keeps a Node.js server quick while it does heavy work.
//!
//! The crate map; arrows point one way, and nothing points at `binding`:
//!
//! ```text
//! binding ──> engine ──> kernel ──> value, error
//!        └──> kernels ─────┘
//! ```
//!
//! - [`error`]: the error type and its codes, the one place where codes are born.
//! - [`value`]: what crosses the border between JavaScript and a kernel.
//! - [`kernel`]: the contract between the engine and a kernel; knows neither rayon nor N-API.
//! - [`fold`]: work over input that comes in pieces.
//! - [`engine`]: pools, scheduling, cancellation, statistics; knows kernels only by the contract.
//! - [`kernels`]: one kernel a file, and their registry.
//! - `binding`: the only folder that names napi, behind the default feature `node`.

#[cfg(feature = "node")]
mod binding;
pub mod engine;
pub mod error;
pub mod fold;
pub mod kernel;
pub mod kernels;
pub mod value;
