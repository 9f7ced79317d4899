//! Work over a text's pieces, some at a time.

use std::thread;
use std::time::{Duration, Instant};

use heavy_load_kernel::{Result, Step, Stepped};

use crate::text::Text;
use crate::tokens::{Counts, Encoding, Pieces};

/// How long a step takes, but for its last piece.
const SLICE: Duration = Duration::from_micros(500);
/// After how many bytes the clock is looked at, which takes as long as some pieces.
const UNLOOKED: usize = 1024;
/// How long a thread is held while another task makes the tables.
const WAIT: Duration = Duration::from_millis(1);

/// What is made of pieces.
pub(crate) trait Use: Send {
    /// Takes a piece; false if no other is needed.
    fn take(&mut self, counts: &mut Counts, piece: &str) -> bool;

    /// The result.
    ///
    /// # Errors
    /// ERR_OUT_OF_MEMORY.
    fn end(&mut self, text: &mut String) -> Result<Step>;
}

pub(crate) struct Tokenizing<U> {
    input: Option<Text>,
    text: String,
    encoding: Encoding,
    /// None while the tables are not made.
    counts: Option<Counts>,
    pieces: Pieces,
    made: U,
}

impl<U> Tokenizing<U> {
    pub(crate) fn new(input: Text, encoding: Encoding, made: U) -> Self {
        Self { input: Some(input), text: String::new(), encoding, counts: None, pieces: Pieces::default(), made }
    }
}

impl<U: Use> Stepped for Tokenizing<U> {
    fn step(&mut self, _units: u64) -> Result<Step> {
        if let Some(input) = self.input.take() {
            self.text = input.read()?;
        }
        let counts = match &mut self.counts {
            Some(counts) => counts,
            none => match self.encoding.tables()? {
                Some(tables) => none.insert(Counts::new(tables)?),
                None => {
                    thread::sleep(WAIT);
                    return Ok(Step::More { progress: 0.0 });
                }
            },
        };
        let began = Instant::now();
        let mut unlooked = 0;
        while let Some(piece) = self.pieces.next(counts.tables(), &self.text) {
            if !self.made.take(counts, piece) {
                break;
            }
            unlooked += piece.len();
            if unlooked < UNLOOKED {
                continue;
            }
            unlooked = 0;
            if began.elapsed() >= SLICE {
                return Ok(Step::More { progress: self.pieces.at as f64 / self.text.len() as f64 });
            }
        }
        self.made.end(&mut self.text)
    }
}
