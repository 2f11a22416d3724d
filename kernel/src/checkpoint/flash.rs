//! Checkpoints in flash that survive a loss of power at any instant.
//!
//! A region of flash pages is divided into two or more *places*, each of whole pages and large enough for a checkpoint. A save goes to the
//! place behind the newest checkpoint, in turn around the region, and the newest is left alone until the next one is whole. A load takes
//! the newest whole one. So whenever power fails, the next boot finds the state before the save or the one after it.
//!
//! ```text
//! one place, k pages:
//!
//!   0  "BGFL"                magic                                        ┐
//!   4  u32   sequence        one more than the newest there was           │ second, when what is
//!   8  u32   length          bytes of the checkpoint                      │ below has been read back
//!  12  u32   checksum        CRC-32 of the 12 bytes before                ┘
//!  16  ones
//!  32  "DONE"                mark                                           last
//!  36  ones
//!  64  the checkpoint        as drawn at the head of `checkpoint.rs`        first, after the pages are erased
//!      ones                  to the end of the pages
//! ```
//!
//! Numbers are little-endian. Head and mark begin at multiples of 32 bytes, so a flash word, of up to 32 bytes, holds parts of one only.
//!
//! ```
//! use baregrad::checkpoint::flash::{FlashLoadError, Store};
//! use baregrad::checkpoint::training_bytes;
//! use baregrad::{Adam, Dense, Relu, Trainer, floats};
//! use embedded_storage::nor_flash::NorFlash;
//!
//! type Net = (Dense<4, 16, Relu>, Dense<16, 3>);
//! type Extra = (u32, u64); // epochs done, seed
//! const BYTES: usize = training_bytes::<Net, Adam, Extra>();
//!
//! fn train<F: NorFlash>(flash: F, trainer: &mut Trainer<Net, Adam, 16, { floats::<Net>() }>) -> Result<(), Box<dyn std::error::Error>>
//! where
//!     F::Error: 'static,
//! {
//!     let mut store = Store::new(flash, 0x6_0000..0x6_4000, BYTES)?; // pages that the linker leaves alone
//!     let (mut adam, mut extra): (_, Extra) = (Adam::new(0.01), (0, 7));
//!     match trainer.load_from_flash(&mut adam, &mut extra, &mut store) {
//!         Ok(_) => {}
//!         Err(FlashLoadError::Empty) => { /* the first boot: initialize the network */ }
//!         Err(error) => return Err(error.into()),
//!     }
//!     // … train for an epoch …
//!     extra.0 += 1;
//!     trainer.save_to_flash(&adam, &extra, &mut store)?;
//!     Ok(())
//! }
//! ```
//!
//! # Why a cut does no harm
//! A place counts only if its mark and its head are exact, and is taken only if the checksum of its checkpoint is right. The mark is
//! written last, in words of its own: if the cut tears any other word, or an erase, the mark is not there yet, or not any
//! more, or stands before a checkpoint older than the newest. If it tears the mark itself, the mark is exact or it is not, and what it
//! stands for is whole by then. Loading writes nothing, so there is no repair that could be cut.
//!
//! # Wear and time
//! A save erases every page of one place once, and no other: with `n` places a page is erased once in `n` saves. Give more pages to save more
//! often: 10,000 erases a page and four places are 40,000 saves. Pages are always erased, also where they read as ones: a cut erase can
//! leave bits that do. Pages of the region that do not make a whole place are not used. A save reads the newest checkpoint
//! once and what it wrote once, a load reads three times; both have two buffers of 64 bytes, whatever the size of the network.
//!
//! # What it does not do
//! A flash that reports a torn word as an error of `read` (some have error correction) stops both load and save with it, as any error of
//! the flash does, until [`Store::erase`]. Pages that no longer keep what is written are found ([`FlashSaveError::NotKept`]) but
//! not avoided. A marginally programmed word may read differently at each boot, which then alternates between
//! old and new state.
//!
//! # Why not `sequential-storage`
//! Its items must each fit a page, have less than 64 KB, and pass through a buffer in RAM: the 9,676 bytes of a 64-32-10 network do
//! not fit a page of 2 KB. Cut into items they would need a commit over all of them, which it has not. It is asynchronous, has
//! paths to a panic, and to store and fetch one item takes 8.7 KB of Cortex-M4F code (version 8.0, `opt-level = "s"`), where this
//! module adds 1.8 KB to a checkpoint in a buffer.
//!
//! # Source
//! The rules of flash are those of `embedded_storage::nor_flash`, also that no word is written twice between erases.

mod error;
mod head;

pub use error::{FlashLoadError, FlashSaveError, RegionError};

use core::ops::Range;

