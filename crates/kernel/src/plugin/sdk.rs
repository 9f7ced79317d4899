//! A plug-in's side of the border, for kernels in Rust. It is used through [`export_kernels!`](crate::export_kernels).
//!
//! A kernel sees what it would see if it were built in: the same values, options, memory and errors, but for two things. Its input by
//! copy is memory of the host's, so that [`Memory::into_owned`] gives nothing. And streams are not handed to plug-ins in version 1.

use std::any::Any;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::slice;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::abi;
use super::elements::{element_of, number_of};
use super::over::over;
use crate::error::{Code, EngineError};
use crate::value::{Loan, Memory, Options, Owned, Resource, Value, View, decode_utf8};
pub use crate::work::{ThinParallel, ThinStepped};
use crate::{Estimate, Kernel, Next, Result, Takes, Work};

/// Exports kernels as a plug-in: one call a dynamic library (`crate-type = ["cdylib"]`).
/// ```
/// use heavy_load_kernel::value::{Options, Value};
/// use heavy_load_kernel::{Kernel, Next, Result, Spec, Work, export_kernels};
///
/// struct Double;
///
/// static SPEC: Spec = Spec::new("double").input("number", "number").output("number").docs("Twice the number.");
///
/// impl Kernel for Double {
///     fn spec(&self) -> &'static Spec {
///         &SPEC
///     }
///
///     fn prepare(&self, input: Value, _options: &Options) -> Result<Work> {
///         let number = input.number(SPEC.input)?;
///         Ok(Work::one_shot(move || Ok(Next::Done(Value::Number(2.0 * number)))))
///     }
/// }
///
/// export_kernels!(Double);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_kernels {
    ($($kernel:expr),+ $(,)?) => {
        /// The entry of this plug-in.
        ///
        /// # Safety
        /// As `include/heavy_load.h` says: `host` is null or a host's table, for ever.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn heavy_load_plugin_v1(
            host: *const $crate::plugin::abi::Host,
        ) -> *const $crate::plugin::abi::Plugin {
            static KERNELS: &[&dyn $crate::Kernel] = &[$(&$kernel),+];
            // SAFETY: passed on to the caller.
            unsafe { $crate::plugin::sdk::table(env!("CARGO_PKG_NAME"), KERNELS, host) }
        }
    };
}

/// The host's functions, as soon as it has asked for the table.
static HOST: OnceLock<&'static abi::Host> = OnceLock::new();

pub(super) fn host() -> &'static abi::Host {
    HOST.get().unwrap_or_else(|| unreachable!("the host has asked for the table before it calls anything"))
}

/// The table of these kernels, made for ever; null for a host of another version.
///
/// # Safety
/// `host` is null or a host's table, for ever.
pub unsafe fn table(name: &'static str, kernels: &'static [&dyn Kernel], host: *const abi::Host) -> *const abi::Plugin {
    // SAFETY: passed on to the caller.
    let Some(host) = (unsafe { host.as_ref() }) else { return ptr::null() };
    if host.abi != abi::ABI || (host.size as usize) < size_of::<abi::Host>() {
        return ptr::null();
    }
    // Of two copies of heavy-load in a process, the first has it: each would take the other's outcomes and memory for its own.
    if !ptr::eq(*HOST.get_or_init(|| host), host) {
        return ptr::null();
    }
    // Asserted: a kernel's `spec` that panics leaves nothing half done, as no table is made.
    let made = catch_unwind(AssertUnwindSafe(|| {
        let entries: Vec<abi::Kernel> = kernels.iter().map(entry).collect();
        let table = abi::Plugin {
            abi: abi::ABI,
            size: size_of::<abi::Plugin>() as u32,
            name: abi::Text::new(name),
            kernels: entries.as_ptr(),
            kernel_count: entries.len(),
            kernel_size: size_of::<abi::Kernel>(),
        };
        entries.leak();
        ptr::from_ref(Box::leak(Box::new(table)))
    }));
    made.unwrap_or(ptr::null())
}

