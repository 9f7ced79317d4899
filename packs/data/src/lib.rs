//! Kernels for data: `topK`.
//!
//! - `top_k`: the kernel; `metric`: how near two vectors are; `ranking`: the best of many, whatever the order in which they come.
#![forbid(unsafe_code)]

mod metric;
mod ranking;
mod top_k;

heavy_load_kernel::export_kernels!(top_k::TopK);
