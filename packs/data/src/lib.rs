//! Kernels for data: `convertTable`, `queryJson`, `topK`.
//!
//! - `convert_table`: the kernel; `table`: what it reads and writes.
//! - `query_json`: the kernel; `json`: reading and querying; `allocator`: what a query has taken.
//! - `escape`: text in JSON, for both.
//! - `top_k`: the kernel; `metric`: how near two vectors are; `ranking`: the best of many, whatever the order in which they come.

mod allocator;
mod convert_table;
mod escape;
mod json;
mod metric;
mod query_json;
mod ranking;
mod table;
mod top_k;

heavy_load_kernel::export_kernels!(convert_table::ConvertTable, query_json::QueryJson, top_k::TopK);
