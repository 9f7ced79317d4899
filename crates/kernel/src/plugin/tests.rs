//! Both sides of the border in one process: kernels that the SDK exports and the host reads. The numbers are `plugin`'s invariants.

use std::ffi::c_void;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::abi;
use super::host::Plugin;
use crate::error::{Code, EngineError};
use crate::testing::{frozen, moved, run, shared};
use crate::value::{Bytes, Element, Exclusive, Memory, Number, Options, Owned, Parts, Resource, Shared, Value, View};
use crate::{Estimate, Kernel, Next, OptionSpec, Parallel, Result, Spec, Step, Stepped, Work};

/// A kernel made of a function that makes its work.
struct Made {
    spec: Spec,
    prepare: fn(Value, &Options) -> Result<Work>,
}

impl Kernel for Made {
    fn spec(&self) -> &'static Spec {
        Box::leak(Box::new(self.spec))
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        (self.prepare)(input, options)
    }

    fn estimate(&self, input: &Value, _options: &Options) -> Estimate {
        match input {
            Value::Number(number) => Estimate { cost: *number as u64, memory: 7 },
            _ => Estimate::default(),
        }
    }
}

/// The same kernel, on the other side of the border.
fn across(spec: Spec, prepare: fn(Value, &Options) -> Result<Work>) -> &'static dyn Kernel {
    // The SDK keeps what it is given for ever; so do tests.
    static KERNEL: std::sync::Mutex<Option<&'static [&'static dyn Kernel]>> = std::sync::Mutex::new(None);
    unsafe extern "C" fn entry(host: *const abi::Host) -> *const abi::Plugin {
        let kernels = KERNEL.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take().unwrap_or_default();
        // SAFETY: passed on.
        unsafe { super::sdk::table("tests", kernels, host) }
    }
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let kernel: &'static dyn Kernel = Box::leak(Box::new(Made { spec, prepare }));
    *KERNEL.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Box::leak(Box::new([kernel])));
    // SAFETY: the entry makes a right table.
    unsafe { Plugin::read(entry) }.unwrap().kernels[0]
}

fn same(prepare: fn(Value, &Options) -> Result<Work>) -> &'static dyn Kernel {
    across(Spec::new("test"), prepare)
}

fn call(kernel: &dyn Kernel, input: Value) -> Result<Value> {
    run(kernel.prepare(input, &Options::default())?)
}

fn done(value: Value) -> Result<Work> {
    let mut value = Some(value);
    Ok(Work::one_shot(move || Ok(Next::Done(value.take().unwrap()))))
}

fn view(element: Element, memory: Memory) -> Value {
    Value::View(View { element, bare: false, memory })
}

#[test]
fn options_of_all_kinds_cross() {
    static OPTIONS: &[OptionSpec] = &[
        OptionSpec::new("tags", "string[]", "Tags.").json(),
        OptionSpec::new("query", "Float32Array", "Numbers.").numbers(),
    ];
    let kernel = across(Spec::new("optional").options(OPTIONS), |input, options| {
        let tags = options.json("tags")?.unwrap_or("none").to_owned();
        let sum = options.numbers::<f32>("query")?.unwrap_or(&[]).iter().fold(0.0, |sum, number| sum + number);
        let bytes = input.into_view("input")?.into_bytes();
        done(Value::String(format!("{tags} {sum} {}", bytes.len())))
    });
    let call = |tags: Value, query: Value| {
        let options = Options::new(vec![("tags", tags), ("query", query)]);
        // The input is memory, too, and each has its own.
        run(kernel.prepare(view(Element::Uint8, frozen(vec![0_u8; 9]).0), &options)?)
    };
    let query = || Value::numbers(vec![1.5_f32, 2.0]).unwrap();
    assert_eq!(call(Value::Json("[\"a\"]".into()), query()), Ok(Value::String("[\"a\"] 3.5 9".into())));
    assert_eq!(call(Value::Undefined, Value::Undefined), Ok(Value::String("none 0 9".into())));
    for (tags, query) in [
        (Value::String("[]".into()), Value::Undefined),
        (Value::Null, Value::Undefined),
        (Value::Undefined, Value::numbers(vec![1.0_f64]).unwrap()),
        (Value::Undefined, Value::Number(1.0)),
    ] {
        assert_eq!(call(tags, query).unwrap_err().code, Code::InvalidArgType);
    }
}

