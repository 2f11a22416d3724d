//! A NOR flash on the desk, with the rules of a real one, that can lose power.
//!
//! Erasing sets a page to ones, writing only clears bits, and a word may be written once between two erases. The `n`-th step, a word written
//! or a page erased, can be the last: it is then torn, and everything fails until [`SimFlash::power_up`]. Torn are, as the drivers' rules
//! have it, only the word or the page itself: of the word any of the bits to be cleared are, in the page any of the bits to be set are; or,
//! by the letter of `NorFlash`, it holds anything. With [`SimFlash::ecc`] a torn word can't be read until its page is erased.

use std::cell::Cell;

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

/// What a cut leaves of the word or page in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    /// It is as it was.
    Nothing,
    /// It is as it should be.
    Everything,
    /// The first half is done.
    FirstHalf,
    /// The second half is done.
    SecondHalf,
    /// Each bit by chance, from this seed.
    Bits(u64),
    /// Nearly every bit, all but one in 64 by chance.
    MostBits(u64),
    /// One bit in 64, by chance.
    FewBits(u64),
    /// Any bits at all: what `NorFlash` promises, though no flash is as bad.
    Garbage(u64),
}

/// Why the flash refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimError {
    /// Not aligned, or out of bounds.
    Arguments(NorFlashErrorKind),
    /// A word was to be written twice.
    WrittenTwice,
    /// A torn word was to be read.
    Uncorrectable,
    /// The page no longer erases, or no longer programs.
    WornOut,
    /// There is no power any more.
    NoPower,
    /// This call was to fail.
    Broken,
}

impl NorFlashError for SimError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Arguments(kind) => *kind,
            _ => NorFlashErrorKind::Other,
        }
    }
}

/// A flash of words of `WORD` and pages of `PAGE` bytes.
#[derive(Clone, Debug)]
pub struct SimFlash<const WORD: usize, const PAGE: usize> {
    /// What it holds, for anyone to read or to damage.
    pub bytes: Vec<u8>,
    /// Whether each word may not be written before the next erase.
    written: Vec<bool>,
    /// Bits that are never cleared: a worn or protected place.
    pub stuck: Vec<(usize, u8)>,
    /// Whether it takes erases and writes, says that all is well, and does nothing.
    pub protected: bool,
    /// Whether it has error correction: a word that a cut has torn is an error of `read` until its page is erased.
    pub ecc: bool,
    /// Whether each word can't be read, with error correction.
    pub torn: Vec<bool>,
    /// Pages that no longer erase: the call fails, and they stay as they are.
    pub no_erase: Vec<usize>,
    /// Pages that no longer program: the call fails, and the word stays as it is.
    pub no_program: Vec<usize>,
    /// How often each page has been erased.
    pub erases: Vec<u32>,
    /// Words written and pages erased so far.
    pub steps: u64,
    /// The step that is torn, and how.
    pub cut: Option<(u64, Tear)>,
    dead: bool,
    /// Calls of the trait so far: reads, writes and erases.
    pub calls: u64,
    /// The call that fails without doing anything.
    pub broken_call: Option<u64>,
    /// The word that a read changes by itself from this call on, once: a flaky bit.
    pub flaky_read: Option<(u64, usize)>,
}

impl<const WORD: usize, const PAGE: usize> SimFlash<WORD, PAGE> {
    /// An erased flash.
    pub fn new(pages: usize) -> Self {
        Self::with_bytes(vec![0xFF; pages * PAGE])
    }

    /// A flash that holds these bytes, none of which can be written before an erase.
    pub fn with_bytes(bytes: Vec<u8>) -> Self {
        assert_eq!(bytes.len() % PAGE, 0, "whole pages");
        let (words, pages) = (bytes.len() / WORD, bytes.len() / PAGE);
        Self {
            bytes,
            written: vec![true; words],
            stuck: Vec::new(),
            protected: false,
            ecc: false,
            torn: vec![false; words],
            no_erase: Vec::new(),
            no_program: Vec::new(),
            erases: vec![0; pages],
            steps: 0,
            cut: None,
            dead: false,
            calls: 0,
            broken_call: None,
            flaky_read: None,
        }
    }

    /// Power comes back, and stays.
    pub fn power_up(&mut self) {
        self.dead = false;
        self.cut = None;
    }

    /// Whether the cut has come.
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    fn call(&mut self) -> Result<(), SimError> {
        self.calls += 1;
        if self.dead {
            Err(SimError::NoPower)
        } else if self.broken_call == Some(self.calls - 1) {
            Err(SimError::Broken)
        } else {
            Ok(())
        }
    }

