//! Fingerprints: 32 bits, computed when the program compiles, that stand for an architecture or for the layout of a saved value.
//!
//! A [`checkpoint`](crate::checkpoint) carries them, so that bytes of another network are refused by name. They are part of its
//! format: the same on every target (sizes count as 64-bit numbers), and never changed for what can already be saved.

/// A fingerprint in the making: `Fingerprint::of("Dense").number(4).number(16).part(Relu::FINGERPRINT).value()`.
///
/// # Source
/// FNV-1a of 32 bits (Fowler, Noll and Vo; draft-eastlake-fnv), each name closed by a byte 0xFF, numbers as eight bytes from the lowest up;
/// in the end the finalizer of Appleby's MurmurHash3, as the last bytes would else hardly reach the low bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fingerprint(u32);

impl Fingerprint {
    /// Starts with the name of a kind: of layer, of activation, of optimizer.
    pub const fn of(kind: &str) -> Self {
        Self(0x811C_9DC5).name(kind)
    }

    /// Goes on with a name.
    pub const fn name(self, name: &str) -> Self {
        let mut hash = self;
        let mut rest = name.as_bytes();
        while let [first, after @ ..] = rest {
            hash = hash.byte(*first);
            rest = after;
        }
        hash.byte(0xFF)
    }

    /// Goes on with a size or another setting that is part of the type.
    pub const fn number(self, number: usize) -> Self {
        self.word(number as u64)
    }

    /// Goes on with the fingerprint of a part.
    pub const fn part(self, fingerprint: u32) -> Self {
        self.word(fingerprint as u64)
    }

    /// The 32 bits.
    pub const fn value(self) -> u32 {
        let mut hash = self.0;
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35);
        hash ^ (hash >> 16)
    }

    const fn word(self, word: u64) -> Self {
        let mut hash = self;
        let mut shift = 0;
        while shift < 64 {
            hash = hash.byte((word >> shift) as u8);
            shift += 8;
        }
        hash
    }

    const fn byte(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u32).wrapping_mul(0x0100_0193))
    }
}

/// The fingerprint of a network from those of its first layers and of the `layers` that follow.
///
/// Associative: however the layers are nested, the same layers in the same order give the same fingerprint.
pub const fn chain(first: u32, following: u32, layers: usize) -> u32 {
    first.wrapping_mul(0x9E37_79B1_u32.wrapping_pow(layers as u32)).wrapping_add(following)
}
