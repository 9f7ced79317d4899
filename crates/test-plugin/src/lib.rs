//! The built-in kernels once more, as a plug-in: `heavyLoad` is `pluggedHeavyLoad` here, and so on. Tests run over both, and the
//! benchmark compares them.

use std::fmt;
use std::sync::OnceLock;

use heavy_load_kernel::plugin::{abi, sdk};
use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, Result, Spec, Work};
use heavy_load_kernels::KERNELS;

/// A kernel under another name.
struct Plugged {
    kernel: &'static dyn Kernel,
    spec: &'static Spec,
}

impl fmt::Debug for Plugged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spec.name)
    }
}

impl Plugged {
    fn new(kernel: &'static dyn Kernel) -> Self {
        let mut spec = *kernel.spec();
        let (first, rest) = spec.name.split_at(1);
        spec.name = String::leak(format!("plugged{}{rest}", first.to_ascii_uppercase()));
        Self { kernel, spec: Box::leak(Box::new(spec)) }
    }
}

impl Kernel for Plugged {
    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        self.kernel.prepare(input, options)
    }

    fn estimate(&self, input: &Value, options: &Options) -> Estimate {
        self.kernel.estimate(input, options)
    }
}

/// The entry of this plug-in.
///
/// # Safety
/// As `include/heavy_load.h` says: `host` is null or a host's table, for ever.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heavy_load_plugin_v1(host: *const abi::Host) -> *const abi::Plugin {
    static ALL: OnceLock<Vec<&'static dyn Kernel>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        KERNELS.iter().map(|kernel| Box::leak(Box::new(Plugged::new(*kernel))) as &'static dyn Kernel).collect()
    });
    // SAFETY: passed on to the caller.
    unsafe { sdk::table("plugged", all, host) }
}
