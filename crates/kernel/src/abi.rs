//! `include/heavy_load.h` in Rust: the same types and numbers, field by field. What they mean stands there.
//!
//! A test compiles the header and compares sizes, offsets and numbers (`tests/header.rs`).
#![forbid(unsafe_code)]
#![expect(missing_docs, reason = "include/heavy_load.h documents each of them")]
#![allow(missing_debug_implementations, reason = "they are plain tables of pointers")]

use std::ffi::{c_char, c_void};
use std::marker::{PhantomData, PhantomPinned};

pub const ABI: u32 = 1;

pub const OK: i32 = 0;
pub const FAILED: i32 = 1;
pub const MORE: i32 = 2;

pub const UNDEFINED: u32 = 0;
pub const NULL: u32 = 1;
pub const BOOLEAN: u32 = 2;
pub const NUMBER: u32 = 3;
pub const STRING: u32 = 4;
pub const MEMORY: u32 = 5;
pub const RESOURCE: u32 = 6;
pub const OTHER: u32 = 7;
pub const JSON: u32 = 8;

pub const UINT8: u32 = 1;
/// An element number of its own: bytes without elements.
pub const BUFFER: u32 = 11;

pub const PARALLEL: u32 = 1;
pub const STEPPED: u32 = 2;
pub const ONE_SHOT: u32 = 3;

pub const OPTION_ANY: u32 = 0;
pub const OPTION_BOOLEAN: u32 = 1;
pub const OPTION_INTEGER: u32 = 2;
pub const OPTION_NUMBER: u32 = 3;
pub const OPTION_STRING: u32 = 4;
pub const OPTION_CHOICE: u32 = 5;
pub const OPTION_RESOURCE: u32 = 6;
pub const OPTION_JSON: u32 = 7;
pub const OPTION_MEMORY: u32 = 8;

pub const IN_PLACE: u32 = 1;
pub const INTEGERS: u32 = 2;

/// A type that only the other side knows.
macro_rules! opaque {
    ($($name:ident)*) => {$(
        #[repr(C)]
        pub struct $name {
            _nothing: [u8; 0],
            _neither_moved_nor_shared: PhantomData<(*mut u8, PhantomPinned)>,
        }
    )*};
}

