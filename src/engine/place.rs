//! Where a pool's threads stand among the machine's other threads: behind them, and beside the event loop's.
//!
//! A refusal of the system (a seccomp filter, say) costs only the courtesy.

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

/// Moves the calling thread away from a CPU, if there is another that it may run on. Its affinity stays what it was.
pub(super) fn leave_cpu(cpu: usize) {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let Ok(allowed) = sched_getaffinity(None) else { return };
        if cpu >= CpuSet::MAX_CPU || allowed.count() < 2 {
            return;
        }
        let mut others = allowed;
        others.unset(cpu);
        if sched_setaffinity(None, &others).is_ok() {
            let _ = sched_setaffinity(None, &allowed);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = cpu;
}
