//! Which part of an image is scaled, and to which size.

use crate::orientation::Orientation;
use crate::request::{Fit, Request};

/// A part of an image, in pixels that may be broken; and the size that it is scaled to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) to_width: u32,
    pub(crate) to_height: u32,
}

impl Plan {
    /// What is wanted of an image that is shown as `width` x `height`.
    pub(crate) fn of(request: &Request, (width, height): (u32, u32)) -> Self {
        let (w, h) = (f64::from(width), f64::from(height));
        let whole = Self { left: 0.0, top: 0.0, width: w, height: h, to_width: width, to_height: height };
        let may = |scale: f64| if request.enlarge { scale } else { scale.min(1.0) };
        let (across, down) =
            (request.width.map(|to| may(f64::from(to) / w)), request.height.map(|to| may(f64::from(to) / h)));
        let (across, down) = match (across, down) {
            (None, None) => return whole,
            (Some(scale), None) | (None, Some(scale)) => (scale, scale),
            (Some(across), Some(down)) => match request.fit {
                Fit::Inside => (across.min(down), across.min(down)),
                Fit::Cover => (across.max(down), across.max(down)),
                Fit::Fill => (across, down),
            },
        };
        let to_width = rounded(w * across).min(request.width.unwrap_or(u32::MAX));
        let to_height = rounded(h * down).min(request.height.unwrap_or(u32::MAX));
        if request.fit != Fit::Cover || request.width.is_none() || request.height.is_none() {
            return Self { to_width, to_height, ..whole };
        }
        let (part_width, part_height) = ((f64::from(to_width) / across).min(w), (f64::from(to_height) / down).min(h));
        Self {
            left: (w - part_width) / 2.0,
            top: (h - part_height) / 2.0,
            width: part_width,
            height: part_height,
            to_width,
            to_height,
        }
    }

    /// The same, of the image as it is stored. The part is in the middle, so that it does not matter from where one counts.
    pub(crate) fn stored(self, orientation: Orientation) -> Self {
        let (left, top) = orientation.shown((self.left, self.top));
        let (width, height) = orientation.shown((self.width, self.height));
        let (to_width, to_height) = orientation.shown((self.to_width, self.to_height));
        Self { left, top, width, height, to_width, to_height }
    }

    /// The largest of 8, 4, 2 and 1 by which the image may be divided while it is decoded.
    pub(crate) fn shrink(&self) -> u32 {
        let suffices = |by: f64| self.width / by >= self.to_width.into() && self.height / by >= self.to_height.into();
        [8, 4, 2].into_iter().find(|by| suffices(f64::from(*by))).unwrap_or(1)
    }

    /// The same part of an image that was divided.
    pub(crate) fn shrunk(self, by: u32) -> Self {
        let by = f64::from(by);
        Self { left: self.left / by, top: self.top / by, width: self.width / by, height: self.height / by, ..self }
    }

    /// Whether an image of this size stays as it is.
    pub(crate) fn keeps(&self, width: u32, height: u32) -> bool {
        let whole = (0.0, 0.0, f64::from(width), f64::from(height));
        (self.left, self.top, self.width, self.height) == whole && (self.to_width, self.to_height) == (width, height)
    }
}

fn rounded(side: f64) -> u32 {
    (side.round() as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(width: Option<u32>, height: Option<u32>, fit: Fit, enlarge: bool) -> (u32, u32) {
        let request = Request { width, height, fit, format: None, quality: 80, enlarge, limit: 1 };
        let plan = Plan::of(&request, (400, 300));
        assert!(plan.left >= 0.0 && plan.left + plan.width <= 400.0 && plan.top + plan.height <= 300.0, "{plan:?}");
        (plan.to_width, plan.to_height)
    }

    #[test]
    fn sizes_are_those_of_sharp() {
        assert_eq!(sized(None, None, Fit::Inside, false), (400, 300));
        assert_eq!(sized(Some(100), None, Fit::Inside, false), (100, 75));
        assert_eq!(sized(None, Some(100), Fit::Fill, false), (133, 100));
        assert_eq!(sized(Some(100), Some(100), Fit::Inside, false), (100, 75));
        assert_eq!(sized(Some(100), Some(100), Fit::Cover, false), (100, 100));
        assert_eq!(sized(Some(100), Some(100), Fit::Fill, false), (100, 100));
        assert_eq!(sized(Some(800), None, Fit::Inside, false), (400, 300));
        assert_eq!(sized(Some(800), None, Fit::Inside, true), (800, 600));
        assert_eq!(sized(Some(800), Some(100), Fit::Cover, false), (400, 100));
        assert_eq!(sized(Some(800), Some(100), Fit::Fill, false), (400, 100));
        assert_eq!(sized(Some(800), Some(800), Fit::Cover, true), (800, 800));
        assert_eq!(sized(Some(1), Some(1), Fit::Inside, false), (1, 1));
    }

    #[test]
    fn an_image_is_shrunk_as_far_as_suffices() {
        let shrink = |width| {
            let request = Request {
                width: Some(width),
                height: None,
                fit: Fit::Inside,
                format: None,
                quality: 80,
                enlarge: false,
                limit: 1,
            };
            Plan::of(&request, (4000, 3000)).shrink()
        };
        assert_eq!([320, 500, 501, 1000, 1001, 2000, 2001, 4000].map(shrink), [8, 8, 4, 4, 2, 2, 1, 1]);
    }
}
