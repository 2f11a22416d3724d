//! Looking for checkpoints. Nothing here writes, and a piece that can't be read counts as one that holds no head.

use embedded_storage::nor_flash::NorFlash;

use super::head::{Buffer, Entry, Head, Layout, MARK, MARK_AT, is_newer};
use super::{FlashLoadError, HEAD_BYTES, Store};
use crate::checkpoint::header::FRAME;
use crate::checkpoint::stream::Reader;
use crate::checkpoint::{CHUNK, stated_bytes};

/// Bytes from one possible head to the next: pages are a multiple of it, whatever their size has been.
const STRIDE: u32 = CHUNK as u32;

/// What one pass over the region finds.
#[derive(Default)]
struct Found {
    newest: Option<Entry>,
    /// The highest sequence number of all heads, with a mark or without.
    number: Option<u32>,
    /// Pieces that can't be read.
    unread: u32,
    /// Heads looked at, some of them more than once.
    heads: u32,
}

/// What the region holds.
pub(super) struct Survey {
    /// The newest with a mark, whole or not.
    pub(super) latest: Option<Entry>,
    /// The newest whole one.
    pub(super) whole: Option<Entry>,
    /// The sequence number of the next.
    pub(super) next: u32,
}

impl Found {
    /// Counts a head in, if it has a mark or not, as is asked for, and comes after the limit in the search.
    fn add(&mut self, entry: Entry, limit: Option<Entry>, marked: bool) {
        let sequence = entry.head.sequence;
        self.heads = self.heads.saturating_add(1);
        if self.number.is_none_or(|number| is_newer(sequence, number)) {
            self.number = Some(sequence);
        }
        if entry.marked == marked
            && limit.is_none_or(|limit| limit.precedes(entry))
            && self.newest.is_none_or(|newest| entry.precedes(newest))
        {
            self.newest = Some(entry);
        }
    }
}

impl<F: NorFlash> Store<F> {
    /// The newest whole checkpoint.
    pub(super) fn newest(&mut self) -> Result<Entry, FlashLoadError<F::Error>> {
        let Survey { latest, whole, .. } = self.survey();
        if let Some(Layout { place_bytes, places, .. }) = latest.and_then(|latest| self.out_of_reach(latest)) {
            return Err(FlashLoadError::OtherLayout { places, place_bytes });
        }
        match whole {
            Some(newest) => Ok(newest),
            None if self.is_erased().map_err(FlashLoadError::Flash)? => Err(FlashLoadError::Empty),
            None => Err(FlashLoadError::Damaged),
        }
    }

    /// Looks for the newest checkpoint, and from there back for a whole one; if there is none, for one that lacks only its mark.
    pub(super) fn survey(&mut self) -> Survey {
        let Found { newest: latest, number, unread, heads } = self.pass(None, true);
        // What can't be read may hide newer heads, at most one each: should they read well again, the next is still newer.
        let next = number.map_or(0, |number| number.wrapping_add(1)).wrapping_add(unread);
        for marked in [true, false] {
            let mut candidate = if marked { latest } else { self.pass(None, false).newest };
            // As many turns as there are heads: sequence numbers of nobody's making could lead around in a circle.
            for _ in 0..heads.min(self.capacity() / STRIDE) {
                let Some(entry) = candidate else { break };
                if self.is_sound(entry).unwrap_or(false) {
                    return Survey { latest, whole: candidate, next };
                }
                candidate = self.pass(Some(entry), marked).newest;
            }
        }
        Survey { latest, whole: None, next }
    }

    /// The newest of the checkpoints that come after a limit, or of all: wherever a layout could have put them.
    fn pass(&mut self, limit: Option<Entry>, marked: bool) -> Found {
        let mut found = Found::default();
        let mut at = self.start;
        while at < self.end {
            match self.entry(at) {
                Ok(Some(entry)) => {
                    found.add(entry, limit, marked);
                    self.look_outside(entry, &mut |outside| found.add(outside, limit, marked));
                }
                Ok(None) => {}
                Err(_) => found.unread = found.unread.wrapping_add(1),
            }
            at = at.wrapping_add(STRIDE);
        }
        found
    }

    /// Visits the places that belong to a checkpoint's layout and lie outside the region, which was larger then.
    fn look_outside(&mut self, entry: Entry, visit: &mut impl FnMut(Entry)) {
        let Some(layout) = entry.head.layout else { return };
        let Some((start, end)) = self.reach(entry.at, layout) else { return };
        if start >= self.start && end <= self.end {
            return;
        }
        for place in 0..layout.places {
            let at = start.wrapping_add(place.wrapping_mul(layout.place_bytes));
            if (at < self.start || at >= self.end)
                && let Ok(Some(other)) = self.entry(at)
                // Whatever else may be stored there now, another store even.
                && other.head.layout == Some(Layout { place, ..layout })
            {
                visit(other);
            }
        }
    }

    /// The region of a layout, if this flash has all of it.
    fn reach(&self, at: u32, layout: Layout) -> Option<(u32, u32)> {
        layout.region(at).filter(|(_, end)| *end <= self.capacity())
    }