use embedded_storage::nor_flash::NorFlash;

use super::stream::Reader;
use super::{
    CHUNK, FRAME, State, read_training, read_weights, training_bytes, weights_bytes, write_training, write_weights,
};
use crate::layer::Parameters;
use crate::network::Network;
use crate::optimizer::Optimizer;
use crate::train::Trainer;
use head::{Buffer, Entry, Head, MARK, MARK_AT, is_newer};

/// Bytes of a place before the checkpoint.
pub const HEAD_BYTES: usize = 64;

/// Bytes of the whole pages that a checkpoint of so many bytes takes. A region needs two or more times as many.
pub const fn place_bytes<F: NorFlash>(checkpoint: usize) -> usize {
    checkpoint.saturating_add(HEAD_BYTES).div_ceil(F::ERASE_SIZE).saturating_mul(F::ERASE_SIZE)
}

/// A region of flash with two or more places for a checkpoint; see the [module](self).
///
/// It remembers nothing of what the flash holds: every save and load looks anew.
#[derive(Debug)]
pub struct Store<F> {
    flash: F,
    start: u32,
    place_bytes: u32,
    places: u32,
}

/// What the places hold.
struct Survey {
    /// The newest by its head, whole or not.
    latest: Option<Entry>,
    /// The newest whole one.
    whole: Option<Entry>,
}

impl<F: NorFlash> Store<F> {
    /// Divides a region of whole pages into places for checkpoints of up to `bytes` bytes.
    ///
    /// `bytes` decides where the places lie, so let a firmware's next version give the same, or at least as much and expect
    /// [`FlashLoadError::Empty`]. A `&mut` of a flash is a flash.
    ///
    /// # Errors
    /// See [`RegionError`]. A flash with words of more than 32 bytes, or pages that are no multiple of 64, does not compile.
    pub fn new(flash: F, region: Range<u32>, bytes: usize) -> Result<Self, RegionError> {
        const {
            assert!(
                F::WRITE_SIZE > 0 && 32_usize.is_multiple_of(F::WRITE_SIZE),
                "a flash word has 1, 2, 4, 8, 16 or 32 bytes"
            );
            assert!(F::READ_SIZE > 0 && CHUNK.is_multiple_of(F::READ_SIZE), "64 bytes of flash can be read at once");
            assert!(F::ERASE_SIZE > 0 && F::ERASE_SIZE.is_multiple_of(CHUNK), "a flash page is a multiple of 64 bytes");
            assert!(F::ERASE_SIZE as u64 <= u32::MAX as u64, "a flash page is smaller than 4 GB");
        }
        let page = F::ERASE_SIZE as u32;
        if !region.start.is_multiple_of(page) || !region.end.is_multiple_of(page) {
            return Err(RegionError::NotWholePages);
        }
        if u64::from(region.end) > flash.capacity() as u64 {
            return Err(RegionError::BeyondFlash);
        }
        let needed = place_bytes::<F>(bytes);
        let too_small = RegionError::TooSmall { needed: needed.saturating_mul(2) };
        let place_bytes = u32::try_from(needed).map_err(|_| too_small)?;
        let places = region.end.saturating_sub(region.start).checked_div(place_bytes).unwrap_or(0);
        if places < 2 {
            return Err(too_small);
        }
        Ok(Self { flash, start: region.start, place_bytes, places })
    }

    /// Number of places.
    pub const fn places(&self) -> u32 {
        self.places
    }

    /// Gives the flash back.
    pub fn release(self) -> F {
        self.flash
    }

    /// Saves the weights; gives the sequence number: one more than that of the newest checkpoint, 0 in an empty region.
    ///
    /// # Errors
    /// See [`FlashSaveError`]: the newest checkpoint is still there, in any case. Weights that are not finite are refused before anything
    /// is erased.
    pub fn save_weights<N: Parameters>(&mut self, network: &N) -> Result<u32, FlashSaveError<F::Error>> {
        let target = self.target(weights_bytes::<N>())?;
        write_weights(network, &mut self.sink(target))?;
        self.commit(target)
    }

    /// Loads the weights of the newest whole checkpoint; gives its sequence number.
    ///
    /// # Errors
    /// See [`FlashLoadError`]: the network is then as it was, but for [`FlashLoadError::Unsteady`].
    pub fn load_weights<N: Parameters>(&mut self, network: &mut N) -> Result<u32, FlashLoadError<F::Error>> {
        let newest = self.newest()?;
        read_weights(network, newest.head.length as usize, &mut self.source(newest.place))?;
        Ok(newest.head.sequence)
    }

