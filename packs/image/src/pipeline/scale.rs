//! Scaling, by the Lanczos filter with three lobes, in parallel: a unit is a band of the output's rows.
//!
//! A band is scaled by itself, of all rows of the source that its own need: so what comes out does not depend on the bands. It is scaled vertically
//! first, and each band computes the filter's weights anew: so it has some rows at least, but where these are so long that it would not stop in time.

use std::ops::Range;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, MulDiv, ResizeAlg, ResizeOptions, Resizer};
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Exclusive, Parts, reserve_exact};
use heavy_load_kernel::{Next, Parallel, Result, Work};

use super::Rest;
use crate::geometry::Plan;
use crate::pixels::{Channels, Data, Pixels, bytes_of, room_for};

/// Pixels of the source that a band needs, about: some 300 microseconds of work.
const BAND: f64 = 300_000.0;
/// Pixels that it writes at most: an image that becomes much larger reads next to nothing, and its weights are many.
const WRITTEN: f64 = 4e6;
/// Least rows of a band, as long as it reads and writes no more than so many pixels.
const LEAST: u32 = 16;
const LARGEST: f64 = 40e6;
/// How far the filter reaches, in pixels of the larger of source and output.
const REACH: f64 = 3.0;

/// Scales a part of an image whose colours are multiplied by their alpha, and divides them by it again.
pub(crate) fn work(source: Pixels, plan: Plan, rest: Rest) -> Result<Work> {
    let channels = source.channels;
    let to = Exclusive::zeroed(bytes_of(plan.to_width, plan.to_height, channels)?)?;
    let rows = rows_of_band(&plan);
    let bands = Parts::new(to, rows as usize * plan.to_width as usize * channels.count())?;
    Ok(Work::parallel(Scaling { source, plan, rest, rows, bands }))
}

/// How many rows of the output a band has.
fn rows_of_band(plan: &Plan) -> u32 {
    let read = plan.width * plan.height / f64::from(plan.to_height);
    // To the output, and to what is between: as wide as the source, and as high as the output.
    let written = plan.width.max(plan.to_width.into());
    let least = ((LARGEST / read.max(written)) as u32).clamp(1, LEAST);
    ((BAND / read).min(WRITTEN / written) as u32).clamp(least, plan.to_height.max(least))
}

/// Bytes of the weights by which so many rows are scaled.
fn weights(plan: &Plan, rows: u32) -> usize {
    let bytes = |from: f64, all: u32, to: u32| {
        let window = 2.0 * (REACH * (from / f64::from(all)).max(1.0)).ceil() + 1.0;
        // As double and as 16 bits; and where they begin, twice.
        (f64::from(to) * (window * 10.0 + 32.0)) as usize
    };
    bytes(plan.width, plan.to_width, plan.to_width) + bytes(plan.height, plan.to_height, rows)
}

/// Columns of the source that the filter looks at.
fn columns(plan: &Plan, all: u32) -> Range<u32> {
    let reach = REACH * (plan.width / f64::from(plan.to_width)).max(1.0);
    let end = (plan.left + plan.width + reach).ceil().min(all.into());
    (plan.left - reach).floor().max(0.0) as u32..end as u32
}

/// Whether a side stays as it is.
fn keeps(start: f64, from: f64, to: u32) -> bool {
    from == f64::from(to) && start.fract() == 0.0
}

struct Scaling {
    source: Pixels,
    plan: Plan,
    rest: Rest,
    /// Of a band.
    rows: u32,
    bands: Parts<u8>,
}

