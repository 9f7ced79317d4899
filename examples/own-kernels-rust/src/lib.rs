//! Kernels of one's own, in Rust: one of each shape, a kernel a file.
//!
//! - [`edit_distances`]: two phases; the second runs on all threads.
//! - [`mandelbrot`]: steps, into the caller's own buffer.
//! - [`dictionary`]: something that lives on between calls.
#![forbid(unsafe_op_in_unsafe_fn)]

pub mod dictionary;
pub mod edit_distances;
pub mod mandelbrot;

heavy_load_kernel::export_kernels!(
    edit_distances::EditDistances,
    mandelbrot::Mandelbrot,
    dictionary::CompileDictionary,
    dictionary::ClosestWords,
);
