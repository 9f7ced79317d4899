//! The configuration of a pool.

/// How a pool is made.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// Its threads, > 0; at most, for the system may give fewer.
    pub threads: usize,
    /// Tasks that may wait, for their first morsel or for their next; with 0, a task is taken only while a thread is idle.
    pub max_queue: usize,
    /// Linux: the threads' niceness, 0..=19.
    pub niceness: u8,
    /// Working memory that tasks which have begun may take together, in bytes, as their kernels estimate it.
    pub max_memory: u64,
    /// The beginning of the threads' names.
    pub name: String,
}
