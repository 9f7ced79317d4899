//! The functions that a plug-in calls. None of them panics: what they do with a plug-in's arguments is checked, or cannot fail.

use std::collections::BTreeSet;
use std::ffi::c_void;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use super::call::{ForeignResource, Given, Outcome};
use super::text;
use super::work::ForeignWork;
use crate::error::{Code, EngineError};
use crate::plugin::abi;
use crate::plugin::elements::element_of;
use crate::value::{Element, Memory, Owned, Raw, Resource, Value, View};

/// The table that every plug-in gets.
pub static HOST: abi::Host = abi::Host {
    abi: abi::ABI,
    size: size_of::<abi::Host>() as u32,
    fail,
    fail_input,
    give_null,
    give_boolean,
    give_number,
    give_string,
    give_json,
    give_memory,
    give_input,
    give_resource,
    then,
    progress,
    length,
    bytes,
    bytes_mut,
    shared_start,
    is_shared,
    read,
    load,
    store,
    retain,
    release,
    resource,
};

/// Codes that a plug-in may use of heavy-load's; the others say things that the engine alone knows.
const ALLOWED: [Code; 7] = [
    Code::InvalidArgType,
    Code::InvalidArgValue,
    Code::OutOfRange,
    Code::InvalidData,
    Code::OutputTooLarge,
    Code::OutOfMemory,
    Code::KernelPanic,
];

/// Codes of their own that all plug-ins of a process may have together. They are kept for ever, so they are not to grow without end.
const OWN_CODES: usize = 256;

/// The longest code.
const LONGEST_CODE: usize = 64;

static OWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// The code of this name; none if a plug-in may not use it.
fn code(name: &str) -> Option<Code> {
    if let Some(code) = Code::ALL.iter().find(|code| code.as_str() == name) {
        return ALLOWED.contains(code).then_some(*code);
    }
    let is_code = name.len() <= LONGEST_CODE
        && name.strip_prefix("ERR_").is_some_and(|rest| {
            !rest.is_empty()
                && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        });
    if !is_code {
        return None;
    }
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = own.get(name) {
        return Some(Code::Own(known));
    }
    if own.len() >= OWN_CODES {
        return None;
    }
    let name: &'static str = Box::leak(name.into());
    own.insert(name);
    Some(Code::Own(name))
}

/// Does something with the outcome, if there is one.
///
/// # Safety
/// `out` is null, or the address that a plug-in was given for the call that runs.
unsafe fn with(out: *mut abi::Outcome, give: impl FnOnce(&mut Outcome) -> Result<Given, EngineError>) -> i32 {
    // SAFETY: it is what `Outcome::address` gave, of a local of the host's call, which does not touch it before that returns.
    let Some(outcome) = (unsafe { out.cast::<Outcome>().as_mut() }) else { return abi::FAILED };
    match give(outcome) {
        Ok(given) => {
            outcome.given = given;
            abi::OK
        }
        Err(error) => {
            outcome.error = Some(error);
            abi::FAILED
        }
    }
}

fn value(value: Value) -> Result<Given, EngineError> {
    Ok(Given::Value(value))
}

/// A copy of a plug-in's text.
///
/// # Safety
/// As [`text`].
unsafe fn copied(given: abi::Text) -> Result<String, EngineError> {
    let mut copy = String::new();
    copy.try_reserve_exact(given.length).map_err(|_| EngineError::out_of_memory(given.length))?;
    // SAFETY: passed on to the caller.
    copy.push_str(&unsafe { text(given) });
    Ok(copy)
}

unsafe extern "C" fn fail(out: *mut abi::Outcome, name: abi::Text, message: abi::Text) -> i32 {
    // SAFETY: the plug-in passes texts that are there during the call, and the outcome that it was given.
    unsafe {
        with(out, |_| {
            let (name, message) = (text(name), text(message));
            Err(match code(&name) {
                Some(code) => EngineError::new(code, message.into_owned()),
                None => EngineError::new(Code::KernelPanic, format!("{name}: {message}")),
            })
        })
    }
}

unsafe extern "C" fn fail_input(out: *mut abi::Outcome, call: *const abi::Call, expected: abi::Text) -> i32 {
    // SAFETY: the plug-in passes what it was given, and a text that is there during the call.
    unsafe {
        with(out, |outcome| {
            let received = call.as_ref().map_or_else(|| "nothing".to_owned(), |call| describe(&call.input));
            Err(EngineError::invalid_type(outcome.input, &text(expected), received))
        })
    }
}

