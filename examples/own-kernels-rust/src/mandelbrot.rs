//! `mandelbrot(pixels, { width, x, y, size, iterations })`: a tile of the Mandelbrot set, drawn into the caller's own buffer.
//!
//! Stepped: a unit is a row, so that a large tile pauses for others, stops, and tells how far it is.

use heavy_load_kernel::error::EngineError;
use heavy_load_kernel::value::{Element, Exclusive, Options, Parts, Value};
use heavy_load_kernel::{Kernel, Next, OptionSpec, Result, Spec, Step, Stepped, Work};

pub struct Mandelbrot;

static OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("width", "number", "Pixels in a row, 1..65536. Default: 256."),
    OptionSpec::new("x", "number", "The left edge. Default: -2."),
    OptionSpec::new("y", "number", "The upper edge. Default: -1.25."),
    OptionSpec::new("size", "number", "The width of the tile. Default: 2.5."),
    OptionSpec::new("iterations", "number", "The most for one pixel, 1..65535. Default: 255."),
];

static SPEC: Spec = Spec::new("mandelbrot")
    .summary("draws a tile of the Mandelbrot set into a Uint8Array")
    .docs(
        "\
Draws a tile of the Mandelbrot set: each pixel becomes the number of iterations after which it escapes, modulo 256, or 0 if it does not.

`pixels`: Uint8Array or Buffer, as many whole rows as it has room for.

Resolves with the same view.",
    )
    .type_parameter("T extends Uint8Array")
    .input("pixels", "T")
    .output("T")
    .in_place()
    .options(OPTIONS);

impl Kernel for Mandelbrot {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn prepare(&self, input: Value, options: &Options) -> Result<Work> {
        let real = |name: &str, fallback: f64| match options.get(name) {
            Value::Undefined => Ok(fallback),
            value => value.number(&format!("options.{name}")),
        };
        let width = options.integer("width", 1..=65_536, 256)? as usize;
        let iterations = options.integer("iterations", 1..=65_535, 255)? as u32;
        let (x, y, size) = (real("x", -2.0)?, real("y", -1.25)?, real("size", 2.5)?);
        let expected = "an instance of Uint8Array that nobody else can reach (not a SharedArrayBuffer, not frozen)";
        let received = input.to_string();
        let wrong = || EngineError::invalid_type(SPEC.input, expected, received);
        let Value::View(view) = input else { return Err(wrong()) };
        if view.element != Element::Uint8 {
            return Err(wrong());
        }
        let Ok(pixels): std::result::Result<Exclusive<u8>, _> = view.memory.into_exclusive() else {
            return Err(wrong());
        };
        if !pixels.len().is_multiple_of(width) {
            let reason = format!("must be a multiple of its width, {width}");
            return Err(EngineError::invalid_value("pixels.length", &reason, pixels.len()));
        }
        Ok(Work::stepped(Drawing { rows: Parts::new(pixels, width)?, width, done: 0, x, y, size, iterations }))
    }
}

struct Drawing {
    rows: Parts<u8>,
    width: usize,
    done: usize,
    x: f64,
    y: f64,
    size: f64,
    iterations: u32,
}

impl Drawing {
    fn pixel(&self, column: usize) -> u8 {
        let step = self.size / self.width as f64;
        let (cx, cy) = (self.x + step * column as f64, self.y + step * self.done as f64);
        let (mut zx, mut zy) = (0.0, 0.0);
        for iteration in 0..self.iterations {
            let (xx, yy) = (zx * zx, zy * zy);
            if xx + yy > 4.0 {
                return iteration as u8;
            }
            zy = 2.0 * zx * zy + cy;
            zx = xx - yy + cx;
        }
        0
    }
}

impl Stepped for Drawing {
    fn len(&self) -> u64 {
        self.rows.count() as u64
    }

    fn step(&mut self, units: u64) -> Result<Step> {
        for _ in 0..units {
            if self.done == self.rows.count() {
                break;
            }
            let row = self.rows.take(self.done);
            for (column, pixel) in row.iter_mut().enumerate() {
                *pixel = self.pixel(column);
            }
            self.done += 1;
        }
        if self.done == self.rows.count() {
            return Ok(Step::Done(Next::Done(Value::Input)));
        }
        Ok(Step::More { progress: self.done as f64 / self.rows.count() as f64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heavy_load_kernel::testing::{moved, run};
    use heavy_load_kernel::value::View;

    #[test]
    fn draws_into_the_buffer_it_is_given() {
        let (memory, lender) = moved(vec![7_u8; 64 * 64]);
        let input = Value::View(View { element: Element::Uint8, bare: false, memory });
        let options = Options::new(vec![("width", Value::Number(64.0))]);
        let work = Mandelbrot.prepare(input, &options).unwrap();
        assert_eq!(run(work), Ok(Value::Input));
        let pixels = lender.take_back().unwrap();
        assert_eq!(pixels[0], 1, "the corner escapes at once");
        assert_eq!(pixels[32 * 64 + 51], 0, "zero never does");
    }

    #[test]
    fn refuses_half_a_row() {
        let (memory, _lender) = moved(vec![0_u8; 65]);
        let input = Value::View(View { element: Element::Uint8, bare: false, memory });
        let options = Options::new(vec![("width", Value::Number(64.0))]);
        assert!(Mandelbrot.prepare(input, &options).is_err());
    }
}