#[test]
fn values_cross_both_ways() {
    let echo = same(|input, _| done(input));
    for (value, back) in [
        (Value::Undefined, Value::Undefined),
        (Value::Null, Value::Null),
        (Value::Bool(true), Value::Bool(true)),
        (Value::Number(-0.5), Value::Number(-0.5)),
        (Value::String("\u{0}grüße 𝄞".into()), Value::String("\u{0}grüße 𝄞".into())),
        (Value::String(String::new()), Value::String(String::new())),
        (Value::Other("a function".into()), Value::Undefined),
    ] {
        assert_eq!(call(echo, value), Ok(back));
    }
    let json = same(|_, _| done(Value::Json("[1]".into())));
    assert_eq!(call(json, Value::Null), Ok(Value::Json("[1]".into())));
    let empty = same(|_, _| done(Value::Record(vec![])));
    assert_eq!(call(empty, Value::Null), Ok(Value::Json("{}".into())));
    fn fields() -> Value {
        Value::Record(vec![
            ("a".into(), Value::Number(1.0)),
            ("".into(), Value::Undefined),
            ("".into(), Value::String("b".into())),
        ])
    }
    let record = same(|_, _| done(fields()));
    assert_eq!(call(record, Value::Null), Ok(fields()));
    let input = same(|_, _| done(Value::Input));
    assert_eq!(call(input, Value::Null), Ok(Value::Input));
    for len in [0, 1, 9, 100_000] {
        let buffer = same(|input, _| done(Value::Buffer(vec![5; input.integer("n", 0..=1 << 20)? as usize])));
        let Ok(Value::View(View { element: Element::Uint8, bare: true, memory })) =
            call(buffer, Value::Number(len as f64))
        else {
            panic!("bytes of a Buffer")
        };
        assert_eq!(memory.into_owned().unwrap().as_slice(), vec![5; len]);
        let array = same(|input, _| {
            let len = input.integer("n", 0..=1 << 20)? as usize;
            done(view(Element::Float64, Memory::owned(Owned::zeroed(8 * len)?)))
        });
        let Ok(Value::View(View { element: Element::Float64, bare: false, memory })) =
            call(array, Value::Number(len as f64))
        else {
            panic!("elements")
        };
        assert_eq!(memory.len(), 8 * len);
    }
}

#[test]
fn what_a_kernel_says_of_itself_crosses() {
    static OPTIONS: &[OptionSpec] = &[OptionSpec::new("rounds", "number", "How often.")];
    let spec = Spec::new("spoken")
        .summary("a summary")
        .docs("docs")
        .input("text", "string")
        .output("string")
        .type_parameter("T")
        .options(OPTIONS)
        .accepts_integers_up_to(9)
        .in_place();
    let kernel = across(spec, |_, options| done(Value::Number(options.integer("rounds", 0..=9, 3)? as f64)));
    let there = kernel.spec();
    assert_eq!(format!("{there:?}"), format!("{spec:?}"));
    assert_eq!(call(kernel, Value::Null), Ok(Value::Number(3.0)));
    let rounds = |rounds| Options::new(vec![("rounds", Value::Number(rounds))]);
    assert_eq!(run(kernel.prepare(Value::Null, &rounds(5.0)).unwrap()), Ok(Value::Number(5.0)));
    assert_eq!(kernel.prepare(Value::Null, &rounds(10.0)).unwrap_err().code, Code::OutOfRange);
    let (_, estimate) = kernel.check(Value::Number(4.0), &Options::default()).unwrap();
    assert_eq!(estimate, Estimate { cost: 4, memory: 7 });
}

#[test]
fn errors_keep_their_code_and_message() {
    for code in
        [Code::InvalidArgType, Code::InvalidData, Code::OutputTooLarge, Code::OutOfMemory, Code::Own("ERR_MINE_2")]
    {
        static CODE: std::sync::Mutex<Code> = std::sync::Mutex::new(Code::InvalidData);
        *CODE.lock().unwrap() = code;
        let failing = same(|_, _| Err(EngineError::new(*CODE.lock().unwrap(), "because")));
        assert_eq!(call(failing, Value::Null), Err(EngineError::new(code, "because")));
    }
    for code in [Code::Aborted, Code::TaskTimeout, Code::PoolClosed, Code::Own("lower"), Code::Own("ERR_")] {
        static CODE: std::sync::Mutex<Code> = std::sync::Mutex::new(Code::InvalidData);
        *CODE.lock().unwrap() = code;
        let lying = same(|_, _| Err(EngineError::new(*CODE.lock().unwrap(), "because")));
        let error = call(lying, Value::Null).unwrap_err();
        assert_eq!((error.code, &*error.message), (Code::KernelPanic, &*format!("{}: because", code.as_str())));
    }
}

