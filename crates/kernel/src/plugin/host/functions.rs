//! The functions that a plug-in calls. None of them panics: what they do with a plug-in's arguments is checked, or cannot fail.

use std::collections::BTreeSet;
use std::ffi::c_void;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use super::call::{ForeignResource, Given, Inputs, Outcome};
use super::work::ForeignWork;
use super::{bytes_of, text};
use crate::error::{Code, EngineError};
use crate::plugin::abi;
use crate::plugin::elements::element_of;
use crate::value::{Element, Memory, Owned, Raw, Resource, Value, View, decode_utf8};

/// The table that every plug-in gets.
pub static HOST: abi::Host = abi::Host {
    abi: abi::ABI,
    size: size_of::<abi::Host>() as u32,
    fail,
    fail_input,
    fail_call,
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
    give_field,
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

/// Bytes of a message that are kept.
const LONGEST_MESSAGE: usize = 16 * 1024;

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

/// Puts what is given into the outcome, if there is one.
///
/// A plug-in's function may run when something of its is dropped, and may call the host with the same outcome. So nothing is dropped while the
/// outcome is borrowed: what stood in it before, or could not be taken, goes afterwards.
///
/// # Safety
/// `out` is null, or the address that a plug-in was given for the call that runs.
unsafe fn put(out: *mut abi::Outcome, given: Result<Given, EngineError>) -> i32 {
    // SAFETY: it is what `Outcome::address` gave, of a local of the host's call, which does not touch it before that returns; nothing else
    // runs while it is borrowed here.
    let Some(outcome) = (unsafe { out.cast::<Outcome>().as_mut() }) else { return abi::FAILED };
    let (status, _before) = match given {
        Ok(given) => (abi::OK, Some(std::mem::replace(&mut outcome.given, given))),
        Err(error) => {
            outcome.error = Some(error);
            (abi::FAILED, None)
        }
    };
    status
}

/// The name of the kernel's input, and the inputs, of the call that runs.
///
/// # Safety
/// As [`put`].
unsafe fn context(out: *mut abi::Outcome) -> (&'static str, Option<Arc<Inputs>>) {
    // SAFETY: as in `put`.
    unsafe { out.cast::<Outcome>().as_ref() }.map_or(("input", None), |outcome| (outcome.input, outcome.inputs.clone()))
}

fn value(value: Value) -> Result<Given, EngineError> {
    Ok(Given::Value(value))
}

/// A copy of a plug-in's text.
///
/// # Safety
/// As [`text`].
unsafe fn copied(given: abi::Text) -> Result<String, EngineError> {
    // SAFETY: passed on to the caller.
    decode_utf8(unsafe { bytes_of(given) })
}

/// What a text begins with: enough of a message.
///
/// # Safety
/// As [`text`].
unsafe fn beginning(given: abi::Text) -> String {
    // SAFETY: passed on to the caller; a part of it.
    unsafe { text(abi::Text { length: given.length.min(LONGEST_MESSAGE), ..given }) }.into_owned()
}

unsafe extern "C" fn fail(out: *mut abi::Outcome, name: abi::Text, message: abi::Text) -> i32 {
    // SAFETY: the plug-in passes texts that are there during the call, and the outcome that it was given.
    unsafe { put(out, Err(failure(name, message))) }
}

unsafe extern "C" fn fail_call(out: *mut abi::Outcome, name: abi::Text, message: abi::Text) -> i32 {
    // SAFETY: as in `fail`.
    unsafe { put(out, Err(EngineError { of_call: true, ..failure(name, message) })) }
}

/// # Safety
/// As [`text`].
unsafe fn failure(name: abi::Text, message: abi::Text) -> EngineError {
    // SAFETY: passed on to the caller.
    let (name, message) = unsafe { (beginning(name), beginning(message)) };
    match code(&name) {
        Some(code) => EngineError::new(code, message),
        None => EngineError::new(Code::KernelPanic, format!("{name}: {message}")),
    }
}

unsafe extern "C" fn fail_input(out: *mut abi::Outcome, call: *const abi::Call, expected: abi::Text) -> i32 {
    // SAFETY: the plug-in passes what it was given, and a text that is there during the call.
    unsafe {
        let received = call.as_ref().map_or_else(|| "nothing".to_owned(), |call| describe(&call.input));
        put(out, Err(EngineError::invalid_type(context(out).0, &beginning(expected), received)))
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
            abi::JSON => Value::Json(text(value.value.text).into_owned()).to_string(),
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
    unsafe { put(out, value(Value::Null)) }
}

unsafe extern "C" fn give_boolean(out: *mut abi::Outcome, given: u32) -> i32 {
    // SAFETY: as in `give_null`.
    unsafe { put(out, value(Value::Bool(given != 0))) }
}

unsafe extern "C" fn give_number(out: *mut abi::Outcome, given: f64) -> i32 {
    // SAFETY: as in `give_null`.
    unsafe { put(out, value(Value::Number(given))) }
}

unsafe extern "C" fn give_string(out: *mut abi::Outcome, given: abi::Text) -> i32 {
    // SAFETY: as in `give_null`; the text is there during the call.
    unsafe { put(out, copied(given).and_then(|text| value(Value::String(text)))) }
}

unsafe extern "C" fn give_json(out: *mut abi::Outcome, given: abi::Text) -> i32 {
    // SAFETY: as in `give_string`.
    unsafe { put(out, copied(given).and_then(|text| value(Value::Json(text)))) }
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
    let bare = element == abi::BUFFER;
    let element = if bare { Some(Element::Uint8) } else { element_of(element) };
    let fits =
        element.is_some_and(|element| length.is_multiple_of(element.size())) && (!start.is_null() || length == 0);
    let given = match (element, fits) {
        (Some(element), true) => {
            owned.map(|owned| Given::Value(Value::View(View { element, bare, memory: Memory::owned(owned) })))
        }
        _ => {
            drop(owned);
            Err(EngineError::new(Code::KernelPanic, "The plug-in gave memory that is no whole number of elements"))
        }
    };
    // SAFETY: as in `give_null`.
    unsafe { put(out, given) }
}

unsafe extern "C" fn give_input(out: *mut abi::Outcome) -> i32 {
    // SAFETY: as in `give_null`.
    unsafe { put(out, value(Value::Input)) }
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
            put(out, Err(EngineError::new(Code::KernelPanic, "The plug-in gave a resource without a type")))
        };
    };
    // SAFETY: a name of a static table is there for ever (invariant 5).
    let name = unsafe { text(table.name) };
    // Names that are no UTF-8 would have to be kept for ever, each time anew.
    let name = if let std::borrow::Cow::Borrowed(name) = name { name } else { "Resource" };
    let resource = Resource::new(name, ForeignResource { kind, content, free: table.free });
    // SAFETY: as in `give_null`.
    unsafe { put(out, value(Value::Resource(resource))) }
}

unsafe extern "C" fn give_field(out: *mut abi::Outcome, name: abi::Text) -> i32 {
    // SAFETY: as in `give_string` and in `put`: what was given is moved, and nothing of the plug-in's is dropped.
    unsafe {
        let name = match copied(name) {
            Ok(name) => name.into(),
            Err(error) => return put(out, Err(error)),
        };
        let Some(outcome) = out.cast::<Outcome>().as_mut() else { return abi::FAILED };
        if let Given::Value(given) = &mut outcome.given {
            outcome.fields.push((name, std::mem::replace(given, Value::Undefined)));
        }
    }
    abi::OK
}

unsafe extern "C" fn then(out: *mut abi::Outcome, next: *const abi::Work) -> i32 {
    // SAFETY: null, or a piece of work that the plug-in gives to the host, with its state; and as in `give_null`.
    unsafe {
        let (input, inputs) = context(out);
        let missing = || EngineError::new(Code::KernelPanic, "The plug-in gave no work that follows");
        let given = next.as_ref().ok_or_else(missing).and_then(|next| ForeignWork::new(*next, input, inputs));
        put(out, given.map(|work| Given::Work(work.into_work())))
    }
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
