//! Writing a checkpoint to a place, or to the next one if that fails.

use embedded_storage::nor_flash::NorFlash;

use super::head::{Buffer, Entry, Head, Layout, MARK, MARK_AT};
use super::search::Survey;
use super::{FlashSaveError, HEAD_BYTES, Saved, Store};
use crate::checkpoint::{CHUNK, WriteError};

/// What is about to be written.
#[derive(Clone, Copy)]
pub(super) struct Target {
    at: u32,
    sequence: u32,
    length: u32,
    layout: Layout,
}

impl Target {
    /// What will be found.
    const fn entry(self) -> Entry {
        let Self { at, sequence, length, layout } = self;
        Entry { at, marked: true, head: Head { sequence, length, layout: Some(layout) } }
    }
}

impl<F: NorFlash> Store<F> {
    /// Saves a checkpoint of so many bytes, which `write` hands to the sink of a target.
    ///
    /// Any place may be erased but those that the newest whole checkpoint lies in.
    pub(super) fn save(
        &mut self,
        needed: usize,
        mut write: impl FnMut(&mut Self, Target) -> Result<usize, WriteError<F::Error>>,
    ) -> Result<Saved, FlashSaveError<F::Error>> {
        let length = match u32::try_from(needed) {
            Ok(length) if length <= self.place_bytes.saturating_sub(HEAD_BYTES as u32) => length,
            _ => return Err(FlashSaveError::PlaceTooSmall { needed }),
        };
        let Survey { latest, whole, next } = self.survey();
        if latest.and_then(|latest| self.out_of_reach(latest)).is_some() {
            return Err(FlashSaveError::OtherLayout);
        }
        if whole.is_none() {
            // If nothing can be read, the newest may be anywhere.
            self.is_erased().map_err(FlashSaveError::Flash)?;
        }
        let mut place = whole.or(latest).map_or(0, |entry| self.place_behind(entry));
        let mut saved = Saved { sequence: next, skipped: 0 };
        let mut failure = FlashSaveError::OtherLayout;
        for _ in 0..self.places {
            let (at, sequence) = (self.address(place), saved.sequence);
            let layout = Layout { place_bytes: self.place_bytes, place, places: self.places };
            place = self.after(place);
            if whole.is_some_and(|whole| self.overlaps(at, whole)) {
                continue;
            }
            let target = Target { at, sequence, length, layout };
            let result = match write(self, target) {
                Ok(_) => self.commit(target),
                Err(error) => Err(error.into()),
            };
            match result {
                Ok(()) => return Ok(saved),
                // Refused, as it would be in any other place.
                Err(error @ FlashSaveError::Save(_)) => return Err(error),
                Err(error) => failure = error,
            }
            // It may be whole even so, and its number is taken then.
            saved = Saved { sequence: sequence.wrapping_add(1), skipped: saved.skipped.saturating_add(1) };
        }
        Err(failure)
    }

    /// The place that comes after another, around the region.
    const fn after(&self, place: u32) -> u32 {
        let next = place.wrapping_add(1);
        if next < self.places { next } else { 0 }
    }

    /// The place behind a checkpoint.
    ///
    /// If that is of another layout, the first place in its region: so a firmware that goes back to that layout sees the newer head.
    fn place_behind(&self, entry: Entry) -> u32 {
        let mut places = 0..self.places;
        let own = |layout: Layout| Layout { place_bytes: self.place_bytes, places: self.places, ..layout };
        match entry.head.layout {
            Some(layout) if layout != own(layout) || self.address(layout.place) != entry.at => {
                let start = layout.region(entry.at).map_or(0, |(start, _)| start);
                places.find(|place| self.address(*place) >= start).unwrap_or(0)
            }
            _ => places.find(|place| self.address(*place) == entry.at).map_or(0, |place| self.after(place)),
        }
    }

    /// Whether the place at an address shares bytes with a checkpoint, which may be of another layout.
    const fn overlaps(&self, at: u32, entry: Entry) -> bool {
        let end = entry.at as u64 + HEAD_BYTES as u64 + entry.head.length as u64;
        (entry.at as u64) < at as u64 + self.place_bytes as u64 && end > at as u64
    }

    /// Takes the pieces of a checkpoint. The first erases the place; a checkpoint that is refused has none.
    pub(super) fn sink(&mut self, target: Target) -> impl FnMut(&[u8]) -> Result<(), F::Error> {
        let Target { at: start, sequence, length, layout } = target;
        let mut at = start;
        move |piece| {
            if at == start {
                self.flash.erase(start, start.wrapping_add(self.place_bytes))?;
                // Before the checkpoint: where that is whole, so is the head.
                self.put::<8>(start, Head::words(sequence, length, layout).as_flattened())?;
                at = at.wrapping_add(HEAD_BYTES as u32);
            }
            self.put::<{ CHUNK / 4 }>(at, piece)?;
            at = at.wrapping_add(CHUNK as u32);
            Ok(())
        }
    }

    /// Makes a checkpoint count that has been written, by its mark.
    fn commit(&mut self, target: Target) -> Result<(), FlashSaveError<F::Error>> {
        let expected = target.entry();
        let unmarked = Entry { marked: false, ..expected };
        if self.entry(target.at).map_err(FlashSaveError::Flash)? != Some(unmarked)
            || !self.is_sound(unmarked).map_err(FlashSaveError::Flash)?
        {
            return Err(FlashSaveError::NotKept);
        }
        self.put::<8>(target.at.wrapping_add(MARK_AT), &MARK).map_err(FlashSaveError::Flash)?;
        match self.entry(target.at).map_err(FlashSaveError::Flash)? {
            Some(entry) if entry == expected => Ok(()),
            _ => Err(FlashSaveError::NotKept),
        }
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
