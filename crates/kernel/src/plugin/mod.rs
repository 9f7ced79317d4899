//! Plug-ins: kernels in dynamic libraries, behind a border of plain C types (`include/heavy_load.h`, version 1).
//!
//! | module | what it is |
//! |---|---|
//! | [`abi`] | the header in Rust, which is below `work` and so beside this module |
//! | [`host`] | the engine's side: [`host::Plugin::read`] checks a plug-in's table and makes a [`Kernel`](crate::Kernel) of each entry |
//! | [`sdk`] | a plug-in's side, for kernels in Rust: [`export_kernels!`](crate::export_kernels) makes the table of them |
//!
//! Both sides speak C alone, so they need not be built by the same compiler, nor with the same version of this crate, nor have the same
//! allocator or panic strategy.
//!
//! Invariants:
//! 1. No panic crosses: each function that the other side calls catches it, or cannot panic.
//! 2. What has been handed to the host (a state, a resource, memory) is freed by it exactly once, on every path.
//! 3. The host reads no more of a table than the table says that it has, and calls nothing that may be null without looking.
//! 4. A state's inputs are dropped after the state: so its texts, memory and resources are there as long as it is.
//! 5. A plug-in is never unloaded: its tables, texts and functions are `'static`.
//! 6. What a plug-in says is checked where it is plain data (types, ranges, lengths, names, codes, UTF-8). Where it is a pointer, it has to be
//!    believed.

mod elements;
pub mod host;
mod over;
pub mod sdk;
#[cfg(test)]
mod tests;
mod thin;

pub use crate::abi;
