//! What kernels and codes there are, for `lib/` and for the generator of exports, types and documentation.

use napi_derive::napi;

use heavy_load_kernel::error::Code;
use heavy_load_kernels::KERNELS;

#[napi(object)]
pub struct KernelSpec {
    pub name: String,
    pub summary: String,
    pub docs: String,
    pub type_parameter: String,
    pub input: String,
    pub input_type: String,
    /// Whether the pool form takes a stream, too.
    pub streams: bool,
    pub output_type: String,
    pub options: Vec<KernelOption>,
}

#[napi(object)]
pub struct KernelOption {
    pub name: String,
    pub ts_type: String,
    pub docs: String,
}

/// Every kernel; its place in the list is its number.
#[napi]
pub fn kernels() -> Vec<KernelSpec> {
    let option = |option: &heavy_load_kernel::OptionSpec| KernelOption {
        name: option.name.into(),
        ts_type: option.ts_type.into(),
        docs: option.docs.into(),
    };
    let spec = |spec: &heavy_load_kernel::Spec| KernelSpec {
        name: spec.name.into(),
        summary: spec.summary.into(),
        docs: spec.docs.into(),
        type_parameter: spec.type_parameter.into(),
        input: spec.input.into(),
        input_type: spec.input_type.into(),
        streams: spec.streams,
        output_type: spec.output_type.into(),
        options: spec.options.iter().map(option).collect(),
    };
    KERNELS.iter().map(|kernel| spec(kernel.spec())).collect()
}

/// The names alone: what `lib/` needs at start.
#[napi]
pub fn kernel_names() -> Vec<&'static str> {
    KERNELS.iter().map(|kernel| kernel.spec().name).collect()
}

/// By the kernel's number, the largest of the integers from 0 on that it is sure to take; -1 if it takes none.
#[napi]
pub fn kernel_integers() -> Vec<f64> {
    KERNELS.iter().map(|kernel| kernel.spec().accepts_integers_up_to.map_or(-1.0, |largest| largest as f64)).collect()
}

/// Every error code.
#[napi]
pub fn error_codes() -> Vec<&'static str> {
    Code::ALL.iter().map(|code| code.as_str()).collect()
}

/// By number: the names of a kernel's own options. To read them may run the caller's code.
#[napi]
pub fn kernel_options() -> Vec<Vec<&'static str>> {
    KERNELS.iter().map(|kernel| kernel.spec().options.iter().map(|option| option.name).collect()).collect()
}

/// By number: whether a kernel takes streams.
#[napi]
pub fn kernel_streams() -> Vec<bool> {
    KERNELS.iter().map(|kernel| kernel.spec().streams).collect()
}
