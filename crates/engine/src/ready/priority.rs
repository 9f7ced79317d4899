//! Priorities.

/// Strict: of tasks that are ready, one of the highest priority goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Priority {
    /// Before everything else.
    High = 0,
    /// The default.
    #[default]
    Normal = 1,
    /// Only while nothing else is ready.
    Low = 2,
}

/// How many there are.
pub(super) const PRIORITIES: usize = 3;
