//! Bytes one after the other, in pieces of [`CHUNK`] bytes: out to a sink, in from a source.
//!
//! What is called for each value is kept out of line: at `opt-level = 3` saving and loading a training state would else take
//! three times as much flash (34 KB of Cortex-M4F code instead of 10).

use super::CHUNK;
use super::crc::Crc32;

/// Gathers bytes into pieces for a sink, and counts them into the checksum.
pub(super) struct Writer<'s, S, E> {
    sink: &'s mut S,
    crc: Crc32,
    chunk: [u8; CHUNK],
    filled: usize,
    result: Result<(), E>,
}

impl<'s, E, S: FnMut(&[u8]) -> Result<(), E>> Writer<'s, S, E> {
    pub(super) const fn new(sink: &'s mut S) -> Self {
        Self { sink, crc: Crc32::START, chunk: [0; CHUNK], filled: 0, result: Ok(()) }
    }

    #[inline(never)]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.crc.add(byte);
            if let Some(place) = self.chunk.get_mut(self.filled) {
                *place = byte;
            }
            self.filled = self.filled.wrapping_add(1);
            if self.filled >= CHUNK {
                self.flush();
            }
        }
    }

    /// Adds the checksum, and says whether the sink took everything.
    pub(super) fn finish(mut self) -> Result<(), E> {
        let checksum = self.crc.value();
        self.put(&checksum.to_le_bytes());
        self.flush();
        self.result
    }

    /// Hands on what has been gathered; nothing more after the sink has failed.
    fn flush(&mut self) {
        if let Some(piece) = self.chunk.get(..self.filled)
            && !piece.is_empty()
            && self.result.is_ok()
        {
            self.result = (self.sink)(piece);
        }
        self.filled = 0;
    }
}

/// Gives the bytes of a source one after the other, and counts them into the checksum. Beyond the end come zeros; after the
/// source has failed, bytes without a meaning.
pub(super) struct Reader<'s, S, E> {
    source: &'s mut S,
    length: usize,
    /// Bytes taken from the source, and how many of the last piece are left.
    fetched: usize,
    left: usize,
    crc: Crc32,
    chunk: [u8; CHUNK],
    result: Result<(), E>,
}

impl<'s, E, S: FnMut(usize, &mut [u8]) -> Result<(), E>> Reader<'s, S, E> {
    pub(super) const fn new(source: &'s mut S, length: usize) -> Self {
        Self { source, length, fetched: 0, left: 0, crc: Crc32::START, chunk: [0; CHUNK], result: Ok(()) }
    }

    #[inline(never)]
    pub(super) fn take(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.next();
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.take(&mut bytes);
        bytes
    }

    #[inline(never)]
    pub(super) fn skip(&mut self, bytes: usize) {
        for _ in 0..bytes {
            self.next();
        }
    }

    /// Bytes from here to the end.
    pub(super) const fn rest(&self) -> usize {
        self.length.saturating_sub(self.fetched).saturating_add(self.left)
    }

    /// Reads to the end and compares the checksum there; an error is the source's.
    pub(super) fn finish(mut self) -> Result<bool, E> {
        self.skip(self.rest().saturating_sub(4));
        let checksum = self.crc.value();
        let stored = u32::from_le_bytes(self.array());
        self.result.map(|()| checksum == stored)
    }

    /// The source's error so far.
    pub(super) fn result(self) -> Result<(), E> {
        self.result
    }

    fn next(&mut self) -> u8 {
        if self.left == 0 {
            self.fetch();
        }
        let byte = match self.chunk.len().checked_sub(self.left) {
            Some(index) => self.chunk.get(index).copied().unwrap_or(0),
            None => 0,
        };
        self.left = self.left.saturating_sub(1);
        self.crc.add(byte);
        byte
    }

    /// Fills the end of the chunk with the next piece.
    fn fetch(&mut self) {
        let count = self.length.saturating_sub(self.fetched).min(CHUNK);
        let start = CHUNK.saturating_sub(count);
        if let Some(piece) = self.chunk.get_mut(start..)
            && !piece.is_empty()
            && self.result.is_ok()
        {
            self.result = (self.source)(self.fetched, piece);
            self.fetched = self.fetched.saturating_add(count);
            self.left = count;
        }
    }
}
