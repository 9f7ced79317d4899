//! Kernels for images, one a file; a folder a format. What they share:
//!
//! - `header`: what an image says of itself before it is decoded;
//! - `input`, `pixels`: the bytes that come in, and what they are decoded to;
//! - `request`, `geometry`: what a caller wants, and what that makes of an image's size;
//! - `pipeline`: decoding, scaling, turning and encoding, each as work of its own.
//!
//! Invariants:
//! 1. Nothing is allocated by what an input says before its pixels were counted against the limit; and whatever is as large as an
//!    image is asked for so that a refusal is an error.
//! 2. No codec has threads of its own, keeps anything between calls, or reads past its input.
//! 3. Every loop over an input ends with it, and is cut into steps by what it costs, not by what the input says.

mod fail;
#[cfg(test)]
mod fuzz;
mod geometry;
mod gif;
mod header;
mod image_info;
mod input;
mod jpeg;
mod orientation;
mod pipeline;
mod pixels;
mod png;
mod request;
mod resize_image;
mod webp;

heavy_load_kernel::export_kernels!(resize_image::ResizeImage, image_info::ImageInfo);
