//! How near two vectors are.
//!
//! Invariant: a score depends on the two vectors alone. Sums are of many partial sums, each of every so-manieth element, which are added in one order; so it matters neither how wide the
//! machine's vectors are nor who adds what.

use std::ops::Range;

/// Partial sums: as many as the widest vectors have elements, some times over, so that additions do not wait for each other. Measured: half of them, or twice as many, take longer.
const OF_ONE: usize = 64;
/// Of each, where two sums are made at once.
const OF_TWO: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    Cosine,
    Dot,
    Euclidean,
}

impl Metric {
    pub(crate) const CHOICES: &[(&str, Self)] =
        &[("cosine", Self::Cosine), ("dot", Self::Dot), ("euclidean", Self::Euclidean)];

    /// Whether a smaller score is better.
    pub(crate) fn smaller_is_better(self) -> bool {
        self == Self::Euclidean
    }

    /// The score of a row; `norm` is the query's length.
    #[inline(always)]
    pub(crate) fn score(self, query: &[f32], norm: f64, row: &[f32]) -> f32 {
        let score = match self {
            Self::Dot => Some(sum(query, row, |q, v| q * v)).filter(|dot| dot.is_finite()),
            Self::Euclidean => {
                let squares = sum(query, row, |q, v| (q - v) * (q - v));
                SQUARES.contains(&squares).then(|| squares.sqrt())
            }
            Self::Cosine => {
                let (dot, squares) = sums(query, row, |q, v| q * v, |_, v| v * v);
                let precise = SQUARES.contains(&squares) && LENGTHS.contains(&norm);
                precise.then(|| cosine(f64::from(dot), norm, f64::from(squares)))
            }
        };
        score.unwrap_or_else(|| self.score_of_extremes(query, norm, row))
    }

    /// The same where squares are too large or too small for single precision.
    #[cold]
    #[inline(never)]
    fn score_of_extremes(self, query: &[f32], norm: f64, row: &[f32]) -> f32 {
        let sum = |term: fn(f64, f64) -> f64| -> f64 {
            query.iter().zip(row).map(|(q, v)| term(f64::from(*q), f64::from(*v))).sum()
        };
        match self {
            Self::Dot => sum(|q, v| q * v) as f32,
            Self::Euclidean => sum(|q, v| (q - v) * (q - v)).sqrt() as f32,
            Self::Cosine => cosine(sum(|q, v| q * v), norm, sum(|_, v| v * v)),
        }
    }
}

/// Sums of squares that single precision has as precisely as any.
const SQUARES: Range<f32> = 1e-28..1e28;
/// The lengths of such vectors.
const LENGTHS: Range<f64> = 1e-14..1e14;

/// NaN where a vector has no direction; what rounding adds to 1 is taken off.
fn cosine(dot: f64, norm: f64, squares: f64) -> f32 {
    (dot / (norm * squares.sqrt())).clamp(-1.0, 1.0) as f32
}

/// The length of a vector.
pub(crate) fn norm(query: &[f32]) -> f64 {
    query.iter().map(|q| f64::from(*q) * f64::from(*q)).sum::<f64>().sqrt()
}

/// The sum of what `term` makes of each pair of elements.
#[inline(always)]
fn sum(one: &[f32], other: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let (blocks, rest) = one.as_chunks::<OF_ONE>();
    let (other_blocks, other_rest) = other.as_chunks::<OF_ONE>();
    let mut lanes = [0.0; OF_ONE];
    for (q, v) in blocks.iter().zip(other_blocks) {
        for lane in 0..OF_ONE {
            lanes[lane] += term(q[lane], v[lane]);
        }
    }
    for (lane, (q, v)) in rest.iter().zip(other_rest).enumerate() {
        lanes[lane] += term(*q, *v);
    }
    total(lanes)
}

/// Two sums at once: the elements are read once.
#[inline(always)]
fn sums(one: &[f32], other: &[f32], first: impl Fn(f32, f32) -> f32, second: impl Fn(f32, f32) -> f32) -> (f32, f32) {
    let (blocks, rest) = one.as_chunks::<OF_TWO>();
    let (other_blocks, other_rest) = other.as_chunks::<OF_TWO>();
    let (mut firsts, mut seconds) = ([0.0; OF_TWO], [0.0; OF_TWO]);
    for (q, v) in blocks.iter().zip(other_blocks) {
        for lane in 0..OF_TWO {
            firsts[lane] += first(q[lane], v[lane]);
            seconds[lane] += second(q[lane], v[lane]);
        }
    }
    for (lane, (q, v)) in rest.iter().zip(other_rest).enumerate() {
        firsts[lane] += first(*q, *v);
        seconds[lane] += second(*q, *v);
    }
    (total(firsts), total(seconds))
}

/// The partial sums' sum: half to half, as vectors of any width can do it.
#[inline(always)]
fn total<const LANES: usize>(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_are_as_precise() {
        let cosine = |query: [f32; 2], row: [f32; 2]| Metric::Cosine.score(&query, norm(&query), &row);
        for size in [1e-44, 1e-30, 1e-23, 1e-15, 1.0, 1e15, 1e20, 1e38_f32] {
            for other in [1e-44, 1e-23, 1.0, 1e20, 1e38_f32] {
                assert!((cosine([size, 0.0], [other, other]) - 0.5_f32.sqrt()).abs() < 1e-6, "{size} {other}");
                assert_eq!(cosine([size, 0.0], [-other, 0.0]), -1.0);
            }
            let distance = Metric::Euclidean.score(&[size, 0.0], 0.0, &[0.0, 0.0]);
            assert!((distance / size - 1.0).abs() < 1e-6, "{size}: {distance}");
        }
        assert!(cosine([1.0, 0.0], [0.0, 0.0]).is_nan());
        assert!(cosine([1.0, 0.0], [f32::NAN, 0.0]).is_nan());
    }

    #[test]
    fn scores_are_what_they_are_called() {
        for len in [1, 3, 31, 32, 33, 64, 95, 768] {
            let query: Vec<f32> = (0..len).map(|index| (index as f32 * 0.7 + 1.0).sin()).collect();
            let row: Vec<f32> = (0..len).map(|index| (index as f32 * 1.3).cos()).collect();
            let pairs = || query.iter().zip(&row).map(|(q, v)| (f64::from(*q), f64::from(*v)));
            let dot: f64 = pairs().map(|(q, v)| q * v).sum();
            let lengths =
                pairs().map(|(q, _)| q * q).sum::<f64>().sqrt() * pairs().map(|(_, v)| v * v).sum::<f64>().sqrt();
            let distance = pairs().map(|(q, v)| (q - v).powi(2)).sum::<f64>().sqrt();
            for (metric, expected) in
                [(Metric::Dot, dot), (Metric::Cosine, dot / lengths), (Metric::Euclidean, distance)]
            {
                let score = f64::from(metric.score(&query, norm(&query), &row));
                assert!(
                    (score - expected).abs() <= 1e-4 * expected.abs().max(1.0),
                    "{metric:?} of {len}: {score}, {expected}"
                );
            }
        }
    }
}
