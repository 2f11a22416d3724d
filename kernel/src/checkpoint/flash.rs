//! Checkpoints in flash that survive a loss of power at any instant.
//!
//! A region of flash pages is divided into two or more *places*, each of whole pages and large enough for a checkpoint. A save goes to the
//! place behind the newest checkpoint, in turn around the region, and the newest is left alone until the next one is whole. A load takes
//! the newest whole one. So whenever power fails, the next boot finds the state before the save or the one after it.
//!
//! ```text
//! one place, k pages:
//!
//!   0  "BGF2"                magic, and the version of this head         ┐
//!   4  u32   sequence        one more than the newest there was          │
//!   8  u32   length          bytes of the checkpoint                     │ first, after the
//!  12  u32   size            bytes of a place     ┐                      │ pages are erased
//!  16  u32   place           which one this is    │ the layout           │
//!  20  u32   places          how many there are   ┘                      │
//!  24  u32   checksum        CRC-32 of the 24 bytes before               │
//!  28  ones                                                              ┘
//!  32  "DONE"                mark                                          last, when all else has been read back
//!  36  ones
//!  64  the checkpoint        as drawn at the head of `checkpoint.rs`       second
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
//!         Err(FlashLoadError::Damaged) if !store.finds_checkpoint() => { /* the first save was cut: likewise */ }
//!         Err(error) => return Err(error.into()),
//!     }
//!     // … train for an epoch …
//!     extra.0 += 1;
//!     let saved = trainer.save_to_flash(&adam, &extra, &mut store)?;
//!     if saved.skipped > 0 { /* pages wear out: report it */ }
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
//! A checkpoint that lacks only its mark is loaded where no other is whole: the first save was cut, and the state is the one after it.
//!
//! # Empty or damaged
//! [`FlashLoadError::Empty`] says that all of the region reads as ones. Where anything else lies, but no whole checkpoint with an exact
//! head, the answer is [`FlashLoadError::Damaged`]. A cut in the very first save leaves that too. [`Store::finds_checkpoint`] tells the
//! two apart: after a cut no whole checkpoint lies there, and to start anew loses nothing.
//!
//! # Flash that reports what is torn
//! Flash with error correction fails to read a word that a cut has torn, until its page is erased. A place that can't be read counts as
//! one that is not whole, so the newest of the other places is loaded, and a later save erases it. [`FlashLoadError::Flash`] comes only
//! where nothing whole is found and no place can be read to its end, and a save is refused then too; or where the newest, found whole, can't be
//! read again, and then nothing has been changed. [`Store::erase`] starts anew. A read
//! that fails is tried a second time, so one disturbed transfer doesn't hide the newest state.
//!
//! The driver must give an error. Some processors raise an NMI or a bus fault instead, which a handler has to turn into one.
//!
//! # Pages that wear out
//! A save that fails in one place, because its pages no longer erase, program or keep their bytes, goes on with the next. It never
//! takes the place of the newest checkpoint. So with three or more places a broken page ends no saving, and [`Saved::skipped`] says how
//! many places failed. With two places it is an error.
//!
//! # Another layout
//! Region, page size and the bytes given to [`Store::new`] decide where places lie. A firmware's next version may change them. A search
//! looks every 64 bytes for a head, and where a head names places outside of the region, because that was larger, it reads them there
//! too. So the newest checkpoint is found, whatever layout it was saved in, and the next save goes on from it in the new layout. Two
//! things remain. If the flash no longer has all of the newest head's layout, a newer state may be out of reach: load and save say
//! `OtherLayout`. If each place of the new layout shares bytes with the newest checkpoint, there is nowhere to save without losing it:
//! save says `OtherLayout`.
//!
//! A store knows nothing of a layout of which no head lies in its region. So give a later firmware a region that begins where the old one
//! did. The first save of a layout goes into the region of the one before, if there is a place to spare. So a firmware that goes back
//! finds it too. Without such a place it finds its own last state.
//!
//! Heads of version 1 (`BGFL`, 16 bytes, no layout) are still read, wherever they lie in the region; they can't name places outside.
//!
//! # Wear and time
//! A save erases every page of one place once, and no other: with `n` places a page is erased once in `n` saves. Give more pages to save more
//! often: 10,000 erases a page and four places are 40,000 saves. Pages are always erased, also where they read as ones: a cut erase can
//! leave bits that do. Pages of the region that do not make a whole place are never written.
//!
//! A save or a load first reads 32 bytes in every 64 of the region, and then the newest checkpoint once. A save reads once more
//! what it wrote, a load twice. Only where nothing is whole, all of the region is read. Both have buffers of 64 bytes, whatever the size
//! of the network.
//!
//! # What it does not do
//! A marginally programmed word may read differently at each boot, which then alternates between old and new state.
//!
//! # Why not `sequential-storage`
//! Its items must each fit a page, have less than 64 KB, and pass through a buffer in RAM: the 9,676 bytes of a 64-32-10 network do
//! not fit a page of 2 KB. Cut into items they would need a commit over all of them, which it has not. It is asynchronous, has
//! paths to a panic, and to store and fetch one item takes 8.7 KB of Cortex-M4F code (version 8.0, `opt-level = "s"`), where this
//! module adds 3.5 KB to a checkpoint in a buffer.
//!
//! # Source
//! The rules of flash are those of `embedded_storage::nor_flash`, also that no word is written twice between erases. A torn word raises
//! an NMI on an STM32U5 ([trezor-firmware 5312](https://github.com/trezor/trezor-firmware/pull/5312)) and a bus fault on an STM32H7
//! ([zephyr 33140](https://github.com/zephyrproject-rtos/zephyr/issues/33140),
//! [embassy 4777](https://github.com/embassy-rs/embassy/issues/4777)).

