//! Kernels for compression: `compress` and `decompress`. What they share:
//!
//! - `format`: which formats there are, and their levels;
//! - `codec`: what a format's codec does, as traits; `zlib` (gzip and deflate), `zstd` and `brotli` are the codecs, one a file;
//! - `sections`: input that is cut into sections, which threads encode at once; `joining`: their outputs, made into one;
//! - `decoding`: a decoder in steps, with its limits;
//! - `memory`: output that grows as the system gives memory.
//!
//! Invariants:
//! 1. What one section's encoder gives is whole bytes, and all of them in a row are one stream: so it does not matter who encodes which.
//! 2. A section is with one thread at a time, and what of it is encoded stays so: work that pauses goes on where it was.
//! 3. Codecs take memory when their work runs, and not before.
//! 4. Output is made as it is decoded, and never because a header says how much there will be.

mod brotli;
mod codec;
mod compress;
mod decoding;
mod decompress;
mod format;
mod joining;
mod memory;
mod sections;
#[cfg(test)]
mod tests;
mod zlib;
mod zstd;

heavy_load_kernel::export_kernels!(compress::Compress, decompress::Decompress);