    /// Saves a training state; see [`save_weights`](Self::save_weights).
    ///
    /// # Errors
    /// See [`FlashSaveError`]: the newest checkpoint is still there, in any case. A state that is not finite is refused before anything
    /// is erased.
    pub fn save_training<N: Parameters, O: Optimizer<Slot: State> + State, E: State>(
        &mut self,
        network: &N,
        slots: &N::Slots<O::Slot>,
        optimizer: &O,
        extra: &E,
    ) -> Result<u32, FlashSaveError<F::Error>> {
        let target = self.target(training_bytes::<N, O, E>())?;
        write_training(network, slots, optimizer, extra, &mut self.sink(target))?;
        self.commit(target)
    }

    /// Loads the newest whole training state; see [`load_weights`](Self::load_weights).
    ///
    /// # Errors
    /// See [`FlashLoadError`]: everything is then as it was, but for [`FlashLoadError::Unsteady`].
    pub fn load_training<N: Parameters, O: Optimizer<Slot: State> + State, E: State>(
        &mut self,
        network: &mut N,
        slots: &mut N::Slots<O::Slot>,
        optimizer: &mut O,
        extra: &mut E,
    ) -> Result<u32, FlashLoadError<F::Error>> {
        let newest = self.newest()?;
        let length = newest.head.length as usize;
        read_training(network, slots, optimizer, extra, length, &mut self.source(newest.place))?;
        Ok(newest.head.sequence)
    }

    /// Erases the whole region: to forget everything, or to start anew on a flash that can't be read.
    ///
    /// # Errors
    /// The flash's own.
    pub fn erase(&mut self) -> Result<(), F::Error> {
        for place in 0..self.places {
            let start = self.address(place);
            self.flash.erase(start, start.wrapping_add(self.place_bytes))?;
        }
        Ok(())
    }

    /// Where a place begins. Nothing wraps in this file: all of it lies in a region of 32-bit addresses.
    const fn address(&self, place: u32) -> u32 {
        self.start.wrapping_add(place.wrapping_mul(self.place_bytes))
    }

    /// Bytes of the largest checkpoint.
    const fn room(&self) -> u32 {
        self.place_bytes.saturating_sub(HEAD_BYTES as u32)
    }

    /// Where the next checkpoint goes, and what its head will say.
    fn target(&mut self, needed: usize) -> Result<Entry, FlashSaveError<F::Error>> {
        let length = match u32::try_from(needed) {
            Ok(length) if length <= self.room() => length,
            _ => return Err(FlashSaveError::PlaceTooSmall { needed }),
        };
        let Survey { latest, whole } = self.survey().map_err(FlashSaveError::Flash)?;
        // Behind the newest whole one: any other place may be erased. But with a number above all there are: a
        // checkpoint that is damaged today must not be the newest should it read well again.
        let place = match whole.or(latest) {
            Some(entry) if entry.place.wrapping_add(1) < self.places => entry.place.wrapping_add(1),
            _ => 0,
        };
        let sequence = latest.map_or(0, |entry| entry.head.sequence.wrapping_add(1));
        Ok(Entry { place, head: Head { sequence, length } })
    }

    /// Takes the pieces of a checkpoint. The first erases the place; a checkpoint that is refused has none.
    fn sink(&mut self, target: Entry) -> impl FnMut(&[u8]) -> Result<(), F::Error> {
        let start = self.address(target.place);
        let mut at = start;
        move |piece| {
            if at == start {
                self.flash.erase(start, start.wrapping_add(self.place_bytes))?;
                at = at.wrapping_add(HEAD_BYTES as u32);
            }
            self.put::<{ CHUNK / 4 }>(at, piece)?;
            at = at.wrapping_add(CHUNK as u32);
            Ok(())
        }
    }

    /// Gives the pieces of the checkpoint in a place.
    fn source(&mut self, place: u32) -> impl FnMut(usize, &mut [u8]) -> Result<(), F::Error> {
        let start = self.address(place).wrapping_add(HEAD_BYTES as u32);
        move |offset, piece| {
            // The last piece is read beyond the checkpoint: pages hold whole pieces.
            let Buffer(words) = self.get(start.wrapping_add(offset as u32))?;
            for (to, from) in piece.iter_mut().zip(words.as_flattened()) {
                *to = *from;
            }
            Ok(())
        }
    }

    /// Makes a checkpoint count that has been written: head, then mark.
    fn commit(&mut self, target: Entry) -> Result<u32, FlashSaveError<F::Error>> {
        if !self.is_sound(target).map_err(FlashSaveError::Flash)? {
            return Err(FlashSaveError::NotKept);
        }
        let start = self.address(target.place);
        self.put::<8>(start, target.head.words().as_flattened()).map_err(FlashSaveError::Flash)?;
        self.put::<8>(start.wrapping_add(MARK_AT), &MARK).map_err(FlashSaveError::Flash)?;
        match self.entry(target.place).map_err(FlashSaveError::Flash)? {
            Some(entry) if entry == target => Ok(target.head.sequence),
            _ => Err(FlashSaveError::NotKept),
        }
    }

