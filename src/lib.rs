//! The addon: the one crate that names napi. Arrows point one way, here and between the crates:
//!
//! ```text
//! forms ──> env ──> js            heavy-load ──> engine, kernels ──> kernel
//!   └─────> registry              plugins ──> registry, js
//!                                 constants: reads all of them
//! ```
//!
//! - [`js`]: JavaScript's values in Rust.
//! - [`env`]: what ends with an environment: the way back of completions.
//! - [`forms`]: how kernels are called.
//! - `plugins`: kernels in dynamic libraries, which it opens and installs in the registry.
//! - `constants`: the numbers that `lib/` knows too.
//! - `registry`: the kernels that are installed, for the forms, for JavaScript and for the generator.
//!
//! Invariants:
//! 1. Promises are made and settled in JavaScript; Rust names a task by its *slot*, a number that JavaScript gives out and takes
//!    back when the completion has arrived.
//! 2. Memory that a task borrows from JavaScript is pinned from `submit` to the completion, which comes after the task's
//!    work has been dropped (engine invariant 3). An environment does not end before that.
//! 3. Everything that holds a `napi_env` or a `napi_ref` stays on its own JavaScript thread; other threads hold a
//!    [`env::mailbox::Mailbox`].
//! 4. Failures leave as thrown plain objects `{ code, message, retryAfter, ofCall }`; `lib/` makes errors of them.
#![expect(clippy::too_many_arguments, reason = "an object would cost a look-up a field, on every task")]
#![expect(
    unreachable_pub,
    missing_debug_implementations,
    reason = "napi-rs wants `pub`; nothing here leaves the crate in Rust"
)]

mod constants;
mod env;
mod forms;
mod js;
mod plugins;
mod registry;

use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;

/// Runs once an environment, when the addon is loaded.
#[napi(module_exports)]
pub fn load(_exports: Object, env: Env) -> Result<()> {
    registry::install_built_in();
    js::intrinsics::keep(&env)
}
