//! What a kernel in safe Rust cannot do with memory, by number of the module's invariants (`memory`). Read by the documentation's tests
//! alone, which check that each example does not compile; those without a mark are its nearest relatives, which do. That it fails for
//! the reason given is checked by nightly compilers, or with RUSTC_BOOTSTRAP=1 set.
//!
//! Two `Exclusive`s of one memory (5).
//! ```
//! # use heavy_load_kernel::value::Memory;
//! fn take(memory: Memory) {
//!     let first = memory.into_exclusive::<u32>();
//! }
//! ```
//! ```compile_fail,E0382
//! # use heavy_load_kernel::value::Memory;
//! fn take(memory: Memory) {
//!     let first = memory.into_exclusive::<u32>();
//!     let second = memory.into_exclusive::<u32>();
//! }
//! ```
//! ```compile_fail,E0599
//! # use heavy_load_kernel::value::Memory;
//! fn take(memory: Memory) {
//!     let first = memory.clone().into_exclusive::<u32>();
//! }
//! ```
//! ```compile_fail,E0599
//! # use heavy_load_kernel::value::Exclusive;
//! fn take(exclusive: Exclusive<u32>) {
//!     let second = exclusive.clone();
//! }
//! ```
//! A `Shared` or a `Bytes` beside an `Exclusive` (5).
//! ```compile_fail,E0382
//! # use heavy_load_kernel::value::Memory;
//! fn take(memory: Memory) {
//!     let shared = memory.into_shared::<u32>();
//!     let exclusive = memory.into_exclusive::<u32>();
//! }
//! ```
//! ```compile_fail,E0382
//! # use heavy_load_kernel::value::View;
//! fn take(view: View) {
//!     let bytes = view.into_bytes();
//!     let exclusive = view.memory.into_exclusive::<u32>();
//! }
//! ```
//! Shared memory that is called moved: how memory was handed over is not a kernel's to say (5).
//! ```
//! # use heavy_load_kernel::value::{Memory, Owned};
//! fn relabel(owned: Owned) -> Memory {
//!     Memory::owned(owned)
//! }
//! ```
//! ```compile_fail,E0423
//! # use heavy_load_kernel::value::{Memory, Owned};
//! fn relabel(owned: Owned) -> Memory {
//!     Memory(owned)
//! }
//! ```
//! ```compile_fail,E0616
//! # use heavy_load_kernel::value::Memory;
//! fn relabel(memory: Memory) {
//!     let place = memory.0;
//! }
//! ```
//! ```compile_fail,E0133
//! # use {heavy_load_kernel::value::{Loan, Memory}, std::sync::Arc};
//! fn relabel(start: *mut u8, loan: Arc<Loan>) -> Memory {
//!     Memory::moved(start, 8, loan)
//! }
//! ```
//! Memory that is touched before it is the kernel's (4).
//! ```compile_fail,E0133
//! # use heavy_load_kernel::value::Loan;
//! fn open(loan: &Loan) {
//!     loan.open();
//! }
//! ```
//! A slice that outlives what keeps its memory (3). What may be kept is the `Bytes`, which holds the loan.
//! ```
//! # use {heavy_load_kernel::value::Bytes, std::sync::Mutex};
//! static KEPT: Mutex<Vec<Bytes>> = Mutex::new(vec![]);
//! fn keep(bytes: Bytes) {
//!     KEPT.lock().unwrap().push(bytes);
//! }
//! ```
//! ```compile_fail,E0597
//! # use {heavy_load_kernel::value::Bytes, std::sync::Mutex};
//! static KEPT: Mutex<Vec<&'static [u8]>> = Mutex::new(vec![]);
//! fn keep(bytes: Bytes, scratch: &'static mut Vec<u8>) {
//!     KEPT.lock().unwrap().push(bytes.read(0..1, scratch).unwrap());
//! }
//! ```
//! ```compile_fail,E0505
//! # use heavy_load_kernel::value::{Exclusive, Parts};
//! fn outlive(parts: Parts<u32>) -> Exclusive<u32> {
//!     let part = parts.take(0);
//!     let whole = parts.into_whole();
//!     part[0] = 1;
//!     whole
//! }
//! ```
