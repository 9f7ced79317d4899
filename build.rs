//! Tells the linker how an N-API addon is linked.

fn main() {
    napi_build::setup();
}