    /// The newest whole checkpoint.
    fn newest(&mut self) -> Result<Entry, FlashLoadError<F::Error>> {
        match self.survey().map_err(FlashLoadError::Flash)? {
            Survey { whole: Some(newest), .. } => Ok(newest),
            Survey { latest: Some(_), .. } => Err(FlashLoadError::Damaged),
            Survey { .. } => Err(FlashLoadError::Empty),
        }
    }

    /// Looks for the newest checkpoint, and from there back for a whole one.
    fn survey(&mut self) -> Result<Survey, F::Error> {
        let latest = self.newest_before(None)?;
        let mut candidate = latest;
        // As many turns as there are places: sequence numbers of nobody's making could lead around in a circle.
        for _ in 0..self.places {
            let Some(entry) = candidate else { break };
            if self.is_sound(entry)? {
                return Ok(Survey { latest, whole: candidate });
            }
            candidate = self.newest_before(Some(entry.head.sequence))?;
        }
        Ok(Survey { latest, whole: None })
    }

    /// The newest of the checkpoints that are older than a sequence number, or of all.
    fn newest_before(&mut self, limit: Option<u32>) -> Result<Option<Entry>, F::Error> {
        let mut newest: Option<Entry> = None;
        for place in 0..self.places {
            if let Some(entry) = self.entry(place)?
                && limit.is_none_or(|limit| is_newer(limit, entry.head.sequence))
                && newest.is_none_or(|newest| is_newer(entry.head.sequence, newest.head.sequence))
            {
                newest = Some(entry);
            }
        }
        Ok(newest)
    }

    /// What a place holds by its mark and head.
    fn entry(&mut self, place: u32) -> Result<Option<Entry>, F::Error> {
        let Buffer(words) = self.get(self.address(place))?;
        Ok(Head::of(&words).map(|head| Entry { place, head }))
    }

    /// Whether the checkpoint in a place has the right checksum.
    fn is_sound(&mut self, entry: Entry) -> Result<bool, F::Error> {
        let length = entry.head.length as usize;
        if length < FRAME || entry.head.length > self.room() {
            return Ok(false);
        }
        let mut source = self.source(entry.place);
        Reader::new(&mut source, length).finish()
    }

    /// Reads 64 bytes.
    fn get(&mut self, at: u32) -> Result<Buffer<{ CHUNK / 4 }>, F::Error> {
        let mut buffer = Buffer([[0; 4]; CHUNK / 4]);
        self.flash.read(at, buffer.0.as_flattened_mut())?;
        Ok(buffer)
    }

    /// Writes some bytes, and ones behind them up to whole words of flash.
    fn put<const WORDS: usize>(&mut self, at: u32, bytes: &[u8]) -> Result<(), F::Error> {
        let mut buffer = Buffer([[0xFF; 4]; WORDS]);
        for (to, from) in buffer.0.as_flattened_mut().iter_mut().zip(bytes) {
            *to = *from;
        }
        self.flash.write(at, buffer.0.as_flattened())
    }
}

/// Checkpoints of a training in flash.
impl<N: Network, O: Optimizer<Slot: State> + State, const B: usize, const FLOATS: usize> Trainer<N, O, B, FLOATS> {
    /// Saves the training state; see [`Store::save_training`](crate::checkpoint::flash::Store::save_training).
    ///
    /// # Errors
    /// See [`FlashSaveError`](crate::checkpoint::flash::FlashSaveError): the newest checkpoint is still there, in any case.
    pub fn save_to_flash<F: NorFlash, E: State>(
        &self,
        optimizer: &O,
        extra: &E,
        store: &mut Store<F>,
    ) -> Result<u32, FlashSaveError<F::Error>> {
        store.save_training(&self.network, &self.slots, optimizer, extra)
    }

    /// Loads the newest whole training state; see [`Store::load_training`](crate::checkpoint::flash::Store::load_training).
    ///
    /// # Errors
    /// See [`FlashLoadError`](crate::checkpoint::flash::FlashLoadError): everything is then as it was, but for its `Unsteady`.
    pub fn load_from_flash<F: NorFlash, E: State>(
        &mut self,
        optimizer: &mut O,
        extra: &mut E,
        store: &mut Store<F>,
    ) -> Result<u32, FlashLoadError<F::Error>> {
        store.load_training(&mut self.network, &mut self.slots, optimizer, extra)
    }
}