impl Scaling {
    /// Scales a band; `between` is room that bands may share.
    fn band(&self, index: u64, resizer: &mut Resizer, between: &mut Vec<u8>) -> Result<()> {
        let Self { source, plan, .. } = self;
        let channels = source.channels;
        let pixel_type = channels.pixel_type();
        let from = ImageRef::new(source.width, source.height, source.as_slice(), pixel_type).map_err(failed)?;
        let first = index as u32 * self.rows;
        let rows = self.rows.min(plan.to_height - first);
        let mut to =
            Image::from_slice_u8(plan.to_width, rows, self.bands.take(index as usize), pixel_type).map_err(failed)?;
        let scale = plan.height / f64::from(plan.to_height);
        let top = plan.top + scale * f64::from(first);
        let height = (scale * f64::from(rows)).min(f64::from(source.height) - top);
        let width = plan.width.min(f64::from(source.width) - plan.left);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(false);
        // The scaler takes its memory in a way that ends the process if there is none. So it is asked for before; and what is between both
        // directions, which is most of it, is not left to the scaler.
        drop(room_for(weights(plan, rows))?);
        if keeps(plan.left, plan.width, plan.to_width) || keeps(plan.top, plan.height, plan.to_height) {
            resizer.resize(&from, &mut to, &options.crop(plan.left, top, width, height)).map_err(failed)?;
        } else {
            let columns = columns(plan, source.width);
            let (start, across) = (f64::from(columns.start), columns.end - columns.start);
            let bytes = bytes_of(across, rows, channels)?;
            reserve_exact(between, bytes.saturating_sub(between.len()))?;
            between.resize(bytes, 0);
            let mut high = Image::from_slice_u8(across, rows, between, pixel_type).map_err(failed)?;
            resizer.resize(&from, &mut high, &options.crop(start, top, across.into(), height)).map_err(failed)?;
            let wide = options.crop(plan.left - start, 0.0, width, rows.into());
            resizer.resize(&high, &mut to, &wide).map_err(failed)?;
        }
        if channels.has_alpha() {
            MulDiv::new().divide_alpha_inplace(&mut to).map_err(failed)?;
        }
        Ok(())
    }
}

impl Parallel for Scaling {
    fn len(&self) -> u64 {
        self.bands.count() as u64
    }

    fn run(&self, range: Range<u64>) -> Result<()> {
        let (mut resizer, mut between) = (Resizer::new(), vec![]);
        range.into_iter().try_for_each(|index| self.band(index, &mut resizer, &mut between))
    }

    fn merge(&mut self) -> Result<Next> {
        let data = Data::Exclusive(std::mem::take(&mut self.bands).into_whole());
        let Plan { to_width: width, to_height: height, .. } = self.plan;
        // What is large goes as soon as it can.
        let channels = std::mem::replace(&mut self.source, Pixels::none()).channels;
        self.rest.after_scaling(Pixels { width, height, channels, data })
    }

    fn progress(&self, done: u64) -> f64 {
        0.8 + 0.1 * done as f64 / self.len().max(1) as f64
    }
}

#[cold]
fn failed(error: impl std::fmt::Display) -> EngineError {
    EngineError::invalid_data(format!("The image cannot be scaled: {error}"))
}

impl Pixels {
    fn none() -> Self {
        Self { width: 0, height: 0, channels: Channels::Grey, data: Data::Vec(vec![]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(width: f64, height: f64, to_width: u32, to_height: u32) -> Plan {
        Plan { left: 0.0, top: 0.0, width, height, to_width, to_height }
    }

    #[test]
    fn a_band_is_a_step_whatever_is_scaled_to_what() {
        for (width, height, to_width, to_height) in [
            (4000.0, 3000.0, 320, 240),
            (64.0, 64.0, 12_000, 12_000),
            (16_000.0, 16_000.0, 16, 16),
            (100_000.0, 2600.0, 320, 8),
            (100_000.0, 4.0, 100, 65_535),
            (4.0, 100_000.0, 65_535, 1000),
        ] {
            let plan = plan(width, height, to_width, to_height);
            let rows = rows_of_band(&plan);
            let read = f64::from(rows) * width * height / f64::from(to_height);
            let most = read.max(f64::from(rows) * width).max(f64::from(rows) * f64::from(to_width));
            assert!(most <= LARGEST, "{plan:?}: {rows} rows, {most} pixels");
            assert!(weights(&plan, rows) < 20 << 20, "{plan:?}");
        }
        assert_eq!(rows_of_band(&plan(4000.0, 3000.0, 320, 240)), LEAST);
    }
}
