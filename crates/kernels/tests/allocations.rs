//! Where there is no memory, a kernel gives an error, and what it had is given back: every request for much memory fails once, in
//! every kernel, over every kind of memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use heavy_load_engine::{Completion, Control, Pool, PoolConfig, Sink, TaskConfig, run_direct};
use heavy_load_kernel::error::{Code, EngineError};
use heavy_load_kernel::value::{Element, Loan, Memory, Options, Owned, Value, View};
use heavy_load_kernel::{Kernel, Work};
use heavy_load_kernels::KERNELS;

/// Fails one request of those that are large.
struct Failing {
    /// From how many bytes on a request counts as large.
    large: AtomicUsize,
    /// So many large requests from now, one fails; counts down, and stays at 0.
    left: AtomicUsize,
    /// Whether requests of other threads than the test's own count, too.
    everywhere: AtomicBool,
    /// Bytes that large requests have been given and have not given back.
    held: AtomicUsize,
}

thread_local! {
    /// Whether a test runs on this thread: the test harness asks for memory on others at any time.
    static TESTS: Cell<bool> = const { Cell::new(false) };
}

#[global_allocator]
static ALLOCATOR: Failing = Failing {
    large: AtomicUsize::new(usize::MAX),
    left: AtomicUsize::new(0),
    everywhere: AtomicBool::new(false),
    held: AtomicUsize::new(0),
};

impl Failing {
    fn refuses(&self, size: usize) -> bool {
        let counts_down = |left: usize| left.checked_sub(1);
        size >= self.large.load(Ordering::SeqCst)
            && (TESTS.get() || self.everywhere.load(Ordering::SeqCst))
            && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, counts_down) == Ok(1)
    }

    fn given(&self, start: *mut u8, size: usize) -> *mut u8 {
        if !start.is_null() && size >= HELD {
            self.held.fetch_add(size, Ordering::SeqCst);
        }
        start
    }
}

// SAFETY: passes everything on to the system's allocator, or gives null, which is a refusal.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.refuses(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: passed on to the caller.
        self.given(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if self.refuses(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: passed on to the caller.
        self.given(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        if layout.size() >= HELD {
            self.held.fetch_sub(layout.size(), Ordering::SeqCst);
        }
        // SAFETY: passed on to the caller.
        unsafe { System.dealloc(start, layout) };
    }
}

/// Requests of so many bytes are counted as held: more than the engine and the test harness ask for by themselves.
const HELD: usize = 256 * 1024;

/// The allocator is everybody's: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs `attempt` with the first, then the second, ... large request failing, until there is none left to fail. Gives how
/// many there were; each attempt but the last is to fail for want of memory, and none to keep any.
fn fail_each(what: &str, large: usize, mut attempt: impl FnMut() -> Result<(), EngineError>) -> usize {
    TESTS.set(true);
    for number in 1.. {
        let held = ALLOCATOR.held.load(Ordering::SeqCst);
        ALLOCATOR.left.store(number, Ordering::SeqCst);
        ALLOCATOR.large.store(large, Ordering::SeqCst);
        let outcome = attempt();
        ALLOCATOR.large.store(usize::MAX, Ordering::SeqCst);
        assert_eq!(ALLOCATOR.held.load(Ordering::SeqCst), held, "{what}, request {number}");
        if ALLOCATOR.left.load(Ordering::SeqCst) > 0 {
            assert_eq!(outcome, Ok(()), "{what}");
            return number - 1;
        }
        assert_eq!(outcome.map_err(|error| error.code), Err(Code::OutOfMemory), "{what}, request {number}");
    }
    unreachable!("there are no more numbers")
}

/// How memory comes to a kernel, as the binding hands it over.
const HAND_OVERS: [&str; 4] = ["copy", "transfer", "shared", "frozen"];

struct Input {
    bytes: Vec<u64>,
    element: Element,
}

impl Input {
    fn new(len: usize, element: Element) -> Self {
        Self { bytes: vec![0; len / 8], element }
    }

    fn prepare(&mut self, kernel: &dyn Kernel, options: &Options, how: &str) -> Result<Work, EngineError> {
        let (start, len, loan) = (self.bytes.as_mut_ptr().cast(), self.bytes.len() * 8, Loan::new(()));
        // SAFETY: the input outlives the work, which its test runs to the end or drops before the next is prepared: so nobody else
        // accesses the bytes.
        let memory = unsafe {
            loan.open();
            match how {
                "copy" => Memory::owned(Owned::copy(start, len)?),
                "transfer" => Memory::moved(start, len, loan),
                "shared" => Memory::shared(start, len, loan),
                _ => Memory::frozen(start, len, loan),
            }
        };
        let view = View { element: self.element, bare: false, memory };
        kernel.prepare(Value::View(view), options)
    }
}

fn kernel(name: &str) -> &'static dyn Kernel {
    let found = KERNELS.iter().find(|kernel| kernel.spec().name == name);
    *found.unwrap_or_else(|| panic!("there is no kernel {name}"))
}

