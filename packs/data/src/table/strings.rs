//! Strings that cells refer to by number, one behind the other.

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::append;

use crate::table::sheet::{LONGEST_TEXT, too_long};
use crate::table::text::{push, reserve_large};

#[derive(Default)]
pub(crate) struct Strings {
    text: Vec<u8>,
    /// No string takes more here than it does in a file: so they are no longer than they need be.
    ends: Vec<u32>,
}

impl Strings {
    /// Adds to the string that is not finished.
    ///
    /// # Errors
    /// ERR_INVALID_DATA if it is too long; ERR_OUT_OF_MEMORY.
    pub(crate) fn add(&mut self, text: &[u8]) -> Result<()> {
        reserve_large(&mut self.text);
        append(&mut self.text, text)?;
        if self.text.len() - self.start() > LONGEST_TEXT {
            return Err(too_long());
        }
        Ok(())
    }

    /// Finishes a string, which `change` may change from the place on that it is given.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    pub(crate) fn finish(&mut self, change: impl FnOnce(&mut Vec<u8>, usize)) -> Result<()> {
        let start = self.start();
        change(&mut self.text, start);
        let end = u32::try_from(self.text.len());
        push(&mut self.ends, end.map_err(|_| EngineError::invalid_data("The data has more than 4 GiB of strings"))?)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        Some(&self.text[start as usize..end as usize])
    }

    fn start(&self) -> usize {
        self.ends.last().map_or(0, |end| *end as usize)
    }
}
