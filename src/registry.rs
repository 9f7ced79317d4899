//! The kernels that the addon has, and what `lib/` and the generator of exports, types and documentation read of them.
//!
//! Invariants:
//! 1. There is one table in the process, which all environments share. The kernels of `heavy_load_kernels` are its first, from when
//!    the addon is loaded; others may be appended at any time.
//! 2. The rest of the addon knows kernels by their numbers alone, and finds them here.

use std::sync::Once;

use napi_derive::napi;

use heavy_load_kernel::error::{Code, EngineError};
use heavy_load_kernel::registry::{InstallError, Registry};
use heavy_load_kernel::{Kernel, OptionSpec, Result, Spec};
use heavy_load_kernels::KERNELS;

static REGISTRY: Registry = Registry::new();

/// Installs the kernels that come with the package. Called whenever an environment loads the addon, before anything else.
pub(crate) fn install_built_in() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        #[cfg(feature = "test-kernels")]
        let kernels = &plugged::built_in();
        #[cfg(not(feature = "test-kernels"))]
        let kernels = KERNELS;
        if let Err(error) = REGISTRY.install(kernels) {
            unreachable!("a test of theirs sees to it: {error}");
        }
    });
}

/// For tests: with HEAVY_LOAD_TEST_PLUGGED in the environment, the built-in kernels come through the border of plug-ins, so that every test of
/// theirs is one of that, too.
#[cfg(feature = "test-kernels")]
mod plugged {
    use super::{KERNELS, Kernel};
    use heavy_load_kernel::plugin::host::Plugin;
    use heavy_load_kernel::plugin::{abi, sdk};

    unsafe extern "C" fn entry(host: *const abi::Host) -> *const abi::Plugin {
        // SAFETY: passed on to the caller.
        unsafe { sdk::table("built in", KERNELS, host) }
    }

    pub(super) fn built_in() -> Vec<&'static dyn Kernel> {
        if std::env::var_os("HEAVY_LOAD_TEST_PLUGGED").is_none() {
            return KERNELS.to_vec();
        }
        // SAFETY: the SDK makes a table as the header has it, and this image stays loaded.
        let plugin = unsafe { Plugin::read(entry) };
        plugin.unwrap_or_else(|error| unreachable!("{error}")).kernels
    }
}

/// Installs one more kernel, once; gives its number. For tests of what follows from that.
#[cfg(feature = "test-kernels")]
#[napi]
pub fn install_later() -> napi::Result<u32> {
    let installed = REGISTRY.install(&[heavy_load_kernels::LATER]);
    installed.map(|numbers| numbers.start).map_err(|error| napi::Error::from_reason(error.to_string()))
}

/// Installs the kernels of a plug-in: all of them, or none.
pub(crate) fn install(kernels: &[&'static dyn Kernel]) -> std::result::Result<(), InstallError> {
    REGISTRY.install(kernels).map(drop)
}

/// The kernel that has this number.
pub(crate) fn kernel(number: u32) -> Result<&'static dyn Kernel> {
    REGISTRY
        .get(number)
        .ok_or_else(|| EngineError::new(Code::UnknownKernel, format!("There is no kernel with the number {number}")))
}

/// What `lib/` has to know of a kernel to call it.
#[napi(object)]
pub struct KernelFacts {
    pub name: String,
    /// What messages call its input.
    pub input: String,
    /// The names of its own options. To read them may run the caller's code.
    pub options: Vec<String>,
    /// Whether the pool form takes a stream, too.
    pub streams: bool,
    /// The largest N such that every integer from 0 to N is valid input; -1 if it takes none. Calls with these may be batched.
    pub accepts_integers_up_to: f64,
}

/// The kernels whose numbers are not below `first`, in the order of their numbers.
#[napi]
pub fn installed_kernels(first: u32) -> Vec<KernelFacts> {
    let facts = |spec: &Spec| KernelFacts {
        name: spec.name.into(),
        input: spec.input.into(),
        options: spec.options.iter().map(|option| option.name.into()).collect(),
        streams: spec.streams,
        accepts_integers_up_to: spec.accepts_integers_up_to.map_or(-1.0, |largest| largest as f64),
    };
    REGISTRY.iter().skip(first as usize).map(|kernel| facts(kernel.spec())).collect()
}

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
    /// Whether every call has to give it.
    pub required: bool,
}

/// Everything that the installed kernels say of themselves, by number: for help, documentation and types.
#[napi]
pub fn kernels() -> Vec<KernelSpec> {
    let option = |option: &OptionSpec| KernelOption {
        name: option.name.into(),
        ts_type: option.ts_type.into(),
        docs: option.docs.into(),
        required: option.required,
    };
    let spec = |spec: &Spec| KernelSpec {
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
    REGISTRY.iter().map(|kernel| spec(kernel.spec())).collect()
}

/// Every error code.
#[napi]
pub fn error_codes() -> Vec<&'static str> {
    Code::ALL.iter().map(|code| code.as_str()).collect()
}
