//! The first bytes of a place: head and mark.

use crate::checkpoint::CHUNK;
use crate::checkpoint::crc::Crc32;

/// Where the mark begins: behind the largest flash word.
pub(super) const MARK_AT: u32 = 32;
const MAGIC: [u8; 4] = *b"BGFL";
pub(super) const MARK: [u8; 4] = *b"DONE";

/// What the head of a place says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) sequence: u32,
    pub(super) length: u32,
}

/// A place with a mark and an exact head, or about to get them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) place: u32,
    pub(super) head: Head,
}

/// Words in a buffer that starts where a processor can access them at once: some drivers ask for it.
#[repr(align(4))]
pub(super) struct Buffer<const WORDS: usize>(pub(super) [[u8; 4]; WORDS]);

impl Head {
    /// The words at the start of a place.
    pub(super) fn words(self) -> [[u8; 4]; 4] {
        let [sequence, length] = [self.sequence.to_le_bytes(), self.length.to_le_bytes()];
        let mut crc = Crc32::START;
        for byte in [MAGIC, sequence, length].as_flattened() {
            crc.add(*byte);
        }
        [MAGIC, sequence, length, crc.value().to_le_bytes()]
    }

    /// What the words at the start of a place say, if head and mark are exact.
    pub(super) fn of(words: &[[u8; 4]; CHUNK / 4]) -> Option<Self> {
        let [magic, sequence, length, checksum, _, _, _, _, mark, ..] = *words;
        let head = Self { sequence: u32::from_le_bytes(sequence), length: u32::from_le_bytes(length) };
        (mark == MARK && head.words() == [magic, sequence, length, checksum]).then_some(head)
    }
}

/// Whether a sequence number comes after another, also where they wrap: less than half way around.
pub(super) const fn is_newer(sequence: u32, than: u32) -> bool {
    sequence.wrapping_sub(than).wrapping_sub(1) < u32::MAX / 2
}
