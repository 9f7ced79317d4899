//! Where a pool's threads stand among the machine's other threads: behind them, and not on the CPU of the event loop's.
//!
//! A refusal of the system (a seccomp filter, say) costs only the courtesy. No thread's affinity is ever set, not even to what it was:
//! since Linux 6.2 a mask that was set explicitly outlives a cpuset that grows.

/// Makes the calling thread yield to others, where the system can: on Linux niceness belongs to a thread.
pub(super) fn stand_back(niceness: u8) {
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::process::nice(i32::from(niceness));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
}

/// The CPU that runs the calling thread, where the system tells.
pub(super) fn current_cpu() -> Option<usize> {
    #[cfg(target_os = "linux")]
    return Some(rustix::thread::sched_getcpu());
    #[cfg(not(target_os = "linux"))]
    None
}
