//! `resizeImage`: an image in another size, or another format.

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Estimate, Kernel, Result, Spec, Work};

use crate::input::Given;
use crate::pipeline::decode;
use crate::request::{OPTIONS, Request};

pub(crate) struct ResizeImage;

static SPEC: Spec = Spec::new("resizeImage")
    .summary("an image in another size or format: JPEG, PNG, WebP, GIF's first frame")
    .docs(
        "\
Decodes a JPEG, PNG, WebP or GIF (of an animated one the first frame), scales it, and encodes it. Only one of `width` and `height` keeps the
aspect; neither encodes anew. EXIF's orientation is applied. Metadata is dropped; colour profiles are not converted. What is transparent
becomes black in a JPEG.

`image`: a Buffer, a view, or an ArrayBuffer.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_OUT_OF_MEMORY; ERR_INVALID_DATA if the image is broken or cut off;
ERR_OUTPUT_TOO_LARGE, before decoding, past `limitInputPixels` and where a side has more than 131072 pixels, and if the output has longer sides
or more pixels than its format holds. Working memory, as it is estimated: 48 bytes for each byte of `image`, at most 4 for each pixel of the limit;
what is compressed better than that takes up to 12 a pixel. Stops within: 50 ms; but encoding a WebP is one call, of about 100 ms for each megapixel of
the output, and so is decoding a lossless WebP whose pixels take next to no bytes (all of one colour), of about 7 ms for each megapixel. Sources: ITU-T
T.81; RFC 2083; RFC 9649.",
    )
    .input("image", "Bytes")
    .output("Buffer")
    .options(OPTIONS);

impl Kernel for ResizeImage {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        let request = Request::of(options)?;
        Ok(decode::work(Given::take(input, SPEC.input)?, request))
    }

    fn estimate(&self, input: &Value, options: &Options) -> Estimate {
        let len = if let Value::View(view) = input { view.memory.len() as u64 } else { 0 };
        let limit = Request::of(options).map_or(0, |request| request.limit);
        Estimate { cost: len, memory: len.saturating_mul(48).min(limit.saturating_mul(4)) }
    }
}
