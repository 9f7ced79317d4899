//! The kernels that are installed, by number.
//!
//! A number names a kernel for as long as the process runs: on every call, in JavaScript and in the engine's statistics. So
//! [`Registry::get`], which every call makes, takes no lock.
//!
//! Invariants:
//! 1. The numbers are 0 to `len() - 1`, in the order of installation. A kernel is never removed, and keeps its number.
//! 2. Names are unique, also with the endings of the other forms (`Sync`, `Async`).
//! 3. Of the kernels given to one [`Registry::install`], either all are installed, with numbers that follow each other, or none.
//! 4. Whoever knows a number, from [`Registry::install`], [`Registry::len`] or another thread that has it from there, finds its kernel.
#![forbid(unsafe_code)]

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::Kernel;

/// How many kernels a registry has room for. It is made at once, so that a look-up is one load.
pub(crate) const CAPACITY: usize = 1024;

/// A table to which kernels are appended.
#[derive(Debug)]
pub struct Registry {
    kernels: [OnceLock<&'static dyn Kernel>; CAPACITY],
    /// How many there are: raised only after the kernels have been put in.
    len: AtomicUsize,
    /// Held by the one that installs.
    installing: Mutex<()>,
}

/// Why kernels were not installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstallError {
    /// A name is no lower-case identifier of ASCII letters and digits, or ends as other forms' names do.
    Name(&'static str),
    /// There is a kernel of this name.
    Taken(&'static str),
    /// There is no room for so many.
    Full,
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "'{name}' is no name for a kernel"),
            Self::Taken(name) => write!(f, "There is a kernel '{name}' already"),
            Self::Full => write!(f, "There is no room for more than {CAPACITY} kernels"),
        }
    }
}

impl std::error::Error for InstallError {}

impl Registry {
    /// A registry without kernels.
    #[expect(clippy::new_without_default, reason = "it is to be a static")]
    pub const fn new() -> Self {
        Self { kernels: [const { OnceLock::new() }; CAPACITY], len: AtomicUsize::new(0), installing: Mutex::new(()) }
    }

    /// Appends kernels; gives their numbers.
    ///
    /// # Errors
    /// A name cannot be used, or there is no room; then none was installed.
    pub fn install(&self, kernels: &[&'static dyn Kernel]) -> Result<Range<u32>, InstallError> {
        let guard = self.installing.lock().unwrap_or_else(PoisonError::into_inner);
        let first = self.len();
        if kernels.len() > CAPACITY - first {
            return Err(InstallError::Full);
        }
        for (index, kernel) in kernels.iter().enumerate() {
            let name = kernel.spec().name;
            if !is_name(name) {
                return Err(InstallError::Name(name));
            }
            if self.find(name).is_some() || kernels[..index].iter().any(|other| other.spec().name == name) {
                return Err(InstallError::Taken(name));
            }
        }
        for (place, kernel) in self.kernels[first..].iter().zip(kernels) {
            // Empty, since only this fills it, under the lock.
            let _ = place.set(*kernel);
        }
        // Release: whoever reads this length finds the kernels.
        let end = first + kernels.len();
        self.len.store(end, Ordering::Release);
        drop(guard);
        Ok(first as u32..end as u32)
    }

    /// The kernel that has this number.
    pub fn get(&self, number: u32) -> Option<&'static dyn Kernel> {
        self.kernels.get(number as usize)?.get().copied()
    }

    /// The number of the kernel that has this name.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.iter().position(|kernel| kernel.spec().name == name).map(|number| number as u32)
    }

    /// How many kernels there are; not fewer later.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The kernels that there are now, by number.
    pub fn iter(&self) -> impl Iterator<Item = &'static dyn Kernel> + '_ {
        self.kernels[..self.len()].iter().filter_map(|kernel| kernel.get().copied())
    }
}

