//! What spreadsheets have in common: which sheet is asked for, and how large one may be.

use heavy_load_kernel::Result;
use heavy_load_kernel::error::{EngineError, cut};
use heavy_load_kernel::value::{Options, Value};

/// Rows and columns that a sheet may have.
pub(crate) const MOST_ROWS: u64 = 1 << 20;
pub(crate) const MOST_COLUMNS: usize = 1 << 14;
/// Bytes that a cell's text may have.
pub(crate) const LONGEST_TEXT: usize = 1 << 20;

/// Which sheet is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Sheet {
    /// From 0.
    Number(u64),
    Name(String),
}

impl Sheet {
    /// # Errors
    /// ERR_INVALID_ARG_TYPE; ERR_OUT_OF_RANGE.
    pub(crate) fn of(options: &Options) -> Result<Self> {
        match options.get("sheet") {
            Value::Undefined => Ok(Self::Number(0)),
            Value::String(name) => Ok(Self::Name(name.clone())),
            Value::Number(_) => options.integer("sheet", 0..=u64::from(u32::MAX), 0).map(Self::Number),
            other => Err(EngineError::invalid_type("options.sheet", "of type string or number", other)),
        }
    }

    /// Whether it is the one of this number and name.
    pub(crate) fn is(&self, number: u64, name: &str) -> bool {
        match self {
            Self::Number(wanted) => *wanted == number,
            Self::Name(wanted) => wanted == name,
        }
    }

    /// There is no such sheet among `count`.
    #[cold]
    pub(crate) fn missing(&self, count: u64) -> EngineError {
        EngineError::invalid_data(match self {
            Self::Number(number) => format!("The data has no sheet {number}: there are {count}, counted from 0"),
            Self::Name(name) => format!("The data has no sheet that is called '{}'", cut(name)),
        })
    }
}

/// What is wrong with a text of more than [`LONGEST_TEXT`].
#[cold]
pub(crate) fn too_long() -> EngineError {
    EngineError::invalid_data("The sheet has a cell of more than 1 MiB")
}
