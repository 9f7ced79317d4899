//! One call's arguments on their way to a plug-in, and what it answers.

use std::borrow::Cow;
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use crate::error::{Code, EngineError};
use crate::plugin::abi;
use crate::plugin::elements::number_of;
use crate::value::{Raw, Resource, Value};
use crate::{Next, Result, Work};

/// What a plug-in is given by address, until the work that it made has been freed.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    texts: Vec<String>,
    memory: Vec<Arc<Raw>>,
    #[expect(clippy::vec_box, reason = "their addresses are passed")]
    resources: Vec<Box<Resource>>,
}

impl Inputs {
    /// The value as the plug-in sees it, which is there as long as these inputs.
    pub(super) fn pass(&mut self, value: Value) -> abi::Value {
        let (kind, value) = match value {
            Value::Undefined | Value::Input | Value::Buffer(_) | Value::Record(_) => return abi::Value::UNDEFINED,
            Value::Null => (abi::NULL, abi::As { number: 0.0 }),
            Value::Bool(value) => (abi::BOOLEAN, abi::As { boolean: value.into() }),
            Value::Number(number) => (abi::NUMBER, abi::As { number }),
            Value::String(text) => (abi::STRING, abi::As { text: self.keep(text) }),
            Value::Other(text) => (abi::OTHER, abi::As { text: self.keep(text) }),
            Value::Json(text) => (abi::JSON, abi::As { text: self.keep(text) }),
            Value::View(view) => {
                let element = if view.bare { abi::BUFFER } else { number_of(view.element) };
                let raw = Arc::new(Raw::new(view.memory));
                let memory = Arc::as_ptr(&raw).cast_mut().cast();
                self.memory.push(raw);
                return abi::Value { kind: abi::MEMORY, element, value: abi::As { memory } };
            }
            Value::Resource(resource) => {
                let resource = Box::new(resource);
                let address = ptr::from_ref::<Resource>(&resource).cast_mut().cast();
                self.resources.push(resource);
                (abi::RESOURCE, abi::As { resource: address })
            }
        };
        abi::Value { kind, element: 0, value }
    }

    /// Whether anything is passed by address.
    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.memory.is_empty() && self.resources.is_empty()
    }

    /// The bytes of a `String` stay where they are when it is moved.
    fn keep(&mut self, text: String) -> abi::Text {
        let address = abi::Text::new(&text);
        self.texts.push(text);
        address
    }
}

/// A resource of a plug-in's, as the host keeps it.
#[derive(Debug)]
pub(super) struct ForeignResource {
    pub(super) kind: *const abi::ResourceType,
    pub(super) content: *mut c_void,
    pub(super) free: Option<abi::Free>,
}

// SAFETY: the header says that a resource is used and freed by any thread.
unsafe impl Send for ForeignResource {}
// SAFETY: as above, and by several at once.
unsafe impl Sync for ForeignResource {}

impl Drop for ForeignResource {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: the plug-in gave the content with the function that frees it, and nobody else does (invariant 2).
            unsafe { free(self.content) };
        }
    }
}

/// What `hl_outcome` is to the host.
pub(super) struct Outcome {
    pub(super) given: Given,
    /// What was given before, of a result that is an object.
    pub(super) fields: Vec<(Cow<'static, str>, Value)>,
    pub(super) error: Option<EngineError>,
    /// The share that is done, of a step.
    pub(super) progress: f64,
    /// The name of the kernel's input, for messages.
    pub(super) input: &'static str,
    /// For work that follows.
    pub(super) inputs: Option<Arc<Inputs>>,
}

pub(super) enum Given {
    Value(Value),
    Work(Work),
}

impl Outcome {
    pub(super) fn new(input: &'static str, inputs: Option<Arc<Inputs>>) -> Self {
        Self { given: Given::Value(Value::Undefined), fields: vec![], error: None, progress: 0.0, input, inputs }
    }

    /// The address by which a plug-in knows it, during a call.
    pub(super) fn address(&mut self) -> *mut abi::Outcome {
        ptr::from_mut(self).cast()
    }

    /// An error if the plug-in has failed.
    pub(super) fn check(&mut self, status: i32) -> Result<()> {
        match self.error.take() {
            Some(error) => Err(error),
            None if status == abi::OK || status == abi::MORE => Ok(()),
            None => Err(EngineError::new(Code::KernelPanic, "The kernel failed without saying why")),
        }
    }

    /// What it gave when it was done.
    pub(super) fn next(mut self, status: i32) -> Result<Next> {
        self.check(status)?;
        Ok(match self.given {
            Given::Value(value) if self.fields.is_empty() => Next::Done(value),
            Given::Value(_) => Next::Done(Value::Record(self.fields)),
            Given::Work(work) => Next::Then(work),
        })
    }
}