fn option(name: &'static str, value: &str) -> Options {
    Options::new(vec![(name, Value::String(value.into()))])
}

/// Every call over memory: kernel, options, hand-over, and whether it asks for much memory.
fn calls() -> Vec<(&'static str, Options, &'static str, bool)> {
    let mut calls = vec![];
    for how in HAND_OVERS {
        for algorithm in ["blake3", "sha256", "sha512", "xxh3", "crc32"] {
            // Shared memory is read through a buffer.
            calls.push(("hash", option("algorithm", algorithm), how, how == "copy" || how == "shared"));
        }
        if how != "frozen" {
            calls.push(("sort", Options::default(), how, true));
        }
        if how == "transfer" || how == "shared" {
            let rounds = Options::new(vec![("rounds", Value::Number(1.0))]);
            calls.push(("heavyLoadShared", rounds, how, false));
        }
    }
    calls
}

#[test]
fn every_kernel_on_this_thread() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut input = Input::new(1 << 20, Element::Uint32);
    for (name, options, how, asks) in calls() {
        let what = format!("{name} {how} {options:?}");
        let requests = fail_each(&what, 16 * 1024, || {
            let work = input.prepare(kernel(name), &options, how)?;
            run_direct(work, &Control::default(), |_| ()).map(drop)
        });
        assert_eq!(requests > 0, asks, "{what}: {requests} requests");
    }
}

#[test]
fn tables_that_grow_with_the_input() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // So many elements that even one byte for each part of them is much. The pages are never touched.
    let mut input = Input::new(64 << 20, Element::Uint8);
    for (name, how, least) in [("sort", "transfer", 3), ("sort", "shared", 4), ("hash", "transfer", 1)] {
        let requests = fail_each(name, 2048, || input.prepare(kernel(name), &Options::default(), how).map(drop));
        assert_eq!(requests, least, "{name} {how}");
    }
}

#[test]
fn every_kernel_on_a_pool() {
    struct Ends(Mutex<mpsc::Sender<Completion>>);
    impl Sink for Ends {
        fn complete(&self, completion: Completion) {
            let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = sender.send(completion);
        }
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    ALLOCATOR.everywhere.store(true, Ordering::SeqCst);
    let (sender, ends) = mpsc::channel();
    let sink: Arc<dyn Sink> = Arc::new(Ends(Mutex::new(sender)));
    let config = PoolConfig { threads: 2, max_queue: 0, niceness: 0, max_memory: u64::MAX, name: "test".into() };
    let pool = Pool::new(config).expect("two threads");
    let mut input = Input::new(1 << 20, Element::Uint32);
    for (name, options, how, _) in calls() {
        // What the engine asks for by itself is smaller.
        fail_each(&format!("{name} {how} {options:?}"), 64 * 1024, || {
            let work = input.prepare(kernel(name), &options, how)?;
            // With no queue: a place that was not given back would be missed.
            let reservation = pool.reserve(work, TaskConfig::default(), Instant::now())?;
            pool.submit(reservation, Arc::clone(&sink), 0);
            let end = ends.recv_timeout(Duration::from_secs(60)).expect("the task ends");
            end.outcome.map(drop)
        });
    }
    ALLOCATOR.everywhere.store(false, Ordering::SeqCst);
    let stats = pool.stats();
    assert_eq!((stats.queued, stats.running), (0, 0));
}
