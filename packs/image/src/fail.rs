//! The errors of this pack.

use std::fmt::Display;

use heavy_load_kernel::error::{Code, EngineError};

use crate::header::Format;

/// An image that cannot be read.
#[cold]
pub(crate) fn broken(format: Format, why: impl Display) -> EngineError {
    EngineError::invalid_data(format!("The {} image cannot be read: {why}", format.title()))
}

/// An image that has more pixels than the call allows.
#[cold]
pub(crate) fn too_many_pixels(width: u64, height: u64, limit: u64) -> EngineError {
    EngineError::new(Code::OutputTooLarge, format!("An image of {width} x {height} pixels has more than {limit}"))
}

/// An image that is too long or too wide for any format.
#[cold]
pub(crate) fn too_long_a_side(width: u32, height: u32, most: u32) -> EngineError {
    EngineError::new(Code::OutputTooLarge, format!("An image of {width} x {height} pixels has more than {most} a side"))
}

/// An image that a format cannot hold.
#[cold]
pub(crate) fn too_long(format: Format, width: u32, height: u32, most: u32) -> EngineError {
    let message = format!("{} has at most {most} pixels a side: not {width} x {height}", format.title());
    EngineError::new(Code::OutputTooLarge, message)
}
