//! What a format's codec does.

use heavy_load_kernel::Result;

/// How a format is made, at one level.
pub(crate) trait Encoding: Send + Sync {
    /// About how many bytes of input are a section at most: what is worth a stream of its own.
    fn section(&self) -> usize;

    /// About how many bytes a section has at least, of input that has many: towards its end they get smaller, so that all threads end at
    /// about the same time.
    fn smallest_section(&self) -> usize {
        self.section()
    }

    /// Bytes of input that are encoded in one go, within a section: a unit of work.
    fn piece(&self) -> usize;

    /// How many bytes before a section its encoder looks at.
    fn lookback(&self) -> usize {
        0
    }

    /// What all begins with.
    fn head(&self) -> &[u8] {
        &[]
    }

    /// A new encoder.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    fn encoder(&self, section: &Section<'_>) -> Result<Box<dyn Encoder>>;

    /// The checksum of two parts of the input that follow each other, of which the second has `len` bytes.
    fn combine(&self, first: u32, _second: u32, _len: u64) -> u32 {
        first
    }

    /// What all ends with.
    fn tail(&self, _check: u32, _len: u64) -> Vec<u8> {
        vec![]
    }

    /// Bytes of memory that an encoder takes for a section of so many bytes.
    fn memory(&self, section: usize) -> u64;

    /// How long a byte takes, beside other levels and formats: about nanoseconds.
    fn weight(&self) -> u64;
}

/// A part of the input that is encoded by itself.
pub(crate) struct Section<'a> {
    /// Where it begins in the input.
    pub(crate) offset: usize,
    pub(crate) len: usize,
    /// Whether the input ends with it.
    pub(crate) is_last: bool,
    /// What stands before it, as far as the encoding looks back.
    pub(crate) before: &'a [u8],
    /// Whether its bytes stand still, where nobody writes them, until the encoder is dropped.
    pub(crate) is_stable: bool,
}

/// The next bytes of a section.
pub(crate) struct Piece<'a> {
    /// They and, if the section is stable, all that are before them in the section.
    pub(crate) all: &'a [u8],
    /// Where they begin in that.
    pub(crate) from: usize,
    /// Whether the section ends with them.
    pub(crate) is_last: bool,
}

impl<'a> Piece<'a> {
    /// The bytes.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        &self.all[self.from..]
    }
}

/// The encoder of a section.
pub(crate) trait Encoder: Send {
    /// Takes in the next piece, which may be empty, and appends to `out` what there is to be had; all of it after the last piece.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    fn encode(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) -> Result<()>;

    /// The checksum of all pieces.
    fn check(&self) -> u32 {
        0
    }
}

/// A decoder of one format.
pub(crate) trait Decoder: Send {
    /// Appends at most `room` bytes to `out`, for which there is capacity, from as much of `input` as that takes.
    ///
    /// # Errors
    /// ERR_INVALID_DATA, ERR_OUT_OF_MEMORY.
    fn decode(&mut self, input: &[u8], room: usize, out: &mut Vec<u8>) -> Result<Decoded>;

    /// Begins anew, for another member of the same data.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    fn restart(&mut self) -> Result<()> {
        Ok(())
    }
}

/// How far a decoder has come.
pub(crate) struct Decoded {
    /// Bytes of input that it needs no more.
    pub(crate) read: usize,
    /// Whether the stream, member or frame has ended; checksums were right.
    pub(crate) is_end: bool,
}
