//! The best of many rows.
//!
//! Invariant: what is kept depends on the rows alone, and not on the order in which they come: rows are in one order, by score and then by index, NaN last.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use heavy_load_kernel::Result;
use heavy_load_kernel::error::EngineError;

/// A row, as it ranks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Less is better.
    rank: f32,
    pub(crate) index: u32,
    pub(crate) score: f32,
}

impl Row {
    pub(crate) fn new(index: u32, score: f32, smaller_is_better: bool) -> Self {
        Self { rank: if smaller_is_better { score } else { -score }, index, score }
    }
}

impl Ord for Row {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_rank = match (self.rank.is_nan(), other.rank.is_nan()) {
            (false, false) => self.rank.partial_cmp(&other.rank).unwrap_or(Ordering::Equal),
            (one, other) => one.cmp(&other),
        };
        by_rank.then(self.index.cmp(&other.index))
    }
}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Row {}

/// The `k` best rows so far; the worst of them is on top.
#[derive(Debug)]
pub(crate) struct Ranking {
    best: BinaryHeap<Row>,
    k: usize,
}

impl Ranking {
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    pub(crate) fn new(k: usize) -> Result<Self> {
        let mut best = BinaryHeap::new();
        best.try_reserve_exact(k).map_err(|_| EngineError::out_of_memory(k * size_of::<Row>()))?;
        Ok(Self { best, k })
    }

    pub(crate) fn add(&mut self, row: Row) {
        if self.best.len() < self.k {
            self.best.push(row);
        } else if let Some(mut worst) = self.best.peek_mut()
            && row < *worst
        {
            *worst = row;
        }
    }

    pub(crate) fn take_in(&mut self, other: Self) {
        for row in other.best {
            self.add(row);
        }
    }

    /// The rows, best first.
    pub(crate) fn into_sorted(self) -> Vec<Row> {
        self.best.into_sorted_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_order_in_which_rows_come_does_not_matter(
            scores in proptest::collection::vec(prop_oneof![Just(f32::NAN), Just(0.0), Just(-0.0), -2.0..2.0_f32], 0..60),
            k in 1..20_usize,
            parts in 1..5_usize,
            smaller in any::<bool>(),
        ) {
            let rows: Vec<Row> = scores.iter().enumerate().map(|(index, score)| Row::new(index as u32, *score, smaller)).collect();
            let mut expected = rows.clone();
            expected.sort();
            expected.truncate(k);
            let mut whole = Ranking::new(k).unwrap();
            for part in (0..parts).rev() {
                let mut ranking = Ranking::new(k).unwrap();
                rows.iter().skip(part).step_by(parts).rev().for_each(|row| ranking.add(*row));
                whole.take_in(ranking);
            }
            prop_assert_eq!(whole.into_sorted(), expected);
        }
    }
}