    /// The layout of a checkpoint, if this flash lacks a part of its region: a newer one may have been there.
    pub(super) fn out_of_reach(&self, entry: Entry) -> Option<Layout> {
        entry.head.layout.filter(|layout| self.reach(entry.at, *layout).is_none())
    }

    fn capacity(&self) -> u32 {
        u32::try_from(self.flash.capacity()).unwrap_or(u32::MAX)
    }

    /// Whether nothing has ever been written to the region: all of it reads as ones.
    ///
    /// An error if there is no place that can be read to its end.
    pub(super) fn is_erased(&mut self) -> Result<bool, F::Error> {
        let (mut erased, mut readable, mut failure) = (true, false, None);
        for place in 0..self.places {
            let start = self.address(place);
            match self.is_ones(start, start.wrapping_add(self.place_bytes)) {
                Ok(ones) => (erased, readable) = (erased & ones, true),
                Err(error) => (erased, failure) = (false, Some(error)),
            }
        }
        match failure {
            Some(error) if !readable => Err(error),
            // What is left of the region may hold places of another layout.
            _ => Ok(erased && self.is_ones(self.address(self.places), self.end).unwrap_or(false)),
        }
    }

    /// Whether there is nothing but ones. It reads to the end, to find every error.
    fn is_ones(&mut self, start: u32, end: u32) -> Result<bool, F::Error> {
        let (mut at, mut ones) = (start, true);
        while at < end {
            let Buffer(words) = self.get::<{ CHUNK / 4 }>(at)?;
            ones &= words.iter().all(|word| *word == [0xFF; 4]);
            at = at.wrapping_add(STRIDE);
        }
        Ok(ones)
    }

    /// Whether the bytes of a whole checkpoint lie anywhere in the region, also where head or mark is lost.
    ///
    /// To be asked after [`FlashLoadError::Damaged`]. If none lies there, nothing is lost by a new start: power failed in the first
    /// save, or all is gone anyway. What can't be read is not whole, and a checkpoint of a format version that this release
    /// doesn't load is not recognized.
    pub fn finds_checkpoint(&mut self) -> bool {
        let mut at = self.start;
        while at < self.end {
            if let Ok(Buffer(words)) = self.get::<{ CHUNK / 4 }>(at)
                && let Ok(length) = stated_bytes(words.as_flattened())
                && self.has_checksum(at, length).unwrap_or(false)
            {
                return true;
            }
            at = at.wrapping_add(STRIDE);
        }
        false
    }

    /// The head at an address, if there is an exact one.
    pub(super) fn entry(&mut self, at: u32) -> Result<Option<Entry>, F::Error> {
        let Buffer(words) = self.get(at)?;
        let Some(head) = Head::of(&words) else { return Ok(None) };
        // Read by itself: a mark that is torn, and so can't be read, doesn't take the head with it.
        let mark = self.get::<8>(at.wrapping_add(MARK_AT));
        let marked = matches!(mark, Ok(Buffer([MARK, ..])));
        Ok(Some(Entry { at, marked, head }))
    }

    /// Whether the checkpoint behind a head has the right checksum.
    pub(super) fn is_sound(&mut self, entry: Entry) -> Result<bool, F::Error> {
        let Head { length, layout, .. } = entry.head;
        let room = layout.map_or(u32::MAX, |layout| layout.place_bytes).saturating_sub(HEAD_BYTES as u32);
        if length > room {
            return Ok(false);
        }
        self.has_checksum(entry.at.wrapping_add(HEAD_BYTES as u32), length as usize)
    }

    /// Whether a checkpoint of this length lies at an address, as far as its checksum says.
    fn has_checksum(&mut self, at: u32, length: usize) -> Result<bool, F::Error> {
        let pieces = length.div_ceil(CHUNK).saturating_mul(CHUNK) as u64;
        if length < FRAME || u64::from(at).saturating_add(pieces) > u64::from(self.capacity()) {
            return Ok(false);
        }
        let mut source = self.source(at);
        Reader::new(&mut source, length).finish()
    }

    /// Gives the pieces of the checkpoint at an address.
    pub(super) fn source(&mut self, start: u32) -> impl FnMut(usize, &mut [u8]) -> Result<(), F::Error> {
        move |offset, piece| {
            // The last piece is read beyond the checkpoint: pages hold whole pieces.
            let Buffer(words) = self.get::<{ CHUNK / 4 }>(start.wrapping_add(offset as u32))?;
            for (to, from) in piece.iter_mut().zip(words.as_flattened()) {
                *to = *from;
            }
            Ok(())
        }
    }

    /// Reads some words. What fails once is tried again: only what stays unreadable is torn.
    fn get<const WORDS: usize>(&mut self, at: u32) -> Result<Buffer<WORDS>, F::Error> {
        let mut buffer = Buffer([[0; 4]; WORDS]);
        let bytes = buffer.0.as_flattened_mut();
        if self.flash.read(at, bytes).is_err() {
            self.flash.read(at, bytes)?;
        }
        Ok(buffer)
    }
}
