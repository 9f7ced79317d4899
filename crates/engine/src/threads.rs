//! How many threads a pool has, and how they are started.

use std::env;
use std::io;
use std::num::NonZero;
use std::sync::mpsc::channel;
use std::thread::{Builder, available_parallelism};

use rayon::{ThreadBuilder, ThreadPool, ThreadPoolBuilder};

use super::affinity::lower_priority;
use heavy_load_kernel::Result;
use heavy_load_kernel::error::{Code, EngineError, cut};

/// The largest pool: what libuv allows, and more than any machine has use for.
pub const MOST_THREADS: u64 = 1024;

/// The threads that a pool has by default: HEAVY_LOAD_THREADS, or the CPUs that this process may really use, with
/// affinity and cgroup quota counted in.
///
/// # Errors
/// ERR_INVALID_ARG_VALUE if HEAVY_LOAD_THREADS is set, not empty, and no integer from 1 to 1024.
pub fn default_threads() -> Result<usize> {
    let text = env::var("HEAVY_LOAD_THREADS").unwrap_or_default();
    // Empty is how container tools hand on a variable that nobody has set.
    if text.trim().is_empty() {
        return Ok(available_parallelism().map_or(1, NonZero::get));
    }
    match text.trim().parse() {
        Ok(threads) if (1..=MOST_THREADS).contains(&threads) => Ok(threads as usize),
        _ => Err(EngineError::new(
            Code::InvalidArgValue,
            format!("HEAVY_LOAD_THREADS must be an integer >= 1 and <= {MOST_THREADS}. Received '{}'", cut(&text)),
        )),
    }
}

/// Starts `size` threads, or as many as the system gives.
///
/// # Errors
/// ERR_OUT_OF_MEMORY if it gives none.
pub(super) fn start(size: usize, name: &str, niceness: u8) -> Result<ThreadPool> {
    start_by(size, niceness, |index, body| Builder::new().name(format!("{name}-{index}")).spawn(body).map(drop))
}

/// Rayon has to know beforehand how many there are, and ends them all if one cannot be started. So they are started by `spawn` first, and wait for
/// what rayon has for them.
fn start_by(
    size: usize,
    niceness: u8,
    mut spawn: impl FnMut(usize, Box<dyn FnOnce() + Send>) -> io::Result<()>,
) -> Result<ThreadPool> {
    let mut waiting = vec![];
    let mut refusal = None;
    while waiting.len() < size && refusal.is_none() {
        let (sender, receiver) = channel::<ThreadBuilder>();
        let body = move || {
            if let Ok(thread) = receiver.recv() {
                thread.run();
            }
        };
        match spawn(waiting.len(), Box::new(body)) {
            Ok(()) => waiting.push(sender),
            Err(error) => refusal = Some(error.to_string()),
        }
    }
    let refused =
        |why: &str| EngineError::new(Code::OutOfMemory, format!("The system does not give the pool a thread: {why}"));
    if waiting.is_empty() {
        return Err(refused(&refusal.unwrap_or_default()));
    }
    ThreadPoolBuilder::new()
        .num_threads(waiting.len())
        .start_handler(move |_| lower_priority(niceness))
        // Tickets catch the panics of kernels; without a handler of its own, rayon would abort the process for ours.
        .panic_handler(|_| {})
        .spawn_handler(|thread| waiting[thread.index()].send(thread).map_err(|_| io::ErrorKind::BrokenPipe.into()))
        .build()
        .map_err(|error| refused(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system that gives so many threads.
    fn limited(most: usize) -> impl FnMut(usize, Box<dyn FnOnce() + Send>) -> io::Result<()> {
        move |index, body| {
            if index >= most {
                return Err(io::Error::from(io::ErrorKind::WouldBlock));
            }
            Builder::new().spawn(body).map(drop)
        }
    }

    #[test]
    fn a_pool_starts_with_what_it_gets() {
        for (size, most, got) in [(4, 9, 4), (4, 3, 3), (9, 1, 1)] {
            let threads = start_by(size, 0, limited(most)).unwrap();
            assert_eq!(threads.current_num_threads(), got);
            assert_eq!(threads.install(|| rayon::join(|| 1, || 2)), (1, 2));
        }
    }

    #[test]
    fn a_pool_without_a_thread_is_none() {
        assert_eq!(start_by(4, 0, limited(0)).unwrap_err().code, Code::OutOfMemory);
    }
}