fn entry(kernel: &'static &'static dyn Kernel) -> abi::Kernel {
    let spec = kernel.spec();
    let options = spec.options.iter().map(|option| abi::OptionSpec {
        name: abi::Text::new(option.name),
        docs: abi::Text::new(option.docs),
        ts_type: abi::Text::new(option.ts_type),
        kind: match option.takes {
            Takes::Plain => abi::OPTION_ANY,
            Takes::Json => abi::OPTION_JSON,
            Takes::Numbers => abi::OPTION_MEMORY,
        },
        required: u32::from(option.required) + u32::from(option.of_server),
        minimum: 0.0,
        maximum: 0.0,
        fallback: f64::NAN,
        choices: ptr::null(),
        choice_count: 0,
        resource: ptr::null(),
    });
    let options: &'static [abi::OptionSpec] = options.collect::<Vec<_>>().leak();
    let integers = spec.accepts_integers_up_to.map_or(0, |_| abi::INTEGERS);
    abi::Kernel {
        size: size_of::<abi::Kernel>() as u32,
        flags: integers | if spec.in_place { abi::IN_PLACE } else { 0 },
        name: abi::Text::new(spec.name),
        summary: abi::Text::new(spec.summary),
        docs: abi::Text::new(spec.docs),
        input_name: abi::Text::new(spec.input),
        input_type: abi::Text::new(spec.input_type),
        output_type: abi::Text::new(spec.output_type),
        type_parameter: abi::Text::new(spec.type_parameter),
        accepts_integers_up_to: spec.accepts_integers_up_to.unwrap_or(0),
        options: options.as_ptr(),
        option_count: options.len(),
        option_size: size_of::<abi::OptionSpec>(),
        user: ptr::from_ref(kernel).cast_mut().cast(),
        prepare: Some(prepare),
        estimate: spec.accepts_integers_up_to.map(|_| estimate as _),
    }
}

unsafe extern "C" fn estimate(user: *mut c_void, number: f64) -> abi::Estimate {
    // SAFETY: `entry` gave this address, of a static.
    let kernel = unsafe { *user.cast::<&'static dyn Kernel>() };
    let estimate = catch_unwind(AssertUnwindSafe(|| kernel.estimate(&Value::Number(number), &Options::default())));
    let Estimate { cost, memory } = estimate.unwrap_or_else(|payload| {
        drop(panicked(payload));
        Estimate::default()
    });
    abi::Estimate { cost, memory }
}

/// Memory of the host's that is retained, until this is dropped.
struct Retained(*const abi::Memory);

// SAFETY: the header says that memory is retained and released by any thread.
unsafe impl Send for Retained {}
// SAFETY: as above; there is nothing to do with it by reference.
unsafe impl Sync for Retained {}

impl Drop for Retained {
    fn drop(&mut self) {
        // SAFETY: it was retained when this was made (`take_memory`).
        unsafe { (host().release)(self.0) };
    }
}

/// Drops what is a kernel's; a panic in that is printed, and goes no further.
pub(super) fn drop_quietly<W>(work: W) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(work))) {
        drop(panicked(payload));
    }
}

/// Runs kernel code: what it gives, or its panic, is told to the host.
pub(super) fn answer(out: *mut abi::Outcome, f: impl FnOnce() -> Result<i32>) -> i32 {
    // Asserted, as the host runs nothing of a task any more that has failed.
    let outcome = catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| Err(panicked(payload)));
    outcome.unwrap_or_else(|error| {
        let (code, message) = (abi::Text::new(error.code.as_str()), abi::Text::new(&error.message));
        let fail = if error.of_call { host().fail_call } else { host().fail };
        // SAFETY: the outcome of the call that runs; the texts are there during this one.
        unsafe { fail(out, code, message) }
    })
}

#[cold]
pub(super) fn panicked(payload: Box<dyn Any + Send>) -> EngineError {
    let message = if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        // Its destructor may panic again, outside of everything that catches it.
        std::mem::forget(payload);
        "unknown panic".to_owned()
    };
    EngineError::new(Code::KernelPanic, format!("The kernel panicked: {message}"))
}