    /// Changes the bytes from `at` on to those given: in full, or torn if this is the step of the cut.
    fn step(&mut self, at: usize, after: &[u8]) -> Result<(), SimError> {
        let tear = self.cut.filter(|(step, _)| *step == self.steps).map(|(_, tear)| tear);
        self.steps += 1;
        let original = self.bytes[at..at + after.len()].to_vec();
        let before = &mut self.bytes[at..at + after.len()];
        match tear {
            None => before.copy_from_slice(after),
            Some(tear) => {
                let (half, done) = (after.len() / 2, mask(tear));
                for (index, (byte, after)) in before.iter_mut().zip(after).enumerate() {
                    let done = match tear {
                        Tear::FirstHalf => 0xFF * u8::from(index < half.max(1)),
                        Tear::SecondHalf => 0xFF * u8::from(index >= half),
                        _ => done(),
                    };
                    *byte ^= if let Tear::Garbage(_) = tear { done } else { (*byte ^ after) & done };
                }
            }
        }
        for (word, torn) in self.torn[at / WORD..(at + after.len()) / WORD].iter_mut().enumerate() {
            let range = word * WORD..(word + 1) * WORD;
            let now = &self.bytes[at..][range.clone()];
            // The check bits were being changed too, even if all others are as they were or should be.
            let halfway = !matches!(tear, None | Some(Tear::Nothing | Tear::Everything));
            let undecided = after.len() == WORD || now != &original[range.clone()] && now != &after[range];
            *torn = match tear {
                Some(Tear::Nothing) => *torn,
                _ => self.ecc && halfway && undecided,
            };
        }
        for (place, bits) in &self.stuck {
            if (at..at + after.len()).contains(place) {
                self.bytes[*place] |= bits;
            }
        }
        if tear.is_some() {
            self.dead = true;
            return Err(SimError::NoPower);
        }
        Ok(())
    }
}

/// Which bits of each next byte are done.
fn mask(tear: Tear) -> impl Fn() -> u8 {
    let seed = match tear {
        Tear::Bits(seed) | Tear::MostBits(seed) | Tear::FewBits(seed) | Tear::Garbage(seed) => seed,
        _ => 0,
    };
    let state = Cell::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    // xorshift64, of which the upper bits are taken.
    let random = move || {
        let mut word = state.get();
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        state.set(word);
        (word >> 40) as u32
    };
    // In one byte of eight, one bit.
    let rare = move |random: u32| if random >> 8 & 7 == 0 { 1 << (random & 7) } else { 0 };
    move || match tear {
        Tear::Everything => 0xFF,
        Tear::Bits(_) | Tear::Garbage(_) => random() as u8,
        Tear::MostBits(_) => !rare(random()),
        Tear::FewBits(_) => rare(random()),
        Tear::Nothing | Tear::FirstHalf | Tear::SecondHalf => 0,
    }
}

impl<const WORD: usize, const PAGE: usize> ErrorType for SimFlash<WORD, PAGE> {
    type Error = SimError;
}

impl<const WORD: usize, const PAGE: usize> ReadNorFlash for SimFlash<WORD, PAGE> {
    const READ_SIZE: usize = WORD;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), SimError> {
        self.call()?;
        check_read(self, offset, bytes.len()).map_err(SimError::Arguments)?;
        let offset = offset as usize;
        if self.torn[offset / WORD..(offset + bytes.len()).div_ceil(WORD)].contains(&true) {
            return Err(SimError::Uncorrectable);
        }
        bytes.copy_from_slice(&self.bytes[offset..offset + bytes.len()]);
        if let Some((call, place)) = self.flaky_read
            && self.calls > call
            && let Some(byte) = place.checked_sub(offset).and_then(|at| bytes.get_mut(at))
        {
            *byte ^= 1;
            self.flaky_read = None;
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const WORD: usize, const PAGE: usize> NorFlash for SimFlash<WORD, PAGE> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), SimError> {
        self.call()?;
        check_erase(self, from, to).map_err(SimError::Arguments)?;
        if self.protected {
            return Ok(());
        }
        for page in from as usize / PAGE..to as usize / PAGE {
            if self.no_erase.contains(&page) {
                return Err(SimError::WornOut);
            }
            let words = page * PAGE / WORD..(page + 1) * PAGE / WORD;
            self.erases[page] += 1;
            // After a cut it has to be erased again.
            self.written[words.clone()].fill(true);
            self.step(page * PAGE, &[0xFF; PAGE])?;
            self.written[words].fill(false);
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), SimError> {
        self.call()?;
        check_write(self, offset, bytes.len()).map_err(SimError::Arguments)?;
        if self.protected {
            return Ok(());
        }
        for (index, word) in bytes.chunks_exact(WORD).enumerate() {
            let at = offset as usize + index * WORD;
            if self.no_program.contains(&(at / PAGE)) {
                return Err(SimError::WornOut);
            }
            if std::mem::replace(&mut self.written[at / WORD], true) {
                return Err(SimError::WrittenTwice);
            }
            let mut after = [0; WORD];
            for (after, (new, old)) in after.iter_mut().zip(word.iter().zip(&self.bytes[at..])) {
                *after = new & old;
            }
            self.step(at, &after)?;
        }
        Ok(())
    }
}

/// A place of [`baregrad::checkpoint::flash`] as the drawing there has it, written by hand: so many bytes, which one, of how many.
pub fn drawn_place(sequence: u32, checkpoint: &[u8], bytes: usize, place: u32, places: u32) -> Vec<u8> {
    let numbers = [sequence, checkpoint.len() as u32, bytes as u32, place, places];
    drawn(b"BGF2", &numbers, checkpoint, bytes)
}

/// The same as version 1 had it, without the layout.
pub fn drawn_place_1(sequence: u32, checkpoint: &[u8], bytes: usize) -> Vec<u8> {
    drawn(b"BGFL", &[sequence, checkpoint.len() as u32], checkpoint, bytes)
}

fn drawn(magic: &[u8; 4], numbers: &[u32], checkpoint: &[u8], place: usize) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    bytes.extend(crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes).to_le_bytes());
    bytes.resize(32, 0xFF);
    bytes.extend(b"DONE");
    bytes.resize(64, 0xFF);
    bytes.extend(checkpoint);
    bytes.resize(place, 0xFF);
    bytes
}
