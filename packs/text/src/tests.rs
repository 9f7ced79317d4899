//! Whole kernels, and what attackers send them.
