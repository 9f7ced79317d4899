//! What lives on between calls: a compiled pattern, a dictionary.
#![forbid(unsafe_code)]

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Something that one call gives, that JavaScript holds, and that later calls take as their input or an option. It is dropped when JavaScript
/// has let go of it and no work uses it any more, on any thread.
/// ```
/// # use heavy_load_kernel::value::Resource;
/// let words = Resource::new("Dictionary", vec!["a".to_owned()]);
/// assert_eq!(words.get::<Vec<String>>().map(|words| words.len()), Some(1));
/// assert!(words.get::<String>().is_none());
/// ```
#[derive(Clone)]
pub struct Resource {
    name: &'static str,
    content: Arc<dyn Any + Send + Sync>,
}

impl Resource {
    /// A resource. JavaScript shows it by this name.
    pub fn new<T: Any + Send + Sync>(name: &'static str, content: T) -> Self {
        Self { name, content: Arc::new(content) }
    }

    /// As JavaScript shows it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it is made of, if that is of this type.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(&self.content).downcast().ok()
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resource({})", self.name)
    }
}

impl PartialEq for Resource {
    /// A resource is equal to itself alone.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.content, &other.content)
    }
}
