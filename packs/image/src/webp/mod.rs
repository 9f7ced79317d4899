//! WebP, by libwebp, which is built without threads of its own.
//!
//! So it has no locks either. Its tables of functions, one for each kind of CPU, are filled when they are first used: by `prepare`, before
//! anything else is called.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod header;

use std::sync::Once;

use crate::input::Input;
use crate::pipeline::decode::Decode;
use crate::pixels::{Channels, Data, Pixels};

/// Has one thread use all of libwebp once, with others waiting for it: less than a millisecond.
fn prepare() {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| {
        for channels in [Channels::Rgb, Channels::Rgba] {
            // Not of one colour: then less is used.
            let data = (0..16 * 16 * channels.count()).map(|index| (index * index) as u8).collect();
            let pixels = Pixels { width: 16, height: 16, channels, data: Data::Vec(data) };
            // Without memory there is no table either; and then no call comes far enough to need one.
            let Ok(bytes) = encode::unprepared(&pixels, 80) else { return };
            let Ok(mut decoder) = decode::Decoder::unprepared(Input::of(bytes)) else { return };
            while let Ok(None) = decoder.step() {}
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preparing_uses_encoder_and_decoder() {
        let pixels = Pixels {
            width: 16,
            height: 16,
            channels: Channels::Rgba,
            data: Data::Vec((0..=255).cycle().take(1024).collect()),
        };
        let mut decoder = decode::Decoder::new(Input::of(encode::encode(&pixels, 80).unwrap())).unwrap();
        let decoded = loop {
            if let Some(pixels) = decoder.step().unwrap() {
                break pixels;
            }
        };
        assert_eq!((decoded.width, decoded.height, decoded.channels), (16, 16, Channels::Rgba));
    }
}
