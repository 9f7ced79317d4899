//! Scaling, by the Lanczos filter with three lobes, in parallel: a unit is a band of the output's rows.
//!
//! A band is scaled by itself, of all rows of the source that its own need: so what comes out does not depend on the bands. The rows that two
//! bands need are scaled horizontally by both, so a band has more rows than the filter is high.

use std::ops::Range;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, MulDiv, ResizeAlg, ResizeOptions, Resizer};
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Exclusive, Parts};
use heavy_load_kernel::{Next, Parallel, Result, Work};

use super::Rest;
use crate::geometry::Plan;
use crate::pixels::{Channels, Data, Pixels, bytes_of};

/// Pixels of the source that a band needs, about: some 300 microseconds of work.
const BAND: f64 = 300_000.0;
/// Least rows of a band: so at most a third of what is scaled horizontally is scaled twice.
const LEAST: u32 = 16;

/// Scales a part of an image whose colours are multiplied by their alpha, and divides them by it again.
pub(crate) fn work(source: Pixels, plan: Plan, rest: Rest) -> Result<Work> {
    let channels = source.channels;
    let to = Exclusive::zeroed(bytes_of(plan.to_width, plan.to_height, channels)?)?;
    let per_row = plan.width * plan.height / f64::from(plan.to_height);
    let rows = ((BAND / per_row) as u32).clamp(LEAST, plan.to_height.max(LEAST));
    let bands = Parts::new(to, rows as usize * plan.to_width as usize * channels.count())?;
    Ok(Work::parallel(Scaling { source, plan, rest, rows, bands }))
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
    fn band(&self, index: u64, resizer: &mut Resizer) -> Result<()> {
        let Self { source, plan, .. } = self;
        let pixel_type = source.channels.pixel_type();
        let from = ImageRef::new(source.width, source.height, source.as_slice(), pixel_type).map_err(failed)?;
        let first = index as u32 * self.rows;
        let rows = self.rows.min(plan.to_height - first);
        let mut to =
            Image::from_slice_u8(plan.to_width, rows, self.bands.take(index as usize), pixel_type).map_err(failed)?;
        let scale = plan.height / f64::from(plan.to_height);
        let top = plan.top + scale * f64::from(first);
        let height = (scale * f64::from(rows)).min(f64::from(source.height) - top);
        let width = plan.width.min(f64::from(source.width) - plan.left);
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
            .crop(plan.left, top, width, height)
            .use_alpha(false);
        resizer.resize(&from, &mut to, &options).map_err(failed)?;
        if source.channels.has_alpha() {
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
        let mut resizer = Resizer::new();
        range.into_iter().try_for_each(|index| self.band(index, &mut resizer))
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
