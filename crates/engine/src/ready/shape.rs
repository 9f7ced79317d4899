//! The shapes of tasks.

/// Who does a task's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Shape {
    /// A pool's threads.
    Kernel = 0,
    /// Something else, while the task takes a thread's place.
    External = 1,
}

/// All of them.
pub(super) const SHAPES: [Shape; 2] = [Shape::Kernel, Shape::External];