/// What was received, as messages say it.
///
/// # Safety
/// It is a value that the host has passed, and whose call runs.
unsafe fn describe(value: &abi::Value) -> String {
    // SAFETY: the kind says which of them it is.
    unsafe {
        match value.kind {
            abi::NULL => Value::Null.to_string(),
            abi::BOOLEAN => Value::Bool(value.value.boolean != 0).to_string(),
            abi::NUMBER => Value::Number(value.value.number).to_string(),
            abi::STRING => Value::String(text(value.value.text).into_owned()).to_string(),
            abi::OTHER => text(value.value.text).into_owned(),
            abi::MEMORY => match element_of(value.element) {
                Some(element) => format!("an instance of {}", element.class()),
                None => "a buffer without elements".to_owned(),
            },
            abi::RESOURCE => match value.value.resource.cast::<Resource>().as_ref() {
                Some(resource) => format!("an instance of {}", resource.name()),
                None => "a resource".to_owned(),
            },
            _ => Value::Undefined.to_string(),
        }
    }
}

unsafe extern "C" fn give_null(out: *mut abi::Outcome) -> i32 {
    // SAFETY: the plug-in passes the outcome that it was given; here and below.
    unsafe { with(out, |_| value(Value::Null)) }
}

unsafe extern "C" fn give_boolean(out: *mut abi::Outcome, given: u32) -> i32 {
    // SAFETY: as in `give_null`.
    unsafe { with(out, |_| value(Value::Bool(given != 0))) }
}

unsafe extern "C" fn give_number(out: *mut abi::Outcome, given: f64) -> i32 {
    // SAFETY: as in `give_null`.
    unsafe { with(out, |_| value(Value::Number(given))) }
}

unsafe extern "C" fn give_string(out: *mut abi::Outcome, given: abi::Text) -> i32 {
    // SAFETY: as in `give_null`; the text is there during the call.
    unsafe { with(out, |_| value(Value::String(copied(given)?))) }
}

unsafe extern "C" fn give_json(out: *mut abi::Outcome, given: abi::Text) -> i32 {
    // SAFETY: as in `give_string`.
    unsafe { with(out, |_| value(Value::Json(copied(given)?))) }
}

unsafe extern "C" fn give_memory(
    out: *mut abi::Outcome,
    element: u32,
    start: *mut c_void,
    length: usize,
    free: Option<abi::Free>,
    context: *mut c_void,
) -> i32 {
    // SAFETY: the plug-in gives the memory away, with the function that frees it. Null with a length is no memory.
    let owned = unsafe { Owned::foreign(start.cast(), if start.is_null() { 0 } else { length }, free, context) };
    let give = |_: &mut Outcome| {
        let bare = element == abi::BUFFER;
        let element = if bare { Some(Element::Uint8) } else { element_of(element) };
        let fits =
            element.is_some_and(|element| length.is_multiple_of(element.size())) && (!start.is_null() || length == 0);
        let (Some(element), true) = (element, fits) else {
            return Err(EngineError::new(
                Code::KernelPanic,
                "The plug-in gave memory that is no whole number of elements",
            ));
        };
        value(Value::View(View { element, bare, memory: Memory::owned(owned?) }))
    };
    // SAFETY: as in `give_null`.
    unsafe { with(out, give) }
}

unsafe extern "C" fn give_input(out: *mut abi::Outcome) -> i32 {
    // SAFETY: as in `give_null`.
    unsafe { with(out, |_| value(Value::Input)) }
}

unsafe extern "C" fn give_resource(
    out: *mut abi::Outcome,
    kind: *const abi::ResourceType,
    content: *mut c_void,
) -> i32 {
    // SAFETY: a type is a static table of the plug-in's, with the size that it says.
    let table = unsafe { kind.as_ref() }.filter(|table| table.size as usize >= size_of::<abi::ResourceType>());
    let Some(table) = table else {
        // SAFETY: as in `give_null`.
        return unsafe {
            with(out, |_| Err(EngineError::new(Code::KernelPanic, "The plug-in gave a resource without a type")))
        };
    };
    // SAFETY: a name of a static table is there for ever (invariant 5).
    let name = unsafe { text(table.name) };
    // Names that are no UTF-8 would have to be kept for ever, each time anew.
    let name = if let std::borrow::Cow::Borrowed(name) = name { name } else { "Resource" };
    let resource = Resource::new(name, ForeignResource { kind, content, free: table.free });
    // SAFETY: as in `give_null`.
    unsafe { with(out, |_| value(Value::Resource(resource))) }
}

