//! Decoding, in steps. It begins with the header, by which pixels are counted before any is decoded; and it ends with colours multiplied by
//! their alpha, if the image is to be scaled.

use std::sync::Arc;

use fast_image_resize::MulDiv;
use fast_image_resize::images::Image;
use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::{Next, Result, Step, Stepped, Work};

use super::{Rest, scale};
use crate::fail::{too_long_a_side, too_many_pixels};
use crate::geometry::Plan;
use crate::header::{Format, Header};
use crate::input::{Given, Input};
use crate::pixels::{Data, Pixels};
use crate::request::{DEFAULT_PIXELS, Request};
use crate::{gif, jpeg, png, webp};

/// Pixels of a side, of what is read and what is written. Only PNG knows longer ones. A row is decoded in one go, and the weights by which it is
/// scaled are computed in one go.
const LONGEST: u32 = 1 << 17;

/// A decoder, at work.
pub(crate) trait Decode: Send {
    /// About how many units there are.
    fn len(&self) -> u64;

    /// Does one unit; gives the image with the last.
    ///
    /// # Errors
    /// ERR_INVALID_DATA, ERR_OUT_OF_MEMORY.
    fn step(&mut self) -> Result<Option<Pixels>>;
}

/// All that follows the arguments.
pub(crate) fn work(given: Given, request: Request) -> Work {
    Work::stepped(Decoding { stage: Stage::Given(Some(given)), request, then: None, done: 0 })
}

struct Decoding {
    stage: Stage,
    request: Request,
    /// Known from the header on.
    then: Option<(Plan, Rest)>,
    done: u64,
}

enum Stage {
    Given(Option<Given>),
    Decoding(Box<dyn Decode>),
    Multiplying { pixels: Option<Pixels>, row: u32 },
}

impl Decoding {
    /// Reads the header.
    fn begin(&mut self, input: Arc<Input>) -> Result<Box<dyn Decode>> {
        let header = Header::read(input.as_slice())?;
        let pixels = u64::from(header.width) * u64::from(header.height);
        if pixels > self.request.limit {
            return Err(too_many_pixels(header.width.into(), header.height.into(), self.request.limit));
        }
        let plan = Plan::of(&self.request, header.shown());
        for (width, height) in [(header.width, header.height), (plan.to_width, plan.to_height)] {
            if width.max(height) > LONGEST {
                return Err(too_long_a_side(width, height, LONGEST));
            }
        }
        if u64::from(plan.to_width) * u64::from(plan.to_height) > DEFAULT_PIXELS.max(pixels) {
            return Err(too_many_pixels(plan.to_width.into(), plan.to_height.into(), DEFAULT_PIXELS));
        }
        let format = self.request.format.unwrap_or(match header.format {
            Format::Gif => Format::Png,
            other => other,
        });
        let rest = Rest { orientation: header.orientation, format, quality: self.request.quality };
        let plan = plan.stored(header.orientation);
        let shrink = if header.format == Format::Jpeg { plan.shrink() } else { 1 };
        self.then = Some((plan.shrunk(shrink), rest));
        Ok(match header.format {
            Format::Jpeg => jpeg::decoder(input, shrink)?,
            Format::Png => Box::new(png::decode::Decoder::new(input)?),
            Format::Webp => Box::new(webp::decode::Decoder::new(input)?),
            Format::Gif => Box::new(gif::decode::Decoder::new(input, self.request.limit)?),
        })
    }

    fn plan(&self) -> (Plan, Rest) {
        self.then.unwrap_or_else(|| unreachable!("the header has been read"))
    }

    fn unit(&mut self) -> Result<Option<Next>> {
        match &mut self.stage {
            Stage::Given(given) => {
                let Some(given) = given.take() else { unreachable!("it is opened once") };
                self.stage = Stage::Decoding(self.begin(given.open()?)?);
            }
            Stage::Decoding(decoder) => {
                let Some(pixels) = decoder.step()? else { return Ok(None) };
                let (plan, rest) = self.plan();
                if plan.keeps(pixels.width, pixels.height) {
                    return rest.after_scaling(pixels).map(Some);
                }
                if !pixels.channels.has_alpha() {
                    return Ok(Some(Next::Then(scale::work(pixels, plan, rest)?)));
                }
                self.stage = Stage::Multiplying { pixels: Some(pixels), row: 0 };
            }
            Stage::Multiplying { pixels: place, row } => {
                let Some(pixels) = place else { unreachable!("the last row ends it") };
                multiply(pixels, *row)?;
                *row += 1;
                if *row == pixels.height {
                    let Some(pixels) = place.take() else { unreachable!("it was there a moment ago") };
                    let (plan, rest) = self.plan();
                    return Ok(Some(Next::Then(scale::work(pixels, plan, rest)?)));
                }
            }
        }
        Ok(None)
    }
}

impl Stepped for Decoding {
    fn first_morsel(&self) -> u64 {
        4
    }

    fn step(&mut self, units: u64) -> Result<Step> {
        for _ in 0..units {
            if let Some(next) = self.unit()? {
                return Ok(Step::Done(next));
            }
            self.done += 1;
        }
        // Decoding takes most of the time, whatever the image.
        let progress = match &self.stage {
            Stage::Given(_) => 0.0,
            Stage::Decoding(decoder) => 0.8 * (self.done as f64 / decoder.len().max(1) as f64).min(1.0),
            Stage::Multiplying { .. } => 0.8,
        };
        Ok(Step::More { progress })
    }
}

/// Multiplies a row's colours by their alpha.
fn multiply(pixels: &mut Pixels, row: u32) -> Result<()> {
    let (stride, channels, width) = (pixels.stride(), pixels.channels, pixels.width);
    let Data::Vec(data) = &mut pixels.data else { unreachable!("decoders give vectors") };
    let start = row as usize * stride;
    let failed =
        |error: &dyn std::fmt::Display| EngineError::invalid_data(format!("The image cannot be scaled: {error}"));
    let mut image = Image::from_slice_u8(width, 1, &mut data[start..start + stride], channels.pixel_type())
        .map_err(|error| failed(&error))?;
    MulDiv::new().multiply_alpha_inplace(&mut image).map_err(|error| failed(&error))
}