mod error;
mod head;
mod save;
mod search;

pub use error::{FlashLoadError, FlashSaveError, RegionError};

use core::ops::Range;

use embedded_storage::nor_flash::NorFlash;

use super::{CHUNK, State, read_training, read_weights, training_bytes, weights_bytes, write_training, write_weights};
use crate::layer::Parameters;
use crate::network::Network;
use crate::optimizer::Optimizer;
use crate::train::Trainer;

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
    end: u32,
    place_bytes: u32,
    places: u32,
}

/// What a save has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Saved {
    /// The sequence number of the checkpoint: newer than all there were, and 0 in an empty region.
    pub sequence: u32,
    /// Places that were tried before and failed: they no longer erase, program or keep their bytes. Above 0 again and again, pages are
    /// worn out; the others take their turns.
    pub skipped: u32,
}

impl<F: NorFlash> Store<F> {
    /// Divides a region of whole pages into places for checkpoints of up to `bytes` bytes.
    ///
    /// Region and `bytes` decide where the places lie. A firmware's next version may give others: see
    /// [another layout](self#another-layout). A `&mut` of a flash is a flash.
    ///
    /// # Errors
    /// See [`RegionError`]. A flash with words of more than 32 bytes, to read or to write, or with pages that are no multiple of 64, does
    /// not compile.
    pub fn new(flash: F, region: Range<u32>, bytes: usize) -> Result<Self, RegionError> {
        const {
            assert!(
                F::WRITE_SIZE > 0 && 32_usize.is_multiple_of(F::WRITE_SIZE),
                "a flash word has 1, 2, 4, 8, 16 or 32 bytes"
            );
            assert!(
                F::READ_SIZE > 0 && 32_usize.is_multiple_of(F::READ_SIZE),
                "32 bytes of flash, head or mark, can be read at once"
            );
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
        Ok(Self { flash, start: region.start, end: region.end, place_bytes, places })
    }

    /// Number of places.
    pub const fn places(&self) -> u32 {
        self.places
    }

    /// Gives the flash back.
    pub fn release(self) -> F {
        self.flash
    }

    /// Saves the weights; says under which sequence number, and whether places had to be skipped.
    ///
    /// # Errors
    /// See [`FlashSaveError`]: the newest checkpoint is still there, in any case. Weights that are not finite are refused before anything
    /// is erased.
    pub fn save_weights<N: Parameters>(&mut self, network: &N) -> Result<Saved, FlashSaveError<F::Error>> {
        self.save(weights_bytes::<N>(), |store, target| write_weights(network, &mut store.sink(target)))
    }

    /// Loads the weights of the newest whole checkpoint; gives its sequence number.
    ///
    /// # Errors
    /// See [`FlashLoadError`]: the network is then as it was, but for [`FlashLoadError::Unsteady`].
    pub fn load_weights<N: Parameters>(&mut self, network: &mut N) -> Result<u32, FlashLoadError<F::Error>> {
        let newest = self.newest()?;
        let start = newest.at.wrapping_add(HEAD_BYTES as u32);
        read_weights(network, newest.head.length as usize, &mut self.source(start))?;
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
    ) -> Result<Saved, FlashSaveError<F::Error>> {
        self.save(training_bytes::<N, O, E>(), |store, target| {
            write_training(network, slots, optimizer, extra, &mut store.sink(target))
        })
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
        let (start, length) = (newest.at.wrapping_add(HEAD_BYTES as u32), newest.head.length as usize);
        read_training(network, slots, optimizer, extra, length, &mut self.source(start))?;
        Ok(newest.head.sequence)
    }

    /// Erases the whole region: to forget everything, or to start anew on a flash that can't be read.
    ///
    /// # Errors
    /// The flash's own, of the first page that fails; all others are erased even so.
    pub fn erase(&mut self) -> Result<(), F::Error> {
        let (mut result, mut page) = (Ok(()), self.start);
        while page < self.end {
            let next = page.wrapping_add(F::ERASE_SIZE as u32);
            result = result.and(self.flash.erase(page, next));
            page = next;
        }
        result
    }

    /// Where a place begins. Nothing wraps in this module: all of it lies in a region of 32-bit addresses.
    const fn address(&self, place: u32) -> u32 {
        self.start.wrapping_add(place.wrapping_mul(self.place_bytes))
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
    ) -> Result<Saved, FlashSaveError<F::Error>> {
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
