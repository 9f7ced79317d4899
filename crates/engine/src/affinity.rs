//! Where a pool's threads run, beside the machine's other threads: behind them, and not on the event loop's CPU.
//!
//! If the system refuses (a seccomp filter, say), the threads keep their priority. No thread's affinity is ever set, not even to what it
//! was: since Linux 6.2 a mask that was set explicitly outlives a cpuset that grows.

/// Lowers the calling thread's priority, where the system can: on Linux niceness belongs to a thread.
pub(super) fn lower_priority(niceness: u8) {
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::process::nice(i32::from(niceness));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
}

/// The CPU that runs the calling thread, where the system says it.
pub(super) fn current_cpu() -> Option<usize> {
    #[cfg(target_os = "linux")]
    return Some(rustix::thread::sched_getcpu());
    #[cfg(not(target_os = "linux"))]
    None
}
