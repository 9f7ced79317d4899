//! The registry: one kernel a file, one line here.
//!
//! Exports, types and the README's kernel table are generated from [`KERNELS`]. rustfmt does not see modules that a
//! macro declares, so `npm run format` names these files itself.
#![cfg_attr(not(any(test, feature = "test-kernels")), forbid(unsafe_code))]

use heavy_load_kernel::Kernel;

macro_rules! kernels {
    ($($(#[$attribute:meta])* $name:ident,)*) => {
        $($(#[$attribute])* mod $name;)*

        /// Every kernel, in the order of the documentation. A kernel's index is its number within one build.
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use heavy_load_kernel::value::{Options, Value};

    #[test]
    fn names_are_unique_identifiers_with_documentation() {
        for (i, kernel) in KERNELS.iter().enumerate() {
            let spec = kernel.spec();
            assert!(spec.name.starts_with(|c: char| c.is_ascii_lowercase()), "{}", spec.name);
            assert!(spec.name.chars().all(|c| c.is_ascii_alphanumeric()), "{}", spec.name);
            assert!(!spec.name.ends_with("Sync") && !spec.name.ends_with("Async"), "{}", spec.name);
            assert!(!spec.summary.is_empty() && !spec.docs.is_empty(), "{}", spec.name);
            assert!(KERNELS[i + 1..].iter().all(|other| other.spec().name != spec.name), "{}", spec.name);
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
