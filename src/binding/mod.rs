//! The N-API border: the only folder that names napi.
//!
//! - `call`: a call's arguments, and the memory they bring. `external`: results without a copy.
//! - `convert`: JavaScript values to and from [`crate::value`].
//! - `failure`: engine errors as what `lib/errors.js` makes real errors of.
//! - `pinned`: JavaScript values that Rust refers to.
//! - `environment`: what an environment has once.
//! - `port`: the way back of completions, and all that ends with the environment. `mailbox`: what other threads hold of it.
//!   `wake`: the threadsafe function between the two. `ledger`: how callers were told that their tasks ended.
//! - `pool`: the pool form. `inline`: the synchronous form and the AsyncTask form.
//! - `registry`: what kernels there are, for JavaScript and for the generator.
//!
//! Invariants:
//! 1. Promises are made and settled in JavaScript; Rust names a task by its *slot*, a number that JavaScript gives out and takes
//!    back when the completion has arrived.
//! 2. Memory that a task borrows from JavaScript is pinned from `submit` to the completion, which comes after the task's
//!    work has been dropped (engine invariant 3). An environment does not end before that.
//! 3. Everything that holds a `napi_env` or a `napi_ref` stays on its own JavaScript thread; other threads hold a
//!    [`mailbox::Mailbox`].
//! 4. Failures leave as thrown plain objects `{ code, message, retryAfter }`; `lib/` makes errors of them.
#![expect(clippy::too_many_arguments, reason = "an object would cost a look-up a field, on every task")]
#![expect(
    unreachable_pub,
    missing_debug_implementations,
    reason = "napi-rs wants `pub`; nothing here leaves the crate in Rust"
)]

mod call;
mod convert;
mod environment;
mod external;
mod failure;
mod inline;
mod ledger;
mod mailbox;
mod pinned;
mod pool;
mod port;
mod registry;
mod wake;

use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;

/// Runs once an environment, when the addon is loaded.
#[napi(module_exports)]
pub fn load(_exports: Object, env: Env) -> Result<()> {
    external::keep_constructor(&env)
}
