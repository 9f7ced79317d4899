//! `imageInfo`: what an image's header says.

use heavy_load_kernel::value::{Options, Value};
use heavy_load_kernel::{Kernel, Next, Result, Spec, Work};

use crate::header::Header;
use crate::input::Given;

pub(crate) struct ImageInfo;

static SPEC: Spec = Spec::new("imageInfo")
    .summary("format, size and orientation of an image, of its header alone")
    .docs(
        "\
What the header of a JPEG, PNG, WebP or GIF says: `format` ('jpeg', 'png', 'webp', 'gif'), `width` and `height` as shown, with the orientation
applied, `orientation` (EXIF's, 1 to 8), and `hasAlpha`. No pixel is decoded: that it resolves does not mean that the rest can be read.

`image`: a Buffer, a view, or an ArrayBuffer.

Errors: ERR_INVALID_ARG_TYPE, ERR_INVALID_DATA, ERR_OUT_OF_MEMORY. Takes microseconds.",
    )
    .input("image", "Bytes")
    .output("{ format: string; width: number; height: number; orientation: number; hasAlpha: boolean }");

impl Kernel for ImageInfo {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, _options: &Options) -> Result<Work> {
        let mut given = Some(Given::take(input, SPEC.input)?);
        Ok(Work::one_shot(move || {
            let Some(given) = given.take() else { unreachable!("it is called once") };
            let header = Header::read(given.open()?.as_slice())?;
            let (width, height) = header.shown();
            let (format, orientation, alpha) = (header.format.name(), header.orientation.number(), header.alpha);
            Ok(Next::Done(Value::Json(format!(
                "{{\"format\":\"{format}\",\"width\":{width},\"height\":{height},\"orientation\":{orientation},\"hasAlpha\":{alpha}}}"
            ))))
        }))
    }
}