#[test]
fn panics_stay_on_their_side() {
    // Invariant 1.
    struct Panics(&'static str);
    impl Parallel for Panics {
        fn len(&self) -> u64 {
            3
        }
        fn run(&self, _: Range<u64>) -> Result<()> {
            assert_ne!(self.0, "run");
            Ok(())
        }
        fn merge(&mut self) -> Result<Next> {
            assert_ne!(self.0, "merge");
            Ok(Next::Done(Value::Null))
        }
        fn progress(&self, _: u64) -> f64 {
            panic!("progress")
        }
    }
    impl Drop for Panics {
        fn drop(&mut self) {
            assert_ne!(self.0, "drop");
        }
    }
    let code = |kernel| call(kernel, Value::Null).map_err(|error| error.code);
    assert_eq!(code(same(|_, _| panic!("in prepare"))), Err(Code::KernelPanic));
    assert_eq!(code(same(|_, _| Ok(Work::parallel(Panics("run"))))), Err(Code::KernelPanic));
    assert_eq!(code(same(|_, _| Ok(Work::parallel(Panics("merge"))))), Err(Code::KernelPanic));
    assert_eq!(code(same(|_, _| Ok(Work::parallel(Panics("drop"))))), Ok(Value::Null));
    assert_eq!(code(same(|_, _| Ok(Work::one_shot(|| std::panic::panic_any(Panics("drop")))))), Err(Code::KernelPanic));
    // Twice: the first panic is the one that is reported.
    struct Twice;
    impl Stepped for Twice {
        fn len(&self) -> u64 {
            panic!("len")
        }
        fn step(&mut self, _: u64) -> Result<Step> {
            Ok(Step::Done(Next::Done(Value::Null)))
        }
    }
    impl Drop for Twice {
        fn drop(&mut self) {
            panic!("drop")
        }
    }
    let message = |kernel| call(kernel, Value::Null).unwrap_err().message;
    assert_eq!(message(same(|_, _| Ok(Work::stepped(Twice)))), "The kernel panicked: len");
    assert_eq!(
        message(same(|_, _| Ok(Work::one_shot(|| Ok(Next::Then(Work::stepped(Twice))))))),
        "The kernel panicked: len"
    );
    let Work::Parallel(work) =
        same(|_, _| Ok(Work::parallel(Panics("")))).prepare(Value::Null, &Options::default()).unwrap()
    else {
        panic!("parallel")
    };
    assert_eq!(work.progress(1), 0.0);
    assert_eq!(message(same(|_, _| Ok(Work::one_shot(|| panic!("number {}", 7))))), "The kernel panicked: number 7");
}

/// Adds up bytes in steps, then doubles the elements in parallel, then gives the sum.
struct Sum(Option<Bytes>, u64, usize);

impl Stepped for Sum {
    fn len(&self) -> u64 {
        self.0.as_ref().map_or(0, |bytes| bytes.len() as u64)
    }
    fn step(&mut self, units: u64) -> Result<Step> {
        let bytes = self.0.as_ref().unwrap();
        let end = bytes.len().min(self.2 + units as usize);
        let mut scratch = vec![];
        self.1 += bytes.read(self.2..end, &mut scratch)?.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        self.2 = end;
        if end < bytes.len() {
            return Ok(Step::More { progress: 0.25 });
        }
        Ok(Step::Done(Next::Done(Value::Number(self.1 as f64))))
    }
}

#[test]
fn bytes_are_read_however_they_were_handed_over() {
    let sum = same(|input, _| {
        let Value::View(view) = input else { return Err(EngineError::invalid_type("input", "a view", &input)) };
        Ok(Work::stepped(Sum(Some(view.into_bytes()), 0, 0)))
    });
    let numbers: Vec<u8> = (0..200).collect();
    let expected = Ok(Value::Number(numbers.iter().map(|byte| f64::from(*byte)).sum()));
    for lend in [moved::<u8>, frozen::<u8>, shared::<u8>] {
        let (memory, lender) = lend(numbers.clone());
        assert_eq!(call(sum, view(Element::Uint8, memory)), expected);
        assert_eq!(lender.take_back().unwrap(), numbers, "nothing keeps it");
    }
    // SAFETY: a vector that is there during the call.
    let copy = unsafe { Owned::copy(numbers.as_ptr(), numbers.len()) }.unwrap();
    assert_eq!(call(sum, view(Element::Uint8, Memory::owned(copy))), expected);
    let draft = sum.prepare(view(Element::Uint8, Memory::draft(8)), &Options::default()).unwrap();
    drop(draft);
    let error = call(sum, Value::Null).unwrap_err();
    assert_eq!(error.message, "The \"input\" argument must be a view. Received null");
}

#[test]
fn shared_and_moved_elements_are_changed_in_place() {
    struct Doubling<T>(Shared<T>);
    impl Parallel for Doubling<u32> {
        fn len(&self) -> u64 {
            self.0.len() as u64
        }
        fn run(&self, range: Range<u64>) -> Result<()> {
            self.0.update(range.start as usize..range.end as usize, |element| element * 2);
            Ok(())
        }
        fn merge(&mut self) -> Result<Next> {
            Ok(Next::Done(Value::Input))
        }
    }
    fn doubled<T: Number>(input: Value) -> Shared<T> {
        let Value::View(view) = input else { panic!("a view") };
        view.memory.into_shared().unwrap()
    }
    let double = same(|input, _| Ok(Work::parallel(Doubling(doubled::<u32>(input)))));
    for lend in [moved::<u32>, shared::<u32>] {
        let (memory, lender) = lend(vec![1, 2, 3]);
        assert_eq!(call(double, view(Element::Uint32, memory)), Ok(Value::Input));
        assert_eq!(lender.take_back().unwrap(), [2, 4, 6]);
    }
    struct Filling(Parts<u8>);
    impl Parallel for Filling {
        fn len(&self) -> u64 {
            self.0.count() as u64
        }
        fn run(&self, range: Range<u64>) -> Result<()> {
            range.for_each(|part| self.0.take(part as usize).fill(part as u8));
            Ok(())
        }
        fn merge(&mut self) -> Result<Next> {
            Ok(Next::Done(Value::Input))
        }
    }
    let fill = same(|input, _| {
        let Value::View(view) = input else { panic!("a view") };
        let alone: Exclusive<u8> = view.memory.into_exclusive().map_err(|_| EngineError::invalid_data("not alone"))?;
        Ok(Work::parallel(Filling(Parts::new(alone, 2)?)))
    });
    let (memory, lender) = moved(vec![9_u8; 5]);
    assert_eq!(call(fill, view(Element::Uint8, memory)), Ok(Value::Input));
    assert_eq!(lender.take_back().unwrap(), [0, 0, 1, 1, 2]);
    let (memory, lender) = frozen(vec![9_u8; 5]);
    assert_eq!(call(fill, view(Element::Uint8, memory)), Err(EngineError::invalid_data("not alone")));
    assert!(lender.take_back().is_ok());
}

#[test]
fn memory_that_a_kernel_keeps_is_held_until_it_lets_go() {
    static KEPT: std::sync::Mutex<Option<Bytes>> = std::sync::Mutex::new(None);
    let keep = same(|input, _| {
        let Value::View(view) = input else { panic!("a view") };
        *KEPT.lock().unwrap() = Some(view.into_bytes());
        done(Value::Null)
    });
    let (memory, lender) = frozen(vec![1_u8, 2]);
    assert_eq!(call(keep, view(Element::Uint8, memory)), Ok(Value::Null));
    let lender = lender.take_back().unwrap_err();
    let kept = KEPT.lock().unwrap().take().unwrap();
    assert_eq!(kept.read(0..2, &mut vec![]).unwrap(), [1, 2]);
    drop(kept);
    assert_eq!(lender.take_back().unwrap(), [1, 2]);
}

#[test]
fn phases_follow_each_other() {
    let phases = same(|input, _| {
        let Value::View(view) = input else { panic!("a view") };
        let mut bytes = Some(view.into_bytes());
        Ok(Work::one_shot(move || Ok(Next::Then(Work::stepped(Sum(bytes.take(), 0, 0))))))
    });
    let (memory, lender) = frozen(vec![3_u8; 5]);
    assert_eq!(call(phases, view(Element::Uint8, memory)), Ok(Value::Number(15.0)));
    assert!(lender.take_back().is_ok());
}

#[test]
fn resources_are_of_their_plug_in_and_freed_once() {
    // Invariant 2.
    struct Words(&'static AtomicUsize);
    impl Drop for Words {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    static FREED: AtomicUsize = AtomicUsize::new(0);
    let make = same(|_, _| done(Value::Resource(Resource::new("Words", Words(&FREED)))));
    let user = same(|input, _| {
        let Value::Resource(resource) = &input else { return Err(EngineError::invalid_type("input", "Words", &input)) };
        let words = resource.get::<Words>().unwrap();
        Ok(Work::one_shot(move || Ok(Next::Done(Value::Number(words.0.load(SeqCst) as f64)))))
    });
    let Ok(Value::Resource(resource)) = call(make, Value::Null) else { panic!("a resource") };
    assert_eq!(resource.name(), "Words");
    assert!(resource.get::<Words>().is_none(), "to the host it is opaque");
    let work = user.prepare(Value::Resource(resource.clone()), &Options::default()).unwrap();
    drop(resource);
    assert_eq!(FREED.load(SeqCst), 0, "the work holds it");
    assert_eq!(run(work), Ok(Value::Number(0.0)));
    assert_eq!(FREED.load(SeqCst), 1);
    let error = call(user, Value::Resource(Resource::new("Other", 1_u8))).unwrap_err();
    assert_eq!(error.message, "The \"input\" argument must be Words. Received a resource of another plug-in");
}

#[test]
fn work_is_freed_however_it_ends() {
    // Invariant 2.
    struct Counted(&'static AtomicUsize, bool);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    impl Stepped for Counted {
        fn step(&mut self, _: u64) -> Result<Step> {
            if self.1 { Err(EngineError::invalid_data("no")) } else { Ok(Step::Done(Next::Done(Value::Null))) }
        }
    }
    static FREED: AtomicUsize = AtomicUsize::new(0);
    let kernel = same(|input, _| Ok(Work::stepped(Counted(&FREED, input == Value::Bool(true)))));
    drop(kernel.prepare(Value::Null, &Options::default()));
    assert_eq!(FREED.load(SeqCst), 1, "never run");
    assert!(call(kernel, Value::Bool(true)).is_err());
    assert_eq!(FREED.load(SeqCst), 2, "failed");
    assert!(call(kernel, Value::Bool(false)).is_ok());
    assert_eq!(FREED.load(SeqCst), 3, "done");
}

#[test]
fn what_stood_in_an_outcome_before_is_dropped_when_that_is_whole() {
    // Invariant 2: a plug-in's function that frees may give something to the same outcome.
    use super::host::HOST;
    static FREED: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn free(out: *mut c_void) {
        FREED.fetch_add(1, SeqCst);
        // SAFETY: the outcome of the call that runs.
        unsafe { (HOST.give_number)(out.cast(), 5.0) };
    }
    unsafe extern "C" fn call(_: *mut c_void, out: *mut abi::Outcome) -> i32 {
        let mut byte = 0_u64;
        // SAFETY: the outcome of the call that runs; of the memory nobody reads anything.
        unsafe {
            (HOST.give_memory)(out, abi::UINT8, (&raw mut byte).cast(), 8, Some(free), out.cast());
            (HOST.give_null)(out)
        }
    }
    static TABLE: abi::WorkTable = abi::WorkTable {
        size: size_of::<abi::WorkTable>() as u32,
        shape: abi::ONE_SHOT,
        run: None,
        merge: None,
        step: None,
        call: Some(call),
        progress: None,
        free: None,
    };
    unsafe extern "C" fn prepare(
        _: *mut c_void,
        _: *const abi::Call,
        work: *mut abi::Work,
        _: *mut abi::Outcome,
    ) -> i32 {
        let made = abi::Work { table: &TABLE, state: ptr::null_mut(), length: 0, first_morsel: 0, cost: 0, memory: 0 };
        // SAFETY: room of the host's.
        unsafe { work.write(made) };
        abi::OK
    }
    static WITH: std::sync::Mutex<usize> = std::sync::Mutex::new(0);
    unsafe extern "C" fn entry(host: *const abi::Host) -> *const abi::Plugin {
        static NONE: &[&dyn Kernel] = &[&Made { spec: Spec::new("reenters"), prepare: |_, _| done(Value::Null) }];
        // SAFETY: passed on; the table is the SDK's, made for ever, and changed before anybody else has it.
        unsafe {
            let table = super::sdk::table("tests", NONE, host);
            (*(*table).kernels.cast_mut()).prepare = Some(prepare);
            *WITH.lock().unwrap() = table.expose_provenance();
            table
        }
    }
    // SAFETY: the entry makes a right table.
    let kernel = unsafe { Plugin::read(entry) }.unwrap().kernels[0];
    assert_eq!(call_of(kernel), Ok(Value::Number(5.0)), "the last that was given counts");
    assert_eq!(FREED.load(SeqCst), 1);
}

fn call_of(kernel: &dyn Kernel) -> Result<Value> {
    call(kernel, Value::Null)
}

/// A table as C might write it, wrong in one place.
fn wrong(spoil: impl FnOnce(&mut abi::Plugin, &mut abi::Kernel, &mut abi::OptionSpec)) -> String {
    static TABLE: std::sync::Mutex<usize> = std::sync::Mutex::new(0);
    unsafe extern "C" fn entry(_: *const abi::Host) -> *const abi::Plugin {
        *TABLE.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) as *const abi::Plugin
    }
    unsafe extern "C" fn prepare(_: *mut c_void, _: *const abi::Call, _: *mut abi::Work, _: *mut abi::Outcome) -> i32 {
        abi::FAILED
    }
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let option = Box::leak(Box::new(abi::OptionSpec {
        name: abi::Text::new("rounds"),
        docs: abi::Text::EMPTY,
        ts_type: abi::Text::EMPTY,
        kind: abi::OPTION_INTEGER,
        required: 0,
        minimum: 0.0,
        maximum: 9.0,
        fallback: f64::NAN,
        choices: ptr::null(),
        choice_count: 0,
        resource: ptr::null(),
    }));
    let kernel = Box::leak(Box::new(abi::Kernel {
        size: size_of::<abi::Kernel>() as u32,
        flags: 0,
        name: abi::Text::new("right"),
        summary: abi::Text::EMPTY,
        docs: abi::Text::EMPTY,
        input_name: abi::Text::EMPTY,
        input_type: abi::Text::EMPTY,
        output_type: abi::Text::EMPTY,
        type_parameter: abi::Text::EMPTY,
        accepts_integers_up_to: 0,
        options: ptr::from_ref(option),
        option_count: 1,
        option_size: size_of::<abi::OptionSpec>(),
        user: ptr::null_mut(),
        prepare: Some(prepare),
        estimate: None,
    }));
    let plugin = Box::leak(Box::new(abi::Plugin {
        abi: abi::ABI,
        size: size_of::<abi::Plugin>() as u32,
        name: abi::Text::EMPTY,
        kernels: ptr::from_ref(kernel),
        kernel_count: 1,
        kernel_size: size_of::<abi::Kernel>(),
    }));
    spoil(plugin, kernel, option);
    *TABLE.lock().unwrap() = ptr::from_ref(plugin).expose_provenance();
    // SAFETY: pointers of the table are right, whatever else is not.
    match unsafe { Plugin::read(entry) } {
        Ok(plugin) => {
            let failed = plugin.kernels[0].prepare(Value::Null, &Options::default()).unwrap_err();
            assert_eq!(failed.code, Code::KernelPanic, "it fails without saying why");
            "right".into()
        }
        Err(error) => error.0,
    }
}

#[test]
fn a_table_that_is_wrong_is_refused() {
    // Invariants 3 and 6.
    assert_eq!(wrong(|_, _, _| {}), "right");
    assert_eq!(wrong(|plugin, _, _| plugin.size += 64), "right", "a later version's");
    assert_eq!(wrong(|plugin, _, _| plugin.abi = 2), "it is for version 2 of the plug-in interface, not 1");
    for (expected, message) in [
        ("hl_plugin has 8 bytes", wrong(|plugin, _, _| plugin.size = 8)),
        ("hl_kernel has 16 bytes", wrong(|plugin, _, _| plugin.kernel_size = 16)),
        ("it has 0 kernels", wrong(|plugin, _, _| plugin.kernel_count = 0)),
        ("it has 18446744073709551615 kernels", wrong(|plugin, _, _| plugin.kernel_count = usize::MAX)),
        ("it has 1 kernels", wrong(|plugin, _, _| plugin.kernels = ptr::null())),
        ("its entry says that it has 1 bytes", wrong(|_, kernel, _| kernel.size = 1)),
        ("no function `prepare`", wrong(|_, kernel, _| kernel.prepare = None)),
        ("its name is ''", wrong(|_, kernel, _| kernel.name = abi::Text::EMPTY)),
        ("its name is 'Upper'", wrong(|_, kernel, _| kernel.name = abi::Text::new("Upper"))),
        ("its name is 'a b'", wrong(|_, kernel, _| kernel.name = abi::Text::new("a b"))),
        ("its name is 'hashSync'", wrong(|_, kernel, _| kernel.name = abi::Text::new("hashSync"))),
        ("right has 257 options", wrong(|_, kernel, _| kernel.option_count = 257)),
        ("right has 1 options", wrong(|_, kernel, _| kernel.options = ptr::null())),
        ("hl_option has 4 bytes", wrong(|_, kernel, _| kernel.option_size = 4)),
        ("right calls its input 'In'", wrong(|_, kernel, _| kernel.input_name = abi::Text::new("In"))),
        ("exactly", wrong(|_, kernel, _| (kernel.flags, kernel.accepts_integers_up_to) = (abi::INTEGERS, 1 << 53))),
        ("option '': its name", wrong(|_, _, option| option.name = abi::Text::EMPTY)),
        ("option 'timeout': every task has", wrong(|_, _, option| option.name = abi::Text::new("timeout"))),
        ("option 'rounds': its type is unknown", wrong(|_, _, option| option.kind = 99)),
        ("its name is 'then', which means", wrong(|_, kernel, _| kernel.name = abi::Text::new("then"))),
        ("its name is 'class', which means", wrong(|_, kernel, _| kernel.name = abi::Text::new("class"))),
        ("right calls its input 'new'", wrong(|_, kernel, _| kernel.input_name = abi::Text::new("new"))),
        ("option 'constructor': every object", wrong(|_, _, option| option.name = abi::Text::new("constructor"))),
        ("its default is no integer", wrong(|_, _, option| option.fallback = 0.5)),
        ("hl_kernel has 1099511627776 bytes", wrong(|plugin, _, _| plugin.kernel_size = 1 << 40)),
        ("hl_option has 1099511627776 bytes", wrong(|_, kernel, _| kernel.option_size = 1 << 40)),
        ("right has 1 options", wrong(|_, kernel, _| kernel.options = kernel.options.wrapping_byte_add(1))),
        ("it has 1 kernels", wrong(|plugin, _, _| plugin.kernels = plugin.kernels.wrapping_byte_add(1))),
        ("its range has no numbers", wrong(|_, _, option| option.minimum = 10.0)),
        ("its range has no numbers", wrong(|_, _, option| option.maximum = f64::NAN)),
        ("its default is out of its range", wrong(|_, _, option| option.fallback = 10.0)),
        ("it has no choices", wrong(|_, _, option| option.kind = abi::OPTION_CHOICE)),
        ("it has no type of resource", wrong(|_, _, option| option.kind = abi::OPTION_RESOURCE)),
    ] {
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn two_kernels_of_one_name_are_refused() {
    static TWICE: &[&dyn Kernel] = &[
        &Made { spec: Spec::new("twice"), prepare: |_, _| done(Value::Null) },
        &Made { spec: Spec::new("twice"), prepare: |_, _| done(Value::Null) },
    ];
    unsafe extern "C" fn entry(host: *const abi::Host) -> *const abi::Plugin {
        // SAFETY: passed on.
        unsafe { super::sdk::table("tests", TWICE, host) }
    }
    // SAFETY: the SDK makes a right table.
    let error = unsafe { Plugin::read(entry) }.unwrap_err();
    assert_eq!(error.0, "it has two kernels of the name twice");
}

#[test]
fn a_host_of_another_version_gets_no_table() {
    // SAFETY: null, or a table that is only looked at.
    unsafe {
        assert!(super::sdk::table("tests", &[], ptr::null()).is_null());
        let mut other = ptr::read(&raw const super::host::HOST);
        assert!(!super::sdk::table("tests", &[], &raw const super::host::HOST).is_null());
        assert!(super::sdk::table("tests", &[], &raw const other).is_null(), "it has a host");
        other.abi = 2;
        assert!(super::sdk::table("tests", &[], &raw const other).is_null());
    }
}
