//! The first bytes of a place: head and mark.

use super::HEAD_BYTES;
use crate::checkpoint::crc::Crc32;

/// Where the mark begins: behind the largest flash word.
pub(super) const MARK_AT: u32 = 32;
/// What a head begins with: its version is the last of the four.
const MAGIC: [u8; 4] = *b"BGF2";
/// Version 1, which doesn't name its layout.
const MAGIC_1: [u8; 4] = *b"BGFL";
pub(super) const MARK: [u8; 4] = *b"DONE";

/// How a region is divided, and which place of it this is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) place_bytes: u32,
    pub(super) place: u32,
    pub(super) places: u32,
}

/// What the head of a place says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) sequence: u32,
    pub(super) length: u32,
    /// Not in a head of version 1.
    pub(super) layout: Option<Layout>,
}

/// An exact head, or one that is about to be written, and where it lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) at: u32,
    pub(super) marked: bool,
    pub(super) head: Head,
}

/// Words in a buffer that starts where a processor can access them at once: some drivers ask for it.
#[repr(align(4))]
pub(super) struct Buffer<const WORDS: usize>(pub(super) [[u8; 4]; WORDS]);

impl Layout {
    /// Start and end of the region, from where the head of this place lies. None if no flash can be divided so.
    pub(super) fn region(self, at: u32) -> Option<(u32, u32)> {
        if self.place_bytes <= HEAD_BYTES as u32 || self.place >= self.places {
            return None;
        }
        let start = at.checked_sub(self.place.checked_mul(self.place_bytes)?)?;
        Some((start, start.checked_add(self.places.checked_mul(self.place_bytes)?)?))
    }
}

impl Entry {
    /// Whether the search comes to it before another: if it is newer, or as new and in front.
    ///
    /// Two can be as new: where two stores lay side by side in what is one region now, or where a head was misread during a save. If
    /// one of them is damaged, the other must still be found.
    pub(super) const fn precedes(self, other: Self) -> bool {
        let (sequence, than) = (self.head.sequence, other.head.sequence);
        is_newer(sequence, than) || (sequence == than && self.at < other.at)
    }
}

impl Head {
    /// The words at the start of a place.
    pub(super) fn words(sequence: u32, length: u32, layout: Layout) -> [[u8; 4]; 7] {
        let Layout { place_bytes, place, places } = layout;
        let [sequence, length, place_bytes, place, places] =
            [sequence, length, place_bytes, place, places].map(u32::to_le_bytes);
        let checksum = checksum(&[MAGIC, sequence, length, place_bytes, place, places]);
        [MAGIC, sequence, length, place_bytes, place, places, checksum]
    }

    /// What the words at the start of a place say, if they are exact.
    pub(super) fn of(words: &[[u8; 4]; 8]) -> Option<Self> {
        let [magic, sequence, length, fourth, place, places, last, _] = *words;
        let layout = match magic {
            MAGIC if checksum(&[magic, sequence, length, fourth, place, places]) == last => {
                let [place_bytes, place, places] = [fourth, place, places].map(u32::from_le_bytes);
                Some(Layout { place_bytes, place, places })
            }
            MAGIC_1 if checksum(&[magic, sequence, length]) == fourth => None,
            _ => return None,
        };
        Some(Self { sequence: u32::from_le_bytes(sequence), length: u32::from_le_bytes(length), layout })
    }
}

fn checksum(words: &[[u8; 4]]) -> [u8; 4] {
    let mut crc = Crc32::START;
    for byte in words.as_flattened() {
        crc.add(*byte);
    }
    crc.value().to_le_bytes()
}

/// Whether a sequence number comes after another, also where they wrap: less than half way around.
pub(super) const fn is_newer(sequence: u32, than: u32) -> bool {
    sequence.wrapping_sub(than).wrapping_sub(1) < u32::MAX / 2
}