/// Whether all forms of a kernel of this name can be exports of a module.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|character| character.is_ascii_alphanumeric())
        && !name.ends_with("Sync")
        && !name.ends_with("Async")
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;
    use crate::value::{Options, Value};
    use crate::{Next, Result, Spec, Work};

    struct Named(Spec);

    impl Kernel for Named {
        fn spec(&self) -> &'static Spec {
            Box::leak(Box::new(self.0))
        }
        fn prepare(&self, _input: Value, _options: &Options) -> Result<Work> {
            Ok(Work::one_shot(|| Ok(Next::Done(Value::Undefined))))
        }
    }

    fn named(name: &str) -> &'static dyn Kernel {
        let name: &'static str = Box::leak(name.to_owned().into());
        Box::leak(Box::new(Named(Spec::new(name))))
    }

    fn name_of(registry: &Registry, number: u32) -> Option<&'static str> {
        registry.get(number).map(|kernel| kernel.spec().name)
    }

    // Invariant 1.
    #[test]
    fn numbers_follow_each_other_and_stay() {
        let registry = Registry::new();
        assert_eq!((registry.len(), registry.get(0).is_none()), (0, true));
        assert_eq!(registry.install(&[named("a"), named("b")]), Ok(0..2));
        assert_eq!(registry.install(&[]), Ok(2..2));
        assert_eq!(registry.install(&[named("c")]), Ok(2..3));
        assert_eq!(
            (0..4).map(|number| name_of(&registry, number)).collect::<Vec<_>>(),
            [Some("a"), Some("b"), Some("c"), None]
        );
        assert_eq!(registry.get(u32::MAX).map(|_| ()), None);
        assert_eq!((registry.find("b"), registry.find("d"), registry.iter().count()), (Some(1), None, 3));
    }

    // Invariants 2 and 3.
    #[test]
    fn of_kernels_with_one_that_cannot_be_installed_none_is() {
        let registry = Registry::new();
        registry.install(&[named("a")]).unwrap();
        for (kernels, error) in [
            ([named("b"), named("a")], InstallError::Taken("a")),
            ([named("b"), named("b")], InstallError::Taken("b")),
            ([named("b"), named("")], InstallError::Name("")),
            ([named("b"), named("B")], InstallError::Name("B")),
            ([named("b"), named("b-c")], InstallError::Name("b-c")),
            ([named("b"), named("bSync")], InstallError::Name("bSync")),
            ([named("b"), named("bAsync")], InstallError::Name("bAsync")),
        ] {
            assert_eq!(registry.install(&kernels), Err(error));
            assert_eq!((registry.len(), registry.get(1).is_none()), (1, true));
        }
    }

    #[test]
    fn it_can_be_full() {
        let registry = Registry::new();
        let kernels: Vec<_> = (0..CAPACITY).map(|number| named(&format!("k{number}"))).collect();
        assert_eq!(registry.install(&kernels[1..]), Ok(0..CAPACITY as u32 - 1));
        assert_eq!(registry.install(&[named("a"), named("b")]), Err(InstallError::Full));
        assert_eq!(registry.install(&[named("a")]), Ok(CAPACITY as u32 - 1..CAPACITY as u32));
        assert_eq!(registry.install(&[named("b")]), Err(InstallError::Full));
        assert_eq!(name_of(&registry, CAPACITY as u32 - 1), Some("a"));
    }

    // Invariant 4.
    #[test]
    fn threads_that_install_and_read_at_once_agree() {
        const THREADS: usize = 4;
        let (registry, start) = (Registry::new(), Barrier::new(THREADS + 1));
        let installs = |thread: usize| {
            start.wait();
            for round in 0..50 {
                let names = [0, 1].map(|part| format!("t{thread}r{round}p{part}"));
                let numbers = registry.install(&[named(&names[0]), named(&names[1])]).unwrap();
                for (number, name) in numbers.zip(&names) {
                    assert_eq!(name_of(&registry, number), Some(name.as_str()));
                }
            }
        };
        thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || installs(thread));
            }
            start.wait();
            while registry.len() < THREADS * 100 {
                let len = registry.len();
                assert!((0..len).all(|number| registry.get(number as u32).is_some()), "of {len}");
            }
        });
        assert_eq!(registry.iter().count(), THREADS * 100);
    }
}
