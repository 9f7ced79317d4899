//! The kernels that come with the package: one a file, one line here.
//!
//! The addon installs [`KERNELS`] when it is loaded; exports, types and the README's kernel table are generated from them. rustfmt does not see modules that a
//! macro declares, so `npm run format` names these files itself.
#![cfg_attr(not(any(test, feature = "test-kernels")), forbid(unsafe_code))]

use heavy_load_kernel::Kernel;

macro_rules! kernels {
    ($($(#[$attribute:meta])* $name:ident,)*) => {
        $($(#[$attribute])* mod $name;)*

        /// Every kernel, in the order of the documentation.
        pub static KERNELS: &[&dyn Kernel] = &[$($(#[$attribute])* &$name::KERNEL,)*];
    };
}

kernels! {
    heavy_load,
    heavy_load_shared,
    spin,
    hash,
    sort,
    #[cfg(feature = "test-kernels")]
    misbehave,
    #[cfg(feature = "test-kernels")]
    hold,
    #[cfg(feature = "test-kernels")]
    keep,
    #[cfg(feature = "test-kernels")]
    record,
}

#[cfg(feature = "test-kernels")]
mod later;

/// A kernel that a test installs at run time.
#[cfg(feature = "test-kernels")]
pub static LATER: &dyn Kernel = &later::KERNEL;

#[cfg(test)]
mod tests {
    use super::*;
    use heavy_load_kernel::registry::Registry;
    use heavy_load_kernel::value::{Options, Value};

    #[test]
    fn can_be_installed_together() {
        assert_eq!(Registry::new().install(KERNELS), Ok(0..KERNELS.len() as u32));
    }

    #[test]
    fn have_documentation() {
        for kernel in KERNELS {
            let spec = kernel.spec();
            assert!(!spec.summary.is_empty() && !spec.docs.is_empty(), "{}", spec.name);
            for option in spec.options {
                assert!(!option.docs.is_empty(), "{}.{}", spec.name, option.name);
            }
        }
    }

    #[test]
    fn integers_that_are_sure_to_be_taken_are() {
        let kernels =
            KERNELS.iter().filter_map(|kernel| kernel.spec().accepts_integers_up_to.map(|largest| (kernel, largest)));
        for (kernel, largest) in kernels {
            assert!(largest < 1 << 53, "{kernel:?}: a number holds it exactly");
            for integer in [0, 1, largest / 2, largest] {
                let prepared = kernel.prepare(Value::Number(integer as f64), &Options::default());
                assert!(prepared.is_ok(), "{kernel:?} takes {integer}");
            }
        }
    }
}
