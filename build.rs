//! Tells the linker how an N-API addon is linked; nothing to do for the bare core.

fn main() {
    #[cfg(feature = "node")]
    napi_build::setup();
}