opaque! { Memory Resource Outcome }

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Text {
    pub start: *const c_char,
    pub length: usize,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub union As {
    pub boolean: u32,
    pub number: f64,
    pub text: Text,
    pub memory: *mut Memory,
    pub resource: *mut Resource,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Value {
    pub kind: u32,
    pub element: u32,
    pub value: As,
}

#[repr(C)]
pub struct ResourceType {
    pub size: u32,
    pub reserved: u32,
    pub name: Text,
    pub free: Option<unsafe extern "C" fn(*mut c_void)>,
}

#[repr(C)]
pub struct WorkTable {
    pub size: u32,
    pub shape: u32,
    pub run: Option<unsafe extern "C" fn(*mut c_void, u64, u64, *mut Outcome) -> i32>,
    pub merge: Option<unsafe extern "C" fn(*mut c_void, *mut Outcome) -> i32>,
    pub step: Option<unsafe extern "C" fn(*mut c_void, u64, *mut Outcome) -> i32>,
    pub call: Option<unsafe extern "C" fn(*mut c_void, *mut Outcome) -> i32>,
    pub progress: Option<unsafe extern "C" fn(*mut c_void, u64) -> f64>,
    pub free: Option<unsafe extern "C" fn(*mut c_void)>,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Work {
    pub table: *const WorkTable,
    pub state: *mut c_void,
    pub length: u64,
    pub first_morsel: u64,
    pub cost: u64,
    pub memory: u64,
}

#[repr(C)]
pub struct Host {
    pub abi: u32,
    pub size: u32,
    pub fail: unsafe extern "C" fn(*mut Outcome, Text, Text) -> i32,
    pub fail_input: unsafe extern "C" fn(*mut Outcome, *const Call, Text) -> i32,
    pub give_null: unsafe extern "C" fn(*mut Outcome) -> i32,
    pub give_boolean: unsafe extern "C" fn(*mut Outcome, u32) -> i32,
    pub give_number: unsafe extern "C" fn(*mut Outcome, f64) -> i32,
    pub give_string: unsafe extern "C" fn(*mut Outcome, Text) -> i32,
    pub give_json: unsafe extern "C" fn(*mut Outcome, Text) -> i32,
    pub give_memory: unsafe extern "C" fn(*mut Outcome, u32, *mut c_void, usize, Option<Free>, *mut c_void) -> i32,
    pub give_input: unsafe extern "C" fn(*mut Outcome) -> i32,
    pub give_resource: unsafe extern "C" fn(*mut Outcome, *const ResourceType, *mut c_void) -> i32,
    pub then: unsafe extern "C" fn(*mut Outcome, *const Work) -> i32,
    pub progress: unsafe extern "C" fn(*mut Outcome, f64),
    pub length: unsafe extern "C" fn(*const Memory) -> usize,
    pub bytes: unsafe extern "C" fn(*const Memory) -> *const c_void,
    pub bytes_mut: unsafe extern "C" fn(*mut Memory) -> *mut c_void,
    pub shared_start: unsafe extern "C" fn(*const Memory) -> *mut c_void,
    pub is_shared: unsafe extern "C" fn(*const Memory) -> u32,
    pub read: unsafe extern "C" fn(*const Memory, usize, usize, *mut c_void) -> i32,
    pub load: unsafe extern "C" fn(*const Memory, usize, usize, usize, *mut c_void) -> i32,
    pub store: unsafe extern "C" fn(*mut Memory, usize, usize, usize, *const c_void) -> i32,
    pub retain: unsafe extern "C" fn(*const Memory),
    pub release: unsafe extern "C" fn(*const Memory),
    pub resource: unsafe extern "C" fn(*const Value, *const ResourceType) -> *mut c_void,
    pub give_field: unsafe extern "C" fn(*mut Outcome, Text) -> i32,
    pub fail_call: unsafe extern "C" fn(*mut Outcome, Text, Text) -> i32,
}

/// Frees what its context stands for.
pub type Free = unsafe extern "C" fn(*mut c_void);

#[repr(C)]
pub struct OptionSpec {
    pub name: Text,
    pub docs: Text,
    pub ts_type: Text,
    pub kind: u32,
    pub required: u32,
    pub minimum: f64,
    pub maximum: f64,
    pub fallback: f64,
    pub choices: *const Text,
    pub choice_count: usize,
    pub resource: *const ResourceType,
}

#[repr(C)]
pub struct Call {
    pub size: u32,
    pub option_count: u32,
    pub input: Value,
    pub options: *const Value,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Estimate {
    pub cost: u64,
    pub memory: u64,
}

#[repr(C)]
pub struct Kernel {
    pub size: u32,
    pub flags: u32,
    pub name: Text,
    pub summary: Text,
    pub docs: Text,
    pub input_name: Text,
    pub input_type: Text,
    pub output_type: Text,
    pub type_parameter: Text,
    pub accepts_integers_up_to: u64,
    pub options: *const OptionSpec,
    pub option_count: usize,
    pub option_size: usize,
    pub user: *mut c_void,
    pub prepare: Option<unsafe extern "C" fn(*mut c_void, *const Call, *mut Work, *mut Outcome) -> i32>,
    pub estimate: Option<unsafe extern "C" fn(*mut c_void, f64) -> Estimate>,
}

#[repr(C)]
pub struct Plugin {
    pub abi: u32,
    pub size: u32,
    pub name: Text,
    pub kernels: *const Kernel,
    pub kernel_count: usize,
    pub kernel_size: usize,
}

/// The one function that a plug-in exports, by the name of [`ENTRY`].
pub type Entry = unsafe extern "C" fn(*const Host) -> *const Plugin;

/// The name that [`Entry`] is exported by.
pub const ENTRY: &str = "heavy_load_plugin_v1";

impl Text {
    /// No text.
    pub const EMPTY: Self = Self { start: std::ptr::null(), length: 0 };

    /// A text that is as long-lived as `text`.
    pub const fn new(text: &str) -> Self {
        Self { start: text.as_ptr().cast(), length: text.len() }
    }
}

impl Value {
    /// JavaScript's `undefined`.
    pub const UNDEFINED: Self = Self { kind: UNDEFINED, element: 0, value: As { number: 0.0 } };
}
