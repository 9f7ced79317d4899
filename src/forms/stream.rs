//! Streams of input: what their pieces are folded into. The pieces come by the pool form (`submitPiece`).

use napi::{Env, Result};
use napi_derive::napi;

use super::call;
use crate::env::instance::Instance;
use crate::js::failure;
use crate::js::value::RawValue;

#[napi]
impl Instance {
    /// Gives a slot what the pieces of a stream are folded into; checks the kernel's own options.
    #[napi]
    pub fn fold(
        &self,
        env: Env,
        kernel: u32,
        slot: u32,
        #[napi(ts_arg_type = "unknown")] options: RawValue,
    ) -> Result<()> {
        let fold = call::fold(&env, kernel, options)?;
        self.state.keep_fold(slot, fold).map_err(|error| failure::throw(&env, &error))
    }

    /// No more of a slot's stream comes.
    #[napi]
    pub fn unfold(&self, slot: u32) {
        self.state.drop_fold(slot);
    }
}
