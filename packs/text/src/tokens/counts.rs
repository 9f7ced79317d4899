//! How many tokens pieces have, remembered: most words come again and again, in a text and in the next one. The tables, which know it, are so large that processors have them in no cache.

use std::sync::{Mutex, PoisonError};

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;

use super::Tables;

/// Of longer pieces nothing is remembered.
const LONGEST: usize = 15;
const SLOTS: usize = 8192;
/// Kept for tasks to come, of an encoding.
const MOST_SPARE: usize = 16;

#[derive(Clone, Copy, Default)]
struct Slot {
    /// The piece's bytes, and its length in the last one; all zeros if there is none.
    key: [u64; 2],
    count: u32,
}

/// A piece's slot follows from its bytes; whoever comes later takes it.
struct Slots(Vec<Slot>);

/// Those that no task has.
#[derive(Default)]
pub(super) struct Spare(Mutex<Vec<Slots>>);

/// A task's, while it runs.
pub(crate) struct Counts {
    tables: &'static Tables,
    slots: Slots,
}

impl Counts {
    /// How many bytes they take.
    pub(crate) const MEMORY: u64 = (SLOTS * size_of::<Slot>()) as u64;

    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    pub(crate) fn new(tables: &'static Tables) -> Result<Self> {
        let spare = tables.spare.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let slots = match spare {
            Some(slots) => slots,
            None => Slots::new()?,
        };
        Ok(Self { tables, slots })
    }

    pub(crate) fn tables(&self) -> &'static Tables {
        self.tables
    }

    /// How many tokens a piece has, if there are no more than `most`. Of a long piece it gives up early: then there may be no more after all.
    pub(crate) fn of_at_most(&mut self, most: usize, piece: &str) -> Option<usize> {
        if piece.len() > LONGEST {
            return self.tables.bpe.count_till_limit(piece.as_bytes(), most);
        }
        Some(self.of(piece)).filter(|count| *count <= most)
    }

    /// How many tokens a piece has.
    pub(crate) fn of(&mut self, piece: &str) -> usize {
        if piece.len() > LONGEST {
            return self.tables.count(piece);
        }
        let key = key(piece.as_bytes());
        let mixed = (key[0] ^ key[1].rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slot = &mut self.slots.0[(mixed >> 32) as usize % SLOTS];
        if slot.key != key {
            *slot = Slot { key, count: self.tables.count(piece) as u32 };
        }
        slot.count as usize
    }
}

impl Drop for Counts {
    fn drop(&mut self) {
        let mut spare = self.tables.spare.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < MOST_SPARE {
            spare.push(Slots(std::mem::take(&mut self.slots.0)));
        }
    }
}

impl Slots {
    fn new() -> Result<Self> {
        let mut slots = Vec::new();
        slots.try_reserve_exact(SLOTS).map_err(|_| EngineError::out_of_memory(SLOTS * size_of::<Slot>()))?;
        slots.resize(SLOTS, Slot::default());
        Ok(Self(slots))
    }
}

fn key(piece: &[u8]) -> [u64; 2] {
    let mut bytes = [0; 16];
    bytes[..piece.len()].copy_from_slice(piece);
    bytes[LONGEST] = piece.len() as u8;
    let half = |range: std::ops::Range<usize>| u64::from_le_bytes(bytes[range].try_into().unwrap_or_default());
    [half(0..8), half(8..16)]
}