unsafe extern "C" fn then(out: *mut abi::Outcome, next: *const abi::Work) -> i32 {
    let give = |outcome: &mut Outcome| {
        // SAFETY: null, or a piece of work that the plug-in gives to the host, with its state.
        let work = unsafe { next.as_ref() };
        let missing = || EngineError::new(Code::KernelPanic, "The plug-in gave no work that follows");
        // SAFETY: as above.
        let work = unsafe { ForeignWork::new(*work.ok_or_else(missing)?, outcome.input, outcome.inputs.clone()) };
        Ok(Given::Work(work?))
    };
    // SAFETY: as in `give_null`.
    unsafe { with(out, give) }
}

unsafe extern "C" fn progress(out: *mut abi::Outcome, share: f64) {
    // SAFETY: as in `with`.
    if let Some(outcome) = unsafe { out.cast::<Outcome>().as_mut() } {
        outcome.progress = share;
    }
}

/// The memory that a plug-in names.
///
/// # Safety
/// `memory` is null, or what the plug-in was given, and its state has not been freed, or it has retained it.
unsafe fn raw<'a>(memory: *const abi::Memory) -> Option<&'a Raw> {
    // SAFETY: `Inputs::pass` gave the address of a `Raw` in an `Arc`, which the inputs hold, or who retains it.
    unsafe { memory.cast::<Raw>().as_ref() }
}

fn status(is_done: bool) -> i32 {
    if is_done { abi::OK } else { abi::FAILED }
}

unsafe extern "C" fn length(memory: *const abi::Memory) -> usize {
    // SAFETY: the plug-in passes null or memory that it was given; here and below.
    unsafe { raw(memory) }.map_or(0, Raw::len)
}

unsafe extern "C" fn bytes(memory: *const abi::Memory) -> *const c_void {
    // SAFETY: as in `length`.
    unsafe { raw(memory) }.map_or(ptr::null(), |raw| raw.bytes().cast())
}

unsafe extern "C" fn bytes_mut(memory: *mut abi::Memory) -> *mut c_void {
    // SAFETY: as in `length`.
    unsafe { raw(memory) }.map_or(ptr::null_mut(), |raw| raw.bytes_mut().cast())
}

unsafe extern "C" fn shared_start(memory: *const abi::Memory) -> *mut c_void {
    // SAFETY: as in `length`.
    unsafe { raw(memory) }.map_or(ptr::null_mut(), |raw| raw.shared_start().cast())
}

unsafe extern "C" fn is_shared(memory: *const abi::Memory) -> u32 {
    // SAFETY: as in `length`.
    unsafe { raw(memory) }.is_some_and(Raw::is_shared).into()
}

unsafe extern "C" fn read(memory: *const abi::Memory, offset: usize, length: usize, into: *mut c_void) -> i32 {
    // SAFETY: as in `length`; the plug-in has room for so many bytes.
    status(!into.is_null() && unsafe { raw(memory).is_some_and(|raw| raw.read(offset, length, into.cast())) })
}

unsafe extern "C" fn load(
    memory: *const abi::Memory,
    offset: usize,
    size: usize,
    count: usize,
    into: *mut c_void,
) -> i32 {
    // SAFETY: as in `read`.
    status(!into.is_null() && unsafe { raw(memory).is_some_and(|raw| raw.load(offset, size, count, into.cast())) })
}

unsafe extern "C" fn store(
    memory: *mut abi::Memory,
    offset: usize,
    size: usize,
    count: usize,
    from: *const c_void,
) -> i32 {
    // SAFETY: as in `length`; the plug-in has so many bytes there.
    status(!from.is_null() && unsafe { raw(memory).is_some_and(|raw| raw.store(offset, size, count, from.cast())) })
}

unsafe extern "C" fn retain(memory: *const abi::Memory) {
    if !memory.is_null() {
        // SAFETY: as in `raw`: it is the address in an `Arc` that somebody holds.
        unsafe { Arc::increment_strong_count(memory.cast::<Raw>()) };
    }
}

unsafe extern "C" fn release(memory: *const abi::Memory) {
    if !memory.is_null() {
        // SAFETY: as in `raw`; the plug-in releases what it has retained.
        unsafe { Arc::decrement_strong_count(memory.cast::<Raw>()) };
    }
}

unsafe extern "C" fn resource(value: *const abi::Value, kind: *const abi::ResourceType) -> *mut c_void {
    // SAFETY: null, or a value that the host has passed, and whose state has not been freed; its kind says what it is.
    let resource = unsafe {
        match value.as_ref() {
            Some(value) if value.kind == abi::RESOURCE => value.value.resource.cast::<Resource>().as_ref(),
            _ => None,
        }
    };
    let foreign = resource.and_then(Resource::get::<ForeignResource>);
    foreign.filter(|foreign| ptr::eq(foreign.kind, kind)).map_or(ptr::null_mut(), |foreign| foreign.content)
}