unsafe extern "C" fn prepare(
    user: *mut c_void,
    call: *const abi::Call,
    out_work: *mut abi::Work,
    out: *mut abi::Outcome,
) -> i32 {
    answer(out, || {
        // SAFETY: `entry` gave this address, of a static.
        let kernel = unsafe { *user.cast::<&'static dyn Kernel>() };
        let mut loan = None;
        // SAFETY: the host passes a call that is there while this runs, with as many options as the kernel has said.
        let (input, options) = unsafe {
            let call = &*call;
            let given = match call.option_count {
                0 => &[],
                count => slice::from_raw_parts(call.options, count as usize),
            };
            let mut options = vec![];
            for (option, given) in kernel.spec().options.iter().zip(given) {
                options.push((option.name, take_option(given)?));
            }
            (take(&call.input, &mut loan)?, Options::new(options))
        };
        let (work, estimate) = kernel.check(input, &options)?;
        let work = match loan {
            Some(loan) => over(work, loan),
            None => work,
        };
        let work = abi::Work { cost: estimate.cost, memory: estimate.memory, ..give_work(work)? };
        // SAFETY: room of the host's for one piece of work.
        unsafe { out_work.write(work) };
        Ok(abi::OK)
    })
}

/// A value of the host's as the kernel's.
///
/// # Safety
/// The host has passed it for the call that runs.
unsafe fn take(value: &abi::Value, loan: &mut Option<Arc<Loan>>) -> Result<Value> {
    // SAFETY: the kind says which of them it is; the host keeps texts, memory and resources during the call.
    unsafe {
        Ok(match value.kind {
            abi::NULL => Value::Null,
            abi::BOOLEAN => Value::Bool(value.value.boolean != 0),
            abi::NUMBER => Value::Number(value.value.number),
            abi::STRING => Value::String(text(value.value.text)?),
            abi::OTHER => Value::Other(text(value.value.text)?),
            abi::JSON => Value::Json(text(value.value.text)?),
            abi::MEMORY => {
                let bare = value.element == abi::BUFFER;
                let element = element_of(if bare { abi::UINT8 } else { value.element });
                let Some(element) = element else { return Ok(Value::Other("an instance of an unknown class".into())) };
                Value::View(View { element, bare, memory: take_memory(value.value.memory, loan) })
            }
            abi::RESOURCE => {
                let own = resource_types().iter().find_map(|(_, kind)| {
                    let content = (host().resource)(value, *kind).cast::<Resource>();
                    content.as_ref().cloned()
                });
                own.map_or_else(|| Value::Other("a resource of another plug-in".into()), Value::Resource)
            }
            _ => Value::Undefined,
        })
    }
}

/// An option of the host's as the kernel's: its memory is a copy, for all that the kernel knows, and read before any work runs.
///
/// # Safety
/// As [`take`].
unsafe fn take_option(value: &abi::Value) -> Result<Value> {
    // SAFETY: passed on to the caller; the copy has room for all of the memory.
    unsafe {
        if value.kind != abi::MEMORY {
            return take(value, &mut None);
        }
        let (host, memory) = (host(), value.value.memory);
        let element = if value.element == abi::BUFFER { abi::UINT8 } else { value.element };
        let mut copy = Owned::zeroed((host.length)(memory))?;
        let status = (host.read)(memory, 0, copy.len(), copy.as_mut_ptr().cast());
        Ok(match element_of(element) {
            Some(element) if status == abi::OK => {
                Value::View(View { element, bare: value.element == abi::BUFFER, memory: Memory::owned(copy) })
            }
            _ => Value::Other("an instance of an unknown class".into()),
        })
    }
}

/// # Safety
/// A text of the host's, which is there during the call.
unsafe fn text(given: abi::Text) -> Result<String> {
    if given.length == 0 {
        return Ok(String::new());
    }
    // SAFETY: passed on to the caller.
    decode_utf8(unsafe { slice::from_raw_parts(given.start.cast(), given.length) })
}

/// Memory of the host's as a kernel's, lent by a loan that retains it.
///
/// # Safety
/// The host has passed it for the call that runs.
unsafe fn take_memory(memory: *mut abi::Memory, loan: &mut Option<Arc<Loan>>) -> Memory {
    let host = host();
    // SAFETY: memory that the host has passed. It is retained before the loan is made that releases it. Once the work runs, the host's
    // `bytes_mut` are nobody's else, `bytes` are written by nobody, and `shared_start`'s are accessed as `racy` has it; so is what
    // each of the three makes here, of which a call makes one.
    unsafe {
        let (len, alone, read) = ((host.length)(memory), (host.bytes_mut)(memory), (host.bytes)(memory));
        let shared = (host.shared_start)(memory);
        if alone.is_null() && read.is_null() && shared.is_null() {
            return Memory::draft(len);
        }
        (host.retain)(memory);
        let kept = Arc::clone(loan.insert(Loan::new(Retained(memory))));
        if !alone.is_null() {
            Memory::moved(alone.cast(), len, kept)
        } else if !read.is_null() {
            Memory::frozen(read.cast_mut().cast(), len, kept)
        } else {
            Memory::shared(shared.cast(), len, kept)
        }
    }
}

/// Work for the host, whose state it is from here on.
fn give_work(work: Work) -> Result<abi::Work> {
    // Borrowed, and dropped by itself: work that panics here may panic once more in its `drop`.
    let size = catch_unwind(AssertUnwindSafe(|| match &work {
        Work::Parallel(work) => (work.len(), work.first_morsel()),
        Work::Stepped(work) => (work.len(), work.first_morsel()),
        Work::OneShot(_) => (0, 0),
    }));
    let (length, first_morsel) = match size {
        Ok(size) => size,
        Err(payload) => {
            drop_quietly(work);
            return Err(panicked(payload));
        }
    };
    let (table, state): (_, *mut c_void) = match work {
        Work::Parallel(work) => (work.table(), Arc::into_raw(work).cast_mut().cast()),
        Work::Stepped(work) => (work.table(), Box::into_raw(work).cast()),
        Work::OneShot(call) => (&ONE_SHOT, Box::into_raw(Box::new(call)).cast()),
    };
    Ok(abi::Work { table, state, length, first_morsel, cost: 0, memory: 0 })
}

type OneShotFn = Box<dyn FnMut() -> Result<Next> + Send>;

static ONE_SHOT: abi::WorkTable = abi::WorkTable {
    size: size_of::<abi::WorkTable>() as u32,
    shape: abi::ONE_SHOT,
    run: None,
    merge: None,
    step: None,
    call: Some(call),
    progress: None,
    free: Some(free::<OneShotFn>),
};

unsafe extern "C" fn call(state: *mut c_void, out: *mut abi::Outcome) -> i32 {
    // SAFETY: the host calls a state that `give_work` gave and that is not freed; it calls it once.
    let call = unsafe { &mut *state.cast::<OneShotFn>() };
    answer(out, || give(call()?, out))
}

/// Tells the host what a piece of work has given.
pub(super) fn give(next: Next, out: *mut abi::Outcome) -> Result<i32> {
    let host = host();
    // SAFETY: the outcome of the call that runs; texts are there during it; memory, resources and states are given away with the functions
    // that free them.
    unsafe {
        match next {
            Next::Then(work) => {
                let work = give_work(work)?;
                Ok((host.then)(out, &raw const work))
            }
            Next::Done(Value::Record(fields)) if fields.is_empty() => Ok((host.give_json)(out, abi::Text::new("{}"))),
            Next::Done(Value::Record(fields)) => {
                for (name, value) in fields {
                    let statuses = [give_value(host, value, out), (host.give_field)(out, abi::Text::new(&name))];
                    if statuses != [abi::OK; 2] {
                        return Ok(abi::FAILED);
                    }
                }
                Ok(abi::OK)
            }
            Next::Done(value) => Ok(give_value(host, value, out)),
        }
    }
}

/// Tells the host a value that is no record.
///
/// # Safety
/// `out` is the outcome of the call that runs.
unsafe fn give_value(host: &abi::Host, value: Value, out: *mut abi::Outcome) -> i32 {
    // SAFETY: passed on to the caller; texts are there during the call; memory and resources are given away with the functions that free them.
    unsafe {
        match value {
            Value::Undefined | Value::Other(_) | Value::Record(_) => abi::OK,
            Value::Null => (host.give_null)(out),
            Value::Bool(value) => (host.give_boolean)(out, value.into()),
            Value::Number(value) => (host.give_number)(out, value),
            Value::String(text) => (host.give_string)(out, abi::Text::new(&text)),
            Value::Json(text) => (host.give_json)(out, abi::Text::new(&text)),
            Value::Input => (host.give_input)(out),
            Value::Buffer(bytes) => {
                let mut bytes = Box::new(bytes);
                let (start, len) = (bytes.as_mut_ptr().cast(), bytes.len());
                (host.give_memory)(out, abi::BUFFER, start, len, Some(free::<Vec<u8>>), Box::into_raw(bytes).cast())
            }
            Value::View(View { element, memory, .. }) => match memory.into_owned() {
                Some(owned) => {
                    let mut owned = Box::new(owned);
                    let (start, len) = (owned.as_mut_ptr().cast(), owned.len());
                    let element = number_of(element);
                    (host.give_memory)(out, element, start, len, Some(free::<Owned>), Box::into_raw(owned).cast())
                }
                None => abi::OK,
            },
            Value::Resource(resource) => {
                let kind = resource_type(resource.name());
                (host.give_resource)(out, kind, Box::into_raw(Box::new(resource)).cast())
            }
        }
    }
}

unsafe extern "C" fn free<T>(owner: *mut c_void) {
    // SAFETY: the host calls this once, with the box that was given for it.
    drop_quietly(unsafe { Box::from_raw(owner.cast::<T>()) });
}

/// The types of this plug-in's resources, one for each name, made for ever. There are as many as its code has names.
static RESOURCE_TYPES: Mutex<Vec<(&'static str, &'static ResourceType)>> = Mutex::new(vec![]);

/// A type in a static: it has pointers, to things that stay as they are.
struct ResourceType(abi::ResourceType);

// SAFETY: nobody writes it, nor what it points to.
unsafe impl Sync for ResourceType {}

fn resource_types() -> Vec<(&'static str, *const abi::ResourceType)> {
    let types = RESOURCE_TYPES.lock().unwrap_or_else(PoisonError::into_inner);
    types.iter().map(|(name, kind)| (*name, &raw const kind.0)).collect()
}

fn resource_type(name: &'static str) -> *const abi::ResourceType {
    let mut types = RESOURCE_TYPES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, kind)) = types.iter().find(|(known, _)| *known == name) {
        return &raw const kind.0;
    }
    let kind = abi::ResourceType {
        size: size_of::<abi::ResourceType>() as u32,
        reserved: 0,
        name: abi::Text::new(name),
        free: Some(free::<Resource>),
    };
    let kind: &'static ResourceType = Box::leak(Box::new(ResourceType(kind)));
    types.push((name, kind));
    &raw const kind.0
}
